import {
  DISPOSITIONS,
  type Disposition,
  type Enrolment,
  type InvoiceFile,
  type World,
} from '../../samples/truth.ts';
import { add, compareDecimals, type Decimal, decimal, signed, text, times, ZERO } from './decimal.ts';
import { boughtOf, type JudgedRequirement, type Judgement, judgeEnrolment, programOn } from './levels.ts';
import { euroRates, inDollars } from './rates.ts';
import { monthLater, renewalOf } from './renewals.ts';
import {
  effectOf,
  holds,
  type JudgedRow,
  judge,
  locationOf,
  productOf,
  type ReadRow,
  ruleSetOn,
} from './rows.ts';
import { type RuleSet, shippedRuleSets } from './rule-set.ts';
import { RULES, type Rules } from './rules.ts';

/**
 * The independent auditor: recomputes a cycle from the files and reference data of a sample world. Written from
 * DOMAIN and DESIGN, not from the SQL; slow and obvious. Decimals are texts.
 */

export const CYCLE_DISPOSITIONS = [...DISPOSITIONS, 'not-yet-visible', 'outside-window'] as const;
export type CycleDisposition = (typeof CYCLE_DISPOSITIONS)[number];

/** Amounts by currency: the signed effects of the rows whose amount and currency can be read. */
export type Amounts = Readonly<Record<string, string>>;

/** As a row of `snapshot_cell`. */
export interface Cell {
  readonly partner_mpn_id: string;
  readonly location_mpn_id: string;
  /** First day of the month. */
  readonly kpi_month: string;
  readonly omlp_type: string;
  readonly kpi_class: string;
  readonly lines: number;
  readonly units: string;
  readonly kpi_value: string;
  readonly revenue: string;
  readonly zero_lines: number;
  readonly no_rate_lines: number;
}

/** As a row of `snapshot_class`, without its category. */
export interface ClassTotal {
  readonly partner_mpn_id: string;
  readonly kpi_class: string;
  readonly units: string;
  readonly kpi_value: string;
  readonly counted: string;
  readonly above_cap: string;
  readonly revenue: string;
}

/** As a row of `snapshot_level`; level '' = none. */
export interface ReachedLevel {
  readonly partner_mpn_id: string;
  readonly learning_option: string;
  readonly competency: string;
  readonly anniversary_date: string;
  readonly level: string;
}

export interface Audited {
  readonly cycle: string;
  readonly window: { readonly from: string; readonly to: string };
  readonly lines_in: number;
  readonly dispositions: Readonly<Record<CycleDisposition, number>>;
  readonly amounts: Readonly<Partial<Record<CycleDisposition, Amounts>>>;
  /** Distinct locations with a counted or reversal line in the window, and their distinct partners. */
  readonly locations: number;
  readonly partners: number;
  /** Before caps. */
  readonly kpi_value: string;
  readonly revenue_value: string;
  readonly currency: 'USD';
  readonly cells: readonly Cell[];
  readonly classes: readonly ClassTotal[];
  readonly levels: readonly ReachedLevel[];
}

/** A line that counts in the window. */
export interface Counted {
  readonly partner: string;
  readonly location: string;
  readonly month: string;
  readonly omlpType: string;
  readonly kpiClass: string;
  readonly units: Decimal;
  readonly kpi: Decimal;
  /** Undefined = no rate. */
  readonly revenue: Decimal | undefined;
  readonly isZero: boolean;
}

/** What an ingest says of all files together, whatever they are now. */
export function asTheyStand(
  world: World,
  ruleSet: RuleSet | readonly RuleSet[] = shippedRuleSets(),
  rules: Rules = RULES,
): {
  readonly lines_in: number;
  readonly dispositions: Readonly<Record<Disposition, number>>;
  readonly amounts: Readonly<Partial<Record<Disposition, Amounts>>>;
} {
  const rows = judge(world.reference, world.files, listed(ruleSet), rules, {
    decisions: world.decisions ?? [],
  });
  return {
    lines_in: rows.length,
    dispositions: countBy(
      DISPOSITIONS,
      rows.map(({ disposition }) => disposition),
    ),
    amounts: amountsBy(rows, ({ disposition }) => disposition),
  };
}

