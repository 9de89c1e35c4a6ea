import { JOBS } from '../jobs/index.ts';
import type { App } from './app.ts';
import { addMonths, parseCycle } from './calendar.ts';
import { newInInbox } from './invoice/inbox.ts';
import { LkpError } from './job.ts';
import { type Occurrence, occurrencesOf } from './ledger.ts';
import { runMonth, UNDONE } from './month.ts';

/** Cycles one after the other, both included. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/** `missing`: what is past due and was never begun, missed or not planned at all; `failed`: what failed or was cancelled. */
export const ONLY = ['missing', 'failed'] as const;
export type Only = (typeof ONLY)[number];

export interface RangeAsked {
  readonly only?: Only;
  /** The instant up to which jobs are due; `everything` takes those of later days too. */
  readonly until: string | 'everything';
  readonly dryRun?: boolean;
}

/** Ten years: who types more has typed a wrong year. */
const MOST_CYCLES = 120;

const rangeText = ({ from, to }: Range): string => (from === to ? from : `${from}..${to}`);

/** What to type for a range, asked in the same way: who asked for a dry run is not told to run it. */
export const commandOf = (range: Range, { only, until, dryRun }: RangeAsked): string =>
  [
    'lkp cycle',
    rangeText(range),
    only && `--only ${only}`,
    until === 'everything' && '--all',
    dryRun && '--dry-run',
  ]
    .filter(Boolean)
    .join(' ');

/** A cycle, or `2019-01..2020-03`, as a person typed it. Throws LkpError('request') with what to type. */
export function parseRange(text: string, today: string, asked: RangeAsked): Range {
  const [one = '', other = one, ...more] = text.split('..');
  if (more.length > 0)
    throw new LkpError(
      'request',
      `"${text}" is not a range of cycles. Write the first and the last: 2019-01..2020-03.`,
    );
  const [from, to] = [parseCycle(one), parseCycle(other)];
  if (from > to)
    throw new LkpError(
      'request',
      `The range ${from}..${to} runs backwards. Type ${commandOf({ from: to, to: from }, asked)}.`,
    );
  const now = today.slice(0, 7);
  if (to > now)
    throw new LkpError(
      'request',
      from > now
        ? `Cycle ${rangeText({ from, to })} lies in the future (today is ${today}). The newest cycle that can run is ${now}.`
        : `The range ${from}..${to} ends in the future (today is ${today}). Type ${commandOf({ from, to: now }, asked)}.`,
    );
  const cycles = cyclesOf({ from, to }).length;
  if (cycles > MOST_CYCLES)
    throw new LkpError(
      'request',
      `The range ${from}..${to} has ${cycles} cycles, and at most ${MOST_CYCLES} are run at once. If no year is mistyped, begin with ${commandOf({ from, to: addMonths(from, MOST_CYCLES - 1) }, asked)}.`,
    );
  return { from, to };
}

export function cyclesOf({ from, to }: Range): string[] {
  const cycles = [];
  for (let cycle = from; cycle <= to; cycle = addMonths(cycle, 1)) cycles.push(cycle);
  return cycles;
}

/**
 * Refuses cycles of the past in whose window nothing is known: they would wait for invoices that nobody has. Not while the
 * inbox has files that were not taken in, for these may be of then.
 */
export async function needData(app: App, range: Range, today: string, asked: RangeAsked): Promise<void> {
  const { first } = await app.db.transaction('first', (tx) =>
    tx.one<{ first: string | null }>(`select to_char(min(issue_month), 'YYYY-MM') as first from file_total`),
  );
  if (first === null || range.from > first || range.from >= today.slice(0, 7)) return;
  if ((await newInInbox(app)).length > 0) return;
  const begins = addMonths(first, 1);
  throw new LkpError(
    'request',
    `Cycle ${range.from} looks back over the 12 months before it, and the first invoices known are of ${first}. ${
      range.to < begins
        ? `The first cycle that shows any is ${begins}.`
        : `Type ${commandOf({ from: begins, to: range.to }, asked)}.`
    } If there are older invoices, ingest them first: lkp ingest FOLDER.`,
  );
}

/** One occurrence, planned or not, and what a run of the cycle would do with it. */
export interface Step extends Pick<Occurrence, 'job' | 'part' | 'parts' | 'due_at'> {
  readonly state: Occurrence['state'] | 'not planned';
  /** `run`; `wait` for a job before it; `stay` as it is. */
  readonly would: 'run' | 'wait' | 'stay';
}

type Planned = Omit<Step, 'would'>;

/** States that each way of asking begins again; what is due runs with them. */
const AGAIN = {
  all: UNDONE,
  missing: ['missed'],
  failed: ['failed', 'cancelled'],
} as const;

