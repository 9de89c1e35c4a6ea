import { existsSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { assembleDirectory } from '../src/directory/assemble.ts';
import { confirmDirectory } from '../src/directory/confirm.ts';
import { submitDirectory } from '../src/directory/submit.ts';
import { storedPath } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { keepHouse } from '../src/keeping/house.ts';
import { pruneRevisions } from '../src/keeping/prune.ts';
import { verifyStore } from '../src/keeping/store.ts';
import { removeUnreferenced } from '../src/keeping/unreferenced.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { reportFolder, writeReports } from '../src/kpi/report.ts';
import { holdOnRecord } from '../src/proof/pruned.ts';
import { fromDatabase } from '../src/proof/source.ts';
import type { Held } from '../src/proof/tell.ts';
import { type VerifiedCycle, verifyCycle } from '../src/proof/verify.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { lkp } from './harness/lkp.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier";
const KEPT = '2021-06';

let it: TestContext;
let clock = '2018-05-10T10:00:00Z';
const stored = new Map<string, string>();

const take = async (name: string, ...rows: string[]): Promise<void> => {
  const path = await it.write(name, [HEADER, ...rows, ''].join('\n'));
  const { status, sha256 } = await ingestFile(it.context, path);
  expect({ name, status }).toEqual({ name, status: 'ingested' });
  stored.set(name, storedPath(it.home, sha256));
};
const row = (number: string, date: string, sku = 'MOC-1') =>
  `${number},${date},380,USD,C100,1,2,20.00,${sku}`;
const there = (): string[] => [...stored].filter(([, path]) => existsSync(path)).map(([name]) => name);

/** 2018: an old cycle with its workbooks. 2021: the one that is kept. */
beforeAll(async () => {
  it = await testContext({ now: () => clock });
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(it.context, kind, `${REFERENCE}${kind}.csv`);
  await take('old.csv', row('A-1', '2018-04-02'));
  await take('wrong.csv', row('A-2', '2018-04-02'));
  await take('rejected.csv', row('A-3', '2018-04-02'), row('A-4', 'soon'));
  await take('waiting.csv', row('A-5', '2018-04-02').replace(',380,', ',386,'));
  await take('old-and-new.csv', row('A-6', '2018-04-02'), row('A-7', '2020-07-02'));
  await refresh(it.context, '2018-05');
  await writeReports(it.context, '2018-05');
  await withdrawFile(it.context, 'wrong.csv', 'a test');
  // A submission that was looked at, and an entry of it that was reopened: later cycles are derived with both.
  const load = async (kind: 'enrolments' | 'listings', text: string) =>
    loadReference(it.context, kind, await it.write(`${kind}.csv`, text));
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date,valid_from\n4001,Gold,Cloud Platform,2018-09-01,2017-01-01\n',
  );
  await load(
    'listings',
    'partner_mpn_id,country,name,url,requested_on\n4001,US,Harbor,https://harbor.example/,2018-05-01\n',
  );
  await assembleDirectory(it.context, '2018-05');
  await submitDirectory(it.context, '2018-05');
  await confirmDirectory(it.context, '2018-05', { reopen: ['4001'], reason: 'not in the list' });
  clock = '2021-06-20T10:00:00Z';
  await take('late-of-old.csv', row('A-8', '2018-04-03'));
  await take('new.csv', row('A-9', '2021-05-02'));
  await refresh(it.context, KEPT);
  await writeReports(it.context, KEPT);
  await assembleDirectory(it.context, KEPT);
  await submitDirectory(it.context, KEPT);
}, 60_000);
afterAll(() => it.drop());

