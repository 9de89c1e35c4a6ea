import type { Block, Book, CellValue, Sheet, Workbooks } from '../ports.ts';
import type { SteadyWriter } from './archive.ts';
import { MAX_ROWS } from './cells.ts';
import { LongSheets } from './formulas.ts';
import { Page, type PageSetup } from './page.ts';
import { sheetNames } from './sheet-names.ts';

type Table = Extract<Block, { block: 'table' }>;
type Rows = Table['rows'];

/**
 * Workbooks over exceljs' streaming writer: one path for a partner's small book and a program book of 500,000
 * rows, in bounded memory. Equal books give equal bytes. `maxRows` is Excel's limit; tests inject a smaller one.
 */
export function createWorkbooks(options: { readonly maxRows?: number } = {}): Workbooks {
  const maxRows = options.maxRows ?? MAX_ROWS;
  return {
    write: async (path, book) => {
      // exceljs takes a quarter of a second to load; most commands write no workbook.
      const { writeArchive } = await import('./archive.ts');
      return writeArchive(path, async (writer) => {
        const names = sheetNames();
        const sheets = new LongSheets(maxRows);
        let rows = 0;
        let count = 0;
        for await (const sheet of book.sheets) {
          rows += await writeSheet(writer, book, sheet, names, sheets, maxRows);
          count += 1;
        }
        if (count === 0)
          throw new Error(`The workbook "${book.title}" has no sheet; Excel does not open such a file.`);
        sheets.check();
        return { rows };
      });
    },
  };
}

/** Writes one sheet, or as many as its tables need; returns the number of table rows. */
async function writeSheet(
  writer: SteadyWriter,
  book: Book,
  sheet: Sheet,
  names: (wanted: string, part?: number) => string,
  sheets: LongSheets,
  maxRows: number,
): Promise<number> {
  const setup: PageSetup = {
    title: book.title,
    landscape: sheet.landscape ?? false,
    widths: widths(sheet.blocks),
    headerRow: headerRow(sheet.blocks),
  };
  let part = 1;
  let page = new Page(writer, names(sheet.name), setup, sheets);
  const pages = [page];
  const nextPage = async (): Promise<Page> => {
    await page.close();
    part += 1;
    page = new Page(writer, names(sheet.name, part), { ...setup, headerRow: 1, continued: true }, sheets);
    pages.push(page);
    return page;
  };

  let rows = 0;
  let before: Block | undefined;
  for (const block of sheet.blocks) {
    if (needsGap(before, block)) page.gap();
    if (block.block === 'text') page.text(block.text, block.tone);
    else if (block.block === 'pairs') for (const pair of block.pairs) page.pair(...pair);
    else rows += await writeTable(page, block, maxRows, nextPage);
    before = block;
    await writer.drained();
  }
  await page.close();
  sheets.wrote(
    sheet.name,
    pages.map(({ name, lastRow }) => ({ name, last: lastRow })),
  );
  return rows;
}

/** Writes a table; past `maxRows` it goes on, under its own header, on the page that `nextPage` opens. */
async function writeTable(
  first: Page,
  table: Table,
  maxRows: number,
  nextPage: () => Promise<Page>,
): Promise<number> {
  let page = first;
  let count = 0;
  page.header(table.columns);
  const line = async (cells: readonly CellValue[], total: boolean): Promise<void> => {
    if (page.lastRow >= maxRows) {
      page.endTable(table.columns);
      page = await nextPage();
      page.header(table.columns);
    }
    if (total) page.totals(cells, table.columns);
    else page.row(cells, table);
    if (page.full) await page.drained();
  };
  for await (const row of table.rows as AsyncIterable<readonly CellValue[]> & Rows) {
    await line(row, false);
    count += 1;
  }
  page.endTable(table.columns);
  if (table.totals !== undefined) await line(table.totals, true);
  return count;
}

/**
 * The row of the header that is frozen, filtered and repeated on paper: that of a sheet's one table when nothing
 * but text stands above it. It must be known before the first row is written.
 */
function headerRow(blocks: readonly Block[]): number | undefined {
  const table = blocks.findIndex((block) => block.block === 'table');
  const above = blocks.slice(0, table);
  if (table !== blocks.length - 1 || above.some((block) => block.block !== 'text')) return undefined;
  const gaps = blocks.filter((block, index) => needsGap(blocks[index - 1], block)).length;
  return above.length + gaps + 1;
}

/** Column widths of a sheet: its tables' widest; a sheet without tables has a label and a value column. */
function widths(blocks: readonly Block[]): number[] {
  const widest: number[] = [];
  for (const block of blocks) {
    if (block.block !== 'table') continue;
    for (const [index, column] of block.columns.entries()) {
      widest[index] = Math.max(widest[index] ?? 0, column.width);
    }
  }
  if (widest.length === 0) return [26, 84];
  if (blocks.some((block) => block.block === 'pairs')) widest[0] = Math.max(widest[0] ?? 0, 24);
  return widest;
}

/** White space shows what belongs together: a heading stands close to what it heads. */
function needsGap(before: Block | undefined, block: Block): boolean {
  if (before === undefined) return false;
  if (before.block === 'text' && (before.tone === 'heading' || before.tone === 'title')) return false;
  if (before.block === 'text' && block.block === 'text')
    return block.tone === 'heading' || block.tone === 'warning';
  return true;
}
