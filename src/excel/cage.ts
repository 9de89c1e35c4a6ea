import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LkpError } from '../job.ts';
import { openParts } from './parts.ts';
import type { Merge, OpenWorkbook } from './read.ts';
import type { Answer, Request, SentRow } from './reader.ts';

/**
 * What the process that reads a workbook may take before it is ended and the file refused. The largest sheet there can
 * be (1,048,576 rows of 10 cells, 1,000,000 shared strings) takes 245 MB, and 40 s on a busy machine of two cores.
 */
export const CAGE = {
  /** Its heap, MB: V8 ends the process itself. */
  heap: 256,
  /** All of its memory, MB: pieces being unpacked lie outside the heap. Seen on Linux only. */
  resident: 450,
  /** Without a sign of life, seconds; it gives one every 2 s unless a piece of the file holds it up. */
  silent: 20,
  /** Of our waiting for it over a whole request, seconds; what PostgreSQL takes meanwhile does not count. */
  waiting: 300,
  /** One answer, bytes: rows come in pieces of 0.1 MB, but a single row may be longer. */
  answer: 16_000_000,
};

const TICK_MS = 250;
/** A process that nobody asks anything is ended, for its memory. */
const IDLE_MS = 30_000;
const SEND_OTHERWISE = 'Open it in Excel and save only the sheet with the lines, or send it as CSV';

type Process = ChildProcessByStdio<Writable, Readable, null>;

/** Started and waiting for work: starting one takes half a second, asking one a millisecond. */
const idle: Reader[] = [];

export interface CagedWorkbook {
  readonly sheets: OpenWorkbook['sheets'];
  /** The rows of a sheet that hold a value, in order, some hundred at a time. A throw takes back every row before it. */
  rows(sheetIndex: number): AsyncGenerator<readonly SentRow[]>;
  /** Those whose number is at most `rows`. */
  head(sheetIndex: number, rows: number): Promise<SentRow[]>;
  /** The merged ranges that begin in them and go down; reads the sheet to its end. */
  merges(sheetIndex: number, rows: number): Promise<readonly Merge[]>;
}

/**
 * Opens an uploaded workbook as `openWorkbook` does, in a process of its own that cannot take this one with it: it is
 * ended when it takes too much memory or time, and the file is refused. The archive's directory is checked here, so
 * that most of what is no workbook costs no process. A sheet's rows may be asked for again; leaving them early ends
 * the process.
 * @throws LkpError 'request' for everything that is not a readable workbook: it says what to do.
 */
export async function openCaged(path: string): Promise<CagedWorkbook> {
  (await openParts(path)).close();
  let sheets: OpenWorkbook['sheets'] = [];
  for await (const answer of asked({ what: 'open', path })) if ('sheets' in answer) ({ sheets } = answer);
  return {
    sheets,
    rows: (sheet) => rowsOf({ what: 'rows', path, sheet }),
    head: async (sheet, most) => {
      const head: SentRow[] = [];
      for await (const rows of rowsOf({ what: 'rows', path, sheet, most })) head.push(...rows);
      return head;
    },
    merges: async (sheet, most) => {
      let merges: readonly Merge[] = [];
      for await (const answer of asked({ what: 'merges', path, sheet, most }))
        if ('merges' in answer) ({ merges } = answer);
      return merges;
    },
  };
}

async function* rowsOf(request: Request): AsyncGenerator<readonly SentRow[]> {
  for await (const answer of asked(request)) if ('rows' in answer) yield answer.rows;
}

async function* asked(request: Request): AsyncGenerator<Answer> {
  const reader = idle.pop() ?? new Reader();
  let isWhole = false;
  try {
    for await (const answer of reader.ask(request)) {
      if ('broken' in answer) {
        throw refuse('could not be read: the reader did not understand it', new Error(answer.broken));
      }
      if ('refused' in answer) {
        isWhole = true;
        throw new LkpError(answer.code, answer.refused);
      }
      if ('done' in answer) {
        isWhole = true;
        return;
      }
      yield answer;
    }
  } finally {
    if (isWhole) reader.rest();
    else reader.end();
  }
}

const refuse = (seen: string, cause?: Error): LkpError =>
  new LkpError('request', `The workbook ${seen}. ${SEND_OTHERWISE}.`, cause && { cause });

