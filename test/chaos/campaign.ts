import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { csvRecord } from '../../samples/csv.ts';
import { writeWorld } from '../../samples/generate.ts';
import type { Draw } from '../../samples/random.ts';
import { COLUMNS } from '../../samples/truth.ts';
import { invoiceWorkbook } from '../../samples/workbook.ts';
import { openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import type { CrashPoint } from '../../src/crash.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import type { KindName } from '../../src/reference/kinds.ts';
import { loadReference } from '../../src/reference/load.ts';
import { launch } from '../harness/lkp.ts';
import { ownRedis } from '../harness/redis.ts';
import { until } from '../harness/until.ts';
import { Auditor } from './audit.ts';
import { type Round, roundsOf } from './world.ts';

export type Backend = 'postgres' | 'redis';

/** Where a process is killed: at a named point (at its nth pass), or so many milliseconds after its start. */
export type Stop = { readonly point: CrashPoint; readonly pass?: number } | { readonly after: number };

/** The named points in the order in which a cycle meets them, by the job that meets them. */
export const STAGES = {
  ingest: [
    'look-taken',
    'attempt-begun',
    'store-first-mb',
    'ingest-mid-copy',
    'store-copied',
    'store-renamed',
    'ingest-before-commit',
    'ingest-committed',
    'attempt-before-end',
  ],
  refresh: [
    'attempt-begun',
    'refresh-months-built',
    'refresh-before-freeze',
    'refresh-before-commit',
    'attempt-before-end',
  ],
  report: ['report-mid-workbook', 'output-written', 'output-renamed', 'report-between-workbooks'],
  submit: [
    'submit-intent',
    'submit-between-files',
    'output-written',
    'submit-before-manifest',
    'submit-between-renames',
    'submit-renamed',
  ],
} as const satisfies Record<string, readonly CrashPoint[]>;

/** A whole cycle ends with a question: is the submission visible? What else may ask is looked at by the auditor. */
const ASKS = 3;
const REFERENCE: ReadonlyArray<readonly [kind: KindName, ...files: string[]]> = [
  ['partners', 'partners.csv'],
  ['locations', 'locations.csv'],
  ['customers', 'customers.csv'],
  ['enrolments', 'enrolments.csv'],
  ['attainments', 'attainments.csv'],
  ['products', 'products.csv'],
  ['rates', 'eurofxref-2019-04-2020-05.csv', 'rates-manual.csv'],
  ['listings', 'listings.csv'],
];

export interface Figures {
  kills: number;
  /** By named point; `at random` for the others. */
  readonly byPoint: Record<string, number>;
  /** Processes that were to be killed and ended before. */
  missed: number;
  /** Runs that refused or failed on the way, with what they said. */
  readonly said: Record<string, number>;
  readonly violations: string[];
  /** The longest that the database went on with a killed process' sessions. */
  zombieMs: number;
}

export const noFigures = (): Figures => ({
  kills: 0,
  byPoint: {},
  missed: 0,
  said: {},
  violations: [],
  zombieMs: 0,
});

/**
 * One small world on a database of its own, worked on by real processes that are killed. The server outlives them all:
 * this process holds its place in it.
 */
export class Campaign {
  readonly rounds: readonly Round[];
  readonly figures: Figures;
  readonly #folder: string;
  readonly #home: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #client: pg.Client;
  readonly #auditor: Auditor;
  readonly #close: () => Promise<void>;
  /** How long a process takes that nobody kills; the random times are drawn from it. */
  #usual = 3_000;

  private constructor(given: {
    rounds: readonly Round[];
    figures: Figures;
    folder: string;
    env: Readonly<Record<string, string>>;
    client: pg.Client;
    close: () => Promise<void>;
  }) {
    this.rounds = given.rounds;
    this.figures = given.figures;
    this.#folder = given.folder;
    this.#home = join(given.folder, 'home');
    this.#env = given.env;
    this.#client = given.client;
    this.#close = given.close;
    this.#auditor = new Auditor(
      async (text, parameters) => (await this.#client.query(text, parameters as unknown[])).rows,
      this.#home,
    );
  }

  static async open(seed: number, backend: Backend, figures: Figures = noFigures()): Promise<Campaign> {
    const folder = await mkdtemp(join(tmpdir(), 'lkp-chaos-'));
    await chmod(folder, 0o755);
    const home = join(folder, 'home');
    const { reference, rounds } = roundsOf(seed);
    await writeWorld({ reference, files: [] }, folder);
    await mkdir(join(folder, 'inbox'));
    const server = await openEmbedded(home);
    const redis = backend === 'redis' ? await ownRedis() : undefined;
    const client = new pg.Client({ connectionString: server.url, application_name: 'auditor' });
    await client.connect();
    // The question in hand fails with the same error.
    client.on('error', () => undefined);
    // Processes are killed here, not the machine: what was written is read back from memory.
    await client.query('alter system set fsync = off');
    await client.query('select pg_reload_conf()');
    return new Campaign({
      rounds,
      figures,
      folder,
      env: {
        LKP_HOME: home,
        LKP_INBOX: join(folder, 'inbox'),
        LKP_INBOX_STABLE_SECONDS: '0',
        // The rounds bring what the draw gives them: a thin month is no story here.
        LKP_COMPLETENESS_PERCENT: '0',
        ...(redis && { DATABASE_URL: server.url, QUEUE_URL: redis.url }),
      },
      client,
      close: async () => {
        await client.end();
        await server.release();
        await redis?.drop();
        await rm(folder, { recursive: true, force: true });
      },
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Loads the reference data; the kinds in `stops` by a process that is killed, and by one that is not. */
  async load(stops: ReadonlyMap<string, Stop>): Promise<void> {
    const paths = (files: readonly string[]) => files.map((name) => join(this.#folder, 'reference', name));
    for (const [kind, ...files] of REFERENCE) {
      const stop = stops.get(kind);
      if (!stop) continue;
      await this.kill(['load', kind, ...paths(files)], stop);
      await this.#toEnd(['load', kind, ...paths(files)]);
    }
    const app = await openApp({ settings: readSettings(this.#env) });
    try {
      for (const [kind, ...files] of REFERENCE.filter(([name]) => !stops.has(name)))
        for (const path of paths(files)) await loadReference(app, kind, path);
    } finally {
      await app.close();
    }
  }

  static get kinds(): KindName[] {
    return REFERENCE.map(([kind]) => kind);
  }

  /** Puts the round's files into the inbox, works through the stops, then lets the cycle end and audits it. */
  async play(round: Round, stops: readonly Stop[], enough: () => boolean = () => false): Promise<void> {
    for (const { name, format, rows } of round.files) {
      const bytes =
        format === 'xlsx'
          ? await invoiceWorkbook(rows)
          : [COLUMNS, ...rows.map(({ cells }) => cells)].map(csvRecord).join('');
      await writeFile(join(this.#folder, 'inbox', name), bytes);
    }
    for (const stop of stops) {
      if (enough()) break;
      await this.kill(['cycle', round.cycle, '--all'], stop);
    }
    await this.#toEnd(['cycle', round.cycle, '--all']);
    await this.#note([
      ...(await this.#auditor.anyMoment()),
      ...(await this.#auditor.endOf(round.world, round.cycle)),
    ]);
  }

  /** A moment of a process' life, drawn from the usual length of one. */
  moment(draw: Draw): Stop {
    return { after: draw.integer(this.#usual >> 2, this.#usual) };
  }

  /** Starts a command, kills it, and looks at what it left. */
  async kill(command: readonly string[], stop: Stop): Promise<void> {
    const asked: Record<string, string> =
      'point' in stop ? { LKP_TEST_CRASH_AT: `${stop.point}:${stop.pass ?? 1}` } : {};
    const { signal, code, stderr } = await this.#run(
      command,
      asked,
      'after' in stop ? stop.after : undefined,
    );
    if (signal === 'SIGKILL') {
      const name = 'point' in stop ? stop.point : 'at random';
      this.figures.kills += 1;
      this.figures.byPoint[name] = (this.figures.byPoint[name] ?? 0) + 1;
    } else {
      this.figures.missed += 1;
      if (code !== 0 && code !== ASKS) this.#heard(command, stderr);
    }
    await this.#buried();
    await this.#note(await this.#auditor.anyMoment(), JSON.stringify(stop));
    await this.#lapse();
  }

  /** Runs a command until it succeeds: a killed one may have to be given up by the ledger first. */
  async #toEnd(command: readonly string[]): Promise<void> {
    for (let tries = 0; tries < 4; tries += 1) {
      const began = Date.now();
      const { code, stderr } = await this.#run(command);
      await this.#lapse();
      if (code === 0 || code === ASKS) {
        if (command[0] === 'cycle') this.#usual = Date.now() - began;
        return;
      }
      this.#heard(command, stderr);
    }
    await this.#note([`${command.join(' ')} did not end well in four runs`]);
  }

  async #run(command: readonly string[], asked: Record<string, string> = {}, after?: number) {
    const child = launch(['src/cli.ts', ...command], { env: { ...this.#env, ...asked } });
    child.stdin.end();
    child.stdout.resume();
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const timer =
      after === undefined
        ? undefined
        : setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), after);
    // A run that hangs is a finding too.
    const hung = setTimeout(() => process.kill(-(child.pid as number), 'SIGABRT'), 90_000);
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    clearTimeout(timer);
    clearTimeout(hung);
    if (signal === 'SIGABRT') await this.#note([`${command.join(' ')} hung for 90 s`]);
    return { code, signal, stderr };
  }

  /** Waits until the database has given up every session of the dead process. */
  async #buried(): Promise<void> {
    const began = Date.now();
    await until('the sessions of the killed process are gone', async () => {
      const { rowCount } = await this.#client.query(
        `select from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      return rowCount === 0;
    });
    this.figures.zombieMs = Math.max(this.figures.zombieMs, Date.now() - began);
  }

  /** Time goes by: the lease of the dead attempt runs out, and a message that nobody began is old. */
  async #lapse(): Promise<void> {
    const { rowCount } = await this.#client.query(
      `select from information_schema.tables where table_schema = 'public' and table_name = 'occurrence'`,
    );
    if (rowCount === 0) return;
    await this.#client.query(
      `update occurrence set lease_until = now() - interval '1 second' where state = 'running';
       update occurrence set enqueued_at = now() - interval '1 hour' where state = 'enqueued'`,
    );
  }

  #heard(command: readonly string[], stderr: string): void {
    const sentence = `${command[0]}: ${stderr.trim().split('\n').at(-1)?.slice(0, 160) ?? ''}`;
    this.figures.said[sentence] = (this.figures.said[sentence] ?? 0) + 1;
    if (/unexpected|does not balance|do not add up/.test(sentence)) this.figures.violations.push(sentence);
  }

  async #note(violations: readonly string[], when = 'at the end'): Promise<void> {
    this.figures.violations.push(...violations.map((violation) => `${violation} (${when})`));
  }

  /** Temporary files that killed processes left: never counted, never visible. */
  async leftOvers(): Promise<number> {
    const entries = await readdir(this.#home, { recursive: true });
    return entries.filter((path) => /(^|\/)\.(lkp-|writing-)[^/]*$/.test(path)).length;
  }
}
