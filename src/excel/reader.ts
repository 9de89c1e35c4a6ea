import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { LkpError } from '../job.ts';
import { type Merge, type OpenWorkbook, openWorkbook } from './read.ts';

/**
 * The program of the process in which workbooks are read (cage.ts starts it). It answers one request a line of stdin
 * with lines of JSON on stdout, one request at a time, and waits whenever the pipe is full. An empty line means that it is
 * alive. It goes when its parent goes, whatever it is doing.
 */

export type Request =
  | { readonly what: 'open'; readonly path: string }
  | { readonly what: 'merges'; readonly path: string; readonly sheet: number; readonly most: number }
  /** Rows of a sheet; with `most`, only those whose number is not above it. */
  | { readonly what: 'rows'; readonly path: string; readonly sheet: number; readonly most?: number };

/** A `WorkbookRow`, briefly. */
export type SentRow = readonly [row: number, cells: (string | null)[], typed: readonly number[]];

export type Answer =
  | { readonly sheets: OpenWorkbook['sheets'] }
  | { readonly rows: readonly SentRow[] }
  | { readonly merges: readonly Merge[] }
  | { readonly done: true }
  | { readonly refused: string; readonly code: LkpError['code'] }
  /** Something that is not the file's fault but ours; for the log. */
  | { readonly broken: string };

const ALIVE_MS = 2_000;
const BATCH_CHARACTERS = 1 << 17;

/** A thread of its own: the thread that reads may be the one that hangs, and would not see that its parent is gone. */
const LEAVE_WITH_PARENT = `
const { workerData } = require('node:worker_threads');
setInterval(() => process.ppid === workerData || process.kill(process.pid, 'SIGKILL'), 500);
`;

/** The workbook of the last request, and which file it was: each profile opens it, and one of them reads its rows. */
let last: { readonly file: string; readonly workbook: OpenWorkbook } | undefined;

async function opened(path: string): Promise<OpenWorkbook> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  const file = [path, dev, ino, size, mtimeNs].join(' ');
  if (last?.file === file) return last.workbook;
  last?.workbook.close();
  last = undefined;
  const workbook = await openWorkbook(path);
  last = { file, workbook };
  return workbook;
}

async function answer(request: Request): Promise<void> {
  if (request.what === 'open') {
    const { sheets } = await opened(request.path);
    await say({ sheets });
  } else if (request.what === 'merges') {
    const workbook = await opened(request.path);
    await say({ merges: await workbook.merges(request.sheet, request.most) });
  } else {
    const workbook = await opened(request.path);
    let batch: SentRow[] = [];
    let characters = 0;
    const most = request.most ?? Number.POSITIVE_INFINITY;
    reading: for await (const rows of workbook.batches(request.sheet)) {
      for (const { row, cells, typed } of rows) {
        if (row > most) break reading;
        batch.push([row, cells, typed]);
        for (const cell of cells) characters += 4 + (cell?.length ?? 0);
        if (characters < BATCH_CHARACTERS) continue;
        await say({ rows: batch });
        batch = [];
        characters = 0;
      }
    }
    await say({ rows: batch });
  }
  await say({ done: true });
}

async function say(words: Answer): Promise<void> {
  if (process.stdout.write(`${JSON.stringify(words)}\n`)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

new Worker(LEAVE_WITH_PARENT, { eval: true, workerData: process.ppid }).unref();
setInterval(() => process.stdout.write('\n'), ALIVE_MS).unref();
for await (const line of createInterface({ input: process.stdin })) {
  try {
    await answer(JSON.parse(line) as Request);
  } catch (error) {
    await say(
      error instanceof LkpError
        ? { refused: error.message, code: error.code }
        : { broken: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    );
  }
}
process.exit(0);
