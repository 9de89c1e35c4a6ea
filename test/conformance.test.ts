import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { sha256Of } from '../src/files.ts';
import { openQueue } from '../src/queue/queue.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { freshDatabase } from './harness/database.ts';
import { launch } from './harness/lkp.ts';
import { hasRedis, type OwnRedis, ownRedis } from './harness/redis.ts';
import { CYCLE, isReady, NOW, openStage, type Player, playerOf, type Stage } from './harness/stage.ts';
import { until } from './harness/until.ts';

/*
 * What the roles promise, once for both queues. Real processes, a real server each: nothing here knows which queue it
 * is, but for how its messages are lost.
 */

/** From the death of a worker to the effect of another, with the settings that ship. */
const TAKEOVER_MS = 20_000;
const withRedis = hasRedis();

let redis: OwnRedis | undefined;
let databases = 0;
beforeAll(async () => {
  if (withRedis) redis = await ownRedis();
});
afterAll(() => redis?.drop());

/** A stage on one of the queues, and how a test disturbs it. Each has a Redis database of its own. */
async function sceneOn(backend: 'postgres' | 'redis', onTestFinished: (end: () => Promise<void>) => void) {
  const queueUrl = backend === 'redis' ? `${redis?.url}/${databases++}` : undefined;
  const stage = await openStage(() => (queueUrl ? { QUEUE_URL: queueUrl } : {}));
  onTestFinished(() => stage.drop());
  return { ...stage, ...disturbances(stage, queueUrl), queueUrl: queueUrl ?? stage.fresh.url };
}

const disturbances = (stage: Stage, queueUrl: string | undefined) => ({
  /** Every message is gone, as after FLUSHALL or a restored backup. */
  loseMessages: async () => {
    if (queueUrl) await redis?.askAt(queueUrl, 'FLUSHDB');
    else await stage.rows('delete from bullmq.job');
  },
  /** As if the messages had been sent this long ago: the ledger goes by the server's clock. */
  aMinutePasses: () =>
    stage.rows(
      "update occurrence set enqueued_at = enqueued_at - interval '61 seconds' where state = 'enqueued'",
    ),
  hold: (job: string, place: 'inside' | 'outside') =>
    stage.rows('insert into hold values ($1, $2)', [job, place]),
  release: (job: string) => stage.rows('delete from hold where job = $1', [job]),
  /** The process that began a job; another than `not`. */
  holderOf: async (job: string, players: readonly Player[], not?: Player): Promise<Player> =>
    until(
      `somebody begins ${job}`,
      async () => {
        const begun = await stage.rows<{ pid: number }>('select pid from begun where job = $1', [job]);
        const pids = begun.map(({ pid }) => pid);
        return players.find((player) => player !== not && pids.includes(player.pid));
      },
      40_000,
    ),
  effects: () => stage.rows<{ job: string; pid: number }>('select job, pid from effect order by ctid'),
  runs: () =>
    stage.rows<{ job: string; attempt: number; reason: string; outcome: string; says: string }>(
      'select job, attempt, reason, outcome, says from run order by id',
    ),
});

