import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { readSettings } from '../src/config.ts';
import { assembleDirectory, pastAssembly } from '../src/directory/assemble.ts';
import { showDirectory } from '../src/directory/show.ts';
import { submitDirectory } from '../src/directory/submit.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import type { Context } from '../src/job.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { openCsv } from '../src/tabular/csv.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';

let fresh: Fresh;
let folder: string;
let context: Context;

beforeEach(async () => {
  fresh = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lkp-directory-'));
  context = contextOf(fresh, folder, '2020-01-16T10:00:00Z');
  await load('partners', 'mpn_id,name,country', [
    '1,One,DE',
    '2,Two,FR',
    '3,Three,US',
    '4,Four,US',
    '5,Five,US',
  ]);
  await load('enrolments', 'partner_mpn_id,learning_option,competency,anniversary_date,valid_from,valid_to', [
    '1,Gold,Data,2020-03-01,2018-01-01,',
    '2,Action Pack,,2020-03-01,2018-01-01,',
    '4,Silver,Data,2020-03-01,2018-01-01,2020-01-15',
    '5,Silver,Data,2020-03-01,2020-01-16,',
  ]);
  await listings([
    '1,DE,One GmbH,https://one.example/de,2019-12-01',
    '1,AT,One AT,https://one.example/at,2020-01-15',
    '2,FR,Deux,https://deux.example/,2020-01-16',
  ]);
  await refreshed('2020-01', '2020-02', '2020-03');
});
afterEach(async () => {
  await fresh.drop();
  await rm(folder, { recursive: true, force: true });
});

const contextOf = (database: Fresh, home: string, now: string): Context => ({
  db: database.db,
  tables: { open: (path, hints) => openCsv(path, hints?.name ?? path, hints) },
  workbooks: createWorkbooks(),
  settings: readSettings({ LKP_HOME: home }),
  schedule: scheduleOf('UTC', JOBS),
  now: () => now,
  progress: () => undefined,
});

let files = 0;
async function load(kind: KindName, header: string, rows: string[]): Promise<void> {
  const path = join(folder, `${kind}-${++files}.csv`);
  await writeFile(path, `${[header, ...rows].join('\n')}\n`);
  expect(await loadReference(context, kind, path)).toMatchObject({ status: 'loaded', rejected: 0 });
}
const listings = (rows: string[]) =>
  load('listings', 'partner_mpn_id,country,name,url,requested_on,valid_from,valid_to', rows.map(pad));
