import { type Context, onlyAsked } from '../job.ts';
import { remake } from '../kpi/remake.ts';
import { nameOf } from './replay.ts';
import { compareRows, keyOf, REVISIONS, revisionRows, shapesOf } from './rows.ts';
import type { Source } from './source.ts';
import { type Held, tell } from './tell.ts';

/** What was deleted on purpose of what a cycle was made of: sha256 of bytes, and workbooks as `revision-N/name` -> when, by whom, why. */
export interface Pruned {
  readonly bytes: ReadonlyMap<string, string>;
  readonly workbooks: ReadonlyMap<string, string>;
}

/** Bytes that came in again after they were pruned are there, and none of these. */
export const prunedOf = (context: Context, cycle: string): Promise<Pruned> =>
  context.db.transaction('verify', async (tx) => {
    const rows = await tx.rows<{ kind: string; key: string; says: string }>(
      `select pruned.kind, case pruned.kind when 'bytes' then pruned.sha256 else pruned.name end as key,
              format('pruned on %s by %s: %s', to_char(change.known_at at time zone 'UTC', 'YYYY-MM-DD'), change.actor, change.reason) as says
       from pruned
       join change on change.no = pruned.change_no
       where pruned.kind = 'bytes' or pruned.cycle = $1
       order by pruned.id`,
      [cycle],
    );
    const of = (kind: string) =>
      new Map(rows.filter((row) => row.kind === kind).map(({ key, says }) => [key, says]));
    return { bytes: of('bytes'), workbooks: of('workbook') };
  });

/** The names of a revision that are other than those of the one which is computed beside it. */
const OWN = ['revision', 'made_no', 'change_no', 'reason', 'time_zone', 'build', 'due_at', 'late_by'];

/**
 * Where bytes were pruned, a cycle cannot be derived from them. Its frozen rows are then held against what follows from the facts
 * in the database as they were known at the cut-off: computed beside the revision, compared, and rolled back.
 */
export async function holdOnRecord(context: Context, { record }: Source, held: Held): Promise<void> {
  for (const made of record.revisions.filter(({ cycle }) => cycle === record.cycle)) {
    context.progress(`computing ${nameOf(made)} from the facts on record`);
    await onlyAsked(context, 'verify', async (tx) => {
      await remake(tx, context, { ...made, revision: 0, change_no: null });
      for (const shape of await shapesOf(tx, REVISIONS)) {
        const columns = shape.columns.map(({ name }) => name).filter((name) => !OWN.includes(name));
        const rows = (revision: number) => revisionRows(tx, shape, columns, made.cycle, revision);
        const found = await compareRows(
          shape.table,
          keyOf(shape, columns),
          columns,
          rows(made.revision),
          rows(0),
        );
        held.rows += found.rows;
        tell(held, 'revision', `${nameOf(made)}, `, found, 'on record');
      }
    });
  }
}
