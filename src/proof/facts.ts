import type { Sql } from '../ports.ts';
import { type Compared, compareRows, flat, type RowText, type Shape, shapesOf, textOf } from './rows.ts';

/**
 * Facts are compared between the database and what was derived anew from the bytes: every table whose rows a change, a
 * file or a rule set brought. Left out are the ledger and the revisions (compared by themselves), what only nudges a
 * cache, what was pruned, and the directory's tables, which keep the latest state alone.
 */
const NOT_FACTS = /^(change|change_counter|month_touched|report_file|pruned|snapshot(_.*)?|directory_.*)$/;

/** The database's numbers for a thing, told as what it is. */
const NAMES: ReadonlyArray<readonly [column: RegExp, table: string, name: string]> = [
  [
    /^(.*_)?file_id$/,
    'file',
    `%.name || ' (sha256 ' || left(%.sha256, 12) || ', change ' || %.change_no || ')'`,
  ],
  [
    /^(document_id|replaces_id)$/,
    'document',
    `%.class || ' ' || %.number || ' of ' || %.issue_date || ' (seller ' || %.seller || ', ' || %.source || ')'`,
  ],
  [/^rule_set_id$/, 'rule_set', `%.name || ' (change ' || %.change_no || ')'`],
];

/** What a document is said to be follows the first of its rows that stands: a later change may move it. */
const MOVES = ['type_code', 'unit_sign', 'treatment', 'reference_number'];

interface Facts {
  readonly table: string;
  readonly columns: string[];
  readonly key: string[];
  /** Selects group_no (the change that brought it), key and cells; $1 is the last change, $2 names of documents. */
  readonly select: string;
}

/** What the database's facts were compared with; `beyond`: it knows changes after `head`. */
export interface Ground {
  readonly head: string;
  readonly beyond: boolean;
  /** Documents that a later change said something of. */
  readonly moved: readonly string[];
}

/** The tables of facts that both databases have, and how their rows are told. */
export async function factsOf(tx: Sql, { beyond }: Pick<Ground, 'beyond'>): Promise<Facts[]> {
  const shapes = await shapesOf(tx, '.');
  return (
    shapes
      .filter(({ table }) => !NOT_FACTS.test(table))
      // The headers of other rows are written when a document moves, for files of long before.
      .filter(({ table }) => !(beyond && table === 'other_header'))
      .flatMap((shape) => {
        const facts = told(shape);
        return facts ? [facts] : [];
      })
  );
}

function told(shape: Shape): Facts | undefined {
  const names = shape.columns.map(({ name }) => name);
  const brought = names.includes('change_no')
    ? 't.change_no'
    : names.includes('file_id')
      ? 'n_file_id.change_no'
      : names.includes('rule_set_id')
        ? 'n_rule_set_id.change_no'
        : undefined;
  if (brought === undefined) return undefined;
  const joins: string[] = [];
  const cells = shape.columns.map(({ name, type }) => {
    if (name === 'ended_no') return 'case when t.ended_no <= $1 then t.ended_no end::text';
    const known = NAMES.find(([column]) => column.test(name));
    if (known) {
      joins.push(`left join ${known[1]} as n_${name} on n_${name}.id = t."${name}"`);
      return known[2].replaceAll('%', `n_${name}`);
    }
    const text = textOf(`t."${name}"`, type);
    if (shape.table === 'document' && MOVES.includes(name))
      return `case when not (${NAMES[1]![2].replaceAll('%', 't')}) = any($2::text[]) then ${text} end`;
    return text;
  });
  const key = knownBy(shape, names);
  const keys = key.map((name) => cells[names.indexOf(name)]);
  return {
    table: shape.table,
    columns: names,
    key,
    select: `select ${brought} as group_no, json_build_array(${keys.join(', ')})::text as key,
                    json_build_array(${cells.join(', ')})::text as cells
             from "${shape.table}" as t ${joins.join(' ')}
             where ${brought} <= $1 and cardinality($2::text[]) >= 0`,
  };
}

/** Columns that a row is known by, where a database's own number is the primary key or there is none. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  file: ['sha256', 'kind', 'change_no'],
  document: ['source', 'seller', 'class', 'number', 'issue_date'],
  rule_set: ['name', 'change_no'],
  rate: ['currency', 'rate_date', 'origin', 'change_no'],
};

function knownBy({ table, key }: Shape, names: readonly string[]): string[] {
  const keyed = KEYS[table] ?? key;
  if (keyed.length > 0 && keyed.every((name) => names.includes(name))) return [...keyed];
  // A row of reference data is of a row of its file.
  return names.includes('file_id') && names.includes('row_no') ? ['file_id', 'row_no'] : [...names];
}

/** Whether changes after `head` are known, and which documents they moved. */
export async function groundOf(tx: Sql, head: string): Promise<Ground> {
  const { beyond } = await tx.one<{ beyond: boolean }>(
    'select exists (select from change where no > $1) as beyond',
    [head],
  );
  if (!beyond) return { head, beyond, moved: [] };
  const moved = await tx.rows<{ name: string }>(
    `select distinct ${NAMES[1]![2].replaceAll('%', 'document')} as name
     from document
     join (select document_id from line where change_no > $1 or ended_no > $1
           union select document_id from duplicate where change_no > $1 or ended_no > $1) as later
       on later.document_id = document.id`,
    [head],
  );
  return { head, beyond, moved: moved.map(({ name }) => name) };
}

/** Count and sum of hashes of a table's rows by the change that brought them: equal tables have equal ones. */
async function digests(tx: Sql, facts: Facts, { head, moved }: Ground): Promise<Map<string, string>> {
  const rows = await tx.rows<{ group_no: string; digest: string }>(
    `select facts.group_no, count(*) || ' ' || sum(('x' || left(md5(facts.cells), 15))::bit(60)::bigint) as digest
     from (${facts.select}) as facts group by 1 order by 1`,
    [head, moved],
  );
  return new Map(rows.map(({ group_no, digest }) => [group_no, digest]));
}

/**
 * Compares a table's facts: by a digest for each change first, and row by row only where two digests differ. The cost
 * is one pass over the table on each side.
 */
export async function compareFacts(
  recorded: Sql,
  derived: Sql,
  facts: Facts,
  ground: Ground,
): Promise<Compared> {
  const ours = await digests(recorded, facts, ground);
  const theirs = await digests(derived, facts, ground);
  const groups = [...new Set([...ours.keys(), ...theirs.keys()])].filter(
    (group) => ours.get(group) !== theirs.get(group),
  );
  const rows = [...ours.values()].reduce((sum, digest) => sum + Number(digest.split(' ')[0]), 0);
  if (groups.length === 0) return { rows, apart: [], count: 0 };
  const rowsIn = (tx: Sql): AsyncGenerator<RowText> =>
    flat(
      tx.stream<RowText>(
        `select facts.key, facts.cells from (${facts.select}) as facts where facts.group_no = any($3::bigint[])
         order by facts.key collate "C", facts.cells collate "C"`,
        [ground.head, ground.moved, groups],
        2_000,
      ),
    );
  const { apart, count } = await compareRows(
    facts.table,
    facts.key,
    facts.columns,
    rowsIn(recorded),
    rowsIn(derived),
  );
  return { rows, apart, count };
}
