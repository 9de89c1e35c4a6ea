import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { crash } from './crash.ts';
import { LkpError } from './job.ts';

/**
 * Files that are there wholly or not at all: the content store for bytes received, and atomic writing for outputs.
 * Every failure leaves as LkpError: `request` for an input that is not a readable file, `machine` for a folder
 * that cannot be written.
 */

export interface Written {
  readonly sha256: string;
  readonly bytes: number;
}

/** Bytes copied and hashed, not yet in the store. Exactly one of `commit` and `discard` is to be called. */
export interface Stored extends Written {
  /** The copy: the bytes that were hashed, whatever becomes of the original. Gone after commit or discard. */
  readonly path: string;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * The file is not, or no longer, what was looked at: it changed while it was read, or it is gone. Its sender is at work;
 * a sweep looks again.
 */
export class MovingFile extends LkpError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('request', message, options);
  }
}

const CHUNK = 1 << 20;
const LEFT_OVER = /^\.lkp-[0-9a-f]{16}\.part$/;
const DAY = 86_400_000;

/** Where the content store keeps the bytes with this sha256. */
export const storedPath = (home: string, sha256: string): string =>
  join(home, 'store', sha256.slice(0, 2), sha256);

/** The sha256 of a file's bytes, in lower-case hex. Throws LkpError('request') when it is no readable file. */
export const sha256Of = async (path: string): Promise<string> => (await sha256AndSize(path)).sha256;

async function sha256AndSize(path: string): Promise<Written> {
  const input = await openInput(path);
  try {
    return await copy(input, null, path);
  } finally {
    await input.close();
  }
}

/** How bytes that should be in the store are found there; `bytes` is what lies there now. */
export type Kept =
  | { readonly state: 'whole' | 'missing' }
  | { readonly state: 'truncated' | 'altered'; readonly bytes: number }
  | { readonly state: 'unreadable'; readonly why: string };

/** Looks whether the store still has the bytes with this sha256, so many, by reading them to their end. */
export async function keptInStore(home: string, sha256: string, bytes: number): Promise<Kept> {
  try {
    const found = await sha256AndSize(storedPath(home, sha256));
    if (found.sha256 === sha256) return { state: 'whole' };
    return { state: found.bytes < bytes ? 'truncated' : 'altered', bytes: found.bytes };
  } catch (error) {
    if (error instanceof MovingFile) return { state: 'missing' };
    if (error instanceof LkpError) return { state: 'unreadable', why: error.message };
    throw error;
  }
}

/** The names of what lies in the store, a folder at a time; copies under way (`store/tmp`) are not in it yet. */
export async function* namesInStore(home: string): AsyncGenerator<string[]> {
  const store = join(home, 'store');
  for (const folder of (await namesIn(store)).filter((name) => name !== 'tmp').sort()) {
    const path = join(store, folder);
    const isFolder = (await stat(path).catch(unlessAbsent))?.isDirectory();
    yield isFolder ? (await namesIn(path)).sort().map((name) => join(folder, name)) : [folder];
  }
}

export const namesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(unlessAbsent).catch(toMachine(folder, 'read'))) ?? [];

/**
 * Copies an input file into the store's own folder while hashing it, and syncs the copy to disk. `commit` gives it
 * its place under its sha256 (the same bytes may be there already: they are replaced by themselves); `discard`
 * removes it. A file that changes while it is being copied is refused: its sender is not done with it.
 */
