import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generate, writeWorld } from '../samples/generate.ts';
import { COLUMNS, cellsOf, type InvoiceLine, type World } from '../samples/truth.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { type RefreshResult, refresh } from '../src/kpi/refresh.ts';
import { useRules } from '../src/kpi/rules.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { audit, expectedIngest } from './auditor/audit.ts';
import { type Actual, compare, compareIngest } from './auditor/compare.ts';
import { shippedRuleSets } from './auditor/rule-set.ts';
import { type TestContext, testContext } from './harness/context.ts';

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

/** A smaller world than the sample, from months on that two cycles of 2020 look back to. */
const world: World = generate({ partners: 14, locations: 30, from: '2019-04', months: 14 });
const ruleSets = shippedRuleSets();

let folder: string;
/** The database that knows the world's reference data, and the one that took in its files as well. */
let referred: string;
let taken: string;
const said = new Map<string, Awaited<ReturnType<typeof ingestFile>>>();

const pathOf = (name: string): string => join(folder, 'invoices', name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-month-'));
  await writeWorld(world, folder);
  const first = await testContext({ now: '2020-05-20T10:00:00.000Z' });
  for (const [kind, file] of REFERENCE) {
    const { status, reason } = await loadReference(first.context, kind, join(folder, 'reference', file));
    expect({ file, status, reason }).toEqual({ file, status: 'loaded', reason: undefined });
  }
  referred = await first.keep();
  const second = await testContext({ from: referred, now: '2020-05-20T10:00:00.000Z' });
  for (const { name } of world.files) said.set(name, await ingestFile(second.context, pathOf(name)));
  taken = await second.keep();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let it: TestContext;
let clock: string;
const open = async (from: string): Promise<void> => {
  clock = '2020-05-21T08:00:00.000Z';
  it = await testContext({ from, now: () => clock });
};
afterEach(() => it?.drop());

/** What a refresh said, with the rows of its revision. */
async function actual(result: RefreshResult): Promise<Actual> {
  const of = (table: string, columns: string) =>
    it.rows(`select ${columns} from snapshot_${table} where cycle = $1 and revision = $2`, [
      result.cycle,
      result.revision,
    ]);
  const amounts: Record<string, Record<string, string>> = {};
  for (const { disposition, currency, amount } of (await of(
    'control',
    'disposition, currency, amount',
  )) as Array<Record<'disposition' | 'currency' | 'amount', string>>) {
    if (currency === '') continue;
    amounts[disposition] ??= {};
    amounts[disposition][currency] = amount;
  }
  return {
    ...result,
    amounts,
    cells: (await of('cell', '*')) as unknown as NonNullable<Actual['cells']>,
    classes: (await of('class', '*')) as unknown as NonNullable<Actual['classes']>,
    levels: (await of('level', '*')) as unknown as NonNullable<Actual['levels']>,
  };
}

const line = (differs: Partial<InvoiceLine>): string[] => [
  ...cellsOf({
    number: 'LATE-1',
    date: '2019-12-10',
    code: '380',
    currency: 'USD',
    reference: '',
    seller: '',
    customer: '',
    line: '1',
    quantity: '1',
    price: '',
    net: '10.00',
    item: '',
    sku: 'AZ-103T00',
    ...differs,
  }),
];

/** A canonical file with these rows. */
const fileOf = (name: string, ...rows: readonly string[][]): Promise<string> =>
  it.write(
    name,
    [COLUMNS, ...rows].map((cells) => `${cells.map((cell) => `"${cell}"`).join(',')}\n`).join(''),
  );

/** A customer number that counts on a day: its location belongs to a partner all the time. */
const customerOn = (day: string): { customer: string; location: string; partner: string } => {
  const open = (span: { valid_from: string; valid_to: string }) =>
    span.valid_from <= day && span.valid_to === '';
  for (const { customer_number, location_mpn_id, program, ...span } of world.reference.customers) {
    const places = world.reference.locations.filter((place) => place.location_mpn_id === location_mpn_id);
    if (program === '' && open(span) && places.length === 1 && open(places[0]!))
      return { customer: customer_number, location: location_mpn_id, partner: places[0]!.partner_mpn_id };
  }
  throw new Error(`no customer number of the world is valid on ${day}`);
};

const snapshotRows = async (cycle: string, revision: number): Promise<Record<string, object[]>> => {
  const found: Record<string, object[]> = {};
  for (const table of ['', '_rule_set', '_cell', '_class', '_level', '_requirement', '_control']) {
    found[table] = await it.rows(
      `select t.*::text as row from snapshot${table} as t where cycle = $1 and revision = $2 order by 1`,
      [cycle, revision],
    );
  }
  return found;
};

describe('the auditor, who shares no code with the engine, agrees', () => {
  test.each(world.files.map(({ name }) => name))('on every row and amount of %s', (name) => {
    const found = said.get(name)!;
    expect(found).toMatchObject({ name, status: 'ingested' });
    expect(compareIngest(expectedIngest(world, name), found)).toEqual([]);
  });

  test.each(['2020-01', '2020-02', '2020-05'])('on cells, levels and totals of cycle %s', async (cycle) => {
    await open(taken);
    const result = await refresh(it.context, cycle);
    expect(result).toMatchObject({ revision: 1, outcome: 'refreshed' });
    const audited = audit(world, { cycle, ruleSet: ruleSets });
    // An audit of nothing would agree with anything.
    expect(audited.cells.length).toBeGreaterThan(100);
    expect(new Set(audited.levels.map(({ level }) => level)).size).toBeGreaterThan(1);
    expect(compare(audited, await actual(result))).toEqual([]);
  });

  test('also when cycles are refreshed out of order, and files came in reverse', async () => {
    await open(referred);
    await ingestAll(
      it.context,
      [...world.files].reverse().map(({ name }) => pathOf(name)),
    );
    for (const cycle of ['2020-05', '2020-01']) {
      const audited = audit(world, { cycle, ruleSet: ruleSets });
      const { cells, levels, kpi_value, revenue_value } = await refresh(it.context, cycle).then(
        async (result) => ({
          ...result,
          ...(await actual(result)),
        }),
      );
      const {
        conservation: _order,
        amounts: _amounts,
        ...rest
      } = await actual(await refresh(it.context, cycle));
      expect(
        compare(audited, {
          ...rest,
          cells: cells!,
          levels: levels!,
          kpi_value,
          revenue_value,
          conservation: asIs(audited),
        }),
      ).toEqual([]);
    }
  });

  /** Which of two equal rows is the duplicate depends on the order; the audit's totals stand in for them. */
  const asIs = ({ lines_in, dispositions }: ReturnType<typeof audit>) => ({ lines_in, dispositions });
});

describe('a cycle', () => {
  beforeEach(() => open(taken));

  test('2020-01 shows 2019-01 to 2019-12; an invoice of 2020-01 is not yet visible there and counts in 2020-02', async () => {
    await it.drop();
    await open(referred);
    const { customer, location } = customerOn('2020-01-15');
    await ingestFile(
      it.context,
      await fileOf(
        'january.csv',
        line({ customer, date: '2020-01-15' }),
        line({ customer, date: '2020-01-15', line: '2' }),
      ),
    );
    const january = await refresh(it.context, '2020-01');
    expect(january.window).toEqual({ from: '2019-01', to: '2019-12' });
    expect(january.conservation).toMatchObject({
      lines_in: 2,
      dispositions: { 'not-yet-visible': 2, counted: 0 },
    });
    expect(january.kpi_value).toBe('0');

    const february = await refresh(it.context, '2020-02');
    expect(february.window).toEqual({ from: '2019-02', to: '2020-01' });
    expect(february.conservation).toMatchObject({
      lines_in: 2,
      dispositions: { 'not-yet-visible': 0, counted: 2 },
    });
    expect(february.kpi_value).toBe('4');
    expect(await it.rows('select cycle, location_mpn_id, kpi_month from snapshot_cell')).toEqual([
      { cycle: '2020-02', location_mpn_id: location, kpi_month: '2020-01-01' },
    ]);
    // And it leaves the window a year later.
    clock = '2021-03-01T00:00:00.000Z';
    expect((await refresh(it.context, '2021-01')).conservation.dispositions.counted).toBe(2);
    expect((await refresh(it.context, '2021-02')).conservation.dispositions).toMatchObject({
      counted: 0,
      'outside-window': 2,
    });
  });

  test('refreshed again is unchanged and writes nothing, also from another process', async () => {
    const first = await refresh(it.context, '2020-05');
    const rows = await snapshotRows('2020-05', 1);
    const changes = await it.rows('select * from change');
    expect(await refresh(it.context, '2020-05')).toEqual({ ...first, outcome: 'unchanged' });
    await it.rows('delete from month_built');
    expect(await refresh(it.context, '2020-05')).toEqual({ ...first, outcome: 'unchanged' });
    expect(await snapshotRows('2020-05', 1)).toEqual(rows);
    expect(await it.rows('select * from change')).toEqual(changes);
    expect(await it.rows('select cycle, revision from snapshot')).toEqual([
      { cycle: '2020-05', revision: 1 },
    ]);
  });

  test('a late file: the refresh differs and writes nothing; restated it is revision 2; revision 1 stays', async () => {
    const { customer, partner } = customerOn('2019-12-10');
    const first = await refresh(it.context, '2020-05');
    const rows = await snapshotRows('2020-05', 1);
    const knownThen = clock;

    clock = '2020-05-22T08:00:00.000Z';
    await ingestFile(it.context, await fileOf('late.csv', line({ customer, quantity: '7', net: '70.00' })));
    const plan = await refresh(it.context, '2020-05', { plan: true });
    const late = await refresh(it.context, '2020-05');
    expect(late).toMatchObject({ revision: 1, outcome: 'differs' });
    expect(plan).toMatchObject({ revision: 2, outcome: 'planned', kpi_value: late.kpi_value });
    expect(late.differences).toContainEqual({
      what: 'kpi',
      partner,
      before: expect.any(String),
      after: expect.any(String),
    });
    const kpi = late.differences.find(({ what }) => what === 'kpi')!;
    expect(Number(kpi.after) - Number(kpi.before)).toBe(14);
    expect(Number(late.kpi_value) - Number(first.kpi_value)).toBe(14);
    expect(late.differences.every((difference) => difference.partner === partner)).toBe(true);
    expect(await it.rows('select revision from snapshot')).toEqual([{ revision: 1 }]);
    expect(await snapshotRows('2020-05', 1)).toEqual(rows);

    await expect(refresh(it.context, '2020-05', { restate: true })).rejects.toThrow(/needs a reason/);
    const restated = await refresh(it.context, '2020-05', { restate: true, reason: 'a file came late' });
    expect(restated).toMatchObject({ revision: 2, outcome: 'refreshed', kpi_value: late.kpi_value });
    expect(await snapshotRows('2020-05', 1)).toEqual(rows);
    expect(await it.rows('select revision, reason from snapshot order by 1')).toEqual([
      { revision: 1, reason: null },
      { revision: 2, reason: 'a file came late' },
    ]);
    expect(await refresh(it.context, '2020-05')).toMatchObject({ revision: 2, outcome: 'unchanged' });

    // As known before the late file: revision 1's figures, and nothing is written.
    const asOf = await refresh(it.context, '2020-05', { plan: true, asOf: knownThen });
    expect({ ...asOf, revision: 1, outcome: 'refreshed', differences: [], changes: null }).toEqual(first);
    expect(await refresh(it.context, '2020-05', { asOf: knownThen })).toMatchObject({ outcome: 'differs' });
    expect(await refresh(it.context, '2020-05')).toMatchObject({ revision: 2, outcome: 'unchanged' });
    await expect(refresh(it.context, '2020-05', { asOf: '2001-01-01T00:00:00Z' })).rejects.toThrow(
      /Nothing was known/,
    );
  });

  test('a file of a month outside the window changes nothing of a cycle', async () => {
    const { customer } = customerOn('2020-05-10');
    const first = await refresh(it.context, '2020-05');
    await ingestFile(it.context, await fileOf('may.csv', line({ customer, date: '2020-05-10' })));
    expect(await refresh(it.context, '2020-05')).toMatchObject({
      outcome: 'unchanged',
      kpi_value: first.kpi_value,
      revision: 1,
    });
  });

  test('reference data that arrives late releases unmapped rows by itself', async () => {
    const { location } = customerOn('2019-12-10');
    await ingestFile(
      it.context,
      await fileOf(
        'stranger.csv',
        line({ customer: 'STRANGER', number: 'S-1' }),
        line({ customer: 'STRANGER', number: 'S-2', sku: 'BRAND-NEW', quantity: '3' }),
      ),
    );
    const before = await refresh(it.context, '2020-05', { plan: true });
    await loadReference(
      it.context,
      'customers',
      await it.write('customers.csv', `customer_number,location_mpn_id\nstranger,${location}\n`),
    );
    const between = await refresh(it.context, '2020-05', { plan: true });
    await loadReference(
      it.context,
      'products',
      await it.write(
        'products.csv',
        'sku,omlp_type,kpi_class,units_per_sku\nBrand-New,MOC,courseware-advanced,5\n',
      ),
    );
    const after = await refresh(it.context, '2020-05', { plan: true });
    const unmapped = [before, between, after].map(({ conservation }) => conservation.dispositions.unmapped);
    expect(unmapped).toEqual([unmapped[0], unmapped[0]! - 1, unmapped[0]! - 2]);
    const kpi = [before, between, after].map(({ kpi_value }) => Number(kpi_value));
    expect(kpi).toEqual([kpi[0], kpi[0]! + 2, kpi[0]! + 2 + 30]);
    expect(after.conservation.lines_in).toBe(before.conservation.lines_in);
    // The file itself says it as well, without having been touched.
    const again = await ingestFile(
      it.context,
      await fileOf(
        'stranger.csv',
        line({ customer: 'STRANGER', number: 'S-1' }),
        line({ customer: 'STRANGER', number: 'S-2', sku: 'BRAND-NEW', quantity: '3' }),
      ),
    );
    expect(again).toMatchObject({ status: 'duplicate', dispositions: { counted: 2, unmapped: 0 } });
  });

  test('a merge moves all twelve months with the location', async () => {
    const { location, partner } = customerOn('2019-12-10');
    const heir = world.reference.partners.find(
      ({ mpn_id, valid_to }) =>
        mpn_id !== partner &&
        valid_to === '' &&
        world.reference.locations.some((place) => place.partner_mpn_id === mpn_id),
    )!.mpn_id;
    const first = await refresh(it.context, '2020-05');
    const cells = async (revision: number) =>
      it.rows(
        `select partner_mpn_id, kpi_month, omlp_type, kpi_class, kpi_value::text from snapshot_cell
         where revision = $1 and location_mpn_id = $2 order by 2, 3, 4`,
        [revision, location],
      );
    const before = await cells(1);
    expect(new Set(before.map(({ kpi_month }) => kpi_month)).size).toBeGreaterThan(6);

    // The location changes hands in the window's last month.
    await loadReference(
      it.context,
      'locations',
      await it.write(
        'locations.csv',
        `location_mpn_id,partner_mpn_id,country,valid_from,valid_to\n${location},${partner},US,2015-01-01,2020-04-30\n${location},${heir},US,2020-04-30,\n`,
      ),
    );
    const merged = await refresh(it.context, '2020-05', { restate: true, reason: 'merged' });
    expect(merged.kpi_value).toBe(first.kpi_value);
    expect(await cells(2)).toEqual(before.map((cell) => ({ ...cell, partner_mpn_id: heir })));
    expect(new Set(merged.differences.map((difference) => difference.partner))).toEqual(
      new Set([partner, heir]),
    );
    // A cycle whose window ended before the merge does not follow it.
    const earlier = await refresh(it.context, '2020-04');
    expect(
      await it.rows(
        `select distinct partner_mpn_id from snapshot_cell where cycle = $1 and location_mpn_id = $2`,
        [earlier.cycle, location],
      ),
    ).toEqual([{ partner_mpn_id: partner }]);
  });

  test('a rule set put in force later is seen, and the revision that used the other one stays', async () => {
    const first = await refresh(it.context, '2020-05');
    const rows = await snapshotRows('2020-05', 1);
    const [set] = await it.rows<{ body: string }>(
      `select body from rule_set where name = 'sample-silver-gold'`,
    );
    const heavier = set!.body.replaceAll(/weight: 2\b/g, 'weight: 3');
    expect(heavier).not.toBe(set!.body);
    expect(await useRules(it.context, heavier, 'heavier.yaml', 'try it')).toBe(true);
    const differs = await refresh(it.context, '2020-05');
    expect(differs.outcome).toBe('differs');
    expect(Number(differs.kpi_value)).toBeGreaterThan(Number(first.kpi_value));
    expect(await snapshotRows('2020-05', 1)).toEqual(rows);
    // Back again: as it was.
    await useRules(it.context, set!.body, 'sample.yaml');
    expect(await refresh(it.context, '2020-05')).toEqual({ ...first, outcome: 'unchanged' });
  });
});
