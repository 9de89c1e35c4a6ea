import { basename } from 'node:path';
import { sha256Of } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import { TOTAL_WORD } from '../notation.ts';
import { openBest } from '../opening.ts';
import type { Table } from '../ports.ts';
import type { Claim } from './answer.ts';
import { monthIn, TYPED, textOf, untyped } from './claim-cells.ts';
import {
  type ClaimField,
  type ClaimHeader,
  checkHeader,
  fieldNamed,
  findClaimHeader,
} from './claim-headers.ts';
import { cannotBeRead, linesOf, type RawRow } from './claim-lines.ts';

/** A claim of more lines than a person could look through is none. */
export const MOST_LINES = 20_000;

/** A claim as it was read: what became of each physical row below its header, and what is worth knowing about it. */
export interface ReadClaim extends Claim {
  readonly leftOut: ReadonlyArray<{ readonly row: number; readonly what: LeftOut; readonly seen: string }>;
  /** Headers of columns that a claim does not have; they were not looked at. */
  readonly ignored: readonly string[];
  /** Where it names MPN IDs: the first row of each. */
  readonly named: ReadonlyArray<{ readonly mpnId: string; readonly row: number }>;
  /** ISO codes of the currencies that it writes beside revenue; `$` may be any dollar. */
  readonly currencies: readonly string[];
}

/** Why a row is no claimed line. */
export type LeftOut = 'preamble' | 'blank' | 'header' | 'total' | 'text' | 'partner';

/**
 * Reads a partner's claim: a CSV file or workbook with the seven fields (DOMAIN, rule 4) in any order, under headers in
 * English, Turkish, German or Japanese. A cell that cannot be read is told in `unreadable`; without its month a line cannot
 * be answered, without a figure it can. Throws LkpError('request') for what is no claim: another kind of file, a header that
 * lacks a field, no line, more than MOST_LINES.
 */
export async function readClaim(context: Context, path: string, name = basename(path)): Promise<ReadClaim> {
  const sha256 = await sha256Of(path);
  const table = await opened(context, path, name);
  try {
    const header = checkHeader(name, table.head, findClaimHeader(table.head));
    const rows = await rowsOf(table, header, name);
    const sorted = sortedOut(rows, header, table.head);
    if (sorted.lines.length === 0) {
      throw new LkpError(
        'request',
        `${name} has a header (row ${header.row}) and no claimed line below it. Ask the partner for the file with its lines.`,
      );
    }
    const blank = blankRows(rows, header, table.counts.physical);
    const read = await linesOf(context, name, header, sorted.lines);
    const [fault] = read.unreadable;
    if (read.lines.length === 0 && fault) {
      throw new LkpError(
        'request',
        `No line of ${name} can be answered. In row ${fault.row}, ${fault.field}: ${cannotBeRead(fault)}${read.unreadable.length > 1 ? `; so it is in ${read.unreadable.length - 1} more` : ''}. Correct the column, or ask the partner for the claim again.`,
      );
    }
    const named = [...sorted.named, ...read.named].sort((a, b) => a.row - b.row);
    return {
      name,
      sha256,
      ...read,
      named: named.filter(({ mpnId }, at) => named.findIndex((one) => one.mpnId === mpnId) === at),
      partners: [...new Set(named.map(({ mpnId }) => mpnId))],
      leftOut: [...sorted.leftOut, ...blank].sort((a, b) => a.row - b.row),
      ignored: header.cells.filter(
        (cell, column) => cell.trim() !== '' && ![...header.columns.values()].includes(column),
      ),
    };
  } finally {
    await table.close();
  }
}

