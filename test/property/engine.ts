import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { csvRecord, csvTable } from '../../samples/csv.ts';
import { columnsOf, type InvoiceFile, type Reference } from '../../samples/truth.ts';
import { type App, openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { asTheyStand, type FileResult } from '../../src/invoice/result.ts';
import type { LineChange } from '../../src/kpi/changes.ts';
import { changesBetween } from '../../src/kpi/changes-between.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import { useAllRules } from '../../src/kpi/rules.ts';
import { sum } from '../../src/money.ts';
import { loadReference } from '../../src/reference/load.ts';
import type { Actual, ActualLevels } from '../auditor/compare.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { BETWEEN, CYCLES, KINDS, type Step } from './month.ts';
import { type ProgramName, programOf } from './program.ts';

/** A server, and the name of a migrated database that nobody uses. */
export interface Server {
  readonly url: string;
  readonly template: string;
  /** The rules that months are played under; `levels` when absent. */
  readonly program?: ProgramName;
}

/** What the engine says once all steps were taken. */
export interface Played {
  readonly cycles: ReadonlyArray<Actual & ActualLevels>;
  /** The files that are not withdrawn, together, as an ingest would say it now. */
  readonly lines_in: number;
  readonly dispositions: Readonly<Record<string, number>>;
  readonly amounts: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What changed in BETWEEN since its refresh, line by line; absent without one. */
  readonly changed?: readonly LineChange[];
  /** Files and cycles that did not do what they always must, a sentence each. */
  readonly broken: readonly string[];
}

type Withdraw = (context: App, nameOrSha: string, reason: string) => Promise<unknown>;

/** The command that undoes a wrong file, where this version has it. */
async function withdrawal(): Promise<Withdraw | undefined> {
  const folder = fileURLToPath(new URL('../../src/invoice/', import.meta.url));
  if (!(await readdir(folder)).includes('withdraw.ts')) return undefined;
  const module = (await import(pathToFileURL(join(folder, 'withdraw.ts')).href)) as {
    withdrawFile: Withdraw;
  };
  return module.withdrawFile;
}

/** Whether the engine can withdraw files at all. */
export const CAN_WITHDRAW = (await withdrawal()) !== undefined;

const NOW = '2023-10-20T10:00:00.000Z';

/** Opens the application on a copy of a database, which is dropped afterwards unless it is to be kept. */
async function onCopy<T>(
  server: Server,
  template: string,
  work: (context: App, folder: string) => Promise<T>,
  keep = false,
): Promise<{ result: T; name: string }> {
  const name = `${server.template}_${randomBytes(4).toString('hex')}`;
  await withAdmin(server.url, (admin) => admin.query(`create database ${name} template ${template}`));
  const folder = await mkdtemp(join(tmpdir(), 'lkp-property-'));
  let isDone = false;
  try {
    const context = await openApp({
      settings: readSettings({ LKP_HOME: join(folder, 'home'), DATABASE_URL: databaseUrl(server.url, name) }),
      now: () => NOW,
    });
    try {
      const result = await work(context, folder);
      isDone = true;
      return { result, name };
    } finally {
      await context.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    if (!keep || !isDone) await drop(server, name);
  }
}

export const drop = (server: Server, name: string): Promise<void> =>
  withAdmin(server.url, async (admin) => {
    await admin.query(`drop database if exists ${name} with (force)`);
  });

/** A database that knows the reference data, for `play` to copy. */
export async function prepare(server: Server, reference: Reference): Promise<string> {
  const { name } = await onCopy(
    server,
    server.template,
    async (context, folder) => {
      await useAllRules(
        context,
        programOf(server.program).texts.map((text, index) => ({ text, shown: `rules ${index + 1}` })),
      );
      const load = async (kind: (typeof KINDS)[number] | 'rates', content: string): Promise<void> => {
        const path = join(folder, `${kind}.csv`);
        await writeFile(path, content);
        const { status, rejected } = await loadReference(context, kind, path);
        if (status !== 'loaded' || rejected > 0)
          throw new Error(`${kind} were not loaded: ${status}, ${rejected}`);
      };
      for (const kind of KINDS) await load(kind, csvTable(reference[kind], Object.keys(reference[kind][0]!)));
      await load('rates', reference.ecb);
    },
    true,
  );
  return name;
}

/** Takes the steps on a copy of a prepared database. */
export async function play(server: Server, prepared: string, steps: readonly Step[]): Promise<Played> {
  const withdrawFile = await withdrawal();
  const { result } = await onCopy(server, prepared, async (context, folder): Promise<Played> => {
    const broken: string[] = [];
    /** The files that were not withdrawn, by name. */
    const taken = new Map<string, FileResult>();
    const write = async (name: string, rows: ReadonlyArray<readonly string[]>): Promise<string> => {
      const path = join(folder, name);
      await writeFile(path, rows.map(csvRecord).join(''));
      return path;
    };
    const contentOf = (file: InvoiceFile) => [columnsOf(file), ...file.rows.map(({ cells }) => cells)];
    for (const step of steps) {
      if (step.what === 'refresh') {
        await refresh(context, BETWEEN);
      } else if (step.what === 'withdraw') {
        await withdrawFile!(context, taken.get(step.file.name)!.sha256, 'the wrong file');
        taken.delete(step.file.name);
      } else {
        const path = await write(step.file.name, contentOf(step.file));
        const said = await ingestFile(context, path);
        taken.set(step.file.name, said);
        if (said.status !== 'ingested') broken.push(`${step.file.name} is ${said.status}: ${said.reason}`);
        broken.push(...imbalance(said, step.file.rows.length));
      }
    }
    // The same bytes under other names are no news.
    const again = steps.filter((step) => step.what === 'ingest').filter(({ file }) => taken.has(file.name));
    for (const [index, step] of again.slice(0, 2).entries()) {
      const said = await ingestFile(context, await write(`again-${index}.csv`, contentOf(step.file)));
      if (said.status !== 'duplicate') broken.push(`the bytes of ${step.file.name} again are ${said.status}`);
    }

    const asked = { from: { revision: 1 }, first: 1_000_000 };
    const changed = steps.some(({ what }) => what === 'refresh')
      ? { changed: (await changesBetween(context, BETWEEN, asked)).first }
      : {};
    const cycles: Array<Actual & ActualLevels> = [];
    for (const cycle of CYCLES) cycles.push(await frozen(context, await refresh(context, cycle)));
    return {
      cycles,
      ...changed,
      ...(await together(context, [...taken.values()])),
      broken: [...broken, ...(await unbalanced(context))],
    };
  });
  return result;
}

/** What must hold of every file, whatever is in it: rows and readable amounts are the sums of their dispositions. */
function imbalance(
  said: Pick<FileResult, 'name' | 'lines_in' | 'dispositions' | 'amounts' | 'amount_in'>,
  rows: number,
): string[] {
  const found: string[] = [];
  const held = Object.values(said.dispositions).reduce((total, count) => total + count, 0);
  if (said.lines_in !== rows || held !== rows)
    found.push(`${said.name}: ${rows} rows were written, ${said.lines_in} came in, ${held} are held`);
  const currencies = new Set(
    [...Object.values(said.amounts), said.amount_in].flatMap((amounts) => Object.keys(amounts ?? {})),
  );
  for (const currency of currencies) {
    const [kept, came] = [
      sum(Object.values(said.amounts).map((amounts) => amounts?.[currency] ?? '0')),
      sum([said.amount_in[currency] ?? '0']),
    ];
    if (sum([kept, negative(came)]).replace(/[0.]/g, '') !== '')
      found.push(`${said.name}: ${came} ${currency} came in, ${kept} is held`);
  }
  return found;
}

const negative = (amount: string): string => (amount.startsWith('-') ? amount.slice(1) : `-${amount}`);

/** A refresh, or what `latest` says of it, with the rows of its revision. */
export async function frozen(
  context: Pick<App, 'db'>,
  result: Awaited<ReturnType<typeof refresh>>,
): Promise<Actual & ActualLevels> {
  const of = <T>(table: string): Promise<T[]> =>
    context.db.transaction('look', (tx) =>
      tx.rows(`select * from snapshot_${table} where cycle = $1 and revision = $2`, [
        result.cycle,
        result.revision,
      ]),
    ) as Promise<T[]>;
  const amounts: Record<string, Record<string, string>> = {};
  for (const row of await of<Record<'disposition' | 'currency' | 'amount', string>>('control')) {
    if (row.currency === '') continue;
    amounts[row.disposition] = { ...amounts[row.disposition], [row.currency]: row.amount };
  }
  return {
    ...result,
    amounts,
    cells: await of('cell'),
    classes: await of('class'),
    levels: await of('level'),
    requirements: await of('requirement'),
    renewals: (await of<Renewal>('renewal')).map((row) => ({
      ...row,
      provisional: String(row.provisional),
      not_offered: row.not_offered.join(),
    })),
    renewalRequirements: await of('renewal_requirement'),
    forecast: await of('forecast'),
  };
}

interface Renewal extends Omit<ActualLevels['renewals'][number], 'provisional' | 'not_offered'> {
  readonly provisional: boolean;
  readonly not_offered: readonly string[];
}

interface Held {
  readonly lines_in: number;
  readonly dispositions: Record<string, number>;
  readonly amounts: Record<string, Record<string, string>>;
}

/** Files as they stand, together. */
async function together(context: App, results: readonly FileResult[]): Promise<Held> {
  const dispositions: Record<string, number> = {};
  const amounts: Record<string, Record<string, string>> = {};
  let lines_in = 0;
  for (const now of await asTheyStand(context, results)) {
    lines_in += now.lines_in;
    for (const [name, count] of Object.entries(now.dispositions))
      dispositions[name] = (dispositions[name] ?? 0) + count;
    for (const [name, byCurrency] of Object.entries(now.amounts)) {
      for (const [currency, amount] of Object.entries(byCurrency ?? {})) {
        amounts[name] ??= {};
        amounts[name][currency] = sum([amounts[name][currency] ?? '0', amount]);
      }
    }
  }
  return { lines_in, dispositions, amounts };
}

/** What the engine's own check of every file finds. */
export const unbalanced = (context: Pick<App, 'db'>): Promise<string[]> =>
  context.db.transaction('check', async (tx) => {
    const files = await tx.rows<{ id: number; name: string }>(
      `select id, name from file where kind = 'invoices'`,
    );
    const found: string[] = [];
    for (const { id, name } of files) {
      for (const row of await tx.file('checks/file_conservation', { file_ids: id }))
        found.push(`${name} is not balanced: ${JSON.stringify(row)}`);
    }
    return found;
  });
