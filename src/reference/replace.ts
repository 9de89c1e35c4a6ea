import type { Sql } from '../ports.ts';
import type { Kind } from './kinds.ts';

/**
 * The bitemporal replacement of the keys that a file names, from `staged_reference`. A fact of the database that a
 * good row says word for word stays untouched; the other current facts of the same keys end; what is new is
 * inserted. Keys that the file does not name stay. One text for eight tables: only the column names differ.
 */

const list = (names: readonly string[], of: string): string =>
  names.map((name) => `${of}.${name}`).join(', ');
const equal = (names: readonly string[]): string =>
  names.map((name) => `current.${name} = staged.${name}`).join(' and ');

const factColumns = (kind: Kind): string[] => [
  ...kind.values,
  ...(kind.dated ? ['valid_from', 'valid_to'] : []),
];

const sameFact = (kind: Kind): string =>
  `${equal(kind.key)} and (${list(factColumns(kind), 'current')}) is not distinct from (${list(factColumns(kind), 'staged')})`;

/** Marks the staged facts that are current already. */
export async function markKnown(tx: Sql, kind: Kind): Promise<void> {
  await tx.rows(
    `update staged_reference as staged set known = true
     from ${kind.table} as current
     where current.ended_no is null and staged.rule is null and ${sameFact(kind)}`,
  );
}

/** How many current facts `replaceKeys` would end. */
export async function countEnding(tx: Sql, kind: Kind): Promise<number> {
  const { ending } = await tx.one<{ ending: number }>(
    `select count(*)::int as ending from ${kind.table} as current where ${isReplaced(kind)}`,
  );
  return ending;
}

export async function replaceKeys(tx: Sql, kind: Kind, fileId: number, changeNo: string): Promise<void> {
  await tx.rows(`update ${kind.table} as current set ended_no = $1 where ${isReplaced(kind)}`, [changeNo]);
  const columns = [...kind.key, ...factColumns(kind)];
  await tx.rows(
    `insert into ${kind.table} (${columns.join(', ')}, file_id, row_no, change_no)
     select ${list(columns, 'staged')}, $1, staged.row_no, $2
     from staged_reference as staged
     where staged.rule is null and not staged.known and not staged.repeats
     order by staged.row_no`,
    [fileId, changeNo],
  );
}

const isReplaced = (kind: Kind): string =>
  `current.ended_no is null
   and exists (select from staged_reference as staged where staged.rule is null and ${equal(kind.key)})
   and not exists (select from staged_reference as staged where staged.rule is null and ${sameFact(kind)})`;