/** In a folder for temporary files of its own: another suite looks that verifications leave none in the common one. */
async function verify(cycle: string): Promise<VerifiedCycle> {
  const place = join(dirname(it.home), 'temporary');
  await mkdir(place, { recursive: true });
  vi.stubEnv('TMPDIR', place);
  try {
    return (await verifyCycle(it.context, () => fromDatabase(it.context, cycle))).verified;
  } finally {
    vi.unstubAllEnvs();
  }
}
const old = async (path: string, content = 'x'): Promise<string> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await utimes(path, 1_400_000_000, 1_400_000_000);
  return path;
};
const part = (name: string) => `.lkp-${name.repeat(16)}.part`;

test('what nothing refers to goes; every cycle is still proven, the withdrawn file it was made of included', async () => {
  const going = [
    await old(storedPath(it.home, 'ab'.repeat(32))),
    await old(join(it.home, 'store', 'tmp', part('a'))),
    await old(join(reportFolder(it.home, KEPT, 1), part('b'))),
  ];
  const staying = [await old(join(it.home, 'store', 'notes.txt'))];
  const young = [storedPath(it.home, 'cd'.repeat(32)), join(it.home, 'store', 'tmp', part('c'))];
  for (const path of young) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'x');
  }
  await it.rows(
    `with planned as (insert into occurrence (job, cycle, due_at, state, attempt) values ('a', '2018-05', now(), 'done', 3), ('b', '2018-05', now(), 'failed', 3) returning id, job)
     insert into run (occurrence_id, job, cycle, attempt, reason, actor, ended_at, outcome)
     select id, job, '2018-05', attempt, 'manual', 'x', timestamptz '2017-05-16' + attempt * interval '1 month', 'failed'
     from planned cross join generate_series(1, 3) as attempt`,
  );
  await it.rows(
    `with raised as (insert into alert (key, kind, raised_at, says, next_step, ended_at)
       values ('told', 'x', '2018-05-16', '', '', '2018-05-17'), ('untold', 'x', '2018-05-16', '', '', '2018-05-17'), ('open', 'x', '2018-05-16', '', '', null) returning id, key)
     insert into alert_delivery (alert_id, target, delivered_at, next_at)
     select id, 'mail', case when key = 'told' then timestamptz '2018-05-16' end, now() from raised`,
  );
  const found = await removeUnreferenced(it.context, { before: '2020-01', dryRun: true });
  expect(found).toMatchObject({ runs: 2, alerts: 1, left_over: [`ab/${'ab'.repeat(32)}`], notes: [] });
  expect(found.temporary).toHaveLength(2);
  for (const path of going) expect(existsSync(path)).toBe(true);

  const { outcome, says } = await keepHouse(it.context, KEPT);
  expect({ outcome, says }).toEqual({
    outcome: 'done',
    says: expect.stringMatching(
      /^removed 2 old runs, 1 old alerts, 1 left-over files, 2 half-written files; read 13 stored files, 0 damaged\./,
    ),
  });
  for (const path of going) expect(existsSync(path), path).toBe(false);
  for (const path of [...staying, ...young]) expect(existsSync(path), path).toBe(true);
  expect(
    await it.rows('select job, attempt from run where occurrence_id is not null order by job, attempt'),
  ).toEqual([
    { job: 'a', attempt: 3 },
    { job: 'b', attempt: 1 },
    { job: 'b', attempt: 2 },
    { job: 'b', attempt: 3 },
  ]);
  expect(await it.rows('select key from alert order by key')).toEqual([{ key: 'open' }, { key: 'untold' }]);
  expect(there()).toHaveLength(stored.size);
  expect(await verify(KEPT)).toMatchObject({ outcome: 'proven', problems: [] });
}, 120_000);

test('a store that this database hardly knows is left alone', async () => {
  const other = await testContext({ settings: { LKP_HOME: it.home } });
  try {
    const { left_over, notes } = await removeUnreferenced(other.context, { before: '2021-01' });
    expect(left_over).toEqual([]);
    expect(notes.join()).toMatch(/may not be the database of this LKP_HOME/);
    expect(there()).toHaveLength(stored.size);
  } finally {
    await other.drop();
  }
}, 60_000);

