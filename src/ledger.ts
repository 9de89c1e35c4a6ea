import { type Context, type Job, LkpError, type Outcome } from './job.ts';
import type { Database, Sql } from './ports.ts';

/**
 * What is due and what was tried. The database is the truth: a queue message only says "look at this occurrence".
 * An occurrence goes due -> enqueued -> running -> done, failed or waiting (for a person); the attempt number is the
 * fence that every later write of the attempt carries.
 */
export interface Occurrence {
  readonly id: string;
  readonly job: string;
  readonly cycle: string;
  readonly due_at: string;
  readonly deadline: string | null;
  readonly state: 'due' | 'enqueued' | 'running' | 'done' | 'failed' | 'waiting';
  readonly attempt: number;
  readonly says: string | null;
}

export type Reason = 'scheduled' | 'catch-up' | 'backfill' | 'manual';

/** How long a message may lie before it is sent again. */
const RESEND_AFTER = '60 seconds';
/** How long an attempt may give no sign of life before another takes its place, and how often it gives one. */
const LEASE = '15 seconds';
const SIGN_OF_LIFE_MS = 5_000;

const COLUMNS = 'id, job, cycle, due_at, deadline, state, attempt, says';

/** Writes down what a cycle has to do. What is there already stays as it is: a done cycle is never fired again. */
export async function plan(tx: Sql, jobs: readonly Job[], cycle: string, timeZone: string): Promise<void> {
  const dates = jobs.map((job) => ({ job: job.name, ...job.when(cycle, timeZone) }));
  await tx.rows(
    `insert into occurrence (job, cycle, due_at, deadline)
     select job, $1, due_at, deadline from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as due (job, due_at, deadline)
     on conflict (job, cycle) do nothing`,
    [
      cycle,
      dates.map(({ job }) => job),
      dates.map(({ due }) => due),
      dates.map(({ deadline }) => deadline ?? null),
    ],
  );
}

export const occurrencesOf = (tx: Sql, cycle: string): Promise<Occurrence[]> =>
  tx.rows(`select ${COLUMNS} from occurrence where cycle = $1 order by due_at, id`, [cycle]);

/** Asks for a finished, failed or waiting occurrence again, under the next attempt. */
export async function again(tx: Sql, cycle: string, jobs: readonly string[]): Promise<void> {
  await tx.rows(
    `update occurrence set state = 'due', says = null
     where cycle = $1 and job = any($2) and state in ('done', 'failed', 'waiting')`,
    [cycle, jobs],
  );
}

/** Takes what may be sent now: due at `now` with every job before it done, or sent long ago and never begun. */
export async function takeReady(
  tx: Sql,
  jobs: readonly Job[],
  cycle: string,
  now: string,
): Promise<Occurrence[]> {
  const after = Object.fromEntries(jobs.map((job) => [job.name, job.after]));
  return tx.rows<Occurrence>(
    `update occurrence set state = 'enqueued', enqueued_at = now()
     where occurrence.cycle = $1
       and (occurrence.state = 'due' and occurrence.due_at <= $3
         or occurrence.state = 'enqueued' and occurrence.enqueued_at < now() - interval '${RESEND_AFTER}'
         or occurrence.state = 'running' and occurrence.lease_until < now())
       and not exists (
         select 1
         from jsonb_array_elements_text($2::jsonb -> occurrence.job) as before (job)
         left join occurrence as earlier on earlier.cycle = occurrence.cycle and earlier.job = before.job
         where earlier.state is distinct from 'done')
     returning ${COLUMNS}`,
    [cycle, JSON.stringify(after), now],
  );
}

/**
 * Begins an attempt and returns it, or undefined when someone else did: that is success too. `attempt` is the one
 * the message was sent for.
 */
export async function begin(
  tx: Sql,
  id: string,
  attempt: number,
  actor: string,
  reason: Reason,
): Promise<Occurrence | undefined> {
  const taken = await tx.maybe<Occurrence>(
    `update occurrence set state = 'running', attempt = attempt + 1, lease_until = now() + interval '${LEASE}'
     where id = $1 and attempt = $2 and (state = 'enqueued' or state = 'running' and lease_until < now())
     returning ${COLUMNS}`,
    [id, attempt],
  );
  if (!taken) return undefined;
  await tx.rows(
    `insert into run (occurrence_id, job, cycle, attempt, reason, actor) values ($1, $2, $3, $4, $5, $6)`,
    [id, taken.job, taken.cycle, taken.attempt, reason, actor],
  );
  return taken;
}

/** Ends an attempt. Returns false when the attempt was taken over: its late writes count for nothing. */
export async function end(
  tx: Sql,
  taken: Occurrence,
  state: 'done' | 'failed' | 'waiting',
  says: string,
): Promise<boolean> {
  const ended = await tx.rows(
    `update occurrence set state = $3, says = $4, lease_until = null
     where id = $1 and attempt = $2 and state = 'running' returning id`,
    [taken.id, taken.attempt, state, says],
  );
  await tx.rows(
    `update run set ended_at = now(), outcome = $3, says = $4 where occurrence_id = $1 and attempt = $2`,
    [taken.id, taken.attempt, state === 'waiting' ? 'asks' : state, says],
  );
  return ended.length > 0;
}

/**
 * Does the job of an occurrence as one attempt of the ledger. While it runs it renews its lease; every transaction of
 * the job ends with a look at the fence, so that an attempt that was taken over commits nothing more. The error of
 * a failed attempt is written down and thrown.
 */
export async function attempt(
  context: Context,
  jobs: readonly Job[],
  id: string,
  sentFor: number,
  reason: Reason,
): Promise<void> {
  const taken = await context.db.transaction('begin', (tx) =>
    begin(tx, id, sentFor, context.settings.LKP_ACTOR, reason),
  );
  if (!taken) return;
  const finish = (state: 'done' | 'failed' | 'waiting', says: string) =>
    context.db.transaction('end', (tx) => end(tx, taken, state, says));
  const job = jobs.find(({ name }) => name === taken.job);
  if (!job) {
    const says = `The ledger asks for the job ${taken.job}, which this version of lkp does not have. Run the version that wrote it.`;
    await finish('failed', says);
    throw new LkpError('request', says);
  }
  const alive = setInterval(() => {
    // A sign of life that cannot be given is no failure: the lease runs out, and the fence decides.
    renew(context, taken).catch(() => context.progress(`${taken.job}: the database does not answer`));
  }, SIGN_OF_LIFE_MS);
  try {
    const { outcome, says } = await job.run({ ...context, db: fenced(context.db, taken) }, taken.cycle);
    await finish(outcome === 'asks' ? 'waiting' : 'done', says);
  } catch (error) {
    if (error instanceof TakenOver) return;
    await finish('failed', error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    clearInterval(alive);
  }
}

/** Another attempt has begun; nothing of this one is stored. Someone else does it: that is success. */
class TakenOver extends Error {}

/** A database whose transactions commit only while `taken` is the running attempt. */
const fenced = (db: Database, taken: Occurrence): Database => ({
  transaction: (name, work) =>
    db.transaction(name, async (tx) => {
      const result = await work(tx);
      const mine = await tx.rows(
        `select id from occurrence where id = $1 and attempt = $2 and state = 'running' for share`,
        [taken.id, taken.attempt],
      );
      if (mine.length === 0)
        throw new TakenOver(`${taken.job} of ${taken.cycle}: attempt ${taken.attempt} was taken over`);
      return result;
    }),
});

const renew = (context: Context, taken: Occurrence): Promise<unknown> =>
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
