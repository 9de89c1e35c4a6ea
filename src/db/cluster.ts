import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  access,
  chmod,
  chown,
  constants,
  link,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { unlessAbsent } from '../files.ts';
import { LkpError } from '../job.ts';
import { type Account, findBinaries, firstLine, NOBODY, SERVER_ENV, SERVER_MAJOR } from './binaries.ts';
import { alive, type Cluster, errno, short, stop } from './postmaster.ts';

const run = promisify(execFile);

/** Where a data directory and a copy of the binaries go when root's own folders are closed to that account. */
const OUTSIDE = '/var/cache/lkp';
const asRoot = () => process.getuid?.() === 0;

/** The data directory of `home`, whether or not it exists yet. Makes `home`. */
export async function locate(home: string): Promise<Cluster> {
  const folder = await writableHome(home);
  const log = join(folder, 'pg.log');
  const elsewhere = await readFile(join(folder, 'pg.location'), 'utf8').catch(unlessAbsent);
  const data = elsewhere?.trim() || join(folder, 'pg');
  const there = await stat(data).catch(unlessAbsent);
  if (elsewhere !== undefined && !there) {
    throw new LkpError(
      'machine',
      `${join(folder, 'pg.location')} says that the database is in ${data}, which is not there. Put it back, ` +
        'or delete that file to begin with an empty database.',
    );
  }
  if (there) await sameVersion(data);
  if (!asRoot()) {
    ownedByUs(data, there);
    return { home: folder, data, log, account: undefined, caches: [folder] };
  }
  const account = there && there.uid !== 0 ? { uid: there.uid, gid: there.gid } : NOBODY;
  const caches = [OUTSIDE, join(tmpdir(), 'lkp')];
  const cluster = { home: folder, log, account, caches };
  if (there) {
    if (await reaches(account, dirname(data))) return { ...cluster, data };
    throw new LkpError(
      'machine',
      `The database in ${data} belongs to uid ${account.uid}, which can no longer reach it (PostgreSQL does not ` +
        `run as root). Let it pass: chmod o+x on ${dirname(data)} and the folders above.`,
    );
  }
  if (await reaches(account, folder)) return { ...cluster, data };
  return { ...cluster, data: await outside(folder, account, caches) };
}

async function writableHome(home: string): Promise<string> {
  const folder = resolve(home);
  try {
    await mkdir(folder, { recursive: true });
    const probe = join(folder, `.write.${process.pid}`);
    await writeFile(probe, '');
    await rm(probe);
    return await realpath(folder);
  } catch (error) {
    // On a read-only disk the recursive mkdir says ENOENT; its parent says what is the matter.
    const cause = await access(dirname(folder), constants.W_OK).then(
      () => error,
      (above: unknown) => above,
    );
    throw new LkpError(
      'machine',
      `Cannot write to the home folder ${folder} (${firstLine(cause)}). Give lkp a folder that it can write to ` +
        'with room for the database (1 GB is plenty to begin with), or name another one in LKP_HOME.',
      { cause },
    );
  }
}

async function sameVersion(data: string): Promise<void> {
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    // A folder that we may not read is reported by its owner, not by its version.
    if (cause.code === 'EACCES') return SERVER_MAJOR;
    throw new LkpError(
      'machine',
      `${data} is not a PostgreSQL data directory (${firstLine(cause)}). Move it away, or name another LKP_HOME.`,
      { cause },
    );
  });
  if (version.trim() === SERVER_MAJOR) return;
  throw new LkpError(
    'machine',
    `The database in ${data} was made by PostgreSQL ${version.trim()}; this lkp brings ${SERVER_MAJOR}. Run the lkp ` +
      'that made it, or move the folder away and load the files again.',
  );
}

function ownedByUs(data: string, there: Stats | undefined): void {
  if (!there || there.uid === process.getuid?.()) return;
  throw new LkpError(
    'machine',
    `The database in ${data} belongs to uid ${there.uid}, and you are uid ${process.getuid?.()}. Run lkp as the ` +
      'user who made it, or name another folder in LKP_HOME.',
  );
}

/** Asks the system itself (modes, ACLs and mounts included): can `account` enter `folder`? */
async function reaches(account: NonNullable<Account>, folder: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { cwd: '/', env: SERVER_ENV, ...account });
    return true;
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === 'number') return false;
    throw new LkpError(
      'machine',
      `PostgreSQL does not run as root, and running it as uid ${account.uid} failed (${firstLine(error)}). Run lkp ` +
        'as an ordinary user, or set DATABASE_URL.',
      { cause: error },
    );
  }
}

