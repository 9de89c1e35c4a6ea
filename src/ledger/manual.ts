import type { Context, Outcome } from '../job.ts';

/** Writes down a command that a person gave, beside the calendar. */
export async function recordManual(
  context: Context,
  job: string,
  cycle: string | null,
  outcome: Outcome,
  says: string,
): Promise<void> {
  await context.db.transaction('record', (tx) =>
    tx.rows(
      `insert into run (job, cycle, reason, actor, ended_at, outcome, says) values ($1, $2, 'manual', $3, now(), $4, $5)`,
      [job, cycle, context.settings.LKP_ACTOR, outcome, says],
    ),
  );
}
