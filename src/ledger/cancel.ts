import { meant } from '../config.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { sessionsOf } from './attempt.ts';
import { nameOf, type Occurrence, occurrencesOf, takeTurn } from './occurrence.ts';

/** What a cancel ended: an occurrence, and how it stood before. */
export interface Cancelled extends Pick<Occurrence, 'job' | 'cycle' | 'part' | 'parts' | 'attempt'> {
  readonly was: Occurrence['state'];
}

/**
 * Cancels what of a cycle, or of one job of it, is not done: running, due, to be tried again, or left to a person who does
 * not want it any more. A running attempt loses its
 * fence first and its database sessions then: nothing more of it is stored, and it ends at its next touch of the
 * database. Nothing of it runs again until somebody asks for the cycle. Throws LkpError('request') when there is nothing
 * to cancel.
 */
export async function cancel(
  context: Context,
  cycle: string,
  { job, reason }: { readonly job?: string; readonly reason: string },
): Promise<Cancelled[]> {
  const actor = context.settings.LKP_ACTOR;
  const says = `Cancelled by ${actor}: ${reason.replace(/\.$/, '')}. To run it again: lkp cycle ${cycle}.`;
  const cancelled = await context.db.transaction('cancel', async (tx) => {
    await takeTurn(tx);
    const found = await tx.rows<Cancelled & { id: string }>(
      `with before as (
         select id, state from occurrence
         where cycle = $1 and ($2::text is null or job = $2)
           and state not in ('done', 'cancelled')
         for update)
       update occurrence set state = 'cancelled', says = $3, lease_until = null, cutoff = null
       from before where occurrence.id = before.id
       returning occurrence.id, occurrence.job, occurrence.cycle, occurrence.part, occurrence.parts, occurrence.attempt,
                 before.state as was`,
      [cycle, job ?? null, says],
    );
    if (found.length === 0) await nothing(tx, cycle, job);
    await tx.rows(
      `update run set ended_at = now(), outcome = 'cancelled', says = $2
       where occurrence_id = any($1) and ended_at is null`,
      [found.map(({ id }) => id), says],
    );
    return found.sort((one, other) => Number(one.id) - Number(other.id));
  });
  // Only now: what begins a transaction from here on meets the fence at its beginning.
  const running = cancelled.filter(({ was }) => was === 'running');
  await context.db.transaction('cancel', (tx) =>
    tx.rows(
      `select pg_terminate_backend(activity.pid, 2000)
       from unnest($1::text[]) as cancelled (name)
       join pg_stat_activity as activity
         on activity.datname = current_database()
        and starts_with(activity.application_name, format('lkp %s ', cancelled.name))`,
      [running.map(sessionsOf)],
    ),
  );
  return cancelled.map(({ id: _, ...rest }) => rest);
}

/** Says how things stand where nothing can be cancelled. */
async function nothing(tx: Sql, cycle: string, job: string | undefined): Promise<never> {
  const all = await occurrencesOf(tx, cycle);
  if (all.length === 0)
    throw new LkpError(
      'request',
      `Nothing of ${cycle} is planned, so nothing can be cancelled. lkp calendar shows the cycles.`,
    );
  const names = [...new Set(all.map((one) => one.job))];
  if (job !== undefined && !names.includes(job))
    throw new LkpError(
      'request',
      `${cycle} has no job ${job}.${meant(job, names, ' Did you mean')} It has ${names.join(', ')}.`,
    );
  const asked = all.filter((one) => job === undefined || one.job === job);
  const states = asked.map((one) => `${nameOf(one)} is ${one.state}`);
  const again = asked.every(({ state }) => state === 'done')
    ? ''
    : ` To run what is not done: lkp cycle ${cycle}`;
  throw new LkpError(
    'request',
    `Nothing of ${job === undefined ? cycle : `${job} of ${cycle}`} is left to cancel: ${states.join(', ')}.${again}`,
  );
}