/** Makes `base/<home>/<name>` so that every account may pass, whatever our umask is. */
async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const made of [dirname(dirname(folder)), dirname(folder), folder]) await chmod(made, 0o755);
}

/** A folder of this home's own, outside it; a new name each time, so that two starters never share one. */
async function outside(
  home: string,
  account: NonNullable<Account>,
  bases: readonly string[],
): Promise<string> {
  for (const base of bases) {
    const folder = join(base, short(home), randomBytes(4).toString('hex'));
    try {
      await openFolder(folder);
      const usable = await reaches(account, folder);
      await rm(folder, { recursive: true });
      if (usable) return join(folder, 'pg');
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(errno(error))) throw error;
    }
  }
  throw new LkpError(
    'machine',
    `PostgreSQL does not run as root, and uid ${account.uid} can reach neither ${home} nor ${bases.join(' nor ')}. ` +
      'Run lkp as an ordinary user, open one of them (chmod o+x), or set DATABASE_URL.',
  );
}

let made = 0;

/** Makes the data directory when there is none. Of two processes that do it at once, the second one's is dropped. */
export async function create(cluster: Cluster): Promise<Cluster> {
  if (await stat(cluster.data).catch(unlessAbsent)) return cluster;
  const within = dirname(cluster.data) === cluster.home;
  const unfinished = within ? join(cluster.home, `pg.${process.pid}.${++made}.tmp`) : cluster.data;
  if (within) await dropAbandoned(cluster.home);
  else await openFolder(dirname(unfinished));
  try {
    await mkdir(unfinished, { mode: 0o700 });
    if (cluster.account) await chown(unfinished, cluster.account.uid, cluster.account.gid);
    await initdb(cluster, unfinished);
    const won = within ? await renamed(unfinished, cluster.data) : await claimed(cluster);
    if (!won) await rm(within ? unfinished : dirname(unfinished), { recursive: true, force: true });
  } catch (error) {
    await rm(within ? unfinished : dirname(unfinished), { recursive: true, force: true });
    // The winner of a race clears the other's folder away under it; then the winner's is the one to use.
    if (!within && (await stat(join(cluster.home, 'pg.location')).catch(unlessAbsent)))
      return locate(cluster.home);
    throw error;
  }
  return locate(cluster.home);
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errno(error) === 'ENOTEMPTY' || errno(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Writes pg.location unless another process did; link() is the compare-and-set. The winner clears what is left. */
async function claimed(cluster: Cluster): Promise<boolean> {
  const location = join(cluster.home, 'pg.location');
  const written = `${location}.${process.pid}.tmp`;
  await writeFile(written, `${cluster.data}\n`);
  try {
    await link(written, location);
  } catch (error) {
    if (errno(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(written, { force: true });
  }
  // What is left of a home of this name that was deleted: without its pg.location nobody can find it.
  const ours = dirname(cluster.data);
  for (const name of await readdir(dirname(ours))) {
    const other = join(dirname(ours), name);
    if (other === ours) continue;
    await stop(join(other, 'pg'));
    await rm(other, { recursive: true, force: true });
  }
  return true;
}

/** Removes what an initdb left that was killed half-way. */
async function dropAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = /^pg\.(\d+)\.\d+\.tmp$/.exec(name)?.[1];
    if (pid && !alive(Number(pid))) await rm(join(home, name), { recursive: true, force: true });
  }
}

async function initdb(cluster: Cluster, data: string): Promise<void> {
  const native = await findBinaries(cluster.account, cluster.caches);
  // The builtin C.UTF-8 sorts by code point and folds case by Unicode, the same on every machine.
  const flags = [
    '--username=lkp',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  try {
    await run(join(native, 'bin', 'initdb'), ['-D', data, ...flags], {
      cwd: '/',
      env: SERVER_ENV,
      ...cluster.account,
    });
  } catch (cause) {
    const said = String((cause as { stderr?: string }).stderr ?? '').trim();
    const why = said.split('\n').find((line) => /error|fatal|could not/i.test(line)) ?? firstLine(cause);
    throw new LkpError(
      'machine',
      `Could not make a database in ${data}: ${why}. It needs about 50 MB to begin with on a disk that is not full ` +
        'and that takes owners and links; name another folder in LKP_HOME if this one cannot.',
      { cause },
    );
  }
}