const NEVER_BEGUN: readonly Step['state'][] = ['due', 'not planned'];
const UNDER_WAY: readonly Step['state'][] = ['enqueued', 'running'];

/** What a run of a cycle would do, in the order of the jobs, without planning anything. */
export async function stepsOf(app: App, cycle: string, { only, until }: RangeAsked): Promise<Step[]> {
  const written = await app.db.transaction('look', (tx) => occurrencesOf(tx, cycle));
  const planned = JOBS.flatMap((job): Planned[] => {
    const known = written.filter((one) => one.job === job.name);
    if (known.length > 0) return known.sort((one, other) => one.part - other.part);
    const { due } = app.schedule.dates(job.name, cycle);
    const parts = job.parts ?? 1;
    return Array.from({ length: parts }, (_, index) => ({
      job: job.name,
      part: index + 1,
      parts,
      due_at: due,
      state: 'not planned' as const,
    }));
  });
  const again: readonly Step['state'][] = [...AGAIN[only ?? 'all'], ...NEVER_BEGUN, ...UNDER_WAY];
  const steps: Step[] = [];
  for (const { job, part, parts, due_at, state } of planned) {
    const isDue = until === 'everything' || Date.parse(due_at) <= Date.parse(until);
    const before = JOBS.find(({ name }) => name === job)!.after;
    const ready = steps
      .filter((step) => before.includes(step.job))
      .every((step) => step.state === 'done' || step.would === 'run');
    const asked = isDue && again.includes(state);
    steps.push({ job, part, parts, due_at, state, would: asked ? (ready ? 'run' : 'wait') : 'stay' });
  }
  return steps;
}

/** Whether anything of a cycle is what was asked for. */
export const isWanted = (steps: readonly Step[], only: Only | undefined): boolean =>
  only === undefined ||
  steps.some(
    ({ state, would }) =>
      would === 'run' &&
      (only === 'missing' ? [...NEVER_BEGUN, 'missed'] : AGAIN.failed).includes(state as 'failed'),
  );

export interface CycleRun {
  readonly cycle: string;
  readonly outcome: 'done' | 'waiting' | 'nothing to do';
  readonly occurrences: readonly Occurrence[];
}

export interface RangeRun {
  readonly cycles: readonly CycleRun[];
  /** What is left to type, when it stopped before the end. */
  readonly left: string | null;
}

export interface RangeOptions extends RangeAsked {
  readonly today: string;
  readonly onState: (occurrence: Occurrence) => void;
}

/**
 * Runs the cycles of a range through the ledger and the queue, the oldest first. A cycle whose figures are not there stops it,
 * because later reports are compared with them. Throws LkpError('machine') with what is done and what is left to type
 * when a job fails.
 */
export async function runRange(app: App, range: Range, options: RangeOptions): Promise<RangeRun> {
  const cycles: CycleRun[] = [];
  for (const cycle of cyclesOf(range)) {
    const left = { from: cycle, to: range.to };
    const steps = await stepsOf(app, cycle, options);
    if (!isWanted(steps, options.only)) {
      cycles.push({ cycle, outcome: 'nothing to do', occurrences: [] });
      continue;
    }
    const occurrences = await runMonth(app, cycle, {
      reason: cycle === options.today.slice(0, 7) ? 'manual' : 'backfill',
      retry: AGAIN[options.only ?? 'all'],
      until: options.until,
      onState: options.onState,
    });
    const wanted = (one: Occurrence) => steps.some((step) => step.would !== 'stay' && isSame(step, one));
    const failed = occurrences.find((one) => one.state === 'failed' && wanted(one));
    if (failed) throw stopped(failed, cycles, commandOf(left, options));
    const waits = (one: Occurrence) =>
      one.state === 'waiting' ||
      // By somebody who ended it while it ran here.
      (one.state === 'cancelled' && wanted(one));
    cycles.push({ cycle, outcome: occurrences.some(waits) ? 'waiting' : 'done', occurrences });
    const refreshed = occurrences.find(({ job }) => job === 'refresh')!;
    if (waits(refreshed) && cycle !== range.to) return { cycles, left: commandOf(left, options) };
  }
  return { cycles, left: null };
}

const isSame = (step: Step, { job, part }: Occurrence): boolean => step.job === job && step.part === part;

function stopped(failed: Occurrence, before: readonly CycleRun[], command: string): LkpError {
  const done = before.filter(({ outcome }) => outcome !== 'nothing to do').map(({ cycle }) => cycle);
  const behind = done.length === 0 ? '' : ` Done before it: ${done.join(', ')}.`;
  return new LkpError(
    'machine',
    `The job ${failed.job} of ${failed.cycle} failed: ${failed.says}${behind} Repair it and run ${command} again; what is done stays done.`,
  );
}
