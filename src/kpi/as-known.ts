import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';
import { dueOf } from './due.ts';
import { computeFresh, cutOff, takeCells } from './fresh.ts';

/** A moment of the past, as an instant in UTC and as the person wrote it. */
export interface AsKnownOn {
  readonly instant: string;
  readonly label: string;
}

/**
 * Freezes what a cycle was as known at an instant as its revision 0, which no refresh ever writes: what reads a revision
 * reads this one. For a transaction that is rolled back. Throws LkpError('request') when nothing was known yet, or no rule
 * set was in force.
 */
export async function freezeAsKnown(
  tx: Sql,
  context: Context,
  cycle: string,
  instant: string,
): Promise<void> {
  await takeCells(tx);
  const content_hash = await computeFresh(tx, context, cycle, await cutOff(tx, instant));
  await freezeAside(tx, context, cycle, content_hash);
}

/** Freezes the tables of computeFresh as revision 0. */
export async function freezeAside(
  tx: Sql,
  context: Context,
  cycle: string,
  content_hash: string,
): Promise<void> {
  await tx.file('marts/freeze', {
    revision: 0,
    due_at: await dueOf(tx, context, cycle),
    content_hash,
    change_no: '',
    reason: '',
  });
}
