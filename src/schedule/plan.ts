import { addMonths } from '../calendar.ts';
import type { Job } from '../job.ts';
import { type DayRules, dayOf, type LocalDates, localDue, PROGRAM, type When } from './dates.ts';

/** When the jobs of a cycle are due beside one another: in the order in which they wait for each other. */

export type Planned = Pick<Job, 'name' | 'when' | 'after'>;

/** What a schedule file says beside the rules of each job. */
export interface Plan extends DayRules {
  readonly file: string | null;
  /** Jobs that are due when the file says. Every other one is due no earlier than the jobs that it waits for. */
  readonly fixed: ReadonlySet<string>;
}

/** The program's own: what `jobs/` says. */
export const PROGRAM_PLAN: Plan = { ...PROGRAM, file: null, fixed: new Set() };

/** The rule of a job. */
export function whenOf(jobs: readonly Planned[], name: string): When {
  const job = jobs.find((known) => known.name === name);
  if (!job) throw new Error(`the schedule has no job ${name}`);
  return job.when;
}

/** The days and times of each job in a cycle, in the program's time zone. */
export function localDatesOf(
  jobs: readonly Planned[],
  plan: Plan,
): (job: string, cycle: string) => LocalDates {
  const due = (name: string, cycle: string): LocalDates => {
    const own = localDue(whenOf(jobs, name), cycle, plan);
    if (plan.fixed.has(name)) return own;
    let found = own;
    for (const before of jobs.find((job) => job.name === name)!.after) {
      if (!jobs.some((job) => job.name === before)) continue;
      const { day, at } = due(before, cycle);
      if (`${day} ${at}` > `${found.day} ${found.at}`)
        found = { day, at, why: `as soon as ${before} is due`, notes: [] };
    }
    return found;
  };
  return (name, cycle) => {
    const found = due(name, cycle);
    const { deadline } = whenOf(jobs, name);
    if (deadline === null) return found;
    if (deadline === undefined) return { ...found, deadline: found.day };
    if ('job' in deadline) return { ...found, deadline: due(deadline.job, cycle).day };
    const month = deadline.month ? addMonths(cycle, 1) : cycle;
    return { ...found, deadline: dayOf(deadline.day, month, plan.thirdWeek) };
  };
}
