import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CHANGES_COMMAND } from '../src/commands/changes.ts';
import type { Options } from '../src/commands/command.ts';
import { DATA_COMMANDS } from '../src/commands/data.ts';
import { KPI_COMMANDS } from '../src/commands/kpi.ts';
import { readSettings } from '../src/config.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide } from '../src/invoice/quarantine.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import type { CAUSES } from '../src/kpi/causes.ts';
import { changesBetween } from '../src/kpi/changes-between.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import { useRules } from '../src/kpi/rules.ts';
import { planRules } from '../src/kpi/rules-plan.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { refreshText } from '../src/show/refresh.ts';
import { readAll } from './excel-fixtures.ts';
import { type TestContext, testContext } from './harness/context.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const CYCLE = '2019-12';
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";
const SAMPLE_RULES = fileURLToPath(new URL('../src/kpi/rules/sample-silver-gold.yaml', import.meta.url));

let known: string;
let it: TestContext;
let clock: string;
beforeAll(async () => {
  const first = await testContext({ now: '2019-12-15T10:00:00.000Z' });
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(first.context, kind, join(REFERENCE, `${kind}.csv`));
  known = await first.keep();
});
beforeEach(async () => {
  clock = '2019-12-16T10:00:00.000Z';
  it = await testContext({ from: known, now: () => clock });
});
afterEach(() => it.drop());

let serial = 0;
const take = async (name: string, ...rows: string[]) =>
  ingestFile(it.context, await it.write(name, HEADER + rows.map((row) => `${row}\n`).join('')));
const load = async (kind: KindName, content: string) =>
  loadReference(it.context, kind, await it.write(`${kind}-${++serial}.csv`, content));
const line = (number: string, units: number, more: Record<string, string> = {}): string => {
  const {
    date = '2019-05-02',
    type = '380',
    currency = 'USD',
    refers = '',
    customer = 'C100',
    sku = 'MOC-1',
  } = more;
  return [number, date, type, currency, refers, customer, '1', units, `${units}0.00`, sku].join(',');
};
const RATES = 'currency,rate_date,per_euro\nUSD,2019-05-02,1.1\n';
const reweighed = async (from: string, to: string): Promise<string> =>
  (await readFile(SAMPLE_RULES, 'utf8')).replace(from, to);

/** Each changed line: invoice, cause, KPI before and after. */
const changed = async () =>
  (await changesBetween(it.context, CYCLE, { first: 100 })).first.map((one) => [
    one.invoice,
    one.cause,
    `${one.kpi_before} -> ${one.kpi_after}`,
    one.says,
  ]);

