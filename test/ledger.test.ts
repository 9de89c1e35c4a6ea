import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Context, Job } from '../src/job.ts';
import { LkpError } from '../src/job.ts';
import {
  again,
  attempt,
  begin,
  nameOf,
  type Occurrence,
  occurrencesOf,
  plan,
  type Reason,
  recordManual,
  takeReady,
} from '../src/ledger.ts';
import { openLog } from '../src/log.ts';
import { runMonth } from '../src/month.ts';
import type { Sql } from '../src/ports.ts';
import { runsOf } from '../src/runs.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { calendarOf, stateText } from '../src/status.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { jobOf } from './harness/job.ts';
import { until } from './harness/until.ts';

const log = openLog({ LKP_LOG_LEVEL: 'silent' });
const ASKED = { reason: 'manual', actor: 'tester' } as const;
const CYCLE = '2020-05';
const EARLY = '2020-05-01T00:00:00Z';
const LATE = '2020-06-01T00:00:00Z';

let it: TestContext;
let work: Record<string, Job['run']>;
beforeEach(async () => {
  it = await testContext();
  work = {};
});
afterEach(() => it.drop());

const job = (name: string, due: string, after: string[] = []): Job => {
  const well = jobOf(name, after, { when: { day: Number(due), why: 'a test says so' } });
  return { ...well, run: (...given) => (work[name] ?? well.run)(...given) };
};
const JOBS = [job('first', '15'), job('second', '15', ['first']), job('third', '20', ['second'])];

const SCHEDULE = scheduleOf('UTC', JOBS);

const tx = <T>(run: (sql: Sql) => Promise<T>): Promise<T> => it.context.db.transaction('test', run);
const take = (now: string, jobs = JOBS): Promise<Occurrence[]> =>
  tx((sql) => takeReady(sql, jobs, now, CYCLE));
const names = (occurrences: readonly Occurrence[]): string[] => occurrences.map((one) => one.job).sort();
const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await tx((sql) => occurrencesOf(sql, CYCLE))).map((one) => [one.job, `${one.state} ${one.attempt}`]),
  );
const doIt = ({ id, attempt: number }: Occurrence, jobs = JOBS) =>
  attempt(it.context, jobs, { occurrence: id, attempt: number, ...ASKED }, log);
/** Takes the one occurrence that is ready. */
async function only(now: string): Promise<Occurrence> {
  const ready = await take(now);
  expect(ready).toHaveLength(1);
  return ready[0]!;
}
const leaseRanOut = () =>
  it.rows(`update occurrence set lease_until = now() - interval '1 second' where state = 'running'`);

beforeEach(() => tx((sql) => plan(sql, JOBS, CYCLE, SCHEDULE)));

describe('what is ready', () => {
  test('nothing before it is due; then one after the other, each when the one before is done', async () => {
    expect(await take('2020-05-14T23:59:59Z')).toEqual([]);
    const first = await only('2020-05-15T00:00:00Z');
    expect(first).toMatchObject({ job: 'first', state: 'enqueued', attempt: 0 });
    // Sent once; `second` waits for it.
    expect(await take(LATE)).toEqual([]);
    expect(await doIt(first)).toBe('done');
    expect(await doIt(await only('2020-05-15T00:00:00Z'))).toBe('done');
    expect(await take('2020-05-19T23:59:59Z')).toEqual([]);
    expect((await only('2020-05-20T00:00:00Z')).job).toBe('third');
  });

  test('a message that nobody took is sent again after a minute, under the same attempt', async () => {
    await only(LATE);
    expect(await take(LATE)).toEqual([]);
    await it.rows(
      `update occurrence set enqueued_at = enqueued_at - interval '61 seconds' where job = 'first'`,
    );
    expect(await take(LATE)).toMatchObject([{ job: 'first', attempt: 0 }]);
  });

  test('a job after one that failed or waits for a person stays where it is', async () => {
    work.first = async () => ({ outcome: 'asks', says: 'somebody must look' });
    expect(await doIt(await only(LATE))).toBe('waiting');
    expect(await take(LATE)).toEqual([]);
    expect(await states()).toEqual({ first: 'waiting 1', second: 'due 0', third: 'due 0' });
  });

  test('many schedulers that look at once take each occurrence once', async () => {
    const all = (await Promise.all(Array.from({ length: 8 }, () => take(LATE)))).flat();
    expect(names(all)).toEqual(['first']);
  });
});

