import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import type pg from 'pg';
import { LkpError } from '../job.ts';
import type { OpenDatabase } from './connection.ts';
import { runScript } from './script.ts';

const TABLE = 'migration';
const LOCK = "hashtext('lkp migrate')";
const folder = (name: string) => fileURLToPath(new URL(`../../sql/${name}`, import.meta.url));

/** What a migration did: the files it applied, and whether the views were made again. */
export interface Migrated {
  readonly applied: string[];
  readonly views: boolean;
}

/** Folders of SQL files; the repository's own by default. */
export interface Schema {
  readonly migrations: string;
  readonly views: string;
}

interface Script {
  readonly name: string;
  readonly text: string;
}

/**
 * Brings the database to this code: new files of `sql/migrations` in order, one transaction each; then, when their
 * text changed or a migration ran, every view of `sql/marts` (files that begin with `-- view:`) in file order, in one
 * transaction. One query when there is nothing to do. Several processes may call it at once.
 * Throws LkpError('request') when the database is newer than the code, SqlError with file and line when a file fails.
 */
export async function migrate(db: OpenDatabase, from: Partial<Schema> = {}): Promise<Migrated> {
  const migrations = await sqlNames(from.migrations ?? folder('migrations'));
  const views = await viewScripts(from.views ?? folder('marts'));
  const hash = hashOf(views);
  if (upToDate(await recorded(db.knex), migrations, hash)) return { applied: [], views: false };
  return exclusively(db.knex, async (client) => {
    const before = await recorded(db.knex);
    if (upToDate(before, migrations, hash)) return { applied: [], views: false };
    const pending = migrations.some((name) => !before?.migrations.includes(name));
    // A migration may change a column that a view reads; the views are made again below.
    if (pending) await recreateViews(client, [], '');
    const applied = await applyNew(db.knex, from.migrations ?? folder('migrations'), migrations);
    await recreateViews(client, views, hash);
    return { applied, views: true };
  });
}

async function sqlNames(path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => name.endsWith('.sql')).sort();
}

async function viewScripts(path: string): Promise<Script[]> {
  const scripts: Script[] = [];
  for (const name of await sqlNames(path)) {
    const text = await readFile(join(path, name), 'utf8');
    if (text.startsWith('-- view:')) scripts.push({ name: `sql/marts/${name}`, text });
  }
  return scripts;
}

function hashOf(scripts: readonly Script[]): string {
  const hash = createHash('sha256');
  for (const { name, text } of scripts) hash.update(`${name}\0${text}\0`);
  return hash.digest('hex');
}

interface Recorded {
  readonly migrations: string[];
  readonly viewHash: string | undefined;
}

/** What the database says it has; undefined before the first migration. */
async function recorded(knex: Knex): Promise<Recorded | undefined> {
  const client = (await knex.client.acquireConnection()) as pg.Client;
  try {
    const { rows } = await client.query<{ migrations: string[] | null; hash: string | null }>(
      `select (select array_agg(migration.name order by migration.id) from ${TABLE}) as migrations,
              (select view_set.hash from view_set) as hash`,
    );
    return { migrations: rows[0]?.migrations ?? [], viewHash: rows[0]?.hash ?? undefined };
  } catch (error) {
    if ((error as { code?: string }).code === '42P01') return undefined;
    throw error;
  } finally {
    knex.client.releaseConnection(client);
  }
}

function upToDate(state: Recorded | undefined, migrations: readonly string[], hash: string): boolean {
  const unknown = state?.migrations.filter((name) => !migrations.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new LkpError(
      'request',
      `The database is newer than this lkp: it has ${unknown.join(', ')}, which this version does not bring. Update ` +
        'lkp to the version that the others use; a database is never taken back.',
    );
  }
  return state !== undefined && state.migrations.length === migrations.length && state.viewHash === hash;
}

/** One process at a time; the others wait and then find nothing to do. */
async function exclusively<T>(knex: Knex, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = (await knex.client.acquireConnection()) as pg.Client;
  try {
    await client.query(`select pg_advisory_lock(${LOCK})`);
    try {
      return await work(client);
    } finally {
      await client.query(`select pg_advisory_unlock(${LOCK})`);
    }
  } finally {
    knex.client.releaseConnection(client);
  }
}

async function applyNew(knex: Knex, path: string, names: readonly string[]): Promise<string[]> {
  const source: Knex.MigrationSource<string> = {
    getMigrations: async () => [...names],
    getMigrationName: (name) => name,
    getMigration: async (name) => ({
      up: (trx) => applyFile(trx, join(path, name), name),
      down: async () => {
        throw new Error('migrations go forward only');
      },
    }),
  };
  const applied: string[] = [];
  for (;;) {
    // up() is one file in one transaction; latest() would put them all in one.
    const [, done] = (await knex.migrate.up({ migrationSource: source, tableName: TABLE })) as [
      number,
      string[],
    ];
    if (done.length === 0) return applied;
    applied.push(...done);
  }
}

/** On the transaction's own connection: knex.raw would read every question mark as a parameter. */
async function applyFile(trx: Knex, path: string, name: string): Promise<void> {
  const client = (await trx.client.acquireConnection()) as pg.Client;
  await runScript(client, `sql/migrations/${name}`, await readFile(path, 'utf8'));
}

const VIEWS = `
  select pg_class.oid::regclass::text as name
  from pg_class
  where pg_class.relkind = 'v'
    and pg_class.relnamespace = current_schema()::regnamespace`;

/** Drops the views that the last set made and makes this set, all or nothing. */
async function recreateViews(client: pg.Client, scripts: readonly Script[], hash: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query('create table if not exists view_set (hash text not null, names text[] not null)');
    const { rows } = await client.query<{ names: string[] }>('delete from view_set returning names');
    const existing = await viewNames(client);
    const old = (rows[0]?.names ?? []).filter((name) => existing.includes(name));
    // In one statement they may depend on each other; whatever else depends on them stops us, by name.
    if (old.length > 0) await client.query(`drop view ${old.join(', ')}`);
    const kept = new Set(await viewNames(client));
    for (const { name, text } of scripts) await runScript(client, name, text);
    const made = (await viewNames(client)).filter((name) => !kept.has(name));
    await client.query('insert into view_set (hash, names) values ($1, $2)', [hash, made]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function viewNames(client: pg.Client): Promise<string[]> {
  return (await client.query<{ name: string }>(VIEWS)).rows.map(({ name }) => name);
}
