import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addMonths } from '../src/calendar.ts';
import { type Job, LkpError } from '../src/job.ts';
import { again, attempt, lateText, type Occurrence, pause, plan, resume, takeReady } from '../src/ledger.ts';
import { openLog } from '../src/log.ts';
import type { Sql } from '../src/ports.ts';
import type { Queue } from '../src/queue/queue.ts';
import { Scheduler } from '../src/roles.ts';
import type { When } from '../src/schedule/dates.ts';
import { type Schedule, scheduleOf } from '../src/schedule/schedule.ts';
import { type TestContext, testContext } from './harness/context.ts';

/* What the calendar plans, what becomes of what nobody looked at, and what an edited schedule moves. */

const log = openLog({ LKP_LOG_LEVEL: 'silent' });

let it: TestContext;
let clock = '2020-01-01T00:00:00.000Z';
beforeAll(async () => {
  it = await testContext({ now: () => clock });
});
beforeEach(() => it.rows('truncate occurrence, run, pause restart identity'));
afterAll(() => it.drop());

const job = (name: string, when: Partial<When> = {}, after: string[] = [], parts = 1): Job => ({
  name,
  why: 'a test asks for it',
  reads: [],
  writes: [],
  after,
  parts,
  when: { day: 15, why: 'a test says so', ...when },
  run: async (_context, cycle, { lateBy }) => {
    ran.push(`${name} ${cycle}${lateBy ? ` late by ${lateBy}` : ''}`);
    return { outcome: 'done', says: 'well' };
  },
});
let ran: string[] = [];

const tx = <T>(run: (sql: Sql) => Promise<T>): Promise<T> => it.context.db.transaction('test', run);

/** A queue that does each message at once. */
const queueOf = (jobs: readonly Job[]): Queue => ({
  send: async (message) => {
    await attempt(it.context, jobs, { ...message, reason: message.reason as 'scheduled' }, log);
  },
  work: async () => undefined,
  sendHeartbeat: async () => undefined,
  stands: () => true,
  close: async () => undefined,
});

/** A scheduler that was just started, with a worker. `turn` plans and looks until nothing more can be sent. */
function schedulerOf(jobs: readonly Job[], schedule: Schedule = scheduleOf('UTC', jobs)) {
  const scheduler = new Scheduler({ ...it.context, schedule }, queueOf(jobs), jobs, log);
  return async (now: string): Promise<string[]> => {
    clock = now;
    ran = [];
    await scheduler.plan();
    while ((await scheduler.look()) > 0);
    return ran;
  };
}

const states = async (): Promise<string[]> =>
  (
    await it.rows<Pick<Occurrence, 'job' | 'cycle' | 'state'>>(
      'select distinct job, cycle, state from occurrence order by cycle, job, state',
    )
  ).map(({ job, cycle, state }) => `${cycle} ${job} ${state}`);
const says = async (cycle: string, name = 'refresh'): Promise<string> =>
  (
    await it.rows<{ says: string }>('select says from occurrence where cycle = $1 and job = $2', [
      cycle,
      name,
    ])
  )[0]!.says;

describe('the plan', () => {
  test('begins with the current month, then knows every month since, and no job that came later', async () => {
    await schedulerOf([job('refresh')])('2020-01-20T00:00:00Z');
    expect(await states()).toEqual(['2020-01 refresh done']);
    // What people ran, before and meanwhile, is no month of the calendar's.
    await tx((sql) => plan(sql, [job('refresh')], '2019-05', scheduleOf('UTC', [job('refresh')])));
    await schedulerOf([job('refresh'), job('new')])('2020-04-02T00:00:00Z');
    expect((await states()).filter((one) => !one.startsWith('2019'))).toEqual([
      '2020-01 refresh done',
      '2020-02 new missed',
      '2020-02 refresh missed',
      '2020-03 new done',
      '2020-03 refresh done',
      '2020-04 new due',
      '2020-04 refresh due',
    ]);
    expect(await it.rows(`select cycle from occurrence where cycle < '2020-01'`)).toEqual([
      { cycle: '2019-05' },
    ]);
  });

  test('of a clock that went back is empty, and nothing fires again', async () => {
    const turn = schedulerOf([job('refresh')]);
    expect(await turn('2020-05-15T00:00:01Z')).toEqual(['refresh 2020-05']);
    for (const now of ['2020-05-14T12:00:00Z', '2020-04-20T00:00:00Z', '2020-05-15T00:00:01Z'])
      expect(await turn(now)).toEqual([]);
    expect(await states()).toEqual(['2020-05 refresh done']);
  });
});

