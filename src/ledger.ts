import { crash } from './crash.ts';
import { type Context, type Job, LkpError, type Outcome, type Part } from './job.ts';
import type { Log } from './log.ts';
import type { Database, Sql } from './ports.ts';
import type { Schedule } from './schedule.ts';

/**
 * What is due and what was tried. The database is the truth: a queue message only says "look at this occurrence".
 * An occurrence goes due -> enqueued -> running -> done, failed or waiting (for a person); the attempt number is the
 * fence that every later write of the attempt carries.
 */
export interface Occurrence extends Part {
  readonly id: string;
  readonly job: string;
  readonly cycle: string;
  readonly due_at: string;
  readonly deadline: string | null;
  readonly state: 'due' | 'enqueued' | 'running' | 'done' | 'failed' | 'waiting' | 'missed' | 'cancelled';
  readonly attempt: number;
  readonly says: string | null;
}

export type Reason = 'scheduled' | 'catch-up' | 'backfill' | 'manual';

/** Why and for whom an occurrence is attempted; recorded with the run. */
export interface Asked {
  readonly reason: Reason;
  readonly actor: string;
}

/** How long a message may lie before it is sent again. */
const RESEND_AFTER = '60 seconds';
/** How long an attempt may give no sign of life before another takes its place, and how often it gives one. */
const LEASE = '15 seconds';
const SIGN_OF_LIFE_MS = 5_000;
/** A failure that can pass is tried again after 10 s, 30 s, 90 s, ... 1 h: eight attempts in about two hours. */
const TRIES = 8;
const retryDelay = (failures: number): number => Math.min(3600, 10 * 3 ** (failures - 1));
/** So many attempts in a row that died or failed, the last one dying, and the job itself is suspected. */
const DEATHS = 5;

const COLUMNS = 'id, job, cycle, part, parts, due_at, deadline, state, attempt, says';

/** A job's name as people read it: `refresh`, `report 2 of 5`. */
export const nameOf = ({ job, part, parts }: Pick<Occurrence, 'job' | 'part' | 'parts'>): string =>
  parts > 1 ? `${job} ${part} of ${parts}` : job;

/**
 * Writes down what a cycle has to do. What is there already stays as it is, with the parts that it was planned with: a
 * done cycle is never fired again.
 */
export async function plan(tx: Sql, jobs: readonly Job[], cycle: string, schedule: Schedule): Promise<void> {
  const dates = jobs.map((job) => ({
    job: job.name,
    parts: job.parts ?? 1,
    ...schedule.dates(job.name, cycle),
  }));
  await tx.rows(
    `insert into occurrence (job, cycle, part, parts, due_at, deadline)
     select due.job, $1, part, due.parts, due.due_at, due.deadline
     from unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::timestamptz[])
            with ordinality as due (job, parts, due_at, deadline, place)
     cross join generate_series(1, due.parts) as part
     where not exists (select from occurrence where occurrence.job = due.job and occurrence.cycle = $1)
     order by due.place, part
     on conflict (job, cycle, part) do nothing`,
    [
      cycle,
      dates.map(({ job }) => job),
      dates.map(({ parts }) => parts),
      dates.map(({ due }) => due),
      dates.map(({ deadline }) => deadline ?? null),
    ],
  );
}

export const occurrencesOf = (tx: Sql, cycle: string): Promise<Occurrence[]> =>
  tx.rows(`select ${COLUMNS} from occurrence where cycle = $1 order by due_at, id`, [cycle]);

/** Whether this cycle, or an earlier one, was ever planned. */
export async function serviceBegan(tx: Sql, cycle: string): Promise<boolean> {
  return (await tx.rows('select from occurrence where cycle <= $1 limit 1', [cycle])).length > 0;
}

/** What is not done although its deadline has passed. */
export const overdue = (tx: Sql, now: string): Promise<Occurrence[]> =>
  tx.rows(`select ${COLUMNS} from occurrence where state <> 'done' and deadline < $1 order by deadline, id`, [
    now,
  ]);

/** Asks for a cycle's occurrences in these states again, under their next attempt. */
export async function again(
  tx: Sql,
  cycle: string,
  states: ReadonlyArray<Occurrence['state']>,
): Promise<void> {
  await tx.rows(
    `update occurrence set state = 'due', says = null, lease_until = null where cycle = $1 and state = any($2)`,
    [cycle, states],
  );
}

/**
 * Takes what may be sent now, of one cycle or of all: due at `now` with every part of the jobs before it done; sent long ago and
 * never begun; failed some time ago in a way that can pass; or running without a sign of life. `lease_until` says until
 * when a running attempt holds its occurrence, and when a failed one is tried again.
 */
