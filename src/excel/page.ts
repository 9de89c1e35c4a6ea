import type { Cell, Row, Worksheet } from 'exceljs';
import type { Block, CellKind, CellValue, TableColumn, Tone } from '../ports.ts';
import type { SteadyWriter } from './archive.ts';
import { type Typed, typed } from './cells.ts';
import { BAR_COLOUR, type CellStyle, palette, standsRight, type Tint, TONES } from './styles.ts';

type Table = Extract<Block, { block: 'table' }>;

export interface PageSetup {
  readonly title: string;
  readonly landscape: boolean;
  /** In characters, one a column. */
  readonly widths: readonly number[];
  /** The row of the table header that is frozen, filtered and repeated on paper. */
  readonly headerRow: number | undefined;
}

/** exceljs has no door for what we add to the end of a worksheet; these methods write it in schema order. */
interface WorksheetTail {
  _write(xml: string): void;
  _writeConditionalFormatting(): void;
  _writeLegacyData(): void;
}

/** Hangul, CJK, kana and full-width forms. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\u{20000}-\u{3fffd}]/u;
/** Excel counts 5 pixels of padding into a width. It also keeps exceljs from dropping a width of 9, its default. */
const CELL_PADDING = 0.71;
const HEADER_LINE = 15;
/** Excel's largest row height, in points. */
const MAX_HEIGHT = 409;

/** One worksheet, written top down. Rows leave memory as they are written. */
export class Page {
  private readonly sheet: Worksheet;
  private readonly headerRows: number[] = [];
  /** Ranges of text that looks like numbers: without a word about it Excel marks each cell with a green corner. */
  private readonly codes: string[] = [];
  private readonly bars: string[] = [];
  private filter: string | undefined;
  lastRow = 0;

  constructor(
    private readonly writer: SteadyWriter,
    name: string,
    private readonly setup: PageSetup,
  ) {
    this.sheet = writer.addWorksheet(name, {
      views: [
        setup.headerRow !== undefined
          ? {
              state: 'frozen',
              ySplit: setup.headerRow,
              topLeftCell: `A${setup.headerRow + 1}`,
              activeCell: `A${setup.headerRow + 1}`,
              showGridLines: false,
            }
          : { state: 'normal', showGridLines: false },
      ],
      pageSetup: {
        paperSize: 9, // A4
        orientation: setup.landscape ? 'landscape' : 'portrait',
        fitToPage: true,
        fitToWidth: 1,
        fitToHeight: 0, // as many pages down as it takes
        margins: { left: 0.4, right: 0.4, top: 0.5, bottom: 0.6, header: 0.3, footer: 0.3 },
        ...(setup.headerRow === undefined ? {} : { printTitlesRow: `${setup.headerRow}:${setup.headerRow}` }),
      },
      properties: { defaultRowHeight: 15, dyDescent: 0.25 },
      headerFooter: { oddFooter: footer(setup.title) },
    });
    this.sheet.columns = setup.widths.map((width) => ({ width: width + CELL_PADDING }));
  }

  /** True when the caller should await `drained()` before the next row. */
  get full(): boolean {
    return this.writer.full;
  }

  drained(): Promise<void> {
    return this.writer.drained();
  }

  /** An empty line. */
  gap(): void {
    this.lastRow += 1;
  }

  /** A text over the whole width, as high as its lines need: Excel fits no height to merged cells by itself. */
  text(text: string, tone: Tone): void {
    const { style, line, wide } = TONES[tone];
    const row = this.next();
    row.height = Math.min(
      MAX_HEIGHT,
      linesOf(text, this.width(0) / wide) * line + (tone === 'warning' ? 4 : 0),
    );
    this.put(row, 1, { value: typed(text, 'text').value, style });
    this.merge(row, 1, style);
    row.commit();
  }

  pair(label: string, value: CellValue, kind: CellKind): void {
    const row = this.next();
    const cell = typed(value, kind);
    const style = palette('value')[cell.look];
    const lines = linesOf(shownText(cell.value), this.width(1));
    if (lines > 1) row.height = Math.min(MAX_HEIGHT, lines * 13.5 + 4);
    this.put(row, 1, { value: typed(label, 'text').value, style: palette('label').text });
    this.put(row, 2, { value: cell.value, style });
    if (cell.look === 'code') this.codes.push(`B${row.number}`);
    this.merge(row, 2, style);
    row.commit();
  }

  header(columns: readonly TableColumn[]): void {
    const row = this.next();
    // The button of a filter covers the end of a header that stands right.
    const filtered = row.number === this.setup.headerRow;
    const numbers = filtered ? 'headerFiltered' : 'headerRight';
    const lines = columns.map((column, index) =>
      linesOf(column.header, (this.setup.widths[index] ?? column.width) - (filtered ? 3 : 1)),
    );
    row.height = Math.max(...lines) * HEADER_LINE + 5;
    for (const [index, column] of columns.entries()) {
      const right = standsRight(typed(null, column.kind).look);
      this.put(row, index + 1, {
        value: column.header,
        style: palette(right ? numbers : 'header').text,
      });
    }
    this.headerRows.push(row.number);
    row.commit();
  }

