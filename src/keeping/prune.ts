import { rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { addMonths, firstDay, parseCycle, startOfDay } from '../calendar.ts';
import { crash } from '../crash.ts';
import { storedPath, unlessAbsent } from '../files.ts';
import { type Context, LkpError, nextChange, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import { oneAtATime } from '../staging.ts';

/** What went, or would go, although revisions refer to it: because a person said so. */
export interface Told {
  readonly before: string;
  /** Contents of the store, and their bytes together. */
  readonly files: number;
  readonly bytes: number;
  readonly workbooks: number;
  /** The first of the files, and of the workbooks under LKP_HOME/reports. */
  readonly names: readonly string[];
  readonly workbook_names: readonly string[];
  /** Cycles that knew a file whose bytes go: they are not derived anew from bytes any more. */
  readonly not_derived: readonly string[];
}

/** Kept cycles, the one that the first of them is compared with, and renewal windows before their anniversaries look back so far. */
const LOOKS_BACK_MONTHS = 14;
const PAGE = 500;
/** So many files, and workbooks, are named. */
const NAMED = 1_000;

/**
 * Deletes the workbooks of cycles before the month `before`, and the bytes in the store that only those cycles refer to: of files
 * that came before it, of which no row waits for anybody or can come into a window of a kept or a coming cycle. What they
 * brought stays in the database: no figure moves. It is written down before the first file goes; the same again
 * completes what was cut off. Throws LkpError('request') for a month that is too late, or without a reason.
 */
export async function pruneRevisions(
  context: Context,
  { before, reason, today, dryRun = false }: PruneOptions,
): Promise<Told> {
  mayGo(before, today);
  if (!dryRun && !reason)
    throw new LkpError(
      'request',
      `What revisions refer to goes for good. Repeat with --reason 'why'; LKP_ACTOR says who.`,
    );
  const work = (tx: Sql) => writeDown(tx, context, before, reason);
  if (dryRun) return onlyAsked(context, 'prune', work);
  const told = await context.db.transaction('prune', work);
  crash('prune-recorded');
  await deletePruned(context);
  return told;
}

export interface PruneOptions {
  /** `YYYY-MM`: the first month that is kept. */
  readonly before: string;
  readonly today: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

function mayGo(before: string, today: string): void {
  const latest = addMonths(today.slice(0, 7), -12);
  if (parseCycle(before) <= latest) return;
  throw new LkpError(
    'request',
    `--before ${before} would take what the present reports show: they look back over 12 months. The latest month that can be named today is ${latest}.`,
  );
}

interface Totals {
  readonly files: number;
  readonly bytes: string;
  readonly workbooks: number;
  readonly first_change: string | null;
}

async function writeDown(tx: Sql, context: Context, before: string, reason = ''): Promise<Told> {
  await oneAtATime(tx);
  const [totals] = await tx.file<Totals>('marts/prunable', {
    before,
    before_instant: startOfDay(firstDay(before), context.schedule.timeZone),
    floor: firstDay(addMonths(before, -LOOKS_BACK_MONTHS)),
  });
  const { files, bytes, workbooks, first_change } = totals!;
  const told: Told = {
    before,
    files,
    bytes: Number(bytes),
    workbooks,
    names: await firstNames(tx, 'bytes'),
    workbook_names: await firstNames(tx, 'workbook'),
    not_derived: await cyclesThatKnow(tx, first_change),
  };
  if (files + workbooks === 0) return told;
  const asked = { before, files, workbooks };
  const change = await nextChange(tx, context, { kind: 'prune', reason, asked });
  await tx.rows(
    `insert into pruned (kind, sha256, name, cycle, change_no)
     select kind, sha256, name, cycle, $1 from prunable order by kind, cycle collate "C", sha256 collate "C"`,
    [change],
  );
  return told;
}

async function firstNames(tx: Sql, kind: 'bytes' | 'workbook'): Promise<string[]> {
  const rows = await tx.rows<{ name: string }>(
    `select concat_ws('/', cycle, name) as name from prunable where kind = $1
     order by cycle collate "C", name collate "C", sha256 collate "C" limit ${NAMED}`,
    [kind],
  );
  return rows.map(({ name }) => name);
}

async function cyclesThatKnow(tx: Sql, change: string | null): Promise<string[]> {
  const rows = await tx.rows<{ cycle: string }>(
    'select distinct cycle from snapshot where cutoff >= $1 order by cycle',
    [change],
  );
  return rows.map(({ cycle }) => cycle);
}

/** Everything that is written down as pruned and lies there still; bytes that came in again since are not. */
async function deletePruned(context: Context): Promise<void> {
  const { home } = context.settings;
  for (let last = '0'; ; ) {
    const page = await context.db.transaction('prune', async (tx) => {
      // No ingest brings the same bytes back between the look and the deletion.
      await oneAtATime(tx);
      const rows = await tx.rows<{
        id: string;
        kind: string;
        sha256: string;
        name: string;
        cycle: string;
        back: boolean;
      }>(
        `select id, kind, sha256, name, cycle,
                exists (select from file where file.sha256 = pruned.sha256 and file.change_no > pruned.change_no) as back
         from pruned where id > $1 order by id limit ${PAGE}`,
        [last],
      );
      for (const { kind, sha256, name, cycle, back } of rows) {
        if (kind === 'bytes' && !back) await rm(storedPath(home, sha256), { force: true });
        if (kind === 'workbook') await removeBook(join(home, 'reports', cycle, name));
      }
      return rows;
    });
    if (page.length === 0) return;
    last = page.at(-1)!.id;
    context.progress(`pruned: ${page.at(-1)!.name}`);
  }
}

/** And its folders, when they are empty then. */
async function removeBook(path: string): Promise<void> {
  if ((await stat(path).catch(unlessAbsent)) === undefined) return;
  await rm(path, { force: true });
  for (const folder of [dirname(path), dirname(dirname(path))])
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code ?? '')) throw error;
    });
}