const sum = (values: readonly Decimal[]): Decimal => values.reduce(add, ZERO);
const listed = (ruleSet: RuleSet | readonly RuleSet[]): readonly RuleSet[] =>
  'name' in ruleSet ? [ruleSet] : ruleSet;

/** Recomputes a cycle as if every file of the world were known. `rules` is for seeding bugs. */
export function audit(
  world: World,
  options: { readonly cycle: string; readonly ruleSet: RuleSet | readonly RuleSet[] },
  rules: Rules = RULES,
): Audited {
  const { cycle } = options;
  const ruleSets = listed(options.ruleSet);
  const window = rules.window(cycle);
  const rows = judge(world.reference, world.files, ruleSets, rules, {
    visibleUntil: window.to,
    decisions: world.decisions ?? [],
  });

  const inCycle = (row: JudgedRow): CycleDisposition => {
    const isLine = row.disposition === 'counted' || row.disposition === 'reversal';
    if (isLine && row.visibleFrom > window.to) return 'not-yet-visible';
    if (isLine && (row.countsOn < window.from || row.countsOn > window.to)) return 'outside-window';
    return row.disposition;
  };
  const lines = rows
    .filter((row) => inCycle(row) === 'counted' || inCycle(row) === 'reversal')
    .map((row) => countedLine(world, row, ruleSets, rules, window.to));
  const locations = new Set(lines.map(({ location }) => location));
  const partners = new Set(lines.map(({ partner }) => partner).filter((partner) => partner !== ''));
  return {
    cycle,
    window,
    lines_in: rows.length,
    dispositions: countBy(CYCLE_DISPOSITIONS, rows.map(inCycle)),
    amounts: amountsBy(rows, inCycle),
    locations: locations.size,
    partners: partners.size,
    kpi_value: text(sum(lines.map(({ kpi }) => kpi))),
    revenue_value: text(sum(lines.map(({ revenue }) => revenue ?? ZERO))),
    currency: 'USD',
    cells: cellsOf(lines),
    classes: classesOf(lines, programOn(ruleSets, window.to), rules),
    levels: enrolledOn(world, window.to).map((enrolment) => {
      const { anniversary } = renewalOf(enrolment, cycle);
      const { level } = judgeEnrolment(
        { reference: world.reference, ruleSet: programOn(ruleSets, window.to), judgedOn: window.to, lines },
        enrolment,
        anniversary,
      );
      const { partner_mpn_id, learning_option, competency, anniversary_date } = enrolment;
      return { partner_mpn_id, learning_option, competency, anniversary_date, level };
    }),
  };
}

const enrolledOn = (world: World, day: string) =>
  world.reference.enrolments.filter((enrolment) => holds(enrolment, day));

/** As a row of `snapshot_renewal`. */
export interface Renewed {
  readonly partner_mpn_id: string;
  readonly competency: string;
  readonly anniversary: string;
  readonly window_from: string;
  readonly window_to: string;
  readonly provisional: string;
  readonly first_reminder: string;
  readonly second_reminder: string;
  readonly grace_end: string;
  readonly rule_set: string;
  readonly tier: string;
  readonly not_offered: string;
  readonly level: string;
}

/** As a row of `snapshot_forecast`. */
export interface Forecast {
  readonly partner_mpn_id: string;
  readonly category: string;
  readonly ahead: string;
  readonly leaves_kpi: string;
  readonly leaves_revenue: string;
  readonly enters_kpi: string;
  readonly enters_revenue: string;
  readonly kpi_value: string;
  readonly counted: string;
  readonly units: string;
  readonly revenue: string;
}

