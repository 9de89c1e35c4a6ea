import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { csvRecord, csvTable } from '../samples/csv.ts';
import { generate, writeWorld } from '../samples/generate.ts';
import { COLUMNS, cellsOf, type InvoiceFile, type InvoiceLine, type World } from '../samples/truth.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { changesBetween } from '../src/kpi/changes-between.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { asAudited, changedLines } from './auditor/changes.ts';
import { shippedRuleSets } from './auditor/rule-set.ts';
import { type TestContext, testContext } from './harness/context.ts';

const CYCLE = '2020-05';
const THEN = '2020-05-20T10:00:00.000Z';
const LATER = '2020-06-02T10:00:00.000Z';
const ALL = { first: 1_000_000 };
const ruleSets = shippedRuleSets();

const before: World = generate({ partners: 8, locations: 16, from: '2019-04', months: 13 });

let folder: string;
let taken: string;
let it: TestContext;
let clock: string;

const REFERENCE: ReadonlyArray<readonly [kind: KindName, file: string]> = [
  ['partners', 'partners.csv'],
  ['locations', 'locations.csv'],
  ['customers', 'customers.csv'],
  ['enrolments', 'enrolments.csv'],
  ['attainments', 'attainments.csv'],
  ['products', 'products.csv'],
  ['rates', 'eurofxref-2019-04-2020-05.csv'],
  ['rates', 'rates-manual.csv'],
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-known-'));
  await writeWorld(before, folder);
  const first = await testContext({ now: THEN });
  for (const [kind, file] of REFERENCE)
    await loadReference(first.context, kind, join(folder, 'reference', file));
  for (const { name } of before.files) await ingestFile(first.context, join(folder, 'invoices', name));
  taken = await first.keep();
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  clock = THEN;
  it = await testContext({ from: taken, now: () => clock });
});
afterEach(() => it.drop());

/** The first row of the world whose disposition is `counted`, as a line that another file may repeat or credit. */
function someLine(world: World, index: number): InvoiceLine {
  const rows = world.files
    .filter(({ numbered = true }) => numbered)
    .flatMap(({ rows }) => rows.filter(({ expected, oddity }) => expected === 'counted' && oddity === ''));
  const { cells } = rows[index]!;
  const names = Object.keys(EMPTY) as (keyof InvoiceLine)[];
  return Object.fromEntries(names.map((name, column) => [name, cells[column]!])) as unknown as InvoiceLine;
}
const EMPTY: InvoiceLine = {
  number: '',
  date: '',
  code: '',
  currency: '',
  reference: '',
  seller: '',
  customer: '',
  line: '',
  quantity: '',
  price: '',
  net: '',
  item: '',
  sku: '',
};

const fileOf = (name: string, ...lines: InvoiceLine[]): InvoiceFile => ({
  name,
  format: 'csv',
  rows: lines.map((line, index) => ({
    row: index + 2,
    cells: cellsOf(line),
    expected: 'counted',
    oddity: '',
  })),
});

async function takeIn(file: InvoiceFile): Promise<void> {
  const bytes = [COLUMNS, ...file.rows.map(({ cells }) => cells)].map(csvRecord).join('');
  expect(await ingestFile(it.context, await it.write(file.name, bytes))).toMatchObject({
    status: 'ingested',
    dispositions: { rejected: 0, unmapped: 0 },
  });
}

async function load(kind: KindName, rows: readonly object[]): Promise<string[]> {
  const path = await it.write(`${kind}-${clock.slice(0, 10)}.csv`, csvTable(rows, Object.keys(rows[0]!)));
  const said = await loadReference(it.context, kind, path);
  expect(said).toMatchObject({ status: 'loaded', rejected: 0 });
  return said.warnings;
}

