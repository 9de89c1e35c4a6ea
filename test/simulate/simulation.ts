import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadReference } from '../../src/reference/load.ts';
import type { Fault, Mishap } from './faults.ts';
import { Inbox } from './inbox.ts';
import { Installation, type Place } from './installation.ts';
import { Known } from './known.ts';
import { befall } from './mishaps.ts';
import { Person } from './person.ts';
import { Promises, type Revised } from './promises.ts';
import { type Load, type Story, storyOf } from './story.ts';
import { type Event, Timeline } from './timeline.ts';

export interface Figures {
  months: number;
  steps: number;
  files: number;
  /** Of all files that the last revision knew. */
  rows: number;
  revisions: number;
  checks: number;
  /** How often each thing happened. */
  readonly events: Record<string, number>;
  readonly violations: string[];
  /** Empty unless it was played to its end. */
  digest: string;
}

/** On these days the jobs of the 15th are on their way, on later ones the submission. */
const MID_MONTH = 18;

/** What may be left of messages when all is done, however long it went on: BullMQ keeps 10,000 events and trims in steps. */
const MOST_LEFT = { 'bullmq.job': 5, 'bullmq.event': 10_256, 'redis keys': 20 } as const;

/** Some months of one installation: what comes, what befalls it, and what its people do; checked after each step. */
export class Simulation {
  readonly figures: Figures = {
    months: 0,
    steps: 0,
    files: 0,
    rows: 0,
    revisions: 0,
    checks: 0,
    events: {},
    violations: [],
    digest: '',
  };
  readonly #at: Installation;
  readonly #seed: number;
  readonly #story: Story;
  readonly #known: Known;
  readonly #inbox: Inbox;
  readonly #person: Person;
  readonly #promises: Promises;
  #mishap: Mishap | undefined;
  #latest = 0;
  #heard: string[] = [];