/** The next step that invoices are told, which leads into a profile; and that of a claim, which has none. */
const WITHOUT_PROFILE: ReadonlyArray<readonly [next: RegExp, ours: string]> = [
  [/ Name the sheet in the profile\b.*$/s, ' Save the one sheet that is the claim as a file of its own.'],
  [/ Set the file's encoding in a profile\b.*$/s, ' Save it as CSV in UTF-8, or as a workbook.'],
];

async function opened(context: Context, path: string, name: string): Promise<Table> {
  const document = await context.tables.identify?.(path, name);
  if (document) {
    throw new LkpError(
      'request',
      `${name} is an XML document (root element ${document.root?.slice(0, 100) ?? 'unknown'}), not a claim. A claim is a CSV file or an Excel workbook with the seven fields; give an invoice as its proof with --evidence.`,
    );
  }
  const hints = {
    name,
    notation: (plain: string) => `${TYPED}${plain}`,
    fits: (head: Table['head']) => findClaimHeader(head) !== undefined,
  };
  const best = await openBest(context.tables, path, hints, (table) => {
    const header = findClaimHeader(table.head);
    return header && { found: header, score: header.columns.size };
  });
  // Without a header to tell them apart, it is opened as it is: what is wrong with it is said there.
  if (best) return best.table;
  return context.tables.open(path, hints).catch((error: unknown) => {
    if (!(error instanceof LkpError)) throw error;
    const message = WITHOUT_PROFILE.reduce((text, [next, ours]) => text.replace(next, ours), error.message);
    throw message === error.message ? error : new LkpError('request', message, { cause: error });
  });
}

/** The rows below the header, blank ones left out. */
async function rowsOf(table: Table, header: ClaimHeader, name: string): Promise<RawRow[]> {
  const width = header.cells.length;
  const rows: RawRow[] = [];
  const reading = table.body({
    headerRow: header.row,
    width,
    columns: header.cells.map((_, column) => column),
    watch: (cells, row, ragged) => {
      if (rows.length <= MOST_LINES)
        rows.push({ row, cells: cells ? [...cells] : raggedCells(table, width, ragged ?? '') });
    },
  });
  for await (const _ of reading) {
    if (rows.length <= MOST_LINES) continue;
    throw new LkpError(
      'request',
      `${name} has more than ${MOST_LINES.toLocaleString('en')} lines; so many cannot be answered together. Split the claim by month, and answer each file by itself.`,
    );
  }
  return rows;
}

/** The cells of a row that has fewer or more than the header; one cell of too many where they cannot be told apart. */
function raggedCells(table: Table, width: number, text: string): string[] {
  if (table.format === 'xlsx') return padded(text.split('\t'), width).slice(0, width);
  const cells = text.replace(/[\r\n]+$/, '').split(table.delimiter);
  return text.includes('"') || cells.length > width ? [text] : padded(cells, width);
}

const padded = (cells: readonly string[], width: number): string[] =>
  Array.from({ length: Math.max(width, cells.length) }, (_, column) => cells[column] ?? '');

function blankRows(rows: readonly RawRow[], header: ClaimHeader, physical: number): ReadClaim['leftOut'] {
  const filled = new Set(rows.map(({ row }) => row));
  return Array.from({ length: Math.max(0, physical - header.row) }, (_, index) => header.row + 1 + index)
    .filter((row) => !filled.has(row))
    .map((row) => ({ row, what: 'blank', seen: '' }));
}

interface Sorted {
  readonly lines: RawRow[];
  readonly leftOut: Array<ReadClaim['leftOut'][number]>;
  readonly named: Array<ReadClaim['named'][number]>;
}

/** Subtotals are no lines either. */
const SUBTOTAL =
  /^(?:sub-?\s?totals?|zwischensumme|ara toplam|小計)\s*[:：]?$|^(?:total|summe|gesamt|toplam)\b.*$/iu;
const ON_ITS_OWN = /^\s*(.+?)\s*[:：#=]\s*(\S.*?)\s*$/u;

/** Takes apart what stands below and above the header: lines, totals, headers again, words, and whose claim it is. */
function sortedOut(rows: readonly RawRow[], header: ClaimHeader, head: Table['head']): Sorted {
  const sorted: Sorted = { lines: [], leftOut: [], named: [] };
  for (const { row, cells } of head) {
    if (row >= header.row || cells.every((cell) => cell.trim() === '')) continue;
    const mpnId = partnerIn(cells);
    if (mpnId) sorted.named.push({ mpnId, row });
    sorted.leftOut.push({ row, what: 'preamble', seen: textOf(cells) });
  }
  for (const raw of rows) {
    const mpnId = partnerIn(raw.cells);
    if (mpnId) sorted.named.push({ mpnId, row: raw.row });
    const what = mpnId ? 'partner' : notALine(raw.cells, header);
    if (what) sorted.leftOut.push({ row: raw.row, what, seen: textOf(raw.cells) });
    else sorted.lines.push(raw);
  }
  return sorted;
}

function notALine(cells: readonly string[], { columns, cells: header }: ClaimHeader): LeftOut | undefined {
  if (cells.length !== header.length) return undefined;
  const at = (field: ClaimField): string => untyped(cells[columns.get(field) ?? -1] ?? '').trim();
  const texts = cells.map((cell) => untyped(cell).trim()).filter((text) => text !== '');
  const named = [...columns].filter(([field]) => fieldNamed(at(field)) === field).length;
  if (named >= 3) return 'header';
  const invoice = at('invoice');
  const isTotal = (text: string): boolean => TOTAL_WORD.test(text) || SUBTOTAL.test(text);
  if ((invoice === '' || isTotal(invoice)) && texts.some(isTotal)) return 'total';
  const keys = [invoice, at('month'), at('period'), at('omlpType')].filter((text) => text !== '');
  const figures = [at('purchaseUnit'), at('kpiValue'), at('revenueValue')].filter((text) => /\d/.test(text));
  // Figures of no month, type or invoice add something up.
  if (keys.length === 0 && figures.length > 0) return 'total';
  if (texts.length === 1 && figures.length === 0 && monthIn(texts[0]!) === undefined) return 'text';
  return undefined;
}

/** The MPN ID of a row that says whose claim it is: `Harbor Street, MPN ID: 1234567`, or the two in cells of their own. */
function partnerIn(cells: readonly string[]): string | undefined {
  const texts = cells.map((cell) => untyped(cell).trim()).filter((text) => text !== '');
  if (texts.length > 2) return undefined;
  const [first = '', second] = texts;
  const said: Array<readonly [label: string, value: string]> =
    second === undefined
      ? first.split(/[,;|()]/).flatMap((part) => {
          const [, label, value] = ON_ITS_OWN.exec(part) ?? [];
          return label === undefined || value === undefined ? [] : [[label, value] as const];
        })
      : [[first.replace(/[:：]$/, ''), second]];
  return said.find(([label]) => fieldNamed(label) === 'partner')?.[1];
}
