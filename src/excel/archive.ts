import { createWriteStream } from 'node:fs';
import { lstat, rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import exceljs from 'exceljs';
import { ALARM, type CellStyle } from './styles.ts';
import { type Entry, Zip } from './zip.ts';

/** Outputs hold no wall clock. */
const EPOCH = new Date(Date.UTC(1980, 0, 1));
const CREATOR = 'Learning Partner KPIs';

/**
 * exceljs' streaming writer over an archive of our own. Its archiver stamps each part with now, makes a compressor of
 * 260 KB and a dozen streams for each of 13 parts (4 ms a workbook), and a worksheet's stream never says that it is full.
 *
 * `addThemes` is overridden because the base constructor calls it before anything else can reach `zip`.
 * Fields are only declared: an initialiser would run after that call and wipe what it set.
 */
export class SteadyWriter extends exceljs.stream.xlsx.WorkbookWriter {
  declare zip: Zip;
  declare stream: Writable;
  declare styles: { addStyleModel(style: CellStyle): number; addDxfStyle(style: CellStyle): number };
  private declare styleIds: Map<CellStyle, number>;
  private declare alarmId: number | undefined;
  private declare failure: Error | undefined;

  override addThemes(): Promise<void> {
    this.styleIds = new Map();
    (this.zip as unknown as Readable).unpipe(this.stream);
    this.zip = new Zip(this.stream);
    return super.addThemes();
  }

  /** Called by exceljs when it adds a worksheet. */
  _openStream(name: string): Entry {
    return this.zip.open(name);
  }

  /** The number of one of the shared styles in this workbook. */
  styleId(style: CellStyle): number {
    let id = this.styleIds.get(style);
    if (id === undefined) {
      id = this.styles.addStyleModel(style);
      this.styleIds.set(style, id);
    }
    return id;
  }

  /** The number of the style that a cell turns to. */
  alarmStyle(): number {
    this.alarmId ??= this.styles.addDxfStyle(ALARM);
    return this.alarmId;
  }

  /** Resolves when the open worksheet may take more rows, or has ended; rejects once the output is broken. */
  async drained(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await this.zip.settled();
  }

  /** Ends everything that waits for the output. */
  fail(error: Error): void {
    this.failure ??= error;
    this.zip.abort(error);
  }

  /** True when `drained()` would wait or throw: saves the hot loop a promise per row. */
  get full(): boolean {
    return this.failure !== undefined || this.zip.full;
  }
}

/**
 * Runs `fill` on a workbook that is written to `path`, and finishes the file. Who renames it syncs it.
 * Rejects with the first error of either, and then leaves no file.
 */
export async function writeArchive<T>(path: string, fill: (book: SteadyWriter) => Promise<T>): Promise<T> {
  const file = createWriteStream(path);
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
    file.once('error', (error: Error) => {
      writer.fail(error);
      reject(error);
    });
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
