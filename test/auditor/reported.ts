import type { World } from '../../samples/truth.ts';
import { countedLine } from './audit.ts';
import { text, ZERO } from './decimal.ts';
import { judge } from './rows.ts';
import type { RuleSet } from './rule-set.ts';
import { RULES } from './rules.ts';

/** A line that the reports of a cycle show: where it stands, whose it is, and what it is worth. Revenue '0' = no rate. */
export interface ReportedLine {
  readonly file: string;
  readonly row: number;
  readonly partner: string;
  /** `YYYY-MM`. */
  readonly month: string;
  readonly omlpType: string;
  readonly units: string;
  readonly kpi: string;
  readonly revenue: string;
}

/** The lines that make the cells of `audit`, one by one. */
export function reportedLines(
  world: World,
  { cycle, ruleSets }: { readonly cycle: string; readonly ruleSets: readonly RuleSet[] },
): ReportedLine[] {
  const window = RULES.window(cycle);
  const shown = { visibleUntil: window.to, decisions: world.decisions ?? [] };
  return judge(world.reference, world.files, ruleSets, RULES, shown)
    .filter(({ disposition }) => disposition === 'counted' || disposition === 'reversal')
    .filter(({ visibleFrom }) => visibleFrom <= window.to)
    .filter(({ countsOn }) => countsOn >= window.from && countsOn <= window.to)
    .map((row) => {
      const line = countedLine(world, row, ruleSets, RULES, window.to);
      return {
        file: row.file,
        row: row.row,
        partner: line.partner,
        month: line.month.slice(0, 7),
        omlpType: line.omlpType,
        units: text(line.units),
        kpi: text(line.kpi),
        revenue: text(line.revenue ?? ZERO),
      };
    });
}