/** Fills a row up to the seven columns of a listing. */
const pad = (row: string): string => {
  const cells = row.replace(/"[^"]*(""[^"]*)*"/, 'quoted').split(',').length;
  return row + ','.repeat(7 - cells);
};

/** A cycle has been refreshed: all that the directory asks of the KPIs. */
async function refreshed(...cycles: string[]): Promise<void> {
  await fresh.db.transaction('snapshots', async (tx) => {
    for (const cycle of cycles) {
      await tx.rows(
        `insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
         values ($1, 1, 1, '2020-01-01Z', '2020-01-01Z', '2019-01-01', '2019-12-31', 'USD', 7, '')`,
        [cycle],
      );
    }
  });
}

const outbox = (cycle: string, name = '') => join(folder, 'outbox', cycle, name);
const entries = async (cycle: string) =>
  (await showDirectory(context, cycle)).list.map(({ action, partner_mpn_id, country, name }) => [
    action,
    partner_mpn_id,
    country,
    name,
  ]);
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const NAMES = [
  'directory-2020-01.csv',
  'directory-2020-01.json',
  'directory-2020-01.xlsx',
  'manifest-2020-01.json',
];

describe('assemble', () => {
  test('takes what was asked for in time by who is enrolled on the 15th', async () => {
    await listings([
      '3,US,Three,https://three.example/,2019-12-01',
      '4,US,Four,https://four.example/,2019-12-01',
      '5,US,Five,https://five.example/,2019-12-01',
    ]);
    expect(await assembleDirectory(context, '2020-01')).toEqual({
      cycle: '2020-01',
      compared_with: null,
      entries: 2,
      added: 2,
      changed: 0,
      removed: 0,
      unchanged: 0,
      rolled_over: 1,
      not_eligible: 3,
    });
    expect(await entries('2020-01')).toEqual([
      ['added', '1', 'AT', 'One AT'],
      ['added', '1', 'DE', 'One GmbH'],
    ]);
  });

  test('twice gives the same batch; what was learned in between is in the second', async () => {
    const first = await assembleDirectory(context, '2020-01');
    expect(await assembleDirectory(context, '2020-01')).toEqual(first);
    await load('enrolments', 'partner_mpn_id,learning_option,competency,anniversary_date', [
      '3,Gold,Data,2020-03-01',
    ]);
    await listings(['3,US,Three,https://three.example/,2019-12-01']);
    expect(await assembleDirectory(context, '2020-01')).toMatchObject({ entries: 3 });
  });

  test('compares with the last submitted batch, by partner and country', async () => {
    await assembleDirectory(context, '2020-01');
    await submitDirectory(context, '2020-01');
    await listings([
      '1,DE,One SE,https://one.example/de,2020-01-20',
      '1,AT,One AT,https://one.example/at,2020-01-15,,2020-02-01',
    ]);
    expect(await assembleDirectory(context, '2020-02')).toMatchObject({
      compared_with: '2020-01',
      entries: 2,
      added: 1,
      changed: 1,
      removed: 1,
      unchanged: 0,
    });
    expect(await entries('2020-02')).toEqual([
      ['removed', '1', 'AT', 'One AT'],
      ['changed', '1', 'DE', 'One SE'],
      ['added', '2', 'FR', 'Deux'],
    ]);
    await submitDirectory(context, '2020-02');
    expect(await assembleDirectory(context, '2020-03')).toMatchObject({
      compared_with: '2020-02',
      entries: 2,
      unchanged: 2,
      removed: 0,
    });
  });

  test('a change that was asked for too late leaves the entry as it is until its turn', async () => {
    await assembleDirectory(context, '2020-01');
    await submitDirectory(context, '2020-01');
    await listings(['1,DE,One SE,https://one.example/se,2020-02-16,2020-02-16']);
    expect(await assembleDirectory(context, '2020-02')).toMatchObject({
      unchanged: 2,
      changed: 0,
      removed: 0,
      added: 1,
      rolled_over: 1,
    });
    expect(await assembleDirectory(context, '2020-03')).toMatchObject({ changed: 1, rolled_over: 0 });
  });

  test('refuses what would go back or come too early', async () => {
    await expect(assembleDirectory(context, '2020-04')).rejects.toThrow('Run lkp refresh 2020-04 first');
    await assembleDirectory(context, '2020-02');
    expect(await pastAssembly(context, '2020-02')).toBeUndefined();
    await submitDirectory(context, '2020-02');
    expect(await pastAssembly(context, '2020-02')).toMatchObject({ begun: true });
    await expect(assembleDirectory(context, '2020-02')).rejects.toThrow(
      'is submitted; a cycle is submitted once',
    );
    await expect(assembleDirectory(context, '2020-01')).rejects.toThrow(
      'an older one (2020-01) would take the directory back',
    );
  });
});

describe('submit', () => {
  test('writes four files that agree, the manifest last', async () => {
    await listings(['2,FR,"=Deux ""& Fils, SARL",https://deux.example/,2020-01-10']);
    await assembleDirectory(context, '2020-01');
    const submission = await submitDirectory(context, '2020-01');
    expect(submission).toMatchObject({
      cycle: '2020-01',
      status: 'submitted',
      entries: 3,
      added: 3,
      changed: 0,
      removed: 0,
      notes: [],
    });
    expect(submission.files.map(({ path }) => path)).toEqual(NAMES.map((name) => outbox('2020-01', name)));
    expect(readdirSync(outbox('2020-01')).sort()).toEqual(NAMES);
    for (const { path, sha256: given } of submission.files) expect(sha256(path)).toBe(given);

    const csv = readFileSync(outbox('2020-01', NAMES[0]!), 'utf8');
    const records = parse(csv, { columns: true }) as Array<Record<string, string>>;
    expect(Object.keys(records[0]!)).toEqual(['action', 'partner_mpn_id', 'name', 'country', 'url']);
    expect(records[2]).toEqual({
      action: 'added',
      partner_mpn_id: '2',
      name: '=Deux "& Fils, SARL',
      country: 'FR',
      url: 'https://deux.example/',
    });
    const json = JSON.parse(readFileSync(outbox('2020-01', NAMES[1]!), 'utf8'));
    expect(json).toMatchObject({
      cycle: '2020-01',
      visible_by: '2020-02-07',
      compared_with: null,
      entries: records,
    });
    const manifest = JSON.parse(readFileSync(outbox('2020-01', NAMES[3]!), 'utf8'));
    expect(manifest).toMatchObject({
      cycle: '2020-01',
      visible_by: '2020-02-07',
      counts: { entries: 3, added: 3, changed: 0, removed: 0, unchanged: 0 },
      files: NAMES.slice(0, 3).map((name) => ({ name, sha256: sha256(outbox('2020-01', name)) })),
    });
  });

  test('again: the same files, and nothing is written', async () => {
    await assembleDirectory(context, '2020-01');
    const first = await submitDirectory(context, '2020-01');
    await rm(outbox('2020-01', NAMES[0]!));
    await writeFile(outbox('2020-01', NAMES[1]!), 'edited');
    const again = await submitDirectory(context, '2020-01');
    expect(again).toMatchObject({ status: 'already-submitted', entries: 2, files: first.files });
    expect(again.notes).toEqual([
      expect.stringContaining('is no longer there'),
      expect.stringContaining('contents have changed'),
    ]);
    expect(existsSync(outbox('2020-01', NAMES[0]!))).toBe(false);
    expect(readFileSync(outbox('2020-01', NAMES[1]!), 'utf8')).toBe('edited');
  });

  test('two at the same moment make one submission', async () => {
    await assembleDirectory(context, '2020-01');
    const both = await Promise.all([1, 2, 3].map(() => submitDirectory(context, '2020-01')));
    expect(both.map(({ status }) => status).sort()).toEqual([
      'already-submitted',
      'already-submitted',
      'submitted',
    ]);
    expect(new Set(both.map(({ files: written }) => JSON.stringify(written))).size).toBe(1);
    const changes = await fresh.db.transaction('look', (tx) =>
      tx.rows("select no from change where kind = 'directory submit'"),
    );
    expect(changes).toHaveLength(1);
    expect(readdirSync(outbox('2020-01')).sort()).toEqual(NAMES);
  });

  test('the same batch gives the same bytes on another database, on another day', async () => {
    await assembleDirectory(context, '2020-01');
    const first = await submitDirectory(context, '2020-01');
    const other = await freshDatabase();
    const [home, database] = [folder, fresh];
    try {
      folder = await mkdtemp(join(tmpdir(), 'lkp-directory-'));
      fresh = other;
      context = contextOf(other, folder, '2020-01-19T23:00:00Z');
      await load('enrolments', 'partner_mpn_id,learning_option,competency,anniversary_date', [
        '1,Gold,Data,2020-03-01',
      ]);
      await listings([
        '1,AT,One AT,https://one.example/at,2020-01-15',
        '1,DE,One GmbH,https://one.example/de,2019-12-01',
      ]);
      await refreshed('2020-01');
      await assembleDirectory(context, '2020-01');
      const second = await submitDirectory(context, '2020-01');
      expect(second.files.map((file) => file.sha256)).toEqual(first.files.map((file) => file.sha256));
    } finally {
      await database.drop();
      await rm(home, { recursive: true, force: true });
    }
  });

  test('needs an assembled batch, compared with what is submitted now', async () => {
    await expect(submitDirectory(context, '2020-01')).rejects.toThrow(
      'Run lkp directory assemble 2020-01 first',
    );
    await assembleDirectory(context, '2020-01');
    await assembleDirectory(context, '2020-02');
    await submitDirectory(context, '2020-01');
    await expect(submitDirectory(context, '2020-02')).rejects.toThrow(
      'was compared with nothing, and 2020-01 was submitted since',
    );
    await assembleDirectory(context, '2020-02');
    await submitDirectory(context, '2020-02');
  });

  test('a batch assembled before a later one went out is not sent any more', async () => {
    await assembleDirectory(context, '2020-01');
    await assembleDirectory(context, '2020-02');
    await submitDirectory(context, '2020-02');
    await expect(submitDirectory(context, '2020-01')).rejects.toThrow('would take the directory back');
  });
});

describe('a crash while sending', () => {
  /** What a killed process leaves: the intent, and as many files as it had put in place. */
  async function crashAfter(kept: number): Promise<Array<{ path: string; sha256: string }>> {
    await assembleDirectory(context, '2020-01');
    const { files: written } = await submitDirectory(context, '2020-01');
    await fresh.db.transaction('crash', async (tx) => {
      await tx.rows(
        "delete from directory_file; update directory_submission set status = 'sending'; update directory_batch set state = 'assembled'",
      );
    });
    for (const { path } of written.slice(kept)) await rm(path);
    await mkdir(outbox('2020-01', '.writing-0123456789abcdef'));
    await writeFile(outbox('2020-01', '.writing-0123456789abcdef/half'), 'half');
    return [...written];
  }

  test.each([0, 1, 3, 4])('after %i files: the next call finishes the same submission', async (kept) => {
    const written = await crashAfter(kept);
    expect(await showDirectory(context, '2020-01')).toMatchObject({ state: 'sending' });
    await expect(assembleDirectory(context, '2020-01')).rejects.toThrow(
      'has begun and is not finished (sending)',
    );
    expect(await submitDirectory(context, '2020-01')).toMatchObject({ status: 'submitted', files: written });
    expect(readdirSync(outbox('2020-01')).sort()).toEqual(NAMES);
    for (const { path, sha256: given } of written) expect(sha256(path)).toBe(given);
  });

  test('a file that is not ours stops it for a person, and nothing is written', async () => {
    const written = await crashAfter(1);
    await writeFile(written[0]!.path, 'not ours');
    await expect(submitDirectory(context, '2020-01')).rejects.toThrow('directory-2020-01.csv');
    expect(await showDirectory(context, '2020-01')).toMatchObject({ state: 'unknown' });
    await expect(submitDirectory(context, '2020-01')).rejects.toThrow('Nothing was overwritten');
    expect(readdirSync(outbox('2020-01'))).toEqual(['directory-2020-01.csv']);
    // The person moves it away and repeats.
    await rm(written[0]!.path);
    expect(await submitDirectory(context, '2020-01')).toMatchObject({ status: 'submitted', files: written });
  });

  test('an outbox that cannot be written fails, and is finished once it can', async () => {
    await assembleDirectory(context, '2020-01');
    await writeFile(join(folder, 'outbox'), 'in the way');
    await expect(submitDirectory(context, '2020-01')).rejects.toMatchObject({
      name: 'LkpError',
      code: 'machine',
    });
    await rm(join(folder, 'outbox'));
    expect(await submitDirectory(context, '2020-01')).toMatchObject({ status: 'submitted' });
  });

  test('a read-only outbox', async () => {
    await assembleDirectory(context, '2020-01');
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'outbox'));
    await chmod(join(folder, 'outbox'), 0o555);
    // Root may write anywhere: for this one step it is nobody.
    const { geteuid, seteuid } = process;
    const root = geteuid?.() === 0;
    if (root) seteuid!(65_534);
    try {
      await expect(submitDirectory(context, '2020-01')).rejects.toThrow('permission denied');
    } finally {
      if (root) seteuid!(0);
    }
    await chmod(join(folder, 'outbox'), 0o700);
    expect(await submitDirectory(context, '2020-01')).toMatchObject({ status: 'submitted' });
  });
});

