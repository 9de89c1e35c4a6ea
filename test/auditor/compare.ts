import type { Audited, AuditedLevels, Cell, ClassTotal, Forecast, ReachedLevel, Renewed } from './audit.ts';
import { compareDecimals, decimal } from './decimal.ts';
import type { JudgedRequirement } from './levels.ts';

/** A count or decimal as JSON or a driver gives it. */
type Figure = string | number;
/** A row of a snapshot table; further columns are allowed and ignored. */
type Loose<T> = { readonly [K in keyof T]: Figure | null };

/** What `lkp refresh --json` printed, with cells, classes and levels where the caller read the snapshot's tables. */
export interface Actual {
  readonly cycle: string;
  readonly window: { readonly from: string; readonly to: string };
  readonly locations: Figure;
  readonly partners: Figure;
  readonly kpi_value: Figure;
  readonly revenue_value: Figure;
  readonly currency: string;
  readonly conservation: {
    readonly lines_in: Figure;
    readonly dispositions: Readonly<Record<string, Figure>>;
  };
  /** By disposition and currency, as `snapshot_control` has them. */
  readonly amounts?: Readonly<Record<string, Readonly<Record<string, Figure>>>>;
  readonly cells?: ReadonlyArray<Loose<Cell>>;
  readonly classes?: ReadonlyArray<Loose<ClassTotal>>;
  readonly levels?: ReadonlyArray<Loose<ReachedLevel>>;
}

/** The rows of a snapshot that `auditLevels` recomputes; `not_offered` as one text. */
export interface ActualLevels {
  readonly requirements: ReadonlyArray<Loose<JudgedRequirement>>;
  readonly renewals: ReadonlyArray<Loose<Renewed>>;
  readonly renewalRequirements: ReadonlyArray<Loose<JudgedRequirement>>;
  readonly forecast: ReadonlyArray<Loose<Forecast>>;
}

/** What an ingest says of one file, as far as it is compared. */
export interface Ingested {
  readonly lines_in: Figure;
  readonly dispositions: Readonly<Record<string, Figure>>;
  readonly amount_in: Readonly<Record<string, Figure>>;
  readonly amounts: Readonly<Record<string, Readonly<Record<string, Figure>> | undefined>>;
}

/** A refresh that says what the auditor says: where a test starts from. */
export const asActual = (audited: Audited): Actual => ({
  ...audited,
  window: monthsOf(audited.window),
  amounts: audited.amounts as NonNullable<Actual['amounts']>,
  conservation: { lines_in: audited.lines_in, dispositions: audited.dispositions },
});

/** The software names a window by its months; the audit counts in days. */
const monthsOf = ({ from, to }: Audited['window']): Actual['window'] => ({
  from: from.slice(0, 7),
  to: to.slice(0, 7),
});

/**
 * Every difference between the audit and what the software says, a sentence each; empty = they agree. Decimals are
 * equal by value (`2.0` = `2`); an absent disposition, currency or amount is 0.
 */
export function compare(audited: Audited, actual: Actual): string[] {
  return [
    ...same('cycle', audited.cycle, actual.cycle),
    ...same('window.from', monthsOf(audited.window).from, actual.window.from),
    ...same('window.to', monthsOf(audited.window).to, actual.window.to),
    ...same('currency', audited.currency, actual.currency),
    ...figures('', audited as unknown as Figures, actual as unknown as Figures, [
      'locations',
      'partners',
      'kpi_value',
      'revenue_value',
    ]),
    ...same('conservation.lines_in', audited.lines_in, actual.conservation.lines_in),
    ...figures('dispositions.', audited.dispositions, actual.conservation.dispositions),
    ...(actual.amounts ? nested('amounts', audited.amounts, actual.amounts) : []),
    ...(actual.cells ? rows('cell', CELL_KEY, audited.cells, actual.cells) : []),
    ...(actual.classes ? rows('class', CLASS_KEY, audited.classes, actual.classes) : []),
    ...(actual.levels ? rows('level', LEVEL_KEY, audited.levels, actual.levels) : []),
  ];
}

