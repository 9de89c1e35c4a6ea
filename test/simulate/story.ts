import { csvRecord, csvTable } from '../../samples/csv.ts';
import { generate } from '../../samples/generate.ts';
import { day, monthAfter } from '../../samples/months.ts';
import { type Draw, drawFrom } from '../../samples/random.ts';
import { columnsOf, type InvoiceFile, type InvoiceRow, type Reference } from '../../samples/truth.ts';
import { invoiceWorkbook } from '../../samples/workbook.ts';
import { monthOf, type Placed, referenceOf, stepsOf } from '../property/month.ts';
import { changesOf, ratesOf } from './reference-story.ts';
import { shifted, shiftedRows } from './shifted.ts';

/** What the world outside does, as a function of a seed: when each file comes, and what is said of partners. */

/** A file for the inbox. `file` is what its rows are; absent: it is no invoice file and must be refused. */
export interface Delivery {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly file?: InvoiceFile;
  /** Its sender still writes it when the inbox is swept: it grows, or is named .part. */
  readonly arriving?: 'grows' | 'part';
}

export type LoadKind = Exclude<keyof Reference, 'ecb' | 'manualRates'> | 'rates';
export interface Load {
  readonly kind: LoadKind;
  readonly name: string;
  readonly content: string;
  /** What the file says, kind by kind, for the auditor. */
  readonly says: Partial<Reference>;
}

/** `at` is an instant in UTC. `complete`: the sender is done with a file that was arriving. */
export type StoryEvent = { readonly at: string } & (
  | { readonly what: 'deliver'; readonly delivery: Delivery }
  | { readonly what: 'complete' | 'withdraw' | 'remove'; readonly name: string }
  | { readonly what: 'load'; readonly load: Load }
);

export interface Story {
  readonly cycles: readonly string[];
  /** Before the first cycle: what a new installation is given. */
  readonly opening: readonly Load[];
  /** By instant. */
  readonly events: readonly StoryEvent[];
}

export const FIRST_CYCLE = '2022-07';
export const MOST_MONTHS = 24;
const ODD_FROM = 5;
/** Months of invoices that lie in the inbox when the first cycle begins. */
const HISTORY = 6;
const SHAPE = { partners: 6, locations: 12 } as const;
/** Small months of corrections, conflicts and withdrawals that begin with each cycle. */
const TANGLES = 2;
const LAST_TANGLED_MONTH = '2023-10';

export const contentOf = (file: InvoiceFile): string =>
  [columnsOf(file), ...file.rows.map(({ cells }) => cells)].map(csvRecord).join('');

/** The first months of a seed's two years. */
export async function storyOf(seed: number, months: number): Promise<Story> {
  const cycles = Array.from({ length: MOST_MONTHS }, (_, index) => monthAfter(FIRST_CYCLE, index));
  const from = monthAfter(FIRST_CYCLE, -HISTORY);
  const draw = drawFrom(seed * 7919 + 1);
  const { reference, files } = generate({ ...SHAPE, seed, from, months: HISTORY + MOST_MONTHS });
  const monthly = files.filter(({ name }) => name.startsWith('marketplace-'));
  const odd = files.filter(({ name }) => !name.startsWith('marketplace-'));
  const owners = reference.partners.map(({ mpn_id }) => mpn_id);
  const events: StoryEvent[] = [];
  const deliver = (at: string, delivery: Delivery): void =>
    void events.push({ at, what: 'deliver', delivery });

  for (const file of monthly.slice(0, HISTORY)) deliver(morning(day(FIRST_CYCLE, 1)), await whole(file));
  for (const [index, cycle] of cycles.entries()) {
    const month = monthly[HISTORY + index - 1]!;
    if (index > 0) events.push(...monthEvents(month, cycle, draw));
    events.push(...sideEvents(index === 0 ? undefined : month, cycle, draw));
    events.push(...tangle(seed, index, cycle, owners, draw));
  }
  // Order confirmations, a pro forma and rows that are sent again.
  for (const [index, file] of odd.entries())
    deliver(morning(day(cycles[ODD_FROM + index]!, 4)), await whole(file));
  const told = changesOf(reference, cycles, draw);
  events.push(...told.events, ...ratesOf(from, cycles, draw));
  const order = (one: StoryEvent, other: StoryEvent): number =>
    one.at < other.at ? -1 : one.at > other.at ? 1 : 0;
  const end = `${monthAfter(FIRST_CYCLE, months)}-01T00:00:00.000Z`;
  return {
    cycles: cycles.slice(0, months),
    opening: told.opening,
    events: events.filter(({ at }) => at < end).sort(order),
  };
}

