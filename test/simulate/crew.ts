import { JOBS } from '../../jobs/index.ts';
import type { App } from '../../src/app.ts';
import { openLog } from '../../src/log.ts';
import { Signal } from '../../src/roles.ts';
import type { Ask } from '../chaos/audit.ts';
import type { Clock } from './clock.ts';
import { Watch } from './scheduler.ts';
import type { Trouble, Troubles } from './troubles.ts';
import { Worker } from './worker.ts';

interface Standing {
  readonly id: string;
  readonly job: string;
  readonly cycle: string;
  readonly part: number;
  readonly state: string;
  readonly attempt: number;
  readonly due_at: string;
  readonly leased: boolean;
  readonly ready: boolean;
}

const WORKERS = 2;
/** Nothing moves for so long although messages are out: they are lost, and the minute after which they are sent again passes. */
const STILL_MS = 400;
/** Nothing moves for so long: whoever should do something does not. */
const STUCK_MS = 25_000;

export interface CrewOptions {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly troubles: Troubles;
  readonly queueUrl: string;
  readonly met: (what: Trouble | 'message sent again' | 'attempt taken over' | 'tried again') => void;
  readonly broken: (sentence: string) => void;
}

/**
 * The roles of one installation: schedulers and workers in this process, on the real database and queue. Waits that the
 * server's clock measures (leases, retries, messages without an answer) pass at once: what they end at is put into the past.
 */
export class Crew {
  readonly #options: CrewOptions;
  readonly #changed = new Signal();
  #app: App;
  #watches: Watch[] = [];
  #workers: Worker[] = [];
  readonly #dead = new Set<string>();

  constructor(app: App, options: CrewOptions) {
    this.#app = app;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#watches.length > 0;
  }

