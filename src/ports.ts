import type { Formula } from './formula.ts';

/**
 * What the subjects ask of the adapters. `app.ts` is the one place that hands the adapters in;
 * a subject names these shapes and never a driver.
 */

export type Row = Record<string, unknown>;

/** One transaction. Values come back as text for numeric, bigint and date columns; never as floats. */
export interface Sql {
  /** Runs SQL text with `$1`-style parameters and returns its rows. */
  rows<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T[]>;
  /** The only row; throws when there is none or more than one. */
  one<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T>;
  /** The only row, or undefined. */
  maybe<T extends object = Row>(text: string, parameters?: readonly unknown[]): Promise<T | undefined>;
  /** Sets `lkp.<name>` for the rest of the transaction; a null value reads as the empty string. */
  set(settings: Record<string, string | number | null>): Promise<void>;
  /** Runs `sql/<name>.sql` (settings first, as `lkp.<key>`) and returns the rows of its last statement. */
  file<T extends object = Row>(name: string, settings?: Record<string, string | number | null>): Promise<T[]>;
  /** Runs `COPY <target> FROM STDIN ...` and returns the number of rows. */
  copyIn(statement: string, source: AsyncIterable<Uint8Array>): Promise<number>;
  /** Rows of one query through a server-side cursor, `batch` at a time; memory stays bounded. */
  stream<T extends object = Row>(
    text: string,
    parameters?: readonly unknown[],
    batch?: number,
  ): AsyncGenerator<T[]>;
}

export interface Database {
  /** One transaction: commits when `work` returns, rolls back when it throws. `name` shows in pg_stat_activity. */
  transaction<T>(name: string, work: (tx: Sql) => Promise<T>): Promise<T>;
}

/** How many physical rows a tabular file has, and what they are; they add up to `physical`. */
export interface RowCounts {
  physical: number;
  preamble: number;
  header: number;
  blank: number;
  lines: number;
}

/** A CSV file, a worksheet or an e-invoice, opened. */
export interface Table {
  readonly format: 'csv' | 'xlsx' | 'ubl' | 'cii';
  /** As decoded: `utf-8`, `windows-1252`, ...; empty for a worksheet. */
  readonly encoding: string;
  /** Separates the cells in `body`; one character. */
  readonly delimiter: string;
  /**
   * True when `body` writes, behind the ragged text, `t` for a row none of whose cells begins or ends with anything
   * but a visible ASCII character: nothing in it needs tidying.
   */
  readonly marksBare?: boolean;
  /** The first physical rows (at most 20, blank ones included), for finding the header. */
  readonly head: ReadonlyArray<{ readonly row: number; readonly cells: readonly string[] }>;
  /**
   * The rows below `headerRow` as bytes for COPY ... (FORMAT csv, DELIMITER <delimiter>): row number, a text that is
   * set only when the row is ragged (its bytes as they came, the cells then being empty), and `width` cells.
   * Blank rows are counted and left out. `watch` sees every well-formed row's cells in `columns` order, and null
   * for a ragged row, then its number and a ragged row's text: the left side of conservation reads the bytes through
   * it. Read once.
   */
  body(options: {
    readonly headerRow: number;
    readonly width: number;
    readonly columns?: readonly number[];
    readonly watch?: (cells: readonly string[] | null, row: number, ragged?: string) => void;
    /** Of an e-invoice: its first row has the number after this one; 1 when absent. */
    readonly after?: number;
  }): AsyncIterable<Uint8Array>;
  /** True once `body` has been read to its end. */
  readonly counts: RowCounts;
  close(): Promise<void>;
}

/** What a document says that it is; null where it does not say. */
export interface Identity {
  /** Local name of an e-invoice's root element; null in tables. */
  readonly root: string | null;
  /** As stated. */
  readonly type_code: string | null;
  readonly number: string | null;
  readonly currency: string | null;
  readonly lines: number;
}

