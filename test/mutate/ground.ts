import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Sql } from '../../src/ports.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';

/** Where scenes are played: a server, and databases that are copied for each of them. */
export interface Ground {
  readonly url: string;
  readonly template: string;
  /** Plays on a copy of a database; with a name, keeps the copy under it. */
  on<T>(from: string, work: (app: App, folder: string) => Promise<T>, options?: Options): Promise<T>;
  close(): Promise<void>;
}

export interface Options {
  readonly keep?: string;
  readonly now?: () => string;
  /** Stands between the application and its transactions. */
  readonly watch?: (tx: Sql) => Sql;
}

export const NOW = '2023-10-20T10:00:00.000Z';

/** The server of LKP_TEST_DATABASE_URL, or one of its own that forgets everything. */
export async function openGround(given = process.env.LKP_TEST_DATABASE_URL): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'lkp-mutate-'));
  await chmod(folder, 0o755);
  const own = given ? undefined : await openEmbedded(join(folder, 'server'));
  const url = given ?? own!.url;
  const template = `lkp_mutate_${randomBytes(4).toString('hex')}`;
  const names = new Set<string>([template]);
  const close = async () => {
    await withAdmin(url, async (admin) => {
      for (const name of names) await admin.query(`drop database if exists ${name} with (force)`);
    }).catch(() => undefined);
    await own?.release();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await withAdmin(url, async (admin) => {
      if (own) await admin.query('alter system set fsync = off');
      // Plans change with what it learns: in an hour's run an order that nothing says would come out otherwise.
      if (own) await admin.query('alter system set autovacuum = off');
      if (own) await admin.query('select pg_reload_conf()');
      await admin.query(`create database ${template}`);
    });
    const db = await openDatabase(databaseUrl(url, template));
    await migrate(db).finally(() => db.close());
  } catch (error) {
    await close();
    throw error;
  }
  const named = (state: string) => `${template}_${state.replaceAll(' ', '_')}`;
  const drop = (name: string) =>
    withAdmin(url, async (admin) => {
      await admin.query(`drop database if exists ${name} with (force)`);
    });
  return {
    url,
    template,
    close,
    async on(from, work, { keep, now = () => NOW, watch } = {}) {
      const name = keep ? named(keep) : `${template}_${randomBytes(4).toString('hex')}`;
      names.add(name);
      const source = from === '' ? template : named(from);
      await withAdmin(url, (admin) => admin.query(`create database ${name} template ${source}`));
      const home = await mkdtemp(join(tmpdir(), 'lkp-mutant-'));
      let isDone = false;
      try {
        const app = await openApp({
          settings: readSettings({
            LKP_HOME: join(home, 'home'),
            DATABASE_URL: databaseUrl(url, name),
          }),
          now,
        });
        try {
          const result = await work(watch ? watched(app, watch) : app, home);
          isDone = true;
          return result;
        } finally {
          await app.close();
        }
      } finally {
        await rm(home, { recursive: true, force: true });
        if (!keep || !isDone) {
          await drop(name);
          names.delete(name);
        }
      }
    },
  };
}

const watched = (app: App, watch: (tx: Sql) => Sql): App => ({
  ...app,
  db: { ...app.db, transaction: (name, work) => app.db.transaction(name, (tx) => work(watch(tx))) },
});

/** What PostgreSQL says of a text that it cannot mean anything by: a name, a type, a grouping that does not fit. */
export function refusedBy(error: unknown): string | undefined {
  const { code = '', message } = error as { code?: string; message: string };
  return /^42(601|703|803|804|883|P01|P02|P09|P10|P16|P18|P19|P20|702|725|846)$/.test(code)
    ? message
    : undefined;
}
