import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { storedPath } from '../../src/files.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import type { FileResult } from '../../src/invoice/result.ts';
import { LkpError } from '../../src/job.ts';
import { loadReference } from '../../src/reference/load.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { type Mutant, mutantOf } from './mutate.ts';

/** A server, and the name of a migrated database that nobody uses. */
export interface Server {
  readonly url: string;
  readonly template: string;
}

/** How one mutant ended. */
export type End = 'ingested' | 'with rejected rows' | 'with quarantined rows' | 'refused' | 'duplicate';

export interface Judged {
  readonly mutant: Mutant;
  readonly end?: End;
  readonly reason?: string;
  readonly seconds: number;
  /** What must never be, a sentence each. */
  readonly wrong: readonly string[];
}

/** Files that share a database: their documents have the same numbers, and meet. */
const AT_ONCE = 50;
const LONGEST_SECONDS = 30;
const REFERENCE = fileURLToPath(new URL('../../samples/data/reference/', import.meta.url));

/** What no person should have to read. */
const INTERNAL =
  /\bat .*:\d+:\d+|Error:|errno|syscall|undefined|\[object|node:|Cannot read|is not a function|unexpected|saxes|yauzl|exceljs|zlib|constraint|relation "|syntax error|invalid input|did not understand|ended from outside/i;

/** A database that knows the sample reference data, for `judge` to copy. */
export async function prepare(server: Server): Promise<string> {
  return onCopy(server, server.template, true, async (context, _folder, name) => {
    for (const kind of ['partners', 'locations', 'customers', 'enrolments', 'products'] as const)
      await loadReference(context, kind, join(REFERENCE, `${kind}.csv`));
    return name;
  });
}

export const drop = (server: Server, name: string): Promise<void> =>
  withAdmin(server.url, async (admin) => {
    await admin.query(`drop database if exists ${name} with (force)`);
  });

/** Takes the mutants of the seeds from `first` on through the real ingest, so many at a time on a fresh database. */
export async function* judge(
  server: Server,
  prepared: string,
  first: number,
  count: number,
): AsyncGenerator<Judged> {
  for (let from = first; from < first + count; from += AT_ONCE) {
    const seeds = Array.from({ length: Math.min(AT_ONCE, first + count - from) }, (_, index) => from + index);
    yield* await onCopy(server, prepared, false, async (context, folder) => {
      const judged: Judged[] = [];
      for (const seed of seeds) judged.push(await judgeOne(context, folder, mutantOf(seed)));
      return judged;
    });
  }
}

async function judgeOne(context: App, folder: string, mutant: Mutant): Promise<Judged> {
  const path = join(folder, mutant.name);
  await writeFile(path, mutant.bytes);
  const began = performance.now();
  const outcome = await ingestFile(context, path).catch((error: unknown) => ({ error }));
  const seconds = (performance.now() - began) / 1000;
  await rm(path);
  const wrong: string[] = [];
  if (seconds > LONGEST_SECONDS) wrong.push(`it took ${seconds.toFixed(1)} s`);
  if ('error' in outcome) {
    const { error } = outcome;
    wrong.push(
      error instanceof LkpError
        ? `not a value but LkpError ${error.code}: ${error.message}`
        : `broke: ${error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error)}`,
    );
    return { mutant, seconds, wrong };
  }
  wrong.push(...(await faultsOf(context, mutant, outcome)));
  const end: End =
    outcome.status !== 'ingested'
      ? outcome.status
      : outcome.dispositions.quarantined > 0
        ? 'with quarantined rows'
        : outcome.dispositions.rejected > 0
          ? 'with rejected rows'
          : 'ingested';
  return { mutant, end, seconds, wrong, ...(outcome.reason === undefined ? {} : { reason: outcome.reason }) };
}

async function faultsOf(context: App, mutant: Mutant, result: FileResult): Promise<string[]> {
  const wrong: string[] = [];
  const said = [result.reason ?? '', ...result.warnings].join(' ');
  // What the file itself says is shown to a person; it is not ours.
  if (INTERNAL.test(said.replace(/"[^"]*"|\([^()]*\)/g, '""'))) wrong.push(`it says: ${said}`);
  const held = await context.db.transaction('look', async (tx) => {
    const files = await tx.rows<{ id: number; physical_rows: number }>(
      `select id, physical_rows from file where sha256 = $1 and kind = 'invoices' and ended_no is null`,
      [result.sha256],
    );
    const unbalanced = files[0] ? await tx.file('checks/file_conservation', { file_ids: files[0].id }) : [];
    const left = await tx.one<{ left: string }>(`select coalesce(to_regclass('load')::text, '') as left`);
    const silent = await tx.one<{ n: number }>(
      `select ((select count(*) from rejection where file_id = $1 and coalesce(rule, '') = '')
             + (select count(*) from quarantine where file_id = $1 and coalesce(rule, '') = ''))::int as n`,
      [files[0]?.id ?? 0],
    );
    return { files, unbalanced, left: left.left, silent: silent.n };
  });
  if (held.left !== '') wrong.push('the load table was left behind');
  if (result.status === 'refused') {
    if (!/\S.*[.!?]$/s.test(result.reason ?? '')) wrong.push(`refused without a sentence: ${result.reason}`);
    if (held.files.length > 0) wrong.push('refused, but a file is stored');
    if (existsSync(storedPath(context.settings.home, result.sha256)))
      wrong.push('refused, but its bytes are stored');
    return wrong;
  }
  const rows = Object.values(result.dispositions).reduce((total, count) => total + count, 0);
  if (rows !== result.lines_in) wrong.push(`${result.lines_in} lines came in, ${rows} have a disposition`);
  const { preamble, header, blank, lines } = result.physical_rows;
  const physical = preamble + header + blank + lines;
  if (physical !== held.files[0]?.physical_rows)
    wrong.push(`${held.files[0]?.physical_rows} physical rows, ${physical} are accounted for`);
  if (mutant.rows !== undefined && physical !== mutant.rows)
    wrong.push(`the file has ${mutant.rows} physical rows, ${physical} were read`);
  if (held.unbalanced.length > 0) wrong.push(`money is not balanced: ${JSON.stringify(held.unbalanced)}`);
  if (held.silent > 0) wrong.push(`${held.silent} rows are rejected or quarantined by no rule`);
  return wrong;
}

async function onCopy<T>(
  server: Server,
  template: string,
  keep: boolean,
  work: (context: App, folder: string, name: string) => Promise<T>,
): Promise<T> {
  const name = `${server.template}_${randomBytes(4).toString('hex')}`;
  await withAdmin(server.url, (admin) => admin.query(`create database ${name} template ${template}`));
  const folder = await mkdtemp(join(tmpdir(), 'lkp-fuzz-'));
  let isDone = false;
  try {
    const context = await openApp({
      settings: readSettings({ LKP_HOME: join(folder, 'home'), DATABASE_URL: databaseUrl(server.url, name) }),
      now: () => '2020-06-20T10:00:00.000Z',
    });
    try {
      const result = await work(context, folder, name);
      isDone = true;
      return result;
    } finally {
      await context.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    if (!keep || !isDone) await drop(server, name);
  }
}

export const told = ({ mutant, wrong }: Judged): string =>
  `seed ${mutant.seed} (${mutant.story}):\n  ${wrong.join('\n  ')}`;