describe('a line that counts otherwise has one cause', () => {
  const day = ['2019-05-02', '2019-05-03'] as const;
  test.each<
    [
      cause: keyof typeof CAUSES,
      before: () => Promise<unknown>,
      then: () => Promise<unknown>,
      seen: string[][],
    ]
  >([
    [
      'late invoice',
      () => take('a.csv', line('A', 1)),
      () => take('b.csv', line('B', 2)),
      [['B', '0 -> 4', 'An invoice that was not known.']],
    ],
    [
      'credit',
      () => take('a.csv', line('A', 3)),
      () => take('b.csv', line('CR', 1, { type: '381', date: '2019-06-02', refers: 'A' })),
      [['CR', '0 -> -2', 'A credit note']],
    ],
    [
      'correction',
      () => take('a.csv', line('A', 3)),
      () => take('b.csv', line('B', 1, { type: '384', date: '2019-06-02', refers: 'A' })),
      [
        ['A', '6 -> 0', 'The corrected invoice B replaces it.'],
        ['B', '0 -> 2', 'a line of a corrected invoice'],
      ],
    ],
    [
      'withdrawal',
      () => take('a.csv', line('A', 3)),
      () => withdrawFile(it.context, 'a.csv', 'the wrong file'),
      [['A', '6 -> 0', 'was withdrawn ("the wrong file")']],
    ],
    [
      'quarantine',
      () => take('a.csv', line('A', 3)),
      () => take('b.csv', line('A', 4)),
      [['A', '6 -> 0', 'it waits for a person']],
    ],
    [
      'decision',
      async () => {
        await take('a.csv', line('A', 3));
        await take('b.csv', line('A', 4));
      },
      () => decide(it.context, 'A', 'release', { file: 'b.csv', reason: 'the seller says so' }),
      [['A', '0 -> 8', 'A person decided about the invoice ("the seller says so")']],
    ],
    [
      'corrected row',
      async () => {
        await take('a.csv', line('A', 1), line('B', 2).replace(',2,', ',two,'));
      },
      async () =>
        ingestFile(
          it.context,
          await it.write(
            'b.csv',
            `${HEADER.trim()},lkp file,lkp row\n${line('B', 2)},${(await it.rows<{ sha256: string }>("select sha256 from file where name = 'a.csv'"))[0]!.sha256},3\n`,
          ),
        ),
      [['B', '0 -> 4', 'came back corrected, in the place of a.csv, row 3']],
    ],
    [
      'customer',
      () => take('a.csv', line('A', 1), line('B', 2, { customer: 'C9' })),
      () => load('customers', 'customer_number,location_mpn_id\nC9,5002\nC100,5002\n'),
      [
        ['A', '2 -> 2', 'location 5002, before for 5001'],
        ['B', '0 -> 4', 'location 5002, before for none'],
      ],
    ],
    [
      'product',
      () => take('a.csv', line('A', 1)),
      () =>
        load(
          'products',
          'sku,name,omlp_type,kpi_class,units_per_sku\nMOC-1,A course,MOC,courseware-fundamentals,2\n',
        ),
      [['A', '2 -> 2', 'MOC, courseware-fundamentals, 2, before MOC, courseware-advanced, 1']],
    ],
    [
      'merge',
      () => take('a.csv', line('A', 1), line('B', 2, { customer: 'C200' })),
      () => load('locations', 'location_mpn_id,partner_mpn_id,country\n5001,4002,US\n'),
      [['A', '2 -> 2', 'The location belongs to partner 4002, before to 4001.']],
    ],
    [
      'rule set',
      () => take('a.csv', line('A', 1)),
      async () => useRules(it.context, await reweighed('weight: 2,', 'weight: 3,'), 'x.yaml'),
      [['A', '2 -> 3', 'A unit weighs 3, before 2.']],
    ],
    [
      'rate',
      async () => {
        await load('rates', RATES);
        await take('a.csv', line('A', 1, { currency: 'EUR', date: day[1] }));
      },
      () => load('rates', RATES.replace('1.1', '1.2')),
      [['A', '2 -> 2', 'The exchange rate is 1.2, before 1.1.']],
    ],
    [
      'setting',
      async () => {
        await load('rates', RATES);
        await take('a.csv', line('A', 1, { currency: 'EUR', date: day[1] }));
      },
      async () => {
        (it.context as { settings: object }).settings = readSettings({
          LKP_HOME: it.home,
          DATABASE_URL: it.url,
          LKP_RATE_LOOKBACK_DAYS: '0',
        });
      },
      [['A', '2 -> 2', 'is set otherwise']],
    ],
  ])('%s', async (cause, before, then, seen) => {
    await take(
      'old.csv',
      line('OLD', 7, { date: '2018-01-02' }),
      line('STAYS', 1, { customer: 'C200', sku: 'EXAM-10' }),
    );
    await before();
    await refresh(it.context, CYCLE);
    clock = '2020-01-10T10:00:00.000Z';
    await then();
    const found = await changed();
    expect(found.map(([invoice, why, kpi]) => [invoice, why, kpi])).toEqual(
      seen.map(([invoice, kpi]) => [invoice, cause, kpi]),
    );
    found.forEach(([, , , says], index) => {
      expect(says).toContain(seen[index]![2]);
    });
  });

  test('of two causes the first of the list is told', async () => {
    await take('a.csv', line('A', 1));
    await refresh(it.context, CYCLE);
    await load('locations', 'location_mpn_id,partner_mpn_id,country\n5001,4002,US\n5002,4002,TR\n');
    await load('customers', 'customer_number,location_mpn_id\nC100,5002\n');
    await load('products', 'sku,name,omlp_type,kpi_class\nMOC-1,A course,MOC,courseware-fundamentals\n');
    expect((await changed()).map(([, cause]) => cause)).toEqual(['customer']);
  });
});

