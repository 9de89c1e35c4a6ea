import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refresh as refreshJob } from '../jobs/refresh.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { type Context, type Job, LkpError } from '../src/job.ts';
import { refresh } from '../src/kpi/refresh.ts';
import {
  again,
  attempt,
  begin,
  cancel,
  type Occurrence,
  occurrencesOf,
  plan,
  takeReady,
} from '../src/ledger.ts';
import { openLog } from '../src/log.ts';
import type { Sql } from '../src/ports.ts';
import { loadReference } from '../src/reference/load.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { jobOf } from './harness/job.ts';
import { lkp } from './harness/lkp.ts';
import { until } from './harness/until.ts';

/* What a person ends, holds and asks for again, and what an attempt that is repeated knows. */

const CYCLE = '2020-05';
const NOW = '2020-05-21T08:00:00Z';
const log = openLog({ LKP_LOG_LEVEL: 'silent' });

let it: TestContext;
let work: Record<string, Job['run']>;
beforeAll(async () => {
  it = await testContext({ now: NOW });
  await it.rows('create table effect (by text)');
});
beforeEach(async () => {
  work = {};
  await it.rows('truncate occurrence, run, pause, effect restart identity');
  await tx((sql) => plan(sql, JOBS, CYCLE, SCHEDULE));
});
afterAll(() => it.drop());

const job = (name: string, after: string[] = []): Job => {
  const well = jobOf(name, after);
  return { ...well, run: (...given) => (work[name] ?? well.run)(...given) };
};
const JOBS = [job('first'), job('second', ['first'])];
const SCHEDULE = scheduleOf('UTC', JOBS);

const tx = <T>(run: (sql: Sql) => Promise<T>): Promise<T> => it.context.db.transaction('test', run);
const take = (): Promise<Occurrence[]> => tx((sql) => takeReady(sql, JOBS, NOW));
const doIt = ({ id, attempt: number }: Occurrence) =>
  attempt(it.context, JOBS, { occurrence: id, attempt: number, reason: 'scheduled', actor: 'tester' }, log);
const doNext = async () => doIt((await take())[0]!);
const states = async (): Promise<string[]> =>
  (await tx((sql) => occurrencesOf(sql, CYCLE))).map((one) => `${one.job} ${one.state} ${one.attempt}`);
const store = (context: Context, by: string, seconds = 0) =>
  context.db.transaction('effect', async (sql) => {
    await sql.rows('insert into effect values ($1)', [by]);
    await sql.rows('select pg_sleep($1)', [seconds]);
  });
const sessions = () => it.rows(`select from pg_stat_activity where application_name like 'lkp o1-a1 %'`);

describe('cancel', () => {
  test('ends a long statement within seconds: nothing is stored, the session is gone, and it runs again', async () => {
    work.first = async (context) => {
      await store(context, 'first', 60);
      return { outcome: 'done', says: 'well' };
    };
    const ended = doNext();
    await until('it runs', async () => (await sessions()).length > 0);
    const began = Date.now();
    expect(await cancel(it.context, CYCLE, { reason: 'the wrong file.' })).toEqual([
      { job: 'first', cycle: CYCLE, part: 1, parts: 1, attempt: 1, was: 'running' },
      { job: 'second', cycle: CYCLE, part: 1, parts: 1, attempt: 0, was: 'due' },
    ]);
    expect(await ended).toBe('not-mine');
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(await sessions()).toEqual([]);
    expect(await it.rows('select from effect')).toEqual([]);
    expect(await states()).toEqual(['first cancelled 1', 'second cancelled 0']);
    expect(await it.rows('select outcome, says, ended_at is not null as over from run')).toEqual([
      {
        outcome: 'cancelled',
        says: 'Cancelled by operations: the wrong file. To run it again: lkp cycle 2020-05.',
        over: true,
      },
    ]);
    expect(await take()).toEqual([]);

    delete work.first;
    await tx((sql) => again(sql, CYCLE, ['cancelled']));
    expect([await doNext(), await doNext()]).toEqual(['done', 'done']);
    expect(await states()).toEqual(['first done 2', 'second done 1']);
  });

  test('of one that is not in the database: it ends at its next touch, before it does more', async () => {
    let touched = 0;
    work.first = async (context) => {
      await store(context, 'before');
      await cancel(it.context, CYCLE, { job: 'first', reason: 'enough' });
      await context.db.transaction('more', async () => {
        touched += 1;
      });
      return { outcome: 'done', says: 'well' };
    };
    expect(await doNext()).toBe('not-mine');
    expect(touched).toBe(0);
    expect(await states()).toEqual(['first cancelled 1', 'second due 0']);
  });

  test('of what waits for a person, or was missed: nobody wants it any more', async () => {
    await it.rows(`update occurrence set state = 'waiting', says = 'Look.' where job = 'first'`);
    await it.rows(`update occurrence set state = 'missed', says = 'Too late.' where job = 'second'`);
    const was = (await cancel(it.context, CYCLE, { reason: 'the month is settled elsewhere' })).map(
      (one) => one.was,
    );
    expect(was).toEqual(['waiting', 'missed']);
    expect(await states()).toEqual(['first cancelled 0', 'second cancelled 0']);
  });

  test('of one that failed ends its retries; of nothing it says how things stand', async () => {
    work.first = async () => {
      throw new LkpError('machine', 'The disk is full.');
    };
    await doNext();
    await cancel(it.context, CYCLE, { reason: 'not today' });
    await it.rows(`update occurrence set lease_until = now() - interval '1 s' where lease_until is not null`);
    expect(await take()).toEqual([]);
    await expect(cancel(it.context, CYCLE, { reason: 'x' })).rejects.toThrow(
      'Nothing of 2020-05 is left to cancel: first is cancelled, second is cancelled. To run what is not done: lkp cycle 2020-05',
    );
    await expect(cancel(it.context, CYCLE, { job: 'secnd', reason: 'x' })).rejects.toThrow(
      /no job secnd\. Did you mean second\?/,
    );
    await expect(cancel(it.context, '2019-01', { reason: 'x' })).rejects.toThrow(
      /Nothing of 2019-01 is planned/,
    );
  });
});

