import { createHash, randomBytes } from 'node:crypto';
import { access, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildId } from '../build.ts';
import { crash } from '../crash.ts';
import { moveIntoPlace, sha256Of, writeAtomically } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import {
  type Batch,
  countsOf,
  lastSubmitted,
  laterSubmission,
  lockDirectory,
  readBatch,
  tookBack,
} from './batch.ts';
import { bookOf } from './book.ts';
import { csvOf, jsonOf, manifestOf, type SubmittedFile } from './contents.ts';

export interface Submission {
  readonly cycle: string;
  readonly status: 'submitted' | 'already-submitted';
  /** Entries that the directory lists after the update: added, changed and unchanged. */
  readonly entries: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Absolute paths; the manifest is the last one. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly sha256: string }>;
  /** What a person should know about the files of an earlier submission: missing, or not as submitted. */
  readonly notes: readonly string[];
}

const STAGING = '.writing-';

/**
 * Submits the assembled batch of a cycle, once: writes its files to the outbox. The intent is committed before the
 * first byte. After a crash the same call finishes the work: the files follow from the batch, so what is there
 * is either ours to the byte or somebody else's. In the second case nothing is written, the submission is
 * `unknown`, and LkpError('request') names the files to look at. Who comes second, also at the same moment,
 * gets `already-submitted` and writes nothing.
 */
export async function submitDirectory(context: Context, cycle: string): Promise<Submission> {
  const { batch, finished } = await context.db.transaction('directory intent', (tx) =>
    declareIntent(tx, context, cycle),
  );
  const folder = join(context.settings.outbox, cycle);
  const result = (
    status: Submission['status'],
    files: readonly SubmittedFile[],
    notes: string[] = [],
  ): Submission => {
    const { entries, added, changed, removed } = countsOf(batch.entries);
    const placed = files.map(({ name, sha256 }) => ({ path: join(folder, name), sha256 }));
    return { cycle, status, entries, added, changed, removed, files: placed, notes };
  };
  if (finished) return result('already-submitted', finished, await lookAfter(folder, finished));
  crash('submit-intent');

  const sent = await context.db.transaction('directory submission', (tx) => send(tx, context, batch, folder));
  if ('strange' in sent) {
    throw new LkpError(
      'request',
      `The submission of ${cycle} stopped: ${sent.strange.join(' and ')} in ${folder} ${sent.strange.length === 1 ? 'is' : 'are'} not what this batch writes, so somebody or something else put ${sent.strange.length === 1 ? 'it' : 'them'} there. Nothing was overwritten. Find out whether the directory team received ${sent.strange.length === 1 ? 'it' : 'them'}, move ${sent.strange.length === 1 ? 'it' : 'them'} away, and run lkp directory submit ${cycle} again.`,
    );
  }
  if (sent.byAnother) return result('already-submitted', sent.files, await lookAfter(folder, sent.files));
  return result('submitted', sent.files);
}

/** Commits that this cycle is being sent. The primary key of directory_submission lets that happen once. */
async function declareIntent(
  tx: Sql,
  context: Context,
  cycle: string,
): Promise<{ batch: Batch; finished?: SubmittedFile[] }> {
  await lockDirectory(tx);
  const batch = await readBatch(tx, cycle);
  if (!batch)
    throw new LkpError(
      'request',
      `The directory batch of ${cycle} is not assembled yet. Run lkp directory assemble ${cycle} first.`,
    );
  const begun = await tx.maybe<{ status: string; content_hash: string }>(
    'select status, content_hash from directory_submission where cycle = $1',
    [cycle],
  );
  if (begun?.status === 'submitted') return { batch, finished: await submittedFiles(tx, cycle) };
  if (begun) {
    if (begun.content_hash !== contentHash(batch)) {
      throw new LkpError(
        'request',
        `The submission of ${cycle} was begun with other contents than its batch has now. Compare the files in the outbox with lkp directory show ${cycle}, and finish this submission by hand.`,
      );
    }
    return { batch };
  }
  const later = await laterSubmission(tx, cycle);
  if (later) {
    throw new LkpError('request', `${tookBack(cycle, later)}. Assemble the cycle after ${later}.`);
  }
  const last = await lastSubmitted(tx, cycle);
  if (last !== batch.comparedWith) {
    throw new LkpError(
      'request',
      `The batch of ${cycle} was compared with ${batch.comparedWith ?? 'nothing'}, and ${last} was submitted since. Run lkp directory assemble ${cycle} again, then submit.`,
    );
  }
  const reopened = await tx.maybe(
    'select from directory_reopened where cycle = $1 and change_no > $2 limit 1',
    [last, batch.cutoff],
  );
  if (reopened) {
    throw new LkpError(
      'request',
      `Entries of ${last} were reopened after the batch of ${cycle} was assembled. Run lkp directory assemble ${cycle} again, then submit.`,
    );
  }
  const change = await nextChange(tx, context, { kind: 'directory submit', reason: cycle });
  await tx.rows(
    "insert into directory_submission (cycle, status, content_hash, change_no) values ($1, 'sending', $2, $3)",
    [cycle, contentHash(batch), change],
  );
  return { batch };
}

