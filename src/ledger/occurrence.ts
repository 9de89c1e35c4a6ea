import type { Part } from '../job.ts';
import type { Sql } from '../ports.ts';

/** One job of one cycle, or one part of it: what is due, and how it stands. */
export interface Occurrence extends Part {
  readonly id: string;
  readonly job: string;
  readonly cycle: string;
  readonly due_at: string;
  readonly deadline: string | null;
  readonly state: 'due' | 'enqueued' | 'running' | 'done' | 'failed' | 'waiting' | 'missed' | 'cancelled';
  readonly attempt: number;
  readonly says: string | null;
  /** How long after `due_at` its first attempt began, as ISO 8601 (`P3DT2H`); null: in time, or not begun. See lateText. */
  readonly late_by: string | null;
}

export type Reason = 'scheduled' | 'catch-up' | 'backfill' | 'manual';

/** Why and for whom an occurrence is attempted; recorded with the run. */
export interface Asked {
  readonly reason: Reason;
  readonly actor: string;
}

export const COLUMNS =
  'occurrence.id, occurrence.job, occurrence.cycle, occurrence.part, occurrence.parts, occurrence.due_at, ' +
  'occurrence.deadline, occurrence.state, occurrence.attempt, occurrence.says, occurrence.late_by';

/** A job's name as people read it: `refresh`, `report 2 of 5`. */
export const nameOf = ({ job, part, parts }: Pick<Occurrence, 'job' | 'part' | 'parts'>): string =>
  parts > 1 ? `${job} ${part} of ${parts}` : job;

export const occurrencesOf = (tx: Sql, cycle: string): Promise<Occurrence[]> =>
  tx.rows(`select ${COLUMNS} from occurrence where cycle = $1 order by due_at, id`, [cycle]);

/** Asks for a cycle's occurrences in these states again, under their next attempt. */
export async function again(
  tx: Sql,
  cycle: string,
  states: ReadonlyArray<'done' | 'failed' | 'waiting' | 'missed' | 'cancelled'>,
): Promise<void> {
  await tx.rows(
    `update occurrence set state = 'due', asked = true, says = null, lease_until = null
     where cycle = $1 and state = any($2)`,
    [cycle, states],
  );
}

/** A person asks for what of a cycle is due by `until` and not begun: no policy skips it any more, and it is not late. */
export async function ask(tx: Sql, cycle: string, until: string): Promise<void> {
  await tx.rows(
    `update occurrence set asked = true where cycle = $1 and state = 'due' and due_at <= $2 and not asked`,
    [cycle, until],
  );
}

/**
 * One look or plan at a time: those of eight schedulers touch the same rows, in any order. Held to the end of the
 * transaction; a holder that froze in the middle is dropped by the server.
 */
export async function takeTurn(tx: Sql): Promise<void> {
  await tx.rows(`select set_config('idle_in_transaction_session_timeout', '10s', true),
                        pg_advisory_xact_lock(hashtext('lkp.ledger'))`);
}
