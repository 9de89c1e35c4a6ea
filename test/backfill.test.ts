import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { needData, parseRange, type RangeRun, runRange } from '../src/backfill.ts';
import { planRange } from '../src/backfill-plan.ts';
import { assembleDirectory } from '../src/directory/assemble.ts';
import { confirmDirectory } from '../src/directory/confirm.ts';
import { showDirectory } from '../src/directory/show.ts';
import { submitDirectory } from '../src/directory/submit.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { cancel, tickOff } from '../src/ledger.ts';
import { loadReference } from '../src/reference/load.ts';
import { statusOf } from '../src/status.ts';
import { type TestContext, testContext } from './harness/context.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier";
const TODAY = '2019-12-20';

let known: string;
/** Invoices of July to November 2019, reference data and one listing; in the home of each test, an empty inbox. */
beforeAll(async () => {
  const it = await testContext({ now: `${TODAY}T10:00:00Z` });
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(it.context, kind, `${REFERENCE}${kind}.csv`);
  await loadReference(
    it.context,
    'enrolments',
    await it.write(
      'enrolments.csv',
      'partner_mpn_id,learning_option,competency,anniversary_date,valid_from\n4001,Gold,Cloud Platform,2019-09-01,2018-01-01\n',
    ),
  );
  await loadReference(
    it.context,
    'listings',
    await it.write(
      'listings.csv',
      'partner_mpn_id,country,name,url,requested_on\n4001,US,Harbor,https://harbor.example/,2019-07-01\n',
    ),
  );
  const lines = ['07', '08', '09', '10', '11'].map(
    (month) => `A-${month},2019-${month}-02,380,USD,C100,1,2,20.00,MOC-1`,
  );
  const { status } = await ingestFile(
    it.context,
    await it.write('known.csv', [HEADER, ...lines, ''].join('\n')),
  );
  expect(status).toBe('ingested');
  known = await it.keep();
}, 60_000);

let it: TestContext;
const open = async (now = `${TODAY}T10:00:00Z`): Promise<void> => {
  it = await testContext({ from: known, now, settings: { LKP_INBOX_STABLE_SECONDS: '0' } });
};
afterEach(() => it?.drop());

const backfill = (from: string, to: string, only?: 'missing' | 'failed'): Promise<RangeRun> =>
  runRange(
    it.context,
    { from, to },
    {
      until: it.context.now(),
      today: it.context.now().slice(0, 10),
      onState: () => undefined,
      ...(only && { only }),
    },
  );
const plan = (from: string, to: string, only?: 'missing' | 'failed') =>
  planRange(it.context, { from, to }, { until: it.context.now(), ...(only && { only }) });
const outcomes = ({ cycles }: RangeRun) => cycles.map(({ cycle, outcome }) => `${cycle} ${outcome}`);

/** Everything that a run could have written: rows of each table, and files of the home. */
async function everything(): Promise<string> {
  const [rows] = await it.rows<{ xml: string }>(
    `select string_agg(table_name || ' ' || (xpath('/row/n/text()', query_to_xml(
       format('select count(*) || md5(coalesce(string_agg(t::text, '','' order by t::text), '''')) as n from %I as t', table_name), false, true, '')))[1]::text, E'\\n' order by table_name) as xml
     from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'`,
  );
  const files = existsSync(it.home) ? await readdir(it.home, { recursive: true }) : [];
  return `${rows!.xml}\n${files.sort().join('\n')}`;
}

test('what a dry run lists is what the run then does; the dry run itself writes nothing', async () => {
  await open();
  await mkdir(it.context.settings.inbox, { recursive: true });
  const before = await everything();
  const foreseen = await plan('2019-11', '2019-12');
  expect(await everything()).toBe(before);

  const ran = await backfill('2019-11', '2019-12');
  expect(outcomes(ran)).toEqual(['2019-11 waiting', '2019-12 waiting']);
  // The bytes of what this database knows are in another home: the month's housekeeping says so, and holds nothing up.
  expect(ran.cycles[1]!.occurrences[0]).toMatchObject({
    job: 'housekeeping',
    says: expect.stringMatching(/^removed .* damaged: .* Run lkp verify: /),
  });
  for (const [index, { cycle, steps, refresh, files }] of foreseen.cycles.entries()) {
    // A run ends what would run: done, or a person asked.
    const ended = ran.cycles[index]!.occurrences.filter(({ attempt }) => attempt > 0);
    const wanted = steps.filter(({ would }) => would === 'run');
    expect(ended.map(({ job, part }) => `${job} ${part}`).sort()).toEqual(
      wanted.map(({ job, part }) => `${job} ${part}`).sort(),
    );
    const [frozen] = await it.rows('select count(*)::int as cells from snapshot_cell where cycle = $1', [
      cycle,
    ]);
    expect(refresh).toMatchObject({ refresh: 'new', revision: 1, ...frozen });
    const lie: string[] = [];
    for (const folder of [
      join(it.home, 'reports', cycle, 'revision-1'),
      join(it.context.settings.outbox, cycle),
    ])
      if (existsSync(folder)) lie.push(...(await readdir(folder)).map((name) => join(folder, name)));
    expect([...files].sort()).toEqual(lie.sort());
    expect(files.length).toBeGreaterThan(cycle === '2019-12' ? 1 : 4);
  }
  // Once more: what stands is said to stand.
  const [again] = (await plan('2019-11', '2019-11')).cycles;
  expect(again).toMatchObject({ files: [] });
  expect(again!.steps.filter(({ would }) => would === 'run').map(({ job }) => job)).toEqual([
    'directory-visible',
  ]);
}, 60_000);

