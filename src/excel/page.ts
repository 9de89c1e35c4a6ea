import type { Worksheet } from 'exceljs';
import { Formula } from '../formula.ts';
import type { Block, CellKind, CellValue, TableColumn, Tone } from '../ports.ts';
import type { SteadyWriter } from './archive.ts';
import { computed, markedUp, type Typed, typed } from './cells.ts';
import { type LongSheets, letters, spelled } from './formulas.ts';
import { BAR_COLOUR, type CellStyle, palette, standsRight, type Tint, TONES } from './styles.ts';
import { decimalText } from './values.ts';

type Table = Extract<Block, { block: 'table' }>;

export interface PageSetup {
  readonly title: string;
  readonly landscape: boolean;
  /** In characters, one a column. */
  readonly widths: readonly number[];
  /** The row of the table header that is frozen, filtered and repeated on paper. */
  readonly headerRow: number | undefined;
  /** The page begins with rows of a table that began on the page before. */
  readonly continued?: boolean;
}

/**
 * exceljs writes the frame of a worksheet: views, widths, print setup. Rows and what belongs to them are written here,
 * through methods that it has no door for: a row of its own is a dozen objects a cell (18 columns: 8 times the time),
 * and what stands behind the rows it writes wrongly or not at all.
 */
interface Frame {
  readonly stream: { write(rows: string): unknown };
  startedData: boolean;
  _write(xml: string): void;
  _writeColumns(): void;
  _writeOpenSheetData(): void;
  _writeMergeCells(): void;
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
/** Characters of rows that are handed on together. */
const BLOCK = 1 << 16;

/** One worksheet, written top down. Rows leave memory as they are written. */
export class Page {
  private readonly sheet: Worksheet & Frame;
  private readonly merges: string[] = [];
  /** Rows not handed on yet. */
  private rows = '';
  /** Of each column, the value above and the cell that it made: sorted rows repeat half of their values. */
  private above: Array<{ readonly value: CellValue; readonly cell: Typed }> = [];
  /** The letters of each column. */
  private readonly letters: readonly string[];
  private readonly headerRows: number[] = [];
  /** Ranges of text that looks like numbers: without a word about it Excel marks each cell with a green corner. */
  private readonly codes: string[] = [];
  private readonly bars: string[] = [];
  /** Cells that turn red, and when. */
  private readonly alarms: Array<readonly [cell: string, when: string]> = [];
  private filter: string | undefined;
  lastRow = 0;

