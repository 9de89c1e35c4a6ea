import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { writeLarge } from '../samples/generate.ts';
import { type App, openApp } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { openEmbedded } from '../src/db/embedded.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';

/** The ground that every bench stands on: one embedded server of its own, databases cloned from prepared ones. */
export interface Ground {
  readonly folder: string;
  /** Makes a database, empty or a clone, and returns its URL. */
  database(name: string, template?: string): Promise<string>;
  drop(name: string): Promise<void>;
  /** Writes what is dirty to disk, so that no run pays for the one before. */
  settle(): Promise<void>;
  version(): Promise<string>;
  /** Confines the server to the first core, or lets it go; sessions that begin later are where it is. */
  confine(toOneCore: boolean): void;
  /** The words before a command that confine it to the first core; none where that cannot be had. */
  confinement(toOneCore: boolean): readonly string[];
  close(): Promise<void>;
}

export const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const SAMPLE_MS = 50;

export async function openGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'lkp-bench-'));
  // Run by root, a closed folder would send the data elsewhere, where closing the ground does not find it.
  await chmod(folder, 0o755);
  const server = await openEmbedded(join(folder, 'home'));
  const admin = new pg.Client(server.url);
  await admin.connect();
  const { pid: backend } = (await admin.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!;
  const taskset = spawnSync('taskset', ['--version']).status === 0;
  return {
    folder,
    database: async (name, template = 'template0') => {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name} template ${template} encoding 'UTF8'`);
      return server.url.replace(/\/lkp(?=\?|$)/, `/${name}`);
    },
    drop: async (name) => void (await admin.query(`drop database if exists ${name} with (force)`)),
    settle: async () => void (await admin.query('checkpoint')),
    version: async () =>
      (await admin.query<{ server_version: string }>('show server_version')).rows[0]!.server_version,
    confine: (toOneCore) => {
      if (!taskset) return;
      for (const pid of familyOf(parentOf(backend)))
        execFileSync('taskset', ['-pc', toOneCore ? '0' : `0-${cpus().length - 1}`, String(pid)]);
    },
    confinement: (toOneCore) => (toOneCore && taskset ? ['taskset', '-c', '0'] : []),
    close: async () => {
      await admin.end();
      await server.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The application on one of the ground's databases, at a time after all sample months. */
export const openOn = (ground: Ground, url: string): Promise<App> =>
  openApp({
    settings: { ...readSettings({ LKP_HOME: join(ground.folder, 'store') }), DATABASE_URL: url },
    now: () => '2020-06-15T06:00:00.000Z',
  });

const REFERENCE: ReadonlyArray<readonly [KindName, string]> = [
  ['partners', 'partners.csv'],
  ['locations', 'locations.csv'],
  ['customers', 'customers.csv'],
  ['enrolments', 'enrolments.csv'],
  ['products', 'products.csv'],
  ['rates', 'eurofxref-2019-04-2020-05.csv'],
];

/** Brings a database to where an ingest begins: schema, rules, reference data. */
export async function prepare(ground: Ground, url: string, reference: string): Promise<void> {
  const app = await openOn(ground, url);
  try {
    for (const [kind, name] of REFERENCE) await loadReference(app, kind, join(reference, 'reference', name));
  } finally {
    await app.close();
  }
}

/** A large clean CSV file in `folder/name`, five lines a document; returns its path. */
export async function largeFile(
  ground: Ground,
  name: string,
  options: {
    readonly lines: number;
    readonly partners?: number;
    readonly locations?: number;
    readonly from?: string;
    readonly months?: number;
    readonly seed?: number;
  },
): Promise<{ readonly folder: string; readonly path: string; readonly bytes: number }> {
  const folder = join(ground.folder, name);
  const { path, bytes } = await writeLarge(options, folder);
  return { folder, path, bytes };
}

/** A copy of a large file whose documents have other numbers: `L0000001` becomes `<letters>0000001`. */
export async function renumbered(path: string, letters: string): Promise<string> {
  const copy = path.replace(/\.csv$/, `-${letters}.csv`);
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  await pipeline(async function* () {
    let block = '';
    for await (const line of lines) {
      block += `${line.replace(/^L(?=\d)/, letters)}\n`;
      if (block.length < 1 << 16) continue;
      yield block;
      block = '';
    }
    yield block;
  }, createWriteStream(copy));
  return copy;
}

export interface Measured {
  readonly seconds: number;
  /** Peak resident memory of the command's processes together, sampled; MB. */
  readonly megabytes: number;
  readonly json: Record<string, unknown>;
}

/** Runs one `lkp` command as its users do, a process of its own, from its start to its end. */
export async function lkp(ground: Ground, url: string, words: readonly string[]): Promise<Measured> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, '--json', ...words], {
    env: { PATH: process.env.PATH, DATABASE_URL: url, LKP_HOME: join(ground.folder, 'store') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let megabytes = 0;
  const sampler = setInterval(() => {
    megabytes = Math.max(megabytes, residentOf(child.pid!));
  }, SAMPLE_MS);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearInterval(sampler);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`lkp ${words.join(' ')} ended with ${code}: ${said}`);
  return { seconds, megabytes, json: JSON.parse(said) as Record<string, unknown> };
}

const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(statusOf(pid) ?? '')?.[1]);

/** A process and all below it; throws where there is no /proc. */
function familyOf(root: number): Set<number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  const family = new Set([root]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return family;
}

/** Resident memory of a process and all below it, in MB; 0 where there is no /proc. */
function residentOf(root: number): number {
  try {
    const kilobytes = [...familyOf(root)].map((pid) =>
      Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(pid) ?? '')?.[1] ?? 0),
    );
    return kilobytes.reduce((total, one) => total + one, 0) / 1024;
  } catch {
    return 0;
  }
}

/** The most memory that a living process ever had resident, MB; 0 where there is no /proc. */
export const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(statusOf(pid) ?? '')?.[1] ?? 0) / 1024;

function statusOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It ended in between.
    return undefined;
  }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** One line of the result table: the figure, what it may be at most or must be at least, and what it was made of. */
export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly madeOf: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** What was wanted of a figure, and whether it was missed. */
export function judged({ value, atMost, atLeast }: Figure): { wanted: string; missed: boolean } {
  if (atMost !== undefined) return { wanted: `at most ${atMost}`, missed: value > atMost };
  if (atLeast !== undefined) return { wanted: `at least ${atLeast}`, missed: value < atLeast };
  return { wanted: 'for information', missed: false };
}

export const shown = (seconds: readonly number[]): string => seconds.map((one) => one.toFixed(1)).join(', ');

/** What the figures were measured on. */
export async function machine(ground: Ground): Promise<string> {
  const processors = cpus();
  return (
    `${processors.length} cores (${processors[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GB, ` +
    `${process.platform} ${process.arch}, Node ${process.versions.node}, PostgreSQL ${await ground.version()} (embedded), load average ${loadavg()[0]!.toFixed(1)} at the end`
  );
}