test('at the command line: a reason is asked for, the calendar is held once, and what is cancelled is named', async () => {
  const run = (...words: string[]) =>
    lkp([...words, '--json'], { home: it.home, env: { DATABASE_URL: it.url, LKP_TEST_NOW: NOW } });
  const [unreasoned, endless, cancelled, paused] = await Promise.all([
    run('cancel', CYCLE),
    run('pause', '--reason', 'x'.repeat(1_001)),
    run('cancel', CYCLE, 'second', '--reason', 'not yet'),
    run('pause', '--reason', ' the database\nmoves '),
  ]);
  expect([unreasoned.code, endless.code]).toEqual([2, 2]);
  expect(endless.stderr).toContain('has 1001 characters, and at most 1000 are kept');
  expect(cancelled).toMatchObject({ code: 0, stderr: '' });
  expect(cancelled.json()).toEqual({
    cycle: CYCLE,
    cancelled: [{ job: 'second', cycle: CYCLE, part: 1, parts: 1, attempt: 0, was: 'due' }],
    again: 'lkp cycle 2020-05',
  });
  expect(paused.json()).toMatchObject({ paused_by: 'operations', reason: 'the database moves' });
  const twice = await run('pause', '--reason', 'again');
  expect(twice.code).toBe(2);
  expect(twice.stderr).toMatch(/paused since .* by operations: the database moves/);
});

describe('an attempt that repeats another one', () => {
  /** Fails its attempts one after the other as told, and returns the cut-off that each was given. */
  async function cutOffs(
    ...ends: ReadonlyArray<'machine' | 'request' | 'bug' | 'asks' | 'cancel' | 'death'>
  ) {
    const seen: Array<string | undefined> = [];
    for (const end of [...ends, 'done'] as const) {
      work.first = async (_context, _cycle, { cutoff }) => {
        seen.push(cutoff);
        if (end === 'machine' || end === 'request') throw new LkpError(end, 'no');
        if (end === 'bug') throw new Error('does not balance');
        if (end === 'cancel') await cancel(it.context, CYCLE, { job: 'first', reason: 'x' });
        return { outcome: end === 'asks' ? 'asks' : 'done', says: 'well' };
      };
      if (end === 'death') {
        // Begun, and never heard of again.
        const [{ id, attempt: number }] = (await take()) as [Occurrence];
        const taken = await tx((sql) => begin(sql, id, number, { reason: 'scheduled', actor: 'tester' }));
        seen.push(taken?.cutoff);
        await it.rows(`update occurrence set lease_until = now() - interval '1 s' where state = 'running'`);
      } else await doNext();
      // Something new is learned before the next attempt.
      await tx(async (sql) => {
        await sql.set({ now: NOW });
        await sql.rows(`select next_change('test', null, 'tester', null)`);
      });
      if (end !== 'death') await tx((sql) => again(sql, CYCLE, ['failed', 'waiting', 'cancelled']));
    }
    return seen;
  }

  test.each(['machine', 'death'] as const)('after %s knows what that one knew, and no more', async (end) => {
    const [first, second] = await cutOffs(end);
    expect(first).toMatch(/^\d+$/);
    expect(second).toBe(first);
  });

  test.each([
    'request',
    'bug',
    'asks',
    'cancel',
  ] as const)('after %s knows what is known now', async (end) => {
    const [first, second] = await cutOffs(end);
    expect(Number(second)).toBe(Number(first) + 1);
  });

  test('a refresh gives the figures of its first attempt; a refresh by a person says what differs', async () => {
    const line = (number: string) =>
      `Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n${number},2020-03-02,380,USD,C100,1,2,20.00,MOC-1\n`;
    const take = async (number: string) =>
      ingestFile(it.context, await it.write(`${number}.csv`, line(number)));
    for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
      await loadReference(it.context, kind, `test/cases/ingest/reference/${kind}.csv`);
    await take('A-1');
    let trouble = true;
    const failing: Job = {
      ...refreshJob,
      after: [],
      run: (context, cycle, part) => {
        if (trouble) throw new LkpError('machine', 'The disk is full.');
        return refreshJob.run(context, cycle, part);
      },
    };
    const jobs = [failing];
    await tx((sql) => plan(sql, jobs, '2020-04', scheduleOf('UTC', jobs)));
    const tryIt = async () => {
      const [{ id, attempt: number }] = (await tx((sql) => takeReady(sql, jobs, NOW, '2020-04'))) as [
        Occurrence,
      ];
      return attempt(
        it.context,
        jobs,
        { occurrence: id, attempt: number, reason: 'manual', actor: 'x' },
        log,
      );
    };
    expect(await tryIt()).toBe('failed');
    trouble = false;
    await take('A-2');
    // As lkp cycle does it.
    await tx((sql) => again(sql, '2020-04', ['failed']));
    expect(await tryIt()).toBe('done');
    const rows = () => it.rows(`select sum(rows)::int as rows from snapshot_control where cycle = '2020-04'`);
    expect(await rows()).toEqual([{ rows: 1 }]);
    expect(await refresh(it.context, '2020-04')).toMatchObject({
      outcome: 'differs',
      conservation: { lines_in: 2 },
    });
    expect(await it.rows('select revision, late_by from snapshot')).toEqual([{ revision: 1, late_by: null }]);
  });
});
