import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LkpError } from '../job.ts';
import { create, locate } from './cluster.ts';
import {
  type Cluster,
  dropSocketFolder,
  logged,
  type Postmaster,
  postmaster,
  type Started,
  start,
  stop,
} from './postmaster.ts';

/*
 * Several processes on one home share one server; the last one stops it. Every user holds a SHARED advisory lock on a
 * connection of its own for as long as it lives (the system releases it when the process dies). Who leaves gives up
 * its own and tries for the EXCLUSIVE one: who gets it was the last. A newcomer that is refused, or cut off, has met a
 * server that is being stopped, and begins again.
 */
const LOCK = "hashtext('lkp'), 1";
/** A server that says nothing for so long is not coming; one that says "starting up" is recovering after a crash. */
const SILENT_FOR_MS = 60_000;
const RECOVERS_WITHIN_MS = 15 * 60_000;
const POLL_MS = 20;
const DATABASE = 'lkp';

/** A running server that this process uses; `url` is for the database `lkp`, which exists. */
export interface Embedded {
  /** `postgres://` URL over a UNIX socket; psql understands it too. */
  readonly url: string;
  /** Leaves; stops the server when nobody else uses it. Close every other connection first. Safe to call twice. */
  release(): Promise<void>;
}

/**
 * Joins the server of `home` (a folder, made when missing), starting it when it is not running: about 0.2 s when
 * started, 1.5 s the first time. Throws LkpError('machine') with the next step when it cannot run here.
 */
export async function openEmbedded(home: string): Promise<Embedded> {
  let held = await enter(home);
  let rejoining: Promise<void> | undefined;
  let released: Promise<void> | undefined;

  // A crash of the server cuts this connection; without it a leaving process would stop the server under us.
  const watch = ({ sentinel }: Entered): void => {
    sentinel.once('end', () => {
      if (!released && !stoppedOnPurpose(sentinel)) rejoining = rejoin();
    });
  };
  const rejoin = async (): Promise<void> => {
    try {
      held = await enter(home);
      watch(held);
    } catch (error) {
      // The work in hand meets the same failure on its own connections and reports it.
      remember(held.sentinel, error);
    }
  };
  watch(held);
  return {
    url: held.url,
    release: () => {
      released ??= Promise.resolve(rejoining).then(() => leave(held));
      return released;
    },
  };
}

/** Stops the server of `home`, whoever uses it. Returns whether one was running. */
export async function stopEmbedded(home: string): Promise<boolean> {
  return stop((await locate(home)).data);
}

interface Entered {
  readonly cluster: Cluster;
  readonly sentinel: pg.Client;
  readonly url: string;
}

async function enter(home: string): Promise<Entered> {
  let cluster = await locate(home);
  let heard = Date.now();
  const began = heard;
  let child: Started | undefined;
  let starts = 0;
  for (;;) {
    const running = await postmaster(cluster.data);
    if (running?.socketFolder) {
      const attempt = await join({ ...running, socketFolder: running.socketFolder });
      if (attempt instanceof pg.Client) {
        await madeDatabase(attempt);
        keepsAlive(attempt, false);
        return { cluster, sentinel: attempt, url: urlOf(running, DATABASE) };
      }
      if (attempt === 'recovering' && Date.now() - began < RECOVERS_WITHIN_MS) heard = Date.now();
      // Its last user may be killed before stopping it, so we ask again instead of waiting for its end.
      if (attempt === 'stopping') heard = Date.now();
    } else if (!running && (!child || child.ended !== undefined)) {
      if (child) starts = await failedStart(cluster, child, starts);
      cluster = await create(cluster);
      child = await start(cluster);
    }
    if (Date.now() - heard > SILENT_FOR_MS) throw await silent(cluster, running, child);
    await sleep(POLL_MS);
  }
}

/**
 * Counts failed starts and throws at the third. Losing the race for the data directory is no failure: the winner will
 * answer. Nor is a killed server whose last processes are still going.
 */
async function failedStart(cluster: Cluster, child: Started, before: number): Promise<number> {
  const said = await logged(cluster, child.logFrom);
  if (/lock file .* already exists|pre-existing shared memory/.test(said)) return before;
  if (before < 2) return before + 1;
  await dropSocketFolder(child.socketFolder);
  throw new LkpError(
    'machine',
    `The embedded PostgreSQL did not start (${child.ended}): ${said || 'it said nothing'}. The whole log is ` +
      `${cluster.log}. Free disk space or memory if that is what it says, then repeat.`,
  );
}

