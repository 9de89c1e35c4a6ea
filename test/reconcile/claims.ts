import { drawFrom } from '../../samples/random.ts';
import type { Claim, ClaimLine } from '../../src/reconcile/answer.ts';
import type { Cause } from '../../src/reconcile/causes.ts';
import {
  add,
  compareDecimals,
  type Decimal,
  decimal,
  quotient,
  signed,
  text,
  times,
  ZERO,
} from '../auditor/decimal.ts';
import type { ReportedLine } from '../auditor/reported.ts';
import { ruleSetOn } from '../auditor/rows.ts';
import { shippedRuleSets } from '../auditor/rule-set.ts';
import { causeOf, type Fault, type Partner, PRODUCTS, TYPES, WINDOW, type Written } from './world.ts';

/** Claims: what a partner writes about its invoices, with the faults planted in it, and what an answer must say. */

/** A claim, and what the generator knows of it. */
export interface Drawn {
  readonly partner: Partner;
  readonly claim: Claim;
  readonly faults: readonly Fault[];
  /** The cause of each claimed line, by row; lines with the same words may exchange theirs. */
  readonly causes: ReadonlyMap<number, Cause>;
  /** By month and cause, what the causes add up to; only those that are not 0. */
  readonly gaps: ReadonlyMap<string, { readonly kpi: string; readonly revenue: string }>;
}

interface Figures {
  readonly units: Decimal;
  readonly kpi: Decimal;
  readonly revenue: Decimal;
}

/** Numbers are written in many ways. */
const WAYS: ReadonlyArray<(invoice: string) => string> = [
  (invoice) => invoice,
  (invoice) => invoice.toLowerCase(),
  (invoice) => ` ${invoice.replace('-', ' ')} `,
  (invoice) => invoice.replace('-', ''),
  (invoice) => invoice.replace('-', '/'),
  (invoice) => invoice.replace('-', '\u2013'),
];
const minus = (value: Decimal): Decimal => signed(value, -1);
const isZero = (value: Decimal): boolean => compareDecimals(value, ZERO) === 0;

/** What a partner believes a line to be worth that the report does not show. */
function believed({ line }: Written): Figures {
  const product = PRODUCTS.find(({ sku }) => sku === line.sku) ?? PRODUCTS[0];
  const weight =
    ruleSetOn(shippedRuleSets(), line.date)?.weights.get(product.kpi_class)?.weight ?? decimal('1');
  const units = times(decimal(line.quantity), decimal(product.units_per_sku));
  return { units, kpi: times(units, weight), revenue: decimal(line.net === 'abc' ? '120.00' : line.net) };
}

const typeOf = ({ line }: Written): string =>
  PRODUCTS.find(({ sku }) => sku === line.sku)?.omlp_type ?? 'MOC';

