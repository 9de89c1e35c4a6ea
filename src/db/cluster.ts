import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  access,
  chmod,
  chown,
  constants,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { unlessAbsent } from '../files.ts';
import { LkpError } from '../job.ts';
import { type Account, findBinaries, firstLine, SERVER_ENV, SERVER_MAJOR } from './binaries.ts';

const run = promisify(execFile);

/** PostgreSQL refuses uid 0. This id is `nobody` on every Linux, so no account has to be made. */
const NOBODY = { uid: 65534, gid: 65534 };
/** Where a data directory and a copy of the binaries go when root's own folders are closed to that account. */
const OUTSIDE = '/var/cache/lkp';
const PORT = 5432;
/** A socket's path is limited to 107 bytes on Linux and 103 on macOS; the file adds 14. */
const LONGEST_SOCKET_FOLDER = 85;
const LOG_ROTATES_AT = 1_000_000;
const STOP_WITHIN_MS = 120_000;

/** One embedded server's files, and the account it runs under. */
export interface Cluster {
  readonly home: string;
  readonly data: string;
  readonly log: string;
  readonly account: Account;
  /** Where a copy of the binaries may be put. */
  readonly caches: readonly string[];
}

/** What `postmaster.pid` of a live server says. `socketFolder` is absent while the server is starting. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly socketFolder: string | undefined;
}

/** A server process that we started; `ended` is set when it is gone. `logFrom` is where its log begins. */
export interface Started {
  readonly pid: number | undefined;
  readonly logFrom: number;
  readonly socketFolder: string;
  ended: string | undefined;
}

const asRoot = () => process.getuid?.() === 0;
const errno = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

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

/** Starts the server in a session of its own: neither Ctrl-C nor the end of this process reaches it. */
export async function start(cluster: Cluster): Promise<Started> {
  const native = await findBinaries(cluster.account, cluster.caches);
  const folder = await socketFolder(cluster);
  await removeRecycled(cluster.data);
  const log = await openLog(cluster.log);
  const started: Started = {
    pid: undefined,
    logFrom: (await log.stat()).size,
    socketFolder: folder,
    ended: undefined,
  };
  try {
    const child = spawn(join(native, 'bin', 'postgres'), ['-D', cluster.data, ...settings(folder)], {
      cwd: '/',
      env: SERVER_ENV,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...cluster.account,
    });
    child.on('error', (error) => {
      started.ended = firstLine(error);
    });
    child.on('exit', (code, signal) => {
      started.ended = `exit ${code ?? signal}`;
    });
    child.unref();
    return Object.assign(started, { pid: child.pid });
  } finally {
    await log.close();
  }
}

/** One run appends; a file that has grown is put aside once (pg.log.1). */
async function openLog(path: string) {
  const size = (await stat(path).catch(unlessAbsent))?.size ?? 0;
  if (size > LOG_ROTATES_AT) await rename(path, `${path}.1`);
  return open(path, 'a', 0o600);
}

/** What the log says since the start: the first fatal line, or the last line. */
export async function logged(cluster: Cluster, from: number): Promise<string> {
  const text = (await readFile(cluster.log).catch(() => Buffer.alloc(0)))
    .subarray(from)
    .toString('utf8')
    .trim();
  const lines = text.split('\n');
  // Our own early knocks are logged as FATAL too.
  const fatal = (line: string) =>
    /FATAL|PANIC/.test(line) && !/database system is|administrator command/.test(line);
  return lines.find(fatal) ?? lines.at(-1) ?? '';
}