// They wait much and work little: side by side they take the time of the longest.
describe.concurrent.each([
  { name: 'postgres' as const, skip: false },
  { name: 'redis' as const, skip: !withRedis },
])('on $name', { timeout: 120_000 }, ({ name, skip }) => {
  test.skipIf(skip)(
    'a job waits for the one before it; each has one effect and one run',
    async ({ onTestFinished }) => {
      const stage = await sceneOn(name, onTestFinished);
      const { hold, release, holderOf, effects, runs } = stage;
      // An installation that was there before the deadline: of what is older nobody is told.
      await stage.rows(
        `insert into change (no, known_at, kind, actor) values (0, '2020-04-01', 'test', 'test')`,
      );
      await hold('first', 'outside');
      const scheduler = await stage.play('scheduler');
      const worker = await stage.play('worker');
      await holderOf('first', [worker]);
      expect(await stage.rows("select from occurrence where job = 'second' and state <> 'due'")).toEqual([]);
      await release('first');
      await stage.state('second', 'done');
      expect((await effects()).map(({ job }) => job)).toEqual(['first', 'second']);
      expect(await runs()).toEqual([
        { job: 'first', attempt: 1, reason: 'catch-up', outcome: 'done', says: 'first had its effect' },
        { job: 'second', attempt: 1, reason: 'catch-up', outcome: 'done', says: 'second had its effect' },
      ]);
      const lines = worker.log().filter(({ job }) => job === 'first');
      expect(lines[0]).toMatchObject({ cycle: CYCLE, attempt: 1, run: expect.stringMatching(/^\d+$/) });
      expect(
        scheduler
          .log()
          .filter(({ level, alert }) => level === 'error' && alert === 'missed-deadline')
          .map(({ job, msg }) => `${job}: ${msg}`),
      ).toContainEqual(
        expect.stringMatching(/^first: first of 2020-05 is not done; its deadline was 2020-05-15 23:59/),
      );
    },
  );

  test.skipIf(skip)(
    'what can pass is tried again by itself; what a person must change is not',
    async ({ onTestFinished }) => {
      const stage = await sceneOn(name, onTestFinished);
      const { runs } = stage;
      await stage.rows("insert into trouble values ('first', 'machine', 1), ('second', 'request', 9)");
      await stage.play('scheduler', 'worker');
      await stage.state('first', 'failed');
      const [waits] = await stage.rows<{ seconds: string }>(
        "select extract(epoch from lease_until - now())::int::text as seconds from occurrence where job = 'first'",
      );
      expect(Number(waits?.seconds)).toBeGreaterThan(0);
      expect(Number(waits?.seconds)).toBeLessThanOrEqual(10);
      await stage.state('second', 'failed', 30_000);
      expect(
        await stage.rows('select job, attempt, lease_until is null as final from occurrence order by id'),
      ).toEqual([
        { job: 'first', attempt: 2, final: true },
        { job: 'second', attempt: 1, final: true },
      ]);
      expect((await runs()).map(({ job, outcome }) => `${job} ${outcome}`)).toEqual([
        'first failed',
        'first done',
        'second failed',
      ]);
    },
  );

  test.skipIf(skip)(
    'four schedulers and three workers make one run of each job',
    async ({ onTestFinished }) => {
      const stage = await sceneOn(name, onTestFinished);
      const { effects, runs } = stage;
      const processes = await Promise.all([
        ...Array.from({ length: 3 }, () => stage.play('scheduler')),
        ...Array.from({ length: 2 }, () => stage.play('worker')),
        stage.play('scheduler', 'worker'),
      ]);
      expect(processes).toHaveLength(6);
      await stage.state('second', 'done');
      expect((await runs()).map(({ job, attempt }) => `${job} ${attempt}`)).toEqual(['first 1', 'second 1']);
      expect(await effects()).toHaveLength(2);
    },
  );

  test.skipIf(skip)('a message that comes again has no second effect', async ({ onTestFinished }) => {
    const stage = await sceneOn(name, onTestFinished);
    const { effects, runs, queueUrl } = stage;
    await stage.play('scheduler', 'worker');
    await stage.state('second', 'done');
    const occurrences = await stage.rows<{ id: string }>('select id from occurrence order by id');
    const queue = await openQueue(queueUrl, { onError: () => undefined });
    for (const { id } of occurrences) {
      for (const attempt of [0, 1, 2])
        await queue.send({ occurrence: id, attempt, reason: 'scheduled', actor: 'test' });
    }
    // The last message in line is one whose handling shows: everything before it was handled.
    await stage.rows(
      "insert into occurrence (job, cycle, due_at, state) values ('first', '2020-04', '2020-04-15', 'enqueued')",
    );
    const [last] = await stage.rows<{ id: string }>("select id from occurrence where cycle = '2020-04'");
    await queue.send({ occurrence: last?.id ?? '', attempt: 0, reason: 'backfill', actor: 'test' });
    await until('the last message is handled', async () => (await effects()).length === 3);
    await queue.close();
    expect((await runs()).map(({ job, reason }) => `${job} ${reason}`)).toEqual([
      'first catch-up',
      'second catch-up',
      'first backfill',
    ]);
  });

  test.skipIf(skip)('messages that are lost are sent again from the ledger', async ({ onTestFinished }) => {
    const stage = await sceneOn(name, onTestFinished);
    const { hold, release, effects, loseMessages, aMinutePasses } = stage;
    const scheduler = await stage.play('scheduler');
    await stage.state('first', 'enqueued');
    await loseMessages();
    const worker = await stage.play('worker');
    await aMinutePasses();
    await stage.state('second', 'done');
    // Lost once more, under both running roles, while a job runs.
    await hold('first', 'outside');
    await stage.rows("update occurrence set state = 'due'");
    await until(
      'it runs',
      async () => (await stage.rows("select from begun where job = 'first'")).length === 2,
    );
    await loseMessages();
    await release('first');
    await until('second is sent or done', async () => {
      await aMinutePasses();
      return (await effects()).length === 4;
    });
    expect([scheduler, worker].map(({ said }) => said().stdout)).not.toContain('');
  });

  test.skipIf(skip)(
    'a worker killed in the middle of a job: another one finishes it within 20 s',
    async ({ onTestFinished }) => {
      const stage = await sceneOn(name, onTestFinished);
      const { hold, release, holderOf, effects, runs } = stage;
      await hold('first', 'inside');
      await stage.play('scheduler');
      const workers = [await stage.play('worker'), await stage.play('worker')];
      const killed = await holderOf('first', workers);
      killed.signal('SIGKILL');
      const died = Date.now();
      await release('first');
      await until('first has its effect', async () => (await effects()).length > 0, TAKEOVER_MS);
      const took = Date.now() - died;
      console.info(`takeover on ${name} after SIGKILL: ${(took / 1000).toFixed(1)} s`);
      await stage.state('second', 'done');
      expect((await effects()).filter(({ pid }) => pid === killed.pid)).toEqual([]);
      expect(await effects()).toHaveLength(2);
      expect(took).toBeLessThan(TAKEOVER_MS);
      expect((await runs())[0]).toMatchObject({
        outcome: 'failed',
        says: 'No sign of life for 15 seconds; attempt 2 took over.',
      });
    },
  );

  test.skipIf(skip).for(['outside', 'inside'] as const)(
    'a worker frozen %s its transaction: another one takes over, and the late one stores nothing',
    async (place, { onTestFinished }) => {
      const stage = await sceneOn(name, onTestFinished);
      const { hold, release, holderOf, effects, runs } = stage;
      await hold('first', place);
      await stage.play('scheduler');
      const workers = [await stage.play('worker'), await stage.play('worker')];
      const frozen = await holderOf('first', workers);
      frozen.signal('SIGSTOP');
      const froze = Date.now();
      const other = await holderOf('first', workers, frozen);
      console.info(`takeover on ${name}, frozen ${place}: ${((Date.now() - froze) / 1000).toFixed(1)} s`);
      expect(Date.now() - froze).toBeLessThan(TAKEOVER_MS);
      await release('first');
      // Inside, the frozen one holds locks: it must not take its waking to free them. Outside, both go on at once.
      if (place === 'inside') await stage.state('second', 'done');
      frozen.signal('SIGCONT');
      await stage.state('second', 'done');
      await until('the late one has noticed', () =>
        frozen.log().some(({ msg }) => String(msg).startsWith('another attempt took over')),
      );
      const first = (await effects()).filter(({ job }) => job === 'first');
      expect(first).toEqual([{ job: 'first', pid: other.pid }]);
      expect((await runs()).filter(({ job }) => job === 'first').map(({ outcome }) => outcome)).toEqual([
        'failed',
        'done',
      ]);
    },
  );
});

