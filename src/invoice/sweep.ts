import { constants } from 'node:fs';
import { access, lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MovingFile, unlessAbsent } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import { type IngestOptions, ingestFile } from './ingest.ts';
import { writeRejects } from './rejects.ts';
import { asTheyStand, type FileResult, type IngestTotals, refused, totalsOf } from './result.ts';
import { ingestTogether } from './together.ts';

/** A file that was not looked into, because its sender is not done with it. */
export interface LeftAlone {
  readonly name: string;
  readonly reason: string;
}

export interface IngestReport {
  readonly files: FileResult[];
  readonly left_alone: LeftAlone[];
  readonly totals: IngestTotals;
}

/** Bytes of a file that may share a transaction with others, and how many may. */
const SMALL = 256 * 1024;
const TOGETHER = 200;

const PART = /\.part$/i;
const PART_REASON = 'Its name ends in .part: its sender still writes it, and will rename it.';

/**
 * Ingests files and folders (their files, deep, by name). Every path is looked at before the first file is taken in,
 * so that a mistyped one changes nothing. Throws LkpError('request') for a missing path, a folder without files, or a
 * file that is named .part; in a folder those are left alone.
 */
export async function ingestAll(
  context: Context,
  paths: readonly string[],
  options: IngestOptions = {},
): Promise<IngestReport> {
  const { files: found, parts } = await filesOf(paths);
  const leftAlone = parts.map(leftAsPart);
  for (const path of found) await readableFile(path);
  const files: FileResult[] = [];
  for (const run of await runsOf(found, options)) {
    context.progress(`file ${files.length + 1} of ${found.length}: ${basename(run[0]!)}`);
    for (const { name, result, moving } of await ingestRun(context, run, options))
      files.push(result ?? refused(name, '', 'unknown', moving));
  }
  return reportOf(context, files, leftAlone, options);
}

/**
 * Sweeps the inbox. A file is taken in when two looks, LKP_INBOX_STABLE_SECONDS apart, find the same size and mtime. For
 * those that still change or are named .part it waits, LKP_INBOX_WAIT_SECONDS in all; what is not done then is left
 * alone and named. Two looks, not the age of the mtime: the sender's clock is not ours.
 */
export async function sweepInbox(context: Context): Promise<IngestReport> {
  const { inbox, LKP_INBOX_STABLE_SECONDS: pause, LKP_INBOX_WAIT_SECONDS: patience } = context.settings;
  const files: FileResult[] = [];
  const taken = new Map<string, string>();
  let before = new Map<string, string>();
  for (let waited = 0; ; waited += pause) {
    const { looks, parts, lost } = await look(inbox);
    // The files before it may have taken minutes, in which its sender went on.
    const isStill = async (path: string): Promise<boolean> => (await lookAt(path)) === looks.get(path);
    const stable = [...looks.keys()].filter(
      (path) => taken.get(path) !== looks.get(path) && (pause === 0 || before.get(path) === looks.get(path)),
    );
    for (const run of await runsOf(stable)) {
      const still: string[] = [];
      for (const path of run) if (await isStill(path)) still.push(path);
      if (still.length === 0) continue;
      context.progress(`file ${files.length + 1}: ${basename(still[0]!)}`);
      for (const { path, result } of await ingestRun(context, still, {}, isStill)) {
        if (!result) continue;
        files.push(result);
        taken.set(path, looks.get(path)!);
      }
    }
    const arriving = [...looks].filter(([path, seen]) => taken.get(path) !== seen).map(([path]) => path);
    const waits = arriving.length + parts.length > 0;
    if (!waits || pause === 0 || (waited > 0 && waited + pause > patience)) {
      return reportOf(context, files, [
        ...arriving.map((path) => ({
          name: basename(path),
          reason: `It still changed after ${Math.round(waited * 10) / 10} s of waiting: its sender is not done with it.`,
        })),
        ...parts.map(leftAsPart),
        ...lost,
      ]);
    }
    context.progress(`waiting for ${arriving.length + parts.length} files that may still arrive`);
    before = looks;
    await setTimeout(pause * 1000);
  }
}

const leftAsPart = (path: string): LeftAlone => ({ name: basename(path), reason: PART_REASON });

/** A file that was looked into; without a result, and with the reason, when it changed or went while it was read. */
interface LookedInto {
  readonly path: string;
  readonly name: string;
  readonly result?: FileResult;
  readonly moving: string;
}

/** The files in their order; small XML documents that stand together are one run, and a transaction. */
async function runsOf(paths: readonly string[], { dryRun }: IngestOptions = {}): Promise<string[][]> {
  const runs: string[][] = [];
  let grows = false;
  for (const path of paths) {
    const joins =
      !dryRun && /\.xml$/i.test(path) && ((await stat(path).catch(unlessAbsent))?.size ?? 0) <= SMALL;
    if (joins && grows && runs.at(-1)!.length < TOGETHER) runs.at(-1)!.push(path);
    else runs.push([path]);
    grows = joins;
  }
  return runs;
}