/** Draws the claim of a partner. `shownOf`: what the auditor says that the report shows of a line, if it does. */
export function drawClaim(partner: Partner, shownOf: (written: Written) => ReportedLine | undefined): Drawn {
  const draw = drawFrom(partner.seed + 1_000_003);
  const lines: ClaimLine[] = [];
  const causes = new Map<number, Cause>();
  /** One entry for each effect; which of them count depends on the months that the claim names in the end. */
  const effects: Array<{ month: string; cause: Cause; kpi: Decimal; revenue: Decimal }> = [];
  const faults: Fault[] = [];

  const claim = (
    cause: Cause,
    figures: Figures,
    line: { month: string; type: string; invoice: string },
    leaves: ReadonlyArray<'units' | 'kpi' | 'revenue'> = [],
  ): void => {
    const row = lines.length + 2;
    const shown = (name: 'units' | 'kpi' | 'revenue') => (leaves.includes(name) ? null : text(figures[name]));
    lines.push({
      row,
      kpiMonth: line.month,
      omlpType: draw.chance(1, 4) ? line.type.toUpperCase() : line.type,
      purchaseUnit: shown('units'),
      invoice: line.invoice === '' ? '' : draw.pick(WAYS)(line.invoice),
      kpiValue: shown('kpi'),
      revenueValue: shown('revenue'),
    });
    causes.set(row, cause);
  };
  const effect = (month: string, cause: Cause, { kpi, revenue }: Pick<Figures, 'kpi' | 'revenue'>): void => {
    effects.push({ month, cause, kpi, revenue });
  };

  for (const invoice of grouped(partner.written, ({ line }) => line.number)) {
    const shown = invoice.map((written) => ({ written, report: shownOf(written) }));
    const isPlain = shown.every(({ written, report }) => report && !written.fault && written.isTheirs);
    if (isPlain && shown.length > 1 && draw.chance(1, 4)) {
      // One line for the whole invoice: no fault.
      const all = (name: 'units' | 'kpi' | 'revenue') =>
        shown.map(({ report }) => decimal(report![name])).reduce(add, ZERO);
      const { month, omlpType: type } = shown[0]!.report!;
      const summed = { units: all('units'), kpi: all('kpi'), revenue: all('revenue') };
      claim('matched', summed, { month, type, invoice: invoice[0]!.line.number });
      continue;
    }
    for (const { written, report } of shown) {
      if (written.fault && (written.isTheirs || written.fault === 'credited')) faults.push(written.fault);
      if (report)
        plantShown(
          written,
          report,
          invoice.every((line) => !line.fault),
        );
      else plantHidden(written);
    }
  }

  function plantShown(written: Written, report: ReportedLine, mayLeave: boolean) {
    const { fault, isTheirs } = written;
    const figures = {
      units: decimal(report.units),
      kpi: decimal(report.kpi),
      revenue: decimal(report.revenue),
    };
    const { month, omlpType: type } = report;
    const line = { month, type, invoice: written.line.number };
    const lacking = { kpi: minus(figures.kpi), revenue: minus(figures.revenue) };
    const differs = (name: 'kpi' | 'revenue', value: Decimal): Pick<Figures, 'kpi' | 'revenue'> => ({
      kpi: ZERO,
      revenue: ZERO,
      [name]: add(value, minus(figures[name])),
    });
    if (!isTheirs) {
      // What counts instead of a claimed line, or takes one back.
      effect(month, causeOf(fault!), lacking);
      return;
    }
    switch (fault) {
      case undefined: {
        const leaves = mayLeave && draw.chance(1, 8) ? [draw.pick(['units', 'kpi', 'revenue'] as const)] : [];
        return claim('matched', figures, line, leaves);
      }
      case 'duplicate':
        claim('matched', figures, line);
        claim('duplicate', figures, line);
        return effect(month, 'duplicate', figures);
      case 'other-month': {
        const other = draw.pick(WINDOW.filter((one) => one !== month));
        claim('other-month', figures, { ...line, month: other });
        effect(other, 'other-month', figures);
        return effect(month, 'other-month', lacking);
      }
      case 'other-type':
        return claim('other-type', figures, {
          ...line,
          type: draw.pick(TYPES.filter((one) => one !== type)),
        });
      case 'other-unit': {
        const weight = quotient(figures.kpi, figures.units, 2);
        const more = decimal(String(draw.integer(1, 4)));
        const kpi = add(figures.kpi, times(more, weight));
        claim('other-unit', { ...figures, units: add(figures.units, more), kpi }, line);
        return effect(month, 'other-unit', differs('kpi', kpi));
      }
      case 'other-weight': {
        const kpi = add(figures.kpi, figures.units);
        claim('other-weight', { ...figures, kpi }, line);
        return effect(month, 'other-weight', differs('kpi', kpi));
      }
      case 'other-rate': {
        const revenue = draw.chance(1, 2)
          ? decimal(written.line.net)
          : quotient(times(figures.revenue, decimal('1.03')), decimal('1'), 2);
        claim('other-rate', { ...figures, revenue }, line);
        return effect(month, 'other-rate', differs('revenue', revenue));
      }
      case 'rounding': {
        const revenue = quotient(figures.revenue, decimal('1'), draw.integer(0, 1));
        const isSame = isZero(add(revenue, minus(figures.revenue)));
        claim(isSame ? 'matched' : 'rounding', { ...figures, revenue }, line);
        return effect(month, 'rounding', differs('revenue', revenue));
      }
      case 'unexplained': {
        const revenue = add(figures.revenue, decimal('17.31'));
        claim('unexplained', { ...figures, revenue }, line);
        return effect(month, 'unexplained', differs('revenue', revenue));
      }
      case 'not-claimed':
        return effect(month, 'not-claimed', lacking);
      case 'no-invoice-number':
        claim('no-invoice-number', figures, { ...line, invoice: '' });
        effect(month, 'no-invoice-number', figures);
        return effect(month, 'not-claimed', lacking);
      default:
        throw new Error(`${fault} was planted in a line that the report shows`);
    }
  }

  function plantHidden(written: Written): void {
    const { fault, line } = written;
    if (!fault) throw new Error(`the report does not show ${line.number}, and nothing is wrong with it`);
    const figures = believed(written);
    const month = line.date.slice(0, 7);
    claim(causeOf(fault), figures, { month, type: typeOf(written), invoice: line.number });
    effect(month, causeOf(fault), figures);
  }

  const months = new Set(lines.map(({ kpiMonth }) => kpiMonth));
  const gaps = new Map<string, { kpi: string; revenue: string }>();
  for (const group of grouped(
    effects.filter(({ month }) => months.has(month)),
    ({ month, cause }) => `${month} ${cause}`,
  )) {
    const [kpi, revenue] = [
      group.map((one) => one.kpi).reduce(add, ZERO),
      group.map((one) => one.revenue).reduce(add, ZERO),
    ];
    if (!isZero(kpi) || !isZero(revenue))
      gaps.set(`${group[0]!.month} ${group[0]!.cause}`, { kpi: text(kpi), revenue: text(revenue) });
  }
  return {
    partner,
    claim: {
      name: `claim-${partner.seed}.csv`,
      sha256: '',
      partners: [],
      lines,
      leftOut: [],
      unreadable: [],
    },
    faults,
    causes,
    gaps,
  };
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return [...groups.values()];
}
