import { createHash } from 'node:crypto';
import type { App } from '../app.ts';
import { localTime } from '../calendar.ts';
import type { Job } from '../job.ts';
import { isGate } from '../kpi/completeness.ts';
import { lateText, type Occurrence, openPause } from '../ledger.ts';
import type { Sql } from '../ports.ts';
import type { Alert } from './kinds.ts';
import { lookBackTo, unplanned } from './unplanned.ts';

/** Something that is so now, or was, and that a person must be told once. */
export interface Finding extends Omit<Alert, 'id' | 'raised_at' | 'ended_at'> {
  /** It is told although it is over: a run that was late and is done. */
  readonly over?: boolean;
}

interface Seen extends Occurrence {
  /** No further attempt comes by itself. */
  readonly is_final: boolean;
  /** The calendar planned it, or a person began the cycle before its deadline, which is not of before the installation. */
  readonly is_expected: boolean;
}

/** How long after it began a late run is still news, in days. */
const LATE_IS_NEWS = 45;

interface View {
  readonly app: Pick<App, 'schedule'>;
  readonly jobs: readonly Job[];
  readonly now: string;
  /** What is not done or was late, those that failed first before the others. */
  readonly seen: readonly Seen[];
}

/** Everything in the ledger that a person must know of at `now`: a function of the ledger, so that all who look find the same. */
export async function findings(
  tx: Sql,
  app: Pick<App, 'schedule'>,
  jobs: readonly Job[],
  now: string,
): Promise<Finding[]> {
  const seen = await tx.rows<Seen>(
    `select occurrence.id, occurrence.job, occurrence.cycle, occurrence.part, occurrence.parts, occurrence.due_at,
            occurrence.deadline, occurrence.state, occurrence.attempt, occurrence.says,
            occurrence.lease_until is null as is_final,
            case when occurrence.due_at >= installed.at then occurrence.late_by end as late_by,
            occurrence.deadline >= installed.at and (occurrence.by_calendar or exists (
              select from run as begun
              where begun.cycle = occurrence.cycle and begun.occurrence_id is not null
                and begun.started_at < occurrence.deadline)) as is_expected
     from occurrence
     cross join (select coalesce(min(change.known_at), '-infinity') as at from change) as installed
     left join run on run.occurrence_id = occurrence.id and run.attempt = occurrence.attempt
     where occurrence.state <> 'done'
        or occurrence.due_at + occurrence.late_by > $1::timestamptz - make_interval(days => $2)
     order by run.ended_at nulls last, occurrence.id`,
    [now, LATE_IS_NEWS],
  );
  const view: View = { app, jobs, now, seen };
  const missing = await unplanned(tx, app.schedule, jobs, now);
  return [
    ...failed(view),
    ...missed(view),
    ...waiting(view),
    ...overdue(view),
    ...missing.filter(({ deadline }) => isBefore(deadline, now)).map((one) => neverPlanned(view, one)),
    ...late(view),
    ...(await quarantined(tx)),
    ...(await paused(tx, view, missing.length > 0)),
  ];
}

const isBefore = (instant: string | null, now: string): boolean =>
  instant !== null && Date.parse(instant) < Date.parse(now);

const moment = ({ app }: View, instant: string): string =>
  `${localTime(instant, app.schedule.timeZone)} (${app.schedule.timeZone})`;

/** Of each job of a cycle the first of its parts that `wanted` takes: parts are told of together. */
function firstOfEach(seen: readonly Seen[], wanted: (one: Seen) => boolean): Seen[] {
  const found = new Map<string, Seen>();
  for (const one of seen) {
    const name = `${one.job} ${one.cycle}`;
    if (wanted(one) && !found.has(name)) found.set(name, one);
  }
  return [...found.values()];
}

/** Once for each series of attempts: who asks for it again begins another, under a later attempt. */
const failed = ({ seen }: View): Finding[] =>
  firstOfEach(seen, ({ state, is_final }) => state === 'failed' && is_final).map(
    ({ job, cycle, part, attempt, says }) => ({
      key: `failed ${job} ${cycle} part ${part} attempt ${attempt}`,
      kind: 'failed',
      job,
      cycle,
      says: `${job} of ${cycle} failed, and no further attempt comes by itself. ${says ?? ''}`.trim(),
      next_step: `Repair what it names, then type: lkp cycle ${cycle}. Each attempt: lkp runs ${cycle}.`,
    }),
  );

/** Once a cycle, however many of its jobs were missed together. */
function missed({ seen, jobs }: View): Finding[] {
  const all = seen.filter(({ state }) => state === 'missed');
  return [...new Set(all.map(({ cycle }) => cycle))].map((cycle) => {
    const here = all.filter((one) => one.cycle === cycle);
    const names = jobs.map(({ name }) => name).filter((name) => here.some(({ job }) => job === name));
    return {
      key: `missed ${cycle}`,
      kind: 'missed',
      job: names[0] ?? here[0]!.job,
      cycle,
      says: `Missed in ${cycle}, and not done by itself any more: ${names.join(', ')}. ${here[0]!.says ?? ''}`.trim(),
      next_step: `If it is still wanted, type: lkp cycle ${cycle}. What waits for it goes on then.`,
    };
  });
}

/** Once for each thing that is asked: the same words again are the same question. */
const waiting = ({ seen }: View): Finding[] =>
  firstOfEach(seen, ({ state }) => state === 'waiting').map(({ job, cycle, says }) => {
    const words = says ?? '';
    const kind = isGate(cycle, words) ? 'incomplete' : 'waiting';
    return {
      key: `${kind} ${job} ${cycle} ${createHash('sha256').update(words).digest('hex').slice(0, 12)}`,
      kind,
      job,
      cycle,
      says: `${job} of ${cycle} stopped and waits for a person. ${words}`.trim(),
      next_step:
        kind === 'incomplete'
          ? `Ingest what is missing, or accept it: lkp refresh ${cycle} --accept-incomplete --reason '...'. Then type: lkp cycle ${cycle}.`
          : `Decide what it asks, then type: lkp cycle ${cycle}.`,
    };
  });

