import { LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Taken } from './begin.ts';

/** A failure that can pass is tried again after 10 s, 30 s, 90 s, ... 1 h: eight attempts in about two hours. */
const TRIES = 8;
const retryDelay = (failures: number): number => Math.min(3600, 10 * 3 ** (failures - 1));

/**
 * Ends an attempt. Returns false when it is no longer ours to end (taken over, cancelled): what it says late counts for
 * nothing. The next attempt begins at a new cut-off, unless this one is to be repeated as it was (`sameAgain`).
 */
export async function end(
  tx: Sql,
  taken: Taken,
  state: 'done' | 'failed' | 'waiting',
  says: string,
  { retryIn, sameAgain = false }: { readonly retryIn?: number; readonly sameAgain?: boolean } = {},
): Promise<boolean> {
  const ended = await tx.rows(
    `update occurrence
     set state = $3, says = $4, lease_until = now() + make_interval(secs => $5::float8),
         cutoff = case when $6 then cutoff end
     where id = $1 and attempt = $2 and state = 'running' returning id`,
    [taken.id, taken.attempt, state, says, retryIn ?? null, sameAgain],
  );
  if (ended.length === 0) return false;
  await tx.rows(`update run set ended_at = now(), outcome = $2, says = $3 where id = $1`, [
    taken.run,
    state === 'waiting' ? 'asks' : state,
    says,
  ]);
  return true;
}

/** Ends an attempt that failed. Says in how many seconds it is tried again; not at all when a person must act. */
export async function fail(
  tx: Sql,
  taken: Taken,
  error: unknown,
): Promise<{ mine: boolean; says: string; retryIn?: number }> {
  const says = error instanceof Error ? error.message : String(error);
  const { failures } = await tx.one<{ failures: number }>(
    `select count(*)::int + 1 as failures from run
     where occurrence_id = $1 and outcome = 'failed' and id > coalesce(
       (select max(id) from run where occurrence_id = $1 and (outcome <> 'failed' or reason in ('manual', 'backfill'))), 0)`,
    [taken.id],
  );
  const canPass = !(error instanceof LkpError && error.code === 'request');
  const retry = canPass && failures < TRIES ? { retryIn: retryDelay(failures) } : {};
  const mine = await end(tx, taken, 'failed', says, { ...retry, sameAgain: isOfTheMachine(error) });
  return { mine, says, ...retry };
}

/**
 * Of the machine, the database or the system, which carry a code. What else fails may fail for what was known at the
 * cut-off (a balance that does not hold): with that kept, no correction would ever be seen.
 */
const isOfTheMachine = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && code !== 'request';
};
