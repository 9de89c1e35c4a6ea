import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';

/**
 * When a cycle's refresh is due, as an instant in UTC; workbooks print it. Where the cycle has begun, as was said then: an
 * edited schedule, or another time zone, moves nothing that has begun.
 */
export async function dueOf(tx: Sql, context: Pick<Context, 'schedule'>, cycle: string): Promise<string> {
  const { due_at } = await tx.one<{ due_at: string | null }>(
    `select coalesce(
       (select due_at from snapshot where cycle = $1 order by revision desc limit 1),
       (select due_at from occurrence where job = 'refresh' and cycle = $1 order by part limit 1)) as due_at`,
    [cycle],
  );
  return due_at ?? context.schedule.dates('refresh', cycle).due;
}