/** The same for requirements, renewals and the forecast. */
export const compareLevels = (audited: AuditedLevels, actual: ActualLevels): string[] => [
  ...rows('requirement', REQUIREMENT_KEY, audited.requirements, actual.requirements),
  ...rows('renewal', LEVEL_KEY, audited.renewals, actual.renewals),
  ...rows('renewal requirement', REQUIREMENT_KEY, audited.renewalRequirements, actual.renewalRequirements),
  ...rows('forecast', FORECAST_KEY, audited.forecast, actual.forecast),
];

/** The same for one file of an ingest. */
export function compareIngest(expected: Ingested & { readonly name: string }, actual: Ingested): string[] {
  return [
    ...compareTotals(expected, actual),
    ...figures('amount_in.', expected.amount_in, actual.amount_in),
  ].map((difference) => `${expected.name}: ${difference}`);
}

/** The same for several files together: which of two equal rows is the duplicate depends on the order, how many do not. */
export function compareTotals(
  expected: Omit<Ingested, 'amount_in'>,
  actual: Omit<Ingested, 'amount_in'>,
): string[] {
  return [
    ...same('lines_in', expected.lines_in, actual.lines_in),
    ...figures('dispositions.', expected.dispositions, actual.dispositions),
    ...nested('amounts', expected.amounts, actual.amounts),
  ];
}

const CELL_KEY = ['partner_mpn_id', 'location_mpn_id', 'kpi_month', 'omlp_type', 'kpi_class'] as const;
const CLASS_KEY = ['partner_mpn_id', 'kpi_class'] as const;
const LEVEL_KEY = ['partner_mpn_id', 'competency'] as const;
const REQUIREMENT_KEY = ['partner_mpn_id', 'competency', 'level', 'position'] as const;
const FORECAST_KEY = ['partner_mpn_id', 'category', 'ahead'] as const;
/** These are texts even where they look like numbers. */
const TEXTS: ReadonlySet<string> = new Set(['partner_mpn_id', 'location_mpn_id', 'level', 'learning_option']);

type Figures = Readonly<Record<string, Figure | undefined>>;

const isDecimal = (value: string): boolean => /^-?\d+(\.\d+)?$/.test(value);

function same(what: string, wanted: Figure | null, found: Figure | null): string[] {
  const [a, b] = [String(wanted), String(found)];
  const isEqual =
    !TEXTS.has(what.slice(what.lastIndexOf(' ') + 1)) && isDecimal(a) && isDecimal(b)
      ? compareDecimals(decimal(a), decimal(b)) === 0
      : a === b;
  return isEqual ? [] : [`${what}: the auditor says ${a}, the software says ${b}`];
}

function figures(prefix: string, wanted: Figures, found: Figures, names?: readonly string[]): string[] {
  const all = names ?? [...new Set([...Object.keys(wanted), ...Object.keys(found)])].sort();
  return all.flatMap((name) => same(`${prefix}${name}`, wanted[name] ?? 0, found[name] ?? 0));
}

function nested(
  prefix: string,
  wanted: Readonly<Record<string, Figures | undefined>>,
  found: Readonly<Record<string, Figures | undefined>>,
): string[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].sort();
  return names.flatMap((name) => figures(`${prefix}.${name}.`, wanted[name] ?? {}, found[name] ?? {}));
}

function rows<T extends object>(
  what: string,
  key: readonly (keyof T & string)[],
  wanted: readonly T[],
  found: ReadonlyArray<Loose<T>>,
): string[] {
  const keyOf = (row: Loose<T>): string => key.map((column) => String(row[column])).join(' / ');
  const expected = new Map(wanted.map((row) => [keyOf(row as Loose<T>), row as Loose<T>]));
  const seen = new Map(found.map((row) => [keyOf(row), row]));
  const differences =
    found.length === seen.size
      ? []
      : [`${what}: the software has ${found.length} rows under ${seen.size} keys`];
  for (const name of [...new Set([...expected.keys(), ...seen.keys()])].sort()) {
    const [a, b] = [expected.get(name), seen.get(name)];
    if (!a || !b) {
      differences.push(`${what} ${name}: only ${a ? 'the auditor' : 'the software'} has it`);
      continue;
    }
    for (const column of Object.keys(a) as (keyof T & string)[]) {
      differences.push(...same(`${what} ${name} ${column}`, a[column], b[column]));
    }
  }
  return differences;
}