describe('what nobody looked at', () => {
  const DOWN_FROM = '2020-02-01T00:00:00Z';
  // Due on the 15th of February, March and April.
  test.each([
    {
      policy: 'all',
      windowDays: 45,
      back: '2020-04-18T08:00:00Z',
      ran: ['03 late by 34 days', '04 late by 3 days'],
    },
    {
      policy: 'all',
      windowDays: 90,
      back: '2020-04-18T08:00:00Z',
      ran: ['02 late by 63 days', '03 late by 34 days', '04 late by 3 days'],
    },
    { policy: 'last', windowDays: 45, back: '2020-04-18T08:00:00Z', ran: ['04 late by 3 days'] },
    { policy: 'last', windowDays: 45, back: '2020-04-14T08:00:00Z', ran: ['03 late by 30 days'] },
    { policy: 'last', windowDays: 2, back: '2020-04-18T08:00:00Z', ran: [] },
    { policy: 'none', windowDays: 45, back: '2020-04-18T08:00:00Z', ran: [] },
    { policy: 'none', windowDays: 45, back: '2020-04-15T01:00:00Z', ran: ['04'] },
    { policy: 'none', windowDays: 45, back: '2020-04-15T01:00:01Z', ran: [] },
  ] as const)('$policy within $windowDays days, back at $back: $ran', async ({
    policy,
    windowDays,
    back,
    ran,
  }) => {
    const jobs = [job('refresh', { catchUp: { policy, windowDays } })];
    await schedulerOf(jobs)(DOWN_FROM);
    expect(await schedulerOf(jobs)(back)).toEqual(ran.map((one) => `refresh 2020-${one}`));
    const missed = (await states()).filter((one) => one.endsWith('missed'));
    const due = back >= '2020-04-15' ? 3 : 2;
    expect(missed).toHaveLength(due - ran.length);
    // Decided once: no later look changes it.
    await schedulerOf(jobs)('2020-04-30T08:00:00Z');
    expect(await states()).toEqual(expect.arrayContaining(missed));
    expect(await it.rows('select from run')).toHaveLength(ran.length + (due === 2 ? 1 : 0));
  });

  test('says why it is missed and what to type; a person runs it, and then it is not late', async () => {
    const jobs = [job('refresh', { catchUp: { policy: 'last' } })];
    await schedulerOf(jobs)(DOWN_FROM);
    await schedulerOf(jobs)('2020-03-18T08:00:00Z');
    expect(await says('2020-02')).toBe(
      'Nothing was sent from 2020-02-15T00:00:00Z, when it was due, to 2020-03-18T08:00:00Z; its catch-up policy is last, and 2020-03 is due. To run it all the same: lkp cycle 2020-02.',
    );
    await tx((sql) => again(sql, '2020-02', ['missed']));
    // A scheduler that looks meanwhile leaves it to the person, or does it for him.
    expect(await schedulerOf(jobs)('2020-03-18T08:05:00Z')).toEqual(['refresh 2020-02']);
    expect(await it.rows('select cycle, reason, late_by from run order by id')).toEqual([
      { cycle: '2020-03', reason: 'catch-up', late_by: 'P3DT8H' },
      { cycle: '2020-02', reason: 'scheduled', late_by: null },
    ]);
    expect(await it.rows('select cycle, late_by from occurrence order by cycle')).toEqual([
      { cycle: '2020-02', late_by: null },
      { cycle: '2020-03', late_by: 'P3DT8H' },
    ]);
  });

  test('what waits for its turn is never missed: neither behind a person nor behind a job before it', async () => {
    let trouble = true;
    const first: Job = {
      ...job('first', { catchUp: { policy: 'none' } }),
      run: async () => (trouble ? { outcome: 'asks', says: 'look' } : { outcome: 'done', says: 'well' }),
    };
    const jobs = [first, job('refresh', { catchUp: { policy: 'none', windowDays: 1 } }, ['first'])];
    const turn = schedulerOf(jobs);
    await turn('2020-03-15T00:00:02Z');
    expect(await states()).toEqual(['2020-03 first waiting', '2020-03 refresh due']);
    expect(await turn('2020-03-25T00:00:00Z')).toEqual([]);
    trouble = false;
    await tx((sql) => again(sql, '2020-03', ['waiting']));
    expect(await turn('2020-03-25T00:00:00Z')).toEqual(['refresh 2020-03 late by 10 days']);
  });

  test('what comes after a missed job waits for it', async () => {
    const jobs = [job('first', { catchUp: { policy: 'none' } }), job('refresh', {}, ['first'])];
    await schedulerOf(jobs)(DOWN_FROM);
    expect(await schedulerOf(jobs)('2020-02-18T00:00:00Z')).toEqual([]);
    expect(await states()).toEqual(['2020-02 first missed', '2020-02 refresh due']);
  });
});