/** What a cycle says of levels beside `audit`: each requirement, the renewals, and the 12 cycles to come. */
export interface AuditedLevels {
  readonly requirements: readonly JudgedRequirement[];
  readonly renewals: readonly Renewed[];
  readonly renewalRequirements: readonly JudgedRequirement[];
  readonly forecast: readonly Forecast[];
}

export function auditLevels(
  world: World,
  options: { readonly cycle: string; readonly ruleSet: RuleSet | readonly RuleSet[] },
  rules: Rules = RULES,
): AuditedLevels {
  const { cycle } = options;
  const ruleSets = listed(options.ruleSet);
  const window = rules.window(cycle);
  const seen = linesSeen(world, ruleSets, rules, window.to);
  const judgedOver = (enrolment: Enrolment, from: string, to: string): Judgement & { ruleSet: string } => {
    const judgedOn = to < window.to ? to : window.to;
    const ruleSet = programOn(ruleSets, judgedOn);
    const judged = judgeEnrolment(
      { reference: world.reference, ruleSet, judgedOn, lines: seen(from, to, judgedOn) },
      enrolment,
      renewalOf(enrolment, cycle).anniversary,
    );
    return { ...judged, ruleSet: ruleSet?.name ?? '' };
  };
  const enrolments = enrolledOn(world, window.to);
  const renewed = enrolments.map((enrolment) => {
    const renewal = renewalOf(enrolment, cycle);
    return { enrolment, renewal, judged: judgedOver(enrolment, renewal.from, renewal.to) };
  });
  return {
    requirements: enrolments.flatMap(
      (enrolment) => judgedOver(enrolment, window.from, window.to).requirements,
    ),
    renewals: renewed.map(({ enrolment, renewal, judged }) => ({
      partner_mpn_id: enrolment.partner_mpn_id,
      competency: enrolment.competency,
      anniversary: renewal.anniversary,
      window_from: renewal.from,
      window_to: renewal.to,
      provisional: String(renewal.provisional),
      first_reminder: renewal.firstReminder,
      second_reminder: renewal.secondReminder,
      grace_end: renewal.graceEnd,
      rule_set: judged.ruleSet,
      tier: judged.tier,
      not_offered: judged.notOffered.join(),
      level: judged.level,
    })),
    renewalRequirements: renewed.flatMap(({ judged }) => judged.requirements),
    forecast: forecastOf(world, ruleSets, rules, cycle),
  };
}

/** The lines that a cycle shows, by its window's last day; what is returned picks a window and the day of the roll-up. */
function linesSeen(world: World, ruleSets: readonly RuleSet[], rules: Rules, visibleUntil: string) {
  const rows = judge(world.reference, world.files, ruleSets, rules, {
    visibleUntil,
    decisions: world.decisions ?? [],
  }).filter(
    ({ disposition, visibleFrom }) =>
      (disposition === 'counted' || disposition === 'reversal') && visibleFrom <= visibleUntil,
  );
  const made = new Map<string, Counted[]>();
  return (from: string, to: string, day: string): Counted[] => {
    const key = `${from} ${to} ${day}`;
    const lines =
      made.get(key) ??
      rows
        .filter(({ countsOn }) => countsOn >= from && countsOn <= to)
        .map((row) => countedLine(world, row, ruleSets, rules, day));
    made.set(key, lines);
    return lines;
  };
}

