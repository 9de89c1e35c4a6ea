import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Settings } from '../config.ts';
import { LkpError } from '../job.ts';
import { type Dates, datesIn } from './dates.ts';
import { readScheduleFile } from './file.ts';
import { localDatesOf, type Plan, type Planned, PROGRAM_PLAN, whenOf } from './plan.ts';

/** When jobs are due, and what becomes of those that were missed: the rules of `jobs/`, as the schedule file changes them. */
export interface Schedule {
  readonly timeZone: string;
  /** The file that changes the program's own schedule; null: none does. */
  readonly file: string | null;
  /** When a job of a cycle is due and late (UTC), and why then. */
  dates(job: string, cycle: string): Dates;
  /** What becomes of an occurrence whose time passed while nobody looked. */
  catchUp(job: string): CatchUp;
  /** What a person should know about the dates of these cycles: holidays that nobody has listed yet. */
  warnings(cycles: readonly string[]): string[];
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

/** The schedule of some jobs as they say themselves. */
export function scheduleOf(timeZone: string, jobs: readonly Planned[], plan: Plan = PROGRAM_PLAN): Schedule {
  const local = localDatesOf(jobs, plan);
  return {
    timeZone,
    file: plan.file,
    dates: (job, cycle) => datesIn(local(job, cycle), timeZone),
    catchUp: (job) => ({ ...CATCH_UP, ...whenOf(jobs, job).catchUp }),
    warnings: (cycles) => unlisted(jobs, plan, cycles),
  };
}

function unlisted(jobs: readonly Planned[], { working }: Plan, cycles: readonly string[]): string[] {
  const listed = new Set([...working.holidays.keys()].map((day) => day.slice(0, 4)));
  if (listed.size === 0 || !jobs.some(({ when }) => when.shift)) return [];
  const years = new Set(cycles.map((cycle) => cycle.slice(0, 4)).filter((year) => !listed.has(year)));
  if (years.size === 0) return [];
  const known = [...listed].sort();
  return [
    `Holidays are known until ${known.at(-1)} only: in ${[...years].sort().join(' and ')} days are moved for weekends alone. Add the holidays of each year to the holiday file.`,
  ];
}

/**
 * Reads the schedule: what `jobs/` says, changed by the file that LKP_SCHEDULE names, or by LKP_HOME/schedule.yaml where there
 * is one. Throws LkpError('request') with each fault.
 */
export async function readSchedule(
  settings: Pick<Settings, 'LKP_TIME_ZONE' | 'LKP_SCHEDULE' | 'home'>,
  jobs: readonly Planned[],
): Promise<Schedule> {
  const asked = settings.LKP_SCHEDULE;
  const path = asked === undefined ? `${settings.home}/schedule.yaml` : resolve(asked);
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  if (!there && asked === undefined) return scheduleOf(settings.LKP_TIME_ZONE, jobs);
  if (!there)
    throw new LkpError(
      'request',
      `LKP_SCHEDULE names ${path}, and no file can be found there. Correct the path, or unset LKP_SCHEDULE for the program's own schedule.`,
    );
  const { changed, plan } = await readScheduleFile(path, jobs);
  return scheduleOf(settings.LKP_TIME_ZONE, changed, plan);
}
