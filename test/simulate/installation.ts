import { join } from 'node:path';
import pg from 'pg';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import type { Ask } from '../chaos/audit.ts';
import type { OwnRedis } from '../harness/redis.ts';
import { Clock } from './clock.ts';
import { Crew, type CrewOptions } from './crew.ts';
import { FIRST_CYCLE } from './story.ts';
import { Troubles } from './troubles.ts';

export interface Place {
  /** Of a migrated database of the simulation's own. */
  readonly databaseUrl: string;
  /** Absent: the database is the queue. */
  readonly redis?: OwnRedis;
  /** A folder of its own; LKP_HOME is in it. */
  readonly folder: string;
}

/** One of so many parts of jobs meets trouble of its own. */
const TROUBLED = 6;
/** What could grow from month to month. */
const TABLES = [
  'occurrence',
  'run',
  'alert',
  'alert_delivery',
  'heartbeat',
  'change',
  'bullmq.job',
  'bullmq.event',
];

/** One installation on a clock of its own: its settings, application, roles and database, and a view past all of them. */
export class Installation {
  readonly clock = new Clock(`${FIRST_CYCLE}-01T00:00:00.000Z`);
  /** The time zones of the program so far, and when they changed. */
  readonly zones = ['UTC'];
  readonly edits: number[] = [];
  readonly place: Place;
  readonly client: pg.Client;
  #asking: Promise<unknown> = Promise.resolve();
  #app: App | undefined;
  #crew: Crew | undefined;

  constructor(place: Place) {
    this.place = place;
    this.client = new pg.Client({ connectionString: place.databaseUrl, application_name: 'auditor' });
  }

  /** One question at a time: workers in trouble ask beside the one who looks. */
  readonly ask: Ask = <T extends object>(text: string, parameters?: readonly unknown[]): Promise<T[]> => {
    const answer = this.#asking.then(
      async () => (await this.client.query(text, parameters as unknown[])).rows as T[],
    );
    this.#asking = answer.catch(() => undefined);
    return answer;
  };

  get home(): string {
    return join(this.place.folder, 'home');
  }

  get inbox(): string {
    return join(this.place.folder, 'inbox');
  }

  get app(): App {
    return this.#app!;
  }

  get crew(): Crew {
    return this.#crew!;
  }

  /** The settings, also of a process of its own. */
  get env(): Record<string, string> {
    const { databaseUrl, redis } = this.place;
    return {
      LKP_HOME: this.home,
      LKP_INBOX: this.inbox,
      LKP_INBOX_STABLE_SECONDS: '0.03',
      LKP_INBOX_WAIT_SECONDS: '0.06',
      LKP_TIME_ZONE: this.zones.at(-1)!,
      LKP_LOG_LEVEL: 'silent',
      DATABASE_URL: databaseUrl,
      ...(redis && { QUEUE_URL: redis.url }),
    };
  }

  /** Opens it, with workers and without a scheduler. */
  async open(seed: number, hears: Pick<CrewOptions, 'met' | 'broken'>): Promise<void> {
    await this.client.connect();
    this.#app = await this.#opened();
    this.#crew = new Crew(this.#app, {
      clock: this.clock,
      ask: this.ask,
      troubles: new Troubles(seed, TROUBLED),
      queueUrl: this.place.redis?.url ?? this.place.databaseUrl,
      ...hears,
    });
    await this.#crew.work();
  }

  #opened(): Promise<App> {
    return openApp({ settings: readSettings(this.env), now: this.clock.read });
  }

  /** The program has another time zone from now on: everything is started again. */
  async move(zone: string): Promise<void> {
    this.zones.push(zone);
    this.edits.push(this.clock.at);
    const [before, app] = [this.app, await this.#opened()];
    await this.crew.with(app);
    this.#app = app;
    await before.close();
  }

  /** How many rows and messages there are in what could grow. */
  async sizes(): Promise<Record<string, number>> {
    const sizes: Record<string, number> = {};
    for (const table of TABLES) {
      const [known] = await this.ask<{ there: boolean }>('select to_regclass($1) is not null as there', [
        table,
      ]);
      if (!known!.there) continue;
      const [counted] = await this.ask<{ rows: number }>(`select count(*)::int as rows from ${table}`);
      sizes[table] = counted!.rows;
    }
    const { redis } = this.place;
    if (redis) sizes['redis keys'] = Number(await redis.ask('DBSIZE'));
    return sizes;
  }

  async close(): Promise<void> {
    await this.#crew?.down();
    await this.#crew?.rest();
    await this.#app?.close();
    await this.client.end();
  }
}
