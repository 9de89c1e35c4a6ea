import type { App } from './app.ts';
import { addMonths, dayIn } from './calendar.ts';
import { crash } from './crash.ts';
import type { Job } from './job.ts';
import {
  type Asked,
  attempt,
  nameOf,
  type Occurrence,
  overdue,
  plan,
  type Reason,
  serviceBegan,
  takeReady,
} from './ledger.ts';
import type { Log } from './log.ts';
import { everyMinute } from './queue/alarm.ts';
import type { Queue } from './queue/queue.ts';

/**
 * The two roles of the running software. The scheduler looks at the ledger and sends what may run; the worker does it.
 * Any number of each may run, in one process or in many: the ledger lets each attempt begin once.
 */
export const ROLES = ['scheduler', 'worker'] as const;
export type Role = (typeof ROLES)[number];

/** One query; also what a job waits at most after the one before it. */
const LOOK_EVERY_MS = 2_000;

/** Takes from the ledger what may run now, and sends it. */
export class Lookout {
  readonly #app: App;
  readonly #queue: Queue;
  readonly #jobs: readonly Job[];
  readonly #asked: (occurrence: Occurrence) => Asked;
  #unsent: readonly Occurrence[] = [];

  constructor(
    app: App,
    queue: Queue,
    jobs: readonly Job[],
    /** Why and for whom an occurrence is sent. */
    asked: (occurrence: Occurrence) => Asked,
  ) {
    this.#app = app;
    this.#queue = queue;
    this.#jobs = jobs;
    this.#asked = asked;
  }

  /** Looks once, at one cycle or at every open one. Returns how many it sent. */
  async look(now: string, cycle?: string): Promise<number> {
    const ready = await this.#app.db.transaction('look', (tx) => takeReady(tx, this.#jobs, now, cycle));
    // What was taken and could not be sent would else wait a minute for its next turn.
    const left = this.#unsent.filter(({ id }) => !ready.some((other) => other.id === id));
    const all = [...left, ...ready];
    for (const [index, occurrence] of all.entries()) {
      this.#unsent = all.slice(index);
      const { id, attempt } = occurrence;
      crash('look-taken');
      await this.#queue.send({ occurrence: id, attempt, ...this.#asked(occurrence) });
    }
    this.#unsent = [];
    return all.length;
  }
}

/** Works off messages, one at a time, until the queue is closed. `ended` hears of every attempt's end. */
export const workOn = (
  app: App,
  queue: Queue,
  jobs: readonly Job[],
  log: Log,
  ended: () => void,
): Promise<void> =>
  queue.work(
    async (message) => {
      await attempt(app, jobs, { ...message, reason: message.reason as Reason }, log).finally(ended);
    },
    { concurrency: 1 },
  );

/**
 * The reconciler: looks every 2 s at what may run, whatever was missed before. Each minute, and at once, it also plans
 * the current month. A look that fails (the database or the queue is away) is repeated. Stop it before the queue.
 */
export class Scheduler {
  readonly #app: App;
  readonly #jobs: readonly Job[];
  readonly #log: Log;
  readonly #lookout: Lookout;
  readonly #signal = new Signal();
  readonly #alarmed = new Set<string>();
  #planIsOld = true;
  #boot = true;
  #failing = false;
  #stopped = false;

  constructor(app: App, queue: Queue, jobs: readonly Job[], log: Log) {
    this.#app = app;
    this.#jobs = jobs;
    this.#log = log;
    this.#lookout = new Lookout(app, queue, jobs, (occurrence) => this.#asked(occurrence));
  }

  /** Starts looking; the promise of `stop` settles when the look in hand has ended. */
  start(): { wake(): void; minute(): void; stop(): Promise<void> } {
    const minute = () => {
      this.#planIsOld = true;
      this.#signal.raise();
    };
    const alarm = everyMinute(minute);
    const running = this.#run();
    return {
      /** What the alarm does each minute; a simulated minute is shorter. */
      minute,
      wake: () => this.#signal.raise(),
      stop: async () => {
        alarm.stop();
        this.#stopped = true;
        this.#signal.raise();
        await running;
      },
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#planIsOld) await this.#plan();
        await this.#lookout.look(this.#app.now());
        if (this.#failing) this.#log.warn('the scheduler can look and send again');
        this.#failing = false;
      } catch (error) {
        // Once an outage; what is due stays due.
        if (!this.#failing)
          this.#log.warn(`the scheduler cannot look or send (${messageOf(error)}); it tries again every 2 s`);
        this.#failing = true;
      }
      if (!this.#stopped) await this.#signal.wait(LOOK_EVERY_MS);
    }
  }

  async #plan(): Promise<void> {
    const { now, schedule, db } = this.#app;
    const cycle = dayIn(now(), schedule.timeZone).slice(0, 7);
    const before = addMonths(cycle, -1);
    const late = await db.transaction('plan', async (tx) => {
      // Nobody was there to plan the last month. A new installation has no last month.
      if (this.#boot && (await serviceBegan(tx, before))) await plan(tx, this.#jobs, before, schedule);
      await plan(tx, this.#jobs, cycle, schedule);
      return overdue(tx, now());
    });
    for (const occurrence of late) {
      const { id, cycle, deadline, state, says } = occurrence;
      if (this.#alarmed.has(id)) continue;
      this.#alarmed.add(id);
      this.#log.error(
        { job: nameOf(occurrence), cycle, deadline, state },
        `not done by its deadline${says ? ` (${says})` : ''}; lkp status shows what it waits for`,
      );
    }
    this.#boot = false;
    this.#planIsOld = false;
  }

  /** On its day an occurrence is scheduled; when that day is over somebody was late. */
  #asked({ deadline }: Occurrence): Asked {
    const { now, settings } = this.#app;
    const late = deadline !== null && Date.parse(deadline) < Date.parse(now());
    return { reason: late ? 'catch-up' : 'scheduled', actor: settings.LKP_ACTOR };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Wakes a waiter early; what is raised while nobody waits ends the next wait at once. */
export class Signal {
  #raised = false;
  #wake: () => void = () => undefined;

  raise(): void {
    this.#raised = true;
    this.#wake();
  }

  async wait(milliseconds: number): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#raised = false;
  }
}
