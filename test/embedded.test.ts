import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEmbedded, stopEmbedded } from '../src/db/embedded.ts';
import { postmaster } from '../src/db/postmaster.ts';
import { launch, type Options } from './harness/lkp.ts';
import { until } from './harness/until.ts';

const root = process.getuid?.() === 0;
const pathTo = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [...pathTo(dirname(folder)), folder];
/** An ordinary user can run these sources: not where they lie behind a folder that only root passes. */
const sharedSources =
  root && pathTo(import.meta.dirname).every((folder) => (statSync(folder).mode & 0o001) !== 0);
const NOBODY = { uid: 65534, gid: 65534 };
if (!root) console.warn('not root: what happens to a server started as root is not tested');
else if (!sharedSources)
  console.warn('sources that only root can read: what an ordinary user meets is not tested');

let folder: string;
let home: string;
const users: User[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-embedded-'));
  await chmod(folder, 0o755);
  home = join(folder, 'home');
});
afterEach(async () => {
  for (const user of users.splice(0)) user.kill();
  if (existsSync(home)) {
    const data = await dataOf(home);
    if (existsSync(data)) await stopEmbedded(home);
    if (!data.startsWith(home)) await rm(join(data, '..', '..'), { recursive: true });
  }
  await rm(folder, { recursive: true, force: true });
});

const dataOf = async (home: string) =>
  (await readFile(join(home, 'pg.location'), 'utf8').catch(() => '')).trim() || join(home, 'pg');
const running = async () => postmaster(await dataOf(home));

/** A process that uses the server of `home` until told to leave. */
class User {
  readonly #lines: AsyncIterator<string>;
  readonly exited: Promise<unknown>;
  stderr = '';

  private constructor(readonly child: ChildProcessWithoutNullStreams) {
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.exited = once(child, 'exit');
  }

