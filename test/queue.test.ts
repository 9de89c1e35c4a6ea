import { createPostgresBackend, Queue as RawRedis, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Message, openQueue, type Queue } from '../src/queue/queue.ts';
import { freshDatabase } from './harness/database.ts';
import { node } from './harness/lkp.ts';
import { openProxy } from './harness/proxy.ts';
import { freePort, hasRedis, ownRedis } from './harness/redis.ts';
import { withAdmin } from './harness/server.ts';
import { until } from './harness/until.ts';

interface Backend {
  url: string;
  stop(): Promise<void>;
  /** Puts a message there as another version would. */
  addRaw(data: object, jobId: string): Promise<void>;
  /** Gives a message that runs to another worker, as happens to one that was not heard of for too long. */
  steal(jobId: string): Promise<void>;
}

async function postgres(): Promise<Backend> {
  const fresh = await freshDatabase('empty');
  const { Queue } = withBackend(createPostgresBackend);
  return {
    url: fresh.url,
    stop: () => fresh.drop(),
    steal: (jobId) =>
      withAdmin(fresh.url, async (client) => {
        await client.query("update bullmq.job set lock_token = 'another worker' where id = $1", [jobId]);
      }),
    addRaw: (data, jobId) =>
      add(new Queue('lkp', { connection: { connectionString: fresh.url } }), data, jobId),
  };
}

async function redis(): Promise<Backend> {
  const { url, drop } = await ownRedis();
  return {
    url,
    stop: drop,
    steal: async (jobId) => {
      const client = new Redis(url);
      await client.set(`bull:lkp:${jobId}:lock`, 'another worker');
      await client.quit();
    },
    addRaw: (data, jobId) => add(new RawRedis('lkp', { connection: { url } }), data, jobId),
  };
}

async function add(
  queue: { add(name: string, data: object, options: object): Promise<unknown>; close(): Promise<void> },
  data: object,
  jobId: string,
): Promise<void> {
  await queue.add('occurrence', data, { jobId });
  await queue.close();
}

const message = (occurrence: string, attempt: number): Message => ({
  occurrence,
  attempt,
  reason: 'scheduled',
  actor: 'the scheduler',
});

describe.each([
  { name: 'postgres', make: postgres, skip: false },
  { name: 'redis', make: redis, skip: !hasRedis() },
])('queue on $name', ({ make, skip }) => {
  let backend: Backend;
  let queue: Queue;
  let errors: Error[];
  beforeAll(async () => {
    if (!skip) backend = await make();
  });
  afterAll(() => backend?.stop());
  beforeEach(async () => {
    errors = [];
    if (!skip) queue = await openQueue(backend.url, { onError: (error) => errors.push(error) });
  });
  afterEach(() => queue?.close());

  test.skipIf(skip)('a message is handled once, with its occurrence, attempt, reason and actor', async () => {
    const seen: Message[] = [];
    await queue.work(async (one) => void seen.push(one), { concurrency: 2 });
    await queue.send(message('41', 3));
    await queue.send(message('42', 1));
    await until('both were handled', () => seen.length >= 2);
    await queue.close();
    expect(seen.sort((a, b) => Number(a.occurrence) - Number(b.occurrence))).toEqual([
      message('41', 3),
      message('42', 1),
    ]);
    expect(errors).toEqual([]);
  });

  test.skipIf(skip)(
    'the same message sent again while it waits or runs is one; once done it may come again',
    async () => {
      const seen: string[] = [];
      const finish: (() => void)[] = [];
      await queue.send(message('50', 1));
      await queue.send(message('50', 1));
      const handler = async ({ occurrence }: Message) => {
        seen.push(occurrence);
        if (occurrence !== 'last') await new Promise<void>((resolve) => finish.push(resolve));
      };
      await queue.work(handler, { concurrency: 1 });
      await until('it runs', () => finish.length > 0);
      await queue.send(message('50', 1));
      finish.pop()?.();
      await queue.send(message('last', 1));
      await until('the queue is empty', () => seen.includes('last'));
      expect(seen).toEqual(['50', 'last']);

      await queue.send(message('50', 1));
      await until('it runs again', () => finish.length > 0);
      finish.pop()?.();
      await queue.close();
      expect(seen).toEqual(['50', 'last', '50']);
    },
  );

  test.skipIf(skip)(
    'what a handler throws is reported with the message, not retried, and blocks nothing',
    async () => {
      let calls = 0;
      await queue.work(
        async () => {
          calls += 1;
          if (calls === 1) throw new Error('no such cycle');
        },
        { concurrency: 1 },
      );
      await queue.send(message('60', 1));
      await until('the error is reported', () => errors.length > 0);
      expect(errors.map((error) => error.message)).toEqual(['message o60-a1: no such cycle']);
      await queue.send(message('60', 1));
      await until('the same message came again', () => calls === 2);
    },
  );

  test.skipIf(skip)(
    'a message of another version is refused in words, and does not reach the handler',
    async () => {
      await backend.addRaw({ ...message('70', 1), v: 2 }, 'o70-a1');
      let calls = 0;
      await queue.work(
        async () => {
          calls += 1;
        },
        { concurrency: 1 },
      );
      await until('it is refused', () => errors.length > 0);
      expect(errors[0]?.message).toMatch(/message o70-a1: not a message of this version \(v 2, wanted 1\)/);
      expect(calls).toBe(0);
    },
  );

  test.skipIf(skip)(
    'a heartbeat waits once, and is answered before what waits; then it may come again',
    async () => {
      expect(queue.stands()).toBe(true);
      const seen: string[] = [];
      await queue.sendHeartbeat();
      await queue.send(message('71', 1));
      await queue.send(message('72', 1));
      await queue.sendHeartbeat();
      let finish: () => void = () => undefined;
      const handler = async ({ occurrence }: Message) => {
        seen.push(occurrence);
        if (occurrence === '71') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        }
      };
      await queue.work(handler, { concurrency: 1, heartbeat: async () => void seen.push('heartbeat') });
      await until('the first runs', () => seen.includes('71'));
      await queue.sendHeartbeat();
      finish();
      await until('all is done', () => seen.includes('72'));
      await queue.close();
      expect(seen).toEqual(['heartbeat', '71', 'heartbeat', '72']);
      expect(queue.stands()).toBe(false);
      expect(errors).toEqual([]);
    },
  );

  test.skipIf(skip)('a handler whose message was given to another worker is told to stop', async () => {
    let why: unknown;
    await queue.work(
      async (_message, signal) => {
        await backend.steal('o75-a1');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        why = signal.reason;
      },
      { concurrency: 1 },
    );
    await queue.send(message('75', 1));
    await until('it is told', () => why);
    expect(why).toBe('its lock was lost; another worker may have it');
  });

  test.skipIf(skip)('close waits for the handler that runs', async () => {
    let running = false;
    let finish: () => void = () => undefined;
    let finished = false;
    await queue.work(
      async () => {
        running = true;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        finished = true;
      },
      { concurrency: 1 },
    );
    await queue.send(message('80', 1));
    await until('it runs', () => running);
    const closed = queue.close().then(() => finished);
    finish();
    expect(await closed).toBe(true);
  });

  test.skipIf(skip)('a process that has closed its queue ends by itself', async () => {
    const ran = await node(['test/programs/queue-user.ts', backend.url]);
    expect(ran).toMatchObject({ code: 0, stdout: 'handled 1\nclosed\n', stderr: '' });
  });
});

