import { addMonths, dayIn } from '../calendar.ts';
import type { Job } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { takeTurn } from './occurrence.ts';

/**
 * Writes down what a cycle has to do. What is there already stays as it is, with the parts that it was planned with: a
 * done cycle is never fired again. What a person plans is not the calendar's: no policy skips it, and no month is missed
 * because of it.
 */
export async function plan(
  tx: Sql,
  jobs: readonly Job[],
  cycle: string,
  schedule: Schedule,
  by: 'calendar' | 'person' = 'person',
): Promise<void> {
  const dates = jobs.map((job) => ({
    job: job.name,
    parts: job.parts ?? 1,
    ...schedule.dates(job.name, cycle),
  }));
  await tx.rows(
    `insert into occurrence (job, cycle, part, parts, due_at, deadline, by_calendar)
     select due.job, $1, part, due.parts, due.due_at, due.deadline, $6
     from unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::timestamptz[])
            with ordinality as due (job, parts, due_at, deadline, place)
     cross join generate_series(1, due.parts) as part
     where not exists (select from occurrence where occurrence.job = due.job and occurrence.cycle = $1)
     order by due.place, part
     on conflict (job, cycle, part) do nothing`,
    [
      cycle,
      dates.map(({ job }) => job),
      dates.map(({ parts }) => parts),
      dates.map(({ due }) => due),
      dates.map(({ deadline }) => deadline ?? null),
      by === 'calendar',
    ],
  );
}

/** A job of a cycle that an edited schedule moved, before it was begun. Instants in UTC. */
export interface Moved {
  readonly job: string;
  readonly cycle: string;
  readonly due_before: string;
  readonly due_at: string;
  readonly deadline_before: string | null;
  readonly deadline: string | null;
}

/**
 * The calendar's plan: the current month, and each month since the calendar's first of which nothing is known, because
 * nobody was there to plan it. A new installation has no such month, and a job that a later version added does not
 * become due in an old one. What is not begun follows the schedule as it is now; returns what moved.
 */
export async function planCalendar(
  tx: Sql,
  jobs: readonly Job[],
  schedule: Schedule,
  now: string,
): Promise<Moved[]> {
  await takeTurn(tx);
  const current = dayIn(now, schedule.timeZone).slice(0, 7);
  const { first } = await tx.one<{ first: string | null }>(
    'select min(cycle) as first from occurrence where by_calendar',
  );
  // A clock that went back to before all that.
  if (first !== null && first > current) return [];
  if (first !== null) {
    const known = await tx.rows<{ cycle: string }>('select distinct cycle from occurrence');
    const months = new Set(known.map(({ cycle }) => cycle));
    for (let month = first; month < current; month = addMonths(month, 1)) {
      if (!months.has(month)) await plan(tx, jobs, month, schedule, 'calendar');
    }
  }
  await plan(tx, jobs, current, schedule, 'calendar');
  // Where a person was first, the calendar goes on.
  await tx.rows('update occurrence set by_calendar = true where cycle = $1 and not by_calendar', [current]);
  return follow(tx, jobs, schedule, now);
}

/**
 * Moves what is not begun to the dates of the schedule. No edit makes anything due before the moment of the edit: what it
 * moves from a day to come to a day that is over is due now, and what was due already is due no earlier than it was. So
 * an edit makes nothing late or missed.
 */
async function follow(tx: Sql, jobs: readonly Job[], schedule: Schedule, now: string): Promise<Moved[]> {
  const open = await tx.rows<{ job: string; cycle: string }>(
    `select distinct job, cycle from occurrence
     where state = 'due' and attempt = 0 and not asked and job = any($1)`,
    [jobs.map(({ name }) => name)],
  );
  const dates = open.map(({ job, cycle }) => ({ job, cycle, ...schedule.dates(job, cycle) }));
  const moved = await tx.rows<Moved>(
    `with moved as (
       select occurrence.id, occurrence.due_at as due_before, occurrence.deadline as deadline_before,
              greatest(given.due_at, least(occurrence.due_at, $5::timestamptz)) as due_at, given.deadline
       from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as given (job, cycle, due_at, deadline)
       join occurrence on occurrence.job = given.job and occurrence.cycle = given.cycle
       where occurrence.state = 'due' and occurrence.attempt = 0 and not occurrence.asked)
     update occurrence
     set due_at = moved.due_at, deadline = moved.deadline,
         seen_at = case when moved.due_at <= $5 then occurrence.seen_at end
     from moved
     where occurrence.id = moved.id
       and (moved.due_at, moved.deadline) is distinct from (moved.due_before, moved.deadline_before)
     returning occurrence.job, occurrence.cycle, moved.due_before, occurrence.due_at, moved.deadline_before,
               occurrence.deadline, occurrence.part`,
    [
      dates.map(({ job }) => job),
      dates.map(({ cycle }) => cycle),
      dates.map(({ due }) => due),
      dates.map(({ deadline }) => deadline ?? null),
      now,
    ],
  );
  return asOne(moved);
}

/** A job in parts moves as one: its parts have the same dates. */
function asOne(moved: readonly Moved[]): Moved[] {
  const found = new Map(moved.map((one): [string, Moved] => [`${one.cycle} ${one.job}`, one]));
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, one]) => one);
}