test('told so, what only old cycles refer to goes; killed in between, the same again completes it', async () => {
  const options = { before: '2020-01', today: '2021-06-20' };
  await expect(pruneRevisions(it.context, options)).rejects.toThrow(/--reason/);
  await expect(pruneRevisions(it.context, { ...options, before: '2021-01' })).rejects.toThrow(
    /The latest month that can be named today is 2020-06/,
  );
  const foreseen = await pruneRevisions(it.context, { ...options, dryRun: true });
  expect(foreseen).toMatchObject({
    names: ['old.csv', 'wrong.csv'],
    not_derived: ['2018-05', KEPT],
  });
  expect(foreseen.workbooks).toBeGreaterThan(0);
  expect(await it.rows('select * from pruned')).toEqual([]);

  const prune = (env: Record<string, string> = {}) =>
    lkp(['prune', '--revisions', '--before', '2020-01', '--reason', 'ten years are over', '--json'], {
      home: it.home,
      env: { DATABASE_URL: it.url, LKP_ACTOR: 'ada', ...env },
    });
  expect((await prune({ LKP_TEST_CRASH_AT: 'prune-recorded' })).signal).toBe('SIGKILL');
  expect(there()).toHaveLength(stored.size);
  const second = await prune();
  expect(second.code, second.stderr).toBe(0);
  expect(there()).toEqual(['rejected.csv', 'waiting.csv', 'old-and-new.csv', 'late-of-old.csv', 'new.csv']);
  expect(existsSync(join(it.home, 'reports', '2018-05'))).toBe(false);
  expect(existsSync(reportFolder(it.home, KEPT, 1))).toBe(true);
  expect(await it.rows(`select count(*)::int as changes from change where kind = 'prune'`)).toEqual([
    { changes: 1 },
  ]);

  const store = await verifyStore(it.context);
  expect(store.damaged).toEqual([]);
  expect(store.pruned).toMatchObject([{ files: 2, by: 'ada', reason: 'ten years are over' }]);
  const kept = await verify(KEPT);
  expect(kept).toMatchObject({ outcome: 'pruned', problems: [] });
  expect(kept.rows).toBeGreaterThan(10);
  expect(kept.notes.join()).toMatch(/2 of its files were pruned on .* by ada: ten years are over/);
  const gone = await verify('2018-05');
  expect(gone).toMatchObject({ outcome: 'pruned', problems: [] });
  expect(gone.notes.join()).toMatch(/partner-\S+\.xlsx was pruned on .* by ada/);
  // What the facts on record say is looked at: a figure that does not follow from them is found.
  await it.rows('alter table snapshot_cell disable trigger user');
  await it.rows(`update snapshot_cell set kpi_value = kpi_value + 1 where cycle = '${KEPT}'`);
  const held: Held = { rows: 0, workbooks: 0, problems: [], notes: [] };
  await holdOnRecord(it.context, await fromDatabase(it.context, KEPT), held);
  expect(held.problems.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('kpi_value is'),
    expect.stringContaining('kpi_value is'),
  ]);
  await it.rows(`update snapshot_cell set kpi_value = kpi_value - 1 where cycle = '${KEPT}'`);
}, 120_000);

test('pruned bytes that come again are known; withdrawn first, they are kept as new', async () => {
  const text = [HEADER, row('A-1', '2018-04-02'), ''].join('\n');
  const again = async (name: string) => (await ingestFile(it.context, await it.write(name, text))).status;
  expect(await again('again.csv')).toBe('duplicate');
  expect(there()).not.toContain('old.csv');
  await withdrawFile(it.context, 'old.csv', 'to have it again');
  expect(await again('back.csv')).toBe('ingested');
  await pruneRevisions(it.context, { before: '2020-01', today: '2021-06-20', reason: 'once more' });
  expect(there()).toContain('old.csv');
  await rm(stored.get('old.csv')!);
  expect((await verifyStore(it.context)).damaged).toMatchObject([{ state: 'missing' }]);
}, 60_000);
