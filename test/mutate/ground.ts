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
import { statementsOf } from './mutants.ts';

/** A changed SQL file: what the application runs in its place, or what makes the database's own views and functions anew. */
export interface Changed {
  readonly file: string;
  readonly text: string;
}

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
  readonly changed?: Changed | undefined;
  /** The planner knows its tables before the work begins, as it does where they have stood for a while. */
  readonly analyzed?: boolean;
  /** Hears the name of each SQL file that is run. */
  readonly ran?: (name: string) => void;
}

/** No statement of a scene takes a tenth of this; one that does not end is a difference too. */
const STATEMENT_MS = 15_000;
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
    async on(from, work, { keep, now = () => NOW, changed, analyzed, ran } = {}) {
      const name = keep ? named(keep) : `${template}_${randomBytes(4).toString('hex')}`;
      names.add(name);
      const source = from === '' ? template : named(from);
      await withAdmin(url, (admin) => admin.query(`create database ${name} template ${source}`));
      const home = await mkdtemp(join(tmpdir(), 'lkp-mutant-'));
      let isDone = false;
      try {
        const own = databaseUrl(url, name);
        if (analyzed) await withAdmin(own, (client) => client.query('analyze'));
        if (changed) await withAdmin(own, (client) => makeAnew(changed, (text) => client.query(text)));
        const limit = `options=-c%20statement_timeout%3D${STATEMENT_MS}`;
        const app = await openApp({
          settings: readSettings({
            LKP_HOME: join(home, 'home'),
            DATABASE_URL: `${own}${own.includes('?') ? '&' : '?'}${limit}`,
          }),
          now,
        });
        try {
          const result = await work(playing(app, changed, ran), home);
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

/** The views and functions of a file, in the place of those that the database has. */
export async function makeAnew(
  { file, text }: Changed,
  run: (text: string) => Promise<unknown>,
): Promise<void> {
  if (!file.startsWith('sql/migrations/') && !text.startsWith('-- view:')) return;
  for (const statement of statementsOf(text)) {
    const made = /create (?:or replace )?(view|function)\s/i.exec(statement);
    if (made) await run(statement.replace(made[0], `create or replace ${made[1]} `));
  }
}

/** The application with one SQL file changed, and an ear on which files it runs. */
export function playing(app: App, changed?: Changed, ran: (name: string) => void = () => undefined): App {
  const instead = changed && /^sql\/(.*)\.sql$/.exec(changed.file)?.[1];
  const statements = changed ? statementsOf(changed.text) : [];
  const wrapped = (tx: Sql): Sql => ({
    rows: (...given) => tx.rows(...given),
    one: (...given) => tx.one(...given),
    maybe: (...given) => tx.maybe(...given),
    set: (...given) => tx.set(...given),
    copyIn: (...given) => tx.copyIn(...given),
    stream: (...given) => tx.stream(...given),
    async file<T extends object>(name: string, settings: Parameters<Sql['file']>[1] = {}): Promise<T[]> {
      ran(name);
      if (name !== instead) return tx.file<T>(name, settings);
      await tx.set(settings);
      let rows: T[] = [];
      for (const statement of statements) rows = await tx.rows<T>(statement);
      return rows;
    },
  });
  return {
    ...app,
    db: { ...app.db, transaction: (name, work) => app.db.transaction(name, (tx) => work(wrapped(tx))) },
  };
}

/** What PostgreSQL says of a text that it cannot mean anything by: a name, a type, a grouping that does not fit. */
export function refusedBy(error: unknown): string | undefined {
  const { code = '', message } = error as { code?: string; message: string };
  return /^42(601|703|803|804|883|P01|P02|P09|P10|P16|P18|P19|P20|702|725|846)$/.test(code)
    ? message
    : undefined;
}
