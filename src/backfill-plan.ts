import type { App } from './app.ts';
import { cyclesOf, isWanted, type Range, type RangeAsked, type Step, stepsOf } from './backfill.ts';
import { type ForeseenBatch, foreseeDirectory } from './directory/foresee.ts';
import { newInInbox } from './invoice/inbox.ts';
import { type Foreseen, foreseeRefresh, foreseeReports } from './kpi/foresee.ts';

/** What a run of one cycle would do. */
export interface CyclePlan {
  readonly cycle: string;
  readonly steps: readonly Step[];
  /** Null where neither the refresh nor the reports would run. */
  readonly refresh: Foreseen | null;
  /** Null where neither the batch nor the submission is concerned. */
  readonly directory: ForeseenBatch | null;
  /** Paths that would be written, or written again: workbooks, and the files of the submission. */
  readonly files: readonly string[];
}

export interface RangePlan {
  readonly cycles: readonly CyclePlan[];
  /** Files of the inbox, by their paths in it, that an ingest would look into first: what they bring is not in this plan. */
  readonly new_in_inbox: readonly string[];
}

/**
 * What `runRange` would do as things stand, for every cycle of the range; computed, and rolled back. Nothing is written: no
 * occurrence, no row, no file.
 */
export async function planRange(app: App, range: Range, asked: RangeAsked): Promise<RangePlan> {
  const cycles: CyclePlan[] = [];
  for (const cycle of cyclesOf(range)) {
    app.progress(`${cycle}: looking`);
    const steps = await stepsOf(app, cycle, asked);
    const wanted = isWanted(steps, asked.only);
    cycles.push(wanted ? await planCycle(app, cycle, steps) : { cycle, ...NOTHING, steps: steps.map(stays) });
  }
  const ingests = cycles.some(({ steps }) =>
    steps.some(({ job, would }) => job === 'ingest' && would === 'run'),
  );
  return { cycles, new_in_inbox: ingests ? await newInInbox(app) : [] };
}

const NOTHING = { refresh: null, directory: null, files: [] };
const stays = (step: Step): Step => ({ ...step, would: 'stay' });

async function planCycle(app: App, cycle: string, planned: readonly Step[]): Promise<CyclePlan> {
  const runs = (job: string, steps: readonly Step[]): boolean =>
    steps.some((step) => step.job === job && step.would === 'run');
  const refresh = runs('refresh', planned)
    ? await foreseeRefresh(app, cycle)
    : runs('report', planned)
      ? await foreseeReports(app, cycle)
      : null;
  // Where the refresh asks a person, what comes after it waits.
  const steps = refresh !== null && refresh.asks !== null ? planned.map(behind(AFTER_REFRESH)) : planned;
  const directory =
    runs('directory-assemble', steps) || runs('directory-submit', steps)
      ? await foreseeDirectory(app, cycle, {
          assembles: runs('directory-assemble', steps),
          submits: runs('directory-submit', steps),
        })
      : null;
  return {
    cycle,
    steps: directory?.asks ? steps.map(behind(['directory-visible'])) : steps,
    refresh,
    directory,
    files: [...(runs('report', steps) ? (refresh?.workbooks ?? []) : []), ...(directory?.files ?? [])],
  };
}

const AFTER_REFRESH = ['report', 'directory-assemble', 'directory-submit', 'directory-visible'];

const behind =
  (jobs: readonly string[]) =>
  (step: Step): Step =>
    jobs.includes(step.job) && step.would === 'run' ? { ...step, would: 'wait' } : step;