/** V8 ends a process whose heap is full by SIGABRT (or with 128 + 6); the kernel ends one for its own want of memory by SIGKILL. */
function whyEnded(code: number | null, signal: NodeJS.Signals | null): LkpError {
  if (signal === 'SIGABRT' || code === 134)
    return refuse(`is too large to read: reading it takes more than ${CAGE.heap} MB of memory`);
  if (signal !== null)
    return refuse(`could not be read: its reader was ended from outside (${signal}) while it read`);
  return unable(`it ended with exit code ${code}`);
}

const unable = (seen: string, cause?: Error): LkpError =>
  new LkpError(
    'machine',
    `The process that reads workbooks cannot work: ${seen}. Check the installation and the free memory, and repeat.`,
    cause && { cause },
  );

/** One process, and the watch over it. */
class Reader {
  private readonly process: Process;
  private readonly gone: Promise<LkpError>;
  private resting: NodeJS.Timeout | undefined;
  private ended: LkpError | undefined;

  constructor() {
    this.process = spawn(
      process.execPath,
      [
        `--max-old-space-size=${CAGE.heap}`,
        '--import',
        import.meta.resolve('tsx'),
        fileURLToPath(new URL('reader.ts', import.meta.url)),
      ],
      { stdio: ['pipe', 'pipe', 'ignore'], env: { TZ: 'UTC' } },
    );
    this.gone = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.forget();
        resolve(this.ended ?? whyEnded(code, signal));
      });
      this.process.once('error', (cause) => {
        this.ended ??= unable(cause.message, cause);
        resolve(this.ended);
      });
    });
    // A process that is gone is noticed where its answer is missing.
    this.process.stdin.on('error', () => undefined);
  }

  /** The answers to one request, as far as they come. Throws when the process had to be ended, or ended itself. */
  async *ask(request: Request): AsyncGenerator<Answer> {
    this.wake();
    const watch = { silent: 0, waiting: 0, isWaiting: true };
    const ticks = setInterval(() => this.look(watch), TICK_MS);
    try {
      this.process.stdin.write(`${JSON.stringify(request)}\n`);
      for await (const line of this.lines(watch)) {
        watch.isWaiting = false;
        if (line !== '') yield JSON.parse(line) as Answer;
        watch.isWaiting = true;
      }
      throw await this.gone;
    } catch (error) {
      // Its pipe may break before it is known why.
      throw error instanceof LkpError ? error : (this.ended ?? error);
    } finally {
      clearInterval(ticks);
    }
  }

  /** Lines of its output. Nothing is taken from the pipe before the line before was dealt with. */
  private async *lines(watch: { silent: number }): AsyncGenerator<string> {
    let rest: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.process.stdout.iterator({ destroyOnReturn: false })) {
      watch.silent = 0;
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
        from = end + 1;
        rest = [];
        size = 0;
      }
      rest.push(chunk.subarray(from));
      size += chunk.length - from;
      if (size > CAGE.answer)
        this.end(refuse(`holds a row of more than ${CAGE.answer / 1e6} MB, which is too large to read`));
    }
  }

  private look(watch: { silent: number; waiting: number; isWaiting: boolean }): void {
    const resident = residentOf(this.process.pid);
    if (resident > CAGE.resident)
      this.end(refuse(`is too large to read: reading it takes more than ${CAGE.resident} MB of memory`));
    if (!watch.isWaiting) return;
    watch.silent += TICK_MS / 1000;
    watch.waiting += TICK_MS / 1000;
    if (watch.silent > CAGE.silent)
      this.end(refuse(`took longer than ${CAGE.silent} seconds over one piece of it, and was given up`));
    if (watch.waiting > CAGE.waiting)
      this.end(refuse(`took longer than ${CAGE.waiting} seconds to read, and was given up`));
  }

  private wake(): void {
    clearTimeout(this.resting);
    this.hold('ref');
  }

  /** Waits for the next request, without keeping this process from ending. */
  rest(): void {
    this.hold('unref');
    this.resting = setTimeout(() => this.end(), IDLE_MS).unref();
    idle.push(this);
  }

  end(reason?: LkpError): void {
    this.forget();
    this.ended ??= reason;
    this.process.kill('SIGKILL');
  }

  private forget(): void {
    clearTimeout(this.resting);
    const place = idle.indexOf(this);
    if (place !== -1) idle.splice(place, 1);
  }

  private hold(how: 'ref' | 'unref'): void {
    this.process[how]();
    for (const pipe of [this.process.stdin, this.process.stdout])
      (pipe as unknown as { ref(): void; unref(): void })[how]();
  }
}

/** Resident memory of a process, MB; 0 where there is no /proc. */
function residentOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    // It ended in between, or there is no /proc.
    return 0;
  }
}
