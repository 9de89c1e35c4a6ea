import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAbsent } from '../files.ts';
import { LkpError } from '../job.ts';
import { type Account, findBinaries, firstLine, NOBODY, SERVER_ENV } from './binaries.ts';

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

export const errno = (error: unknown) => (error as NodeJS.ErrnoException).code ?? '';
export const short = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);

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
    max_connections: '100',
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

export function alive(pid: number): boolean {
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