async function silent(
  cluster: Cluster,
  running: Postmaster | undefined,
  child: Started | undefined,
): Promise<LkpError> {
  const said = await logged(cluster, child?.logFrom ?? 0);
  return new LkpError(
    'machine',
    `The embedded PostgreSQL (process ${running?.pid ?? child?.pid}) gave no answer for ` +
      `${SILENT_FOR_MS / 1000} s: ${said || 'nothing in its log'}. See ${cluster.log}; run lkp stop, then repeat.`,
  );
}

function urlOf(server: Postmaster, database: string): string {
  return `postgres://lkp@${encodeURIComponent(server.socketFolder ?? '')}:${server.port}/${database}?sslmode=disable`;
}

/** Connects and takes the shared lock; a word when that is not possible now. */
async function join(server: Postmaster): Promise<pg.Client | 'starting' | 'recovering' | 'stopping'> {
  const client = new pg.Client({
    connectionString: urlOf(server, 'postgres'),
    application_name: 'lkp user',
    connectionTimeoutMillis: 10_000,
  });
  // Errors after this point are answered by whoever awaits the query, or by the 'end' that follows.
  client.on('error', (error) => remember(client, error));
  try {
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>(
      `select pg_try_advisory_lock_shared(${LOCK}) as taken`,
    );
    if (rows[0]?.taken) return client;
    await client.end();
    return 'stopping';
  } catch (error) {
    await client.end().catch((again: unknown) => remember(client, again));
    return waitable(error);
  }
}

function waitable(error: unknown): 'starting' | 'recovering' | 'stopping' {
  const { code, message } = error as { code?: string; message: string };
  // 57P03 is both "starting up" and "shutting down".
  if (code === '57P03') return /shutting down/.test(message) ? 'stopping' : 'recovering';
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'starting';
  if (code === '57P01' || code === 'ECONNRESET' || code === 'EPIPE' || /terminated|timeout/.test(message))
    return 'stopping';
  throw new LkpError(
    'machine',
    `The embedded PostgreSQL refused us: ${message}. Look at pg.log in the home folder.`,
    { cause: error },
  );
}

/** The first error of each connection: the driver follows it with "terminated unexpectedly". */
const firstErrors = new WeakMap<pg.Client, unknown>();
function remember(client: pg.Client, error: unknown): void {
  if (!firstErrors.has(client)) firstErrors.set(client, error);
}

/** Someone stopped the server (`lkp stop`): then nobody may start it again behind their back. */
function stoppedOnPurpose(client: pg.Client): boolean {
  // A server that died unexpectedly has the same code, 57P01; the server's messages are not translated (LC_ALL=C).
  const { message = '' } = (firstErrors.get(client) ?? {}) as { message?: string };
  return message.includes('administrator command');
}

function lost(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  return (
    /^57P0/.test(code ?? '') ||
    /^(ECONNRESET|EPIPE)$/.test(code ?? '') ||
    /terminated|not queryable|closed/.test(message)
  );
}

/** An idle place in the server must not keep a finished process from ending; @types/pg does not know these two. */
function keepsAlive(client: pg.Client, keeps: boolean): void {
  const held = client as pg.Client & { ref(): void; unref(): void };
  if (keeps) held.ref();
  else held.unref();
}

async function madeDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (rowCount) return;
  await client.query(`create database ${DATABASE}`).catch((error: { code?: string }) => {
    // Another process made it in the same moment.
    if (error.code !== '42P04' && error.code !== '23505') throw error;
  });
}

async function leave({ cluster, sentinel }: Entered): Promise<void> {
  keepsAlive(sentinel, true);
  try {
    await sentinel.query(`select pg_advisory_unlock_shared(${LOCK})`);
    const { rows } = await sentinel.query<{ taken: boolean }>(
      `select pg_try_advisory_lock(${LOCK}) as taken`,
    );
    const last = rows[0]?.taken === true;
    if (last) await stop(cluster.data);
  } catch (error) {
    // The server went away before us, and with it our lock: there is nothing left to stop.
    if (!lost(error)) throw error;
  } finally {
    await sentinel.end().catch((error: unknown) => remember(sentinel, error));
  }
}