/** The world after a late invoice, a credit, a mapping change and a merge that is dated now; and what makes it so. */
function afterwards() {
  const [bought, credited] = [someLine(before, 40), someLine(before, 200)];
  const late = fileOf('late.csv', {
    ...bought,
    number: 'LATE-1',
    date: '2020-01-17',
    quantity: '3',
    price: '',
    net: '1234.56',
  });
  const credit = fileOf('credit.csv', {
    ...credited,
    number: 'CREDIT-1',
    code: '381',
    date: '2020-02-20',
    reference: credited.number,
  });
  const { reference } = before;
  const customers = reference.customers.filter(({ program }) => program === '');
  const moving = customers.find(({ customer_number }) => customer_number !== bought.customer)!;
  const target = reference.locations.find(
    ({ location_mpn_id }) => location_mpn_id !== moving.location_mpn_id,
  )!;
  const moved = [
    { ...moving, valid_to: '2019-12-01' },
    { ...moving, location_mpn_id: target.location_mpn_id, valid_from: '2019-12-01' },
  ];
  const merging = reference.locations.find(
    ({ location_mpn_id, valid_to }) =>
      valid_to === '' &&
      customers.some((customer) => customer.location_mpn_id === location_mpn_id && customer !== moving),
  )!;
  const into = reference.partners.find(({ mpn_id }) => mpn_id !== merging.partner_mpn_id)!;
  const merged = [
    { ...merging, valid_to: '2020-04-10' },
    { ...merging, partner_mpn_id: into.mpn_id, valid_from: '2020-04-10' },
  ];
  const after: World = {
    ...before,
    files: [...before.files, late, credit],
    reference: {
      ...reference,
      customers: reference.customers.flatMap((one) => (one === moving ? moved : [one])),
      locations: reference.locations.flatMap((one) => (one === merging ? merged : [one])),
    },
  };
  return { after, late, credit, moved, merged };
}

const inOrder = <T extends { file: string; row: number }>(lines: readonly T[]): T[] =>
  [...lines].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.row - b.row));

test('a late invoice, a credit, a mapping change and a merge: revision 1 stays, revision 2 differs as the auditor says', async () => {
  expect(await refresh(it.context, CYCLE)).toMatchObject({ outcome: 'refreshed', revision: 1 });
  const frozen = await writeReports(it.context, CYCLE);
  const { after, late, credit, moved, merged } = afterwards();
  clock = LATER;
  await takeIn(late);
  await takeIn(credit);
  await load('customers', moved);
  await load('locations', merged);

  const audited = changedLines({ before, after }, { cycle: CYCLE, ruleSets });
  expect(new Set(audited.map(({ cause }) => cause))).toEqual(
    new Set(['late invoice', 'credit', 'customer', 'merge']),
  );

  // The diff comes before anything is written.
  const differs = await refresh(it.context, CYCLE);
  expect(differs).toMatchObject({ outcome: 'differs', revision: 1, changes: { lines: audited.length } });
  const told = await changesBetween(it.context, CYCLE, ALL);
  expect(told).toMatchObject({ from: { what: 'revision 1' }, to: { what: 'now' }, lines: audited.length });
  expect(inOrder(told.first.map((line) => ({ ...asAudited(line), cause: line.cause })))).toEqual(
    inOrder(audited),
  );

  const restated = await refresh(it.context, CYCLE, { restate: true, reason: 'a late invoice' });
  expect(restated).toMatchObject({ outcome: 'refreshed', revision: 2 });
  expect(restated.changes).toEqual(differs.changes);
  // The same by revisions, by days, and in parts.
  const { from: _from, to: _to, ...figures } = told;
  for (const points of [
    { from: { revision: 1 }, to: { revision: 2 } },
    { to: { revision: 2 } },
    { from: { instant: THEN, label: 'then' }, to: { instant: LATER, label: 'later' } },
  ])
    expect(await changesBetween(it.context, CYCLE, { ...points, ...ALL })).toMatchObject(figures);

  const second = await writeReports(it.context, CYCLE);
  expect(second.revision).toBe(2);
  const again = await writeReports(it.context, CYCLE, { revision: 1 });
  expect(again.files).toEqual(frozen.files);
  expect(again.figures).toEqual(frozen.figures);

  // What was known then is what was frozen then.
  const { figures: known } = await writeReports(it.context, CYCLE, {
    only: 'program',
    asKnownOn: { instant: THEN, label: '2020-05-20' },
  });
  expect(known).toEqual(frozen.figures);
  expect(await it.rows('select revision from snapshot order by 1')).toEqual([
    { revision: 1 },
    { revision: 2 },
  ]);
});
