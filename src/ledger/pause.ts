import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { takeTurn } from './occurrence.ts';

/** A time in which the calendar sends nothing by itself. Instants in UTC. */
export interface Pause {
  readonly paused_at: string;
  readonly paused_by: string;
  readonly reason: string;
}

/** The pause that is on; undefined when the calendar runs. */
export const openPause = (tx: Sql): Promise<(Pause & { readonly id: string }) | undefined> =>
  tx.maybe('select id, paused_at, paused_by, reason from pause where resumed_at is null');

/** `paused since 2020-05-14T08:00:00Z by operations: the database moves`. */
export const pauseText = ({ paused_at, paused_by, reason }: Pause): string =>
  `paused since ${paused_at.replace(/\.\d+Z$/, 'Z')} by ${paused_by}: ${reason}`;

/**
 * Pauses the calendar: from here on it plans and alerts, and sends nothing. What runs goes on, and so does what was sent.
 * Throws LkpError('request') when it is paused already.
 */
export const pause = (context: Context, reason: string): Promise<Pause> =>
  context.db.transaction('pause', async (tx) => {
    // After a look in hand: what it took is sent.
    await takeTurn(tx);
    const open = await openPause(tx);
    if (open)
      throw new LkpError(
        'request',
        `The calendar is ${pauseText(open)}. It stays so until lkp resume --reason 'why'.`,
      );
    return tx.one<Pause>(
      'insert into pause (paused_at, paused_by, reason) values ($1, $2, $3) returning paused_at, paused_by, reason',
      [context.now(), context.settings.LKP_ACTOR, reason],
    );
  });

/** Ends the pause, and returns it. What came due meanwhile is caught up by its policy. Throws LkpError('request') when there is none. */
export const resume = (context: Context, reason: string): Promise<Pause> =>
  context.db.transaction('resume', async (tx) => {
    await takeTurn(tx);
    const ended = await tx.maybe<Pause>(
      `update pause set resumed_at = $1, resumed_by = $2, resume_reason = $3 where resumed_at is null
       returning paused_at, paused_by, reason`,
      [context.now(), context.settings.LKP_ACTOR, reason],
    );
    if (ended) return ended;
    const last = await tx.maybe<{ resumed_at: string; resumed_by: string; resume_reason: string }>(
      'select resumed_at, resumed_by, resume_reason from pause order by id desc limit 1',
    );
    throw new LkpError(
      'request',
      last
        ? `The calendar is not paused: ${last.resumed_by} resumed it at ${last.resumed_at}: ${last.resume_reason}. Nothing is to be done.`
        : 'The calendar is not paused, and never was. Nothing is to be done.',
    );
  });