export async function takeReady(
  tx: Sql,
  jobs: readonly Job[],
  now: string,
  cycle?: string,
): Promise<Occurrence[]> {
  await evict(tx);
  await giveUp(tx);
  const after = Object.fromEntries(jobs.map((job) => [job.name, job.after]));
  const ready = await tx.rows<Occurrence>(
    `update occurrence set state = 'enqueued', enqueued_at = now(), lease_until = null
     where ($1::text is null or occurrence.cycle = $1)
       and (occurrence.state = 'due' and occurrence.due_at <= $3
         or occurrence.state = 'enqueued' and occurrence.enqueued_at < now() - interval '${RESEND_AFTER}'
         or occurrence.state in ('running', 'failed') and occurrence.lease_until < now())
       and not exists (
         select 1
         from jsonb_array_elements_text($2::jsonb -> occurrence.job) as before (job)
         left join occurrence as earlier on earlier.cycle = occurrence.cycle and earlier.job = before.job
         where earlier.state is distinct from 'done')
     returning ${COLUMNS}`,
    [cycle ?? null, JSON.stringify(after), now],
  );
  return ready.sort((one, other) => Number(one.id) - Number(other.id));
}

/**
 * Ends the database sessions of attempts whose lease ran out. A frozen worker holds its locks for as long as it is
 * frozen, the one on its own occurrence included: whoever takes over would wait for them.
 */
const evict = (tx: Sql): Promise<unknown> =>
  tx.rows(
    `select pg_terminate_backend(activity.pid, 2000)
     from occurrence
     join pg_stat_activity as activity
       on activity.datname = current_database()
       and starts_with(activity.application_name, format('lkp o%s-a%s ', occurrence.id, occurrence.attempt))
     where occurrence.state = 'running' and occurrence.lease_until < now()`,
  );

/**
 * A job that kills whoever does it would kill the workers one by one: it stops, and waits for a person. Who asks for it
 * again begins a new count.
 */
const giveUp = (tx: Sql): Promise<unknown> =>
  tx.rows(
    `update occurrence
     set state = 'failed', lease_until = null,
         says = format('The last ${DEATHS} attempts died or failed, the last one without a word. Look for what ends '
           'the workers (memory, disk, their logs), then run lkp cycle %s.', occurrence.cycle)
     where occurrence.state = 'running' and occurrence.lease_until < now()
       and ${DEATHS} <= (
         select count(*) from run
         where run.occurrence_id = occurrence.id and run.attempt > occurrence.attempt - ${DEATHS}
           and (run.outcome is null or run.outcome = 'failed')
           and run.id >= coalesce((
             select max(asked.id) from run as asked
             where asked.occurrence_id = occurrence.id and asked.reason in ('manual', 'backfill')), 0))`,
  );

/** An attempt that was begun; `run` is its row. */
interface Taken extends Occurrence {
  readonly run: string;
}

/**
 * Begins an attempt and returns it, or undefined when someone else did: that is success too. `attempt` is the one
 * the message was sent for.
 */
export async function begin(
  tx: Sql,
  id: string,
  attempt: number,
  { reason, actor }: Asked,
): Promise<Taken | undefined> {
  const taken = await tx.maybe<Occurrence>(
    `update occurrence
     set state = 'running', attempt = attempt + 1, lease_until = now() + interval '${LEASE}', says = null
     where id = $1 and attempt = $2 and state = 'enqueued'
     returning ${COLUMNS}`,
    [id, attempt],
  );
  if (!taken) return undefined;
  await tx.rows(
    `update run set ended_at = now(), outcome = 'failed', says = format('No sign of life for ${LEASE}; attempt %s took over.', $2::int)
     where occurrence_id = $1 and ended_at is null`,
    [id, taken.attempt],
  );
  const { run } = await tx.one<{ run: string }>(
    `insert into run (occurrence_id, job, cycle, attempt, reason, actor) values ($1, $2, $3, $4, $5, $6) returning id as run`,
    [id, taken.job, taken.cycle, taken.attempt, reason, actor],
  );
  return { ...taken, run };
}

/** Ends an attempt. Returns false when the attempt was taken over: what it says late counts for nothing. */
async function end(
  tx: Sql,
  taken: Taken,
  state: 'done' | 'failed' | 'waiting',
  says: string,
  retryIn?: number,
): Promise<boolean> {
  const ended = await tx.rows(
    `update occurrence set state = $3, says = $4, lease_until = now() + make_interval(secs => $5::float8)
     where id = $1 and attempt = $2 and state = 'running' returning id`,
    [taken.id, taken.attempt, state, says, retryIn ?? null],
  );
  if (ended.length === 0) return false;
  await tx.rows(`update run set ended_at = now(), outcome = $2, says = $3 where id = $1`, [
    taken.run,
    state === 'waiting' ? 'asks' : state,
    says,
  ]);
  return true;
}

/** Ends an attempt that failed. Returns in how many seconds it is tried again; undefined when a person must act. */
async function fail(
  tx: Sql,
  taken: Taken,
  error: unknown,
): Promise<{ mine: boolean; says: string; retryIn?: number }> {
  const message = error instanceof Error ? error.message : String(error);
  const { failures } = await tx.one<{ failures: number }>(
    `select count(*)::int + 1 as failures from run
     where occurrence_id = $1 and outcome = 'failed' and id > coalesce(
       (select max(id) from run where occurrence_id = $1 and (outcome <> 'failed' or reason in ('manual', 'backfill'))), 0)`,
    [taken.id],
  );
  const canPass = !(error instanceof LkpError && error.code === 'request');
  const retryIn = canPass && failures < TRIES ? retryDelay(failures) : undefined;
  const mine = await end(tx, taken, 'failed', message, retryIn);
  return { mine, says: message, ...(retryIn === undefined ? {} : { retryIn }) };
}

