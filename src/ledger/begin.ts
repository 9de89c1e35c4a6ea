import type { Part } from '../job.ts';
import type { Sql } from '../ports.ts';
import { lateText, PATIENCE } from './late.ts';
import { type Asked, COLUMNS, type Occurrence } from './occurrence.ts';

/** How long an attempt may give no sign of life before another takes its place, and how often it gives one. */
export const LEASE = '15 seconds';
export const SIGN_OF_LIFE_MS = 5_000;

/** An attempt that was begun; `run` is its row. */
export interface Taken extends Occurrence, Part {
  readonly run: string;
  /** As recorded: `catch-up` when it is late. */
  readonly reason: Asked['reason'];
}

/**
 * Begins an attempt and returns it, or undefined when someone else did: that is success too. `attempt` is the one
 * the message was sent for. Late by `now` (the server's clock when absent) is only what the calendar sent. The cut-off
 * that is kept here is the one of the first attempt, until an attempt ends in a way after which it begins anew.
 */
export async function begin(
  tx: Sql,
  id: string,
  attempt: number,
  { reason, actor }: Asked,
  now?: string,
): Promise<Taken | undefined> {
  const begun = await tx.maybe<Occurrence & { cutoff: string | null; late: string | null }>(
    `with judged as (
       select coalesce($3::timestamptz, clock_timestamp()) - occurrence.due_at as age,
              $4::text in ('scheduled', 'catch-up') and occurrence.by_calendar and not occurrence.asked as by_calendar
       from occurrence where occurrence.id = $1),
     late as (
       select case when judged.by_calendar and judged.age > interval '${PATIENCE}' then judged.age end as by from judged)
     update occurrence
     set state = 'running', attempt = attempt + 1, lease_until = now() + interval '${LEASE}', says = null,
         late_by = case when attempt = 0 then late.by else occurrence.late_by end,
         cutoff = coalesce(occurrence.cutoff, (select max(change.no) from change))
     from late
     where id = $1 and attempt = $2 and state = 'enqueued'
     returning ${COLUMNS}, occurrence.cutoff, late.by as late`,
    [id, attempt, now ?? null, reason],
  );
  if (!begun) return undefined;
  const { cutoff, late, ...occurrence } = begun;
  await tx.rows(
    `update run set ended_at = now(), outcome = 'failed', says = format('No sign of life for ${LEASE}; attempt %s took over.', $2::int)
     where occurrence_id = $1 and ended_at is null`,
    [id, occurrence.attempt],
  );
  const recorded = late !== null ? 'catch-up' : reason === 'catch-up' ? 'scheduled' : reason;
  const { run } = await tx.one<{ run: string }>(
    `insert into run (occurrence_id, job, cycle, attempt, reason, actor, late_by)
     values ($1, $2, $3, $4, $5, $6, $7) returning id as run`,
    [id, occurrence.job, occurrence.cycle, occurrence.attempt, recorded, actor, late],
  );
  return {
    ...occurrence,
    run,
    reason: recorded,
    ...(late !== null && { lateBy: lateText(late) }),
    ...(cutoff !== null && { cutoff }),
  };
}
