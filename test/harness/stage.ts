import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Fresh, freshDatabase } from './database.ts';
import { launch } from './lkp.ts';
import { until } from './until.ts';

/** The instant at which time stands still for the processes of a stage. */
export const NOW = '2020-05-21T08:00:00.000Z';
export const CYCLE = '2020-05';

/** A process that plays roles. */
export interface Player {
  readonly pid: number;
  /** stderr, a JSON object a line. */
  readonly log: () => Array<Record<string, unknown>>;
  readonly said: () => { stdout: string; stderr: string };
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** A database with the tables of test/programs/role.ts, and the processes that play on it. */
export interface Stage {
  readonly fresh: Fresh;
  /** Starts a process and waits until it says that it is ready. */
  play(...roles: string[]): Promise<Player>;
  /** Starts one and waits for nothing. */
  start(roles: readonly string[], env?: Readonly<Record<string, string>>): Player;
  rows<T extends object = Record<string, unknown>>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<T[]>;
  /** Waits until the occurrence of a job is in a state. */
  state(job: string, state: string, within?: number): Promise<void>;
  /** Ends every process and the database. */
  drop(): Promise<void>;
}

export async function openStage(env: (fresh: Fresh) => Readonly<Record<string, string>>): Promise<Stage> {
  const fresh = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'lkp-stage-'));
  const rows: Stage['rows'] = (text, parameters) =>
    fresh.db.transaction('look', (tx) => tx.rows(text, parameters));
  for (const statement of [
    'create table begun (job text, cycle text, pid int)',
    'create table effect (job text, cycle text, pid int)',
    'create table hold (job text, place text)',
    'create table trouble (job text, kind text, times int)',
  ])
    await rows(statement);
  const players: Player[] = [];
  const start: Stage['start'] = (roles, more = {}) => {
    const player = playerOf(
      launch(['test/programs/role.ts', ...roles], {
        home,
        env: { DATABASE_URL: fresh.url, LKP_TEST_NOW: NOW, LKP_LOG_LEVEL: 'info', ...env(fresh), ...more },
      }),
    );
    players.push(player);
    return player;
  };
  return {
    fresh,
    rows,
    start,
    play: async (...roles) => {
      const player = start(roles);
      await isReady(player);
      return player;
    },
    state: async (job, state, within = 40_000) => {
      await until(
        `${job} is ${state}`,
        async () => {
          const [found] = await rows<{ state: string }>('select state from occurrence where job = $1', [job]);
          return found?.state === state;
        },
        within,
      );
    },
    drop: async () => {
      for (const player of players) player.signal('SIGKILL');
      await Promise.all(players.map(({ ended }) => ended));
      await fresh.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Waits for the one plain line that says so. */
export const isReady = ({ said }: Player): Promise<unknown> =>
  until(
    'it is ready',
    () => {
      const { stdout, stderr } = said();
      if (/ready/.test(stdout)) return true;
      if (/^[^{\n]/m.test(stderr)) throw new Error(`it did not start: ${stderr}`);
      return false;
    },
    40_000,
  );

export function playerOf(child: ChildProcessWithoutNullStreams): Player {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return {
    pid: child.pid ?? 0,
    said: () => ({ stdout, stderr }),
    log: () =>
      stderr
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line)),
    signal: (name) => void child.kill(name),
    ended,
  };
}
