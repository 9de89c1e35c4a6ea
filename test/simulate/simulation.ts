import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { JOBS } from '../../jobs/index.ts';
import { day, monthAfter } from '../../samples/months.ts';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { loadReference } from '../../src/reference/load.ts';
import type { Ask } from '../chaos/audit.ts';
import type { OwnRedis } from '../harness/redis.ts';
import { Clock } from './clock.ts';
import { Crew } from './crew.ts';
import { type Fault, faultsOf, type Mishap } from './faults.ts';
import { Inbox } from './inbox.ts';
import { Known } from './known.ts';
import { befall } from './mishaps.ts';
import { Person } from './person.ts';
import { Promises } from './promises.ts';
import { FIRST_CYCLE, type Load, type Story, type StoryEvent, storyOf } from './story.ts';
import { Troubles } from './troubles.ts';

export interface Place {
  /** Of a migrated database of the simulation's own. */
  readonly databaseUrl: string;
  /** Absent: the database is the queue. */
  readonly redis?: OwnRedis;
  /** A folder of its own; LKP_HOME is in it. */
  readonly folder: string;
}

export interface Figures {
  months: number;
  steps: number;
  files: number;
  rows: number;
  revisions: number;
  checks: number;
  readonly events: Record<string, number>;
  readonly violations: string[];
  digest: string;
}

type Chore = { readonly at: string } & { readonly what: 'answers' | 'decides' | 'restates' };
type Event = StoryEvent | Fault | Chore;

/** One of `outOf` parts of jobs meets trouble of its own. */
const TROUBLED = 6;
const AROUND_DUE_MS = [-30_000, 0];

