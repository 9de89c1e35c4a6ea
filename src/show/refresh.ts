import type { RefreshResult } from '../kpi/refresh.ts';
import { counted, readable } from '../money.ts';
import { count, dispositionsText, oneLine, table } from './text.ts';

/* What a refresh computed, and what differs. */

const OUTCOMES: Record<RefreshResult['outcome'], (result: RefreshResult) => string> = {
  refreshed: ({ cycle, revision }) => `Cycle ${cycle} is refreshed: revision ${revision}.`,
  unchanged: ({ cycle, revision }) => `Cycle ${cycle} is unchanged: revision ${revision} stands.`,
  planned: ({ cycle, revision, rules }) =>
    rules === undefined
      ? `A preview of cycle ${cycle}, revision ${revision}; nothing was written.`
      : `What cycle ${cycle} would be under ${rules.join(', ')}, against ${revision === 0 ? 'what is known now' : `revision ${revision} and its facts`}; nothing was written.`,
  differs: ({ cycle, revision, differences }) =>
    `The facts behind cycle ${cycle} changed since revision ${revision} (${counted(differences.length, 'figure')}); nothing was written. ` +
    `To write revision ${revision + 1}: lkp refresh ${cycle} --restate --reason '...'`,
};

export function refreshText(result: RefreshResult, files: number): string {
  const parts = [
    OUTCOMES[result.outcome](result),
    `window: ${result.window.from} to ${result.window.to}`,
    `KPI value ${readable(result.kpi_value, 0)}, revenue ${readable(result.revenue_value)} ${result.currency}, ${counted(result.partners, 'partner')}, ${counted(result.locations, 'location')}`,
    `lines in: ${count(result.conservation.lines_in)} = ${dispositionsText(result.conservation.dispositions)}`,
  ];
  if (result.no_rate_lines > 0)
    parts.push(
      `${counted(result.no_rate_lines, 'line counts', 'lines count')} without revenue: no exchange rate is known for ${result.no_rate_lines === 1 ? 'it' : 'them'}.`,
    );
  for (const gap of result.rule_gaps ?? [])
    parts.push(oneLine(`Note: ${gap} lkp rules use refuses this without --leave-gap.`));
  if (files > 0) parts.push(`${counted(files, 'workbook')} written`);
  if (result.differences.length > 0) {
    // The sums of all partners go before the cells that they are made of.
    const [sums, cells] = [false, true].map((wanted) =>
      result.differences.filter(({ what }) => (what === 'cells') === wanted),
    );
    parts.push(
      '',
      table(
        ['partner', 'figure', 'before', 'after'],
        [...sums!, ...cells!]
          .slice(0, 50)
          .map(({ partner, what, before, after }) => [partner, what, before, after]),
      ),
    );
    if (result.differences.length > 50) parts.push(`and ${count(result.differences.length - 50)} more`);
  }
  return parts.join('\n');
}