test('a queue that is not there is a failure in words, within 12 s, on both backends', async () => {
  const port = await freePort();
  const began = Date.now();
  const failures = await Promise.all(
    [`redis://:secret@127.0.0.1:${port}`, `postgres://me:secret@127.0.0.1:${port}/lkp`].map((url) =>
      openQueue(url, { onError: () => undefined }).catch((error: Error) => error),
    ),
  );
  for (const failure of failures) {
    expect(failure).toMatchObject({ name: 'LkpError', code: 'machine' });
    expect((failure as Error).message).toContain(`127.0.0.1:${port}`);
    expect((failure as Error).message).not.toContain('secret');
  }
  expect(Date.now() - began).toBeLessThan(12_000);
});

describe.skipIf(!hasRedis())('a Redis that cannot be trusted with messages is refused', () => {
  const refusal = (url: string) =>
    openQueue(url, { onError: () => undefined }).then(
      async (queue) => {
        await queue.close();
        throw new Error('it was taken');
      },
      (error: Error) => error,
    );

  test('one that may throw messages away to make room', async () => {
    const server = await ownRedis();
    try {
      await server.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      expect(await refusal(server.url)).toMatchObject({
        code: 'request',
        message: expect.stringMatching(
          /maxmemory-policy allkeys-lru.*noeviction is wanted\. Set "maxmemory-policy noeviction"/,
        ),
      });
    } finally {
      await server.drop();
    }
  });

  test('one older than 6.2', async () => {
    const server = await ownRedis();
    // A real server, behind a network that makes it older than it is; the letters stay as many.
    const old = await openProxy({ host: '127.0.0.1', port: server.port }, (answer) =>
      Buffer.from(
        answer
          .toString('latin1')
          .replace(
            /(redis_version:)[\d.]+/,
            (all, name: string) => name + '6.0.16'.padEnd(all.length - name.length, '0'),
          ),
        'latin1',
      ),
    );
    try {
      expect(await refusal(`redis://127.0.0.1:${old.port}`)).toMatchObject({
        code: 'request',
        message: expect.stringMatching(/is Redis 6\.0\.16.*needs 6\.2 or newer.*Upgrade it/),
      });
    } finally {
      await old.close();
      await server.drop();
    }
  });
});
