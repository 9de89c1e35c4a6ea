import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { drawFrom } from '../../samples/random.ts';
import type { CrashPoint } from '../../src/crash.ts';
import { STAGES } from '../chaos/campaign.ts';
import { launch } from '../harness/lkp.ts';
import type { OwnRedis } from '../harness/redis.ts';
import { playerOf } from '../harness/stage.ts';
import type { Crew } from './crew.ts';
import type { Mishap } from './faults.ts';

export interface Struck {
  readonly crew: Crew;
  readonly client: pg.Client;
  /** Settings of a process of its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly redis?: OwnRedis;
  readonly seed: number;
  /** The jobs that may be on their way now. */
  readonly stages: ReadonlyArray<keyof typeof STAGES>;
}

const KILLED_WITHIN_MS = 15_000;

/** Something befalls the installation while jobs are on their way. False: nothing was, and it is to come later. */
export async function befall(mishap: Mishap, struck: Struck): Promise<boolean> {
  const { crew } = struck;
  if (!crew.isUp) return false;
  const draw = drawFrom(struck.seed);
  if (mishap === 'messages lost' || mishap === 'worker killed') {
    await crew.rest();
    await crew.settle('begun');
    const met =
      (await struck.client.query(`select from occurrence where state = 'enqueued'`)).rows.length > 0;
    if (met && mishap === 'messages lost') await lose(struck);
    if (met && mishap === 'worker killed') await kill(struck);
    await crew.work();
    return met;
  }
  await crew.settle('begun');
  const met =
    (await struck.client.query(`select from occurrence where state in ('enqueued', 'running')`)).rows.length >
    0;
  if (!met) return false;
  await sleep(draw.integer(0, 120));
  if (mishap === 'sessions ended') await end(struck, 'lkp');
  if (mishap === 'queue away') await away(struck);
  if (mishap === 'workers restarted') {
    await crew.rest();
    await crew.work();
  }
  return true;
}

async function lose({ client, redis }: Struck): Promise<void> {
  if (redis) await redis.ask('FLUSHALL');
  else await client.query('delete from bullmq.job');
}

const end = ({ client }: Struck, name: string): Promise<unknown> =>
  client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and starts_with(application_name, $1)`,
    [name],
  );

async function away(struck: Struck): Promise<void> {
  if (!struck.redis) return void (await end(struck, 'lkp queue'));
  await struck.redis.kill();
  await sleep(300);
  await struck.redis.start();
}

/** A worker in a process of its own, killed at a point of its work; what it held is taken over. */
async function kill({ crew, env, seed, stages }: Struck): Promise<void> {
  const draw = drawFrom(seed);
  const point = draw.pick<CrashPoint>(STAGES[draw.pick(stages)].filter((name) => name !== 'look-taken'));
  const player = playerOf(
    launch(['src/cli.ts', 'start', 'worker'], { env: { ...env, LKP_TEST_CRASH_AT: point } }),
  );
  const timer = setTimeout(() => player.signal('SIGTERM'), KILLED_WITHIN_MS);
  const done = player.ended.finally(() => clearTimeout(timer));
  let ended = false;
  void done.then(() => {
    ended = true;
  });
  // Until it died, or did all there was.
  while (!ended) {
    if (await crew.isQuiet()) player.signal('SIGTERM');
    await sleep(50);
  }
  await done;
  await crew.bury();
}
