import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import { PassThrough, type Writable } from 'node:stream';
import exceljs from 'exceljs';

/** Every entry's date: zip cannot say an earlier one, and outputs hold no wall clock. */
const EPOCH = new Date(Date.UTC(1980, 0, 1));
const CREATOR = 'Learning Partner KPIs';
/** XML that may wait for the compressor before the writer of rows is told to wait. */
const GATE_BYTES = 1024 * 1024;

/** What exceljs hands to its archive: finished text, or the stream of a worksheet. */
type Part = string | { pipe(destination: Writable): void };

/** The part of archiver that exceljs uses; its typings leave it out. */
interface Zip {
  append(part: Part | PassThrough, entry: { name: string; date?: Date }): void;
  once(event: 'error', listener: (error: Error) => void): void;
  abort(): void;
}

/**
 * exceljs' streaming writer, made repeatable and bounded:
 * - every zip entry gets the same date (archiver stamps each with now);
 * - a worksheet's stream never says that it is full, and collects without bound until its turn comes in the
 *   archive, so each gets a gate with a fill level that the writer of rows can wait for.
 *
 * `addThemes` is overridden because the base constructor calls it before anything else can reach `zip`.
 * Fields are only declared: an initialiser would run after that call and wipe what it set.
 */
export class SteadyWriter extends exceljs.stream.xlsx.WorkbookWriter {
  declare zip: Zip;
  private declare gate: PassThrough | undefined;
  private declare failure: Error | undefined;

  override addThemes(): Promise<void> {
    const append = this.zip.append.bind(this.zip);
    this.zip.append = (part, entry) => append(this.gated(part), { ...entry, date: EPOCH });
    return super.addThemes();
  }

  private gated(part: Part | PassThrough): string | PassThrough {
    if (typeof part === 'string') return part;
    const gate = new PassThrough({ highWaterMark: GATE_BYTES });
    gate.on('error', (error) => this.fail(error));
    part.pipe(gate);
    this.gate = gate;
    return gate;
  }

  /** Resolves when the open worksheet may take more rows; rejects once the output is broken. */
  async drained(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.gate?.writableNeedDrain) await once(this.gate, 'drain');
  }

  /** Ends everything that waits for the output. */
  fail(error: Error): void {
    this.failure ??= error;
    this.gate?.destroy(error);
  }

  /** True when `drained()` would wait or throw: saves the hot loop a promise per row. */
  get full(): boolean {
    return this.failure !== undefined || this.gate?.writableNeedDrain === true;
  }
}

/**
 * Runs `fill` on a workbook that is written to `path`, and finishes the file (flushed to disk).
 * Rejects with the first error of either, and then leaves no file.
 */
export async function writeArchive<T>(path: string, fill: (book: SteadyWriter) => Promise<T>): Promise<T> {
  const file = createWriteStream(path, { flush: true });
  const closed = new Promise<void>((resolve) => file.once('close', resolve));
  const writer = new SteadyWriter({ stream: file, useStyles: true, useSharedStrings: false });
  writer.creator = CREATOR;
  writer.lastModifiedBy = CREATOR;
  writer.created = EPOCH;
  writer.modified = EPOCH;
  writer.views = [
    { x: 0, y: 0, width: 24_000, height: 14_000, firstSheet: 0, activeTab: 0, visibility: 'visible' },
  ];
  const broken = new Promise<never>((_, reject) => {
    for (const stream of [file, writer.zip]) {
      stream.once('error', (error: Error) => {
        writer.fail(error);
        reject(error);
      });
    }
  });
  // Without this, a failure while rows are still written would also end the process as an unhandled rejection.
  broken.catch(() => undefined);
  try {
    const result = await fill(writer);
    await Promise.race([writer.commit(), broken]);
    await Promise.race([closed, broken]);
    return result;
  } catch (error) {
    writer.fail(error instanceof Error ? error : new Error(String(error)));
    writer.zip.abort();
    file.destroy();
    await closed;
    await removeHalfFile(path);
    throw error;
  }
}

/** Only a regular file is ours to remove: a test may write to /dev/full. */
async function removeHalfFile(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found?.isFile()) await rm(path, { force: true });
}
