import type { Formula, LongSheet, Piece, Reference } from '../formula.ts';
import { sheetNames } from './sheet-names.ts';

/** One page of a long sheet: header in row 1. */
export interface Extent {
  readonly name: string;
  /** The last row, totals included, and the last row of the table's own; 1 when it has none. */
  readonly last: number;
  readonly lastLine: number;
}

/**
 * Where the pages of long sheets are. A formula may stand before the sheet that it refers to, so where the pages will
 * be is worked out from the number of rows, and compared with what was written before the workbook is finished.
 */
export class LongSheets {
  private readonly expected = new Map<LongSheet['name'], { rows: number; pages: readonly Extent[] }>();
  private readonly written = new Map<string, ReadonlyArray<Pick<Extent, 'name' | 'last'>>>();

  constructor(private readonly maxRows: number) {}

  pagesOf({ name, rows }: LongSheet): readonly Extent[] {
    const known = this.expected.get(name);
    if (known?.rows === rows) return known.pages;
    if (known !== undefined)
      throw new Error(`Formulas refer to ${known.rows} and to ${rows} rows of the sheet ${name}.`);
    const pages = extents(name, rows, this.maxRows);
    this.expected.set(name, { rows, pages });
    return pages;
  }

  wrote(wanted: string, pages: ReadonlyArray<Pick<Extent, 'name' | 'last'>>): void {
    this.written.set(wanted, pages);
  }

  /** Throws when formulas refer to cells that are not where they were expected. */
  check(): void {
    for (const [name, { rows, pages }] of this.expected) {
      const shape = (all: ReadonlyArray<Pick<Extent, 'name' | 'last'>> = []) =>
        all.map((page) => `${page.name}: ${page.last} rows`).join(', ');
      const [wanted, seen] = [shape(pages), shape(this.written.get(name))];
      if (wanted !== seen)
        throw new Error(
          `Formulas refer to ${rows} rows of the sheet ${name} (${wanted}), but it has other ones (${seen}).`,
        );
    }
  }
}

/** The pages of a sheet of so many rows and their totals: each begins with a header. */
function extents(name: string, rows: number, maxRows: number): Extent[] {
  const nameOf = sheetNames();
  const pages: Extent[] = [];
  for (let left = rows + 1; left > 0; left -= maxRows - 1) {
    const here = Math.min(left, maxRows - 1);
    const totals = here === left ? 1 : 0;
    pages.push({ name: nameOf(name, pages.length + 1), last: 1 + here, lastLine: 1 + here - totals });
  }
  return pages;
}

/** Where a formula stands. */
export interface Place {
  readonly row: number;
  /** The row of its table's header, and whether rows of the table are on a page before. */
  readonly header: number;
  readonly continued: boolean;
  readonly sheets: LongSheets;
}

/** A formula as a cell holds it, without `=` and without markup. */
export function spelled({ pieces }: Formula, place: Place, page?: Extent): string {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : spelledPiece(piece, place, page);
  return text;
}

function spelledPiece(piece: Exclude<Piece, string>, place: Place, page: Extent | undefined): string {
  if (piece.at === 'page') return cellsOf(piece, page);
  const { row, header, sheets } = place;
  switch (piece.at) {
    case 'row':
      return `$${letters(piece.column)}${row}`;
    case 'across':
      return `${letters(piece.column)}${row}:${letters(piece.to)}${row}`;
    case 'header':
      return `${letters(piece.column)}$${header}`;
    case 'above': {
      const first = piece.last === undefined ? header + 1 : row - piece.last;
      if (first <= header || (piece.last === undefined && place.continued))
        throw new Error(`The formula of row ${row} refers to rows above it that are on the page before.`);
      return `${letters(piece.column)}${first}:${letters(piece.column)}${row - 1}`;
    }
    case 'pages': {
      const pages = sheets.pagesOf(piece.sheet);
      // A last page of nothing but totals has no lines to add.
      const some = pages.filter(({ lastLine }) => lastLine > 1);
      return (some.length > 0 ? some : pages).map((one) => spelled(piece.formula, place, one)).join('+');
    }
  }
}

function cellsOf(piece: Extract<Reference, { at: 'page' }>, page: Extent | undefined): string {
  if (page === undefined) throw new Error('A column of a page is referred to outside of onEachPage.');
  const column = `$${letters(piece.column)}`;
  const cells =
    'rows' in piece
      ? `${column}$2:${column}$${piece.rows === 'lines' ? page.lastLine : page.last}`
      : `${column}:${column}`;
  // No name has a quote in it: sheetNames() sees to that.
  return `'${page.name}'!${cells}`;
}

/** 0 is A, 26 is AA. */
export function letters(index: number): string {
  return (index >= 26 ? letters(Math.floor(index / 26) - 1) : '') + String.fromCharCode(65 + (index % 26));
}
