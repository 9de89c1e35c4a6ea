import { crash } from '../crash.ts';
import { type Context, type Job, LkpError, type Part } from '../job.ts';
import type { Log } from '../log.ts';
import type { Database, Sql } from '../ports.ts';
import { begin, LEASE, SIGN_OF_LIFE_MS, type Taken } from './begin.ts';
import { end, fail } from './end.ts';
import { type Asked, nameOf } from './occurrence.ts';

/**
 * How an attempt ended. `not-mine`: someone else did it or cancelled it, before or while we tried; that is success too.
 * `lost`: the ledger could not be told how; the lease runs out and another takes over.
 */
export type Ended = 'done' | 'waiting' | 'failed' | 'not-mine' | 'lost';

/**
 * Does the job of an occurrence as one attempt of the ledger, and returns how it ended. While it runs it renews its
 * lease; every transaction of the job begins and ends with a look at the fence, so that an attempt that was taken over or
 * cancelled commits nothing more. Throws only when the ledger cannot be reached at the beginning. `begun` hears the name of
 * the job.
 */
export async function attempt(
  context: Context,
  jobs: readonly Job[],
  message: { readonly occurrence: string; readonly attempt: number } & Asked,
  log: Log,
  begun?: (job: string) => void,
): Promise<Ended> {
  const now = context.simulated ? context.now() : undefined;
  const taken = await context.db.transaction('begin', (tx) =>
    begin(tx, message.occurrence, message.attempt, message, now),
  );
  if (!taken) {
    log.debug({ message }, 'someone else does this, or did');
    return 'not-mine';
  }
  crash('attempt-begun');
  const own = log.child({ job: nameOf(taken), cycle: taken.cycle, attempt: taken.attempt, run: taken.run });
  const { reason, lateBy } = taken;
  own.info({ reason, ...(lateBy && { late_by: lateBy }) }, 'begun');
  begun?.(taken.job);
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
      partOf(taken),
    );
    crash('attempt-before-end');
    const state = outcome === 'asks' ? 'waiting' : 'done';
    if (!(await context.db.transaction('end', (tx) => end(tx, taken, state, says))))
      return notMine(context, taken, own);
    own.info({ state }, says);
    return state;
  } catch (error) {
    if (error instanceof NotMine) return notMine(context, taken, own);
    const failed = await context.db
      .transaction('end', (tx) => fail(tx, taken, error))
      .catch((cause: Error) => cause);
    if (failed instanceof Error) return unsaid(own, failed);
    const { mine, says, retryIn } = failed;
    if (!mine) return notMine(context, taken, own);
    if (retryIn === undefined)
      own.error(`${says} No further attempt is made: repair it, then run lkp cycle ${taken.cycle}.`);
    else own.warn(`${says} It is tried again in ${retryIn} s.`);
    return 'failed';
  } finally {
    clearInterval(alive);
  }
}

/** What a job is to know of its attempt, and no more: that a run has a reason is no reason of a revision. */
const partOf = ({ part, parts, lateBy, cutoff }: Taken): Part => ({
  part,
  parts,
  ...(lateBy !== undefined && { lateBy }),
  ...(cutoff !== undefined && { cutoff }),
});

function unsaid(log: Log, { message }: Error): 'lost' {
  log.warn(`the ledger could not be told how it ended (${message}); another attempt takes over`);
  return 'lost';
}

/** Says in one line why what was done here is no longer wanted: where the ledger cannot be asked, what is most likely. */
async function notMine(context: Context, taken: Taken, log: Log): Promise<'not-mine'> {
  const run = await context.db
    .transaction('look', (tx) =>
      tx.maybe<{ outcome: string | null; says: string | null }>(
        'select outcome, says from run where id = $1',
        [taken.run],
      ),
    )
    .catch((error: Error) => void log.debug(`the ledger cannot be asked why: ${error.message}`));
  log.warn(
    run?.outcome === 'cancelled'
      ? `${run.says} Nothing more of this attempt is stored`
      : 'another attempt took over, because this one gave no sign of life for too long; it stored nothing late',
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

/** Another attempt has begun, or this one was cancelled; nothing of it is stored. */
class NotMine extends Error {}

/** The name that the sessions of an attempt carry, so that whoever takes over or cancels can end them. */
export const sessionsOf = ({ id, attempt }: Pick<Taken, 'id' | 'attempt'>): string => `o${id}-a${attempt}`;

/** A database whose transactions begin, and commit, only while `taken` is the running attempt. */
const fenced = (db: Database, taken: Taken): Database => ({
  transaction: (name, work) =>
    db.transaction(`${sessionsOf(taken)} ${name}`, async (tx) => {
      await hold(tx, taken, '');
      const result = await work(tx);
      await hold(tx, taken, 'for share');
      return result;
    }),
});

async function hold(tx: Sql, taken: Taken, how: '' | 'for share'): Promise<void> {
  const mine = await tx.rows(
    `select from occurrence where id = $1 and attempt = $2 and state = 'running' ${how}`,
    [taken.id, taken.attempt],
  );
  if (mine.length === 0)
    throw new NotMine(`${nameOf(taken)} of ${taken.cycle}: attempt ${taken.attempt} is not wanted any more`);
}

const renew = (context: Context, taken: Taken): Promise<unknown> =>
  context.db.transaction('renew', (tx) =>
    tx.rows(
      `update occurrence set lease_until = now() + interval '${LEASE}'
       where id = $1 and attempt = $2 and state = 'running'`,
      [taken.id, taken.attempt],
    ),
  );