test('--only missing fills the gaps, --only failed what failed; a submitted later month is not taken back', async () => {
  await open();
  await backfill('2019-11', '2019-11');
  await it.rows(`update occurrence set state = 'failed', says = 'away' where job = 'report' and part = 2`);
  expect(outcomes(await backfill('2019-09', '2019-11', 'failed'))).toEqual([
    '2019-09 nothing to do',
    '2019-10 nothing to do',
    '2019-11 waiting',
  ]);
  const { cycles } = await plan('2019-09', '2019-11', 'missing');
  expect(cycles.map(({ directory }) => directory?.files ?? null)).toEqual([[], [], null]);
  const ran = await backfill('2019-09', '2019-11', 'missing');
  expect(outcomes(ran)).toEqual(['2019-09 done', '2019-10 done', '2019-11 nothing to do']);
  const says = Object.fromEntries(ran.cycles[0]!.occurrences.map(({ job, says }) => [job, says]));
  for (const job of ['directory-assemble', 'directory-submit'])
    expect(says[job]).toMatch(/2019-11 is submitted already.*\(2019-09\) would take the directory back/);
  expect(says['directory-visible']).toContain('nothing was submitted');
  expect(says.housekeeping).toContain('month that is over');
  expect(await it.rows('select cycle from directory_submission')).toEqual([{ cycle: '2019-11' }]);
  // Only who restates gives one: why a run was begun stands in the ledger.
  expect(await it.rows('select distinct reason from snapshot')).toEqual([{ reason: null }]);
}, 60_000);

test('stops at the first cycle that fails, with what is done and what is left to type', async () => {
  await open();
  await mkdir(join(it.home, 'reports'), { recursive: true });
  await writeFile(join(it.home, 'reports', '2019-10'), 'in the way');
  await expect(backfill('2019-09', '2019-12', 'missing')).rejects.toThrow(
    /The job report of 2019-10 failed: .* Done before it: 2019-09\. .*lkp cycle 2019-10\.\.2019-12 --only missing again/,
  );
  expect(await it.rows('select distinct cycle from occurrence order by cycle')).toEqual([
    { cycle: '2019-09' },
    { cycle: '2019-10' },
  ]);
}, 60_000);

test('stops behind a refresh that somebody cancelled meanwhile: later cycles would be compared with nothing', async () => {
  await open();
  let ended: Promise<unknown> | undefined;
  const { cycles, left } = await runRange(
    it.context,
    { from: '2019-10', to: '2019-12' },
    {
      until: it.context.now(),
      today: TODAY,
      onState: ({ job, cycle }) => {
        if (job === 'ingest') ended ??= cancel(it.context, cycle, { job: 'refresh', reason: 'not yet' });
      },
    },
  );
  await ended;
  expect(cycles.map(({ cycle, outcome }) => `${cycle} ${outcome}`)).toEqual(['2019-10 waiting']);
  expect(left).toBe('lkp cycle 2019-10..2019-12');
}, 60_000);

test.each([
  ['2020-01', /lies in the future.*newest cycle that can run is 2019-12/],
  ['2019-11..2020-03', /ends in the future.*lkp cycle 2019-11\.\.2019-12/],
  ['2019-03..2019-01', /runs backwards. Type lkp cycle 2019-01\.\.2019-03/],
  ['2009-01..2019-01', /121 cycles.*lkp cycle 2009-01\.\.2018-12/],
  ['2019-01..2019-02..2019-03', /not a range.*2019-01\.\.2020-03/],
  ['2019-01..soon', /"soon" is not a cycle/],
])('%s is refused with what to type', (text, says) => {
  expect(() => parseRange(text, TODAY, { until: 'everything' })).toThrow(says);
});

test('what to type keeps the options: who looks is not told to run', () => {
  const asked = { until: TODAY, only: 'missing', dryRun: true } as const;
  for (const [text, says] of [
    ['2019-03..2019-01', 'Type lkp cycle 2019-01..2019-03 --only missing --dry-run.'],
    ['2019-11..2020-03', 'Type lkp cycle 2019-11..2019-12 --only missing --dry-run.'],
    ['2009-01..2019-01', 'begin with lkp cycle 2009-01..2018-12 --only missing --dry-run.'],
  ] as const)
    expect(() => parseRange(text, TODAY, asked)).toThrow(says);
});

