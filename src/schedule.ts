import type { Settings } from './config.ts';
import { type Dates, datesOf, type When, type WorkingDays } from './dates.ts';
import type { Job } from './job.ts';

/** When jobs are due, and what becomes of those that were missed: the rules of `jobs/`, as the schedule file changes them. */
export interface Schedule {
  readonly timeZone: string;
  /** When a job of a cycle is due and late (UTC), and why then. */
  dates(job: string, cycle: string): Dates;
  /** What becomes of an occurrence whose time passed while nobody looked. */
  catchUp(job: string): CatchUp;
}

/**
 * `last`: only the newest missed cycle is run. `all`: each of them, the oldest first. `none`: none of them. What can begin no
 * later than `windowDays` days after it was due is run, what is older is missed.
 */
export interface CatchUp {
  readonly policy: 'none' | 'last' | 'all';
  readonly windowDays: number;
}

const CATCH_UP: CatchUp = { policy: 'all', windowDays: 45 };

type Planned = Pick<Job, 'name' | 'when'>;

/** The schedule of some jobs as they say themselves. */
export function scheduleOf(
  timeZone: string,
  jobs: readonly Planned[],
  working: WorkingDays = { weekend: new Set(), holidays: new Map() },
): Schedule {
  const whens = new Map(jobs.map(({ name, when }): [string, When] => [name, when]));
  const whenOf = (job: string): When => {
    const when = whens.get(job);
    if (!when) throw new Error(`the schedule has no job ${job}`);
    return when;
  };
  return {
    timeZone,
    dates: (job, cycle) => datesOf(whenOf(job), cycle, timeZone, working),
    catchUp: (job) => ({ ...CATCH_UP, ...whenOf(job).catchUp }),
  };
}

/** Reads the schedule: what `jobs/` says, changed by the file that LKP_SCHEDULE names. Throws LkpError('request') with each fault. */
export async function readSchedule(settings: Settings, jobs: readonly Planned[]): Promise<Schedule> {
  return scheduleOf(settings.LKP_TIME_ZONE, jobs);
}
