import type { Job } from '../job.ts';
import type { Sql } from '../ports.ts';
import { COLUMNS, type Occurrence, takeTurn } from './occurrence.ts';

/** How long a message may lie before it is sent again. */
const RESEND_AFTER = '60 seconds';
/** So many attempts in a row that died or failed, the last one dying, and the job itself is suspected. */
const DEATHS = 5;

/**
 * Takes what may be sent now, of one cycle or of all: due at `now` with every part of the jobs before it done; sent long ago and
 * never begun; failed some time ago in a way that can pass; or running without a sign of life. `lease_until` says until
 * when a running attempt holds its occurrence, and when a failed one is tried again. The oldest cycle comes first.
 */
export async function takeReady(
  tx: Sql,
  jobs: readonly Job[],
  now: string,
  cycle?: string,
): Promise<Occurrence[]> {
  await takeTurn(tx);
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
  return ready.sort((one, other) =>
    one.cycle === other.cycle ? Number(one.id) - Number(other.id) : one.cycle < other.cycle ? -1 : 1,
  );
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
    `with given_up as (
       update occurrence
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
               where asked.occurrence_id = occurrence.id and asked.reason in ('manual', 'backfill')), 0))
       returning occurrence.id, occurrence.says)
     update run set ended_at = now(), outcome = 'failed', says = given_up.says
     from given_up
     where run.occurrence_id = given_up.id and run.ended_at is null`,
  );