  /** By how many milliseconds the fastest clock of its schedulers is wrong; 0 without one. */
  get fastest(): number {
    return this.isUp ? Math.max(...this.#watches.map(({ fast }) => fast)) : 0;
  }

  /** Another application object in place of the one so far: other settings. */
  async with(app: App): Promise<void> {
    const fast = this.#watches.map((watch) => watch.fast);
    await this.down();
    await this.rest();
    this.#app = app;
    await this.work();
    if (fast.length > 0) await this.up(fast);
  }

  /** Starts schedulers whose clocks are so many milliseconds fast. */
  async up(fast: readonly number[]): Promise<void> {
    const { clock, queueUrl } = this.#options;
    const log = openLog(this.#app.settings);
    this.#watches = fast.map((wrong) => new Watch(this.#app, clock, wrong, log, queueUrl));
    await Promise.all(this.#watches.map((watch) => watch.open()));
  }

  async down(): Promise<void> {
    await Promise.all(this.#watches.splice(0).map((watch) => watch.close()));
  }

  /** Starts the workers. */
  async work(): Promise<void> {
    while (this.#workers.length < WORKERS) await this.#hire();
  }

  /** Stops the workers; what runs ends first. */
  async rest(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
  }

  async #hire(): Promise<void> {
    const { ask, troubles, queueUrl, met, broken } = this.#options;
    const worker = new Worker(this.#app, {
      ask,
      troubles,
      queueUrl,
      met,
      broken,
      log: openLog(this.#app.settings),
      ended: () => this.#changed.raise(),
      isWatched: () => this.isUp,
    });
    await worker.open();
    this.#workers.push(worker);
  }

  /** Attempts of processes that were killed outside. */
  async bury(): Promise<void> {
    const rows = await this.#options.ask<{ id: string; attempt: number }>(
      `select id, attempt from occurrence where state = 'running'`,
    );
    for (const { id, attempt } of rows) this.#dead.add(`${id}-${attempt}`);
  }

  /** Nothing is on its way, and nothing could be. */
  async isQuiet(): Promise<boolean> {
    return !(await this.#standings()).some(
      ({ state, ready }) => ready || state === 'enqueued' || state === 'running',
    );
  }

  /** Every scheduler looks once, and plans. */
  async minute(): Promise<void> {
    const looked = await Promise.all(this.#watches.map((watch) => watch.minute()));
    if (looked.includes(false)) this.#options.broken('a scheduler that is up did not look for 20 s');
  }

  /**
   * Lets a minute pass, and everything that can happen in it happen: until nothing is on its way and nothing that is due
   * could be. `begun`: only until something is on its way.
   */
  async settle(until: 'quiet' | 'begun' = 'quiet'): Promise<void> {
    await this.minute();
    let last = '';
    let moved = Date.now();
    let passed = moved;
    for (;;) {
      const open = await this.#standings();
      const seen = JSON.stringify(open);
      if (seen !== last) moved = Date.now();
      last = seen;
      const of = (state: string) => open.filter((one) => one.state === state);
      const [sent, running] = [of('enqueued'), of('running')];
      const alive = running.filter(({ id, attempt }) => !this.#isDead(`${id}-${attempt}`));
      if (until === 'begun' && sent.length + running.length > 0) return;
      const still = Date.now() - Math.max(moved, passed);
      if (!this.isUp || (await this.isPaused())) {
        if (alive.length === 0 && (sent.length === 0 || still > STILL_MS)) return;
      } else {
        const again = of('failed').filter(({ leased }) => leased);
        if (await this.#pass(again, running, alive, still > STILL_MS ? sent : [])) passed = Date.now();
        const waits = open.some(({ ready }) => ready);
        if (sent.length + running.length + again.length === 0 && !waits) return;
        if (until === 'begun' && !waits) return;
        for (const watch of this.#watches) watch.wake();
      }
      await this.#replaceDead();
      // A job that runs may take its time on a busy machine.
      if (Date.now() - moved > (alive.length > 0 ? 5 : 1) * STUCK_MS) {
        const names = open.map(({ job, cycle, part, state }) => `${job} ${part} of ${cycle} is ${state}`);
        this.#options.broken(`nothing moves for ${STUCK_MS / 1000} s: ${names.join(', ')}`);
        return;
      }
      await this.#changed.wait(15);
    }
  }

  async isPaused(): Promise<boolean> {
    return (await this.#options.ask('select from pause where resumed_at is null')).length > 0;
  }

  #isDead(attempt: string): boolean {
    return this.#dead.has(attempt) || this.#workers.some(({ held }) => held === attempt);
  }

  async #replaceDead(): Promise<void> {
    for (const worker of this.#workers.filter(({ gone }) => gone)) {
      if (worker.held) this.#dead.add(worker.held);
      this.#workers.splice(this.#workers.indexOf(worker), 1);
      await worker.close();
      await this.#hire();
    }
  }

  /** The waits of these are over. True when there were any. */
  async #pass(
    again: readonly Standing[],
    running: readonly Standing[],
    alive: readonly Standing[],
    lost: readonly Standing[],
  ): Promise<boolean> {
    const { ask, met } = this.#options;
    const over = running.filter((one) => !alive.includes(one));
    for (const _ of again) met('tried again');
    for (const _ of over) met('attempt taken over');
    for (const _ of lost) met('message sent again');
    const ids = (some: readonly Standing[]) => some.map(({ id }) => id);
    if (again.length + over.length > 0)
      await ask(
        `update occurrence set lease_until = now() - interval '1 second' where id = any($1) and state in ('failed', 'running')`,
        [ids([...again, ...over])],
      );
    if (lost.length > 0)
      await ask(
        `update occurrence set enqueued_at = now() - interval '61 seconds' where id = any($1) and state = 'enqueued'`,
        [ids(lost)],
      );
    return again.length + over.length + lost.length > 0;
  }

  /** What is not done; `ready`: due by the fastest clock, and nothing before it is open. */
  #standings(): Promise<Standing[]> {
    const { ask, clock } = this.#options;
    const after = Object.fromEntries(JOBS.map((job) => [job.name, job.after]));
    const now = clock.read(this.fastest);
    return ask<Standing>(
      `select id, job, cycle, part, state, attempt, due_at::text, lease_until is not null as leased,
              state = 'due' and due_at <= $2 and not exists (
                select from jsonb_array_elements_text($1::jsonb -> job) as before (job)
                left join occurrence as earlier on earlier.cycle = occurrence.cycle and earlier.job = before.job
                where earlier.state is distinct from 'done') as ready
       from occurrence where state not in ('done', 'missed', 'cancelled') and (state <> 'due' or due_at <= $2)
       order by id`,
      [JSON.stringify(after), now],
    );
  }
}
