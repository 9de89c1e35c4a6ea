import type { App } from './app.ts';
import type { Job, Part } from './job.ts';
import { nameOf, type Occurrence, occurrencesOf, openPause, type Pause } from './ledger.ts';
import type { Sql } from './ports.ts';

/** What was tried and how it ended: attempts of the calendar, and commands that a person gave beside it. */
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
  /** null: a command beside the calendar. */
  readonly due_at: string | null;
  /** How long after `due_at` it began, an ISO 8601 duration; null = in time, or not of the calendar. */
  readonly late_by: string | null;
  /** How long it took; null while it runs. */
  readonly seconds: number | null;
}

const NEWEST = 50;
/** Far more than a cycle has; a bound all the same. */
const OF_A_CYCLE = 1_000;

/** The newest 50, or those of a cycle; the newest first. */
export const runsOf = (app: App, cycle?: string): Promise<RunRow[]> =>
  app.db.transaction('runs', (tx) => rowsOf(tx, cycle));

async function rowsOf(tx: Sql, cycle?: string): Promise<RunRow[]> {
  const rows = await tx.rows<Omit<RunRow, 'seconds'> & { seconds: string | null }>(
    `select run.job, run.cycle, coalesce(occurrence.part, 1) as part, coalesce(occurrence.parts, 1) as parts,
            run.attempt, run.reason, run.actor, run.started_at, run.ended_at, run.outcome, run.says,
            occurrence.due_at, run.late_by,
            round(extract(epoch from run.ended_at - run.started_at), 3)::text as seconds
     from run
     left join occurrence on occurrence.id = run.occurrence_id
     where $1::text is null or run.cycle = $1 order by run.id desc limit $2`,
    [cycle ?? null, cycle === undefined ? NEWEST : OF_A_CYCLE],
  );
  return rows.map((row) => ({ ...row, seconds: row.seconds === null ? null : Number(row.seconds) }));
}

export interface PauseRow extends Pause {
  readonly resumed_at: string | null;
  readonly resumed_by: string | null;
  readonly resume_reason: string | null;
}

/** A cycle from the day on which it was due to what it still waits for. */
export interface Timeline {
  readonly cycle: string;
  readonly now: string;
  /** The newest first. */
  readonly runs: readonly RunRow[];
  readonly occurrences: readonly Occurrence[];
  /** That touched the time of its runs. */
  readonly pauses: readonly PauseRow[];
  /** What is not done and does not run, and what it waits for; parts that wait for the same are one. */
  readonly open: readonly Open[];
  /** Up to which change the attempts of some jobs see: those that are repeated see no more than the first one did. */
  readonly cutoffs: ReadonlyArray<{ readonly cutoff: string; readonly jobs: readonly string[] }>;
}

export interface Open {
  readonly name: string;
  readonly due_at: string;
  readonly waits: string;
}

export const timelineOf = (app: App, jobs: readonly Job[], cycle: string): Promise<Timeline> =>
  app.db.transaction('runs', async (tx) => {
    const now = app.now();
    const runs = await rowsOf(tx, cycle);
    const occurrences = await occurrencesOf(tx, cycle);
    const pauses = await tx.rows<PauseRow>(
      `select paused_at, paused_by, reason, resumed_at, resumed_by, resume_reason
       from pause
       join (select min(least(occurrence.due_at, run.started_at)) as first,
                    max(coalesce(run.ended_at, greatest(now(), $2))) as last,
                    bool_or(occurrence.state not in ('done', 'cancelled', 'missed')) as open
             from occurrence
             left join run on run.occurrence_id = occurrence.id
             where occurrence.cycle = $1) as span
         on (span.open or pause.paused_at < span.last)
         and coalesce(pause.resumed_at, 'infinity') >= span.first
       order by paused_at`,
      [cycle, now],
    );
    const cutoffs = await tx.rows<{ cutoff: string; jobs: string[] }>(
      `select cutoff, array_agg(distinct job) as jobs from occurrence
       where cycle = $1 and cutoff is not null group by cutoff order by cutoff`,
      [cycle],
    );
    const paused = await openPause(tx);
    const open = new Map<string, Open>();
    const counts = new Map<string, number>();
    for (const occurrence of occurrences) {
      const { job, parts, state, due_at } = occurrence;
      if (state === 'done' || state === 'running') continue;
      const said = runs.some((run) => nameOf(run) === nameOf(occurrence) && run.says === occurrence.says);
      const waits = waitsFor(occurrence, said, occurrences, jobs, now, paused !== undefined);
      const alike = `${job} ${waits}`;
      const count = (counts.get(alike) ?? 0) + 1;
      counts.set(alike, count);
      const name = count > 1 ? `${job} (${count} of ${parts} parts)` : nameOf(occurrence);
      open.set(alike, { name, due_at, waits });
    }
    return { cycle, now, runs, occurrences, pauses, open: [...open.values()], cutoffs };
  });

/** Why an occurrence that is not done does not run, in words that follow its name. */
function waitsFor(
  { job, cycle, state, due_at, says }: Occurrence,
  /** A run in the timeline says it already. */
  said: boolean,
  all: readonly Occurrence[],
  jobs: readonly Job[],
  now: string,
  paused: boolean,
): string {
  const why = says && !said ? `: ${says}` : '';
  if (state === 'waiting') return `waits for a person${why}`;
  if (state === 'failed' || state === 'missed' || state === 'cancelled') return `${state}${why}`;
  const after = jobs.find(({ name }) => name === job)?.after ?? [];
  const before = all.filter((one) => after.includes(one.job) && one.state !== 'done');
  if (before.length > 0)
    return `waits for ${[...new Set(before.map((one) => `${one.job} (${one.state})`))].join(', ')}`;
  if (Date.parse(due_at) > Date.parse(now)) return 'waits for its day';
  if (paused) return 'waits: the calendar is paused';
  return `waits for a ${state === 'enqueued' ? 'worker' : 'scheduler'}: lkp start, or lkp cycle ${cycle}`;
}
