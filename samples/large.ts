import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { csvRecord } from './csv.ts';
import { creditOf, invoiceOf } from './documents.ts';
import { steadySites } from './invoices.ts';
import { day, monthAfter } from './months.ts';
import { drawFrom } from './random.ts';
import type { Shape, Stage } from './reference.ts';
import { COLUMNS, cellsOf, type InvoiceRow } from './truth.ts';

const LINES_PER_DOCUMENT = 5;

/**
 * The rows of one large file, one at a time: five lines a document, by month, every 40th document a credit note of
 * the one before, every 97th with an unknown customer number. No row is a duplicate or unreadable.
 */
export function* largeRows(
  stage: Stage,
  shape: Shape & { readonly lines: number; readonly seed: number },
): Generator<InvoiceRow> {
  const draw = drawFrom(shape.seed + 1);
  const sites = steadySites(stage);
  const documents = Math.ceil(shape.lines / LINES_PER_DOCUMENT);
  let row = 2;
  let previous: ReturnType<typeof invoiceOf> = [];
  for (let document = 0; document < documents; document += 1) {
    const month = monthAfter(shape.from, Math.floor((document * shape.months) / documents));
    const date = day(month, draw.integer(1, 28));
    const number = `L${String(document + 1).padStart(7, '0')}`;
    const count = Math.min(LINES_PER_DOCUMENT, shape.lines - document * LINES_PER_DOCUMENT);
    const isCredit = document % 40 === 39;
    const isUnmapped = document % 97 === 96;
    const lines = isCredit
      ? creditOf(previous.slice(0, count), number, date)
      : invoiceOf(draw.pick(sites), draw, { number, date, count });
    for (const { line, expected } of lines) {
      // Short names keep a million lines at about 80 MB.
      const cells = cellsOf({ ...line, item: 'Course', customer: isUnmapped ? 'CM999999' : line.customer });
      yield { row, cells, expected: isUnmapped ? 'unmapped' : expected, oddity: '' };
      row += 1;
    }
    if (!isCredit) previous = lines;
  }
}

/** Writes rows as one CSV file, a block at a time; memory stays bounded. Returns what was written. */
export async function writeRows(
  path: string,
  rows: Iterable<InvoiceRow>,
): Promise<{ lines_in: number; bytes: number; dispositions: Record<string, number> }> {
  mkdirSync(dirname(path), { recursive: true });
  const out = createWriteStream(path);
  const dispositions: Record<string, number> = {};
  let lines_in = 0;
  let bytes = 0;
  const send = async (block: string): Promise<void> => {
    bytes += Buffer.byteLength(block);
    if (!out.write(block)) await once(out, 'drain');
  };
  let block = csvRecord(COLUMNS);
  for (const { cells, expected } of rows) {
    block += csvRecord(cells);
    if (expected !== 'blank') lines_in += 1;
    dispositions[expected] = (dispositions[expected] ?? 0) + 1;
    if (block.length > 65_536) {
      await send(block);
      block = '';
    }
  }
  await send(block);
  out.end();
  await once(out, 'finish');
  return { lines_in, bytes, dispositions };
}