  row(cells: readonly CellValue[], table: Table): void {
    const row = this.next();
    const tint = tintOf(cells, table.tint);
    const plain = palette('body', tint);
    const wrapped = palette('wrapped', tint);
    let lines = 1;
    for (let index = 0; index < table.columns.length; index += 1) {
      const column = table.columns[index]!;
      const cell = typed(cells[index] ?? null, column.kind);
      this.put(row, index + 1, {
        value: cell.value,
        style: (column.wrap === true ? wrapped : plain)[cell.look],
      });
      if (column.wrap === true)
        lines = Math.max(lines, linesOf(shownText(cell.value), this.setup.widths[index]!));
    }
    // Excel fits the height of wrapped text when it opens a file; other programs do not.
    if (lines > 1) row.height = Math.min(MAX_HEIGHT, lines * 13.5 + 2);
    row.commit();
  }

  totals(cells: readonly CellValue[], columns: readonly TableColumn[]): void {
    const row = this.next();
    for (const [index, column] of columns.entries()) {
      const value = cells[index] ?? null;
      // A word in a column of numbers ("Total" under Month) is a label.
      const cell = typed(value, column.kind);
      this.put(row, index + 1, { value: cell.value, style: palette('total')[cell.look] });
    }
    row.commit();
  }

  /** Ends the data rows of the table whose header came last: bars, codes and the filter cover them, not the totals. */
  endTable(columns: readonly TableColumn[]): void {
    const header = this.headerRows.at(-1)!;
    const last = Math.max(this.lastRow, header + 1);
    for (const [index, column] of columns.entries()) {
      const range = `${letters(index)}${header + 1}:${letters(index)}${last}`;
      if (column.kind === 'code') this.codes.push(range);
      if (column.bar === true) this.bars.push(range);
    }
    if (header === this.setup.headerRow)
      this.filter = `A${header}:${letters(columns.length - 1)}${this.lastRow}`;
  }

  async close(): Promise<void> {
    if (this.filter !== undefined) this.sheet.autoFilter = this.filter;
    const tail = this.sheet as unknown as WorksheetTail;
    tail._writeConditionalFormatting = () => {
      if (this.bars.length > 0) tail._write(dataBars(this.bars));
    };
    // Comments would come here; these sheets have none.
    tail._writeLegacyData = () => {
      if (this.codes.length > 0) tail._write(ignoredErrors(this.codes));
    };
    this.sheet.commit();
    await this.writer.drained();
  }

  private next(): Row {
    this.lastRow += 1;
    return this.sheet.getRow(this.lastRow);
  }

  private put(row: Row, column: number, content: { value: Cell['value']; style: CellStyle }): void {
    const cell = row.getCell(column);
    cell.value = content.value;
    cell.style = content.style;
  }

  /** Merges from `column` to the sheet's last; every merged cell keeps the style, so a fill runs through. */
  private merge(row: Row, column: number, style: CellStyle): void {
    const last = this.setup.widths.length;
    if (last <= column) return;
    this.sheet.mergeCells(row.number, column, row.number, last);
    for (let index = column + 1; index <= last; index += 1) row.getCell(index).style = style;
  }

  /** Characters from a column (0-based) to the last. */
  private width(from: number): number {
    return this.setup.widths.slice(from).reduce((sum, width) => sum + width, 0);
  }
}

function tintOf(cells: readonly CellValue[], tint: Table['tint']): Tint {
  if (tint === undefined) return 'none';
  const cell = cells[tint.column] ?? null;
  const value = typeof cell === 'object' && cell !== null ? cell.value : cell;
  return (Object.hasOwn(tint.tones, String(value)) ? tint.tones[String(value)] : undefined) ?? 'none';
}

/**
 * Bars from 0 to 1. Written here because exceljs adds an extension to each: with a random uuid for solid bars,
 * with an empty one for gradient bars, which is no valid identifier.
 */
function dataBars(ranges: readonly string[]): string {
  const ends = '<cfvo type="num" val="0"/><cfvo type="num" val="1"/>';
  return ranges
    .map(
      (range, index) =>
        `<conditionalFormatting sqref="${range}"><cfRule type="dataBar" priority="${index + 1}">` +
        `<dataBar>${ends}<color rgb="${BAR_COLOUR}"/></dataBar></cfRule></conditionalFormatting>`,
    )
    .join('');
}

function ignoredErrors(ranges: readonly string[]): string {
  return `<ignoredErrors><ignoredError sqref="${ranges.join(' ')}" numberStoredAsText="1"/></ignoredErrors>`;
}

/** `&` starts a code in a footer, so it is doubled; the space keeps a title's first digit out of the font size. */
function footer(title: string): string {
  const name = [...title].slice(0, 80).join('').replaceAll('&', '&&');
  return `&L&8 ${name}&R&8 &A, page &P of &N`;
}

/** The text of a cell that holds one, to measure it. */
function shownText(value: Typed['value']): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null ? value.richText.map((run) => run.text).join('') : '';
}

/** Lines that a text takes at a width in characters, broken between words. */
function linesOf(text: string, width: number): number {
  if (text === '') return 1;
  const room = Math.max(1, width);
  let lines = 0;
  for (const line of text.split('\n')) {
    let used = 0;
    lines += 1;
    for (const word of line.split(' ')) {
      const length = places(word);
      if (used > 0 && used + 1 + length > room) {
        lines += 1;
        used = 0;
      }
      lines += Math.ceil(length / room) - (length === 0 ? 0 : 1);
      used += (used > 0 ? 1 : 0) + (length > room ? length % room : length);
    }
  }
  return lines;
}

function places(line: string): number {
  let sum = 0;
  for (const character of line) sum += WIDE.test(character) ? 1.85 : 0.92;
  return sum;
}

/** 0 is A, 26 is AA. */
function letters(index: number): string {
  return (index >= 26 ? letters(Math.floor(index / 26) - 1) : '') + String.fromCharCode(65 + (index % 26));
}
