import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { addMonths } from '../src/calendar.ts';
import { type Log, openLog } from '../src/log.ts';
import { openQueue, type Queue } from '../src/queue/queue.ts';
import { Scheduler, Signal, workOn } from '../src/roles.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { jobOf } from './harness/job.ts';
import { hasRedis, ownRedis } from './harness/redis.ts';
import { until } from './harness/until.ts';

/* Schedulers whose clocks disagree, one that was down over the 15th, and clocks that jump. */

const silent = openLog({ LKP_LOG_LEVEL: 'silent' });
const endings: Array<() => Promise<unknown>> = [];
let it: TestContext;
let clock: string;
beforeEach(async () => {
  clock = '2020-05-02T08:00:00.000Z';
  it = await testContext({ now: () => clock });
  endings.push(() => it.drop());
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function queueAt(url: string): Promise<Queue> {
  const queue = await openQueue(url, { onError: () => undefined });
  endings.push(() => queue.close());
  return queue;
}

describe('eight schedulers with clocks up to 60 s apart', () => {
  const CYCLES = 100;
  const FIRST = '2000-01';

  test.each([
    { name: 'postgres', skip: false },
    // The same code on both; once more on Redis when asked, for its own 20 s.
    { name: 'redis', skip: process.env.LKP_TEST_ALL !== '1' || !hasRedis() },
  ])(`run each job of ${CYCLES} cycles once, on $name`, { timeout: 240_000 }, async ({ name, skip }) => {
    if (skip) return;
    const redis = name === 'redis' ? await ownRedis() : undefined;
    if (redis) endings.push(() => redis.drop());
    const jobs = [jobOf('first'), jobOf('beside'), jobOf('second', ['first'])];
    const schedule = scheduleOf('UTC', jobs);
    const queue = await queueAt(redis?.url ?? it.url);
    let now = 0;
    const at = (apart: number) => () => new Date(now + apart * 1000).toISOString();
    const ended = new Signal();
    let ends = 0;
    await workOn({ ...it.context, schedule, now: at(0) }, queue, jobs, silent, () => {
      ends += 1;
      ended.raise();
    });
    const schedulers = [-60, -45, -20, -1, 0, 15, 40, 60].map(
      (apart) => new Scheduler({ ...it.context, schedule, now: at(apart) }, queue, jobs, silent),
    );
    const began = Date.now();
    let sent = 0;
    for (let cycle = FIRST; cycle < addMonths(FIRST, CYCLES); cycle = addMonths(cycle, 1)) {
      // Half of the clocks say that it is not yet the 15th.
      now = Date.parse(`${cycle}-15T00:00:00Z`);
      await Promise.all(schedulers.map((one) => one.plan()));
      do {
        for (const count of await Promise.all(schedulers.map((one) => one.look()))) sent += count;
        while (ends < sent) await ended.wait(1_000);
        now += 20_000;
      } while ((await it.rows(`select from occurrence where state <> 'done'`)).length > 0);
    }
    console.info(`${CYCLES} cycles on ${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    expect(
      await it.rows(
        `select job, count(*)::int as runs, count(distinct cycle)::int as cycles, max(attempt) as attempt,
                count(*) filter (where outcome = 'done' and late_by is null and reason = 'scheduled')::int as in_time
         from run group by job order by job`,
      ),
    ).toEqual(
      ['beside', 'first', 'second'].map((one) => ({
        job: one,
        runs: CYCLES,
        cycles: CYCLES,
        attempt: 1,
        in_time: CYCLES,
      })),
    );
    expect(await it.rows('select state, count(*)::int from occurrence group by state')).toEqual([
      { state: 'done', count: 3 * CYCLES },
    ]);
  });
});

test('a scheduler that was down for 3 days over the 15th runs the cycle within 60 s of its return, once, and all say that it was late', async () => {
  const jobs = JOBS.filter(({ name }) => ['ingest', 'refresh', 'report'].includes(name)).map((one) => ({
    ...one,
    parts: 1,
  }));
  const app = { ...it.context, schedule: scheduleOf('UTC', jobs) };
  await mkdir(app.settings.inbox, { recursive: true });
  await writeFile(
    join(app.settings.inbox, 'november.csv'),
    "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\nA-1,2020-04-02,380,USD,C100,1,2,20.00,MOC-1\n",
  );
  const queue = await queueAt(it.url);
  const before = new Scheduler(app, queue, jobs, silent).start();
  await until('it has planned', async () => (await it.rows('select from occurrence')).length === jobs.length);
  await before.stop();

  clock = '2020-05-18T08:00:00.000Z';
  const back = Date.now();
  const scheduler = new Scheduler(app, queue, jobs, silent).start();
  endings.push(() => scheduler.stop());
  await workOn(app, queue, jobs, silent, () => scheduler.wake());
  await until(
    'the cycle has run',
    async () => (await it.rows(`select from occurrence where job = 'report' and state = 'done'`)).length,
    60_000,
  );
  expect(Date.now() - back).toBeLessThan(60_000);
  const said = await it.rows(
    `select run.job, run.attempt, run.reason, run.outcome, run.late_by, occurrence.late_by as first_late_by, run.says
     from run join occurrence on occurrence.id = run.occurrence_id order by run.id`,
  );
  const late = {
    attempt: 1,
    reason: 'catch-up',
    outcome: 'done',
    late_by: 'P3DT8H',
    first_late_by: 'P3DT8H',
  };
  expect(said).toEqual([
    { job: 'ingest', ...late, says: expect.anything() },
    { job: 'refresh', ...late, says: expect.stringMatching(/; late by 3 days$/) },
    { job: 'report', ...late, says: expect.stringMatching(/; late by 3 days$/) },
  ]);
  expect(await it.rows('select revision, late_by from snapshot')).toEqual([
    { revision: 1, late_by: '3 days' },
  ]);
  const folder = join(it.home, 'reports', '2020-05', 'revision-1');
  const book = (await readdir(folder)).find((name) => name.includes('program'))!;
  const texts: string[] = [];
  const opened = await app.tables.open(join(folder, book), { name: book, sheet: 'Partners' });
  for (const { cells } of opened.head) texts.push(...cells);
  expect(texts).toContain('This revision came late, by 3 days: it was due at 2020-05-15T00:00:00Z.');
}, 90_000);

describe('clocks that jump', () => {
  const jobs = [jobOf('first')];

  /** A scheduler on the machine's clock, which is the database's here, with `apart` seconds between the two. */
  async function scene() {
    const lines: string[] = [];
    const told = (level: string) => (text: unknown, more?: unknown) =>
      lines.push(`${level}: ${more ?? text}`);
    const log = { warn: told('warn'), error: told('error'), info: () => undefined } as unknown as Log;
    const { simulated: _, ...real } = it.context;
    const state = { apart: 0 };
    const app = {
      ...real,
      schedule: scheduleOf('UTC', jobs),
      now: () => new Date(Date.now() + state.apart * 1000).toISOString(),
    };
    let sent = 0;
    const queue: Queue = {
      send: async () => {
        sent += 1;
      },
      work: async () => undefined,
      sendHeartbeat: async () => undefined,
      stands: () => true,
      close: async () => undefined,
    };
    const scheduler = new Scheduler(app, queue, jobs, log);
    const turn = async (apart: number) => {
      state.apart = apart;
      await scheduler.plan();
      await scheduler.look();
    };
    const planned = () => it.rows<{ cycle: string }>('select distinct cycle from occurrence order by cycle');
    return { turn, planned, clocks: () => lines.filter((line) => line.includes('clocks')), sent: () => sent };
  }

  test('of the process change nothing, and are told once; a day apart, nothing is planned or sent', async () => {
    const { turn, planned, clocks, sent } = await scene();
    for (const apart of [400 * 86_400, 400 * 86_400, -2 * 86_400]) await turn(apart);
    expect(await planned()).toEqual([]);
    await turn(0);
    const thisMonth = new Date().toISOString().slice(0, 7);
    expect(await planned()).toEqual([{ cycle: thisMonth }]);
    const before = sent();
    // 23 hours: perhaps another day, perhaps another month by this machine's clock.
    for (const apart of [3, -3, 23 * 3600, 23 * 3600, -23 * 3600, 0]) await turn(apart);
    expect(await planned()).toEqual([{ cycle: thisMonth }]);
    expect(sent()).toBe(before);
    expect(clocks().map((line) => line.replace(/\d+ s/, 'N s'))).toEqual([
      'error: the clocks of this machine and of the database are N s apart: the calendar plans and sends nothing until they agree. Set both by NTP',
      'warn: the clocks of this machine and of the database agree again',
      "warn: the clocks of this machine and of the database are N s apart; the calendar goes by the database's. Set both by NTP",
      'warn: the clocks of this machine and of the database agree again',
    ]);
  });
});
