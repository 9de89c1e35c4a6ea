import { addMonths, dayIn } from '../calendar.ts';
import type { Job } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Schedule } from '../schedule/schedule.ts';

export interface Unplanned {
  readonly job: string;
  readonly cycle: string;
  readonly due_at: string;
  readonly deadline: string | null;
}

const DAY_MS = 86_400_000;

/** The oldest instant at which a job may have been due for the calendar still to look for it. */
export const lookBackTo = (schedule: Schedule, job: string, now: string): number =>
  Date.parse(now) - schedule.catchUp(job).windowDays * DAY_MS;

/**
 * What has been due since the ledger began and stands in it nowhere: nobody planned its cycle, because no scheduler has
 * run. Nothing while the ledger is empty, and nothing whose deadline passed before the installation.
 */
export async function unplanned(
  tx: Sql,
  schedule: Schedule,
  jobs: readonly Job[],
  now: string,
): Promise<Unplanned[]> {
  const { first, installed, planned } = await tx.one<{
    first: string | null;
    installed: string | null;
    planned: string[] | null;
  }>(
    `select min(occurrence.cycle) as first, (select min(change.known_at) from change) as installed,
            array_agg(distinct occurrence.cycle) as planned
     from occurrence`,
  );
  if (first === null) return [];
  const found: Unplanned[] = [];
  let cycle = dayIn(now, schedule.timeZone).slice(0, 7);
  const oldest = Math.min(...jobs.map(({ name }) => lookBackTo(schedule, name, now)));
  // A job may be due in the month after its cycle.
  const from = addMonths(dayIn(oldest, schedule.timeZone).slice(0, 7), -1);
  for (; cycle >= first && cycle >= from; cycle = addMonths(cycle, -1)) {
    if (planned?.includes(cycle)) continue;
    for (const { name } of jobs) {
      const { due, deadline } = schedule.dates(name, cycle);
      const looked = Date.parse(due) >= lookBackTo(schedule, name, now) && Date.parse(due) <= Date.parse(now);
      const before = installed !== null && deadline && Date.parse(deadline) < Date.parse(installed);
      if (looked && !before) found.push({ job: name, cycle, due_at: due, deadline: deadline ?? null });
    }
  }
  return found.sort((one, other) => Date.parse(one.due_at) - Date.parse(other.due_at));
}
