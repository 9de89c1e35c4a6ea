import { createRequire } from 'node:module';
import type { CellValue } from 'exceljs';
import { COLUMNS, type InvoiceRow } from './truth.ts';

// exceljs is CommonJS; `require` gives the same module under tsx, vitest and node.
const { Workbook } = createRequire(import.meta.url)('exceljs') as typeof import('exceljs');

const DAY = new Set<string>(['Invoice issue date']);
const NUMBER = new Set<string>([
  'Invoice type code',
  'Invoiced quantity',
  'Item net price',
  'Invoice line net amount',
]);

/**
 * Invoice rows as a workbook, as a person's Excel would keep them: days as days, figures as numbers, the rest as
 * text. Equal rows give equal bytes.
 */
export async function invoiceWorkbook(rows: readonly InvoiceRow[]): Promise<Buffer> {
  const book = new Workbook();
  book.creator = 'samples/generate.ts';
  book.created = book.modified = new Date('2020-06-01T00:00:00Z');
  const sheet = book.addWorksheet('Invoices', { views: [{ state: 'frozen', ySplit: 1 }] });
  sheet.addRow([...COLUMNS]).font = { bold: true };
  sheet.getColumn(COLUMNS.indexOf('Invoice issue date') + 1).numFmt = 'yyyy-mm-dd';
  for (const { cells } of rows) sheet.addRow(cells.map((cell, index) => typed(cell, COLUMNS[index]!)));
  return withoutClock(Buffer.from(await book.xlsx.writeBuffer()));
}

function typed(cell: string, column: string): CellValue {
  if (cell === '') return null;
  if (DAY.has(column) && /^\d{4}-\d{2}-\d{2}$/.test(cell)) return new Date(`${cell}T00:00:00Z`);
  // A worksheet keeps numbers as doubles; sample amounts have at most nine digits, which a double holds.
  if (NUMBER.has(column) && /^-?\d{1,7}(\.\d{1,3})?$/.test(cell)) return Number(cell);
  return cell;
}

/** Sets the time of every zip entry to 1980-01-01: exceljs writes the clock there. Offsets are those of APPNOTE 4.3. */
function withoutClock(zip: Buffer): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let entry = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const local = zip.readUInt32LE(entry + 42);
    zip.writeUInt32LE(0x00210000, entry + 12);
    zip.writeUInt32LE(0x00210000, local + 10);
    entry += 46 + zip.readUInt16LE(entry + 28) + zip.readUInt16LE(entry + 30) + zip.readUInt16LE(entry + 32);
  }
  return zip;
}
