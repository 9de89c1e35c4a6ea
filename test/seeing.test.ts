import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { type Facts, readinessOf } from '../src/readiness.ts';
import { asked } from '../src/web/answer.ts';
import { Metrics } from '../src/web/metrics.ts';
import { openWeb } from '../src/web/server.ts';
import { freshDatabase } from './harness/database.ts';
import { launch } from './harness/lkp.ts';
import { openProxy, targetOf, through } from './harness/proxy.ts';
import { freePort, hasRedis, ownRedis } from './harness/redis.ts';
import { isReady, openStage, playerOf, type Stage } from './harness/stage.ts';
import { until } from './harness/until.ts';

/* What the running software says about itself: over HTTP, and in its log. */

const endings: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Said {
  readonly status: number;
  readonly text: string;
  readonly seconds: number;
  /** The checks of /ready that are not ok, with why. */
  readonly not: Readonly<Record<string, string>>;
}

async function get(port: number, path: string, method = 'GET'): Promise<Said> {
  const began = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  const text = await answer.text();
  const { checks = [] } = path === '/ready' ? JSON.parse(text) : {};
  const not = (checks as Array<{ name: string; ok: boolean; why: string; what_to_do?: string }>).filter(
    ({ ok, what_to_do }) => {
      expect(what_to_do === undefined).toBe(ok);
      return !ok;
    },
  );
  return {
    status: answer.status,
    text,
    seconds: (performance.now() - began) / 1000,
    not: Object.fromEntries(not.map(({ name, why }) => [name, why])),
  };
}

/** Asks until the answer is as wanted. */
const ready = (port: number, wanted: (said: Said) => boolean, within?: number) =>
  until(
    'it says what is wanted',
    async () => {
      const said = await get(port, '/ready');
      return wanted(said) && said;
    },
    within,
  );
const isUp = ({ status }: Said) => status === 200;

async function stageOn(env: Parameters<typeof openStage>[0] = () => ({})): Promise<Stage> {
  const stage = await openStage(env);
  endings.push(() => stage.drop());
  return stage;
}

/** Starts the roles with a port of their own. */
async function play(stage: Stage, ...roles: string[]) {
  const port = await freePort();
  const player = stage.start(roles, { LKP_HTTP: String(port), LKP_LOG_LEVEL: 'debug' });
  await isReady(player);
  return { port, player };
}

