import { LkpError } from '../job.ts';
import type { RowCounts, Table } from '../ports.ts';
import { checkUtf8, decoded, type Encoding, encodingIn } from './encoding.ts';
import { cellsOf, type Dialect, RecordScanner } from './records.ts';

const HEAD_ROWS = 20;
const HEAD_BYTES = 1 << 20;
const DELIMITERS = [',', ';', '\t', '|'] as const;

export interface CsvHints {
  readonly delimiter?: string;
  readonly encoding?: string;
}

/**
 * Opens a CSV. The encoding is the byte order mark's, else the hint's, else UTF-16 or UTF-8, and is decoded strictly:
 * bytes that do not decode refuse the file with their offset. The delimiter is the hint's, else that of a `sep=` line,
 * else the one that splits the first rows into the most columns.
 */
export async function openCsv(path: string, name: string, hints: CsvHints = {}): Promise<Table> {
  const encoding = await encodingIn(path, name, hints.encoding);
  const head = await headOf(path, name, encoding);
  const lineEnd = lineEndOf(head);
  const delimiter = hints.delimiter ?? delimiterOf(head, lineEnd);
  const dialect: Dialect = { delimiter: delimiter.charCodeAt(0), lineEnd };
  const counts: RowCounts = { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 };

  const table: Table = {
    format: 'csv',
    encoding: encoding.name,
    delimiter,
    marksBare: true,
    head: rowsOf(head, dialect),
    counts,
    body: (options) => body(path, name, encoding, dialect, counts, options),
    close: async () => undefined,
  };
  return table;
}

async function headOf(path: string, name: string, encoding: Encoding): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decoded(path, name, encoding, HEAD_BYTES)) chunks.push(chunk);
  const head = Buffer.concat(chunks);
  // The end may cut a character; rows end at a byte that stands for itself.
  if (encoding.name === 'utf-8') checkUtf8(head.subarray(0, wholeRows(head)), name, encoding.mark);
  return head;
}

const wholeRows = (head: Buffer): number =>
  head.length < HEAD_BYTES ? head.length : Math.max(head.lastIndexOf(0x0a), head.lastIndexOf(0x0d), 0);

/** A lone CR ends a row only in files that use nothing else. */
const lineEndOf = (head: Buffer): Dialect['lineEnd'] =>
  head.includes(0x0a) || !head.includes(0x0d) ? 'lf' : 'cr';

function delimiterOf(head: Buffer, lineEnd: Dialect['lineEnd']): string {
  // Punctuation of one byte: what else COPY could not split by.
  const separator = /^"?sep=([,;\t|:^~!#$%&*+/<=>?@ -])"?(?:\r\n?|\n)/i.exec(head.toString('latin1', 0, 16));
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

/** The database takes no NUL: it is shown, as in a row that cannot be split into cells. */
const shown = (text: string): string => text.replaceAll('\0', '\u2400');

function rowsOf(head: Buffer, dialect: Dialect): Array<{ row: number; cells: string[] }> {
  const rows: Array<{ row: number; cells: string[] }> = [];
  const scanner = new RecordScanner(dialect);
  scanner.scan(head, true, (record) => {
    if (rows.length < HEAD_ROWS)
      rows.push({ row: rows.length + 1, cells: cellsOf(head, record, dialect).map(shown) });
    return rows.length < HEAD_ROWS;
  });
  return rows;
}

async function* body(
  path: string,
  name: string,
  encoding: Encoding,
  dialect: Dialect,
  counts: RowCounts,
  options: Parameters<Table['body']>[0],
): AsyncGenerator<Uint8Array> {
  const { headerRow, width, columns = [], watch } = options;
  const delimiter = String.fromCharCode(dialect.delimiter);
  const scanner = new RecordScanner(dialect, columns.length > 0 || watch ? columns : undefined);
  let carry: Buffer = Buffer.alloc(0);
  let consumed = encoding.mark;

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
    if (encoding.name === 'utf-8') checkUtf8(bytes.subarray(0, used), name, consumed);
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
      watch?.(record.watched, counts.physical);
      return;
    }
    // Not ragged, and not known to be bare.
    const prefix = `${counts.physical}${delimiter.repeat(3)}`;
    if (record.fields === width && !record.malformed) {
      out.text(`${prefix}${cellsOf(bytes, record, dialect).map(quoted).join(delimiter)}\n`);
      watch?.(record.watched, counts.physical);
      return;
    }
    // Empty cells beyond the header's width are what spreadsheets add; anything else is ragged.
    const cells = record.malformed ? [] : cellsOf(bytes, record, dialect);
    if (cells.length > width && cells.slice(width).every((cell) => cell.trim() === '')) {
      out.text(`${prefix}${cells.slice(0, width).map(quoted).join(delimiter)}\n`);
      watch?.(
        columns.map((column) => cells[column] ?? ''),
        counts.physical,
      );
      return;
    }
    const raw = shown(bytes.toString('utf8', record.start, record.end));
    out.text(`${counts.physical}${delimiter}${quoted(raw)}${delimiter.repeat(width + 1)}\n`);
    watch?.(null, counts.physical, raw);
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