describe('paused', () => {
  test('nothing is sent, all is planned; resumed, what came due is caught up by its policy', async () => {
    const jobs = [job('refresh'), job('strict', { catchUp: { policy: 'none' } })];
    const turn = schedulerOf(jobs);
    await turn('2020-01-31T00:00:00Z');
    await pause(it.context, 'the file server moves');
    await expect(pause(it.context, 'again')).rejects.toThrow(
      new LkpError(
        'request',
        "The calendar is paused since 2020-01-31T00:00:00Z by operations: the file server moves. It stays so until lkp resume --reason 'why'.",
      ),
    );
    expect(await turn('2020-02-17T00:00:00Z')).toEqual([]);
    expect(await states()).toEqual(expect.arrayContaining(['2020-02 refresh due', '2020-02 strict due']));
    await resume(it.context, 'it has moved');
    await expect(resume(it.context, 'again')).rejects.toThrow(
      /not paused: operations resumed it at .*it has moved/,
    );
    expect(await turn('2020-02-17T00:00:01Z')).toEqual(['refresh 2020-02 late by 2 days']);
    expect(await states()).toContain('2020-02 strict missed');
  });
});

describe('an edited schedule', () => {
  const days = (day: number, more: Partial<When> = {}) => [job('refresh', { day, ...more })];
  const due = async () =>
    (await it.rows<{ due_at: string }>(`select due_at from occurrence where cycle = '2020-03'`)).map(
      ({ due_at }) => due_at,
    );

  test('moves what is not begun, later and earlier, and says so; never to before the edit', async () => {
    await schedulerOf(days(15))('2020-03-05T00:00:00Z');
    await schedulerOf(days(20, { deadline: { day: 22 } }))('2020-03-15T00:00:01Z');
    expect(await it.rows(`select due_at, deadline from occurrence where cycle = '2020-03'`)).toEqual([
      { due_at: '2020-03-20T00:00:00Z', deadline: '2020-03-22T23:59:59Z' },
    ]);
    // Due in the past by the edit: due now, neither late nor missed, whatever the policy.
    const strict = days(10, { catchUp: { policy: 'none' } });
    expect(await schedulerOf(strict)('2020-03-16T09:00:00Z')).toEqual(['refresh 2020-03']);
    expect(await due()).toEqual(['2020-03-16T09:00:00Z']);
    // Begun or ended keeps its date, and does not fire again.
    for (const day of [5, 12, 17, 28]) {
      expect(await schedulerOf(days(day))('2020-03-16T10:00:00Z')).toEqual([]);
      expect(await schedulerOf(days(day))('2020-03-29T10:00:00Z')).toEqual([]);
    }
    expect(await due()).toEqual(['2020-03-16T09:00:00Z']);
  });

  test('made while the scheduler was down makes nothing later or missed than it was', async () => {
    await schedulerOf(days(15))('2020-03-05T00:00:00Z');
    const edited = days(2, { catchUp: { windowDays: 5 } });
    expect(await schedulerOf(edited)('2020-03-18T00:00:00Z')).toEqual(['refresh 2020-03 late by 3 days']);
  });

  test('of other parts and another zone neither fires nor skips', async () => {
    const parted = (parts: number) => [job('refresh', {}, [], parts)];
    await schedulerOf(parted(2))('2020-03-05T00:00:00Z');
    const turn = schedulerOf(parted(3), scheduleOf('America/Los_Angeles', parted(3)));
    expect(await turn('2020-03-15T06:59:59Z')).toEqual([]);
    expect(await turn('2020-03-15T07:00:00Z')).toEqual(['refresh 2020-03', 'refresh 2020-03']);
    expect(await schedulerOf(parted(1))('2020-03-16T07:00:00Z')).toEqual([]);
    expect(await it.rows('select count(*)::int as runs from run')).toEqual([{ runs: 2 }]);
  });
});

test('what a person plans and asks for is skipped by no policy', async () => {
  const jobs = [job('refresh', { catchUp: { policy: 'none' } })];
  await schedulerOf(jobs)('2020-03-20T00:00:00Z');
  await tx((sql) => plan(sql, jobs, addMonths('2020-03', -6), scheduleOf('UTC', jobs)));
  expect(await schedulerOf(jobs)('2020-03-20T00:01:00Z')).toEqual(['refresh 2019-09']);
  expect(await tx((sql) => takeReady(sql, jobs, clock))).toEqual([]);
});

test.each([
  ['PT1H0.5S', '1 hour'],
  ['PT23H59M', '23 hours'],
  ['P1DT23H', '1 day'],
  ['P63DT8H', '63 days'],
])('%s is %s', (interval, text) => expect(lateText(interval)).toBe(text));
