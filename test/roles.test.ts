import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { freshDatabase } from './harness/database.ts';
import { launch, lkp } from './harness/lkp.ts';
import { openProxy, targetOf, through, type Wire } from './harness/proxy.ts';
import { freePort, hasRedis, ownRedis } from './harness/redis.ts';
import { isReady, NOW, openStage, type Player, playerOf, type Stage } from './harness/stage.ts';
import { until } from './harness/until.ts';

/* `lkp start` as a process: how it starts, stops, and stands an outage. What both queues promise: conformance.test.ts. */

const withRedis = hasRedis();
const endings: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function stageOn(env: Parameters<typeof openStage>[0] = () => ({})): Promise<Stage> {
  const stage = await openStage(env);
  endings.push(() => stage.drop());
  return stage;
}

async function redisServer(command?: readonly string[]) {
  const redis = await ownRedis(command);
  endings.push(() => redis.drop());
  return redis;
}

async function wireTo(target: Parameters<typeof openProxy>[0]): Promise<Wire> {
  const proxy = await openProxy(target);
  endings.push(() => proxy.close());
  return proxy;
}

const working = async (stage: Stage) => {
  await stage.rows("insert into hold values ('first', 'outside')");
  const player = await stage.play('scheduler', 'worker');
  await until('first runs', async () => (await stage.rows('select from begun')).length > 0);
  return player;
};
const release = (stage: Stage) => stage.rows('delete from hold');

describe('started while a service is away, it exits with one sentence and code 1 within 30 s', () => {
  /** Takes connections and says nothing. */
  async function silentServer(): Promise<number> {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    endings.push(async () => server.close());
    return (server.address() as { port: number }).port;
  }

  async function refusal(role: string, env: Record<string, string>): Promise<string> {
    const home = await mkdtemp(join(tmpdir(), 'lkp-roles-'));
    endings.push(() => rm(home, { recursive: true }));
    const began = Date.now();
    const ran = await lkp(['start', role], { home, env });
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    return ran.stderr;
  }

  test.each(['scheduler', 'worker'])('PostgreSQL, for a %s', async (role) => {
    const port = await freePort();
    const says = await refusal(role, { DATABASE_URL: `postgres://me@127.0.0.1:${port}/lkp` });
    expect(says).toMatch(
      new RegExp(`No database answers at 127.0.0.1:${port}/lkp .*Start it or correct DATABASE_URL`),
    );
  });

  test('a PostgreSQL that takes the connection and never answers', async () => {
    const says = await refusal('worker', {
      DATABASE_URL: `postgres://me@127.0.0.1:${await silentServer()}/lkp`,
    });
    expect(says).toMatch(/No database answers/);
  });

  test.each(['scheduler', 'worker'])('Redis, for a %s', async (role) => {
    const { url, drop } = await freshDatabase();
    endings.push(drop);
    const port = await freePort();
    const says = await refusal(role, { DATABASE_URL: url, QUEUE_URL: `redis://127.0.0.1:${port}` });
    expect(says).toMatch(
      /The queue at redis:\/\/127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED.*\)\. Start it or correct QUEUE_URL/,
    );
  });

  test('a Redis that takes the connection and never answers', async () => {
    const { url, drop } = await freshDatabase();
    endings.push(drop);
    const says = await refusal('worker', {
      DATABASE_URL: url,
      QUEUE_URL: `redis://127.0.0.1:${await silentServer()}`,
    });
    expect(says).toMatch(/does not answer/);
  });
});

test('a word that is no role is refused, with the one that was meant', async () => {
  const ran = await lkp(['start', 'worcker']);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  expect(ran.stderr).toMatch(/"worcker" is not a role\. Did you mean worker\?/);
});