test('a restated workbook says what changed, why, and whose it was; the first revision has no such sheet', async () => {
  await take('a.csv', line('A', 1), line('B', 2, { customer: 'C200' }));
  await refresh(it.context, CYCLE);
  const first = await writeReports(it.context, CYCLE);
  for (const { path } of first.files)
    expect([...(await readAll(path)).keys()]).not.toContain('Changed since');
  await load('locations', 'location_mpn_id,partner_mpn_id,country\n5001,4002,US\n');
  await refresh(it.context, CYCLE, { restate: true, reason: 'Harbor was bought' });
  const { files } = await writeReports(it.context, CYCLE);
  const sheetOf = async (name: string) =>
    (await readAll(files.find(({ path }) => path.endsWith(name))!.path))
      .get('Changed since')!
      .map(({ cells }) => cells.map((cell) => cell ?? ''));
  const lost = await sheetOf('partner-4001.xlsx');
  expect(lost[0]![0]).toBe('What changed since revision 1');
  expect(lost[1]![0]).toBe('Revision 2 was written because: Harbor was bought');
  const own = (rows: string[][], cause: string) =>
    rows.filter(([name]) => name === cause).map((row) => row.slice(1, 4));
  // Once in the causes (lines, KPI, revenue), once as the line (KPI before, now, change).
  expect(own(lost, 'merge')).toEqual([
    ['1', '-2', '-10'],
    ['2', '0', '-2'],
  ]);
  expect(own(await sheetOf('partner-4002.xlsx'), 'merge')).toEqual([
    ['1', '2', '10'],
    ['0', '2', '2'],
  ]);
  expect(own(await sheetOf(`program-${CYCLE}.xlsx`), 'merge')).toEqual([
    ['1', '0', '0'],
    ['2', '2', '0'],
  ]);
});

test('after a restatement the command that lists all lines compares with the revision before', async () => {
  await take('a.csv', line('A', 1));
  await refresh(it.context, CYCLE);
  await take('late.csv', ...Array.from({ length: 25 }, (_, index) => line(`L-${index}`, 1)));
  const command = KPI_COMMANDS.find(({ usage }) => usage.startsWith('refresh'))!;
  const { text } = await command.act!(it.context, [CYCLE], { restate: true, reason: 'late' });
  expect(text).toContain(`and 5 more lines: lkp changes ${CYCLE} --to 'revision 2' --out changes.xlsx`);
  expect(text).toContain('1 partner, 1 month and type of them, 25 lines, ');
  const changes = await CHANGES_COMMAND.act!(it.context, [CYCLE], { to: 'revision 2' });
  expect(changes.json).toMatchObject({ lines: 25, from: { what: 'revision 1' } });
});

test('what is told apart from lines: a level crossed, and a requirement where nothing else differs', async () => {
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Action Pack,,2020-03-01\n4002,Silver,Cloud Platform,2019-12-20\n',
  );
  await take('a.csv', line('A', 1));
  await refresh(it.context, CYCLE);
  await load('attainments', 'partner_mpn_id,measure,value\n4001,mct,1\n4002,mct,1\n');
  const { differences, changes } = await refresh(it.context, CYCLE);
  expect(changes).toMatchObject({
    lines: 0,
    cells: 0,
    levels: [
      { partner: '4001', window: 'cycle', before: '', after: 'Action Pack' },
      { partner: '4001', window: 'renewal', before: '', after: 'Action Pack' },
      ...['cycle', 'renewal'].map((window) => ({
        partner: '4002',
        window,
        before: '',
        after: 'Action Pack',
      })),
    ],
  });
  expect(differences.map(({ what, partner }) => `${partner} ${what}`)).toEqual([
    '4001 level',
    '4001 renewal',
    '4002 level',
    '4002 renewal',
  ]);
  await refresh(it.context, CYCLE, { restate: true, reason: 'trainers' });
  await load('attainments', 'partner_mpn_id,measure,value\n4001,mct,2\n');
  const again = await refresh(it.context, CYCLE);
  expect(again.differences).toMatchObject([
    { what: 'requirement', partner: '4001', before: expect.stringContaining('1 of 1, met') },
    { what: 'requirement', partner: '4001', after: expect.stringContaining('2 of 1, met') },
  ]);
});

