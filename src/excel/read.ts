import { NO_STORED_VALUE } from '../notation.ts';
import { LIMITS, local, openParts, type Parts, parseXml, readXml, refuse } from './parts.ts';
import { builtInFormat, formatOf, type NumberFormat, numberText, unescaped } from './values.ts';

/** A value further right is a fault of its exporter; padding up to it would cost more than the file. */
const MAX_COLUMNS = 1_024;
const MAX_ROWS = 1_048_576;
/** Empty texts cost memory too. */
const MAX_STRINGS = 5_000_000;

/** True for the text of an error cell, and of a formula without a stored value: seen, but not readable. */
export function unreadable(cell: string | null): boolean {
  return (
    cell !== null &&
    /^#(NULL!|DIV\/0!|VALUE!|REF!|NAME\?|NUM!|N\/A|GETTING_DATA|SPILL!|CALC!|FIELD!|BLOCKED!|FORMULA!)$/.test(
      cell,
    )
  );
}

export interface WorkbookSheet {
  readonly name: string;
  readonly state: 'visible' | 'hidden' | 'veryHidden';
}

export interface WorkbookRow {
  /** Physical row, from 1, as Excel numbers it. */
  readonly row: number;
  /** From column A to the last with a value; null is an empty cell. */
  readonly cells: (string | null)[];
  /** The 0-based columns whose cells hold a number or a date, and not text. */
  readonly typed: readonly number[];
}

export interface OpenWorkbook {
  readonly sheets: readonly WorkbookSheet[];
  /**
   * The rows that hold a value, in order. Memory stays bounded apart from shared strings. Sizes and checksums are
   * known only at the end of a sheet: a throw there takes back every row before it.
   */
  rows(sheetIndex: number): AsyncGenerator<WorkbookRow>;
  /** The same, as many at a time as a piece of the file holds: half a million promises fewer. */
  batches(sheetIndex: number): AsyncGenerator<readonly WorkbookRow[]>;
  /**
   * The merged ranges that begin in the first `rows` rows and go down. They stand behind all rows of the sheet, so it is
   * read to its end; of a very large one none are told.
   */
  merges(sheetIndex: number, rows: number): Promise<Merge[]>;
  close(): void;
}

/** A range whose one value stands in its first cell: its first and last row, from 1, and its first column, from 0. */
export type Merge = readonly [row: number, toRow: number, column: number];

interface Meaning {
  readonly strings: readonly string[];
  readonly formats: readonly NumberFormat[];
  readonly date1904: boolean;
}

/**
 * Opens an uploaded .xlsx or .xlsm. Text comes as text, numbers as the decimal that the file writes, dates as
 * `YYYY-MM-DD` or `YYYY-MM-DD HH:mm:ss`, times as `HH:mm:ss`, booleans as TRUE and FALSE, formulas as their
 * stored value, errors as Excel writes them.
 * @throws LkpError 'request' for everything that is not a readable workbook: it says what to do.
 */
export async function openWorkbook(path: string): Promise<OpenWorkbook> {
  const parts = await openParts(path);
  try {
    const book = await readBook(parts);
    const meaning: Meaning = {
      date1904: book.date1904,
      strings: book.strings === undefined ? [] : await readStrings(parts, book.strings),
      formats: book.styles === undefined ? [] : await readFormats(parts, book.styles),
    };
    /** Each profile that does not fit asks for them again. */
    const merges = new Map<string, Merge[]>();
    const sheetAt = (index: number) => {
      const sheet = book.sheets[index];
      if (sheet === undefined)
        throw refuse(`The workbook has ${book.sheets.length} sheets; there is no sheet ${index + 1}.`);
      return sheet;
    };
    const batches = (index: number) => {
      const { part, name } = sheetAt(index);
      return sheetRows(parts, part, name, meaning);
    };
    return {
      sheets: book.sheets.map(({ name, state }) => ({ name, state })),
      batches,
      rows: async function* (index) {
        for await (const batch of batches(index)) yield* batch;
      },
      merges: async (index, rows) => {
        const { part } = sheetAt(index);
        const known = merges.get(`${part} ${rows}`) ?? (await readMerges(parts, part, rows));
        merges.set(`${part} ${rows}`, known);
        return known;
      },
      close: () => parts.close(),
    };
  } catch (error) {
    parts.close();
    throw error;
  }
}

