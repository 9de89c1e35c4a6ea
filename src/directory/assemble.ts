import { refreshDay, requestDeadline } from '../calendar.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import {
  type Counts,
  countsOf,
  lastSubmitted,
  laterSubmission,
  lockDirectory,
  readBatch,
  tookBack,
} from './batch.ts';

export interface Assembled extends Counts {
  readonly cycle: string;
  /** The submitted cycle that it was compared with; null for the first batch. */
  readonly compared_with: string | null;
  /** Requests that came after the deadline: they join a later cycle. */
  readonly rolled_over: number;
  /** Requests of partners that were enrolled in no Learning option on the 15th. */
  readonly not_eligible: number;
}

/**
 * Makes the directory batch of a cycle from what is known now, in place of an earlier one of the same cycle: the
 * listings that were asked for in time, of partners enrolled in any Learning option on the 15th (DOMAIN, The
 * directory), compared with the last submitted batch. Throws LkpError('request') when this cycle or a later one is
 * submitted, or when this one is not refreshed yet.
 */
export async function assembleDirectory(context: Context, cycle: string): Promise<Assembled> {
  return context.db.transaction('directory assemble', async (tx) => {
    await lockDirectory(tx);
    await mayAssemble(tx, cycle);
    return assembleAgain(tx, context, cycle);
  });
}

/** The same without asking whether it may be: for who knows that it was (`lkp verify`). */
export async function assembleAgain(tx: Sql, context: Context, cycle: string): Promise<Assembled> {
  const comparedWith = await lastSubmitted(tx, cycle);
  // The number is taken first here: from now on nobody else commits a change, so the cut-off is what we see.
  const change = await nextChange(tx, context, { kind: 'directory assemble', reason: cycle });
  await tx.rows('delete from directory_entry where cycle = $1', [cycle]);
  await tx.rows(
    `insert into directory_batch (cycle, state, cutoff, compared_with, change_no) values ($1, 'assembled', $2, $3, $2)
     on conflict (cycle) do update
     set state = excluded.state, cutoff = excluded.cutoff, compared_with = excluded.compared_with, change_no = excluded.change_no`,
    [cycle, change, comparedWith],
  );
  const [left] = await tx.file<{ rolled_over: number; not_eligible: number }>('marts/directory_entries', {
    cycle,
    cutoff: change,
    day: refreshDay(cycle),
    deadline: requestDeadline(cycle),
    compared_with: comparedWith,
  });
  const batch = await readBatch(tx, cycle);
  return { cycle, compared_with: comparedWith, ...countsOf(batch!.entries), ...left! };
}

/**
 * Why the batch of a cycle is not assembled any more, in words that end a sentence; undefined while it may be. `begun`: its own
 * submission has begun, and `submitDirectory` ends it.
 */
export async function pastAssembly(
  context: Context,
  cycle: string,
): Promise<{ readonly begun: boolean; readonly says: string } | undefined> {
  return context.db.transaction('directory look', async (tx) => {
    const begun = await tx.maybe('select from directory_submission where cycle = $1', [cycle]);
    if (begun) return { begun: true, says: 'already submitted; nothing to assemble' };
    const later = await laterSubmission(tx, cycle);
    return later === null ? undefined : { begun: false, says: tookBack(cycle, later) };
  });
}

async function mayAssemble(tx: Sql, cycle: string): Promise<void> {
  const begun = await tx.maybe<{ status: string }>(
    'select status from directory_submission where cycle = $1',
    [cycle],
  );
  if (begun?.status === 'submitted') {
    throw new LkpError(
      'request',
      `The directory batch of ${cycle} is submitted; a cycle is submitted once. What changed since joins the next cycle: assemble that one.`,
    );
  }
  if (begun) {
    throw new LkpError(
      'request',
      `The submission of ${cycle} has begun and is not finished (${begun.status}), so its batch must not change. Run lkp directory submit ${cycle}.`,
    );
  }
  const later = await laterSubmission(tx, cycle);
  if (later) {
    throw new LkpError('request', `${tookBack(cycle, later)}. Assemble the cycle after ${later}.`);
  }
  const refreshed = await tx.maybe('select from snapshot where cycle = $1 limit 1', [cycle]);
  if (!refreshed) {
    throw new LkpError(
      'request',
      `Cycle ${cycle} is not refreshed yet; its directory batch comes after its KPI reports. Run lkp refresh ${cycle} first.`,
    );
  }
}
