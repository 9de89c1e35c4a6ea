import { LkpError } from '../job.ts';
import type { RowCounts, Table, Tables } from '../ports.ts';
import { type CagedWorkbook, openCaged } from './cage.ts';
import { refuse } from './parts.ts';
import type { Merge } from './read.ts';
import type { SentRow } from './reader.ts';

const HEAD_ROWS = 20;
const FLUSH_BYTES = 1 << 18;

/**
 * Opens one worksheet as a table: the sheet named; else of the visible ones the one whose head `fits`; else the first
 * visible one that holds anything. The workbook is read in a process of its own (cage.ts).
 * @throws LkpError 'request' when there is no such sheet, when several fit, or when there is nothing in it.
 */
export async function openSheet(
  path: string,
  { name = path, sheet, fits, notation = (plain) => plain }: Parameters<Tables['open']>[1] & object = {},
): Promise<Table> {
  const { workbook, chosen } = await named(name, async () => {
    const workbook = await openCaged(path);
    return { workbook, chosen: await choose(workbook, sheet, fits) };
  });
  const counts: RowCounts = { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 };
  return {
    format: 'xlsx',
    encoding: '',
    delimiter: ',',
    head: chosen.head,
    counts,
    body: (options) => body(() => namedRows(name, workbook.rows(chosen.index)), counts, notation, options),
    close: async () => undefined,
  };
}

type Head = Table['head'];

interface Chosen {
  readonly index: number;
  readonly head: Head;
}

async function choose(
  workbook: CagedWorkbook,
  sheet: string | undefined,
  fits: ((head: Head) => boolean) | undefined,
): Promise<Chosen> {
  const sheets = workbook.sheets.map((found, index) => ({ ...found, index }));
  const wanted =
    sheet === undefined
      ? sheets.filter(({ state }) => state === 'visible')
      : sheets.filter((found) => found.name === sheet);
  if (wanted.length === 0) {
    throw refuse(
      `The workbook has no ${sheet === undefined ? 'visible sheet' : `sheet "${sheet}"`} (it has ${listed(sheets)}). Name the sheet in the profile.`,
    );
  }
  const filled: Array<Chosen & { name: string }> = [];
  for (const { name, index } of wanted) {
    const head = headOf(await workbook.head(index, HEAD_ROWS));
    if (head.length > 0) filled.push({ name, index, head });
    if (filled.length > 0 && fits === undefined) break;
  }
  const fitting = fits ? filled.filter(({ head }) => fits(head)) : filled;
  if (fits && fitting.length > 1) {
    throw refuse(
      `The sheets ${listed(fitting)} of the workbook all have the header that is wanted. Name the sheet in the profile, or send a workbook with one of them.`,
    );
  }
  if (fits && fitting.length === 0) {
    // A header of two rows, some of its cells merged over both: only the end of a sheet says so.
    for (const { index, head } of filled) {
      const whole = filledDown(head, await workbook.merges(index, HEAD_ROWS));
      if (fits(whole)) return { index, head: whole };
    }
  }
  const chosen = fitting[0] ?? filled[0];
  if (chosen) return chosen;
  throw refuse(
    `The first ${HEAD_ROWS} rows of ${wanted.length === 1 ? `the sheet ${listed(wanted)}` : `the sheets ${listed(wanted)}`} are empty; a header and rows below it were wanted. Check that the right file was sent.`,
  );
}

/** A head in which the value of a merged range stands in every row of its first column. */
function filledDown(head: Head, merges: readonly Merge[]): Head {
  const rows = head.map(({ row, cells }) => ({ row, cells: [...cells] }));
  for (const [row, toRow, column] of merges) {
    const value = rows[row - 1]?.cells[column] ?? '';
    if (value === '') continue;
    for (const { cells } of rows.slice(row, toRow)) {
      while (cells.length <= column) cells.push('');
      cells[column] ||= value;
    }
  }
  return rows;
}

/** Names of sheets for a sentence; a workbook may have thousands. */
function listed(sheets: ReadonlyArray<{ readonly name: string }>): string {
  const names = sheets.slice(0, 10).map(({ name }) => `"${name}"`);
  return sheets.length > 10 ? `${names.join(', ')} and ${sheets.length - 10} more` : names.join(', ');
}

/** The first physical rows; those that the file leaves out are blank. */
function headOf(rows: readonly SentRow[]): Array<{ row: number; cells: string[] }> {
  const head: Array<{ row: number; cells: string[] }> = [];
  for (const [row, cells] of rows) {
    while (head.length < row - 1) head.push({ row: head.length + 1, cells: [] });
    head.push({ row, cells: cells.map((cell) => cell ?? '') });
  }
  return head;
}

/** A refusal says which file it is about. */
async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof LkpError
      ? new LkpError(error.code, `${name}: ${error.message}`, { cause: error })
      : error;
  }
}

async function* namedRows<T>(name: string, rows: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    for (;;) {
      const next = await named(name, () => rows.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await rows.return(undefined);
  }
}

async function* body(
  rows: () => AsyncIterable<readonly SentRow[]>,
  counts: RowCounts,
  notation: (plain: string) => string,
  { headerRow, width, columns = [], watch }: Parameters<Table['body']>[0],
): AsyncGenerator<Uint8Array> {
  let out = '';
  for await (const batch of rows()) {
    for (const [row, cells, typed] of batch) {
      for (const column of typed) cells[column] = notation(cells[column] ?? '');
      // Rows that the file leaves out are blank rows of the sheet.
      while (counts.physical < row - 1) countAway(counts, headerRow);
      if (row <= headerRow || cells.every((cell) => (cell ?? '').trim() === '')) {
        countAway(counts, headerRow);
        continue;
      }
      counts.physical += 1;
      counts.lines += 1;
      const texts = Array.from({ length: width }, (_, index) =>
        (cells[index] ?? '').replaceAll('\0', '\u2400'),
      );
      const beyond = cells.slice(width).some((cell) => (cell ?? '').trim() !== '');
      if (beyond) {
        const raw = cells
          .map((cell) => cell ?? '')
          .join('\t')
          .replaceAll('\0', '\u2400');
        out += `${row},${quoted(raw)}${','.repeat(width)}\n`;
        watch?.(null, row, raw);
      } else {
        out += `${row},,${texts.map(quoted).join(',')}\n`;
        watch?.(
          columns.map((column) => texts[column] ?? ''),
          row,
        );
      }
    }
    if (out.length > FLUSH_BYTES) {
      yield Buffer.from(out);
      out = '';
    }
  }
  if (out !== '') yield Buffer.from(out);
}

function countAway(counts: RowCounts, headerRow: number): void {
  counts.physical += 1;
  if (counts.physical < headerRow) counts.preamble += 1;
  else if (counts.physical === headerRow) counts.header = 1;
  else counts.blank += 1;
}

const quoted = (cell: string): string => (cell === '' ? '' : `"${cell.replaceAll('"', '""')}"`);