describe('on a signal', () => {
  test.each([
    'SIGTERM',
    'SIGINT',
  ] as const)('%s lets the running attempt end, begins no other, and exits 0', async (signal) => {
    const stage = await stageOn();
    const player = await working(stage);
    player.signal(signal);
    await until('it drains', () =>
      player.log().some(({ msg }) => String(msg).startsWith(`${signal}: no new attempts`)),
    );
    await release(stage);
    expect(await player.ended).toBe(0);
    expect(await stage.rows('select job, state from occurrence order by id')).toEqual([
      { job: 'first', state: 'done' },
      { job: 'second', state: 'due' },
    ]);
  });

  test('an attempt that outlives the grace time is left, with a sentence and code 1', async () => {
    const stage = await stageOn();
    await stage.rows("insert into hold values ('first', 'outside')");
    const player = stage.start(['scheduler', 'worker'], { LKP_TEST_GRACE_MS: '500' });
    await isReady(player);
    await until('first runs', async () => (await stage.rows('select from begun')).length > 0);
    player.signal('SIGTERM');
    expect(await player.ended).toBe(1);
    expect(player.said().stderr).toMatch(
      /did not end within 0\.5 s of the signal, and was left\. Another worker takes it over/,
    );
  });

  test('a second one leaves at once; another process takes the attempt over', async () => {
    const stage = await stageOn();
    const player = await working(stage);
    player.signal('SIGTERM');
    await until('it drains', () => player.log().some(({ msg }) => String(msg).startsWith('SIGTERM')));
    player.signal('SIGTERM');
    expect(await player.ended).toBe(1);
    expect(player.said().stderr).toContain('A second SIGTERM: leaving at once.');
    await release(stage);
    await stage.play('scheduler', 'worker');
    await stage.state('second', 'done', 30_000);
    expect((await stage.rows('select from effect')).length).toBe(2);
  }, 90_000);
});

describe('a service that goes away while it works', () => {
  const outage = async (
    stage: Stage,
    players: readonly Player[],
    away: () => Promise<unknown>,
    back: () => Promise<unknown>,
  ) => {
    await stage.state('second', 'done');
    await away();
    for (const { log } of players) {
      await until(
        'it has noticed',
        () => log().some(({ msg }) => String(msg).includes('does not answer')),
        30_000,
      );
      const lines = log().filter(
        ({ level, msg }) => level === 'warn' && String(msg).includes('does not answer'),
      );
      expect(lines).toHaveLength(1);
    }
    await stage.rows("update occurrence set state = 'due'");
    await back();
    await until(
      'both jobs are done again',
      async () => (await stage.rows('select from effect')).length === 4,
      45_000,
    );
    for (const player of players) {
      player.signal('SIGTERM');
      expect(await player.ended).toBe(0);
    }
  };

  test('PostgreSQL, with the queue in it: they wait, and go on', async () => {
    const way = await wireTo(targetOf(inject('server').url));
    const stage = await stageOn((fresh) => ({ DATABASE_URL: through(fresh.url, way) }));
    const players = [await stage.play('scheduler'), await stage.play('worker')];
    await outage(
      stage,
      players,
      () => way.cut(),
      () => way.mend(),
    );
  }, 150_000);

  test.skipIf(!withRedis)(
    'Redis, killed and started again: they wait, and go on',
    async () => {
      const redis = await redisServer();
      const stage = await stageOn(() => ({ QUEUE_URL: redis.url }));
      const players = [await stage.play('scheduler'), await stage.play('worker')];
      await outage(
        stage,
        players,
        () => redis.kill(),
        () => redis.start(),
      );
    },
    150_000,
  );

  test.each([
    { name: 'postgres', skip: false },
    { name: 'redis', skip: !withRedis },
  ])('a queue on $name whose connections go silent: they build new ones, and go on', async ({
    name,
    skip,
  }) => {
    if (skip) return;
    const redis = name === 'redis' ? await redisServer() : undefined;
    const way = await wireTo(
      redis ? { host: '127.0.0.1', port: redis.port } : targetOf(inject('server').url),
    );
    const stage = await stageOn((fresh) => ({
      QUEUE_URL: redis ? `redis://127.0.0.1:${way.port}` : through(fresh.url, way),
    }));
    const players = [await stage.play('scheduler'), await stage.play('worker')];
    await outage(
      stage,
      players,
      async () => way.forget(),
      async () => undefined,
    );
  }, 150_000);

  test('a database that is away does not hold a process that is told to end', async () => {
    const way = await wireTo(targetOf(inject('server').url));
    const stage = await stageOn((fresh) => ({ DATABASE_URL: through(fresh.url, way) }));
    const player = await stage.play('scheduler', 'worker');
    await stage.state('second', 'done');
    await way.cut();
    player.signal('SIGTERM');
    expect(await player.ended).toBe(0);
  });
});