describe('a plan', () => {
  test('made again changes nothing, and never fires again what is done', async () => {
    await doIt(await only(LATE));
    const before = await it.rows('select * from occurrence order by id');
    await tx((sql) => plan(sql, JOBS, CYCLE, SCHEDULE));
    expect(await it.rows('select * from occurrence order by id')).toEqual(before);
    // An edited schedule: other days, the same job.
    const edited = [job('first', '25'), job('second', '25', ['first']), job('fourth', '25')];
    await tx((sql) => plan(sql, edited, CYCLE, scheduleOf('Europe/Madrid', edited)));
    expect(await states()).toEqual({ first: 'done 1', second: 'due 0', third: 'due 0', fourth: 'due 0' });
    const taken = names(await take(LATE, edited));
    expect(taken).toEqual(expect.arrayContaining(['fourth', 'second']));
    expect(taken).not.toContain('first');
  });

  test('of another cycle is another plan', async () => {
    await tx((sql) => plan(sql, JOBS, '2020-06', SCHEDULE));
    expect(await it.rows('select distinct cycle from occurrence order by 1')).toEqual([
      { cycle: '2020-05' },
      { cycle: '2020-06' },
    ]);
    expect(names(await take(LATE))).toEqual(['first']);
  });
});

describe('an attempt', () => {
  test('begun twice runs once', async () => {
    const { id, attempt: number } = await only(LATE);
    const begun = await Promise.all([1, 2, 3].map(() => tx((sql) => begin(sql, id, number, ASKED))));
    expect(begun.filter(Boolean)).toHaveLength(1);
    expect(await it.rows('select job, attempt, actor, reason, outcome from run')).toEqual([
      { job: 'first', attempt: 1, actor: 'tester', reason: 'manual', outcome: null },
    ]);
    // And not for a message of long ago.
    expect(await tx((sql) => begin(sql, id, number, ASKED))).toBeUndefined();
  });

  test('of a message that came twice does the work once', async () => {
    let times = 0;
    work.first = async () => {
      times += 1;
      return { outcome: 'done', says: 'well' };
    };
    const message = await only(LATE);
    const ends = await Promise.all([doIt(message), doIt(message), doIt(message)]);
    expect(ends.sort()).toEqual(['done', 'not-mine', 'not-mine']);
    expect(times).toBe(1);
  });

  test('that was taken over stores nothing more, and what it says at its end counts for nothing', async () => {
    await it.rows('create table effect (by text)');
    const store = (context: Context, by: string) =>
      context.db.transaction('effect', (sql) => sql.rows('insert into effect values ($1)', [by]));
    let second: string | undefined;
    work.first = async (slow) => {
      await store(slow, 'slow, before');
      work.first = async (quick) => {
        await store(quick, 'quick');
        return { outcome: 'done', says: 'the quick one' };
      };
      await leaseRanOut();
      second = await doIt(await only(LATE));
      await store(slow, 'slow, after').catch(() => undefined);
      return { outcome: 'done', says: 'the slow one' };
    };
    expect(await doIt(await only(LATE))).toBe('not-mine');
    expect(second).toBe('done');
    expect(await it.rows('select by from effect')).toEqual([{ by: 'slow, before' }, { by: 'quick' }]);
    expect(await it.rows(`select state, attempt, says from occurrence where job = 'first'`)).toEqual([
      { state: 'done', attempt: 2, says: 'the quick one' },
    ]);
    expect(await it.rows('select attempt, outcome, says from run order by attempt')).toEqual([
      { attempt: 1, outcome: 'failed', says: expect.stringContaining('attempt 2 took over') },
      { attempt: 2, outcome: 'done', says: 'the quick one' },
    ]);
  });

  test('that fails in a way that can pass is tried again later; the reason is written down', async () => {
    work.first = async () => {
      throw new LkpError('machine', 'The disk is full.');
    };
    expect(await doIt(await only(LATE))).toBe('failed');
    expect(await it.rows('select attempt, outcome, says from run')).toEqual([
      { attempt: 1, outcome: 'failed', says: 'The disk is full.' },
    ]);
    expect(await take(LATE)).toEqual([]);
    await it.rows(`update occurrence set lease_until = now() - interval '1 second' where state = 'failed'`);
    delete work.first;
    expect(await doIt(await only(LATE))).toBe('done');
    expect(await states()).toMatchObject({ first: 'done 2' });
  });

  test('that fails because of what was asked waits until a person asks again', async () => {
    work.first = async () => {
      throw new LkpError('request', 'No rule set is in force.');
    };
    expect(await doIt(await only(LATE))).toBe('failed');
    expect(await it.rows(`select lease_until from occurrence where job = 'first'`)).toEqual([
      { lease_until: null },
    ]);
    await tx((sql) => again(sql, CYCLE, ['failed']));
    delete work.first;
    expect(await doIt(await only(LATE))).toBe('done');
  });

  test('after five deaths in a row is given up; who asks again begins a new count', async () => {
    const dies = async (reason: Reason): Promise<void> => {
      const { id, attempt: number } = await only(LATE);
      await tx((sql) => begin(sql, id, number, { ...ASKED, reason }));
      await leaseRanOut();
    };
    for (let death = 1; death <= 5; death++) await dies('scheduled');
    expect(await take(LATE)).toEqual([]);
    expect(await states()).toMatchObject({ first: 'failed 5' });
    await tx((sql) => again(sql, CYCLE, ['failed']));
    await dies('manual');
    for (let death = 2; death <= 5; death++) await dies('scheduled');
    expect(await take(LATE)).toEqual([]);
    expect(await states()).toMatchObject({ first: 'failed 10' });
  });

  test('of a job that this version does not have fails, and says so', async () => {
    expect(await doIt(await only(LATE), [])).toBe('failed');
    expect(await it.rows('select says from run')).toEqual([
      { says: expect.stringContaining('does not have') },
    ]);
  });
});

