import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';
import { computeFresh, takeCells } from './fresh.ts';

/** What a revision was made with, as it is recorded. */
export interface MadeWith {
  readonly cycle: string;
  readonly revision: number;
  readonly cutoff: string;
  readonly reporting_currency: string;
  readonly lookback: number;
  /** Null of revisions of before. */
  readonly time_zone: string | null;
  /** As the schedule of then said; what was printed with it, the workbooks, is held against it. */
  readonly due_at: string;
  readonly change_no: string | null;
  readonly reason: string | null;
  readonly build: string | null;
  /** Null: in time, asked for by a person, or of before it was kept. */
  readonly late_by: string | null;
}

/**
 * Makes a recorded revision again, in a database that knows what its cut-off knew and no more (`lkp verify`): the scripts of
 * a refresh, under the settings that the revision was made with. Nothing is compared here.
 */
export async function remake(tx: Sql, context: Context, made: MadeWith): Promise<void> {
  const settings = {
    ...context.settings,
    LKP_REPORTING_CURRENCY: made.reporting_currency,
    LKP_RATE_LOOKBACK_DAYS: made.lookback,
  };
  await takeCells(tx);
  const content_hash = await computeFresh(tx, { ...context, settings }, made.cycle, made.cutoff);
  await tx.file('marts/freeze', {
    revision: made.revision,
    due_at: made.due_at,
    content_hash,
    change_no: made.change_no,
    reason: made.reason,
    time_zone: made.time_zone,
    build: made.build,
    late_by: made.late_by,
  });
}