describe('show: why am I not listed?', () => {
  const ask = (partner: string, cycle = '2020-01') => showDirectory(context, cycle, partner);

  test('before the batch', async () => {
    expect(await ask('1')).toMatchObject({
      answer: 'not-assembled',
      says: expect.stringContaining('will be in it, visible by 2020-02-07'),
    });
    expect(await showDirectory(context, '2020-01')).toMatchObject({
      state: 'not-assembled',
      entries: 0,
      list: [],
    });
  });

  test('listed, in each country', async () => {
    await assembleDirectory(context, '2020-01');
    const { answer, says } = await ask('1');
    expect(answer).toBe('listed');
    expect(says).toContain('Listed in Germany (DE) as "One GmbH", https://one.example/de (added).');
    expect(says).toContain('Listed in Austria (AT)');
    expect(says).toContain('assembled; once submitted, it is visible by 2020-02-07');
    await submitDirectory(context, '2020-01');
    expect((await ask('1')).says).toContain('submitted and visible by 2020-02-07');
  });

  test('rolled over: asked a day too late', async () => {
    await assembleDirectory(context, '2020-01');
    expect(await ask('2')).toEqual({
      cycle: '2020-01',
      partner: '2',
      answer: 'rolled-over',
      says: 'The listing for France (FR), requested on 2020-01-16, was made after 2020-01-15, the last day for cycle 2020-01. It joins cycle 2020-02, visible by 2020-03-07.',
    });
  });

  test('rolled over: asked in time, loaded after the submission', async () => {
    await assembleDirectory(context, '2020-01');
    await load('enrolments', 'partner_mpn_id,learning_option,competency,anniversary_date', [
      '3,Gold,Data,2020-03-01',
    ]);
    await listings(['3,US,Three,https://three.example/,2020-01-10']);
    expect(await ask('3')).toMatchObject({
      answer: 'not-assembled',
      says: expect.stringContaining('Run lkp directory assemble 2020-01 again'),
    });
    await submitDirectory(context, '2020-01');
    expect(await ask('3')).toMatchObject({
      answer: 'rolled-over',
      says: expect.stringContaining(
        'loaded on 2020-01-16 after its batch was assembled. It joins cycle 2020-02, visible by 2020-03-07',
      ),
    });
  });

  test('not eligible, and why', async () => {
    await listings([
      '3,US,Three,https://three.example/,2019-12-01',
      '4,US,Four,https://four.example/,2019-12-01',
      '5,US,Five,https://five.example/,2019-12-01',
    ]);
    await assembleDirectory(context, '2020-01');
    expect(await ask('3')).toMatchObject({
      answer: 'not-eligible',
      says: expect.stringContaining('no enrolment of it is known'),
    });
    expect(await ask('4')).toMatchObject({
      answer: 'not-eligible',
      says: expect.stringContaining('its enrolment in Silver (Data) ended on 2020-01-15'),
    });
    expect(await ask('5')).toMatchObject({
      answer: 'not-eligible',
      says: expect.stringContaining('begins on 2020-01-16'),
    });
  });

  test('not requested: never, or ended', async () => {
    await listings([
      '1,DE,One GmbH,https://one.example/de,2019-12-01,,2020-01-15',
      '1,AT,One AT,https://one.example/at,2019-12-01,,2020-01-01',
    ]);
    await assembleDirectory(context, '2020-01');
    expect(await ask('1')).toMatchObject({
      answer: 'not-requested',
      says: expect.stringContaining('ended on 2020-01-15'),
    });
    expect(await ask('5')).toMatchObject({
      answer: 'not-requested',
      says: expect.stringContaining('asked for no listing'),
    });
  });

  test('unknown partner, or a location', async () => {
    await load('locations', 'location_mpn_id,partner_mpn_id,country', ['501,1,DE']);
    await assembleDirectory(context, '2020-01');
    expect(await ask('999')).toMatchObject({
      answer: 'unknown-partner',
      says: expect.stringContaining('No partner with MPN ID 999'),
    });
    expect(await ask('501')).toMatchObject({
      answer: 'unknown-partner',
      says: expect.stringContaining('501 is a location of partner 1'),
    });
  });

  test('taken down: the entry and the reason', async () => {
    await assembleDirectory(context, '2020-01');
    await submitDirectory(context, '2020-01');
    await load(
      'enrolments',
      'partner_mpn_id,learning_option,competency,anniversary_date,valid_from,valid_to',
      ['1,Gold,Data,2020-03-01,2018-01-01,2020-02-01'],
    );
    await assembleDirectory(context, '2020-02');
    const { answer, says } = await ask('1', '2020-02');
    expect(answer).toBe('not-eligible');
    expect(says).toContain('The entry for Germany (DE) is taken down in cycle 2020-02.');
    expect(says).toContain('its enrolment in Gold (Data) ended on 2020-02-01');
  });
});