/** When what comes on a day comes: all at once, in the order in which it is told. */
export const morning = (date: string): string => `${date}T09:00:00.000Z`;

const whole = async (file: InvoiceFile): Promise<Delivery> => ({
  name: file.name,
  file,
  content: file.format === 'xlsx' ? new Uint8Array(await invoiceWorkbook(file.rows)) : contentOf(file),
});

const asCsv = (file: InvoiceFile): Delivery => ({ name: file.name, file, content: contentOf(file) });

/** The invoices of the month before a cycle: in time or late, in one file or in two, whole or still arriving. */
function monthEvents(month: InvoiceFile, cycle: string, draw: Draw): StoryEvent[] {
  const date = day(cycle, draw.integer(3, 13));
  const late = draw.chance(1, 8) ? draw.integer(1, 3) : 0;
  const comes = day(monthAfter(cycle, late), Number(date.slice(8)));
  if (draw.chance(1, 3)) {
    const [one, two] = halves(month);
    const after = draw.chance(1, 4) ? 1 : 0;
    return [
      { at: morning(comes), what: 'deliver', delivery: asCsv(one) },
      { at: morning(monthAfterDay(comes, after)), what: 'deliver', delivery: asCsv(two) },
    ];
  }
  const arriving = draw.chance(1, 4) ? draw.pick(['grows', 'part'] as const) : undefined;
  const delivery = asCsv(month);
  if (!arriving) return [{ at: morning(comes), what: 'deliver', delivery }];
  const done = day(comes.slice(0, 7), draw.integer(16, 19));
  return [
    { at: morning(comes), what: 'deliver', delivery: { ...delivery, arriving } },
    { at: morning(done), what: 'complete', name: delivery.name },
  ];
}

const monthAfterDay = (date: string, count: number): string =>
  day(monthAfter(date.slice(0, 7), count), Number(date.slice(8)));

/** A month torn between documents: what shares a number stays together. */
function halves(file: InvoiceFile): [InvoiceFile, InvoiceFile] {
  const isSecond = ({ cells }: InvoiceRow): boolean =>
    Number(/(\d)$/.exec(cells[0] ?? '')?.[1] ?? 0) % 2 === 1;
  const part = (letter: string, rows: readonly InvoiceRow[]): InvoiceFile => ({
    ...file,
    name: file.name.replace('.csv', `-${letter}.csv`),
    rows: rows.map((row, index) => ({ ...row, row: index + 2 })),
  });
  return [
    part(
      'a',
      file.rows.filter((row) => !isSecond(row)),
    ),
    part('b', file.rows.filter(isSecond)),
  ];
}

