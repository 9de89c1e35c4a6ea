import type { App } from '../app.ts';
import type { Job } from '../job.ts';
import type { Log } from '../log.ts';
import { endsWithin } from '../within.ts';
import { deliverAlerts } from './deliver.ts';
import { ALERT_KINDS } from './kinds.ts';
import { raiseAlerts } from './raise.ts';

/** A sending that is not over then is left: its delivery is sent again, under the same id. */
const STOP_WITHIN_MS = 5_000;

/**
 * Raises and delivers alerts beside a scheduler, which it never holds up: a look of its own at each `wake`, unless one is
 * going on. Logs a line for each alert that it raised, and one for each outage of a target.
 */
export class AlertWatch {
  readonly #app: App;
  readonly #jobs: readonly Job[];
  readonly #log: Log;
  readonly #down = new Set<string>();
  #looking: Promise<void> | undefined;

  constructor(app: App, jobs: readonly Job[], log: Log) {
    this.#app = app;
    this.#jobs = jobs;
    this.#log = log;
  }

  wake(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Waits a little for the look in hand. */
  async stop(): Promise<void> {
    if (this.#looking) await endsWithin(STOP_WITHIN_MS, this.#looking);
  }

  async #look(): Promise<void> {
    try {
      for (const { kind, job, cycle, says, next_step } of await raiseAlerts(this.#app, this.#jobs))
        this.#log[ALERT_KINDS[kind].level]({ alert: kind, job, cycle }, `${says} ${next_step}`);
      for (const { target, error } of await deliverAlerts(this.#app)) this.#note(target, error);
      this.#note('the database');
    } catch (error) {
      this.#note('the database', error instanceof Error ? error.message : String(error));
    }
  }

  /** Once an outage. */
  #note(place: string, error?: string): void {
    if (error === undefined) {
      if (this.#down.delete(place)) this.#log.warn(`alerts reach ${place} again`);
    } else if (!this.#down.has(place)) {
      this.#down.add(place);
      this.#log.warn(
        `alerts do not reach ${place} (${error}); it is tried again, lkp status shows what waits`,
      );
    }
  }
}
