import type { CellKind, CellValue } from '../ports.ts';
import { decimalText } from './values.ts';

/** How a cell looks, apart from its place in a table: decides the number format and the alignment. */
export type Look =
  | 'text'
  | 'code'
  | 'ordinal'
  | 'money'
  | 'percent'
  | 'date'
  | 'month'
  | 'decimal0'
  | 'decimal1'
  | 'decimal2'
  | 'decimal3'
  | 'decimal4'
  | 'decimal5'
  | 'decimal6';

/** A cell, ready to be written. Never an object that came from data: such an object could be a live formula. */
export interface Typed {
  readonly look: Look;
  /** What is to be measured for the height of its row; empty for a number, which never wraps. */
  readonly text: string;
  /** The element from behind its style attribute to its end. */
  readonly xml: string;
}

/** Excel's limits (ECMA-376, and Microsoft's "Excel specifications and limits"). */
export const MAX_ROWS = 1_048_576;
const MAX_TEXT = 32_767;
/** A double holds any decimal of 15 significant digits; Excel shows no more. */
const EXACT_DIGITS = 15;
const MAX_DECIMALS = 6;
const DECIMALS: readonly Look[] = [
  'decimal0',
  'decimal1',
  'decimal2',
  'decimal3',
  'decimal4',
  'decimal5',
  'decimal6',
];

const EMPTY = Object.fromEntries(
  (['text', 'code', 'ordinal', 'money', 'percent', 'date', 'month', 'decimal0'] as const).map((look) => [
    look,
    { look, text: '', xml: '/>' } satisfies Typed,
  ]),
) as Readonly<
  Record<'text' | 'code' | 'ordinal' | 'money' | 'percent' | 'date' | 'month' | 'decimal0', Typed>
>;

/** The days from Excel's day 0 to 1970-01-01; right from 1900-03-01 on (serial 61), because Excel has a 1900-02-29. */
const UNIX_EPOCH_SERIAL = 25_569;
const FIRST_TRUE_SERIAL = 61;

/**
 * Turns a value of a kind into what the cell holds. A value that does not read as its kind (a rejected row's
 * `31/02/2021`) stays the text it is; so does a number of more digits than a cell can hold exactly.
 */
export function typed(given: CellValue, columnKind: CellKind): Typed {
  const cell = typeof given === 'object' && given !== null;
  const value = cell ? given.value : given;
  const kind = cell ? given.kind : columnKind;
  if (value === null)
    return EMPTY[kind === 'integer' || kind === 'decimal' || kind === 'amount' ? 'decimal0' : kind];
  switch (kind) {
    case 'text':
    case 'code':
      return text(String(value), kind);
    case 'date':
    case 'month': {
      const day = serial(kind === 'month' ? `${value}-01` : String(value));
      return day === undefined ? text(String(value), 'text') : number(String(day), kind);
    }
    default:
      return decimal(String(value), kind);
  }
}

/**
 * A computed cell: its formula, and what it gives. A number is given in as many digits as Excel computes with, for it
 * stays a number where a stored one would become text. Throws when there is no result: a cell without one is read as 0.
 */
export function computed({ value, kind }: Extract<CellValue, object>, formula: string): Typed {
  const result = kind === 'text' || value === null ? value : decimalText(String(value));
  const { look, text, xml } = typed(result, kind);
  if (!xml.includes('<v>')) throw new Error(`The formula ${formula} has no result to show.`);
  return { look, text, xml: xml.replace('<v>', () => `<f>${markedUp(formula)}</f><v>`) };
}

function decimal(
  written: string,
  kind: 'integer' | 'ordinal' | 'decimal' | 'money' | 'amount' | 'percent',
): Typed {
  const match = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(written);
  if (match === null) return text(written, 'text');
  const [, sign, whole = '', fraction = ''] = match;
  const decimals = fraction.length;
  if (whole.length + decimals > EXACT_DIGITS) return text(written, 'code');
  const value = decimals > 0 ? `${sign}${whole}.${fraction}` : whole === '0' ? '0' : sign + whole;
  if (kind === 'percent') return number(value, 'percent');
  if (kind === 'money' && decimals <= 2) return number(value, 'money');
  if (kind === 'ordinal' && decimals === 0) return number(value, 'ordinal');
  if (kind === 'amount') {
    const shown = written.includes('.') ? written.length - written.indexOf('.') - 1 : 0;
    return number(value, DECIMALS[Math.min(shown, MAX_DECIMALS)]!);
  }
  // A fraction in a column of whole numbers is shown, never rounded away.
  return number(value, DECIMALS[Math.min(decimals, MAX_DECIMALS)]!);
}

const number = (value: string, look: Look): Typed => ({ look, text: '', xml: `><v>${value}</v></c>` });

/** The serial of a `YYYY-MM-DD` that exists and that Excel counts right, else undefined. UTC throughout. */
export function serial(date: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3])];
  const instant = new Date(Date.UTC(year, month, day));
  if (instant.getUTCFullYear() !== year || instant.getUTCMonth() !== month || instant.getUTCDate() !== day)
    return undefined;
  const days = instant.getTime() / 86_400_000 + UNIX_EPOCH_SERIAL;
  return days < FIRST_TRUE_SERIAL ? undefined : days;
}

/** Text that needs no second look: printable ASCII without markup, underscores and outer white space. */
const PLAIN = /^[!#-%(-;=?-^`-~](?:[ !#-%(-;=?-^`-~]*[!#-%(-;=?-^`-~])?$/;

/** What a cell cannot hold, or would read as something else. */
const TROUBLE = /(?![\t\n])\p{Cc}|\p{Surrogate}|\p{Noncharacter_Code_Point}|_x[0-9a-f]{4}_|^\s|\s$|\n/iu;

function text(raw: string, look: Look): Typed {
  if (raw.length <= MAX_TEXT) {
    if (PLAIN.test(raw)) return { look, text: raw, xml: ` t="str"><v>${raw}</v></c>` };
    if (!TROUBLE.test(raw)) return { look, text: raw, xml: ` t="str"><v>${markedUp(raw)}</v></c>` };
  }
  const clean = escaped(cut(visible(raw)));
  // Only <t> carries xml:space="preserve": an ID with a leading space must keep it, or nobody will find the fault,
  // and LibreOffice drops line breaks without it.
  const xml = /^\s|\s$|\n/u.test(clean)
    ? ` t="inlineStr"><is><t xml:space="preserve">${markedUp(clean)}</t></is></c>`
    : ` t="str"><v>${markedUp(clean)}</v></c>`;
  return { look, text: clean, xml };
}

export const markedUp = (plain: string): string =>
  plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text that XML and Excel can hold: what they cannot is shown as U+FFFD, never dropped in silence. */
export function visible(raw: string): string {
  return raw
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\t\n])\p{Cc}|\p{Surrogate}|\p{Noncharacter_Code_Point}/gu, '\uFFFD');
}

/** Cut to Excel's limit with a mark, never through a surrogate pair. */
function cut(raw: string): string {
  if (raw.length <= MAX_TEXT) return raw;
  return `${raw.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Excel reads `_x0041_` as `A`; the escape of the underscore keeps the text literal (ECMA-376, ST_Xstring). */
function escaped(raw: string): string {
  return raw.replace(/_(?=x[0-9a-f]{4}_)/gi, '_x005F_');
}