interface Relation {
  readonly kind: string;
  readonly part: string;
}

/** The relations of a part, by id. Their types differ between the transitional and the strict schema but for the end. */
async function relations(parts: Parts, part: string): Promise<Map<string, Relation>> {
  const folder = part.slice(0, part.lastIndexOf('/') + 1);
  const name = `${folder}_rels/${part.slice(folder.length)}.rels`;
  const found = new Map<string, Relation>();
  if (!parts.has(name)) return found;
  await readXml(parts, name, {
    open(tag, { Id, Type, Target, TargetMode }) {
      if (tag !== 'Relationship' || Id === undefined || Target === undefined || TargetMode === 'External')
        return;
      found.set(Id, { kind: Type?.slice(Type.lastIndexOf('/') + 1) ?? '', part: resolved(folder, Target) });
    },
  });
  return found;
}

function resolved(folder: string, target: string): string {
  const path = target.replaceAll('\\', '/');
  const steps: string[] = [];
  for (const step of (path.startsWith('/') ? path : folder + path).split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps.join('/').toLowerCase();
}

async function readBook(parts: Parts) {
  const root = [...(await relations(parts, '')).values()].find(
    (relation) => relation.kind === 'officeDocument',
  );
  const part = root?.part ?? 'xl/workbook.xml';
  if (!parts.has(part) || !part.endsWith('.xml')) throw notAWorkbook(parts);
  const links = await relations(parts, part);
  const sheets: (WorkbookSheet & { part: string })[] = [];
  let date1904 = false;
  await readXml(parts, part, {
    open(tag, attributes, depth) {
      if (tag === 'workbookPr' && depth === 2) date1904 = /^(1|true|on)$/.test(attributes.date1904 ?? '');
      if (tag !== 'sheet' || depth !== 3) return;
      // The relation's id is the one attribute named `id` under a prefix, whatever the prefix (`r:id`, `d3p1:id`).
      const id = Object.keys(attributes).find((name) => name.includes(':') && local(name) === 'id');
      const link = id === undefined ? undefined : links.get(attributes[id]!);
      if (link?.kind !== 'worksheet') return; // chart and dialog sheets hold no rows
      const state = attributes.state;
      sheets.push({
        name: unescaped(attributes.name ?? ''),
        state: state === 'hidden' || state === 'veryHidden' ? state : 'visible',
        part: link.part,
      });
    },
  });
  if (sheets.length === 0) {
    throw refuse(
      'The workbook has no worksheet; one with invoice lines was wanted. Check that the right file was sent.',
    );
  }
  const partOf = (kind: string) =>
    [...links.values()].find((link) => link.kind === kind && parts.has(link.part))?.part;
  return { sheets, date1904, strings: partOf('sharedStrings'), styles: partOf('styles') };
}

function notAWorkbook(parts: Parts) {
  const seen = parts.has('xl/workbook.bin')
    ? 'a binary Excel workbook (.xlsb)'
    : parts.has('content.xml') && parts.has('mimetype')
      ? 'an OpenDocument file (.ods)'
      : parts.has('word/document.xml')
        ? 'a Word document'
        : parts.names.some((name) => name.endsWith('.iwa'))
          ? 'an Apple Numbers file'
          : 'a zip archive without a workbook in it';
  return refuse(`The file is ${seen}; an .xlsx workbook was wanted. Open it in Excel and save it as .xlsx.`);
}

/** Shared strings by index. Rich text is the text of its runs; the phonetic runs (rPh) of Japanese are left out. */
async function readStrings(parts: Parts, part: string): Promise<string[]> {
  const strings: string[] = [];
  let text = '';
  let phonetic = false;
  let listening = false;
  let held = 0;
  await readXml(parts, part, {
    open(tag, _, depth) {
      if (tag === 'si' && depth === 2) text = '';
      if (tag === 'rPh') phonetic = true;
      listening = tag === 't' && depth <= 4 && !phonetic;
    },
    text(piece) {
      if (listening) text += piece;
    },
    close(tag, depth) {
      listening = false;
      if (tag === 'rPh') phonetic = false;
      if (tag !== 'si' || depth !== 2) return;
      strings.push(unescaped(text));
      held += text.length;
      if (held > LIMITS.heldCharacters || strings.length > MAX_STRINGS)
        throw refuse(
          `The workbook holds ${strings.length} different texts of ${Math.round(held / 1e6)} million characters; that is too large to read. Split it, or send it as CSV.`,
        );
    },
  });
  return strings;
}

/** What each cell style (by index) makes of a number. */
async function readFormats(parts: Parts, part: string): Promise<NumberFormat[]> {
  const custom = new Map<number, NumberFormat>();
  const formats: NumberFormat[] = [];
  let inCells = false;
  await readXml(parts, part, {
    open(tag, { numFmtId, formatCode }, depth) {
      if (depth === 2) inCells = tag === 'cellXfs';
      if (tag === 'numFmt' && depth === 3) custom.set(Number(numFmtId), formatOf(formatCode ?? ''));
      if (tag === 'xf' && depth === 3 && inCells) {
        const id = Number(numFmtId ?? 0);
        formats.push(custom.get(id) ?? builtInFormat(id));
      }
    },
  });
  return formats;
}

const MAX_MERGES = 10_000;
/** Larger sheets come from programs, whose headers have one row; reading them twice would cost seconds. */
const MERGED_BYTES = 32_000_000;

async function readMerges(parts: Parts, part: string, rows: number): Promise<Merge[]> {
  const found: Merge[] = [];
  if (parts.size(part) > MERGED_BYTES) return found;
  await readXml(parts, part, {
    open(tag, { ref }, depth) {
      if (tag !== 'mergeCell' || depth !== 3 || found.length >= MAX_MERGES) return;
      const range = /^([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})$/.exec(ref ?? '');
      if (range === null) return;
      const [row, toRow] = [Number(range[2]), Number(range[3])];
      if (row <= rows && toRow > row) found.push([row, toRow, columnNumber(range[1]!) - 1]);
    },
  });
  return found;
}

/** The number of a column, from 1, by its letters. */
function columnNumber(letters: string): number {
  let column = 0;
  for (const letter of letters.toUpperCase()) column = column * 26 + letter.charCodeAt(0) - 64;
  return column;
}

async function* sheetRows(
  parts: Parts,
  part: string,
  name: string,
  meaning: Meaning,
): AsyncGenerator<readonly WorkbookRow[]> {
  const reader = new SheetReader(name, meaning);
  for await (const _ of parseXml(parts, part, reader)) {
    const rows = reader.take();
    if (rows.length > 0) yield rows;
  }
}

/** Columns by their letters, as they were seen. */
const COLUMNS = new Map<string, number>();

/** Depths of the elements of a sheet: whatever else has such a name at another depth is not a cell. */
const DEPTH = { sheetData: 2, row: 3, cell: 4, content: 5 };

/** Collects rows from the XML of a sheet. */
class SheetReader {
  private done: WorkbookRow[] = [];
  private inData = false;
  private row = 0;
  private column = 0;
  private characters = 0;
  private total = 0;
  private cells: (string | null)[] = [];
  private typed: number[] = [];
  private type = 'n';
  private style = 0;
  private value: string | undefined;
  private formula = false;
  private phonetic = false;
  private listening = false;

  constructor(
    private readonly sheet: string,
    private readonly meaning: Meaning,
  ) {}

  take(): WorkbookRow[] {
    const rows = this.done;
    this.done = [];
    return rows;
  }

  open(tag: string, attributes: Record<string, string>, depth: number): void {
    if (depth === DEPTH.sheetData) this.inData = tag === 'sheetData';
    if (!this.inData) return;
    if (depth === DEPTH.row && tag === 'row') this.openRow(attributes.r);
    else if (depth === DEPTH.cell && tag === 'c') this.openCell(attributes);
    else if (depth === DEPTH.content && tag === 'v') {
      this.value ??= '';
      this.listening = true;
    } else if (depth === DEPTH.content && tag === 'f') this.formula = true;
    else if (depth === DEPTH.content && tag === 'is') this.value ??= '';
    else if (tag === 'rPh') this.phonetic = true;
    else if (tag === 't' && depth > DEPTH.content && depth <= DEPTH.content + 2)
      this.listening = !this.phonetic;
  }

  text(piece: string): void {
    if (this.listening) this.value = (this.value ?? '') + piece;
  }

  close(tag: string, depth: number): void {
    this.listening = false;
    if (!this.inData) return;
    if (tag === 'rPh') this.phonetic = false;
    if (depth === DEPTH.cell && tag === 'c') this.closeCell();
    else if (depth === DEPTH.row && tag === 'row' && this.cells.length > 0) {
      this.done.push({ row: this.row, cells: this.cells, typed: this.typed });
      this.cells = [];
      this.typed = [];
    }
  }

  /** Rows and cells without a reference follow the one before. */
  private openRow(reference: string | undefined): void {
    const row = reference === undefined ? this.row + 1 : Number(reference);
    if (!Number.isInteger(row) || row <= this.row || row > MAX_ROWS) {
      throw this.fault(`has row ${reference ?? row} after row ${this.row}`);
    }
    this.row = row;
    this.column = 0;
    this.characters = 0;
    this.cells = [];
    this.typed = [];
  }

  private openCell({ r, t, s }: Record<string, string>): void {
    this.column = r === undefined ? this.column + 1 : this.columnOf(r);
    this.type = t ?? 'n';
    this.style = s === undefined ? 0 : Number(s);
    this.value = undefined;
    this.formula = false;
  }

  private closeCell(): void {
    const text = this.cellText();
    if (text === null) return;
    if (this.column > MAX_COLUMNS)
      throw this.fault(
        `has a value in column ${this.column} of row ${this.row}; at most ${MAX_COLUMNS} columns are read`,
      );
    if (this.cells.length >= this.column)
      throw this.fault(`has two cells in one place in row ${this.row}, or cells out of order`);
    this.characters += text.length;
    if (this.characters > LIMITS.row)
      throw this.fault(`has more than ${LIMITS.row} characters in row ${this.row}`);
    this.total += text.length;
    if (this.total > LIMITS.totalBytes)
      throw this.fault(`has more than ${LIMITS.totalBytes / 1e6} million characters by row ${this.row}`);
    while (this.cells.length < this.column - 1) this.cells.push(null);
    if ((this.type === 'n' || this.type === 'd') && text !== NO_STORED_VALUE)
      this.typed.push(this.cells.length);
    this.cells.push(text);
  }

  private cellText(): string | null {
    const { value } = this;
    if (value === undefined || (value === '' && this.type !== 'str' && this.type !== 'inlineStr')) {
      return this.formula ? NO_STORED_VALUE : null;
    }
    switch (this.type) {
      case 's':
        return this.sharedString(value.trim());
      case 'str':
      case 'inlineStr':
        return unescaped(value);
      case 'b':
        return value.trim() === '1' || value.trim() === 'true' ? 'TRUE' : 'FALSE';
      case 'e':
        return value.trim();
      case 'd':
        return value
          .trim()
          .replace(/T00:00:00(\.0+)?$/, '')
          .replace('T', ' ');
      default:
        return numberText(value.trim(), this.meaning.formats[this.style] ?? 'number', this.meaning.date1904);
    }
  }

  private sharedString(index: string): string {
    const text = /^\d+$/.test(index) ? this.meaning.strings[Number(index)] : undefined;
    if (text === undefined)
      throw this.fault(`names a text number ${index} that the workbook does not hold (row ${this.row})`);
    return text;
  }

  private columnOf(reference: string): number {
    const letters = reference.search(/\d|$/);
    let column = COLUMNS.get(reference.slice(0, letters));
    if (column === undefined || letters > 3) {
      const found = /^\$?([A-Z]{1,3})\$?\d*$/i.exec(reference)?.[1];
      if (found === undefined)
        throw this.fault(`has a cell named "${reference.slice(0, 20)}" in row ${this.row}`);
      column = columnNumber(found);
      if (letters <= 3) COLUMNS.set(reference.slice(0, letters), column);
    }
    return column;
  }

  private fault(seen: string) {
    return refuse(
      `The sheet "${this.sheet}" ${seen}. Open the workbook in Excel and save it again as .xlsx, or send it as CSV.`,
    );
  }
}
