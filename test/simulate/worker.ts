import { setTimeout as sleep } from 'node:timers/promises';
import { JOBS } from '../../jobs/index.ts';
import type { App } from '../../src/app.ts';
import type { OpenDatabase } from '../../src/db/connection.ts';
import { type Context, type Job, LkpError, type Part } from '../../src/job.ts';
import type { Log } from '../../src/log.ts';
import { openQueue, type Queue } from '../../src/queue/queue.ts';
import { workOn } from '../../src/roles.ts';
import type { Ask } from '../chaos/audit.ts';
import { hashOf, type Trouble, type Troubles } from './troubles.ts';

/** What a worker is given by the world that it works in. */
export interface Surroundings {
  readonly ask: Ask;
  readonly troubles: Troubles;
  readonly log: Log;
  readonly queueUrl: string;
  /** Hears of every end of an attempt, and of every trouble. */
  readonly ended: () => void;
  readonly met: (trouble: Trouble) => void;
  /** Hears of a broken promise. */
  readonly broken: (sentence: string) => void;
  /** Whether anybody could take an attempt over now. */
  readonly isWatched: () => boolean;
}

const OVERTAKEN_WITHIN_MS = 4_000;
const LONGEST_MS = 60;

/**
 * A worker as in `lkp start worker`, on the real queue; its jobs meet the troubles that the seed has for them. One that
 * died has no database any more: nothing of it is stored, and it renews no lease.
 */
export class Worker {
  readonly #at: Surroundings;
  readonly #app: App;
  #queue: Queue | undefined;
  #gone = false;
  /** `occurrence-attempt` that it held when it died. */
  held: string | undefined;

  constructor(app: App, at: Surroundings) {
    this.#at = at;
    this.#app = { ...app, db: this.#lost(app.db) };
  }

  get gone(): boolean {
    return this.#gone;
  }

  async open(): Promise<void> {
    const { log, ended, queueUrl } = this.#at;
    this.#queue = await openQueue(queueUrl, { onError: () => undefined });
    const jobs = JOBS.map((job): Job => ({ ...job, run: (...given) => this.#perform(job, ...given) }));
    await workOn(this.#app, this.#queue, jobs, log, ended);
  }

  async close(): Promise<void> {
    await this.#queue?.close();
  }

  #lost(db: OpenDatabase): OpenDatabase {
    const standing = (): void => {
      if (this.#gone) throw new Error('this worker is gone');
    };
    return {
      ...db,
      transaction: async (name, work) => {
        standing();
        return db.transaction(name, async (tx) => {
          const result = await work(tx);
          standing();
          return result;
        });
      },
    };
  }

  async #perform(job: Job, context: Context, cycle: string, part: Part): ReturnType<Job['run']> {
    const { ask, troubles, met } = this.#at;
    const run = () => job.run(context, cycle, part);
    const trouble = troubles.next(`${job.name} ${cycle} ${part.part}`);
    if (!trouble) return run();
    const [mine] = await ask<{ id: string; attempt: number }>(
      'select id, attempt from occurrence where job = $1 and cycle = $2 and part = $3',
      [job.name, cycle, part.part],
    );
    const { id, attempt } = mine!;
    met(trouble);
    const die = (): void => {
      this.#gone = true;
      this.held = `${id}-${attempt}`;
    };
    const moment = hashOf(`${job.name} ${cycle} ${part.part} ${attempt}`) % LONGEST_MS;
    switch (trouble) {
      case 'fails before':
        throw new LkpError('machine', 'It fails, and the next attempt does not.');
      case 'fails after':
        await run();
        throw new LkpError('machine', 'It fails when all is done.');
      case 'loses its sessions': {
        const timer = setTimeout(
          () => void this.#terminate(`lkp o${id}-a${attempt} `).catch(() => undefined),
          moment,
        );
        return run().finally(() => clearTimeout(timer));
      }
      case 'freezes and is overtaken':
        return this.#frozen(id, attempt, `${job.name} of ${cycle}`, run);
      case 'its worker dies before':
        die();
        throw new Error('this worker is gone');
      case 'its worker dies during': {
        const timer = setTimeout(die, moment);
        await run().finally(() => clearTimeout(timer));
        die();
        throw new Error('this worker is gone');
      }
      case 'its worker dies after':
        await run();
        die();
        throw new Error('this worker is gone');
    }
  }

  #terminate(name: string): Promise<unknown> {
    return this.#at.ask(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and starts_with(application_name, $1)`,
      [name],
    );
  }

  /** It gives no sign of life until another attempt has begun, then goes on as if nothing had been. */
  async #frozen(
    id: string,
    attempt: number,
    name: string,
    run: () => ReturnType<Job['run']>,
  ): ReturnType<Job['run']> {
    const { ask, isWatched } = this.#at;
    const until = Date.now() + OVERTAKEN_WITHIN_MS;
    let overtaken = false;
    while (!overtaken && isWatched() && Date.now() < until) {
      // Its own sign of life comes every 5 s; until then nobody gives one.
      await ask(
        `update occurrence set lease_until = now() - interval '1 second' where id = $1 and attempt = $2 and state = 'running'`,
        [id, attempt],
      );
      await sleep(10);
      const [now] = await ask<{ attempt: number }>('select attempt from occurrence where id = $1', [id]);
      overtaken = now!.attempt > attempt;
    }
    const result = await run();
    if (overtaken)
      this.#at.broken(
        `attempt ${attempt} of ${name} was taken over, and what it did late was stored: ${result.says}`,
      );
    return result;
  }
}