  static start(options: Options = {}): User {
    const user = new User(launch(['test/programs/embedded-user.ts', home], options));
    users.push(user);
    return user;
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the user ended: ${this.stderr}`);
    return value;
  }

  async using(): Promise<string> {
    const line = await this.line();
    expect(line, this.stderr).toMatch(/^using postgres:/);
    return line.slice('using '.length);
  }

  async leave(): Promise<void> {
    this.child.stdin.end();
    expect(await this.line()).toBe('left');
    await this.exited;
    expect(this.stderr).toBe('');
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.child.exitCode === null && this.child.signalCode === null)
      process.kill(-(this.child.pid as number), signal);
  }
}

async function ask(url: string, text: string): Promise<Record<string, unknown> | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows[0];
  } finally {
    await client.end();
  }
}

/** Processes whose command line names this test's folder: there must be none at the end. */
function left(): string[] {
  const list = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  return list.split('\n').filter((line) => line.includes(folder) && !line.includes(' ps '));
}

describe('one server for all', () => {
  test('two processes that start at once share one server; the last one stops it and leaves nothing', async () => {
    const [one, two] = [User.start(), User.start()];
    const urls = [await one.using(), await two.using()];
    expect(urls[0]).toBe(urls[1]);
    const server = await running();
    await one.leave();
    expect(await running()).toEqual(server);
    expect(await ask(urls[1] as string, 'select current_database() as db')).toEqual({ db: 'lkp' });
    await two.leave();
    expect(await running()).toBeUndefined();
    expect(left()).toEqual([]);
    const socket = decodeURIComponent(new URL(urls[0] as string).hostname);
    expect(existsSync(socket)).toBe(false);
    expect((await readdir(home)).sort()).toEqual(['pg', 'pg.log']);
  });

  test('five come and go at random: everyone gets an answer, the last one stops it', async () => {
    const visits = Array.from({ length: 5 }, async () => {
      const user = User.start();
      await user.using();
      await user.leave();
    });
    await Promise.all(visits);
    expect(await running()).toBeUndefined();
  });

  test('a newcomer while the last one leaves gets a server', async () => {
    const first = await openEmbedded(home);
    const leaving = first.release();
    const second = await openEmbedded(home);
    await leaving;
    expect(await ask(second.url, 'select 1 as n')).toEqual({ n: 1 });
    await second.release();
    expect(await running()).toBeUndefined();
  });

  test('a user that is killed leaves the server; the next one adopts and stops it', async () => {
    const killed = User.start();
    await killed.using();
    const server = await running();
    killed.kill('SIGKILL');
    await killed.exited;
    expect(await running()).toEqual(server);
    const next = User.start();
    await next.using();
    expect(await running()).toEqual(server);
    await next.leave();
    expect(await running()).toBeUndefined();
    expect(left()).toEqual([]);
  });

  test('Ctrl-C in the terminal of the one that started it does not reach the server', async () => {
    const starter = User.start();
    await starter.using();
    const other = User.start();
    const url = await other.using();
    const server = await running();
    starter.kill('SIGINT');
    await starter.exited;
    expect(await ask(url, 'select 1 as n')).toEqual({ n: 1 });
    expect(await running()).toEqual(server);
    await other.leave();
    expect(await running()).toBeUndefined();
  });

  test('after a crash of the server its users share the next one, and what was committed is there', async () => {
    const first = await openEmbedded(home);
    await ask(first.url, 'create table kept as select 1 as n');
    const server = await running();
    process.kill(server?.pid as number, 'SIGKILL');
    // Nobody asked for it: the user that is still here brings it back and holds it.
    const again = await until('a new server holds our place', async () => {
      const now = await running();
      if (!now?.socketFolder || now.pid === server?.pid) return undefined;
      const counted = await ask(
        first.url,
        "select count(*)::int as n from pg_locks where locktype = 'advisory'",
      ).catch(() => undefined);
      return counted?.n === 1 ? now : undefined;
    });
    expect(await ask(first.url, 'select n from kept')).toEqual({ n: 1 });
    const second = User.start();
    await second.using();
    await second.leave();
    expect(await running()).toEqual(again);
    await first.release();
    expect(await running()).toBeUndefined();
  });

  test('lkp stop ends it under everyone, and nobody starts it again behind its back', async () => {
    const user = await openEmbedded(home);
    expect(await stopEmbedded(home)).toBe(true);
    expect(await running()).toBeUndefined();
    expect(await stopEmbedded(home)).toBe(false);
    await user.release();
    expect(await running()).toBeUndefined();
    const log = await readFile(join(home, 'pg.log'), 'utf8');
    expect(log.match(/starting PostgreSQL/g)).toHaveLength(1);
  });
});

describe('what may be in the way', () => {
  test('a pid file of before a crash whose number is another program by now', async () => {
    await (await openEmbedded(home)).release();
    // Of the server's own account: PostgreSQL takes only such a one for a rival.
    const other = spawn('sleep', ['600'], { ...(root && NOBODY) });
    const recycled = `${other.pid}\n${join(home, 'pg')}\n1\n5432\n/tmp\n\n\n`;
    await writeFile(join(home, 'pg', 'postmaster.pid'), recycled);
    expect(await running()).toBeUndefined();
    const server = await openEmbedded(home);
    expect((await running())?.pid).not.toBe(other.pid);
    await server.release();
    other.kill();
  });

  test('a data directory of another version is refused in words and not touched', async () => {
    await (await openEmbedded(home)).release();
    await writeFile(join(home, 'pg', 'PG_VERSION'), '17\n');
    await expect(openEmbedded(home)).rejects.toMatchObject({
      code: 'machine',
      message: expect.stringMatching(/made by PostgreSQL 17; this lkp brings 18/),
    });
    await writeFile(join(home, 'pg', 'PG_VERSION'), '18\n');
  });

  test('a server that cannot start says why', async () => {
    await (await openEmbedded(home)).release();
    await writeFile(join(home, 'pg', 'postgresql.conf'), 'no such thing at all\n');
    await expect(openEmbedded(home)).rejects.toMatchObject({
      code: 'machine',
      message: expect.stringMatching(/did not start.*configuration file.*contains errors/),
    });
  });

  test('a home that is a file', async () => {
    await writeFile(home, '');
    await expect(openEmbedded(home)).rejects.toMatchObject({
      code: 'machine',
      message: expect.stringContaining('LKP_HOME'),
    });
    await unlink(home);
  });

  test('a long path, with spaces and letters of all kinds, is no matter', async () => {
    home = join(folder, "ñ 日本 %20 'quoted'", 'x'.repeat(150), 'home');
    const server = await openEmbedded(home);
    expect(await ask(server.url, 'select 1 as n')).toEqual({ n: 1 });
    await server.release();
  });

  test('text sorts by code point and folds by Unicode, whatever the machine', async () => {
    const server = await openEmbedded(home);
    const row = await ask(
      server.url,
      `select string_agg(t, '' order by t) as sorted, lower('ÑÉ') as folded,
      current_setting('timezone') as zone, current_setting('fsync') as fsync, current_setting('listen_addresses') as tcp
      from unnest(array['b', 'A', 'a', 'B', 'é', 'Z']) as t`,
    );
    expect(row).toEqual({ sorted: 'ABZabé', folded: 'ñé', zone: 'UTC', fsync: 'on', tcp: '' });
    await server.release();
  });
});

describe('accounts', () => {
  test.skipIf(!root)('as root: the server runs as nobody, in the home when nobody can pass', async () => {
    const server = await openEmbedded(home);
    expect((await stat(`/proc/${(await running())?.pid}`)).uid).toBe(NOBODY.uid);
    expect(existsSync(join(home, 'pg.location'))).toBe(false);
    await server.release();
  });

  test.skipIf(!root)(
    'as root under a folder of mode 700: the data goes where nobody can reach it, and stays',
    async () => {
      await chmod(folder, 0o700);
      const first = User.start();
      await ask(await first.using(), 'create table kept as select 1 as n');
      const second = User.start();
      await second.using();
      await first.leave();
      await second.leave();
      expect(await running()).toBeUndefined();
      expect(await dataOf(home)).toMatch(/^\/var\/cache\/lkp\//);
      const third = User.start();
      expect(await ask(await third.using(), 'select n from kept')).toEqual({ n: 1 });
      await third.leave();
    },
  );

  test.skipIf(!root)('as root under mode 700: a home deleted and made again begins empty', async () => {
    await chmod(folder, 0o700);
    const before = await openEmbedded(home);
    await ask(before.url, 'create table old as select 1 as n');
    await before.release();
    const old = await dataOf(home);
    await rm(home, { recursive: true });
    const after = await openEmbedded(home);
    expect(await ask(after.url, "select to_regclass('old') as old")).toEqual({ old: null });
    expect(existsSync(old)).toBe(false);
    await after.release();
  });

  test.skipIf(!root)('as root: data whose place is lost is not silently made anew', async () => {
    await chmod(folder, 0o700);
    await (await openEmbedded(home)).release();
    await rm(await dataOf(home), { recursive: true });
    await expect(openEmbedded(home)).rejects.toMatchObject({
      message: expect.stringContaining('pg.location says'),
    });
  });

  test.skipIf(!sharedSources)(
    'as an ordinary user: the same, under its own id; root adopts it and leaves it in order',
    async () => {
      await mkdir(home);
      await chown(home, NOBODY.uid, NOBODY.gid);
      const account = { account: NOBODY, env: { HOME: home } };
      const user = User.start(account);
      await ask(await user.using(), 'create table kept as select 1 as n');
      const asRoot = await openEmbedded(home);
      await user.leave();
      expect(await ask(asRoot.url, 'select n from kept')).toEqual({ n: 1 });
      await asRoot.release();
      expect(await running()).toBeUndefined();
      const again = User.start(account);
      expect(await ask(await again.using(), 'select n from kept')).toEqual({ n: 1 });
      await again.leave();
    },
  );

  test.skipIf(!sharedSources)(
    "as an ordinary user: someone else's database is refused in words",
    async () => {
      await (await openEmbedded(home)).release();
      await chmod(home, 0o777);
      await chown(join(home, 'pg'), 12345, 12345);
      const user = User.start({ account: NOBODY, env: { HOME: home } });
      expect(await user.line()).toMatch(/^failed LkpError: .*belongs to uid 12345, and you are uid 65534/);
      await chown(join(home, 'pg'), NOBODY.uid, NOBODY.gid);
    },
  );

  test.skipIf(!sharedSources)(
    'as an ordinary user: a home that cannot be written is refused in words',
    async () => {
      await mkdir(home, { mode: 0o755 });
      const user = User.start({ account: NOBODY });
      expect(await user.line()).toMatch(/^failed LkpError: Cannot write to the home folder .*LKP_HOME/);
    },
  );
});
