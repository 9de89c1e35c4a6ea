import type { Cause } from './causes.ts';
import { decimalsOf, isOfTheSize, isWithinHalf } from './figures.ts';

/** The three figures of a line in their shortest text; null where a claim leaves one empty, or we do not know it. */
export interface Figures {
  readonly units: string | null;
  readonly kpi: string | null;
  readonly revenue: string | null;
}

/** How many decimals a claim shows of each figure; what is closer than half of the last one is the same figure, rounded. */
export type Digits = Readonly<Record<keyof Figures, number>>;

/** Figures of a claim. */
export interface Stated extends Figures {
  readonly digits: Digits;
}

const NAMES = ['units', 'kpi', 'revenue'] as const;
/** KPI values that a division makes are rounded to ten decimals (docs/kpis.md). */
const KPI_DECIMALS = 10;

/** What a claim shows; our revenue is rounded to the currency's `minorUnit` itself, and tells no finer difference. */
export function digitsOf(figures: Figures, minorUnit: number): Digits {
  const shown = (figure: string | null, atMost: number): number =>
    figure === null ? atMost : Math.min(decimalsOf(figure), atMost);
  return {
    units: shown(figures.units, KPI_DECIMALS),
    kpi: shown(figures.kpi, KPI_DECIMALS),
    revenue: shown(figures.revenue, minorUnit),
  };
}

const FIELDS = [
  ['purchaseUnit', 'purchase units'],
  ['kpiValue', 'KPI value'],
  ['revenueValue', 'revenue'],
] as const;

/** The figures of a claimed line that are empty, or that could not be read: they agree with everything. */
export const notCompared = (
  line: Readonly<Record<(typeof FIELDS)[number][0], string | null>>,
): readonly string[] => FIELDS.filter(([field]) => line[field] === null).map(([, name]) => name);

const isSame = (stated: Stated, ours: Figures, name: keyof Figures): boolean => {
  const [one, other] = [stated[name], ours[name]];
  if (one === null) return true;
  return other !== null && isWithinHalf(one, other, stated.digits[name]);
};

/** Whether every figure that the claim states is ours, as far as it shows decimals. */
export const agrees = (stated: Stated, ours: Figures): boolean =>
  NAMES.every((name) => isSame(stated, ours, name));

/** Whether no figure contradicts the claim, and at least one is known that says the same. */
export function speaksFor(stated: Stated, row: Figures): boolean {
  const both = NAMES.filter((name) => stated[name] !== null && row[name] !== null);
  return both.length > 0 && both.every((name) => isSame(stated, row, name));
}

/** What `causeOf` compares beside the figures. */
interface Sides {
  readonly claimed: Stated & { readonly month: string; readonly typeKey: string };
  readonly ours: Figures & {
    readonly kpiMonth: string;
    readonly typeKey: string;
    readonly currency: string | null;
    /** The signed effect in that currency. */
    readonly amount: string | null;
  };
}

/** The one cause of a claimed line beside a line of ours: the first that applies, in the order of the catalogue. */
export function causeOf({ claimed, ours }: Sides, reportingCurrency: string): Cause {
  const [units, kpi, revenue] = NAMES.map((name) => isSame(claimed, ours, name));
  if (claimed.month !== ours.kpiMonth) return 'other-month';
  if (claimed.typeKey !== '' && claimed.typeKey !== ours.typeKey) return 'other-type';
  if (!units) return 'other-unit';
  // Without its units, a claim of another KPI value and revenue is of another quantity.
  if (!kpi && claimed.units === null && claimed.revenue !== null && !revenue) return 'other-unit';
  if (!kpi) return 'other-weight';
  if (!revenue) return isRate({ claimed, ours }, reportingCurrency) ? 'other-rate' : 'unexplained';
  const isExact = NAMES.every((name) => claimed[name] === null || claimed[name] === ours[name]);
  return isExact ? 'matched' : 'rounding';
}

/**
 * Whether a rate explains another revenue: the line is in another currency, and no rate is known for it, or the claim has
 * its amount unconverted, or one between half and double of ours, as rates of other days and sources are.
 */
function isRate({ claimed, ours }: Sides, reportingCurrency: string): boolean {
  if (ours.currency === null || ours.currency === reportingCurrency || claimed.revenue === null) return false;
  if (ours.revenue === null) return true;
  const isUnconverted =
    ours.amount !== null && isWithinHalf(claimed.revenue, ours.amount, claimed.digits.revenue);
  return isUnconverted || isOfTheSize(claimed.revenue, ours.revenue);
}
