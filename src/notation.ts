/** How people write numbers and totals in tables of their own; whoever reads such a table reads them alike. */

/** A decimal mark and what groups the digits before it; `any`: a comma or point, a space or an apostrophe. */
export interface NumberFormat {
  readonly decimal: '.' | ',';
  readonly group: '' | ',' | '.' | ' ' | "'" | 'any';
}

/**
 * How a column of numbers is read. `plain`: as the database writes them. `undecided`: nothing says which of point and
 * comma is the decimal mark, so that a value which both fit waits for a person.
 */
export type NumberReading = 'plain' | NumberFormat | 'undecided';

/** What a formula cell of a workbook reads as when its file holds no result for it; no typed column takes it. */
export const NO_STORED_VALUE = '#FORMULA!';

/** The longest cell that may be a number, with all that dresses it and groups its digits. */
export const MOST_CHARACTERS = 64;

export const POINT: NumberFormat = { decimal: '.', group: 'any' };
export const COMMA: NumberFormat = { decimal: ',', group: 'any' };

/**
 * What all numbers of a column say together, given how many of them fit only a decimal point, only a decimal comma, or
 * both: one that fits only the comma, and none that fits only the point, make it the comma.
 */
export function decimalMark(fits: {
  readonly point: number;
  readonly comma: number;
  readonly both: number;
}): NumberFormat | 'undecided' {
  if (fits.point > 0 && fits.comma > 0) return 'undecided';
  if (fits.comma > 0) return COMMA;
  return fits.point === 0 && fits.both > 0 ? 'undecided' : POINT;
}

/** What a number looks like under a format: groups of three where there are groups. */
export function numberPattern({ decimal, group }: NumberFormat): string {
  const point = escapeRegex(decimal);
  if (group === 'any') {
    const groups = `[${decimal === '.' ? ',' : '.'} ']`;
    return `^-?(?:\\d{1,18}(?:${point}\\d*)?|${point}\\d+|[1-9]\\d{0,2}(${groups})\\d{3}(?:\\1\\d{3})*(?:${point}\\d*)?)$`;
  }
  const whole = group === '' ? '\\d{1,18}' : `(\\d{1,18}|\\d{1,3}(${escapeRegex(group)}\\d{3})+)`;
  return `^-?(${whole}(${point}\\d*)?|${point}\\d+)$`;
}

const escapeRegex = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
/** A total in English, German, Turkish, Japanese, French, Spanish, Italian or Dutch; subtotals are none. */
export const TOTAL_WORD =
  /^(?:(?:grand|overall|invoice|report)\s+)?totals?(?:\s+(?:net|amount|value|g[ée]n[ée]ral|generale?))*(?:\s*\(?[A-Z]{3}\)?)?\s*:?$|^(?:sum|summe|gesamt|gesamtsumme|gesamtbetrag|endsumme|(?:genel\s+)?toplam|somme|suma|totale|totaal)\s*:?$|^(?:合計|総計|総合計|計)\s*[:：]?$/iu;
