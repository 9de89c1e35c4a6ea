import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { LkpError } from '../job.ts';
import type { RowCounts, Table } from '../ports.ts';
import { cellsOf, type Dialect, RecordScanner } from './records.ts';

const HEAD_ROWS = 20;
const HEAD_BYTES = 1 << 20;
const CHUNK_BYTES = 1 << 20;
const DELIMITERS = [',', ';', '\t', '|'] as const;

export interface CsvHints {
  readonly delimiter?: string;
  readonly encoding?: string;
}

/**
 * Opens a CSV. The encoding is the byte order mark's, else the hint's, else UTF-8, and is decoded strictly: bytes
 * that do not decode refuse the file with their offset. The delimiter is the hint's, else that of a `sep=` line,
 * else the one that splits the first rows into the most columns.
 */
export async function openCsv(path: string, name: string, hints: CsvHints = {}): Promise<Table> {
  const first = await firstBytes(path);
  const encoding = encodingOf(first, hints.encoding, name);
  const head = await headOf(path, name, encoding);
  const lineEnd = lineEndOf(head);
  const delimiter = hints.delimiter ?? delimiterOf(head, lineEnd);
  const dialect: Dialect = { delimiter: delimiter.charCodeAt(0), lineEnd };
  const counts: RowCounts = { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 };

  const table: Table = {
    format: 'csv',
    encoding,
    delimiter,
    marksBare: true,
    head: rowsOf(head, dialect),
    counts,
    body: (options) => body(path, name, encoding, hasMark(first) ? 3 : 0, dialect, counts, options),
    close: async () => undefined,
  };
  return table;
}

async function firstBytes(path: string): Promise<Buffer> {
  for await (const chunk of createReadStream(path, { end: 3 })) return chunk as Buffer;
  return Buffer.alloc(0);
}

/** The byte order mark of UTF-8. */
const hasMark = (first: Buffer): boolean => first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf;

function encodingOf(first: Buffer, hint: string | undefined, name: string): string {
  if (hasMark(first)) return 'utf-8';
  if (first[0] === 0xff && first[1] === 0xfe) return 'utf-16le';
  if (first[0] === 0xfe && first[1] === 0xff) return 'utf-16be';
  try {
    return new TextDecoder(hint ?? 'utf-8').encoding;
  } catch (cause) {
    throw new LkpError(
      'request',
      `The encoding "${hint}" for ${name} is not known. Use a name such as utf-8, windows-1252 or utf-16le.`,
      { cause },
    );
  }
}

/** The file's bytes as UTF-8 without byte order mark. UTF-8 input passes through untouched; the scanner checks it. */
async function* decoded(path: string, name: string, encoding: string, end?: number): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, {
    highWaterMark: CHUNK_BYTES,
    ...(end === undefined ? {} : { end }),
  });
  let offset = 0;
  if (encoding === 'utf-8') {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const mark = offset === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
      offset += chunk.length;
      yield mark ? chunk.subarray(3) : chunk;
    }
    return;
  }
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true });
      offset += chunk.length;
      yield Buffer.from(text, 'utf8');
    }
    if (end === undefined) decoder.decode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new LkpError(
      'request',
      `${name} is not ${encoding}: the bytes near offset ${offset} do not decode. Set the right encoding in the profile.`,
      { cause },
    );
  }
}

