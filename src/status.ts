import type { App } from './app.ts';
import { addMonths, dayIn } from './calendar.ts';
import { waitingCredits } from './invoice/waiting-credits.ts';
import type { Job, Part } from './job.ts';
import { nameOf, type Occurrence, occurrencesOf } from './ledger.ts';
import { oneLine, table } from './show.ts';

/** What operations asks first: what is next, what is late, what waits for whom. */

export interface CalendarOccurrence {
  readonly job: string;
  readonly due_at: string;
  readonly deadline?: string;
  /** Of a job in parts, the state of the part that is furthest from done. */
  readonly state: string;
  /** Only of a job that is planned in parts. */
  readonly parts?: { readonly done: number; readonly of: number };
  /** Why on that date. */
  readonly why: string;
}

/** From what needs a person to what needs nobody. */
const STATES: ReadonlyArray<Occurrence['state']> = [
  'failed',
  'waiting',
  'missed',
  'cancelled',
  'running',
  'enqueued',
  'due',
  'done',
];

/** How the parts of one job stand, as one. */
function together(parts: readonly Occurrence[]): Pick<CalendarOccurrence, 'state' | 'parts'> {
  const state = STATES.find((known) => parts.some((part) => part.state === known))!;
  const done = parts.filter((part) => part.state === 'done').length;
  return parts.length === 1 ? { state } : { state, parts: { done, of: parts.length } };
}

/** The state as people read it: `running, 2 of 5 done`. */
export const stateText = ({ state, parts }: Pick<CalendarOccurrence, 'state' | 'parts'>): string =>
  parts && parts.done > 0 && parts.done < parts.of ? `${state}, ${parts.done} of ${parts.of} done` : state;

/** The occurrences of some cycles: as written in the ledger, else as the calendar says they will be. */
export async function calendarOf(
  app: App,
  jobs: readonly Job[],
  cycles: readonly string[],
): Promise<{ cycles: Array<{ cycle: string; occurrences: CalendarOccurrence[] }> }> {
  return app.db.transaction('calendar', async (tx) => {
    const found = [];
    for (const cycle of cycles) {
      const ledger = await occurrencesOf(tx, cycle);
      const occurrences = jobs.map(({ name }) => {
        const planned = ledger.filter(({ job }) => job === name);
        const [written] = planned;
        const dates = app.schedule.dates(name, cycle);
        const moved = written !== undefined && Date.parse(written.due_at) !== Date.parse(dates.due);
        const deadline = written?.deadline ?? dates.deadline;
        return {
          job: name,
          due_at: written?.due_at ?? dates.due,
          ...(deadline ? { deadline } : {}),
          ...(written ? together(planned) : { state: dates.due > app.now() ? 'not due' : 'not run' }),
          why: moved ? 'planned so before the schedule or the time zone changed' : dates.why,
        };
      });
      found.push({ cycle, occurrences });
    }
    return { cycles: found };
  });
}

export interface RunRow extends Part {
  readonly job: string;
  readonly cycle: string | null;
  readonly attempt: number;
  readonly reason: string;
  readonly actor: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly outcome: string | null;
  readonly says: string | null;
}

export const runsOf = (app: App, cycle?: string): Promise<RunRow[]> =>
  app.db.transaction('runs', (tx) =>
    tx.rows<RunRow>(
      `select run.job, run.cycle, coalesce(occurrence.part, 1) as part, coalesce(occurrence.parts, 1) as parts,
              run.attempt, run.reason, run.actor, run.started_at, run.ended_at, run.outcome, run.says
       from run
       left join occurrence on occurrence.id = run.occurrence_id
       where $1::text is null or run.cycle = $1 order by run.id desc limit 50`,
      [cycle ?? null],
    ),
  );

export interface Status {
  readonly today: string;
  readonly next: Array<{ job: string; cycle: string; due_at: string }>;
  readonly late: Array<
    { job: string; cycle: string; deadline: string } & Pick<CalendarOccurrence, 'state' | 'parts'>
  >;
  readonly waiting: {
    readonly quarantined_rows: number;
    readonly rejected_rows: number;
    readonly failed_or_waiting_jobs: Array<
      Pick<Occurrence, 'job' | 'cycle' | 'part' | 'parts' | 'state' | 'says'>
    >;
  };
}

export async function statusOf(app: App, jobs: readonly Job[]): Promise<Status> {
  const now = app.now();
  const month = dayIn(now, app.settings.LKP_TIME_ZONE).slice(0, 7);
  // This month and the next, and every month that the ledger has not finished.
  const unfinished = await app.db.transaction('status', (tx) =>
    tx.rows<{ cycle: string }>(`select distinct cycle from occurrence where state <> 'done'`),
  );
  const months = new Set([...unfinished.map(({ cycle }) => cycle), month, addMonths(month, 1)]);
  const { cycles } = await calendarOf(app, jobs, [...months].sort());
  const all = cycles.flatMap(({ cycle, occurrences }) =>
    occurrences.map((occurrence) => ({ cycle, ...occurrence })),
  );
  return app.db.transaction('status', async (tx) => {
    const waiting = await tx.one<{ quarantined: string; rejected: string }>(
      `select (select count(*) from quarantine where ended_no is null)
            + (select count(*) from rejection where ended_no is null and held = 'quarantined') as quarantined,
              (select count(*) from rejection where ended_no is null and held = 'rejected') as rejected`,
    );
    const jobsWaiting = await tx.rows<Status['waiting']['failed_or_waiting_jobs'][number]>(
      `select job, cycle, part, parts, state, says from occurrence where state in ('failed', 'waiting') order by cycle, id`,
    );
    return {
      today: dayIn(now, app.settings.LKP_TIME_ZONE),
      next: all
        .filter(({ due_at, state }) => due_at > now && state !== 'done')
        .sort((a, b) => (a.due_at < b.due_at ? -1 : 1))
        .slice(0, 5)
        .map(({ job, cycle, due_at }) => ({ job, cycle, due_at })),
      late: all
        .filter(({ deadline, state }) => deadline !== undefined && deadline < now && state !== 'done')
        .map(({ job, cycle, deadline, state, parts }) => ({
          job,
          cycle,
          deadline: deadline!,
          state,
          ...(parts && { parts }),
        })),
      waiting: {
        quarantined_rows: Number(waiting.quarantined) + (await waitingCredits(tx)),
        rejected_rows: Number(waiting.rejected),
        failed_or_waiting_jobs: jobsWaiting,
      },
    };
  });
}

export function statusText({ today, next, late, waiting }: Status): string {
  const parts = [
    `Today is ${today}.`,
    '',
    'Next:',
    table(
      ['job', 'cycle', 'due'],
      next.map(({ job, cycle, due_at }) => [job, cycle, due_at]),
    ),
    '',
    late.length === 0
      ? 'Nothing is late.'
      : `Late:\n${table(
          ['job', 'cycle', 'deadline', 'state'],
          late.map((job) => [job.job, job.cycle, job.deadline, stateText(job)]),
        )}`,
    '',
    `Waiting for operations: ${waiting.quarantined_rows} quarantined rows to decide, ${waiting.rejected_rows} rejected rows to correct.`,
  ];
  for (const waits of waiting.failed_or_waiting_jobs)
    parts.push(oneLine(`${nameOf(waits)} of ${waits.cycle} is ${waits.state}: ${waits.says ?? ''}`));
  return parts.join('\n');
}