describe('rule sets that are only tried', () => {
  const counts = () =>
    it.rows(
      `select (select count(*) from change) as changes, (select max(no) from change_counter) as no,
              (select count(*) from rule_set) as sets, (select md5(string_agg(month_cell::text, ' ' order by month_cell::text)) from month_cell) as cells,
              (select count(*) from month_touched) as touched, (select count(*) from snapshot) as revisions`,
    );

  test('show what they would change of the newest revision, and leave nothing behind', async () => {
    await load(
      'enrolments',
      'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Silver,Cloud Platform,2020-03-01\n',
    );
    await take('a.csv', line('A', 100), line('B', 5, { customer: 'C200' }));
    await refresh(it.context, CYCLE);
    // Known later: no part of what the rules change.
    await take('late.csv', line('LATE', 50));
    const before = await counts();
    const text = await reweighed('weight: 2,', 'weight: 3,');
    const planned = await planRules(it.context, CYCLE, [{ text, shown: 'x.yaml' }]);
    expect(planned).toMatchObject({
      outcome: 'planned',
      revision: 1,
      rules: ['sample-silver-gold'],
      kpi_value: '315',
      changes: { partners: 2, cells: 2, kpi_before: '210', kpi_after: '315', kpi_change: '105' },
    });
    expect(await counts()).toEqual(before);
    // What they would change is what they change: the late invoice apart.
    await withdrawFile(it.context, 'late.csv', 'test');
    await useRules(it.context, text, 'x.yaml');
    const { differences, changes } = await refresh(it.context, CYCLE);
    expect(planned.differences).toEqual(differences);
    expect(changes).toMatchObject({
      levels: planned.changes!.levels,
      causes: [{ cause: 'rule set', lines: 2 }],
    });
  });

  test('of a cycle without a revision against what is known now', async () => {
    await take('a.csv', line('A', 100));
    const text = await reweighed('weight: 2,', 'weight: 3,');
    expect(await planRules(it.context, CYCLE, [{ text, shown: 'x.yaml' }])).toMatchObject({
      revision: 0,
      kpi_value: '300',
      differences: [
        { what: 'kpi', partner: '4001', before: '200', after: '300' },
        { what: 'cells', partner: '4001' },
      ],
    });
    expect(await it.rows('select * from snapshot')).toEqual([]);
  });

  test('one that leaves days without any says so: it would not be put in force', async () => {
    await take('a.csv', line('A', 1));
    const early = await readFile(SAMPLE_RULES, 'utf8');
    const text = early.replace(/^valid_to: .*/m, 'valid_to: 2023-05-01');
    expect(text).not.toBe(early);
    const planned = await planRules(it.context, CYCLE, [{ text, shown: 'x.yaml' }]);
    expect(refreshText(planned, 0)).toMatch(
      /Note: x\.yaml .*No rule set is valid from 2023-05-01 to before .* refuses this without --leave-gap/,
    );
  });

  test('one that overlaps another, or is named twice, is refused as in use', async () => {
    const text = await readFile(SAMPLE_RULES, 'utf8');
    const other = text.replace(/^name: .*/m, 'name: another');
    await take('a.csv', line('A', 1));
    await expect(planRules(it.context, CYCLE, [{ text: other, shown: 'x.yaml' }])).rejects.toThrow(
      /another .*overlaps sample-silver-gold/,
    );
    await expect(
      planRules(it.context, CYCLE, [
        { text, shown: 'x.yaml' },
        { text, shown: 'y.yaml' },
      ]),
    ).rejects.toThrow(/Give each a name of its own/);
  });
});

