import type { World } from '../../samples/truth.ts';
import type { LineChange } from '../../src/kpi/changes.ts';
import { shortest } from '../../src/money.ts';
import { countedLine } from './audit.ts';
import { text, ZERO } from './decimal.ts';
import { type JudgedRow, judge, locationOf, productOf } from './rows.ts';
import type { RuleSet } from './rule-set.ts';
import { RULES, type Rules } from './rules.ts';

/**
 * The difference between two states of a world, by brute force: every row of both is judged, and what counts is compared
 * row by row. Written from DESIGN, not from the SQL.
 */

/** What one row brings to a cycle. */
export interface Contribution {
  readonly partner: string;
  readonly location: string;
  /** `YYYY-MM`. */
  readonly month: string;
  readonly omlp_type: string;
  readonly kpi_class: string;
  readonly units: string;
  readonly kpi: string;
  readonly revenue: string;
}

export interface ChangedLine {
  readonly file: string;
  readonly row: number;
  /** Undefined = it counts for nothing. */
  readonly before: Contribution | undefined;
  readonly after: Contribution | undefined;
  readonly cause: string;
}

interface State {
  readonly world: World;
  readonly rows: ReadonlyMap<string, JudgedRow>;
  readonly contributions: ReadonlyMap<string, Contribution>;
}

/** A file that was withdrawn and came again is two files; of one name only one stands. */
const keyOf = ({ file, row }: { file: string; row: number }): string => JSON.stringify([file, row]);

function stateOf(world: World, cycle: string, ruleSets: readonly RuleSet[], rules: Rules): State {
  const window = rules.window(cycle);
  const judged = judge(world.reference, world.files, ruleSets, rules, {
    visibleUntil: window.to,
    decisions: world.decisions ?? [],
  });
  const rows = new Map<string, JudgedRow>();
  const contributions = new Map<string, Contribution>();
  for (const row of judged) {
    if (!row.isWithdrawn || !rows.has(keyOf(row))) rows.set(keyOf(row), row);
    const counts =
      (row.disposition === 'counted' || row.disposition === 'reversal') &&
      row.visibleFrom <= window.to &&
      row.countsOn >= window.from &&
      row.countsOn <= window.to;
    if (!counts) continue;
    const line = countedLine(world, row, ruleSets, rules, window.to);
    contributions.set(keyOf(row), {
      partner: line.partner,
      location: line.location,
      month: line.month.slice(0, 7),
      omlp_type: line.omlpType,
      kpi_class: line.kpiClass,
      units: shortest(text(line.units)),
      kpi: shortest(text(line.kpi)),
      revenue: shortest(text(line.revenue ?? ZERO)),
    });
  }
  return { world, rows, contributions };
}

/** Every row whose contribution to the cycle differs between two worlds, by file and row. */
export function changedLines(
  worlds: { readonly before: World; readonly after: World },
  options: { readonly cycle: string; readonly ruleSets: readonly RuleSet[] },
  rules: Rules = RULES,
): ChangedLine[] {
  const [was, is] = [worlds.before, worlds.after].map((world) =>
    stateOf(world, options.cycle, options.ruleSets, rules),
  ) as [State, State];
  const keys = [...new Set([...was.contributions.keys(), ...is.contributions.keys()])].sort();
  return keys.flatMap((key) => {
    const [before, after] = [was.contributions.get(key), is.contributions.get(key)];
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const [file, row] = JSON.parse(key) as [string, number];
    return [{ file, row, before, after, cause: causeOf(key, was, is) }];
  });
}

/** The first cause that applies, in the order of docs/kpis.md, as far as files, credits, corrections and reference data go. */
function causeOf(key: string, was: State, is: State): string {
  const [before, after] = [was.rows.get(key), is.rows.get(key)];
  if (after?.isWithdrawn) return 'withdrawal';
  if (before === undefined || after === undefined) {
    const row = (after ?? before)!;
    if (row.treatment.documentClass === 'corrected invoice') return 'correction';
    return row.treatment.isCredit ? 'credit' : 'late invoice';
  }
  if (after.disposition === 'quarantined') return 'quarantine';
  if (after.disposition === 'superseded' || before.countsOn !== after.countsOn) return 'correction';
  const place = ({ world }: State) => locationOf(world.reference, after.customer, after.date);
  if (place(was) !== place(is)) return 'customer';
  const product = ({ world }: State) => JSON.stringify(productOf(world.reference, after.sku, after.date));
  if (product(was) !== product(is)) return 'product';
  if (was.contributions.get(key)?.partner !== is.contributions.get(key)?.partner) return 'merge';
  return 'rate';
}

type Sides = Omit<ChangedLine, 'cause'>;

/** A changed line as the software tells it, in the auditor's shape. Decimals are in their shortest text. */
export function asAudited(line: LineChange): Sides {
  const side = (which: 'before' | 'after'): Contribution | undefined =>
    line[`partner_${which}`] === null
      ? undefined
      : {
          partner: line[`partner_${which}`]!,
          location: line[`location_${which}`]!,
          month: line[`month_${which}`]!,
          omlp_type: line[`omlp_type_${which}`]!,
          kpi_class: line[`kpi_class_${which}`]!,
          units: shortest(line[`units_${which}`]),
          kpi: shortest(line[`kpi_${which}`]),
          revenue: shortest(line[`revenue_${which}`]),
        };
  return { file: line.file, row: line.row_no, before: side('before'), after: side('after') };
}

/** The same row of a file that was withdrawn and came again is told once, and not at all where nothing differs. */
export function oncePerRow(lines: readonly Sides[]): Sides[] {
  const found = new Map<string, Sides>();
  for (const line of lines) {
    const other = found.get(keyOf(line));
    found.set(keyOf(line), {
      ...line,
      before: line.before ?? other?.before,
      after: line.after ?? other?.after,
    });
  }
  return [...found.values()].filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
}
