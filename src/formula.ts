/**
 * Formulas of workbooks. Their words stand in our own source: what is put between them is a reference to cells, a
 * number or another formula. Text from data is none of these, so it can never become a formula.
 */

/** The cells that a formula refers to. Columns count from 0; rows are known when the formula is written. */
export type Reference =
  /** A cell of the formula's own row. */
  | { readonly at: 'row'; readonly column: number }
  /** Cells of its own row, both ends included. */
  | { readonly at: 'across'; readonly column: number; readonly to: number }
  /** The header of a column of its own table. */
  | { readonly at: 'header'; readonly column: number }
  /** The rows of its own table that stand above it: all of them, or the last so many. */
  | { readonly at: 'above'; readonly column: number; readonly last?: number }
  /** A whole column of a page of another sheet; only in `onEachPage`. */
  | { readonly at: 'page'; readonly column: number }
  /** The same without the header: from the first row to the last; `lines` leaves out the totals too. */
  | { readonly at: 'page'; readonly column: number; readonly rows: 'lines' | 'lines and totals' };

/** A sheet that is one table with totals, header on top: its name, and how many rows the table has without them. */
export interface LongSheet {
  readonly name: string;
  readonly rows: number;
}

export type Piece =
  | string
  | Reference
  /** `formula`, once for each page that the sheet takes, added up. */
  | { readonly at: 'pages'; readonly sheet: LongSheet; readonly formula: Formula };

/** A formula, in pieces that are written one after the other. Made by `formula` and `onEachPage` alone. */
export class Formula {
  constructor(readonly pieces: readonly Piece[]) {}
}

/** formula`SUM(${above(2)})`: words as Excel writes them in English, with commas, without `=`. */
export function formula(
  words: TemplateStringsArray,
  ...between: ReadonlyArray<Reference | Formula | number>
): Formula {
  const pieces = words.flatMap((word, index): Piece[] => {
    const next = between[index];
    if (next === undefined) return [word];
    if (next instanceof Formula) return [word, ...next.pieces];
    return [word, typeof next === 'number' ? String(next) : next];
  });
  return new Formula(pieces);
}

/** The sum of a formula over the pages that a long sheet takes: one, unless it has more rows than a sheet can hold. */
export const onEachPage = (sheet: LongSheet, each: Formula): Formula =>
  new Formula([{ at: 'pages', sheet, formula: each }]);

/** A text between quotes, which is text whatever it says. Throws where it is longer than a formula takes. */
export function quoted(text: string): Formula {
  if (text.length > 255) throw new Error(`A text in a formula has at most 255 characters: ${text}`);
  return new Formula([`"${text.replaceAll('"', '""')}"`]);
}

/** A plain decimal as a number in a formula. Throws on anything else. */
export function decimalOf(text: string): Formula {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new Error(`${text} is not a plain decimal`);
  return new Formula([text]);
}

/** A sum of formulas; 0 when there are none. */
export const added = (formulas: readonly Formula[]): Formula =>
  formulas.length === 0
    ? new Formula(['0'])
    : new Formula(formulas.flatMap(({ pieces }, index) => (index === 0 ? pieces : ['+', ...pieces])));

export const row = (column: number): Reference => ({ at: 'row', column });
export const across = (column: number, to: number): Reference => ({ at: 'across', column, to });
export const header = (column: number): Reference => ({ at: 'header', column });
export const above = (column: number, last?: number): Reference => ({
  at: 'above',
  column,
  ...(last === undefined ? {} : { last }),
});
export const whole = (column: number): Reference => ({ at: 'page', column });
export const lines = (column: number): Reference => ({ at: 'page', column, rows: 'lines' });
export const linesAndTotals = (column: number): Reference => ({
  at: 'page',
  column,
  rows: 'lines and totals',
});
