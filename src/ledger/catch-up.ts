import type { Job } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { PATIENCE } from './late.ts';
import { COLUMNS, type Occurrence } from './occurrence.ts';

const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS"Z"';

/**
 * Decides what becomes of occurrences whose time passed while nobody looked, or while the calendar was paused, and
 * returns those that are now `missed`. It is decided once for each, at the first look since it was due: what a look saw
 * in time and then waited for an earlier job, or for a person, waits for its turn and is never missed. Neither is what
 * was begun before, nor what a person asked for. Call it after takeTurn.
 */
export async function catchUp(
  tx: Sql,
  jobs: readonly Job[],
  schedule: Schedule,
  now: string,
): Promise<Occurrence[]> {
  const policies = jobs.map(({ name }) => ({ name, ...schedule.catchUp(name) }));
  const seen = await tx.rows<Occurrence>(
    `with judged as (
       select occurrence.id,
              case
                when not occurrence.by_calendar or $1::timestamptz - occurrence.due_at <= interval '${PATIENCE}' then null
                when policy.name = 'none' then 'its catch-up policy is none'
                when $1::timestamptz - occurrence.due_at > make_interval(days => policy.window_days)
                then format('it is caught up within %s days', policy.window_days)
                when policy.name = 'last' and newer.cycle is not null
                then format('its catch-up policy is last, and %s is due', newer.cycle)
              end as why
       from occurrence
       left join unnest($2::text[], $3::text[], $4::int[]) as policy (job, name, window_days)
         on policy.job = occurrence.job
       left join lateral (
         select max(later.cycle) as cycle from occurrence as later
         where later.job = occurrence.job and later.cycle > occurrence.cycle and later.due_at <= $1
       ) as newer on true
       where occurrence.state = 'due' and occurrence.attempt = 0 and occurrence.seen_at is null
         and occurrence.due_at <= $1 and not occurrence.asked)
     update occurrence
     set seen_at = $1,
         state = case when judged.why is null then occurrence.state else 'missed' end,
         says = case when judged.why is not null then
                  format('Nothing was sent from %s, when it was due, to %s; %s. To run it all the same: lkp cycle %s.',
                         to_char(occurrence.due_at at time zone 'UTC', '${INSTANT}'),
                         to_char($1::timestamptz at time zone 'UTC', '${INSTANT}'), judged.why, occurrence.cycle)
                end
     from judged
     where occurrence.id = judged.id and occurrence.state = 'due' and occurrence.seen_at is null
       and not occurrence.asked
     returning ${COLUMNS}`,
    [
      now,
      policies.map(({ name }) => name),
      policies.map(({ policy }) => policy),
      policies.map(({ windowDays }) => windowDays),
    ],
  );
  return seen
    .filter(({ state }) => state === 'missed')
    .sort((one, other) => Number(one.id) - Number(other.id));
}