describe('as known on', () => {
  const report = KPI_COMMANDS.find(({ usage }) => usage.startsWith('report'))!;
  const run = (args: string[], options: Options) => report.act!(it.context, args, options);

  test('a day of the past, also of a cycle that was never refreshed: its own workbook, which says what it is', async () => {
    await take('a.csv', line('A', 1));
    clock = '2020-01-10T10:00:00.000Z';
    await take('b.csv', line('B', 2));
    const { json, text } = await run(['4001', CYCLE], { asKnownOn: '2019-12-31' });
    const { files } = json as { files: Array<{ path: string }> };
    expect(json).toMatchObject({
      as_known_on: '2019-12-31',
      figures: { kpi_value: '2', revenue_value: '10' },
    });
    expect(text).toMatch(/as known on 2019-12-31 .*not a revision\.\nKPI value 2, revenue 10\.00 USD/);
    expect(files[0]!.path).toMatch(/as-known-on-2019-12-31[/\\]partner-4001\.xlsx$/);
    const sheets = await readAll(files[0]!.path);
    const face = sheets.get('Summary')!.flatMap(({ cells }) => cells);
    expect(face).toContain(`${CYCLE}, as known on 2019-12-31, no revision`);
    expect(face.join(' ')).toContain('This is not a revision');
    expect((await run(['4001', CYCLE], { asKnownOn: '2020-01-10' })).json).toMatchObject({
      figures: { kpi_value: '6' },
    });
    expect(await it.rows('select * from snapshot')).toEqual([]);
    // The cells, too, are as they were; a refresh afterwards knows everything.
    expect(await refresh(it.context, CYCLE)).toMatchObject({ kpi_value: '6', revision: 1 });
    expect((await run(['4001', CYCLE], { asKnownOn: '2019-12-31' })).json).toMatchObject(json);
  });

  test.each<[what: string, options: Options, says: RegExp]>([
    ['in the future', { asKnownOn: '2019-12-17' }, /--as-known-on 2019-12-17 lies in the future/],
    [
      'before anything was known',
      { asKnownOn: '2010-01-01' },
      /Nothing was known yet on 2010-01-01.*Choose a later/,
    ],
    ['with a revision', { asKnownOn: '2019-12-15', revision: '1' }, /Leave out one of them/],
    ['no day', { asKnownOn: 'yesterday' }, /"yesterday" is not an instant/],
  ])('%s is refused with the next step', async (_what, options, says) => {
    await expect(run(['4001', CYCLE], options)).rejects.toThrow(says);
  });
});

describe('points of a comparison', () => {
  const run = (options: Options) => CHANGES_COMMAND.act!(it.context, [CYCLE], options);

  test('lists the first lines, says how many more, and writes all into a workbook', async () => {
    await take('a.csv', line('A', 1));
    await refresh(it.context, CYCLE);
    clock = '2020-01-10T10:00:00.000Z';
    await take('b.csv', line('B', 2), line('C', 3), line('D', 4, { customer: 'C200' }));
    const out = await it.write('changes.xlsx', '');
    const { json, text } = await run({ lines: '1', out });
    expect(json).toMatchObject({ lines: 3, partner: null, from: { what: 'revision 1' }, out: { path: out } });
    expect((json as { first: unknown[] }).first).toHaveLength(1);
    expect(text).toContain(
      `and 2 more lines: lkp changes ${CYCLE} --from 'revision 1' --to 'now' --out changes.xlsx`,
    );
    const invoices = (await readAll(out)).get('Changed since')!.map(({ cells }) => cells[10]);
    expect(invoices.slice(-4, -1)).toEqual(['B', 'C', 'D']);
    expect((await run({ partner: '4002' })).json).toMatchObject({
      lines: 1,
      kpi_before: '0',
      kpi_after: '8',
    });
    expect((await run({ from: '2019-12-16', to: '2019-12-16' })).text).toContain('Nothing differs.');
  });

  test.each<[what: string, options: Options, says: RegExp]>([
    ['a cycle without a revision', {}, /has no revision to compare with\. Say --from/],
    ['a revision that is not there', { from: 'revision 7' }, /has no revision 7/],
    ['what was before the first', { to: 'revision 1' }, /there is nothing before it/],
    ['a bare number', { from: '1' }, /Write a revision as 'revision 1'/],
    ['a day to come', { from: '2019-12-15', to: '2030-01-01' }, /--to 2030-01-01 lies in the future/],
    ['before anything was known', { from: '2001-01-01' }, /Nothing was known yet/],
    [
      'a partner that nobody knows',
      { from: '2019-12-16', partner: '9999' },
      /No partner with the MPN ID 9999/,
    ],
    ['lines that are no number', { from: '2019-12-16', lines: 'all' }, /--lines all is not a number/],
  ])('%s is refused with the next step', async (_what, options, says) => {
    await expect(run(options)).rejects.toThrow(says);
  });
});