/** 24 months, or fewer, of one installation: what comes, what befalls it, and what its people do; checked after each step. */
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
  readonly #place: Place;
  readonly #seed: number;
  readonly #story: Story;
  readonly #clock = new Clock(`${FIRST_CYCLE}-01T00:00:00.000Z`);
  readonly #client: pg.Client;
  readonly #known: Known;
  readonly #inbox: Inbox;
  readonly #person: Person;
  readonly #promises: Promises;
  readonly #tell: (line: string) => void;
  readonly #zones = ['UTC'];
  readonly #edits: number[] = [];
  #app!: App;
  #crew!: Crew;
  #mishap: Mishap | undefined;
  #latest = 0;
  #heard: string[] = [];

  private constructor(place: Place, seed: number, story: Story, client: pg.Client, tell: (line: string) => void) {
    this.#place = place;
    this.#seed = seed;
    this.#story = story;
    this.#client = client;
    this.#tell = tell;
    const ask: Ask = async (text, parameters) => (await client.query(text, parameters as unknown[])).rows;
    this.#known = new Known(ask);
    this.#inbox = new Inbox(join(place.folder, 'inbox'), this.#known);
    const world = { ask, known: this.#known, inbox: this.#inbox };
    this.#person = new Person({ ...world, seed, did: (what) => this.#count(what) });
    this.#promises = new Promises({ ...world, home: this.#home });
  }

  static async open(place: Place, seed: number, months: number, tell: (line: string) => void): Promise<Simulation> {
    const client = new pg.Client({ connectionString: place.databaseUrl, application_name: 'auditor' });
    await client.connect();
    const simulation = new Simulation(place, seed, await storyOf(seed, months), client, tell);
    await simulation.#begin();
    return simulation;
  }

  get #home(): string {
    return join(this.#place.folder, 'home');
  }

  get env(): Record<string, string> {
    const { databaseUrl, redis, folder } = this.#place;
    return {
      LKP_HOME: this.#home,
      LKP_INBOX: join(folder, 'inbox'),
      LKP_INBOX_STABLE_SECONDS: '0.03',
      LKP_INBOX_WAIT_SECONDS: '0.06',
      LKP_TIME_ZONE: this.#zones.at(-1)!,
      LKP_LOG_LEVEL: 'silent',
      DATABASE_URL: databaseUrl,
      ...(redis && { QUEUE_URL: redis.url }),
    };
  }

  async #begin(): Promise<void> {
    await this.#inbox.open();
    this.#app = await this.#opened();
    this.#crew = new Crew(this.#app, {
      clock: this.#clock,
      ask: async (text, parameters) => (await this.#client.query(text, parameters as unknown[])).rows,
      troubles: new Troubles(this.#seed, TROUBLED),
      queueUrl: this.#place.redis?.url ?? this.#place.databaseUrl,
      met: (what) => this.#count(what),
      broken: (sentence) => this.#heard.push(sentence),
    });
    await this.#crew.work();
    for (const load of this.#story.opening) await this.#load(load);
  }

  #opened(): Promise<App> {
    return openApp({ settings: readSettings(this.env), now: this.#clock.read });
  }

  /** Plays it to the end, or to the first broken promise. */
  async play(): Promise<void> {
    for (const [index, cycle] of this.#story.cycles.entries()) {
      await this.#month(cycle, index);
      if (this.figures.violations.length > 0) return;
    }
    await this.#crew.down();
    await this.#crew.rest();
    this.figures.digest = await this.#promises.digest();
  }

  /** How many rows and messages are left in what could grow. */
  async sizes(): Promise<Record<string, number>> {
    const sizes: Record<string, number> = {};
    for (const table of ['occurrence', 'run', 'alert', 'alert_delivery', 'heartbeat', 'change', 'bullmq.job', 'bullmq.event']) {
      const { rows } = await this.#client.query(`select to_regclass($1) is not null as there`, [table]);
      if (!rows[0].there) continue;
      const counted = await this.#client.query(`select count(*)::int as rows from ${table}`);
      sizes[table] = counted.rows[0].rows;
    }
    const { redis } = this.#place;
    if (redis) sizes['redis keys'] = Number(await redis.ask('DBSIZE'));
    return sizes;
  }

  async close(): Promise<void> {
    this.#inbox.close();
    await this.#crew.down();
    await this.#crew.rest();
    await this.#app.close();
    await this.#client.end();
  }

  async #month(cycle: string, index: number): Promise<void> {
    const before = { ...this.figures.events };
    const heardOf = new Map<string, string>();
    const [first, end] = [`${cycle}-01T00:00:00.000Z`, `${monthAfter(cycle, 1)}-01T00:00:00.000Z`];
    const events: Event[] = [
      ...this.#story.events.filter(({ at }) => at >= first && at < end),
      ...faultsOf(this.#seed, cycle, index),
      ...chores(cycle),
    ];
    let now = Date.parse(first) - 1;
    for (;;) {
      const due = this.#dueAfter(now, cycle);
      const next = Math.min(...events.map(({ at }) => Date.parse(at)).filter((at) => at > now), due);
      if (next >= Date.parse(end)) break;
      now = next;
      await this.#step(now, events.filter(({ at }) => Date.parse(at) === now), cycle, index, heardOf);
      if (this.figures.violations.length > 0) return;
    }
    this.figures.months += 1;
    const happened = Object.entries(this.figures.events)
      .filter(([name, times]) => times > (before[name] ?? 0))
      .map(([name, times]) => `${times - (before[name] ?? 0)} ${name}`);
    this.#tell(`${cycle}  ${[...heardOf.values()].join('; ') || 'no revision'}  [${happened.sort().join(', ')}]`);
  }

  /** The next instant after one at which somebody looks at something due: a little before it, and at it. */
  #dueAfter(now: number, cycle: string): number {
    const dues = [-1, 0, 1].flatMap((months) =>
      JOBS.map(({ name }) => Date.parse(this.#app.schedule.dates(name, monthAfter(cycle, months)).due)),
    );
    return Math.min(...dues.flatMap((due) => AROUND_DUE_MS.map((around) => due + around)).filter((at) => at > now));
  }

  async #step(at: number, events: readonly Event[], cycle: string, index: number, told: Map<string, string>): Promise<void> {
    this.figures.steps += 1;
    this.#clock.set(at);
    for (const event of events) await this.#happen(event, cycle, index);
    await this.#settle();
    this.#latest = Math.max(this.#latest, this.#clock.at + this.#crew.fastest);
    const isWatched = this.#crew.isUp && !(await this.#crew.isPaused());
    const broken = await this.#promises.look(
      this.#app,
      { latest: new Date(this.#latest).toISOString(), isWatched, zones: this.#zones, edits: this.#edits },
      ({ cycle: of, revision, kpi_value, lines_in }) => {
        this.figures.revisions += 1;
        this.figures.rows = lines_in;
        told.set(`${of} ${revision}`, `${of} revision ${revision}: ${lines_in} rows, KPI ${kpi_value}`);
      },
    );
    this.figures.checks = this.#promises.checks;
    const what = events.map((event) => event.what).join(', ') || 'a due instant';
    for (const sentence of [...this.#heard.splice(0), ...broken])
      this.figures.violations.push(`step ${this.figures.steps}, ${this.#clock.read()} (${what}): ${sentence}`);
  }

  async #settle(): Promise<void> {
    const mishap = this.#mishap;
    if (!mishap) return this.#crew.settle();
    const { databaseUrl: _url, redis } = this.#place;
    const met = await befall(mishap, {
      crew: this.#crew,
      client: this.#client,
      env: { ...this.env, LKP_TEST_NOW: this.#clock.read() },
      seed: this.#seed + this.figures.steps,
      stages: Number(this.#clock.read().slice(8, 10)) < 18 ? ['ingest', 'refresh', 'report'] : ['submit'],
      ...(redis && { redis }),
    });
    if (met) {
      this.#count(mishap);
      this.#mishap = undefined;
    }
    await this.#crew.settle();
  }

  async #happen(event: Event, cycle: string, index: number): Promise<void> {
    const { what } = event;
    switch (what) {
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
        return this.#person.withdraws(this.#app, event.name);
      case 'load':
        return this.#load(event.load);
      case 'answers':
        await this.#crew.settle();
        await this.#person.answers(this.#app);
        return;
      case 'decides':
        return this.#person.decides(this.#app, cycle);
      case 'restates':
        return this.#person.restates(this.#app, cycle, this.#story.cycles.slice(Math.max(0, index - 2), index));
      default:
        return this.#befall(event, cycle);
    }
  }

  async #befall(fault: Fault, cycle: string): Promise<void> {
    if (fault.what !== 'next' && fault.what !== 'cancel') this.#count(fault.what);
    switch (fault.what) {
      case 'schedulers stop':
        return this.#crew.down();
      case 'schedulers start':
        await this.#crew.down();
        return this.#crew.up(fault.fast);
      case 'pause':
        return this.#person.pauses(this.#app);
      case 'resume':
        return this.#person.resumes(this.#app);
      case 'cancel':
        return this.#person.cancels(this.#app, cycle);
      case 'next':
        this.#mishap = fault.mishap;
        return;
      case 'zone': {
        this.#zones.push(fault.zone);
        this.#edits.push(this.#clock.at);
        const [before, app] = [this.#app, await this.#opened()];
        await this.#crew.with(app);
        this.#app = app;
        return before.close();
      }
      case 'clock jumps':
        this.#clock.set(this.#clock.at + fault.minutes * 60_000);
    }
  }

  async #load({ kind, name, content, says }: Load): Promise<void> {
    const folder = join(this.#place.folder, 'reference');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), content);
    const { status, rejected, rejections } = await loadReference(this.#app, kind, join(folder, name));
    if (status === 'refused' || rejected > 0)
      throw new Error(`${name} was ${status}, ${rejected} rows rejected: ${JSON.stringify(rejections[0])}`);
    await this.#known.load(says);
  }

  #count(what: string): void {
    this.figures.events[what] = (this.figures.events[what] ?? 0) + 1;
  }
}

/** The days on which people look at what waits. */
const chores = (cycle: string): Chore[] => [
  { at: `${day(cycle, 8)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 17)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 20)}T12:00:00.000Z`, what: 'decides' },
  { at: `${day(cycle, 20)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 24)}T12:00:00.000Z`, what: 'restates' },
  { at: `${day(cycle, 24)}T12:00:00.000Z`, what: 'answers' },
];
