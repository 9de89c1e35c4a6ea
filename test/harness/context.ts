import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { freshDatabase } from './database.ts';
import { databaseUrl, withAdmin } from './server.ts';

export interface TestContext {
  /** The application as `app.ts` wires it, on a database and an LKP_HOME of its own. */
  readonly context: App;
  readonly home: string;
  /** Ends the use of the database and keeps it, for others to begin with what it knows. Returns its name. */
  keep(): Promise<string>;
  /** URL of the database, for a process that shares it. */
  readonly url: string;
  /** Rows of one query, in a transaction of its own. */
  rows<T extends object = Record<string, unknown>>(
    text: string,
    parameters?: readonly unknown[],
  ): Promise<T[]>;
  /** Writes a file into a folder beside LKP_HOME and returns its path. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  drop(): Promise<void>;
}

export interface TestOptions {
  /** The clock: an instant that stands still, or a function. */
  readonly now?: string | (() => string);
  /** Settings by the names of their environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The database that `keep` returned: a copy of it instead of an empty one. */
  readonly from?: string;
}

/** A copy of a database that nobody uses; removed at the end of the run at the latest. */
async function copyOf(template: string): Promise<{ url: string; drop(): Promise<void> }> {
  const { url, run } = inject('server');
  const name = `${run}_${randomBytes(4).toString('hex')}`;
  await withAdmin(url, (admin) => admin.query(`create database ${name} template ${template}`));
  return {
    url: databaseUrl(url, name),
    drop: () =>
      withAdmin(url, async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Opens the application on a fresh database and an empty home, as `openApp` does for the command line. */
export async function testContext({
  now = '2020-06-20T10:00:00.000Z',
  settings = {},
  from,
}: TestOptions = {}): Promise<TestContext> {
  const fresh = from ? await copyOf(from) : await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'lkp-context-'));
  await chmod(folder, 0o755);
  const home = join(folder, 'home');
  const drop = async () => {
    await fresh.drop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const context = await openApp({
      settings: readSettings({ LKP_HOME: home, DATABASE_URL: fresh.url, ...settings }),
      now: typeof now === 'string' ? () => now : now,
    });
    return {
      context,
      home,
      url: fresh.url,
      keep: async () => {
        await context.close();
        if ('db' in fresh) await fresh.db.close();
        await rm(folder, { recursive: true, force: true });
        return new URL(fresh.url).pathname.slice(1);
      },
      rows: (text, parameters) => context.db.transaction('look', (tx) => tx.rows(text, parameters)),
      write: async (name, content) => {
        const path = join(folder, 'files', name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
        return path;
      },
      drop: async () => {
        await context.close();
        await drop();
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}
