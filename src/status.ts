import { type Undelivered, undelivered } from './alerts/deliver.ts';
import { type Shown, shownOf } from './alerts/look.ts';
import { openAlerts } from './alerts/raise.ts';
import { unplanned } from './alerts/unplanned.ts';
import type { App } from './app.ts';
import { addMonths, dayIn, visibleBy } from './calendar.ts';
import type { Job } from './job.ts';
import { type Occurrence, occurrencesOf, openPause, type Pause } from './ledger.ts';
import type { Sql } from './ports.ts';
import { rowsWaitingOf } from './vitals.ts';

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

/** A job of a cycle that goes on only when somebody acts. */
export type Held = Pick<Occurrence, 'job' | 'cycle' | 'part' | 'parts' | 'state' | 'says'>;

export interface Status {
  readonly today: string;
  readonly time_zone: string;
  readonly paused: { readonly since: string; readonly by: string; readonly reason: string } | null;
  readonly next: Array<{ job: string; cycle: string; due_at: string }>;
  readonly late: Array<
    { job: string; cycle: string; deadline: string } & Pick<CalendarOccurrence, 'state' | 'parts'>
  >;
  readonly waiting: {
    readonly quarantined_rows: number;
    readonly rejected_rows: number;
    readonly failed_or_waiting_jobs: Held[];
    /** Submissions that the directory team has and that nobody said are visible. */
    readonly directory_team: Array<{ cycle: string; outbox: string; visible_by: string }>;
  };
  readonly missed: Held[];
  readonly alerts: Shown[];
  readonly undelivered: Undelivered[];
}

/** How the month stands. Needs the database, and neither the queue nor the files. */
export async function statusOf(app: App, jobs: readonly Job[]): Promise<Status> {
  const now = app.now();
  const month = dayIn(now, app.settings.LKP_TIME_ZONE).slice(0, 7);
  // This month and the next, every month that the ledger has not finished, and those that nobody planned.
  const open = await app.db.transaction('status', async (tx) => [
    ...(await tx.rows<{ cycle: string }>(
      `select distinct cycle from occurrence where state not in ('done', 'missed', 'cancelled')`,
    )),
    ...(await unplanned(tx, app.schedule, jobs, now)),
  ]);
  const months = new Set([...open.map(({ cycle }) => cycle), month, addMonths(month, 1)]);
  const { cycles } = await calendarOf(app, jobs, [...months].sort());
  const all = cycles.flatMap(({ cycle, occurrences }) =>
    occurrences
      .filter(({ state }) => !['done', 'missed', 'cancelled'].includes(state))
      .map((occurrence) => ({ cycle, ...occurrence })),
  );
  const rows = await rowsWaitingOf(app.db);
  return app.db.transaction('status', async (tx) => ({
    today: dayIn(now, app.settings.LKP_TIME_ZONE),
    time_zone: app.settings.LKP_TIME_ZONE,
    paused: pausedOf(await openPause(tx)),
    next: all
      .filter(({ due_at }) => Date.parse(due_at) > Date.parse(now))
      .sort((one, other) => Date.parse(one.due_at) - Date.parse(other.due_at))
      .slice(0, 5)
      .map(({ job, cycle, due_at }) => ({ job, cycle, due_at })),
    late: all
      .filter(({ deadline }) => deadline !== undefined && Date.parse(deadline) < Date.parse(now))
      .map(({ job, cycle, deadline, state, parts }) => ({
        job,
        cycle,
        deadline: deadline!,
        state,
        ...(parts && { parts }),
      })),
    waiting: {
      quarantined_rows: rows.quarantined,
      rejected_rows: rows.rejected,
      failed_or_waiting_jobs: await heldIn(tx, ['failed', 'waiting']),
      directory_team: await withTheDirectoryTeam(tx, app.settings.outbox),
    },
    missed: await heldIn(tx, ['missed']),
    alerts: (await openAlerts(tx)).map(shownOf),
    undelivered: await undelivered(tx),
  }));
}

const pausedOf = (pause: Pause | undefined): Status['paused'] =>
  pause ? { since: pause.paused_at, by: pause.paused_by, reason: pause.reason } : null;

const heldIn = (tx: Sql, states: ReadonlyArray<Occurrence['state']>): Promise<Held[]> =>
  tx.rows<Held>(
    `select job, cycle, part, parts, state, says from occurrence where state = any($1) order by cycle, id`,
    [states],
  );

/** Of the newest submission: an earlier one is replaced by it. */
async function withTheDirectoryTeam(tx: Sql, outbox: string): Promise<Status['waiting']['directory_team']> {
  const newest = await tx.rows<{ cycle: string }>(
    `select submission.cycle
     from (select max(directory_submission.cycle) as cycle from directory_submission
           where directory_submission.status = 'submitted') as submission
     where submission.cycle is not null
       and not exists (select from occurrence
                       where occurrence.job = 'directory-visible' and occurrence.cycle = submission.cycle
                         and occurrence.state = 'done')`,
  );
  return newest.map(({ cycle }) => ({ cycle, outbox, visible_by: visibleBy(cycle) }));
}
