import type { Sql } from '../ports.ts';

/** A table as the catalogue of a database has it. */
export interface Shape {
  readonly table: string;
  /** Every column but those that a database numbers by itself, with its type, in order. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly type: string }>;
  /** Columns of the primary key; all of them where there is none. */
  readonly key: readonly string[];
}

/** One row as text: its key and its cells, JSON arrays of strings and nulls. */
export interface RowText {
  readonly key: string;
  readonly cells: string;
}

/** A row, or a cell of one, that is not what it was derived to be. */
export interface Apart {
  readonly table: string;
  /** `partner_mpn_id 1234567, kpi_month 2019-05-01`. */
  readonly row: string;
  /** The column; undefined where the whole row is there once only. */
  readonly column?: string;
  /** null: no such row, or the cell is empty. */
  readonly recorded: string | null;
  readonly derived: string | null;
}

export interface Compared {
  readonly rows: number;
  /** The first of them, and how many there are. */
  readonly apart: Apart[];
  readonly count: number;
}

/** So many differences of a table are told; the rest is counted. */
const TOLD = 20;

/** The tables that hold revisions. */
export const REVISIONS = '^snapshot(_.*)?$';

/** The tables of this database whose names match, by name. */
export async function shapesOf(tx: Sql, pattern: string): Promise<Shape[]> {
  return tx.rows<Shape>(
    `select pg_class.relname as table,
            (select json_agg(json_build_object('name', pg_attribute.attname, 'type', format_type(pg_attribute.atttypid, null))
                             order by pg_attribute.attnum)
             from pg_attribute
             where pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
               and pg_attribute.attidentity = '') as columns,
            coalesce((select array_agg(pg_attribute.attname::text order by place)
                      from pg_index
                      cross join unnest(pg_index.indkey::int[]) with ordinality as keyed (attnum, place)
                      join pg_attribute on pg_attribute.attrelid = pg_class.oid and pg_attribute.attnum = keyed.attnum
                      where pg_index.indrelid = pg_class.oid and pg_index.indisprimary), '{}') as key
     from pg_class
     where pg_class.relkind = 'r' and pg_class.relnamespace = current_schema()::regnamespace and pg_class.relname ~ $1
     order by pg_class.relname collate "C"`,
    [pattern],
  );
}

/** A column as text that is the same on every server: without trailing zeros, instants in UTC. */
export function textOf(column: string, type: string): string {
  if (type === 'numeric') return `trim_scale(${column})::text`;
  if (type === 'timestamp with time zone')
    return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return `${column}::text`;
}

/** The rows of one revision, in order of their keys. */
export async function* revisionRows(
  tx: Sql,
  shape: Shape,
  columns: readonly string[],
  cycle: string,
  revision: number,
): AsyncGenerator<RowText> {
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]));
  const text = (name: string) => textOf(`t."${name}"`, types.get(name)!);
  const keyed = keyOf(shape, columns);
  yield* flat(
    tx.stream<RowText>(
      `select told.key, told.cells
       from (select json_build_array(${keyed.map(text).join(', ')})::text as key,
                    json_build_array(${columns.map(text).join(', ')})::text as cells
             from "${shape.table}" as t where t.cycle = $1 and t.revision = $2) as told
       order by told.key collate "C", told.cells collate "C"`,
      [cycle, revision],
      2_000,
    ),
  );
}

export async function* flat<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}

/** What a row is known by among those of its revision; nothing, where there is one. */
export const keyOf = (shape: Shape, columns: readonly string[]): string[] =>
  shape.key.length === 0
    ? [...columns]
    : shape.key.filter((name) => !['cycle', 'revision'].includes(name) && columns.includes(name));

/** Walks through both sides, which are in order of their keys (code points), and tells where they part. */
export async function compareRows(
  table: string,
  key: readonly string[],
  columns: readonly string[],
  recorded: AsyncIterable<RowText>,
  derived: AsyncIterable<RowText>,
): Promise<Compared> {
  const found: { rows: number; apart: Apart[]; count: number } = { rows: 0, apart: [], count: 0 };
  const tell = (apart: Apart) => {
    found.count += 1;
    if (found.apart.length < TOLD) found.apart.push(apart);
  };
  const alone = (row: RowText, side: 'recorded' | 'derived') =>
    tell({ table, row: named(key, row.key), recorded: null, derived: null, [side]: 'there' });
  const [ours, theirs] = [recorded[Symbol.asyncIterator](), derived[Symbol.asyncIterator]()];
  let [one, other] = [await ours.next(), await theirs.next()];
  while (!one.done || !other.done) {
    const order = one.done ? 1 : other.done ? -1 : byCodePoint(one.value.key, other.value.key);
    if (order === 0 && one.value.cells !== other.value.cells)
      for (const apart of cellsApart(columns, one.value, other.value))
        tell({ table, row: named(key, one.value.key), ...apart });
    if (order < 0) alone(one.value, 'recorded');
    if (order > 0) alone(other.value, 'derived');
    if (order <= 0) {
      found.rows += 1;
      one = await ours.next();
    }
    if (order >= 0) other = await theirs.next();
  }
  return found;
}

const byCodePoint = (one: string, other: string): number =>
  one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));

function cellsApart(
  columns: readonly string[],
  one: RowText,
  other: RowText,
): Array<Pick<Apart, 'recorded' | 'derived'> & { column: string }> {
  const [ours, theirs] = [one, other].map(({ cells }) => JSON.parse(cells) as Array<string | null>);
  return columns.flatMap((column, index) => {
    const [recorded = null, derived = null] = [ours![index], theirs![index]];
    return recorded === derived ? [] : [{ column, recorded, derived }];
  });
}

/** `partner_mpn_id 1234567, kpi_month 2019-05-01` */
function named(key: readonly string[], values: string): string {
  const cells = JSON.parse(values) as Array<string | null>;
  return key.map((name, index) => `${name} ${shortened(cells[index] ?? null)}`).join(', ');
}

export const shortened = (text: string | null): string =>
  text === null ? 'nothing' : text === '' ? "''" : text.length > 80 ? `${text.slice(0, 77)}...` : text;