async function ingestRun(
  context: Context,
  run: readonly string[],
  options: IngestOptions = {},
  isStill: (path: string) => Promise<boolean> = async () => true,
): Promise<LookedInto[]> {
  const together =
    run.length > 1 ? await ingestTogether(context, run, options) : new Map<string, FileResult>();
  const files: LookedInto[] = [];
  for (const path of run) {
    const name = basename(path);
    try {
      const result = together.get(path);
      if (result) files.push({ path, name, result, moving: '' });
      else if (!(await isStill(path))) files.push({ path, name, moving: 'It changed.' });
      else files.push({ path, name, result: await ingestFile(context, path, options), moving: '' });
    } catch (error) {
      if (!(error instanceof MovingFile)) throw error;
      files.push({ path, name, moving: error.message });
    }
  }
  return files;
}

/** What is reported is how things stand at the end: a later file may have disputed the rows of an earlier one. */
async function reportOf(
  context: Context,
  files: FileResult[],
  leftAlone: LeftAlone[],
  options: IngestOptions = {},
): Promise<IngestReport> {
  if (!options.dryRun && files.length > 1) {
    files.splice(0, files.length, ...(await asTheyStand(context, files)));
  }
  if (!options.dryRun) {
    for (const [index, file] of files.entries()) {
      if (file.status !== 'ingested' || file.dispositions.rejected + file.dispositions.quarantined === 0)
        continue;
      context.progress(`${file.name}: writing the rows to correct`);
      const rejects = await writeRejects(context, file.sha256, {
        ...(options.profile ? { profile: options.profile } : {}),
      });
      // A credit that waits for its invoice has nothing to correct.
      if (rejects.rows > 0) files[index] = { ...file, rejects: rejects.path };
    }
  }
  return { files, left_alone: leftAlone, totals: totalsOf(files) };
}

/** Size, mtime and inode of a file; undefined when it is not there. */
async function lookAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(unlessAbsent);
  return found && `${found.size} ${found.mtimeMs} ${found.ino}`;
}

/** Path -> look of every file of the inbox, by name; and what stands there and cannot be opened. */
export async function look(
  inbox: string,
): Promise<{ looks: Map<string, string>; parts: string[]; lost: LeftAlone[] }> {
  const looks = new Map<string, string>();
  const lost: LeftAlone[] = [];
  if (!(await stat(inbox).catch(unlessAbsent))) return { looks, parts: [], lost };
  const { files, parts } = await filesIn(inbox);
  for (const path of files) {
    const name = basename(path);
    const seen = await lookAt(path);
    if (seen !== undefined) {
      const closed = await access(path, constants.R_OK).then(
        () => '',
        ({ code }: NodeJS.ErrnoException) => code,
      );
      if (closed === '') looks.set(path, seen);
      else if (closed !== 'ENOENT')
        lost.push({ name, reason: `It cannot be read (${closed}). Check its permissions.` });
    } else if (await lstat(path).catch(unlessAbsent))
      lost.push({ name, reason: 'It is a link to a file that is not there. Put the file in its place.' });
    // Bytes that are no UTF-8 read as U+FFFD, and nothing has that name. Any other went since the folder was read.
    else if (name.includes('\uFFFD'))
      lost.push({ name, reason: 'Its name is not UTF-8, so that it cannot be opened. Rename it.' });
  }
  return { looks, parts, lost };
}

/** A file that cannot be read stops the command before the first one is taken in. */
async function readableFile(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: NodeJS.ErrnoException) => {
    throw new LkpError(
      'machine',
      `${path} cannot be read (${cause.code}). Check its permissions and repeat; nothing was ingested.`,
      { cause },
    );
  });
}

/** The files that the paths of a command line mean, in their order. Throws LkpError for a path that means none. */
export async function filesOf(paths: readonly string[]): Promise<Found> {
  const all: Found = { files: [], parts: [] };
  for (const path of paths) {
    const { files, parts } = await filesAt(path);
    all.files.push(...files);
    all.parts.push(...parts);
  }
  return all;
}

async function filesAt(path: string): Promise<Found> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT')
      throw new LkpError('request', `There is no file or folder ${path}. Check the path and repeat.`, {
        cause,
      });
    throw new LkpError(
      'machine',
      `${path} cannot be read (${cause.code}). Check its permissions and repeat.`,
      { cause },
    );
  });
  if (!found.isDirectory()) {
    if (!PART.test(path)) return { files: [path], parts: [] };
    throw new LkpError(
      'request',
      `${path} is not ingested. ${PART_REASON} Wait for that; if it is whole, rename it and repeat.`,
    );
  }
  const inside = await filesIn(path);
  if (inside.files.length > 0) return inside;
  throw new LkpError(
    'request',
    inside.parts.length > 0
      ? `The folder ${path} has only files named .part, which their senders still write. Wait until they are renamed, and repeat.`
      : `The folder ${path} has no files. Put invoice files there, or name another folder.`,
  );
}

/** Paths of files; `parts` are those that their senders still write. */
interface Found {
  readonly files: string[];
  readonly parts: string[];
}

/** The files of a folder and the folders in it, by name; names that begin with a dot are not for us. */
async function filesIn(folder: string): Promise<Found> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      throw new LkpError(
        'machine',
        `The folder ${folder} cannot be read (${cause.code}: ${cause.path}). Check its permissions and repeat.`,
        { cause },
      );
    },
  );
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(folder, file)
          .split(sep)
          .some((part) => part.startsWith('.')),
    )
    .sort();
  return {
    files: paths.filter((path) => !PART.test(path)),
    parts: paths.filter((path) => PART.test(path)),
  };
}