  constructor(
    private readonly writer: SteadyWriter,
    readonly name: string,
    private readonly setup: PageSetup,
    private readonly sheets: LongSheets,
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
    }) as Worksheet & Frame;
    this.sheet.columns = setup.widths.map((width) => ({ width: width + CELL_PADDING }));
    this.sheet._writeColumns();
    this.sheet._writeOpenSheetData();
    this.sheet.startedData = true;
    this.letters = setup.widths.map((_, index) => letters(index));
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
    const height = linesOf(text, this.width(0) / wide) * line + (tone === 'warning' ? 4 : 0);
    this.write(this.merged(0, typed(text, 'text'), style), height);
  }

  pair(label: string, value: CellValue, kind: CellKind): void {
    const cell = this.contents(1, value, kind);
    const lines = linesOf(cell.text, this.width(1));
    if (cell.look === 'code') this.codes.push(`B${this.lastRow + 1}`);
    this.write(
      this.cell(0, typed(label, 'text'), palette('label').text) +
        this.merged(1, cell, palette('value')[cell.look]),
      lines > 1 ? lines * 13.5 + 4 : undefined,
    );
  }

  header(columns: readonly TableColumn[]): void {
    // The button of a filter covers the end of a header that stands right.
    const filtered = this.lastRow + 1 === this.setup.headerRow;
    const numbers = filtered ? 'headerFiltered' : 'headerRight';
    const lines = columns.map((column, index) =>
      linesOf(column.header, (this.setup.widths[index] ?? column.width) - (filtered ? 3 : 1)),
    );
    const cells = columns.map((column, index) => {
      const right = standsRight(typed(null, column.kind).look);
      return this.cell(index, typed(column.header, 'text'), palette(right ? numbers : 'header').text);
    });
    this.write(cells.join(''), Math.max(...lines) * HEADER_LINE + 5);
    this.headerRows.push(this.lastRow);
    this.above = [];
  }

  row(cells: readonly CellValue[], table: Table): void {
    const tint = tintOf(cells, table.tint);
    const plain = palette('body', tint);
    const wrapped = palette('wrapped', tint);
    let xml = '';
    let lines = 1;
    for (let index = 0; index < table.columns.length; index += 1) {
      const column = table.columns[index]!;
      const cell = this.typedAgain(index, cells[index] ?? null, column.kind);
      xml += this.cell(index, cell, (column.wrap === true ? wrapped : plain)[cell.look]);
      if (column.wrap === true) lines = Math.max(lines, linesOf(cell.text, this.setup.widths[index]!));
    }
    // Excel fits the height of wrapped text when it opens a file; other programs do not.
    this.write(xml, lines > 1 ? lines * 13.5 + 2 : undefined);
  }

  totals(cells: readonly CellValue[], columns: readonly TableColumn[]): void {
    const written = columns.map((column, index) => {
      // A word in a column of numbers ("Total" under Month) is a label.
      const cell = this.contents(index, cells[index] ?? null, column.kind);
      return this.cell(index, cell, palette('total')[cell.look]);
    });
    this.write(written.join(''));
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
    this.handOn();
    if (this.filter !== undefined) this.sheet.autoFilter = this.filter;
    const { sheet, merges } = this;
    sheet._writeMergeCells = () => {
      if (merges.length === 0) return;
      const cells = merges.map((range) => `<mergeCell ref="${range}"/>`).join('');
      sheet._write(`<mergeCells count="${merges.length}">${cells}</mergeCells>`);
    };
    sheet._writeConditionalFormatting = () => {
      if (this.bars.length > 0) sheet._write(dataBars(this.bars));
      if (this.alarms.length > 0) sheet._write(this.alarmRules());
    };
    // Comments would come here; these sheets have none.
    sheet._writeLegacyData = () => {
      if (this.codes.length > 0) sheet._write(ignoredErrors(this.codes));
    };
    sheet.commit();
    await this.writer.drained();
  }

  /** What a cell of the next row holds. Only a Formula is one: an object that looks like it came from data. */
  private contents(column: number, value: CellValue, kind: CellKind): Typed {
    if (typeof value !== 'object' || value === null || !(value.formula instanceof Formula))
      return typed(value, kind);
    const row = this.lastRow + 1;
    const place = {
      row,
      header: this.headerRows.at(-1) ?? row,
      continued: this.setup.continued === true && this.headerRows.length === 1,
      sheets: this.sheets,
    };
    const cell = `${this.letters[column]}${row}`;
    if (value.alarm !== undefined)
      this.alarms.push([cell, alarmed(cell, value.value, value.kind, value.alarm)]);
    return computed(value, spelled(value.formula, place));
  }

  private typedAgain(column: number, value: CellValue, kind: CellKind): Typed {
    if (typeof value === 'object' && value !== null) return this.contents(column, value, kind);
    const above = this.above[column];
    if (above?.value === value) return above.cell;
    const cell = typed(value, kind);
    this.above[column] = { value, cell };
    return cell;
  }

  /** A cell of the next row. */
  private cell(column: number, { xml }: Typed, style: CellStyle): string {
    return `<c r="${this.letters[column]}${this.lastRow + 1}" s="${this.writer.styleId(style)}"${xml}`;
  }

  /** A cell merged from `column` to the sheet's last; every merged cell keeps the style, so a fill runs through. */
  private merged(column: number, content: Typed, style: CellStyle): string {
    const empty = typed(null, 'text');
    const rest = this.letters
      .slice(column + 1)
      .map((_, index) => this.cell(column + 1 + index, empty, style));
    if (rest.length > 0) {
      const row = this.lastRow + 1;
      this.merges.push(`${this.letters[column]}${row}:${this.letters.at(-1)}${row}`);
    }
    return this.cell(column, content, style) + rest.join('');
  }

  /** Written here so that its rules and those of the bars count their priorities on. */
  private alarmRules(): string {
    const style = this.writer.alarmStyle();
    return this.alarms
      .map(
        ([cell, when], index) =>
          `<conditionalFormatting sqref="${cell}"><cfRule type="expression" dxfId="${style}" ` +
          `priority="${this.bars.length + index + 1}"><formula>${markedUp(when)}</formula></cfRule></conditionalFormatting>`,
      )
      .join('');
  }

  private write(cells: string, height?: number): void {
    this.lastRow += 1;
    const high = height === undefined ? '' : ` ht="${Math.min(MAX_HEIGHT, height)}" customHeight="1"`;
    this.rows += `<row r="${this.lastRow}"${high}>${cells}</row>`;
    if (this.rows.length >= BLOCK) this.handOn();
  }

  private handOn(): void {
    this.sheet.stream.write(this.rows);
    this.rows = '';
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

/** When a computed cell is not what it was when it was written; an error is not either. */
function alarmed(cell: string, value: string | number | null, kind: CellKind, decimals: number): string {
  const differs =
    kind === 'text'
      ? `${cell}<>"${String(value).replaceAll('"', '""')}"`
      : `ROUND(${cell}-(${decimalText(String(value))}),${decimals})<>0`;
  return `IFERROR(${differs},TRUE)`;
}

function ignoredErrors(ranges: readonly string[]): string {
  return `<ignoredErrors><ignoredError sqref="${ranges.join(' ')}" numberStoredAsText="1"/></ignoredErrors>`;
}

/** `&` starts a code in a footer, so it is doubled; the space keeps a title's first digit out of the font size. */
function footer(title: string): string {
  const name = [...title].slice(0, 80).join('').replaceAll('&', '&&');
  return `&L&8 ${name}&R&8 &A, page &P of &N`;
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
