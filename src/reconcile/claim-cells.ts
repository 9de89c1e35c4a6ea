import { COMMA, decimalMark, NO_STORED_VALUE, numberPattern, POINT } from '../notation.ts';
import type { Sql } from '../ports.ts';
import { CURRENCY, cut, keyOf } from './claim-headers.ts';

/** Stands before a worksheet's typed number or date, which has one reading: no text of a file has this character. */
export const TYPED = '\uE000';
export const untyped = (cell: string): string => cell.replaceAll(TYPED, '');

/** What a message says of a formula without a stored result: no spreadsheet shows the text that it reads as. */
export const NO_RESULT = 'a formula whose result the file lacks';

/** The text of a cell in a message. */
export const shown = (cell: string, most = 100): string =>
  cut(untyped(cell).trim().replaceAll(NO_STORED_VALUE, NO_RESULT), most);

/** The cells of a row in a message. */
export const textOf = (cells: readonly string[]): string =>
  cut(
    cells
      .map((cell) => shown(cell, 200).replace(NO_RESULT, `(${NO_RESULT})`))
      .filter((text) => text !== '')
      .join(' '),
    200,
  );

/** Names of months in the languages of claims, in full and short, as `keyOf` has them -> 1 to 12. */
const MONTHS: ReadonlyMap<string, number> = new Map(
  ['en', 'tr', 'de', 'ja'].flatMap((language) =>
    Array.from({ length: 12 }, (_, index) => index).flatMap((index) =>
      (['long', 'short'] as const).flatMap((month): Array<[string, number]> => {
        const format = new Intl.DateTimeFormat(language, { month, timeZone: 'UTC' });
        const name = keyOf(format.format(Date.UTC(2020, index, 1)));
        return [name, name.slice(0, 3), ...(name === 'marz' ? ['mrz'] : [])].map((one) => [one, index + 1]);
      }),
    ),
  ),
);

/** A month as a cell says it; `or` is the other one that the same digits may mean, with day and month exchanged. */
export interface SaidMonth {
  readonly month: number;
  readonly year?: number;
  readonly or?: number;
}

const YEAR = '(\\d{4}|\\d{2})';
const TIME = '(?:[T ].*)?';
const NAME = '(\\p{L}[\\p{L}\\p{M}]*)\\.?';
const SHAPES: ReadonlyArray<readonly [shape: RegExp, read: (...groups: string[]) => SaidMonth | undefined]> =
  (
    [
      ['(\\d{1,2})[.月]?', (month) => numbered(month)],
      ['(\\d{4})(?:[-/. ]|年) ?(\\d{1,2})月?', (year, month) => numbered(month, year)],
      ['(20\\d{2})(0[1-9]|1[0-2])', (year, month) => numbered(month, year)],
      ['(\\d{1,2})[-/. ](\\d{4})', (month, year) => numbered(month, year)],
      [
        `(\\d{4})(?:[-/.]|年)(\\d{1,2})(?:[-/.]|月)(?:\\d{1,2})日?${TIME}`,
        (year, month) => numbered(month, year),
      ],
      [
        `(\\d{1,2})([./-])(\\d{1,2})\\2${YEAR}${TIME}`,
        (first, sign, second, year) => dated(first, sign, second, year),
      ],
      [`${NAME}(?:[ ,'’./-]*${YEAR})?`, (name, year) => named(name, year)],
      [`(\\d{4})[ ,./-]*${NAME}`, (year, name) => named(name, year)],
      [`\\d{1,2}[. /-]*${NAME}[ ,'’./-]*${YEAR}`, (name, year) => named(name, year)],
      [`${NAME} \\d{1,2},? (\\d{4})`, (name, year) => named(name, year)],
    ] as ReadonlyArray<[string, (...groups: string[]) => SaidMonth | undefined]>
  ).map(([shape, read]) => [new RegExp(`^${shape}$`, 'u'), read] as const);

/**
 * The month that a cell says: a number, a name, `2020-01`, `01/2020`, `Jan 2020`, `2020年1月` or a date. Undefined when it
 * is none. Between points the day comes first; between slashes or hyphens only the other cells of the column tell.
 */
