import { levelText } from '../kpi/changed-sheet.ts';
import type { Changes, LineChange } from '../kpi/changes.ts';
import type { ChangesReport } from '../kpi/changes-between.ts';
import type { Reported } from '../kpi/report.ts';
import { counted, readable } from '../money.ts';
import { count, table } from './text.ts';

/** So many levels are named in text; `--json` has all. */
const NAMED_LEVELS = 50;

/** What changed: how much, the levels crossed, the causes and the first lines; `all` is the command that lists every one. */
export function changesText(changes: Changes, all: string): string {
  const { partners, cells, lines, levels, causes, first } = changes;
  const parts = [
    `${counted(partners, 'partner')}, ${counted(cells, 'month and type of them', 'months and types of them')}, ${lines > 0 ? `${counted(lines, 'line')}, ` : ''}${counted(levels.length, 'level')}`,
    `KPI value ${readable(changes.kpi_before, 0)} -> ${readable(changes.kpi_after, 0)} (${signed(changes.kpi_change, 0)}), revenue ${readable(changes.revenue_before)} -> ${readable(changes.revenue_after)} (${signed(changes.revenue_change)})`,
  ];
  if (levels.length > 0)
    parts.push(
      '',
      table(
        ['partner', 'competency', 'window', 'level before', 'level now'],
        levels
          .slice(0, NAMED_LEVELS)
          .map(({ partner, competency, window, before, after }) => [
            partner,
            competency || 'the whole partner',
            window,
            levelText(before),
            levelText(after),
          ]),
      ),
    );
  if (levels.length > NAMED_LEVELS) parts.push(`and ${count(levels.length - NAMED_LEVELS)} more`);
  if (causes.length > 0)
    parts.push(
      '',
      table(
        ['cause', 'lines', 'KPI change', 'revenue change'],
        causes.map((one) => [
          one.cause,
          count(one.lines),
          signed(one.kpi_change, 0),
          signed(one.revenue_change),
        ]),
      ),
    );
  if (first.length > 0)
    parts.push(
      '',
      table(
        ['partner', 'invoice', 'month', 'KPI', 'revenue', 'cause', 'what happened'],
        first.map(lineCells),
      ),
    );
  if (lines > first.length) parts.push(`and ${counted(lines - first.length, 'more line')}: ${all}`);
  return parts.join('\n');
}

const both = (before: string | null, after: string | null): string =>
  before === null || after === null || before === after ? (after ?? before ?? '') : `${before} -> ${after}`;

const lineCells = (line: LineChange): string[] => [
  both(line.partner_before, line.partner_after) || 'none',
  line.invoice,
  both(line.month_before, line.month_after),
  `${readable(line.kpi_before, 0)} -> ${readable(line.kpi_after, 0)}`,
  `${readable(line.revenue_before)} -> ${readable(line.revenue_after)}`,
  line.cause,
  line.says,
];

/** A change with its sign; nothing is 0. */
function signed(change: string, places?: number): string {
  const text = places === undefined ? readable(change) : readable(change, places);
  return change.startsWith('-') || !/[1-9]/.test(change) ? text : `+${text}`;
}

export function changesReportText(report: ChangesReport): string {
  const { cycle, from, to, partner, out, lines, levels, cells } = report;
  const end = ({ what, known_at }: ChangesReport['from']) => `${what} (known at ${known_at})`;
  const parts = [
    `Cycle ${cycle}${partner === null ? '' : `, partner ${partner}`}: from ${end(from)} to ${end(to)}`,
    lines + levels.length + cells === 0
      ? 'Nothing differs.'
      : changesText(
          report,
          `lkp changes ${cycle} --from '${from.what}' --to '${to.what}' --out changes.xlsx`,
        ),
  ];
  if (out !== null) parts.push('', `All lines: ${out.path}`);
  return parts.join('\n');
}

/** The figures of a report that is no revision, for the terminal. */
export function asKnownText(cycle: string, label: string, { figures }: Reported): string {
  const { kpi_value, revenue_value, currency, known_at, levels } = figures;
  const parts = [
    `Cycle ${cycle} as known on ${label} (the last change of ${known_at}); a computation, not a revision.`,
    `KPI value ${readable(kpi_value, 0)}, revenue ${readable(revenue_value)} ${currency}`,
  ];
  if (levels.length > 0)
    parts.push(
      table(
        ['partner', 'option', 'competency', 'level'],
        levels
          .slice(0, NAMED_LEVELS)
          .map((one) => [
            one.partner,
            one.learning_option,
            one.competency || 'the whole partner',
            levelText(one.level),
          ]),
      ),
    );
  if (levels.length > NAMED_LEVELS) parts.push(`and ${count(levels.length - NAMED_LEVELS)} more`);
  return parts.join('\n');
}