/** Beside the month: its bytes under another name, a line of it contradicted, and files that are no invoices. */
function sideEvents(month: InvoiceFile | undefined, cycle: string, draw: Draw): StoryEvent[] {
  const events: StoryEvent[] = [];
  const [copied, contradicted, strange] = [draw.chance(1, 3), draw.chance(1, 3), draw.chance(1, 4)];
  const later = day(cycle, draw.integer(5, 25));
  if (month && copied)
    events.push({
      at: morning(later),
      what: 'deliver',
      delivery: { ...asCsv(month), name: `copy-of-${month.name}` },
    });
  const plain = month?.rows.filter(({ oddity, cells }) => oddity === '' && cells[2] === '380') ?? [];
  if (contradicted && plain.length > 0) {
    const row = draw.pick(plain);
    const cells = row.cells.map((cell, column) => (column === 8 ? '999' : cell));
    const file: InvoiceFile = {
      name: `corrected-${cycle}.csv`,
      format: 'csv',
      rows: [{ row: 2, cells, expected: 'quarantined', oddity: 'contradicted' }],
    };
    events.push({ at: morning(later), what: 'deliver', delivery: asCsv(file) });
  }
  if (strange) {
    const name = draw.pick([`scan-${cycle}.pdf`, `invoice-${cycle}.xml`]);
    const content = name.endsWith('.pdf')
      ? `%PDF-1.4 ${cycle}`
      : `<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>${cycle}</ID><InvoiceLine>`;
    events.push(
      { at: morning(day(cycle, 7)), what: 'deliver', delivery: { name, content } },
      { at: morning(day(cycle, 27)), what: 'remove', name },
    );
  }
  return events;
}

/**
 * Months of the property tests, moved so that their last day lies in the month before the cycle: corrected invoices,
 * credits, conflicts, rows without numbers, files that are withdrawn and come again, over three cycles.
 */
function tangle(
  seed: number,
  index: number,
  cycle: string,
  owners: readonly string[],
  draw: Draw,
): StoryEvent[] {
  const first = (seed % 10_000) * 100 + index * TANGLES + 1;
  const months = Array.from(
    { length: TANGLES },
    (_, more): Placed => ({ id: first + more, month: monthOf(first + more) }),
  );
  const by = monthsFrom(LAST_TANGLED_MONTH, cycle) - 1;
  const prefix = `t${String(index).padStart(2, '0')}-`;
  const events: StoryEvent[] = loadsOf(prefix, months, by, cycle, owners, draw);
  const steps = stepsOf(months, (index % 2) as 0 | 1);
  for (const [place, step] of steps.entries()) {
    if (step.what === 'refresh') continue;
    // A withdrawal follows the sweep; what comes after it in the story comes in the next month.
    const later = Math.min(2, Math.floor((place * 3) / steps.length));
    const month = monthAfter(cycle, later);
    const file: InvoiceFile = {
      ...step.file,
      name: `${prefix}${step.file.name}`,
      rows: shiftedRows(step.file, by),
    };
    if (step.what === 'withdraw')
      events.push({ at: morning(day(month, 26)), what: 'withdraw', name: file.name });
    else events.push({ at: morning(day(month, 6 + later)), what: 'deliver', delivery: asCsv(file) });
  }
  return events;
}

const monthsFrom = (one: string, other: string): number => {
  const count = (month: string): number => Number(month.slice(0, 4)) * 12 + Number(month.slice(5));
  return count(other) - count(one);
};

function loadsOf(
  prefix: string,
  months: readonly Placed[],
  by: number,
  cycle: string,
  owners: readonly string[],
  draw: Draw,
): StoryEvent[] {
  const { locations, customers } = shifted(referenceOf(months), by);
  const late = draw.chance(1, 4) ? 1 : 0;
  // Their locations are the known partners': each partner more would be a workbook more in every cycle.
  const owned = locations.map((location) => ({
    ...location,
    partner_mpn_id: location.partner_mpn_id.startsWith('41') ? owners[0]! : owners[1]!,
  }));
  const load = (kind: 'locations' | 'customers', rows: readonly object[]): Load => ({
    kind,
    name: `${prefix}${kind}.csv`,
    content: csvTable(rows, Object.keys(rows[0]!)),
    says: { [kind]: rows },
  });
  return [
    { at: morning(day(cycle, 2)), what: 'load', load: load('locations', owned) },
    { at: morning(day(monthAfter(cycle, late), 2)), what: 'load', load: load('customers', customers) },
  ];
}