async function headOf(path: string, name: string, encoding: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decoded(path, name, encoding, HEAD_BYTES - 1)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A lone CR ends a row only in files that use nothing else. */
const lineEndOf = (head: Buffer): Dialect['lineEnd'] =>
  head.includes(0x0a) || !head.includes(0x0d) ? 'lf' : 'cr';

function delimiterOf(head: Buffer, lineEnd: Dialect['lineEnd']): string {
  // Punctuation of one byte: what else COPY could not split by.
  const separator = /^sep=([,;\t|:^~!#$%&*+/<=>?@ -])\r?\n/.exec(head.toString('latin1', 0, 16));
  if (separator) return separator[1]!;
  const widths = DELIMITERS.map((delimiter) => {
    const counts = new Map<number, number>();
    for (const { cells } of rowsOf(head, { delimiter: delimiter.charCodeAt(0), lineEnd })) {
      if (cells.length > 1) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
    }
    const [width, rows] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [1, 0];
    return { delimiter, rows, width };
  });
  // The delimiter under which the most rows agree on a width; the wider one when two agree equally often.
  return widths.sort((a, b) => b.rows - a.rows || b.width - a.width)[0]!.delimiter;
}

function rowsOf(head: Buffer, dialect: Dialect): Array<{ row: number; cells: string[] }> {
  const rows: Array<{ row: number; cells: string[] }> = [];
  const scanner = new RecordScanner(dialect);
  scanner.scan(head, true, (record) => {
    if (rows.length < HEAD_ROWS) rows.push({ row: rows.length + 1, cells: cellsOf(head, record, dialect) });
    return rows.length < HEAD_ROWS;
  });
  return rows;
}

async function* body(
  path: string,
  name: string,
  encoding: string,
  markBytes: number,
  dialect: Dialect,
  counts: RowCounts,
  options: Parameters<Table['body']>[0],
): AsyncGenerator<Uint8Array> {
  const { headerRow, width, columns = [], watch } = options;
  const delimiter = String.fromCharCode(dialect.delimiter);
  const scanner = new RecordScanner(dialect, columns.length > 0 || watch ? columns : undefined);
  let carry: Buffer = Buffer.alloc(0);
  let consumed = markBytes;

  const pass = function* (chunk: Buffer, final: boolean): Generator<Uint8Array> {
    const bytes = carry.length > 0 ? Buffer.concat([carry, chunk]) : chunk;
    const out = new Output(bytes.length);
    const used = scanner.scan(bytes, final, (record) => {
      counts.physical += 1;
      if (counts.physical < headerRow) counts.preamble += 1;
      else if (counts.physical === headerRow) counts.header = 1;
      else if (record.blank) counts.blank += 1;
      else {
        counts.lines += 1;
        writeRow(bytes, record, out);
      }
      return true;
    });
    if (encoding === 'utf-8' && !isUtf8(bytes.subarray(0, used))) {
      throw new LkpError(
        'request',
        `${name} is not utf-8: the byte at offset ${consumed + invalidAt(bytes)} does not decode. Set the file's encoding in a profile (for example windows-1252).`,
      );
    }
    carry = used < bytes.length ? Buffer.from(bytes.subarray(used)) : Buffer.alloc(0);
    consumed += used;
    if (out.length > 0) yield out.bytes();
  };

  const writeRow = (
    bytes: Buffer,
    record: Parameters<Parameters<RecordScanner['scan']>[2]>[0],
    out: Output,
  ) => {
    if (record.fields === width && !record.malformed && !record.requote) {
      out.row(counts.physical, dialect.delimiter, record.bare, bytes, record.start, record.end);
      watch?.(record.watched);
      return;
    }
    // Not ragged, and not known to be bare.
    const prefix = `${counts.physical}${delimiter.repeat(3)}`;
    if (record.fields === width && !record.malformed) {
      out.text(`${prefix}${cellsOf(bytes, record, dialect).map(quoted).join(delimiter)}\n`);
      watch?.(record.watched);
      return;
    }
    // Empty cells beyond the header's width are what spreadsheets add; anything else is ragged.
    const cells = record.malformed ? [] : cellsOf(bytes, record, dialect);
    if (cells.length > width && cells.slice(width).every((cell) => cell.trim() === '')) {
      out.text(`${prefix}${cells.slice(0, width).map(quoted).join(delimiter)}\n`);
      watch?.(columns.map((column) => cells[column] ?? ''));
      return;
    }
    const raw = bytes.toString('utf8', record.start, record.end).replaceAll('\0', '\u2400');
    out.text(`${counts.physical}${delimiter}${quoted(raw)}${delimiter.repeat(width + 1)}\n`);
    watch?.(null);
  };

  for await (const chunk of decoded(path, name, encoding)) yield* pass(chunk, false);
  const last = carry;
  carry = Buffer.alloc(0);
  if (last.length > 0) {
    const end = scanner.ending(last);
    if (end !== 'nothing') {
      throw new LkpError(
        'request',
        end === 'open quote'
          ? `${name} ends inside a quoted cell that begins in row ${counts.physical + 1}: the file was cut, or a quote is missing. Get the whole file and repeat.`
          : `${name} ends in the middle of row ${counts.physical + 1}, without a line end: it may have been cut. Get the whole file; if it is whole, add a line end after the last row.`,
      );
    }
    yield* pass(last, true);
  }
}

/** Offset of the first byte that does not decode; only called when there is one. */
function invalidAt(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  // The longest prefix that is valid once at most three trailing bytes of a cut character are taken off.
  const valid = (length: number) =>
    [0, 1, 2, 3].some((back) => length >= back && isUtf8(bytes.subarray(0, length - back)));
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valid(middle)) low = middle;
    else high = middle - 1;
  }
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low -= 1;
  return low;
}

const quoted = (cell: string): string => (cell === '' ? '' : `"${cell.replaceAll('"', '""')}"`);

const MAX_DIGITS = 16;
const LETTER_T = 0x74;

/** A growing buffer that rows are appended to. */
class Output {
  #buffer: Buffer;
  length = 0;
  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafe(size + (size >> 2) + 4096);
  }
  /** A row number, the empty cell that is set for ragged rows, whether it is bare, and the record as it stands. */
  row(number: number, delimiter: number, bare: boolean, source: Buffer, start: number, end: number): void {
    this.#reserve(MAX_DIGITS + 5 + end - start);
    const buffer = this.#buffer;
    let place = 1;
    while (place * 10 <= number) place *= 10;
    for (; place >= 1; place /= 10) buffer[this.length++] = 0x30 + (Math.floor(number / place) % 10);
    buffer[this.length++] = delimiter;
    buffer[this.length++] = delimiter;
    if (bare) buffer[this.length++] = LETTER_T;
    buffer[this.length++] = delimiter;
    this.length += source.copy(buffer, this.length, start, end);
    buffer[this.length++] = 0x0a;
  }
  text(text: string): void {
    this.#reserve(text.length * 3);
    this.length += this.#buffer.write(text, this.length, 'utf8');
  }
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }
  #reserve(size: number): void {
    if (this.length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe((this.length + size) * 2);
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}