test('cycles before the first invoice are refused, unless the inbox may bring older ones', async () => {
  await open();
  const need = (from: string, to: string) =>
    needData(it.context, { from, to }, TODAY, { until: 'everything', only: 'missing' });
  await need('2019-08', '2019-09');
  await expect(need('2019-01', '2019-09')).rejects.toThrow(
    /first invoices known are of 2019-07\. Type lkp cycle 2019-08\.\.2019-09 --only missing --all\./,
  );
  await expect(need('2019-01', '2019-07')).rejects.toThrow('The first cycle that shows any is 2019-08.');
  await mkdir(it.context.settings.inbox, { recursive: true });
  await writeFile(join(it.context.settings.inbox, 'old.csv'), `${HEADER}\n`);
  await need('2019-01', '2019-07');
}, 30_000);

test('a submission is confirmed by a person; what is not shown is submitted again with the next batch', async () => {
  await open();
  await backfill('2019-10', '2019-10');
  const [waits] = await it.rows<{ state: string; says: string }>(
    `select state, says from occurrence where job = 'directory-visible'`,
  );
  expect(waits).toMatchObject({ state: 'waiting' });
  expect(waits!.says).toMatch(
    /^1 entry of the submission of 2019-10 .* visible by 2019-11-07\. .*confirm 2019-10/,
  );
  const confirm = (cycle: string, reopen: string[] = [], reason?: string) =>
    confirmDirectory(it.context, cycle, { reopen, ...(reason && { reason }) }, (tx, says) =>
      tickOff(tx, it.context, 'directory-visible', cycle, says),
    );
  await expect(confirm('2019-10', ['9999'], 'gone')).rejects.toThrow(/no entry of 9999/);
  await expect(confirm('2019-10', ['4001'])).rejects.toThrow(/needs its reason/);
  await expect(confirm('2019-09')).rejects.toThrow(/Nothing was submitted for 2019-09/);

  expect((await confirm('2019-10', ['4001'], 'not in the list')).reopened).toEqual(['4001/US']);
  expect(await it.rows(`select state from occurrence where job = 'directory-visible'`)).toEqual([
    { state: 'done' },
  ]);
  expect(await showDirectory(it.context, '2019-10')).toMatchObject({
    confirmed: { by: 'operations' },
    reopened: [{ partner_mpn_id: '4001', country: 'US' }],
  });
  await backfill('2019-11', '2019-11');
  const actions = async (cycle: string) =>
    (await showDirectory(it.context, cycle)).list.map(({ action }) => action);
  // Shown by nobody yet: added once more. Found now, it is unchanged a month later.
  expect(await actions('2019-11')).toEqual(['added']);
  await expect(confirm('2019-10', ['4001'], 'again')).rejects.toThrow(/confirm 2019-11 --reopen/);
  await confirm('2019-11');
  // An earlier submission is replaced by the newest, which was found: nothing waits for the directory team.
  await it.rows(
    `update occurrence set state = 'waiting' where job = 'directory-visible' and cycle = '2019-10'`,
  );
  expect((await statusOf(it.context, JOBS)).waiting.directory_team).toEqual([]);
  await backfill('2019-12', '2019-12');
  expect(await actions('2019-12')).toEqual(['unchanged']);
}, 60_000);

test('a change and a removal that are not shown are made again', async () => {
  await open('2020-02-25T10:00:00Z');
  const listing = async (row: string) =>
    expect(
      await loadReference(
        it.context,
        'listings',
        await it.write(
          'more.csv',
          `partner_mpn_id,country,name,url,requested_on,valid_from,valid_to\n${row}\n`,
        ),
      ),
    ).toMatchObject({ status: 'loaded' });
  const month = async (cycle: string, wanted: string) => {
    await refresh(it.context, cycle);
    await assembleDirectory(it.context, cycle);
    await submitDirectory(it.context, cycle);
    const { list } = await showDirectory(it.context, cycle);
    expect(list.map(({ action, name, was_name }) => `${action} ${name} ${was_name}`)).toEqual([wanted]);
  };
  const reopen = (cycle: string) =>
    confirmDirectory(it.context, cycle, { reopen: ['4001/US'], reason: 'as before' });
  await month('2019-10', 'added Harbor null');
  await listing('4001,US,New Harbor,https://harbor.example/,2019-10-20,2019-10-20,');
  await month('2019-11', 'changed New Harbor Harbor');
  await reopen('2019-11');
  await month('2019-12', 'changed New Harbor Harbor');
  await reopen('2019-12');
  await listing('4001,US,New Harbor,https://harbor.example/,2019-10-20,2019-10-20,2020-01-01');
  await month('2020-01', 'removed Harbor Harbor');
  await reopen('2020-01');
  await month('2020-02', 'removed Harbor Harbor');
}, 60_000);
