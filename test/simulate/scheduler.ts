import { setTimeout as sleep } from 'node:timers/promises';
import { JOBS } from '../../jobs/index.ts';
import { raiseAlerts } from '../../src/alerts/raise.ts';
import type { App } from '../../src/app.ts';
import type { Log } from '../../src/log.ts';
import { openQueue, type Queue } from '../../src/queue/queue.ts';
import { Scheduler } from '../../src/roles.ts';
import type { Clock } from './clock.ts';

const LOOKS_WITHIN_MS = 20_000;

/** A scheduler as in `lkp start scheduler`, whose clock may be fast or slow; it counts its looks. */
export class Watch {
  readonly #app: App;
  readonly #log: Log;
  readonly #queueUrl: string;
  #queue: Queue | undefined;
  #running: ReturnType<Scheduler['start']> | undefined;
  #begun = 0;
  #ended = 0;

  /** `fast`: by how many milliseconds its clock is; negative when it is slow. */
  constructor(
    app: App,
    clock: Clock,
    readonly fast: number,
    log: Log,
    queueUrl: string,
  ) {
    const { db } = app;
    this.#log = log;
    this.#queueUrl = queueUrl;
    this.#app = {
      ...app,
      now: () => clock.read(fast),
      db: {
        ...db,
        transaction: async (name, work) => {
          if (name !== 'look') return db.transaction(name, work);
          this.#begun += 1;
          const mine = this.#begun;
          const result = await db.transaction(name, work);
          this.#ended = mine;
          return result;
        },
      },
    };
  }

  async open(): Promise<void> {
    this.#queue = await openQueue(this.#queueUrl, { onError: () => undefined });
    this.#running = new Scheduler(this.#app, this.#queue, JOBS, this.#log).start();
  }

  wake(): void {
    this.#running?.wake();
  }

  /** A minute of the simulated world: it plans, looks and raises alerts, and has done so when this settles. False: it could not. */
  async minute(): Promise<boolean> {
    const before = this.#begun;
    const until = Date.now() + LOOKS_WITHIN_MS;
    while (this.#ended <= before) {
      if (Date.now() > until) return false;
      this.#running?.minute();
      await sleep(10);
    }
    await raiseAlerts(this.#app, JOBS);
    return true;
  }

  async close(): Promise<void> {
    await this.#running?.stop();
    await this.#queue?.close();
  }
}