test('a job that this version does not have is refused in words, and holds up nothing', async () => {
  const stage = await stageOn();
  await stage.rows("insert into occurrence (job, cycle, due_at) values ('third', '2020-05', '2020-05-15')");
  const player = await stage.play('scheduler', 'worker');
  await stage.state('third', 'failed');
  await stage.state('second', 'done');
  const [third] = await stage.rows("select says, lease_until from occurrence where job = 'third'");
  expect(third).toEqual({
    says: 'The ledger asks for the job third, which this version of lkp does not have; it has first, second. Run the version that wrote it.',
    lease_until: null,
  });
  expect(
    player
      .log()
      .filter(({ level }) => level === 'error')
      .map(({ job }) => job),
  ).toContain('third');
});

test('a job that kills its workers is given up after five deaths, and says so', async () => {
  const stage = await stageOn();
  const [{ id } = { id: '' }] = await stage.rows<{ id: string }>(
    `insert into occurrence (job, cycle, due_at, state, attempt, lease_until)
     values ('first', '2020-03', '2020-03-15', 'running', 5, now() - interval '1 second') returning id`,
  );
  await stage.rows(
    `insert into run (occurrence_id, job, cycle, attempt, reason, actor)
     select $1, 'first', '2020-03', attempt, 'scheduled', 'test' from generate_series(1, 5) as attempt`,
    [id],
  );
  await stage.play('scheduler', 'worker');
  await until(
    'it is given up',
    async () => (await stage.rows("select from occurrence where id = $1 and state = 'failed'", [id])).length,
  );
  const [{ says } = { says: '' }] = await stage.rows<{ says: string }>(
    'select says from occurrence where id = $1',
    [id],
  );
  expect(says).toMatch(/^The last 5 attempts died or failed.*run lkp cycle 2020-03\.$/);
  expect(await stage.rows('select from run where occurrence_id = $1 and ended_at is null', [id])).toEqual([]);
});

test('a scheduler that was away for the last month catches up; a new installation has no last month', async () => {
  const stage = await stageOn();
  const fresh = await stage.play('scheduler');
  await stage.state('first', 'enqueued');
  expect(await stage.rows('select distinct cycle from occurrence')).toEqual([{ cycle: '2020-05' }]);
  fresh.signal('SIGTERM');
  expect(await fresh.ended).toBe(0);
  await stage.rows("update occurrence set cycle = '2020-03', state = 'done'");
  await stage.play('scheduler', 'worker');
  await until(
    'both months are done',
    async () =>
      (await stage.rows("select from occurrence where cycle > '2020-03' and state = 'done'")).length === 4,
  );
  expect(await stage.rows("select cycle, reason from run where job = 'first' order by cycle")).toEqual([
    { cycle: '2020-04', reason: 'catch-up' },
    { cycle: '2020-05', reason: 'catch-up' },
  ]);
});

