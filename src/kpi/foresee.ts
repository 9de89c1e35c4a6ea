import { join } from 'node:path';
import { type Context, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import { freezeAside } from './as-known.ts';
import { gapsForeseen, gateSays } from './completeness.ts';
import { computeFresh, cutOff, takeCells } from './fresh.ts';
import { partnersOf } from './partner-rows.ts';
import { lastRevision, refresh } from './refresh.ts';
import { bookNames, findSnapshot, prepare, reportFolder } from './report.ts';

/** What a refresh of a cycle would do as things stand, and which workbooks its reports would be. */
export interface Foreseen {
  /** `new`: a first revision; `unchanged`: it has one that stands; `differs` and `incomplete`: it stops and asks a person. */
  readonly refresh: 'new' | 'unchanged' | 'differs' | 'incomplete';
  readonly revision: number | null;
  /** Cells that the new revision freezes, or that differ from the last one. */
  readonly cells: number;
  /** What the person would be asked. */
  readonly asks: string | null;
  /** Paths; none where it stops. */
  readonly workbooks: readonly string[];
}

/** Finds out by computing it, and keeps nothing. */
export async function foreseeRefresh(context: Context, cycle: string): Promise<Foreseen> {
  const gaps = await gapsForeseen(context, cycle);
  const stops = { revision: null, cells: 0, workbooks: [] };
  if (gaps.length > 0) return { ...stops, refresh: 'incomplete', asks: gateSays(cycle, gaps) };
  const planned = await refresh(context, cycle, { plan: true });
  if (planned.outcome === 'unchanged')
    return { ...(await foreseeReports(context, cycle)), refresh: 'unchanged' };
  if (planned.changes !== null)
    return {
      ...stops,
      refresh: 'differs',
      revision: planned.revision - 1,
      cells: planned.changes.cells,
      asks: `${planned.changes.cells} cells differ from revision ${planned.revision - 1}, which stays. lkp refresh ${cycle} --plan lists what changed.`,
    };
  return onlyAsked(context, 'foresee', async (tx) => {
    await takeCells(tx);
    const hash = await computeFresh(tx, context, cycle, await cutOff(tx));
    await freezeAside(tx, context, cycle, hash);
    const { cells } = await tx.one<{ cells: number }>(
      'select count(*)::int as cells from snapshot_cell where cycle = $1 and revision = 0',
      [cycle],
    );
    const workbooks = await books(tx, context, cycle, 0, planned.revision);
    return { refresh: 'new', revision: planned.revision, cells, asks: null, workbooks };
  });
}

/** The same of a cycle that is refreshed and is not refreshed again: the workbooks of its newest revision. */
export const foreseeReports = (context: Context, cycle: string): Promise<Foreseen> =>
  onlyAsked(context, 'foresee', async (tx) => {
    const { revision } = (await lastRevision(tx, cycle))!;
    const workbooks = await books(tx, context, cycle, revision, revision);
    return { refresh: 'unchanged', revision, cells: 0, asks: null, workbooks };
  });

async function books(
  tx: Sql,
  { settings }: Context,
  cycle: string,
  frozen: number,
  written: number,
): Promise<string[]> {
  await prepare(tx, await findSnapshot(tx, cycle, frozen), undefined);
  return bookNames(cycle, await partnersOf(tx)).map((name) =>
    join(reportFolder(settings.home, cycle, written), name),
  );
}