/** The cycles to come, as they would be refreshed if nothing more arrived, under this cycle's hierarchy and caps. */
function forecastOf(world: World, ruleSets: readonly RuleSet[], rules: Rules, cycle: string): Forecast[] {
  const { to: today } = rules.window(cycle);
  const ruleSet = programOn(ruleSets, today);
  const shown = Array.from({ length: 13 }, (_, ahead) => {
    const month = monthLater(cycle, ahead);
    const { from, to } = rules.window(month);
    return { month, first: from, lines: linesSeen(world, ruleSets, rules, to)(from, to, today) };
  });
  const partners = [...new Set(shown.flatMap(({ lines }) => lines.map(({ partner }) => partner)))];
  const categories = ['', ...new Set([...(ruleSet?.weights.values() ?? [])].map((one) => one.category))];
  return partners
    .filter((partner) => partner !== '')
    .flatMap((partner) =>
      categories.flatMap((category) =>
        shown.slice(1).flatMap(({ month, lines }, index): Forecast[] => {
          const before = shown[index]!;
          const of = (some: readonly Counted[]) => boughtOf(ruleSet, some, partner, category);
          const [now, last] = [of(lines), of(before.lines)];
          const left = of(before.lines.filter((line) => line.month === before.first));
          const entered = (one: Decimal, two: Decimal, gone: Decimal): string =>
            text(add(add(one, signed(two, -1)), gone));
          const row = {
            leaves_kpi: text(left.kpi),
            leaves_revenue: text(left.revenue),
            enters_kpi: entered(now.kpi, last.kpi, left.kpi),
            enters_revenue: entered(now.revenue, last.revenue, left.revenue),
            kpi_value: text(now.kpi),
            counted: text(now.counted),
            units: text(now.units),
            revenue: text(now.revenue),
          };
          const isNothing = Object.values(row).every((figure) => !/[1-9]/.test(figure));
          return isNothing ? [] : [{ partner_mpn_id: partner, category, ahead: month, ...row }];
        }),
      ),
    );
}

/** What `lkp ingest --json` says of one file when the world's files are ingested in order. */
export function expectedIngest(
  world: World,
  file: string | InvoiceFile,
  ruleSet: RuleSet | readonly RuleSet[] = shippedRuleSets(),
  rules: Rules = RULES,
): {
  readonly name: string;
  readonly lines_in: number;
  readonly dispositions: Readonly<Record<Disposition, number>>;
  readonly amount_in: Amounts;
  readonly amounts: Readonly<Partial<Record<Disposition, Amounts>>>;
} {
  const name = typeof file === 'string' ? file : file.name;
  const index = world.files.findIndex((candidate) => candidate.name === name);
  if (index < 0) throw new Error(`The world has no file ${name}.`);
  const decisions = (world.decisions ?? []).filter((decision) => decision.known <= index);
  const known = judge(world.reference, world.files.slice(0, index + 1), listed(ruleSet), rules, {
    decisions,
  });
  const rows = known.filter(({ at }) => at === index);
  return {
    name,
    lines_in: rows.length,
    dispositions: countBy(
      DISPOSITIONS,
      rows.map(({ disposition }) => disposition),
    ),
    amount_in: total(rows),
    amounts: amountsBy(rows, ({ disposition }) => disposition),
  };
}

export function countedLine(
  world: World,
  row: JudgedRow,
  ruleSets: readonly RuleSet[],
  rules: Rules,
  lastDay: string,
): Counted {
  const product = productOf(world.reference, row.sku, row.date)!;
  const location = locationOf(world.reference, row.customer, row.date)!;
  const ruleSet = ruleSetOn(ruleSets, row.date)!;
  const { weight, perUnits } = ruleSet.weights.get(product.kpi_class)!;
  const units = signed(times(row.quantity!, decimal(product.units_per_sku)), row.treatment.unitSign);
  const holder = world.reference.locations.find(
    (candidate) =>
      candidate.location_mpn_id === location && holds(candidate, rules.rollUpDay(lastDay, row.date)),
  );
  return {
    partner: holder?.partner_mpn_id ?? '',
    location,
    month: `${row.countsOn.slice(0, 7)}-01`,
    omlpType: product.omlp_type,
    kpiClass: product.kpi_class,
    units,
    kpi: rules.kpiOf(units, weight, perUnits),
    revenue: inDollars(
      effectOf(row)!,
      row.currency,
      rules.rateDay(row.date, ruleSet.ratesOfMonthEnd),
      euroRatesOf(world, rules),
    ),
    isZero: row.net!.digits === 0n,
  };
}

