import { LkpError } from '../job.ts';
import type { RowCounts, Table, Tables } from '../ports.ts';
import { openWorkbook, type WorkbookRow } from './read.ts';

const HEAD_ROWS = 20;
const FLUSH_BYTES = 1 << 18;

/** Opens one worksheet as a table: the sheet named, else the first visible one. */
export async function openSheet(
  path: string,
  { name = path, sheet, notation = (plain) => plain }: Parameters<Tables['open']>[1] & object = {},
): Promise<Table> {
  const workbook = await openWorkbook(path).catch((error: unknown) => {
    if (error instanceof LkpError)
      throw new LkpError(error.code, `${name}: ${error.message}`, { cause: error });
    throw error;
  });
  const visible = workbook.sheets
    .map((found, index) => ({ ...found, index }))
    .filter(({ state }) => state === 'visible');
  const chosen =
    sheet === undefined
      ? visible[0]
      : workbook.sheets.map((found, index) => ({ ...found, index })).find((found) => found.name === sheet);
  if (!chosen) {
    workbook.close();
    const names = workbook.sheets.map((found) => `"${found.name}"`).join(', ');
    throw new LkpError(
      'request',
      `${name} has no ${sheet === undefined ? 'visible sheet' : `sheet "${sheet}"`} (it has ${names}). Name the sheet in the profile.`,
    );
  }
  const head: Array<{ row: number; cells: string[] }> = [];
  for await (const { row, cells } of workbook.rows(chosen.index)) {
    if (row > HEAD_ROWS) break;
    while (head.length < row - 1) head.push({ row: head.length + 1, cells: [] });
    head.push({ row, cells: cells.map((cell) => cell ?? '') });
  }
  const counts: RowCounts = { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 };
  return {
    format: 'xlsx',
    encoding: '',
    delimiter: ',',
    head,
    counts,
    body: (options) => body(() => workbook.rows(chosen.index), counts, notation, options),
    close: async () => workbook.close(),
  };
}

async function* body(
  rows: () => AsyncIterable<WorkbookRow>,
  counts: RowCounts,
  notation: (plain: string) => string,
  { headerRow, width, columns = [], watch }: Parameters<Table['body']>[0],
): AsyncGenerator<Uint8Array> {
  let out = '';
  for await (const { row, cells, typed } of rows()) {
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
      out += `${row},${quoted(
        cells
          .map((cell) => cell ?? '')
          .join('\t')
          .replaceAll('\0', '\u2400'),
      )}${','.repeat(width)}\n`;
      watch?.(null);
    } else {
      out += `${row},,${texts.map(quoted).join(',')}\n`;
      watch?.(columns.map((column) => texts[column] ?? ''));
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