describe('a job in parts', () => {
  const PARTED = [{ ...job('whole', '15'), parts: 3 }, job('last', '15', ['whole'])];
  const OTHER = '2020-04';
  const takeOther = (): Promise<Occurrence[]> => tx((sql) => takeReady(sql, PARTED, LATE, OTHER));
  const partStates = async (): Promise<string[]> =>
    (await tx((sql) => occurrencesOf(sql, OTHER))).map(
      (one) => `${nameOf(one)}: ${one.state} ${one.attempt}`,
    );
  beforeEach(() => tx((sql) => plan(sql, PARTED, OTHER, scheduleOf('UTC', PARTED))));

  test('is sent as its parts; each begins once and is told which one it is; the next job waits for all', async () => {
    const told: string[] = [];
    work.whole = async (_context, _cycle, { part, parts }) => {
      told.push(`${part} of ${parts}`);
      return { outcome: 'done', says: 'well' };
    };
    const sent = await takeOther();
    expect(sent.map(nameOf)).toEqual(['whole 1 of 3', 'whole 2 of 3', 'whole 3 of 3']);
    const [one, two, three] = sent as [Occurrence, Occurrence, Occurrence];
    expect(await Promise.all([doIt(one, PARTED), doIt(one, PARTED), doIt(two, PARTED)])).toEqual(
      expect.arrayContaining(['done', 'done', 'not-mine']),
    );
    expect(await takeOther()).toEqual([]);
    expect(await partStates()).toEqual([
      'whole 1 of 3: done 1',
      'whole 2 of 3: done 1',
      'whole 3 of 3: enqueued 0',
      'last: due 0',
    ]);
    expect(await doIt(three, PARTED)).toBe('done');
    expect((await takeOther()).map(nameOf)).toEqual(['last']);
    expect(told.sort()).toEqual(['1 of 3', '2 of 3', '3 of 3']);
    expect((await runsOf(it.context, OTHER)).map(nameOf).sort()).toEqual([
      'whole 1 of 3',
      'whole 2 of 3',
      'whole 3 of 3',
    ]);
  });

  test('of which one part is taken over or failed: only that part is done again', async () => {
    const sent = await takeOther();
    let begun = 0;
    work.whole = async (_context, _cycle, { part }) => {
      if (part === 2) throw new LkpError('request', 'no');
      begun += 1;
      // The third dies the first time.
      if (part === 3 && begun === 2) {
        await leaseRanOut();
        const [again] = await takeOther();
        expect(nameOf(again!)).toBe('whole 3 of 3');
        expect(await doIt(again!, PARTED)).toBe('done');
      }
      return { outcome: 'done', says: 'well' };
    };
    const ends = [];
    for (const occurrence of sent) ends.push(await doIt(occurrence, PARTED));
    expect(ends).toEqual(['done', 'failed', 'not-mine']);
    expect(await partStates()).toEqual([
      'whole 1 of 3: done 1',
      'whole 2 of 3: failed 1',
      'whole 3 of 3: done 2',
      'last: due 0',
    ]);
    const calendar = await calendarOf({ ...it.context, schedule: scheduleOf('UTC', PARTED) }, PARTED, [
      OTHER,
    ]);
    expect(calendar.cycles[0]!.occurrences.map(({ job, state, parts }) => ({ job, state, parts }))).toEqual([
      { job: 'whole', state: 'failed', parts: { done: 2, of: 3 } },
      { job: 'last', state: 'due', parts: undefined },
    ]);
    expect(calendar.cycles[0]!.occurrences.map(stateText)).toEqual(['failed, 2 of 3 done', 'due']);
    await tx((sql) => again(sql, OTHER, ['failed', 'waiting']));
    delete work.whole;
    expect((await takeOther()).map(nameOf)).toEqual(['whole 2 of 3']);
  });

  test('keeps the parts that it was planned with: a cycle of an older version is one, whatever comes later', async () => {
    await it.rows(`delete from occurrence where cycle = $1`, [OTHER]);
    await it.rows(
      `insert into occurrence (job, cycle, due_at, state) values ('whole', $1, $2, 'done'), ('last', $1, $2, 'due')`,
      [OTHER, EARLY],
    );
    await tx((sql) => plan(sql, PARTED, OTHER, scheduleOf('UTC', PARTED)));
    expect(await partStates()).toEqual(['whole: done 0', 'last: due 0']);
    expect((await takeOther()).map(nameOf)).toEqual(['last']);
    // And so does one of a version with more parts.
    await tx((sql) => plan(sql, [{ ...PARTED[0]!, parts: 2 }], '2020-03', scheduleOf('UTC', PARTED)));
    await tx((sql) => plan(sql, PARTED, '2020-03', scheduleOf('UTC', PARTED)));
    const planned = await tx((sql) => occurrencesOf(sql, '2020-03'));
    expect(planned.map(nameOf)).toEqual(['whole 1 of 2', 'whole 2 of 2', 'last']);
  });

  test('planned by many at once is planned once', async () => {
    await Promise.all(
      Array.from({ length: 6 }, () => tx((sql) => plan(sql, PARTED, '2020-03', scheduleOf('UTC', PARTED)))),
    );
    expect(await tx((sql) => occurrencesOf(sql, '2020-03'))).toHaveLength(4);
  });
});

