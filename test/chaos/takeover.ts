import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { launch } from '../harness/lkp.ts';
import { ownRedis } from '../harness/redis.ts';
import { isReady, NOW, type Player, playerOf } from '../harness/stage.ts';
import { until } from '../harness/until.ts';
import type { Backend } from './campaign.ts';

/** What shipping settings promise. */
export const PROMISED_MS = 20_000;

/**
 * Kills the worker that holds a job, so many times one after the other, with the settings that ship, and says how long it
 * took until another had begun it: seconds, in order.
 */
export async function takeovers(kills: number, backend: Backend): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lkp-takeover-'));
  await chmod(folder, 0o755);
  const home = join(folder, 'home');
  const server = await openEmbedded(home);
  const redis = backend === 'redis' ? await ownRedis() : undefined;
  const db = await openDatabase(server.url);
  const players: Player[] = [];
  const rows = <T extends object>(text: string, parameters: readonly unknown[] = []) =>
    db.transaction('takeover', (tx) => tx.rows<T>(text, parameters));
  const play = async (role: string): Promise<Player> => {
    const env = {
      DATABASE_URL: server.url,
      LKP_TEST_NOW: NOW,
      LKP_LOG_LEVEL: 'info',
      ...(redis && { QUEUE_URL: redis.url }),
    };
    const player = playerOf(launch(['test/programs/role.ts', role], { home, env }));
    players.push(player);
    await isReady(player);
    return player;
  };
  const begunSince = async (no: number): Promise<number[]> =>
    (await rows<{ pid: number }>('select pid from begun where no > $1 order by no', [no])).map(
      ({ pid }) => pid,
    );
  try {
    await migrate(db);
    for (const statement of [
      'create table begun (no int generated always as identity, job text, cycle text, pid int)',
      'create table effect (job text, cycle text, pid int)',
      'create table hold (job text, place text)',
      'create table trouble (job text, kind text, times int)',
      "insert into hold values ('first', 'inside')",
    ])
      await rows(statement);
    await play('scheduler');
    const workers = [await play('worker'), await play('worker')];
    const seconds: number[] = [];
    let holder = await until('a worker begins', async () => (await begunSince(0))[0], 40_000);
    for (let kill = 1; kill <= kills; kill += 1) {
      const victim = workers.find(({ pid }) => pid === holder)!;
      const [{ no } = { no: 0 }] = await rows<{ no: number }>('select max(no) as no from begun');
      victim.signal('SIGKILL');
      const died = Date.now();
      holder = await until('another worker begins', async () => (await begunSince(no))[0], 3 * PROMISED_MS);
      seconds.push((Date.now() - died) / 1000);
      console.error(`takeover ${kill} of ${kills}: ${seconds.at(-1)!.toFixed(1)} s`);
      workers.splice(workers.indexOf(victim), 1, await play('worker'));
      // Five deaths in a row and the ledger rightly suspects the job: this one is done, and asked for again.
      await rows("delete from hold where job = 'first'");
      await until(
        'it is done',
        async () => (await rows("select from occurrence where job = 'first' and state = 'done'")).length > 0,
        40_000,
      );
      if (kill === kills) break;
      const [{ last } = { last: 0 }] = await rows<{ last: number }>('select max(no) as last from begun');
      await rows("insert into hold values ('first', 'inside')");
      await rows("update occurrence set state = 'due' where job = 'first'");
      holder = await until(
        'a worker begins again',
        async () => (await begunSince(last)).find((pid) => workers.some((worker) => worker.pid === pid)),
        40_000,
      );
    }
    return seconds;
  } finally {
    for (const player of players) player.signal('SIGKILL');
    await Promise.all(players.map(({ ended }) => ended));
    await db.close();
    await server.release();
    await redis?.drop();
    await rm(folder, { recursive: true, force: true });
  }
}