/** A planned job whose deadline passed; what was missed or cancelled is no longer expected. */
function overdue(view: View): Finding[] {
  const { app, seen, now } = view;
  return firstOfEach(
    seen,
    ({ job, due_at, deadline, state, is_expected }) =>
      is_expected &&
      !['done', 'missed', 'cancelled'].includes(state) &&
      isBefore(deadline, now) &&
      // What is older is history that somebody asked for.
      Date.parse(due_at) >= lookBack(app, view.jobs, job, now),
  ).map((one) => ({
    ...tooLate(view, one.job, one.cycle, one.deadline!),
    next_step:
      one.state === 'running'
        ? `It runs now: lkp status says when it is done, lkp runs ${one.cycle} shows the attempt.`
        : `What it waits for: lkp status. When that is settled, type: lkp cycle ${one.cycle}.`,
  }));
}

/** A job that this version does not have has no schedule; it is looked for as all others are. */
const lookBack = (app: View['app'], jobs: readonly Job[], job: string, now: string): number =>
  jobs.some(({ name }) => name === job)
    ? lookBackTo(app.schedule, job, now)
    : Date.parse(now) - LATE_IS_NEWS * 86_400_000;

const tooLate = (view: View, job: string, cycle: string, deadline: string): Omit<Finding, 'next_step'> => ({
  key: `missed-deadline ${job} ${cycle}`,
  kind: 'missed-deadline',
  job,
  cycle,
  says: `${job} of ${cycle} is not done; its deadline was ${moment(view, deadline)}.`,
});

const neverPlanned = (
  view: View,
  { job, cycle, deadline }: { job: string; cycle: string; deadline: string | null },
): Finding => {
  const found = tooLate(view, job, cycle, deadline!);
  return {
    ...found,
    says: `${found.says} No scheduler has run since ${cycle} began.`,
    next_step: `Start one: lkp start. Or do this month by hand: lkp cycle ${cycle}.`,
  };
};

/** Of the jobs that began late in a cycle, those that no late one goes before: the others are late with it. */
function late(view: View): Finding[] {
  const { seen, jobs } = view;
  const all = firstOfEach(seen, ({ late_by }) => late_by !== null);
  const isLate = (job: string, cycle: string): boolean =>
    all.some((one) => one.job === job && one.cycle === cycle) || behindLate(job, cycle);
  const behindLate = (job: string, cycle: string): boolean =>
    (jobs.find(({ name }) => name === job)?.after ?? []).some((before) => isLate(before, cycle));
  return all
    .filter(({ job, cycle }) => !behindLate(job, cycle))
    .map(({ job, cycle, due_at, late_by, state }) => ({
      key: `late ${job} ${cycle}`,
      kind: 'late',
      job,
      cycle,
      says: `${job} of ${cycle} began ${lateText(late_by!)} late: it was due ${moment(view, due_at)}. What comes after it is late too.`,
      next_step: `Tell those who wait for ${cycle}. Find out why nothing ran: lkp runs ${cycle}.`,
      over: state === 'done',
    }));
}

/** Rows that only a person can decide, once the newest cycle's invoices are in. Rejected rows are handled: nobody is alarmed. */
async function quarantined(tx: Sql): Promise<Finding[]> {
  const { cycle, rows } = await tx.one<{ cycle: string | null; rows: string }>(
    `select (select max(occurrence.cycle) from occurrence
             where occurrence.job = 'ingest' and occurrence.state = 'done') as cycle,
            (select count(*) from quarantine where quarantine.ended_no is null)
          + (select count(*) from rejection where rejection.ended_no is null and rejection.held = 'quarantined') as rows`,
  );
  if (cycle === null || rows === '0') return [];
  const [are, wait] = rows === '1' ? ['row', 'waits'] : ['rows', 'wait'];
  return [
    {
      key: `quarantined ${cycle}`,
      kind: 'quarantined',
      job: 'ingest',
      cycle,
      says: `The invoices of ${cycle} are in; ${rows} ${are} ${wait} for a decision and ${rows === '1' ? 'does' : 'do'} not count until then. The month goes on.`,
      next_step:
        "See them: lkp quarantine list. Decide: lkp quarantine release|refuse <invoice> --reason '...'.",
    },
  ];
}

/** Once a pause, when it holds something back: what is due and waits for no job before it. */
async function paused(tx: Sql, view: View, unplannedIsDue: boolean): Promise<Finding[]> {
  const pause = await openPause(tx);
  const isOpen = (job: string, cycle: string) =>
    view.seen.some((one) => one.job === job && one.cycle === cycle && one.state !== 'done');
  const due = view.seen.find(
    ({ job, cycle, state, due_at }) =>
      state === 'due' &&
      !isBefore(view.now, due_at) &&
      !view.jobs.find(({ name }) => name === job)?.after.some((before) => isOpen(before, cycle)),
  );
  if (!pause || !(due || unplannedIsDue)) return [];
  return [
    {
      key: `paused ${pause.id}`,
      kind: 'paused',
      job: due?.job ?? null,
      cycle: due?.cycle ?? null,
      says: `${pause.paused_by} paused the calendar on ${moment(view, pause.paused_at)}: ${pause.reason}. ${due ? `${due.job} of ${due.cycle}` : 'Work'} is due and is not sent.`,
      next_step: "To let the calendar go on, type: lkp resume --reason '...'.",
    },
  ];
}
