import { LkpError } from './job.ts';
import type { Sql, Table } from './ports.ts';

/** A column that a reader looks for. Names are compared without case, spaces and punctuation. */
export interface Field {
  readonly name: string;
  readonly synonyms: readonly string[];
  readonly required: boolean;
}

export interface Header {
  /** Physical row of the header, from 1. */
  readonly row: number;
  /** The header's cells as they stand. */
  readonly cells: readonly string[];
  /** Field name -> 0-based column. Optional fields that the file lacks are absent. */
  readonly columns: ReadonlyMap<string, number>;
}

/** The form in which names are compared: letters and digits only, lower case, accents kept. */
export const plain = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');

/**
 * The first row of the head that has every required field. Undefined when there is none; throws
 * LkpError('request') when two columns answer to one field.
 */
export function findHeader(head: Table['head'], fields: readonly Field[]): Header | undefined {
  for (const { row, cells } of head) {
    const columns = new Map<string, number>();
    const names = cells.map(plain);
    let twice: string | undefined;
    for (const field of fields) {
      const wanted = new Set([field.name, ...field.synonyms].map(plain));
      const found = names.flatMap((name, index) => (wanted.has(name) ? [index] : []));
      if (found.length > 1)
        twice ??= `columns ${found.map((index) => index + 1).join(' and ')} ("${found.map((index) => cells[index]).join('", "')}") both mean ${field.name}`;
      if (found.length > 0) columns.set(field.name, found[0]!);
    }
    if (fields.some((field) => field.required && !columns.has(field.name))) continue;
    if (twice) {
      throw new LkpError(
        'request',
        `In the header (row ${row}) ${twice}. One column for each is wanted: rename or remove one.`,
      );
    }
    return { row, cells, columns };
  }
  return undefined;
}

/** Says which row of the head came nearest to a header, and which fields it lacks. */
export function missingFields(
  head: Table['head'],
  fields: readonly Field[],
): { row: number; cells: readonly string[]; missing: string[] } {
  const required = fields.filter((field) => field.required);
  const candidates = head.map(({ row, cells }) => {
    const names = new Set(cells.map(plain));
    const missing = required.filter(
      (field) => ![field.name, ...field.synonyms].some((name) => names.has(plain(name))),
    );
    return { row, cells, missing: missing.map((field) => field.name) };
  });
  candidates.sort((a, b) => a.missing.length - b.missing.length || a.row - b.row);
  return candidates[0] ?? { row: 1, cells: [], missing: required.map((field) => field.name) };
}

/** PostgreSQL's tables end at 1,600 columns, a worksheet's are read to 1,024. */
export const MOST_COLUMNS = 1024;
/** Long cells are stored elsewhere, hundreds of short ones are not. */
const ROW_TOO_BIG = '54000';
const LOCK_TIMEOUT = '55P03';

/**
 * One ingest at a time: what is known must not move between looking and storing. Throws LkpError('machine') when another one
 * has not ended within the time that a transaction waits for a lock.
 */
export async function oneAtATime(tx: Sql): Promise<void> {
  await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.ingest'))`).catch((cause: { code?: string }) => {
    if (cause.code !== LOCK_TIMEOUT) throw cause;
    throw new LkpError(
      'machine',
      'Another ingest has been running for more than 5 minutes, and one must wait for the other. Wait until it has ended, and repeat.',
      { cause },
    );
  });
}

/**
 * Copies the rows of a table, unchanged, into the unlogged table `load` (row_no, ragged, bare, c1 ... cN; all text), and
 * makes the temporary view `load_field` that names its columns as the fields (a field the file lacks is null).
 * The caller's transaction drops `load` with `dropLoad`.
 */
export async function loadRows(
  tx: Sql,
  table: Table,
  header: Header,
  fields: readonly string[],
  /** SQL for a field, given the column it is read from (undefined: the file has none); the default is the bare column. */
  expression: (field: string, column: string | undefined) => string = (_field, column) =>
    column ?? 'null::text',
  watch?: Watch,
): Promise<void> {
  await copyRows(tx, table, header, watch);
  await nameFields(tx, header, fields, expression);
}

/** Sees every row's cells of these fields, in their order, and null for a ragged row. */
export interface Watch {
  readonly fields: readonly string[];
  readonly row: (cells: readonly string[] | null) => void;
}

const watched = (header: Header, { fields, row }: Watch) => ({
  columns: fields.map((field) => header.columns.get(field) ?? -1),
  watch: row,
});

/** Reads the rows of a table once more, for who watches them alone. */
export async function watchRows(table: Table, header: Header, watch: Watch): Promise<void> {
  const { row, cells } = header;
  for await (const _ of table.body({ headerRow: row, width: cells.length, ...watched(header, watch) }));
}

/** The first half of `loadRows`: the table `load`. */
export async function copyRows(tx: Sql, table: Table, header: Header, watch?: Watch): Promise<void> {
  const width = header.cells.length;
  if (width > MOST_COLUMNS) {
    throw new LkpError(
      'request',
      `The header (row ${header.row}) has ${width} columns; at most ${MOST_COLUMNS} are read. Leave out the columns that nobody needs.`,
    );
  }
  const names = Array.from({ length: width }, (_, index) => `c${index + 1}`);
  await tx.rows(
    `create unlogged table load (row_no int not null, ragged text, bare boolean, ${names.map((name) => `${name} text`).join(', ')})`,
  );
  const copied = tx.copyIn(
    `copy load (row_no, ragged, ${table.marksBare ? 'bare, ' : ''}${names.join(', ')}) from stdin (format csv, delimiter '${table.delimiter.replace("'", "''")}', null '')`,
    table.body({
      headerRow: header.row,
      width,
      ...(watch ? watched(header, watch) : {}),
    }),
  );
  await copied.catch((cause: { code?: string }) => {
    if (cause.code !== ROW_TOO_BIG) throw cause;
    throw new LkpError(
      'request',
      `Below the header (row ${header.row}) there is a row whose ${width} columns together are too long for the database, which takes 8 KB a row. Leave out the columns that nobody needs.`,
      { cause },
    );
  });
  // The size is all the planner needs: statistics of every column took 0.3 s a million rows, of this one 0.1 s.
  await tx.rows('set local default_statistics_target = 1');
  await tx.rows('analyze load (row_no)');
  await tx.rows('set local default_statistics_target to default');
}

/** The second half of `loadRows`: the view `load_field`. */
export async function nameFields(
  tx: Sql,
  header: Header,
  fields: readonly string[],
  expression: (field: string, column: string | undefined) => string,
): Promise<void> {
  const cells = header.cells.map((_, index) => `load.c${index + 1}`).join(', ');
  const named = fields.map((field) => {
    const column = header.columns.get(field);
    return `${expression(field, column === undefined ? undefined : `load.c${column + 1}`)} as ${field}`;
  });
  const columns = [
    'load.row_no',
    'load.ragged',
    `case when load.ragged is null then array[${cells}] else array[load.ragged] end as cells`,
    ...named,
  ];
  await tx.rows(`create temporary view load_field as select ${columns.join(', ')} from load`);
}

export async function dropLoad(tx: Sql): Promise<void> {
  await tx.rows('drop view load_field; drop table load');
}
