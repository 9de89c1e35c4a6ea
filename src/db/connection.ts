import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import knex, { type Knex } from 'knex';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { LkpError } from '../job.ts';
import type { Database, Row, Sql } from '../ports.ts';
import { runScript } from './script.ts';

const OLDEST_SERVER = 15;
const CONNECT_WITHIN_MS = 10_000;
const CLOCKS_DIFFER_MS = 5_000;
const CONNECTIONS = 4;

/** A database that answers, is new enough and agrees about the time. */
export interface OpenDatabase extends Database {
  /** For `migrate`; everyone else uses transactions. */
  readonly knex: Knex;
  close(): Promise<void>;
}

interface OpenOptions {
  /** 4 by default. */
  readonly connections?: number;
  readonly answerWithinMs?: number;
}

const silent = (): void => undefined;

type Settings = Record<string, string | number | null>;

/**
 * Opens `url` (`postgres://user:password@host:port/database`; a socket's folder percent-encoded as the host).
 * Throws LkpError: `machine` when nothing answers within 10 s or the clocks differ by more than 5 s, `request` when
 * the server is older than 15, does not know us, or does not speak UTF-8. With `answerWithinMs` a connection whose
 * answer takes longer is dropped: for those who ask whether the database answers.
 */
export async function openDatabase(
  url: string,
  { connections, answerWithinMs }: OpenOptions = {},
): Promise<OpenDatabase> {
  const pool = knex({
    client: 'pg',
    connection: {
      connectionString: url,
      application_name: 'lkp',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      ...(answerWithinMs && { query_timeout: answerWithinMs }),
      // A machine that is gone without a word is noticed after 20 s of silence (10 probes, 1 s apart); a query may take long.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types: { getTypeParser: parserOf },
    } as Knex.PgConnectionConfig,
    // Long imports may hold every connection for minutes; who waits for one is not in trouble.
    acquireConnectionTimeout: 15 * 60_000,
    pool: { min: 0, max: connections ?? CONNECTIONS, afterCreate: guarded },
    // knex prints each failure on stdout, which belongs to --json, and throws it as well.
    log: { warn: silent, error: silent, deprecate: silent, debug: silent },
  });
  try {
    await suitable(pool, placeOf(url));
  } catch (error) {
    await pool.destroy();
    throw error;
  }
  return {
    knex: pool,
    close: () => pool.destroy(),
    transaction: (name, work) => transaction(pool, name, work),
  };
}

/** Where the URL points, without its password. */
function placeOf(url: string): string {
  try {
    const { hostname, port, pathname, searchParams } = new URL(url);
    const host = decodeURIComponent(searchParams.get('host') ?? hostname) || 'localhost';
    return `${host}:${port || '5432'}${pathname}`;
  } catch (cause) {
    throw new LkpError(
      'request',
      'The database address is not a URL. Write it as postgres://user:password@host:5432/database.',
      { cause },
    );
  }
}