const ratesOfWorld = new WeakMap<World, Map<number, ReturnType<typeof euroRates>>>();

/** Reading the rate file takes a while: once for each world. */
function euroRatesOf(world: World, rules: Rules): ReturnType<typeof euroRates> {
  const made = ratesOfWorld.get(world) ?? new Map<number, ReturnType<typeof euroRates>>();
  ratesOfWorld.set(world, made);
  const rates = made.get(rules.rateLookBack) ?? euroRates(world.reference, rules.rateLookBack);
  made.set(rules.rateLookBack, rates);
  return rates;
}

/** Groups by the text that `key` gives, in the order of those texts. */
function groups<T>(values: readonly T[], key: (value: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const value of values) {
    const group = found.get(key(value));
    if (group) group.push(value);
    else found.set(key(value), [value]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function cellsOf(lines: readonly Counted[]): Cell[] {
  const key = (line: Counted): string =>
    JSON.stringify([line.partner, line.location, line.month, line.omlpType, line.kpiClass]);
  return groups(lines, key).map((cell) => ({
    partner_mpn_id: cell[0]!.partner,
    location_mpn_id: cell[0]!.location,
    kpi_month: cell[0]!.month,
    omlp_type: cell[0]!.omlpType,
    kpi_class: cell[0]!.kpiClass,
    lines: cell.length,
    units: text(sum(cell.map(({ units }) => units))),
    kpi_value: text(sum(cell.map(({ kpi }) => kpi))),
    revenue: text(sum(cell.map(({ revenue }) => revenue ?? ZERO))),
    zero_lines: cell.filter(({ isZero }) => isZero).length,
    no_rate_lines: cell.filter(({ revenue }) => revenue === undefined).length,
  }));
}

/** A partner's KPI by class: what is above the cap counts for no level. */
function classesOf(lines: readonly Counted[], ruleSet: RuleSet | undefined, rules: Rules): ClassTotal[] {
  return groups(lines, ({ partner, kpiClass }) => JSON.stringify([partner, kpiClass])).map((group) => {
    const { partner, kpiClass } = group[0]!;
    const kpi = sum(group.map((line) => line.kpi));
    const cap = ruleSet?.weights.get(kpiClass)?.cap;
    const figure = rules.heldAgainst(kpi);
    const counted = cap !== undefined && compareDecimals(figure, cap) > 0 ? cap : figure;
    return {
      partner_mpn_id: partner,
      kpi_class: kpiClass,
      units: text(sum(group.map(({ units }) => units))),
      kpi_value: text(kpi),
      counted: text(counted),
      above_cap: text(add(figure, signed(counted, -1))),
      revenue: text(sum(group.map(({ revenue }) => revenue ?? ZERO))),
    };
  });
}

function countBy<Name extends string>(names: readonly Name[], found: readonly Name[]): Record<Name, number> {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const name of found) counts[name] += 1;
  return counts;
}

function total(rows: readonly ReadRow[]): Amounts {
  const readable = rows.filter((row) => effectOf(row) !== undefined);
  const byCurrency = groups(readable, ({ currency }) => currency);
  return Object.fromEntries(
    byCurrency.map((group) => [group[0]!.currency, text(sum(group.map((row) => effectOf(row)!)))]),
  );
}

function amountsBy<Name extends string>(
  rows: readonly JudgedRow[],
  nameOf: (row: JudgedRow) => Name,
): Partial<Record<Name, Amounts>> {
  const byName = groups(rows, nameOf).map((group): [Name, Amounts] => [nameOf(group[0]!), total(group)]);
  return Object.fromEntries(byName.filter(([, amounts]) => Object.keys(amounts).length > 0)) as Partial<
    Record<Name, Amounts>
  >;
}