describe('the same month', () => {
  const REFERENCE: ReadonlyArray<readonly [kind: KindName, file: string]> = [
    ['partners', 'partners.csv'],
    ['locations', 'locations.csv'],
    ['customers', 'customers.csv'],
    ['enrolments', 'enrolments.csv'],
    ['attainments', 'attainments.csv'],
    ['products', 'products.csv'],
    ['rates', 'eurofxref-2019-04-2020-05.csv'],
    ['rates', 'rates-manual.csv'],
    ['listings', 'listings.csv'],
  ];

  /**
   * The sample month, embedded by one process, or on a database of its own by a scheduler and two workers: as scheduled, six
   * days late. Returns name -> sha256 of what it wrote.
   */
  async function month(
    where: 'embedded' | 'distributed',
    queueUrl?: string,
  ): Promise<Record<string, string>> {
    const fresh = where === 'distributed' ? await freshDatabase() : undefined;
    const at: Record<string, string> = fresh ? { DATABASE_URL: fresh.url } : {};
    const home = await mkdtemp(join(tmpdir(), 'lkp-month-'));
    const players: Player[] = [];
    let end: () => Promise<void> = async () => undefined;
    try {
      const app = await openApp({ settings: readSettings({ LKP_HOME: home, ...at }), now: () => NOW });
      end = () => app.close();
      for (const [kind, file] of REFERENCE) await loadReference(app, kind, `samples/data/reference/${file}`);
      const env = {
        ...at,
        LKP_INBOX: 'samples/data/invoices',
        LKP_INBOX_STABLE_SECONDS: '0',
        LKP_TEST_NOW: NOW,
        ...(queueUrl && { QUEUE_URL: queueUrl }),
      };
      for (const roles of fresh ? [['scheduler'], ['worker'], ['worker']] : [[]])
        players.push(playerOf(launch(['src/cli.ts', 'start', ...roles], { home, env })));
      await Promise.all(players.map(isReady));
      await until(
        'the month is done',
        async () => {
          const all = await app.db.transaction('look', (tx) =>
            tx.rows<{ job: string; state: string; says: string }>(
              'select job, state, says from occurrence where due_at <= $1',
              [NOW],
            ),
          );
          const stuck = all.find(({ state }) => state === 'failed' || state === 'waiting');
          if (stuck) throw new Error(JSON.stringify(stuck));
          return all.length > 0 && all.every(({ state }) => state === 'done');
        },
        60_000,
      );
      for (const player of players) player.signal('SIGTERM');
      expect(await Promise.all(players.map(({ ended }) => ended))).toEqual(players.map(() => 0));
      return await written(home);
    } finally {
      for (const player of players) player.signal('SIGKILL');
      await Promise.all(players.map(({ ended }) => ended));
      await end();
      await fresh?.drop();
      await rm(home, { recursive: true, force: true });
    }
  }

  async function written(home: string): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const folder of ['reports', 'outbox']) {
      const entries = await readdir(join(home, folder), { recursive: true, withFileTypes: true });
      for (const entry of entries.filter((one) => one.isFile())) {
        const path = join(entry.parentPath, entry.name);
        found[path.slice(home.length)] = await sha256Of(path);
      }
    }
    return found;
  }

  test('embedded, on PostgreSQL and on Redis gives the same bytes', async () => {
    const embedded = await month('embedded');
    expect(Object.keys(embedded).length).toBeGreaterThan(30);
    expect(Object.keys(embedded)).toContain('/outbox/2020-05/manifest-2020-05.json');
    expect(await month('distributed')).toEqual(embedded);
    if (!withRedis) return;
    const redis = await ownRedis();
    try {
      expect(await month('distributed', redis.url)).toEqual(embedded);
    } finally {
      await redis.drop();
    }
  }, 240_000);
});
