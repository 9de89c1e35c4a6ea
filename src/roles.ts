import type { App } from './app.ts';
import { CalendarClock } from './clock.ts';
import { crash } from './crash.ts';
import { answer } from './heartbeat.ts';
import type { Job } from './job.ts';
import {
  type Asked,
  attempt,
  catchUp,
  type Ended,
  nameOf,
  type Occurrence,
  openPause,
  planCalendar,
  type Reason,
  takeReady,
  takeTurn,
} from './ledger.ts';
import type { Log } from './log.ts';
import type { Sql } from './ports.ts';
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
  look(now: string, cycle?: string): Promise<number> {
    return this.send((tx) => takeReady(tx, this.#jobs, now, cycle));
  }

  /** Sends what `take` takes from the ledger, in one transaction. Returns how many it sent. */
  async send(take: (tx: Sql) => Promise<readonly Occurrence[]>): Promise<number> {
    const ready = await this.#app.db.transaction('look', take);
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

/** Sees what the roles of a process do, for its health and its metrics. */
export interface Watch {
  /** The scheduler has looked, and sent what it found. */
  looked(): void;
  /** An attempt of a job has begun; the returned function hears how it ended. */
  begun(job: string): (ended: Ended) => void;
}

/** Works off messages, one at a time, until the queue is closed. `ended` hears of every attempt's end. */
export const workOn = (
  app: App,
  queue: Queue,
  jobs: readonly Job[],
  log: Log,
  ended: () => void,
  watch?: Watch,
): Promise<void> =>
  queue.work(
    async (message) => {
      let tell: ((ended: Ended) => void) | undefined;
      const asked = { ...message, reason: message.reason as Reason };
      try {
        const how = await attempt(app, jobs, asked, log, (job) => {
          tell = watch?.begun(job);
        });
        tell?.(how);
      } finally {
        ended();
      }
    },
    { concurrency: 1, heartbeat: () => answer(app) },
  );

/**
 * The reconciler: looks every 2 s at what may run, whatever was missed before. Each minute, and at once, it also plans
 * (see planCalendar). A look that fails (the database or the queue is away) is repeated. Stop it before the queue.
 */
export class Scheduler {
  readonly #app: App;
  readonly #jobs: readonly Job[];
  readonly #log: Log;
  readonly #lookout: Lookout;
  readonly #clock: CalendarClock;
  readonly #watch: Watch | undefined;
  readonly #signal = new Signal();
  #planIsOld = true;
  #failing = false;
  #stopped = false;

  constructor(app: App, queue: Queue, jobs: readonly Job[], log: Log, watch?: Watch) {
    this.#app = app;
    this.#watch = watch;
    this.#jobs = jobs;
    this.#log = log;
    this.#clock = new CalendarClock(app, log);
    const asked: Asked = { reason: 'scheduled', actor: app.settings.LKP_ACTOR };
    this.#lookout = new Lookout(app, queue, jobs, () => asked);
  }

  /** Starts looking; `looked` hears when the first look has ended. The promise of `stop` settles when the look in hand has. */
  start(looked: () => void = () => undefined): { wake(): void; minute(): void; stop(): Promise<void> } {
    const minute = () => {
      this.#planIsOld = true;
      this.#signal.raise();
    };
    const alarm = everyMinute(minute);
    const running = this.#run(looked);
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

  async #run(looked: () => void): Promise<void> {
    let tell = looked;
    while (!this.#stopped) {
      try {
        if (this.#planIsOld) await this.plan();
        await this.look();
        this.#watch?.looked();
        if (this.#failing) this.#log.warn('the scheduler can look and send again');
        this.#failing = false;
      } catch (error) {
        // Once an outage; what is due stays due.
        if (!this.#failing)
          this.#log.warn(`the scheduler cannot look or send (${messageOf(error)}); it tries again every 2 s`);
        this.#failing = true;
      }
      tell();
      tell = () => undefined;
      if (!this.#stopped) await this.#signal.wait(LOOK_EVERY_MS);
    }
  }

  /** Plans once, and tells what an edited schedule moved. */
  async plan(): Promise<void> {
    const { schedule, db } = this.#app;
    const moved = await db.transaction('plan', async (tx) => {
      const now = await this.#clock.read(tx);
      return now === undefined ? [] : planCalendar(tx, this.#jobs, schedule, now);
    });
    for (const { job, cycle, due_before, due_at, deadline_before, deadline } of moved)
      this.#log.info(
        { job, cycle, due_before, due_at, deadline_before, deadline },
        'moved, because the schedule was edited',
      );
    this.#planIsOld = false;
  }

  /** Looks once: decides what is missed, and sends what may run, unless the calendar is paused. Returns how many it sent. */
  async look(): Promise<number> {
    let missed: readonly Occurrence[] = [];
    const sent = await this.#lookout.send(async (tx) => {
      await takeTurn(tx);
      const now = await this.#clock.read(tx);
      if (now === undefined || (await openPause(tx))) return [];
      missed = await catchUp(tx, this.#jobs, this.#app.schedule, now);
      return takeReady(tx, this.#jobs, now);
    });
    for (const occurrence of missed)
      this.#log.warn({ job: nameOf(occurrence), cycle: occurrence.cycle }, `missed: ${occurrence.says}`);
    return sent;
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