describe('docker-compose.yml', () => {
  interface Service {
    readonly command?: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly healthcheck: { readonly test: readonly string[] };
    readonly deploy?: { readonly replicas: number };
  }
  const read = async () => {
    const text = await readFile('docker-compose.yml', 'utf8');
    return parse(text, { merge: true }) as { services: Record<string, Service> };
  };
  const entryPoint = async (): Promise<string[]> =>
    JSON.parse(/^ENTRYPOINT (.*)$/m.exec(await readFile('Dockerfile', 'utf8'))?.[1] ?? '');

  test.skipIf(!withRedis)(
    'its commands, process by process, on a real Redis and a real PostgreSQL',
    async () => {
      const { services } = await read();
      expect(Object.keys(services).sort()).toEqual(['migrate', 'postgres', 'redis', 'scheduler', 'worker']);
      const redis = await redisServer(services.redis!.command);
      const fresh = await freshDatabase('empty');
      endings.push(() => fresh.drop());
      const home = await mkdtemp(join(tmpdir(), 'lkp-compose-'));
      endings.push(() => rm(home, { recursive: true, force: true }));
      const [program, ...words] = await entryPoint();
      expect(program).toBe('node');
      const run = (service: Service, command: readonly string[], port = ''): Player => {
        const { DATABASE_URL = '', QUEUE_URL = '', LKP_HOME = '', LKP_HTTP, ...rest } = service.environment;
        // What the containers' network and volumes stand for, and nothing else.
        expect([DATABASE_URL, QUEUE_URL, LKP_HOME]).toEqual([
          expect.stringMatching(/^postgres:\/\/lkp:.*@postgres:5432\/lkp$/),
          'redis://redis:6379/0',
          '/var/lib/lkp',
        ]);
        const given = Object.entries(rest).map(([name, value]) => [
          name,
          value.replace(/\$\{\w+:-(.*)\}/, '$1'),
        ]);
        return playerOf(
          launch(command, {
            home,
            env: {
              ...Object.fromEntries(given),
              DATABASE_URL: fresh.url,
              QUEUE_URL: QUEUE_URL.replace('redis:6379', `127.0.0.1:${redis.port}`),
              LKP_TEST_NOW: NOW,
              // Each container has ports of its own.
              ...(LKP_HTTP && { LKP_HTTP: LKP_HTTP.replace('9464', port) }),
            },
          }),
        );
      };
      // `launch` is node --import tsx: what the entry point begins with.
      expect(words.slice(0, 2)).toEqual(['--import', 'tsx']);
      const lkpOf = (name: string, port?: string) =>
        run(services[name]!, [...words.slice(2), ...services[name]!.command!], port);

      expect(await lkpOf('migrate').ended).toBe(0);
      const names = ['scheduler', ...Array<string>(services.worker!.deploy!.replicas).fill('worker')];
      const ports = await Promise.all(names.map(async () => String(await freePort())));
      const roles = names.map((name, index) => lkpOf(name, ports[index]));
      endings.push(async () => {
        for (const role of roles) role.signal('SIGKILL');
        await Promise.all(roles.map(({ ended }) => ended));
      });
      expect(roles).toHaveLength(3);
      await Promise.all(roles.map(isReady));
      await until('a worker has done the first job of the month', async () => {
        const found = await fresh.db.transaction('look', (tx) =>
          tx.rows("select from run where job = 'ingest' and outcome in ('done', 'asks')"),
        );
        return found.length;
      });
      for (const [index, name] of names.entries()) {
        const [, node, ...health] = services[name]!.healthcheck.test;
        expect(node).toBe('node');
        const here = health.map((word) => word.replace('9464', ports[index]!));
        await until(`${name} is healthy`, () => spawnSync(process.execPath, here).status === 0);
      }
      const [, ping, ...rest] = services.redis!.healthcheck.test;
      expect(execFileSync(ping!, ['-p', String(redis.port), ...rest], { encoding: 'utf8' }).trim()).toBe(
        'PONG',
      );
      for (const role of roles) role.signal('SIGTERM');
      expect(await Promise.all(roles.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    },
    120_000,
  );

  test('the image and the services are as operating.md says: no root, no eviction, an append-only file, one volume', async () => {
    const dockerfile = await readFile('Dockerfile', 'utf8');
    expect(
      dockerfile
        .trim()
        .split('\n')
        .findLast((line) => line.startsWith('USER')),
    ).toBe('USER node');
    const { services } = await read();
    expect(services.redis!.command!.join(' ')).toBe(
      'redis-server --appendonly yes --maxmemory-policy noeviction',
    );
    for (const name of ['scheduler', 'worker', 'migrate'])
      expect(services[name]).toMatchObject({ volumes: ['home:/var/lib/lkp'], build: '.' });
  });

  /** The plugin of `docker`, or the program of its own that Debian has. */
  const compose = [['docker', 'compose'], ['docker-compose']].find(([program, ...words]) => {
    try {
      execFileSync(program!, [...words, 'version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
  test.skipIf(!compose)('docker compose understands it', () => {
    const [program, ...words] = compose!;
    execFileSync(program!, [...words, 'config', '--quiet'], {
      env: { ...process.env, POSTGRES_PASSWORD: 'x' },
    });
  });
});