async function suitable(pool: Knex, place: string): Promise<void> {
  const client = await acquire(pool).catch((error: unknown) => {
    throw refused(error, place);
  });
  try {
    const before = Date.now();
    const { rows } = await client.query<{ version: number; now: number; encoding: string }>(
      `select current_setting('server_version_num')::int / 10000 as version,
              current_setting('server_encoding') as encoding,
              (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    );
    const after = Date.now();
    const { version, now, encoding } = rows[0]!;
    if (version < OLDEST_SERVER) {
      throw new LkpError(
        'request',
        `The server at ${place} is PostgreSQL ${version}; lkp needs ${OLDEST_SERVER} or newer. Upgrade it, name ` +
          'another one in DATABASE_URL, or unset DATABASE_URL to use the embedded one.',
      );
    }
    if (encoding !== 'UTF8') {
      throw new LkpError(
        'request',
        `The database at ${place} has the encoding ${encoding}; lkp needs UTF8. Make one with: create database lkp ` +
          "encoding 'UTF8' template template0.",
      );
    }
    // The answer was made some time between asking and hearing.
    const apart = Math.max(before - now, now - after);
    if (apart > CLOCKS_DIFFER_MS) {
      throw new LkpError(
        'machine',
        `The clocks of this machine and of the database at ${place} differ by ${Math.round(apart / 1000)} s; more ` +
          `than ${CLOCKS_DIFFER_MS / 1000} s makes jobs run twice. Set both by NTP, then repeat.`,
      );
    }
  } finally {
    pool.client.releaseConnection(client);
  }
}

function refused(error: unknown, place: string): LkpError {
  const { code = '', message } = error as { code?: string; message: string };
  if (/^(28|3D)/.test(code)) {
    return new LkpError('request', `The database at ${place} refused us: ${message}. Correct DATABASE_URL.`, {
      cause: error,
    });
  }
  return new LkpError(
    'machine',
    `No database answers at ${place} (${message || code}). Start it or correct DATABASE_URL; without DATABASE_URL ` +
      'lkp uses its own.',
    { cause: error },
  );
}

/** Runs once for every new connection of the pool. */
async function guarded(client: pg.Client, done: (error: unknown, client: pg.Client) => void): Promise<void> {
  try {
    await client.query(
      `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601';
       set idle_in_transaction_session_timeout = '10min'; set lock_timeout = '5min'`,
    );
    // A statement of a killed process is rolled back within 2 s, not finished and committed.
    await client.query("set client_connection_check_interval = '2s'").catch((error: { code?: string }) => {
      // Systems that cannot poll a socket for its end refuse any value but 0.
      if (error.code !== '22023') throw error;
    });
    done(undefined, client);
  } catch (error) {
    done(error, client);
  }
}

/*
 * Values as text. pg's own choice makes a Date of a date (at midnight in this process' zone) and floats of numeric[].
 */
const OID = { date: 1082, timestamp: 1114, timestamptz: 1184, interval: 1186 };
const ARRAYS_AS_TEXT = new Set([1016, 1182, 1115, 1231]);
const TIMESTAMPTZ_ARRAY = 1185;
const TEXT_ARRAY = 1009;
const asIs = (text: string): string => text;
const textArray = pg.types.getTypeParser(
  TEXT_ARRAY as Parameters<typeof pg.types.getTypeParser>[0],
  'text',
) as (text: string) => (string | null)[];

/** `2026-07-15 06:00:00.25+00` (the session's zone is UTC) -> `2026-07-15T06:00:00.25Z`; infinity stays as it is. */
function instant(text: string): string {
  return text.endsWith('+00') ? `${text.slice(0, -3).replace(' ', 'T')}Z` : text;
}

function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  if (format !== 'binary') {
    if (oid === OID.timestamptz) return instant;
    if (oid === OID.date || oid === OID.timestamp || oid === OID.interval) return asIs;
    if (ARRAYS_AS_TEXT.has(oid)) return textArray;
    if (oid === TIMESTAMPTZ_ARRAY)
      return (text: string) => textArray(text).map((item) => item && instant(item));
  }
  return pg.types.getTypeParser(oid, format as 'text');
}

async function acquire(pool: Knex): Promise<pg.Client> {
  return (await pool.client.acquireConnection()) as pg.Client;
}

async function transaction<T>(pool: Knex, name: string, work: (tx: Sql) => Promise<T>): Promise<T> {
  const client = await acquire(pool);
  const tx = new Transaction(client);
  try {
    // The cursor setting: what we stream is read to its end, so plan for all rows and not for the first tenth.
    await client.query(
      `begin; set local application_name = ${client.escapeLiteral(`lkp ${name}`)}; set local cursor_tuple_fraction = 1`,
    );
    const result = await work(tx);
    const { command } = await client.query('commit');
    // The server answers ROLLBACK, and no error, when a statement failed and `work` caught it.
    if (command !== 'COMMIT')
      throw new Error(`${name}: a statement failed and was ignored, so nothing was stored`);
    return result;
  } catch (error) {
    await client.query('rollback').catch((again: unknown) => {
      // Not usable any more: the pool drops connections that carry this mark. The first error is the one to tell.
      (client as pg.Client & { __knex__disposed?: unknown }).__knex__disposed = again;
    });
    throw isLost(error) ? wentAway(name, error) : error;
  } finally {
    tx.over = true;
    pool.client.releaseConnection(client);
  }
}

class Transaction implements Sql {
  over = false;
  #cursors = 0;

  constructor(private readonly client: pg.Client) {}

  async rows<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T[]> {
    return (await this.#open().query(text, parameters as unknown[])).rows as T[];
  }

  async maybe<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T | undefined> {
    const rows = await this.rows<T>(text, parameters);
    if (rows.length > 1) throw new Error(`wanted at most one row, got ${rows.length}: ${text}`);
    return rows[0];
  }

  async one<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T> {
    const row = await this.maybe<T>(text, parameters);
    if (row === undefined) throw new Error(`wanted one row, got none: ${text}`);
    return row;
  }

  async set(settings: Settings): Promise<void> {
    const names = Object.keys(settings);
    if (names.length === 0) return;
    const odd = names.find((name) => !/^[a-z_][a-z0-9_]*$/.test(name));
    if (odd !== undefined) throw new Error(`not a setting's name: ${odd}`);
    await this.rows(
      "select set_config('lkp.' || given.name, given.value, true) from unnest($1::text[], $2::text[]) as given (name, value)",
      [names, names.map((name) => String(settings[name] ?? ''))],
    );
  }

  async file<T extends object = Row>(name: string, settings: Settings = {}): Promise<T[]> {
    const text = await sqlFile(name);
    await this.set(settings);
    return runScript<T>(this.#open(), `sql/${name}.sql`, text);
  }

  async copyIn(statement: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    const target = this.#open().query(copyFrom(statement));
    await pipeline(source, target);
    return target.rowCount;
  }

  async *stream<T extends object = Row>(
    text: string,
    parameters?: readonly unknown[],
    batch = 500,
  ): AsyncGenerator<T[]> {
    const cursor = `lkp_stream_${++this.#cursors}`;
    await this.rows(`declare ${cursor} no scroll cursor for ${text}`, parameters);
    const fetch = `fetch forward ${batch} from ${cursor}`;
    let failed = false;
    try {
      for (;;) {
        const rows = await this.rows<T>(fetch).catch((error: unknown) => {
          failed = true;
          throw error;
        });
        if (rows.length > 0) yield rows;
        if (rows.length < batch) return;
      }
    } finally {
      // A reader may stop early, and may do so because its transaction has failed or ended: then it is closed.
      if (!failed && !this.over) await this.#closeCursor(cursor);
    }
  }

  async #closeCursor(cursor: string): Promise<void> {
    await this.rows(`close ${cursor}`).catch((error: { code?: string }) => {
      if (error.code !== '25P02') throw error;
    });
  }

  #open(): pg.Client {
    if (this.over)
      throw new Error('this transaction has ended: await everything that uses it before returning');
    return this.client;
  }
}

const SQL = new URL('../../sql/', import.meta.url);
const texts = new Map<string, Promise<string>>();

/** The text of `sql/<name>.sql`, wherever the command is run from. */
function sqlFile(name: string): Promise<string> {
  let text = texts.get(name);
  if (!text) {
    text = readFile(new URL(`${name}.sql`, SQL), 'utf8').catch((cause: unknown) => {
      throw new Error(`there is no ${fileURLToPath(new URL(`${name}.sql`, SQL))}`, { cause });
    });
    texts.set(name, text);
  }
  return text;
}

/** The server ended our session, or the connection to it broke. */
function isLost(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return (
    /^(57P0[1-4]|08\d{3}|ECONNRESET|EPIPE|ECONNREFUSED)$/.test(code) ||
    /connection terminated|not queryable|connection error/i.test(message)
  );
}

const wentAway = (name: string, cause: unknown): LkpError =>
  new LkpError(
    'machine',
    `The database went away during ${name} (${(cause as Error).message}). Nothing is half stored: repeat when it answers, ` +
      'and what was stored already is found there.',
    { cause },
  );
