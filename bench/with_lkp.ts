import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createWorkbooks } from '../src/excel/write.ts';
import { Formula } from '../src/formula.ts';
import type { Block, CellValue, Sheet } from '../src/ports.ts';

/*
 * Writes workbooks with our own writer, and prints how long the writing took.
 *
 * usage: with_lkp.ts ROWS FOLDER
 *
 * ROWS holds a JSON value a line: {file, title} begins a workbook, {sheet} a sheet with all its blocks but no rows, [...]
 * is one row of its tables, {end} ends a table. As for XlsxWriter, reading ROWS is not timed.
 */

interface Begun {
  readonly file: string;
  readonly title: string;
}
type Line = Begun | { readonly sheet: Sheet } | CellValue[] | { readonly end: true };

const [, , source = '', folder = ''] = process.argv;
const lines = createInterface({ input: createReadStream(source), crlfDelay: Number.POSITIVE_INFINITY })[
  Symbol.asyncIterator
]();
let reading = 0;
let rows = 0;
/** A look at lines that are read ahead costs what reading them costs. */
async function next(): Promise<Line | undefined> {
  const began = performance.now();
  const { done, value } = await lines.next();
  const line = done ? undefined : (JSON.parse(value, revived) as Line);
  reading += performance.now() - began;
  return line;
}

/** A formula is one of its class; JSON has only its pieces. */
function revived(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('pieces' in value)) return value;
  return new Formula(value.pieces as Formula['pieces']);
}

let ahead = await next();

async function* rowsOf(): AsyncGenerator<CellValue[]> {
  for (let line = await next(); Array.isArray(line); line = await next()) {
    rows += 1;
    yield line;
  }
}

async function* sheetsOf(): AsyncGenerator<Sheet> {
  ahead = await next();
  while (ahead && 'sheet' in ahead) {
    const { sheet } = ahead;
    const blocks = sheet.blocks.map(
      (block): Block => (block.block === 'table' ? { ...block, rows: rowsOf() } : block),
    );
    yield { ...sheet, blocks };
    ahead = await next();
  }
}

const workbooks = createWorkbooks();
const began = performance.now();
while (ahead && 'file' in ahead) {
  const { file, title } = ahead;
  await workbooks.write(join(folder, file), { title, sheets: sheetsOf() });
}
console.log(JSON.stringify({ seconds: (performance.now() - began - reading) / 1000, rows }));