const contentHash = (batch: Batch): string => createHash('sha256').update(jsonOf(batch)).digest('hex');

type Sent = { readonly files: SubmittedFile[]; readonly byAnother: boolean } | { readonly strange: string[] };

/**
 * Holds the lock from the first byte to the commit: of two that submit at the same moment, the second one waits and then
 * finds it done.
 */
async function send(tx: Sql, context: Context, batch: Batch, folder: string): Promise<Sent> {
  const { cycle } = batch;
  await lockDirectory(tx);
  const { status } = await tx.one<{ status: string }>(
    'select status from directory_submission where cycle = $1',
    [cycle],
  );
  if (status === 'submitted') return { files: await submittedFiles(tx, cycle), byAnother: true };

  const staging = join(folder, `${STAGING}${randomBytes(8).toString('hex')}`);
  await sweep(folder);
  try {
    const files = await writeFiles(context, batch, staging);
    const strange: string[] = [];
    const absent: string[] = [];
    for (const { name, sha256 } of files) {
      const there = await hashIfThere(join(folder, name));
      if (there === undefined) absent.push(name);
      else if (there !== sha256) strange.push(name);
    }
    if (strange.length > 0) {
      await tx.rows("update directory_submission set status = 'unknown' where cycle = $1", [cycle]);
      return { strange };
    }
    for (const name of absent) {
      await moveIntoPlace(join(staging, name), join(folder, name));
      crash('submit-between-renames');
    }
    crash('submit-renamed');
    await tx.rows("update directory_submission set status = 'submitted' where cycle = $1", [cycle]);
    await tx.rows("update directory_batch set state = 'submitted' where cycle = $1", [cycle]);
    await tx.rows(
      `insert into directory_file (cycle, build, name, sha256, bytes)
       select $1, $5, * from unnest($2::text[], $3::text[], $4::bigint[])`,
      [
        cycle,
        files.map(({ name }) => name),
        files.map(({ sha256 }) => sha256),
        files.map(({ bytes }) => bytes),
        await buildId(),
      ],
    );
    return { files, byAnother: false };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What the files of a submission are called, the manifest last. */
export const fileNames = (cycle: string): [csv: string, json: string, xlsx: string, manifest: string] => [
  `directory-${cycle}.csv`,
  `directory-${cycle}.json`,
  `directory-${cycle}.xlsx`,
  `manifest-${cycle}.json`,
];

/** Writes all files under a folder of this attempt's own, the manifest last. */
async function writeFiles(context: Context, batch: Batch, staging: string): Promise<SubmittedFile[]> {
  const files: SubmittedFile[] = [];
  const add = async (name: string, write: (temporary: string) => Promise<unknown>) => {
    const written = await writeAtomically(join(staging, name), async (temporary) => {
      await write(temporary);
    });
    files.push({ name, ...written });
    crash('submit-between-files');
  };
  const [csv, json, xlsx, manifest] = fileNames(batch.cycle);
  await add(csv, (temporary) => writeFile(temporary, csvOf(batch)));
  await add(json, (temporary) => writeFile(temporary, jsonOf(batch)));
  await add(xlsx, (temporary) => context.workbooks.write(temporary, bookOf(batch)));
  crash('submit-before-manifest');
  await add(manifest, (temporary) => writeFile(temporary, manifestOf(batch, files)));
  return files;
}

async function submittedFiles(tx: Sql, cycle: string): Promise<SubmittedFile[]> {
  const files = await tx.rows<{ name: string; sha256: string; bytes: string }>(
    'select name, sha256, bytes from directory_file where cycle = $1 order by name collate "C"',
    [cycle],
  );
  return files.map(({ name, sha256, bytes }) => ({ name, sha256, bytes: Number(bytes) }));
}

/** Removes what killed attempts left; the lock makes sure that nobody is at work there. */
async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new LkpError(
      'machine',
      `${folder} cannot be read (${error.code}). Give this user the right to read and write it, and repeat.`,
      { cause: error },
    );
  });
  for (const name of names.filter((found) => found.startsWith(STAGING)))
    await rm(join(folder, name), { recursive: true, force: true });
}

async function hashIfThere(path: string): Promise<string | undefined> {
  try {
    await access(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LkpError(
      'machine',
      `${path} cannot be looked at (${(error as NodeJS.ErrnoException).code}). Give this user the right to read it, and repeat.`,
      { cause: error },
    );
  }
  return sha256Of(path);
}

/** A submission is never written again; what became of its files is for a person to judge. */
async function lookAfter(folder: string, files: readonly SubmittedFile[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { name, sha256 } of files) {
    const there = await hashIfThere(join(folder, name));
    if (there === undefined)
      notes.push(
        `${join(folder, name)} was submitted and is no longer there: it was moved, or LKP_OUTBOX names another folder. It is not written again.`,
      );
    else if (there !== sha256)
      notes.push(
        `${join(folder, name)} is no longer the file that was submitted: its contents have changed.`,
      );
  }
  return notes;
}
