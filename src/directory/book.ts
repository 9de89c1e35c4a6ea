import { visibleBy } from '../calendar.ts';
import type { Book, CellValue, TableColumn } from '../ports.ts';
import { type Action, type Batch, countsOf, type Entry } from './batch.ts';

const PARTNER: readonly TableColumn[] = [
  { header: 'Partner MPN ID', kind: 'code', width: 16 },
  { header: 'Name to appear', kind: 'text', width: 42, wrap: true },
  { header: 'Country', kind: 'text', width: 24 },
  { header: 'Country code', kind: 'code', width: 13 },
  { header: 'Landing page (URL)', kind: 'text', width: 56, wrap: true },
];
const UPDATE: readonly TableColumn[] = [
  { header: 'Action', kind: 'text', width: 11 },
  ...PARTNER,
  { header: 'What changed', kind: 'text', width: 64, wrap: true },
];

const ORDER: readonly Action[] = ['added', 'changed', 'removed'];

/** The submission for people: what to do (*Update*), what the directory then shows (*Whole listing*), *About*. */
export function bookOf(batch: Batch): Book {
  const counts = countsOf(batch.entries);
  const update = ORDER.flatMap((action) => batch.entries.filter((entry) => entry.action === action));
  const listed = batch.entries.filter(({ action }) => action !== 'removed');
  return {
    title: `Partner directory, update of ${batch.cycle}`,
    sheets: [
      {
        name: 'Update',
        landscape: true,
        blocks: [
          {
            block: 'table',
            columns: UPDATE,
            rows: update.map((entry) => [entry.action, ...cells(entry), whatChanged(entry)]),
            tint: { column: 0, tones: { added: 'good', removed: 'bad' } },
          },
        ],
      },
      {
        name: 'Whole listing',
        landscape: true,
        blocks: [{ block: 'table', columns: PARTNER, rows: listed.map(cells) }],
      },
      {
        name: 'About',
        blocks: [
          { block: 'text', tone: 'title', text: `Partner directory, update of ${batch.cycle}` },
          {
            block: 'pairs',
            pairs: [
              ['Cycle', batch.cycle, 'month'],
              ['To be visible by', visibleBy(batch.cycle), 'date'],
              [
                'Compared with the batch of',
                batch.comparedWith ?? 'none: this is the first',
                batch.comparedWith ? 'month' : 'text',
              ],
              ['Entries after the update', counts.entries, 'integer'],
              ['Added', counts.added, 'integer'],
              ['Changed', counts.changed, 'integer'],
              ['Removed', counts.removed, 'integer'],
              ['Unchanged', counts.unchanged, 'integer'],
            ],
          },
          {
            block: 'text',
            tone: 'note',
            text: 'Update says what to do; Whole listing is what the directory shows afterwards. An entry is one partner in one country.',
          },
        ],
      },
    ],
  };
}

const cells = (entry: Entry): CellValue[] => [
  entry.partner_mpn_id,
  entry.name,
  entry.country_name,
  entry.country,
  entry.url,
];

function whatChanged(entry: Entry): string {
  if (entry.action === 'added') return 'New entry';
  if (entry.action === 'removed') return 'Take the entry down';
  const name = entry.was_name === entry.name ? [] : [`Name was: ${entry.was_name}`];
  const url = entry.was_url === entry.url ? [] : [`URL was: ${entry.was_url}`];
  return [...name, ...url].join('; ');
}
