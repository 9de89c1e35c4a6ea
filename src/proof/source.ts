import { join } from 'node:path';
import type { Context } from '../job.ts';
import { reportFolder } from '../kpi/report.ts';
import { type Pruned, prunedOf } from './pruned.ts';
import { type CycleRecord, recordOf } from './record.ts';
import { REVISIONS, type RowText, revisionRows, shapesOf } from './rows.ts';

/** What a cycle is verified against: the database and the folders beside it, or a bundle. */
export interface Source {
  readonly record: CycleRecord;
  /** The folder whose `store` has the bytes. */
  readonly home: string;
  readonly workbook: (revision: number, name: string) => string;
  readonly submitted: (name: string) => string;
  /** Columns of the tables that hold revisions. */
  readonly tables: () => Promise<ReadonlyMap<string, readonly string[]>>;
  /** Rows of one revision in order of their keys, as `columns` and `key` of the table here. */
  readonly rows: <T>(
    table: string,
    columns: readonly string[],
    of: { readonly cycle: string; readonly revision: number },
    read: (rows: AsyncIterable<RowText>) => Promise<T>,
  ) => Promise<T>;
  /** What was deleted on purpose; of a bundle nothing is. */
  readonly pruned?: Pruned;
  /** The database, whose facts are compared as well; a bundle has none. */
  readonly live?: Context;
}

/** A cycle as this database and its folders have it. Throws LkpError('request') when it has no revision. */
export async function fromDatabase(context: Context, cycle: string): Promise<Source> {
  const { home, outbox } = context.settings;
  const record = await recordOf(context, cycle);
  return {
    record,
    home,
    live: context,
    pruned: await prunedOf(context, cycle),
    workbook: (revision, name) => join(reportFolder(home, cycle, revision), name),
    submitted: (name) => join(outbox, cycle, name),
    tables: () =>
      context.db.transaction('verify', async (tx) => {
        const shapes = await shapesOf(tx, REVISIONS);
        return new Map(shapes.map(({ table, columns }) => [table, columns.map(({ name }) => name)]));
      }),
    rows: (table, columns, of, read) =>
      context.db.transaction('verify', async (tx) => {
        const [shape] = await shapesOf(tx, `^${table}$`);
        if (!shape) throw new Error(`there is no table ${table}`);
        return read(revisionRows(tx, shape, columns, of.cycle, of.revision));
      }),
  };
}
