import { JOBS } from '../jobs/index.ts';
import type { App } from './app.ts';
import { again, ask, type Occurrence, occurrencesOf, plan, type Reason, takeTurn } from './ledger.ts';
import { openLog } from './log.ts';
import { Lookout, Signal, workOn } from './roles.ts';

const LOOK_EVERY_MS = 250;

export interface MonthOptions {
  readonly reason: Reason;
  /** Does finished jobs again too: they are no-ops where nothing changed. */
  readonly again?: boolean;
  /** The states that are tried again; all that are not done and wait for nothing else when absent. */
  readonly retry?: ReadonlyArray<(typeof UNDONE)[number]>;
  /** The instant up to which jobs are due; `everything` runs jobs of later days now. */
  readonly until: string | 'everything';
  /** Hears of every change of state. */
  readonly onState?: (occurrence: Occurrence) => void;
}

/** Not done, and begun again only when a person asks. */
export const UNDONE = ['failed', 'waiting', 'missed', 'cancelled'] as const;
const LAST_INSTANT = '9999-12-31T00:00:00Z';

/**
 * Runs a cycle's jobs through the ledger and the queue, with the scheduler's look and a worker's hands, and waits until
 * nothing more can run: all done, or one failed or waiting for a person. Returns the occurrences as they ended.
 * Workers of other processes on the same queue take part.
 */
export async function runMonth(app: App, cycle: string, options: MonthOptions): Promise<Occurrence[]> {
  const { LKP_ACTOR: actor, QUEUE_URL } = app.settings;
  const { reason } = options;
  const until = options.until === 'everything' ? LAST_INSTANT : options.until;
  await app.db.transaction('plan', async (tx) => {
    // The looks of schedulers touch the same rows, in another order.
    await takeTurn(tx);
    await plan(tx, JOBS, cycle, app.schedule);
    // What failed, waits, was missed or cancelled is tried again when a person asks for the cycle.
    await again(tx, cycle, [...(options.again ? (['done'] as const) : []), ...(options.retry ?? UNDONE)]);
    await ask(tx, cycle, until);
  });
  const log = openLog(app.settings);
  const changed = new Signal();
  const { openQueue } = await import('./queue/queue.ts');
  const queue = await openQueue(QUEUE_URL ?? app.databaseUrl, {
    onError: (error) => log.warn(error.message),
  });
  try {
    await workOn(app, queue, JOBS, log, () => changed.raise());
    const lookout = new Lookout(app, queue, JOBS, () => ({ reason, actor }));
    const told = new Map<string, string>();
    for (;;) {
      // In this order: what ends between the two is seen by the second, and what comes after it is sent.
      const all = await app.db.transaction('look', (tx) => occurrencesOf(tx, cycle));
      const sent = await lookout.look(until, cycle);
      for (const occurrence of all) {
        const state = `${occurrence.state} ${occurrence.attempt}`;
        if (told.get(occurrence.id) !== state) options.onState?.(occurrence);
        told.set(occurrence.id, state);
      }
      if (sent === 0 && !all.some(({ state }) => state === 'enqueued' || state === 'running')) return all;
      await changed.wait(LOOK_EVERY_MS);
    }
  } finally {
    await queue.close();
  }
}
