import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `url` of the server's own database; every database of this run has a name that begins with `run`. */
    server: { url: string; run: string };
  }
}

/**
 * One server for the whole run: an embedded one in a folder of its own, or the one that LKP_TEST_DATABASE_URL names
 * (its user must be allowed to make databases). The schema is migrated once, into a template that
 * `freshDatabase()` clones.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.LKP_TEST_DATABASE_URL;
  const run = `lkp_test_${randomBytes(4).toString('hex')}`;
  const { url, stop } = given ? { url: given, stop: async () => undefined } : await ownServer();
  try {
    await withAdmin(url, async (admin) => {
      // The embedded server holds nothing that outlives the run.
      if (!given) await admin.query('alter system set fsync = off');
      if (!given) await admin.query('select pg_reload_conf()');
      await admin.query(`create database ${run}_template`);
    });
    const db = await openDatabase(databaseUrl(url, `${run}_template`));
    try {
      await migrate(db);
    } finally {
      await db.close();
    }
  } catch (error) {
    await tidy(url, run);
    await stop();
    throw error;
  }
  project.provide('server', { url, run });
  return async () => {
    await tidy(url, run);
    await stop();
  };
}

async function ownServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'lkp-test-'));
  // The server's account must pass (it is `nobody` when the tests run as root).
  await chmod(folder, 0o755);
  const home = join(folder, 'home');
  const server = await openEmbedded(home);
  return {
    url: server.url,
    stop: async () => {
      await server.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function tidy(url: string, run: string): Promise<void> {
  await withAdmin(url, async (admin) => {
    const { rows } = await admin.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [`${run}_`],
    );
    for (const { name } of rows) await admin.query(`drop database if exists "${name}" with (force)`);
  });
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  return url.replace(/^([^:]+:\/\/[^/?]*)(\/[^?]*)?/, `$1/${database}`);
}

/** One connection to the server's own database, closed afterwards. */
export async function withAdmin<T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