/** How an attempt ended. `not-mine`: someone else did it, before or while we tried; that is success too. */
export type Ended = 'done' | 'waiting' | 'failed' | 'not-mine';

/**
 * Does the job of an occurrence as one attempt of the ledger, and returns how it ended. While it runs it renews its
 * lease; every transaction of the job ends with a look at the fence, so that an attempt that was taken over commits
 * nothing more. Throws only when the ledger itself cannot be reached: then the lease runs out and another takes over.
 */
export async function attempt(
  context: Context,
  jobs: readonly Job[],
  message: { readonly occurrence: string; readonly attempt: number } & Asked,
  log: Log,
): Promise<Ended> {
  const taken = await context.db.transaction('begin', (tx) =>
    begin(tx, message.occurrence, message.attempt, message),
  );
  if (!taken) {
    log.debug({ message }, 'someone else does this, or did');
    return 'not-mine';
  }
  crash('attempt-begun');
  const own = log.child({ job: nameOf(taken), cycle: taken.cycle, attempt: taken.attempt, run: taken.run });
  own.info({ reason: message.reason }, 'begun');
  const alive = setInterval(() => {
    // A sign of life that cannot be given is no failure: the lease runs out, and the fence decides.
    renew(context, taken).catch((error: Error) =>
      own.warn(`no sign of life could be given: ${error.message}`),
    );
  }, SIGN_OF_LIFE_MS);
  try {
    const { outcome, says } = await jobOf(taken, jobs).run(
      { ...context, db: fenced(context.db, taken) },
      taken.cycle,
      taken,
    );
    crash('attempt-before-end');
    const state = outcome === 'asks' ? 'waiting' : 'done';
    if (!(await context.db.transaction('end', (tx) => end(tx, taken, state, says)))) return overtaken(own);
    own.info({ state }, says);
    return state;
  } catch (error) {
    if (error instanceof TakenOver) return overtaken(own);
    const { mine, says, retryIn } = await context.db.transaction('end', (tx) => fail(tx, taken, error));
    if (!mine) return overtaken(own);
    if (retryIn === undefined)
      own.error(`${says} No further attempt is made: repair it, then run lkp cycle ${taken.cycle}.`);
    else own.warn(`${says} It is tried again in ${retryIn} s.`);
    return 'failed';
  } finally {
    clearInterval(alive);
  }
}

function overtaken(log: Log): 'not-mine' {
  log.warn(
    'another attempt took over, because this one gave no sign of life for too long; it stored nothing late',
  );
  return 'not-mine';
}

function jobOf(taken: Taken, jobs: readonly Job[]): Job {
  const job = jobs.find(({ name }) => name === taken.job);
  if (job) return job;
  throw new LkpError(
    'request',
    `The ledger asks for the job ${taken.job}, which this version of lkp does not have; it has ${jobs.map(({ name }) => name).join(', ')}. ` +
      'Run the version that wrote it.',
  );
}

/** Another attempt has begun; nothing of this one is stored. */
class TakenOver extends Error {}

/**
 * A database whose transactions commit only while `taken` is the running attempt. Their sessions carry its name, so
 * that whoever takes over can end them (see `evict`).
 */
const fenced = (db: Database, taken: Taken): Database => ({
  transaction: (name, work) =>
    db.transaction(`o${taken.id}-a${taken.attempt} ${name}`, async (tx) => {
      const result = await work(tx);
      const mine = await tx.rows(
        `select id from occurrence where id = $1 and attempt = $2 and state = 'running' for share`,
        [taken.id, taken.attempt],
      );
      if (mine.length === 0)
        throw new TakenOver(`${nameOf(taken)} of ${taken.cycle}: attempt ${taken.attempt} was taken over`);
      return result;
    }),
});

const renew = (context: Context, taken: Taken): Promise<unknown> =>
  context.db.transaction('renew', (tx) =>
    tx.rows(
      `update occurrence set lease_until = now() + interval '${LEASE}'
       where id = $1 and attempt = $2 and state = 'running'`,
      [taken.id, taken.attempt],
    ),
  );

/** Writes down a command that a person gave, beside the calendar. */
export async function recordManual(
  context: Context,
  job: string,
  cycle: string | null,
  outcome: Outcome,
  says: string,
): Promise<void> {
  await context.db.transaction('record', (tx) =>
    tx.rows(
      `insert into run (job, cycle, reason, actor, ended_at, outcome, says) values ($1, $2, 'manual', $3, now(), $4, $5)`,
      [job, cycle, context.settings.LKP_ACTOR, outcome, says],
    ),
  );
}