describe('rules for the command line', () => {
  const command = KPI_COMMANDS.find(({ usage }) => usage.startsWith('refresh'))!;
  test.each<Options>([
    { rules: ['x.yaml'] },
    { rules: ['x.yaml'], plan: true, restate: true },
    { rules: ['x.yaml'], plan: true, asOf: '2019-12-15' },
  ])('rule sets are only tried: %j', async (options) => {
    await expect(command.act!(it.context, [CYCLE], options)).rejects.toThrow(/--plan --rules FILE, without/);
  });
  test('a file that is not there', async () => {
    await expect(command.act!(it.context, [CYCLE], { rules: ['/nowhere.yaml'], plan: true })).rejects.toThrow(
      /cannot be read \(ENOENT\)/,
    );
  });
});

describe('a hierarchy that cannot be, or that was not known', () => {
  test('a merge dated in the past is a fact known now: final cycles stay, and are named', async () => {
    await take('a.csv', line('A', 1));
    await refresh(it.context, CYCLE);
    const merge =
      'location_mpn_id,partner_mpn_id,country,valid_from,valid_to\n5001,4001,US,,2019-10-01\n5001,4002,US,2019-10-01,\n';
    const { status, warnings } = await load('locations', merge);
    expect({ status, warnings }).toEqual({
      status: 'loaded',
      warnings: [
        `1 location belongs to another partner on 2019-11-30 (5001 from 4001 to 4002), in cycles that are final: ${CYCLE}. Their revisions stay. To see what a restatement would change: lkp refresh ${CYCLE} --plan.`,
      ],
    });
    expect(await refresh(it.context, CYCLE)).toMatchObject({
      outcome: 'differs',
      changes: { causes: [{ cause: 'merge' }] },
    });
  });

  test('one dated after every window changes none of them, and is no warning', async () => {
    await take('a.csv', line('A', 1));
    await refresh(it.context, CYCLE);
    const { warnings } = await load(
      'locations',
      'location_mpn_id,partner_mpn_id,country,valid_from,valid_to\n5001,4001,US,,2019-12-01\n5001,4002,US,2019-12-01,\n',
    );
    expect(warnings).toEqual([]);
    expect(await refresh(it.context, CYCLE)).toMatchObject({ outcome: 'unchanged' });
  });

  test('a location below a location is kept, and is work for a person: the partner above is named', async () => {
    const path = await it.write(
      'below.csv',
      'location_mpn_id,partner_mpn_id,country\n6001,5001,US\n6002,6002,US\n6003,9999,US\n',
    );
    const command = DATA_COMMANDS.find(({ usage }) => usage.startsWith('load'))!;
    const { code, text, json } = await command.act!(it.context, ['locations', path], { dryRun: true });
    expect(code).toBe(3);
    expect(text).toMatch(
      /1 row names a location where a partner was wanted \(5001 is a location of 4001: name 4001\)\. Kept/,
    );
    expect(text).toMatch(/2 rows name partners not known yet \(6002, 9999\)/);
    expect(text).toMatch(
      /would load.*\n.*\n.*can be loaded.*\n[\s\S]*This was a dry run: nothing was stored\.$/,
    );
    expect(json).toMatchObject({ files: [{ status: 'loaded', below_locations: 1 }] });
  });

  test('a location below itself is rejected, with the way round; its own partner is none', async () => {
    const header = 'location_mpn_id,partner_mpn_id,country,valid_from,valid_to\n';
    const result = await load(
      'locations',
      `${header}6001,6002,US,,\n6002,6003,US,,\n6003,6001,US,,\n6004,6004,US,,\n6005,6001,US,,\n`,
    );
    expect(result.rejections.map(({ row, rule, seen }) => [row, rule, seen])).toEqual([
      [2, 'hierarchy-loop', '6001 -> 6002 -> 6003 -> 6001'],
      [3, 'hierarchy-loop', '6002 -> 6003 -> 6001 -> 6002'],
      [4, 'hierarchy-loop', '6003 -> 6001 -> 6002 -> 6003'],
    ]);
    expect(result.loaded).toBe(2);
    // The other half of a loop is known already; at another time it is none.
    expect((await load('locations', `${header}6001,6004,US,,2019-01-01\n`)).rejected).toBe(0);
    expect((await load('locations', `${header}6004,6001,US,2019-01-01,\n`)).rejected).toBe(0);
    expect((await load('locations', `${header}6004,6001,US,2018-12-31,\n`)).rejections).toMatchObject([
      { rule: 'hierarchy-loop', seen: '6004 -> 6001 -> 6004' },
    ]);
  });
});