describe('whether a process is ready', () => {
  const PULSE = { answered: 5, answered_by: 'worker 7', waits: null, running: 0 };
  const LATE = { ...PULSE, answered: 61, waits: 61 };
  const facts = (changed: Partial<Facts>): Facts => ({
    roles: ['scheduler', 'worker'],
    draining: false,
    queueStands: true,
    looked: 2,
    attempting: false,
    pulse: { found: PULSE },
    ...changed,
  });

  test.each<[string, Partial<Facts>, string[]]>([
    ['all is well', {}, []],
    ['it drains', { draining: true }, ['process']],
    ['the database is away', { pulse: { missing: 'no' } }, ['database', 'round trip']],
    ['the queue is not open yet', { queueStands: undefined }, ['queue']],
    ['the queue is away', { queueStands: false }, ['queue']],
    ['the scheduler has not looked', { looked: undefined }, ['scheduler']],
    ['the scheduler looked long ago', { looked: 15.1 }, ['scheduler']],
    ['a worker need not look', { roles: ['worker'], looked: undefined }, []],
    ['no worker answers', { pulse: { found: LATE } }, ['round trip']],
    ['nobody has answered yet', { pulse: { found: { ...LATE, answered: null } } }, ['round trip']],
    ['its worker is at work', { pulse: { found: { ...LATE, running: 1 } }, attempting: true }, []],
    ['its worker is at work without a lease', { pulse: { found: LATE }, attempting: true }, ['round trip']],
    [
      'another worker is at work, its own is deaf',
      { pulse: { found: { ...LATE, running: 1 } } },
      ['round trip'],
    ],
    [
      'of a scheduler, some worker is at work',
      { roles: ['scheduler'], pulse: { found: { ...LATE, running: 1 } } },
      [],
    ],
  ])('%s', (_name, changed, not) => {
    const verdict = readinessOf(facts(changed));
    expect(verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(not);
    expect(verdict.ready).toBe(not.length === 0);
  });
});

describe('the pages', () => {
  const open = async (port: number) => {
    const web = await openWeb(String(port), {
      '/page': () => ({ status: 200, type: 'text/plain', body: 'it' }),
      '/broken': () => Promise.reject(new Error('a fault')),
    });
    endings.push(() => web.close());
  };

  test('a path that is none is 404, another method 405, a fault 500; the next question is answered', async () => {
    const port = await freePort();
    await open(port);
    expect(await get(port, '/page?with=words')).toMatchObject({ status: 200, text: 'it' });
    expect(await get(port, '/page', 'HEAD')).toMatchObject({ status: 200, text: '' });
    for (const path of ['/', '/page/', '/toString', '/__proto__'])
      expect(await get(port, path)).toMatchObject({ status: 404 });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(await get(port, '/page', method)).toMatchObject({ status: 405 });
    expect(await get(port, '/broken')).toMatchObject({ status: 500 });
    expect(await get(port, '/page')).toMatchObject({ status: 200 });
  });

  test('a port that another has, and one that there is not, are refused in words', async () => {
    const port = await freePort();
    await open(port);
    await expect(openWeb(String(port), {})).rejects.toMatchObject({
      code: 'machine',
      message: expect.stringMatching(/another process has it\. Give each process a port of its own/),
    });
    await expect(openWeb('127.0.0.1:99999', {})).rejects.toMatchObject({ name: 'LkpError' });
  });

  test('many who ask at once are one question, and an answer is told again for a while', async () => {
    let questions = 0;
    const ask = asked(async () => ++questions, 60_000);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(Array(3).fill({ found: 1 }));
    expect(await ask()).toEqual({ found: 1 });
    expect(questions).toBe(1);
  });
});

test('docs/operating.md has every metric that begins with lkp_, with its type and labels, and no other', async () => {
  const metrics = new Metrics('1');
  metrics.begun('ingest')('done');
  const text = await metrics.text({
    databaseUp: true,
    queueUp: true,
    figures: {
      occurrences: { due: 1 },
      successes: [{ job: 'ingest', at: 1, age: 1 }],
      deadlines: [{ job: 'ingest', cycle: '2020-05', remaining: 1 }],
      paused: false,
      undelivered: 0,
      roundTrip: 1,
    },
    rows: { quarantined: 1, rejected: 1 },
  });
  const labelsOf = (name: string) => {
    const [, labels = ''] = new RegExp(`^${name}(?:_count)?\\{(.*)\\} `, 'm').exec(text) ?? [];
    return [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).join(',');
  };
  const registered = [...text.matchAll(/^# TYPE (lkp_\w+) (\w+)$/gm)].map(
    ([, name, type]) => `${name} ${type} ${labelsOf(name!)}`,
  );
  const section = /\n## Metrics\n([\s\S]*?)(?=\n## |$)/.exec(readFileSync('docs/operating.md', 'utf8'))?.[1];
  const documented = [...(section ?? '').matchAll(/^\| `(lkp_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name, type, labels = '']) =>
      `${name} ${type} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(',')}`,
  );
  expect(registered.sort()).toEqual(documented.sort());
  expect(documented.length).toBeGreaterThan(10);
});

describe.each([
  { name: 'postgres', skip: false },
  { name: 'redis', skip: !hasRedis() },
])('a process with its queue on $name', ({ name, skip }) => {
  test.skipIf(skip)(
    'is ready when a heartbeat has made the round trip, busy while it is at work, and not while it drains',
    async () => {
      const redis = name === 'redis' ? await ownRedis() : undefined;
      if (redis) endings.push(() => redis.drop());
      const stage = await stageOn(() => (redis ? { QUEUE_URL: redis.url } : {}));
      await stage.rows("insert into hold values ('second', 'outside')");
      const [scheduler, { port, player }] = await Promise.all([
        play(stage, 'scheduler'),
        play(stage, 'worker'),
      ]);
      await ready(port, isUp);
      await ready(scheduler.port, isUp);
      const [heartbeat] = await stage.rows(
        'select answered_by, answered_at >= sent_at as answered from heartbeat',
      );
      expect(heartbeat).toEqual({ answered_by: `worker ${player.pid}`, answered: true });

      await stage.state('second', 'running');
      await stage.rows(
        "update heartbeat set sent_at = sent_at - interval '2 min', answered_at = answered_at - interval '3 min'",
      );
      for (const one of [port, scheduler.port]) {
        const busy = await ready(one, ({ text }) => text.includes('busy'));
        expect(busy.status).toBe(200);
        expect(busy.text).toMatch(/busy: 1 attempt is running; worker \d+ answered 1\d\d s ago/);
      }

      player.signal('SIGTERM');
      await ready(port, ({ not }) => 'process' in not);
      expect(JSON.parse((await get(port, '/health')).text)).toMatchObject({
        roles: ['worker'],
        draining: true,
      });
      const scraped = (await get(port, '/metrics')).text;
      expect(scraped).toMatch(/^lkp_attempts_total\{job="first",outcome="done"\} 1$/m);
      expect(scraped).toMatch(/^lkp_run_duration_seconds_count\{job="first"\} 1$/m);

      // Killed with its attempt: when the lease has run out nobody is busy, and nobody answers.
      player.signal('SIGKILL');
      await player.ended;
      await stage.rows("update occurrence set lease_until = now() - interval '1 s' where state = 'running'");
      const gone = await ready(scheduler.port, ({ status }) => status === 503);
      expect(gone.not['round trip']).toMatch(
        /^a heartbeat has waited 1\d\d s on the queue; worker \d+ answered/,
      );
    },
  );
});

test('a database that hangs, and one that is away: 503 within 2 s, and metrics of what the process knows', async () => {
  const way = await openProxy(targetOf(inject('server').url));
  endings.push(() => way.close());
  const stage = await stageOn((fresh) => ({ DATABASE_URL: through(fresh.url, way), QUEUE_URL: fresh.url }));
  await stage.rows("insert into hold values ('second', 'outside')");
  const { port, player } = await play(stage, 'scheduler', 'worker');
  await ready(port, isUp);
  const whole = (await get(port, '/metrics')).text;
  for (const line of [
    /^lkp_database_up 1$/m,
    /^lkp_queue_up 1$/m,
    /^lkp_occurrences\{state="done"\} [01]$/m,
    /^lkp_occurrences\{state="missed"\} 0$/m,
    // The deadline is the end of 2020-05-15, and time stands still at 2020-05-21 08:00.
    /^lkp_job_deadline_remaining_seconds\{job="second",cycle="2020-05"\} -460801$/m,
    /^lkp_rows_waiting\{what="rejected"\} 0$/m,
    /^lkp_calendar_paused 0$/m,
    /^lkp_build_info\{version="[\d.]+"\} 1$/m,
    /^process_cpu_seconds_total /m,
  ])
    expect(whole).toMatch(line);
  await stage.state('second', 'running');

  way.forget();
  // What was answered a second ago may be told once more.
  const hangs = await ready(port, ({ not }) => 'database' in not);
  expect(hangs.not.database).toMatch(/no answer for 1\.5 s/);
  expect(hangs.seconds).toBeLessThan(2);
  await ready(port, isUp);

  await way.cut();
  const away = await ready(port, ({ not }) => 'database' in not);
  expect(away.seconds).toBeLessThan(2);
  expect(away.text).not.toContain('postgres://');
  expect(await get(port, '/health')).toMatchObject({ status: 200 });
  const known = await get(port, '/metrics');
  expect(known.seconds).toBeLessThan(2);
  expect(known.text).toMatch(/^lkp_database_up 0$/m);
  expect(known.text).toMatch(/^lkp_attempts_total\{job="first",outcome="done"\} 1$/m);
  expect(known.text).not.toMatch(/^lkp_(occurrences|calendar_paused|queue_round_trip_age_seconds)\b/m);

  // An attempt whose end the ledger could not be told is told by its name, and by nobody as an error.
  const lost = await until('the attempt is lost', () =>
    player.log().find(({ msg }) => String(msg).startsWith('the ledger could not be told')),
  );
  expect(lost).toMatchObject({
    level: 'warn',
    job: 'second',
    cycle: '2020-05',
    attempt: 1,
    run: expect.any(String),
  });
  expect(player.log().filter(({ msg }) => String(msg).startsWith('message '))).toEqual([]);
  await way.mend();
  await ready(port, ({ not }) => !('database' in not));
});

test('every line of an attempt says job, cycle and run; rows that are handled are no error', async () => {
  const home = await mkdtemp(join(tmpdir(), 'lkp-seeing-'));
  endings.push(() => rm(home, { recursive: true, force: true }));
  const fresh = await freshDatabase();
  endings.push(() => fresh.drop());
  const header =
    "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";
  await mkdir(join(home, 'inbox'));
  await writeFile(
    join(home, 'inbox/april.csv'),
    `${header}A-1,2020-04-02,380,USD,C100,1,2,20.00,MOC-1\nA-2,2020-04-03,380,USD,C100,1,many,20.00,MOC-1\n`,
  );
  const player = playerOf(
    launch(['src/cli.ts', 'start'], {
      home,
      env: {
        DATABASE_URL: fresh.url,
        LKP_TEST_NOW: '2020-05-15T12:00:00.000Z',
        LKP_LOG_LEVEL: 'debug',
        LKP_INBOX_STABLE_SECONDS: '0',
      },
    }),
  );
  endings.push(async () => {
    player.signal('SIGKILL');
    await player.ended;
  });
  const runs = await until('refresh asks a person, or is done', async () => {
    const found = await fresh.db.transaction('look', (tx) =>
      tx.rows<{ run: string; job: string; says: string }>(
        'select id as run, job, says from run where outcome is not null order by id',
      ),
    );
    return found.some(({ job }) => job === 'refresh') && found;
  });
  player.signal('SIGTERM');
  expect(await player.ended).toBe(0);
  expect(runs[0]).toMatchObject({ job: 'ingest', says: expect.stringContaining('1 rejected') });
  const lines = player.log();
  for (const { run, job, says } of runs) {
    const own = lines.filter((line) => line.run === run);
    expect(own.map(({ msg }) => msg)).toEqual(['begun', says]);
    for (const line of own) expect(line).toMatchObject({ job, cycle: '2020-05', attempt: 1 });
  }
  // What has no run is of the process, not of a job.
  const others = lines.filter(({ run }) => run === undefined).map(({ msg }) => String(msg));
  expect(others.filter((msg) => !msg.startsWith('SIGTERM: no new attempts'))).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});
