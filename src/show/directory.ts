import type { BatchView } from '../directory/show.ts';
import { counted } from '../money.ts';
import { count, table } from './text.ts';

/* A batch of the directory. */

type DirectoryCounts = {
  readonly cycle: string;
  readonly entries: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
};

export const directoryText = ({ cycle, entries, added, changed, removed }: DirectoryCounts): string =>
  `Directory batch of ${cycle}: ${counted(entries, 'entry', 'entries')} listed; ${count(added)} added, ${count(changed)} changed, ${count(removed)} removed.`;

export function batchText(batch: BatchView): string {
  if (batch.state === 'not-assembled')
    return `The batch of ${batch.cycle} is not assembled yet. Run lkp directory assemble ${batch.cycle}.`;
  return [
    directoryText(batch),
    `State: ${batch.state}; visible by ${batch.visible_by}${batch.compared_with ? `; compared with ${batch.compared_with}` : ''}.`,
    ...seenText(batch),
    '',
    table(
      ['partner', 'action', 'country', 'name', 'URL'],
      batch.list.map((entry) => [entry.partner_mpn_id, entry.action, entry.country, entry.name, entry.url]),
    ),
  ].join('\n');
}

function seenText({ state, confirmed, reopened }: BatchView): string[] {
  if (state !== 'submitted') return [];
  if (!confirmed) return ['In the directory: awaited; nobody has confirmed it yet.'];
  const entries = reopened.map(({ partner_mpn_id, country }) => `${partner_mpn_id}/${country}`);
  return [
    `In the directory: confirmed by ${confirmed.by} on ${confirmed.at.slice(0, 10)}${entries.length > 0 ? `, but for ${entries.join(', ')}, submitted again with the next batch` : ''}.`,
  ];
}
