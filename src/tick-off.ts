import type { Context } from './job.ts';
import type { Sql } from './ports.ts';

/**
 * A person did what a job of a cycle waits for: its occurrence is done, in whatever state it waited, and the run is recorded
 * as that person's. An attempt that runs now ends by itself; what is not planned is planned by its own time.
 */
export async function tickOff(
  tx: Sql,
  { settings }: Pick<Context, 'settings'>,
  job: string,
  cycle: string,
  says: string,
): Promise<void> {
  await tx.rows(
    `update occurrence set state = 'done', says = $3, lease_until = null
     where job = $1 and cycle = $2 and state in ('waiting', 'failed', 'missed', 'cancelled')`,
    [job, cycle, says],
  );
  await tx.rows(
    `insert into run (job, cycle, reason, actor, ended_at, outcome, says) values ($1, $2, 'manual', $3, now(), 'done', $4)`,
    [job, cycle, settings.LKP_ACTOR, says],
  );
}