export function monthIn(cell: string): SaidMonth | undefined {
  // `Ocak (01)` says it twice.
  const text = untyped(cell)
    .normalize('NFKC')
    .replace(/\(\d{1,2}\)/, '')
    .trim();
  for (const [shape, read] of SHAPES) {
    const found = shape.exec(text);
    const said = found && read(...found.slice(1));
    if (said) return said;
  }
  return undefined;
}

/** The year that a cell says; undefined when it is none from 2000 to 2099. */
export function yearIn(cell: string): number | undefined {
  const found = /^'?(\d{4}|\d{2})年?$/.exec(untyped(cell).normalize('NFKC').trim());
  return found ? inRange(found[1]!) : undefined;
}

function inRange(text: string): number | undefined {
  const year = text.length === 2 ? 2000 + Number(text) : Number(text);
  return year >= 2000 && year <= 2099 ? year : undefined;
}

function said(month: number, year: string | undefined): SaidMonth | undefined {
  if (month < 1 || month > 12) return undefined;
  if (year === undefined) return { month };
  const known = inRange(year);
  return known === undefined ? undefined : { month, year: known };
}

const numbered = (month = '', year?: string): SaidMonth | undefined => said(Number(month), year);
const named = (name = '', year?: string): SaidMonth | undefined => said(MONTHS.get(keyOf(name)) ?? 0, year);

function dated(first = '', sign = '', second = '', year = ''): SaidMonth | undefined {
  const [dayFirst, monthFirst] = [Number(second), Number(first)];
  if (sign === '.' || monthFirst > 12 || monthFirst === dayFirst) return said(dayFirst, year);
  if (dayFirst > 12) return dayFirst > 31 ? undefined : said(monthFirst, year);
  const found = said(dayFirst, year);
  return found && { ...found, or: monthFirst };
}

/** Whether a date between slashes or hyphens, which has one reading, has the day in front; undefined for all else. */
export function dayFirstIn(cell: string): boolean | undefined {
  const found = /^(\d{1,2})[/-](\d{1,2})[/-]\d/.exec(untyped(cell).normalize('NFKC').trim());
  const [first, second] = [Number(found?.[1]), Number(found?.[2])];
  if (first > 12 && second <= 12) return true;
  return second > 12 && first <= 12 ? false : undefined;
}

/** A number as a cell says it: plain decimals with the decimals that are written, two where it fits two readings, none where none. */
export interface SaidNumber {
  readonly readings: readonly string[];
  /** The currency that stands beside it. */
  readonly currency: string | null;
}

const SIGNS: Readonly<Record<string, string>> = {
  '€': 'EUR',
  '£': 'GBP',
  '¥': 'JPY',
  '₺': 'TRY',
  円: 'JPY',
  TL: 'TRY',
  $: '$',
};
const BEFORE = /^\s*(USD|EUR|GBP|TRY|TL|JPY|CHF)\b/iu;

/** The currency that a text ends or begins with, as an ISO code (`$` may be any dollar); null where it has none. */
export function currencyIn(text: string): string | null {
  const plainText = text.normalize('NFKC').replace(/[()[\]\s]+$/, '');
  const found = CURRENCY.exec(plainText) ?? BEFORE.exec(plainText);
  const sign = found?.[1] ?? found?.[2] ?? /[€£¥₺$]/.exec(plainText)?.[0];
  return sign === undefined ? null : (SIGNS[sign.toUpperCase()] ?? sign.toUpperCase());
}

/**
 * Reads columns of numbers in whatever notation they are written. Which of point and comma is the decimal mark is what a
 * column says together; where it says nothing, what all columns of the claim say. An empty cell has no reading.
 */
export async function numbersIn(tx: Sql, columns: ReadonlyArray<readonly string[]>): Promise<SaidNumber[][]> {
  const cells = columns.map((column) => column.map((cell) => untyped(cell).normalize('NFKC').trim()));
  const bare = await undecorated(
    tx,
    cells.flat().map((cell) =>
      cell
        .replace(BEFORE, '')
        .replace(/(?:\b(?:USD|EUR|GBP|TRY|TL|JPY|CHF)|円)\s*$/iu, '')
        .trim(),
    ),
  );
  const texts = cells.map((column) => bare.splice(0, column.length));
  const signs = texts.map((column, index) =>
    fitsOf(column.filter((_, row) => !columns[index]![row]!.startsWith(TYPED))),
  );
  const all = decimalMark(addUp(signs));
  return texts.map((column, index) => {
    const own = decimalMark(signs[index]!);
    const mark = own === 'undecided' ? all : own;
    return column.map((text, row) => ({
      readings: columns[index]![row]!.startsWith(TYPED)
        ? readAs(text, [POINT])
        : readAs(text, mark === 'undecided' ? [POINT, COMMA] : [mark]),
      currency: currencyIn(cells[index]![row]!),
    }));
  });
}