  private constructor(at: Installation, seed: number, story: Story) {
    this.#at = at;
    this.#seed = seed;
    this.#story = story;
    this.#known = new Known(at.ask);
    this.#inbox = new Inbox(at.inbox, this.#known);
    const world = { ask: at.ask, known: this.#known, inbox: this.#inbox };
    this.#person = new Person({ ...world, seed, did: (what) => this.#count(what) });
    this.#promises = new Promises({ ...world, home: at.home });
  }

  static async open(place: Place, seed: number, months: number): Promise<Simulation> {
    const at = new Installation(place);
    const simulation = new Simulation(at, seed, await storyOf(seed, months));
    await at.open(seed, {
      met: (what) => simulation.#count(what),
      broken: (sentence) => simulation.#heard.push(sentence),
    });
    await mkdir(at.inbox, { recursive: true });
    for (const load of simulation.#story.opening) await simulation.#load(load);
    return simulation;
  }

  /** Plays it to the end, or to the first broken promise; tells a line a month. */
  async play(tell: (line: string) => void): Promise<void> {
    for (const [index, cycle] of this.#story.cycles.entries()) {
      const before = { ...this.figures.events };
      const revised = await this.#month(index);
      if (this.figures.violations.length > 0) return;
      this.figures.months += 1;
      const happened = Object.entries(this.figures.events)
        .map(([name, times]): [string, number] => [name, times - (before[name] ?? 0)])
        .filter(([, times]) => times > 0)
        .map(([name, times]) => `${times} ${name}`);
      tell(`${cycle}  ${revised.join('; ') || 'no revision'}  [${happened.sort().join(', ')}]`);
    }
    await this.#at.crew.down();
    await this.#at.crew.rest();
    this.figures.digest = createHash('sha256')
      .update((await this.made()).join('\n'))
      .digest('hex');
    const sizes = await this.#at.sizes();
    for (const [name, most] of Object.entries(MOST_LEFT))
      if ((sizes[name] ?? 0) > most)
        this.figures.violations.push(`at the end: ${name} has grown to ${sizes[name]}; ${most} at most`);
  }

  /** What the digest is of. */
  made(): Promise<string[]> {
    return this.#promises.made();
  }

  sizes(): Promise<Record<string, number>> {
    return this.#at.sizes();
  }

  async close(): Promise<void> {
    this.#inbox.close();
    await this.#at.close();
  }

  /** A month, and the revisions that it brought. */
  async #month(index: number): Promise<string[]> {
    const timeline = new Timeline(this.#story, this.#seed, index);
    const revisions: string[] = [];
    while (this.figures.violations.length === 0) {
      const next = timeline.next(this.#at.app.schedule);
      if (!next) break;
      await this.#step(next.at, next.events, index, ({ cycle, revision, kpi_value, lines_in }) => {
        this.figures.revisions += 1;
        this.figures.rows = lines_in;
        revisions.push(`${cycle} revision ${revision}: ${lines_in} rows, KPI ${kpi_value}`);
      });
    }
    return revisions;
  }

  async #step(
    at: number,
    events: readonly Event[],
    index: number,
    revised: (one: Revised) => void,
  ): Promise<void> {
    const { clock, crew, zones, edits } = this.#at;
    this.figures.steps += 1;
    clock.set(at);
    for (const event of events) await this.#happen(event, index);
    await this.#settle();
    this.#latest = Math.max(this.#latest, clock.at + crew.fastest);
    const moment = {
      latest: new Date(this.#latest).toISOString(),
      now: clock.read(),
      isUp: crew.isUp,
      isWatched: crew.isUp && !(await crew.isPaused()),
      zones,
      edits,
      isLast: events.some(({ what }) => what === 'restates'),
    };
    const broken = await this.#promises.look(this.#at.app, moment, revised);
    this.figures.checks = this.#promises.checks;
    const what = events.map((event) => event.what).join(', ') || 'a due instant';
    for (const sentence of [...this.#heard.splice(0), ...broken])
      this.figures.violations.push(`step ${this.figures.steps}, ${clock.read()} (${what}): ${sentence}`);
  }

  async #settle(): Promise<void> {
    const { crew, client, clock, env, place } = this.#at;
    if (this.#mishap) {
      const now = clock.read();
      const met = await befall(this.#mishap, {
        crew,
        client,
        env: { ...env, LKP_TEST_NOW: now },
        seed: this.#seed + this.figures.steps,
        stages: Number(now.slice(8, 10)) < MID_MONTH ? ['ingest', 'refresh', 'report'] : ['submit'],
        ...(place.redis && { redis: place.redis }),
      });
      if (met) {
        this.#count(this.#mishap);
        this.#mishap = undefined;
      }
    }
    await crew.settle();
  }

  async #happen(event: Event, index: number): Promise<void> {
    const { app, crew } = this.#at;
    const cycle = this.#story.cycles[index]!;
    switch (event.what) {
      case 'deliver':
        await this.#inbox.deliver(event.delivery);
        this.figures.files += 1;
        if (event.delivery.arriving) this.#count('file still arriving');
        if (!event.delivery.file) this.#count('file that is no invoice');
        return;
      case 'complete':
        return this.#inbox.complete(event.name);
      case 'remove':
        return this.#inbox.remove(event.name);
      case 'withdraw':
        return this.#person.withdraws(app, event.name);
      case 'load':
        return this.#load(event.load);
      case 'answers':
        await crew.settle();
        return this.#person.answers(app, crew);
      case 'decides':
        return this.#person.decides(app, cycle);
      case 'restates':
        await this.#person.tidies();
        return this.#person.restates(app, cycle, this.#story.cycles.slice(Math.max(0, index - 2), index));
      default:
        return this.#befall(event, cycle);
    }
  }

  async #befall(fault: Fault, cycle: string): Promise<void> {
    const { app, clock, crew } = this.#at;
    if (fault.what !== 'next' && fault.what !== 'cancel') this.#count(fault.what);
    switch (fault.what) {
      case 'schedulers stop':
        return crew.down();
      case 'schedulers start':
        await crew.down();
        return crew.up(fault.fast);
      case 'pause':
        return this.#person.pauses(app);
      case 'resume':
        return this.#person.resumes(app);
      case 'cancel':
        return this.#person.cancels(app, cycle);
      case 'zone':
        return this.#at.move(fault.zone);
      case 'clock jumps':
        return clock.set(clock.at + fault.minutes * 60_000);
      case 'next':
        this.#mishap = fault.mishap;
    }
  }

  async #load({ kind, name, content, says }: Load): Promise<void> {
    const { app, place } = this.#at;
    const folder = join(place.folder, 'reference');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), content);
    const { status, rejected, rejections } = await loadReference(app, kind, join(folder, name));
    if (status === 'refused' || rejected > 0)
      throw new Error(`${name} was ${status}, ${rejected} rows rejected: ${JSON.stringify(rejections[0])}`);
    await this.#known.load(says);
  }

  #count(what: string): void {
    this.figures.events[what] = (this.figures.events[what] ?? 0) + 1;
  }
}