function settings(socketFolder: string): string[] {
  const values: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: socketFolder,
    unix_socket_permissions: '0700',
    port: String(PORT),
    cluster_name: 'lkp',
    max_connections: '50',
    shared_buffers: '128MB',
    maintenance_work_mem: '128MB',
    work_mem: '16MB',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    // Nothing replicates from here; a table that is filled in the transaction that made it then skips the log.
    wal_level: 'minimal',
    max_wal_senders: '0',
    // A container's /dev/shm has 64 MB; parallel hash joins take this instead (touched only when used).
    min_dynamic_shared_memory: '128MB',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    // A killed worker's statement is rolled back within 2 s instead of committing behind its back.
    client_connection_check_interval: '2s',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A private folder, short enough for a socket's path, with the same name for every process on this home. */
async function socketFolder(cluster: Cluster): Promise<string> {
  const base = tmpdir().length + 17 > LONGEST_SOCKET_FOLDER ? '/tmp' : tmpdir();
  const folder = join(base, `lkp-${short(cluster.home)}`);
  const ours = process.getuid?.() ?? 0;
  // As root with `nobody`: root owns it and the group may enter, so that no process of nobody can prepare it for us.
  const shared = cluster.account?.uid === NOBODY.uid;
  const owner = shared ? ours : (cluster.account?.uid ?? ours);
  const made = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    (error: unknown) => {
      if (errno(error) === 'EEXIST') return false;
      throw new LkpError(
        'machine',
        `Cannot make the socket folder ${folder} (${firstLine(error)}). Free or open the ` +
          'temporary folder, or point TMPDIR at another one.',
        { cause: error },
      );
    },
  );
  const found = await lstat(folder);
  if (!made && (!found.isDirectory() || (found.uid !== owner && found.uid !== ours))) {
    throw new LkpError(
      'machine',
      `${folder}, where the database's socket goes, belongs to uid ${found.uid}. ` +
        'Remove it, or point TMPDIR at a folder of your own.',
    );
  }
  if (cluster.account) await chown(folder, owner, cluster.account.gid);
  await chmod(folder, shared ? 0o770 : 0o700);
  return folder;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) === 'EPERM';
  }
}

/**
 * The live server of this data directory, or undefined. After a crash of the machine the pid in `postmaster.pid` may
 * be another program's by now: a real one has the data directory as its working folder.
 */
export async function postmaster(data: string): Promise<Postmaster | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !alive(pid)) return undefined;
  if ((await worksIn(pid, data)) === false) return undefined;
  return { pid, port: Number(lines[3]), socketFolder: lines[4]?.trim() || undefined };
}

/** Whether the process works in `data`; undefined where the system does not say. A zombie works nowhere. */
async function worksIn(pid: number, data: string): Promise<boolean | undefined> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(data));
  } catch (error) {
    return process.platform === 'linux' && errno(error) === 'ENOENT' ? false : undefined;
  }
}

/** PostgreSQL refuses to start over a pid file whose number is another live program of the same user. */
async function removeRecycled(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const before = await readFile(path, 'utf8').catch(unlessAbsent);
  const pid = Number(before?.split('\n')[0]);
  if (!before || !alive(pid) || (await postmaster(data))) return;
  // Read again: a starter may have written its own in between (its shared memory guards the data all the same).
  if ((await readFile(path, 'utf8').catch(unlessAbsent)) === before) await rm(path, { force: true });
}

/** Fast shutdown: running transactions are rolled back. Returns whether a server was running. */
export async function stop(data: string): Promise<boolean> {
  const running = await postmaster(data);
  if (!running) return false;
  try {
    process.kill(running.pid, 'SIGINT');
  } catch (cause) {
    if (errno(cause) !== 'ESRCH') {
      throw new LkpError(
        'machine',
        `Could not stop the database server (process ${running.pid}): ` +
          `${firstLine(cause)}. Stop it as the user who started it.`,
        { cause },
      );
    }
  }
  await gone(data, running.pid);
  if (running.socketFolder) await dropSocketFolder(running.socketFolder);
  return true;
}

/** An empty folder in the temporary folder harms nobody, so one that is in use, gone or another's is let be. */
export async function dropSocketFolder(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EACCES'].includes(errno(error))) throw error;
  });
}

/** Waits until that server is gone: it removes its pid file last. */
async function gone(data: string, pid: number): Promise<void> {
  const deadline = Date.now() + STOP_WITHIN_MS;
  while ((await postmaster(data))?.pid === pid) {
    if (Date.now() > deadline) {
      throw new LkpError(
        'machine',
        `The database server (process ${pid}) did not stop within ` +
          `${STOP_WITHIN_MS / 1000} s. Look at pg.log in the home folder, then end that process with SIGQUIT.`,
      );
    }
    await sleep(20);
  }
}