export async function storeBytes(home: string, path: string): Promise<Stored> {
  const input = await openInput(path);
  try {
    const before = await input.stat();
    const folder = join(home, 'store', 'tmp');
    const temporary = await privateName(folder);
    const written = await removing(temporary, async () => {
      const output = await open(temporary, 'wx', 0o600).catch(toMachine(folder, 'written to'));
      try {
        const result = await copy(input, output, path);
        await output.sync().catch(toMachine(folder, 'written to'));
        return result;
      } finally {
        await output.close();
      }
    });
    const after = await input.stat();
    if (before.size !== after.size || before.mtimeMs !== after.mtimeMs || after.size !== written.bytes) {
      await rm(temporary, { force: true });
      throw new MovingFile(
        `${path} changed while it was being read (${before.size} bytes, then ${after.size}). Wait until its sender has finished, and repeat.`,
      );
    }
    return {
      ...written,
      path: temporary,
      commit: async () => {
        const target = storedPath(home, written.sha256);
        await makeFolder(dirname(target));
        crash('store-copied');
        await rename(temporary, target).catch(toMachine(target, 'put in place'));
        crash('store-renamed');
        await syncFolder(dirname(target));
        await syncFolder(dirname(dirname(target)));
      },
      discard: () => rm(temporary, { force: true }),
    };
  } finally {
    await input.close();
  }
}

/**
 * Writes a file so that `path` is at every moment absent, the old file, or the new one. `write` gets a temporary name in
 * the same folder, private to this attempt and starting with a dot; the bytes are synced before the rename and
 * the folder after it. Errors of `write` pass through; the temporary file is removed.
 */
export async function writeAtomically(
  path: string,
  write: (temporary: string) => Promise<void>,
): Promise<Written> {
  const folder = dirname(path);
  const temporary = await privateName(folder);
  return removing(temporary, async () => {
    await write(temporary).catch((error: unknown) => {
      throw isSystemError(error) ? machineFault(error, folder, 'written to') : error;
    });
    const handle = await open(temporary, 'r+').catch(toMachine(path, 'written'));
    let written: Written;
    try {
      written = await copy(handle, null, temporary);
      await handle.sync().catch(toMachine(path, 'written'));
    } finally {
      await handle.close();
    }
    crash('output-written');
    await rename(temporary, path).catch(toMachine(path, 'put in place'));
    crash('output-renamed');
    await syncFolder(folder);
    return written;
  });
}

/** Renames a file that is written and synced to its final name in another folder of the same file system. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  await rename(from, to).catch(toMachine(to, 'put in place'));
  await syncFolder(dirname(to));
}

/** Opens an input; a folder, a pipe or a device is refused before it can block the reader. */
async function openInput(path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      throw new LkpError('request', `${path} is a folder; a file was wanted. Name a file in it.`);
    }
    if (!found.isFile()) {
      throw new LkpError(
        'request',
        `${path} is not a regular file (a pipe or device); a file was wanted. Save it to disk first.`,
      );
    }
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'ENOENT')
      throw new MovingFile(`There is no file ${path}. Check the name and the folder.`, { cause: error });
    const says: Record<string, string> = {
      ENOTDIR: `There is no file ${path}: a part of the path is a file, not a folder. Check the path.`,
      EACCES: `${path} cannot be read: permission denied. Give this user the right to read it.`,
      EPERM: `${path} cannot be read: not permitted. Give this user the right to read it.`,
      ENAMETOOLONG: `The file name ${path.slice(0, 80)}... is too long for this file system. Shorten it.`,
    };
    const sentence = says[error.code];
    if (sentence) throw new LkpError('request', sentence, { cause: error });
    throw new LkpError(
      'machine',
      `${path} cannot be read: ${error.message}. Repair the disk or the folder and repeat.`,
      { cause: error },
    );
  }
}

/** Hashes what `input` holds, and copies it to `output` when there is one. */
async function copy(input: FileHandle, output: FileHandle | null, path: string): Promise<Written> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await input.read(buffer, 0, CHUNK, bytes).catch(toMachine(path, 'read'));
    if (bytesRead === 0) return { sha256: hash.digest('hex'), bytes };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    for (let done = 0; output && done < bytesRead; ) {
      const { bytesWritten } = await output
        .write(chunk, done)
        .catch(toMachine(path, 'copied into the content store'));
      done += bytesWritten;
    }
    bytes += bytesRead;
    if (output) crash('store-first-mb');
  }
}

