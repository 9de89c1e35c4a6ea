import type { Sql } from '../ports.ts';

/** A time in which the calendar sends nothing by itself. Instants in UTC. */
export interface Pause {
  readonly paused_at: string;
  readonly paused_by: string;
  readonly reason: string;
}

/** The pause that is on; undefined when the calendar runs. */
export const openPause = (tx: Sql): Promise<Pause | undefined> =>
  tx.maybe<Pause>('select paused_at, paused_by, reason from pause where resumed_at is null');
