import { JOBS } from '../jobs/index.ts';
import type { App } from './app.ts';
import { again, attempt, type Occurrence, occurrencesOf, plan, type Reason, takeReady } from './ledger.ts';
import { openQueue } from './queue/queue.ts';

const LOOK_EVERY_MS = 250;

export interface MonthOptions {
  readonly reason: Reason;
  /** Does finished jobs again too: they are no-ops where nothing changed. */
  readonly again?: boolean;
  /** The instant up to which jobs are due; `everything` runs jobs of later days now. */
  readonly until: string | 'everything';
  /** Hears of every change of state. */
  readonly onState?: (occurrence: Occurrence) => void;
}

const LAST_INSTANT = '9999-12-31T00:00:00Z';

/**
 * Runs a cycle's jobs through the ledger and the queue, as the scheduler and a worker do, and waits until nothing
 * more can run: all done, or one failed or waiting for a person. Returns the occurrences as they ended.
 */
export async function runMonth(app: App, cycle: string, options: MonthOptions): Promise<Occurrence[]> {
  const { LKP_TIME_ZONE: zone, QUEUE_URL } = app.settings;
  const errors: Error[] = [];
  await app.db.transaction('plan', async (tx) => {
    await plan(tx, JOBS, cycle, zone);
    await again(tx, cycle, options.again ? JOBS.map(({ name }) => name) : await unfinished(tx, cycle));
  });
  const queue = await openQueue(QUEUE_URL ?? app.databaseUrl, { onError: (error) => errors.push(error) });
  try {
    const changed = new Signal();
    await queue.work(
      async (id, sentFor) => {
        await attempt(app, JOBS, id, sentFor, options.reason).finally(() => changed.raise());
      },
      { concurrency: 1 },
    );
    const until = options.until === 'everything' ? LAST_INSTANT : options.until;
    const told = new Map<string, string>();
    for (;;) {
      const { ready, all } = await app.db.transaction('look', async (tx) => ({
        ready: await takeReady(tx, JOBS, cycle, until),
        all: await occurrencesOf(tx, cycle),
      }));
      for (const occurrence of all) {
        const state = `${occurrence.state} ${occurrence.attempt}`;
        if (told.get(occurrence.id) !== state) options.onState?.(occurrence);
        told.set(occurrence.id, state);
      }
      for (const occurrence of ready) await queue.send(occurrence.id, occurrence.attempt);
      if (ready.length === 0 && !all.some(({ state }) => state === 'enqueued' || state === 'running'))
        return all;
      await changed.wait(LOOK_EVERY_MS);
    }
  } finally {
    await queue.close();
  }
}

/** Failed and waiting jobs are tried again when a person asks for the cycle. */
async function unfinished(tx: Parameters<typeof occurrencesOf>[0], cycle: string): Promise<string[]> {
  return (await occurrencesOf(tx, cycle))
    .filter(({ state }) => state === 'failed' || state === 'waiting')
    .map(({ job }) => job);
}

/** Wakes a waiter early; a job that another process does is seen at the next look. */
class Signal {
  #wake: (() => void) | undefined;
  raise(): void {
    this.#wake?.();
  }
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