/**
 * A name in the folder that nobody else has, after clearing what killed attempts left there. Only our own
 * left-overs that are a day older than the folder's clock go: a slower attempt may still be writing a younger one.
 */
async function privateName(folder: string): Promise<string> {
  await makeFolder(folder);
  const left = await leftOversIn(folder);
  const newest = (await stat(folder).catch(toMachine(folder, 'read'))).mtimeMs;
  await Promise.all(left.filter(({ at }) => at < newest - DAY).map(({ path }) => rm(path, { force: true })));
  return join(folder, `.lkp-${randomBytes(8).toString('hex')}.part`);
}

/** The temporary files in a folder, each with the instant of its last byte in milliseconds; none where there is no folder. */
export async function leftOversIn(folder: string): Promise<Array<{ path: string; at: number }>> {
  const left = await Promise.all(
    (await namesIn(folder))
      .filter((name) => LEFT_OVER.test(name))
      .map(async (name) => {
        const path = join(folder, name);
        // Another attempt may have finished with it in between.
        const found = await stat(path).catch(unlessAbsent);
        return found ? [{ path, at: found.mtimeMs }] : [];
      }),
  );
  return left.flat();
}

/**
 * Makes a folder and those above it. Not mkdir({ recursive }): under a parent that takes no folders, such as
 * /proc, Node 20 asks again and again without end.
 */
async function makeFolder(folder: string): Promise<void> {
  const make = async (path: string, mayClimb: boolean): Promise<void> => {
    try {
      await mkdir(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (error.code === 'ENOENT' && mayClimb && dirname(path) !== path) {
        await make(dirname(path), true);
        await make(path, false);
      } else if (!(await stat(path).catch(unlessAbsent))?.isDirectory()) {
        throw error;
      }
    }
  };
  await make(folder, true).catch(toMachine(folder, 'created'));
}

async function removing<T>(temporary: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // A read-only folder also refuses the removal; the first fault is the one to report.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(toMachine(folder, 'opened'));
  try {
    await handle.sync().catch(toMachine(folder, 'synced to disk'));
  } finally {
    await handle.close();
  }
}

type SystemError = Error & { readonly code: string };

const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';

/** For `.catch` of a look at a path: undefined when nothing is there; every other error stays one. */
export function unlessAbsent(error: unknown): undefined {
  if (isSystemError(error) && error.code === 'ENOENT') return undefined;
  throw error;
}

/** Turns a system error into one sentence; anything else passes through as it is. */
const toMachine =
  (path: string, done: string) =>
  (error: unknown): never => {
    throw isSystemError(error) ? machineFault(error, path, done) : error;
  };

function machineFault(error: SystemError, path: string, done: string): LkpError {
  const reasons: Record<string, [reason: string, next: string]> = {
    EACCES: ['permission denied', 'Give this user the right to write there, or choose another folder'],
    EPERM: ['not permitted', 'Give this user the right to write there, or choose another folder'],
    EROFS: ['the file system is read-only', 'Choose a folder that can be written'],
    ENOSPC: ['the disk is full', 'Free some space'],
    EDQUOT: ['the disk quota is used up', 'Free some space'],
    EFBIG: ['the file would exceed the size allowed here', 'Choose another file system, or raise the limit'],
    EMFILE: ['too many files are open', 'Raise the limit of open files'],
    ENOTDIR: ['a part of the path is a file, not a folder', 'Choose another folder, or move that file away'],
    EEXIST: ['a file stands where a folder is wanted', 'Choose another folder, or move that file away'],
    EISDIR: ['a folder stands where a file is wanted', `Move the folder ${basename(path)} away`],
  };
  const [reason, next] = reasons[error.code] ?? [error.message, 'Repair the disk or the folder'];
  return new LkpError('machine', `${path} cannot be ${done}: ${reason}. ${next}, and repeat.`, {
    cause: error,
  });
}