export interface Tables {
  /** What an XML document at `path` is, an invoice or not; undefined for other files. Throws as `open` does. */
  identify?(path: string, name: string): Promise<Identity | undefined>;
  /** Opens a CSV or XLSX file or an e-invoice; throws LkpError('request') that says what the file is instead. */
  open(
    path: string,
    hints?: {
      /** How messages call the file; its path when absent. */
      readonly name?: string;
      readonly delimiter?: string;
      readonly encoding?: string;
      readonly sheet?: string;
      /** Of a workbook of which no sheet is named: whether a sheet's head has the header that is wanted. */
      readonly fits?: (head: Table['head']) => boolean;
      /** Rewrites a worksheet's typed number or date (a plain decimal, ISO date or date and time) below the header. */
      readonly notation?: (plain: string) => string;
    },
  ): Promise<Table>;
}

/**
 * What a cell holds; decides type, number format, alignment. Decimals arrive as strings, dates as `YYYY-MM-DD`,
 * months as `YYYY-MM`. `code` is text that looks like a number (an MPN ID); `ordinal` is a whole number that
 * counts nothing (a year, a row number) and so has no thousands separator; `amount` is money of any currency and shows the
 * decimals that it is written with, as yen have none and dinars three. What does not read as its kind is
 * shown as the text it is.
 */
export type CellKind =
  | 'text'
  | 'code'
  | 'integer'
  | 'ordinal'
  | 'decimal'
  | 'money'
  | 'amount'
  | 'percent'
  | 'date'
  | 'month';

/**
 * The object form is a cell that is not of its column's kind, or one that is computed: `value` is then what its
 * formula gives, and is shown by whoever does not compute. `alarm`: the cell turns red when it gives another text, or
 * a number that differs once the difference is rounded to so many decimals.
 */
export type CellValue =
  | string
  | number
  | null
  | {
      readonly value: string | number | null;
      readonly kind: CellKind;
      readonly formula?: Formula;
      readonly alarm?: number;
    };

export interface TableColumn {
  readonly header: string;
  readonly kind: CellKind;
  /** Width in characters. */
  readonly width: number;
  /** Draws a data bar (0 to 1) in this column. */
  readonly bar?: boolean;
  /** Long text continues on further lines of its cell. */
  readonly wrap?: boolean;
}

export type Tone = 'title' | 'heading' | 'plain' | 'note' | 'warning';

/** A sheet is a stack of blocks. Where nothing but text stands above its one table, the header is frozen and filtered. */
export type Block =
  | { readonly block: 'text'; readonly text: string; readonly tone: Tone }
  | {
      readonly block: 'pairs';
      readonly pairs: ReadonlyArray<readonly [label: string, value: CellValue, kind: CellKind]>;
    }
  | {
      readonly block: 'table';
      readonly columns: readonly TableColumn[];
      readonly rows: Iterable<readonly CellValue[]> | AsyncIterable<readonly CellValue[]>;
      readonly totals?: readonly CellValue[];
      /** Rows whose value in this column (0-based) is in the map are tinted. */
      readonly tint?: {
        readonly column: number;
        readonly tones: Readonly<Record<string, 'good' | 'bad' | 'quiet'>>;
      };
    };

export interface Sheet {
  readonly name: string;
  readonly blocks: readonly Block[];
  readonly landscape?: boolean;
}

export interface Book {
  readonly title: string;
  readonly sheets: Iterable<Sheet> | AsyncIterable<Sheet>;
}

export interface Workbooks {
  /** Writes the workbook to `path` (a temporary name that the caller renames). Equal books give equal bytes. */
  write(path: string, book: Book): Promise<{ rows: number }>;
}

/** Something that a person is told once, as the places take it that people hear from. */
export interface Notice {
  /** The same at every repeat, and of nothing else: letters, digits and dots. A receiver knows a repeat by it. */
  readonly id: string;
  /** What happened, in a few words: `refresh of 2026-05 failed`. */
  readonly headline: string;
  readonly kind: string;
  readonly job: string | null;
  readonly cycle: string | null;
  /** An instant. */
  readonly raised_at: string;
  /** When it was seen to be over; null while it is not. */
  readonly ended_at: string | null;
  /** What happened, in a sentence or two. */
  readonly says: string;
  /** What to do next, with what to type. */
  readonly next_step: string;
}

/** A place where people hear of alerts. */
export interface Target {
  /** `e-mail to ada@example.com`, `webhook`: shown, and written down with what was delivered to it; holds no secret. */
  readonly name: string;
  /** Throws an Error with a message that holds no password when the place did not take the notice. */
  send(notice: Notice): Promise<void>;
}