/** Without what dresses amounts, as the database takes it off those of invoices. */
async function undecorated(tx: Sql, cells: readonly string[]): Promise<string[]> {
  const rows = await tx.rows<{ text: string }>(
    `select undecorated(cell.text) as text from unnest($1::text[]) with ordinality as cell (text, no) order by cell.no`,
    [cells],
  );
  return rows.map(({ text }) => text);
}

const PATTERNS = new Map([POINT, COMMA].map((format) => [format, new RegExp(numberPattern(format))]));

function fitsOf(texts: readonly string[]): { point: number; comma: number; both: number } {
  const fits = { point: 0, comma: 0, both: 0 };
  for (const text of texts) {
    if (!/[.,]/.test(text)) continue;
    const [point, comma] = [PATTERNS.get(POINT)!.test(text), PATTERNS.get(COMMA)!.test(text)];
    if (point && comma) fits.both += 1;
    else if (point) fits.point += 1;
    else if (comma) fits.comma += 1;
  }
  return fits;
}

const addUp = (signs: ReadonlyArray<{ point: number; comma: number; both: number }>) => ({
  point: signs.reduce((sum, { point }) => sum + point, 0),
  comma: signs.reduce((sum, { comma }) => sum + comma, 0),
  both: signs.reduce((sum, { both }) => sum + both, 0),
});

function readAs(text: string, formats: ReadonlyArray<typeof POINT>): string[] {
  const readings = formats
    .filter((format) => PATTERNS.get(format)!.test(text))
    .map((format) => {
      const [groups, mark] = format.decimal === '.' ? [/[, ']/g, '.'] : [/[. ']/g, ','];
      return text.replace(groups, '').replace(mark, '.');
    });
  return [...new Set(readings)];
}

/** A word for an invoice number: `Invoice No.`, `Fatura Numarası`, `Rechnungs-Nr.`, `請求書番号`; alone where a space or a sign follows. */
const NUMBER_WORD =
  /^(?:invoice|inv|fatura|rechnungs?|請求書?|インボイス)(?:[\s.-]*(?:(?:number|no|nr|numaras[ıiİ]|nummer)(?![\p{L}])|番号|[#№])|(?=[\s:#]))[\s.:#№-]*(?=[^\s.:#№-])/iu;

/**
 * The invoice numbers of cells, without the word for it that some write in front: where the rest has a digit, is not the
 * same to `invoice_key` in any case, and nothing is known under the number as written.
 */
export async function numbersOfInvoices(tx: Sql, cells: readonly string[]): Promise<string[]> {
  const texts = cells.map((cell) => untyped(cell).trim());
  const bare = new Map(
    texts.flatMap((text) => {
      const rest = text.normalize('NFKC').replace(NUMBER_WORD, '');
      return rest !== text.normalize('NFKC') && /\d/.test(rest) ? [[text, rest] as const] : [];
    }),
  );
  if (bare.size === 0) return texts;
  const taken = await tx.rows<{ text: string }>(
    `select given.text
     from unnest($1::text[], $2::text[]) as given (text, rest)
     where invoice_key(given.text) = invoice_key(given.rest)
        or exists (select from document where invoice_key(document.number) = invoice_key(given.text))
        or exists (select from rejection where rejection.document_number is not null
                     and invoice_key(rejection.document_number) = invoice_key(given.text))
        or exists (select from set_aside where set_aside.document_number is not null
                     and invoice_key(set_aside.document_number) = invoice_key(given.text))`,
    [[...bare.keys()], [...bare.values()]],
  );
  for (const { text } of taken) bare.delete(text);
  return texts.map((text) => bare.get(text) ?? text);
}
