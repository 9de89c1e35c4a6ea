import type { Context, Outcome } from '../job.ts';
import type { Sql } from '../ports.ts';

/** Writes down a command that a person gave, beside the calendar. */
export const recordManual = (
  context: Context,
  job: string,
  cycle: string | null,
  outcome: Outcome,
  says: string,
): Promise<void> => context.db.transaction('record', (tx) => record(tx, context, job, cycle, outcome, says));

/**
 * A person did what a job of a cycle waits for: its occurrence is done, in whatever state it waited, and the run is recorded
 * as that person's. An attempt that runs now ends by itself; what is not planned is planned by its own time.
 */
export async function tickOff(
  tx: Sql,
  context: Pick<Context, 'settings'>,
  job: string,
  cycle: string,
  says: string,
): Promise<void> {
  await tx.rows(
    `update occurrence set state = 'done', says = $3, lease_until = null
     where job = $1 and cycle = $2 and state in ('waiting', 'failed', 'missed', 'cancelled')`,
    [job, cycle, says],
  );
  await record(tx, context, job, cycle, 'done', says);
}

async function record(
  tx: Sql,
  { settings }: Pick<Context, 'settings'>,
  job: string,
  cycle: string | null,
  outcome: Outcome,
  says: string,
): Promise<void> {
  await tx.rows(
    `insert into run (job, cycle, reason, actor, ended_at, outcome, says) values ($1, $2, 'manual', $3, now(), $4, $5)`,
    [job, cycle, settings.LKP_ACTOR, outcome, says],
  );
}