describe('asked for again', () => {
  test('only what has ended is done again, under the next attempt', async () => {
    await doIt(await only(LATE));
    const second = await only(LATE);
    await tx((sql) => again(sql, CYCLE, ['done', 'failed', 'waiting']));
    expect(await states()).toEqual({ first: 'due 1', second: 'enqueued 0', third: 'due 0' });
    expect(await doIt(await only(LATE))).toBe('done');
    expect(await states()).toMatchObject({ first: 'done 2' });
    expect(await doIt(second)).toBe('done');
  });
});

// Between a look that finds nothing to send and the look that finds nothing running, the job that ran may have ended:
// what comes after it is due then, and the month must not stop there and say that it is done.
test('a month goes on to its end, however slow the looks at it are', async () => {
  await mkdir(it.context.settings.inbox, { recursive: true });
  await writeFile(
    join(it.context.settings.inbox, 'november.csv'),
    "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\nA-1,2019-11-02,380,USD,C100,1,2,20.00,MOC-1\n",
  );
  let lookedInVain: (() => void) | undefined;
  const inVain = new Promise<void>((resolve) => {
    lookedInVain = resolve;
  });
  const idle = async () =>
    (await it.rows(`select from occurrence where cycle = '2019-12' and state in ('enqueued', 'running')`))
      .length === 0;
  const slow: TestContext['context'] = {
    ...it.context,
    db: {
      ...it.context.db,
      transaction: async (name, work) => {
        // The refresh lasts until somebody has looked in vain for something to send.
        if (name.endsWith('refresh 2019-12')) await inVain;
        const result = await it.context.db.transaction(name, work);
        if (name === 'look' && Array.isArray(result) && result.length === 0) {
          lookedInVain?.();
          await until('what runs has ended', idle);
        }
        return result;
      },
    },
  };
  const ended = await runMonth(slow, '2019-12', { reason: 'manual', until: '2019-12-15T12:00:00Z' });
  expect(ended.map((one) => [one.job, one.state])).toEqual([
    ['housekeeping', 'done'],
    ['ingest', 'done'],
    ['refresh', 'done'],
    ...Array.from({ length: 5 }, () => ['report', 'done']),
    ['directory-assemble', 'due'],
    ['directory-submit', 'due'],
    ['directory-visible', 'due'],
  ]);
});

test('a command that a person gave is in the same book', async () => {
  await recordManual(it.context, 'ingest', null, 'asks', 'a.csv: refused');
  expect(await it.rows('select job, cycle, reason, actor, outcome, says from run')).toEqual([
    {
      job: 'ingest',
      cycle: null,
      reason: 'manual',
      actor: 'operations',
      outcome: 'asks',
      says: 'a.csv: refused',
    },
  ]);
  expect(await take(EARLY)).toEqual([]);
});
