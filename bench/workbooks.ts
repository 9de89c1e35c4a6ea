import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { JOBS } from '../jobs/index.ts';
import type { App } from '../src/app.ts';
import { serial } from '../src/excel/cells.ts';
import { openWorkbook } from '../src/excel/read.ts';
import { sha256Of } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import { plan } from '../src/ledger.ts';
import type { CellKind, CellValue, Workbooks } from '../src/ports.ts';
import {
  CLI,
  type Figure,
  type Ground,
  largeFile,
  median,
  openOn,
  peakOf,
  prepare,
  shown,
} from './ground.ts';
import { stored } from './ingest.ts';

const CYCLE = '2020-05';
const NOW = '2020-05-15T12:00:00.000Z';
const PARTNERS = 1_000;
/** Rarely: the machine is for the workers. */
const LOOK_MS = 500;
const KPI_LINES = 'KPI lines';
const PYTHON = '/usr/bin/python3';
const WRITER = fileURLToPath(new URL('with_lkp.ts', import.meta.url));
const SCRIPT = fileURLToPath(new URL('with_xlsxwriter.py', import.meta.url));

/**
 * The workbooks of one cycle, twice. Writer against writer: ours and XlsxWriter are handed the same rows, ready, on one
 * core; ours on two, the program's workbook beside the partners'. And the whole stage, lines read and checked, by real workers on the
 * ledger from the first part begun to the last done: two workers against one, and beside XlsxWriter, which reads nothing.
 */
export async function benchWorkbooks(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const file = await largeFile(ground, 'workbooks', {
    lines,
    partners: PARTNERS,
    locations: 2 * PARTNERS,
    from: '2019-05',
    months: 12,
  });
  const url = await ground.database('workbooks');
  await prepare(ground, url, file.folder);
  const app = await openOn(ground, url);
  try {
    const { dispositions } = await ingestFile(app, file.path);
    stored({ totals: { dispositions } }, lines);
    await refresh(app, CYCLE);
    const rows = await rowsOf(app, ground.folder);
    say(`workbooks: ${rows.program.rows} rows in the program's, ${rows.partners.rows} in the partners'`);
    return await compare(ground, url, app, rows, pairs, say);
  } finally {
    await app.close();
    await ground.drop('workbooks');
  }
}

/** Seconds. */
interface Written {
  readonly program: number;
  readonly partners: number;
}

interface Rows {
  /** For XlsxWriter. */
  readonly path: string;
  /** The same for our writer. */
  readonly ours: string;
  /** Those of the tables, on every sheet. */
  readonly rows: number;
}

interface Given {
  readonly program: Rows;
  readonly partners: Rows;
  /** File name -> KPI lines in it. */
  readonly lines: ReadonlyMap<string, number>;
}

async function compare(
  ground: Ground,
  url: string,
  app: App,
  rows: Given,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const theirs: Written[] = [];
  const written: Record<'confined' | 'two', Written[]> = { confined: [], two: [] };
  const ours: Record<'confined' | 'one' | 'two', Stage[]> = { confined: [], one: [], two: [] };
  let bytes: string | undefined;
  for (let pair = 1; pair <= pairs; pair++) {
    theirs.push({
      program: await xlsxWriter(ground, rows.program),
      partners: await xlsxWriter(ground, rows.partners),
    });
    written.confined.push({
      program: await ourWriter(ground, rows.program, true),
      partners: await ourWriter(ground, rows.partners, true),
    });
    const [program, partners] = await Promise.all([
      ourWriter(ground, rows.program, false),
      ourWriter(ground, rows.partners, false),
    ]);
    written.two.push({ program, partners });
    for (const [name, workers, confined] of [
      ['confined', 1, true],
      ['one', 1, false],
      ['two', 2, false],
    ] as const) {
      const stage = await stageOf(ground, url, app, workers, confined);
      // Fast and wrong is nothing: the same bytes every time, and all rows in them.
      bytes ??= await verified(stage, rows.lines);
      if (stage.bytes !== bytes) throw new Error(`the workbooks of ${name} differ from the first run's`);
      ours[name].push(stage);
    }
    const { program: theirProgram, partners: theirPartners } = theirs.at(-1)!;
    const { program: ourProgram, partners: ourPartners } = written.confined.at(-1)!;
    say(
      `workbooks ${pair} of ${pairs}: XlsxWriter ${shown([theirProgram, theirPartners])} s; ` +
        `our writer ${shown([ourProgram, ourPartners])} s; the stage on one core ${shown([ours.confined.at(-1)!.program, ours.confined.at(-1)!.partners])} s; ` +
        `one worker ${shown([ours.one.at(-1)!.seconds])} s; two ${shown([ours.two.at(-1)!.seconds])} s`,
    );
  }
  const ratio = (mine: readonly number[], other: readonly number[]) =>
    median(mine.map((seconds, index) => seconds / other[index]!));
  const whole = theirs.map(({ program, partners }) => program + partners);
  const both = written.two.map(({ program, partners }) => Math.max(program, partners));
  const part = (which: 'program' | 'partners', mine: readonly Written[]) => ({
    value: ratio(
      theirs.map((one) => one[which]),
      mine.map((one) => one[which]),
    ),
    madeOf: `lkp ${shown(mine.map((one) => one[which]))} s; XlsxWriter ${shown(theirs.map((one) => one[which]))} s`,
  });
  const seconds = (stages: readonly Stage[]) => stages.map((stage) => stage.seconds);
  const count = (number: number) => number.toLocaleString('en');
  const where = cpus().length === 2 ? 'two cores' : `${cpus().length} cores`;
  const megabytes = Object.values(ours).flatMap((stages) => stages.flatMap((stage) => stage.megabytes));
  return [
    {
      bench: 'workbooks',
      figure: `rows a second of the program workbook, ${count(rows.program.rows)} rows, our writer / XlsxWriter, on one core`,
      atLeast: 2,
      ...part('program', written.confined),
    },
    {
      bench: 'workbooks',
      figure: `rows a second of ${count(PARTNERS)} partner workbooks, ${count(rows.partners.rows)} rows, our writer / XlsxWriter, on one core`,
      atLeast: 2,
      ...part('partners', written.confined),
    },
    {
      bench: 'workbooks',
      figure: 'rows a second of all workbooks, our writer on two cores / XlsxWriter on one',
      atLeast: 3,
      value: ratio(whole, both),
      madeOf: `lkp ${shown(both)} s; XlsxWriter ${shown(whole)} s`,
    },
    {
      bench: 'workbooks',
      figure: 'the same, the program workbook, with the whole stage (lines read and checked too) on one core',
      ...part('program', ours.confined),
    },
    {
      bench: 'workbooks',
      figure: 'the same, the partner workbooks, with the whole stage on one core',
      ...part('partners', ours.confined),
    },
    {
      bench: 'workbooks',
      figure: `the same, all workbooks, with the whole stage by two workers on ${where}`,
      value: ratio(whole, seconds(ours.two)),
      madeOf: `lkp ${shown(seconds(ours.two))} s; XlsxWriter ${shown(whole)} s`,
    },
    {
      bench: 'workbooks',
      figure: 'peak memory of a worker, MB',
      atMost: 300,
      value: Math.max(...megabytes),
      madeOf: megabytes.map((one) => Math.round(one)).join(', '),
    },
    {
      bench: 'workers',
      figure: `time of the workbook stage, two workers / one, on ${where}`,
      atMost: 0.65,
      value: ratio(seconds(ours.two), seconds(ours.one)),
      madeOf: `two ${shown(seconds(ours.two))} s; one ${shown(seconds(ours.one))} s; one on one core ${shown(seconds(ours.confined))} s`,
    },
  ];
}

/** The rows of all workbooks as the job hands them to its writer, for another writer: see with_xlsxwriter.py. */
async function rowsOf(app: App, folder: string): Promise<Given> {
  const path = (name: string) => join(folder, `${name}.jsonl`);
  const out = {
    program: createWriteStream(path('program')),
    partners: createWriteStream(path('partners')),
    'program-ours': createWriteStream(path('program-ours')),
    'partners-ours': createWriteStream(path('partners-ours')),
  };
  const rows = { program: 0, partners: 0 };
  const lines = new Map<string, number>();
  const workbooks: Workbooks = {
    async write(temporary, { title, sheets }) {
      const partner = /\((\w+)\), cycle/.exec(title)?.[1];
      const kind = partner ? 'partners' : 'program';
      const file = partner ? `partner-${partner}.xlsx` : `program-${CYCLE}.xlsx`;
      let count = 0;
      const say = (value: unknown) => out[kind].write(`${JSON.stringify(value)}\n`);
      const sayOurs = (value: unknown) => out[`${kind}-ours`].write(`${JSON.stringify(value)}\n`);
      say(file);
      sayOurs({ file, title });
      for await (const sheet of sheets) {
        const { name, blocks } = sheet;
        sayOurs({ sheet: { ...sheet, blocks: blocks.map((block) => ({ ...block, rows: undefined })) } });
        const tables = blocks.filter((block) => block.block === 'table');
        const widest = Math.max(2, ...tables.map(({ columns }) => columns.length));
        const kinds = Array.from(
          { length: widest },
          (_, index) => tables.at(-1)?.columns[index]?.kind ?? 'text',
        );
        say([name, kinds]);
        for (const block of blocks) {
          if (block.block === 'text') say({ row: [block.text] });
          else if (block.block === 'pairs') {
            for (const [label, value, kind] of block.pairs) say({ row: [label, plain(value, kind)] });
          } else {
            say({ row: block.columns.map(({ header }) => header) });
            for await (const row of block.rows as AsyncIterable<readonly CellValue[]>) {
              count += 1;
              if (name === KPI_LINES) lines.set(file, (lines.get(file) ?? 0) + 1);
              if (!sayOurs(row))
                await new Promise<void>((resolve) => out[`${kind}-ours`].once('drain', () => resolve()));
              if (!say({ row: block.columns.map((column, index) => plain(row[index] ?? null, column.kind)) }))
                await new Promise<void>((resolve) => out[kind].once('drain', () => resolve()));
            }
            sayOurs({ end: true });
          }
        }
      }
      rows[kind] += count;
      if (!lines.has(file)) lines.set(file, 0);
      await writeFile(temporary, '');
      return { rows: count };
    },
  };
  await writeReports({ ...app, workbooks }, CYCLE, {});
  for (const stream of Object.values(out)) await finished(stream.end());
  await rm(reportsOf(folder), { recursive: true });
  return {
    program: { path: path('program'), ours: path('program-ours'), rows: rows.program },
    partners: { path: path('partners'), ours: path('partners-ours'), rows: rows.partners },
    lines,
  };
}

/** What a cell of a kind holds: text or a number. */
function plain(given: CellValue, columnKind: CellKind): string | number | null {
  const { value, kind } =
    typeof given === 'object' && given !== null ? given : { value: given, kind: columnKind };
  if (value === null) return null;
  if (kind === 'text' || kind === 'code') return String(value);
  if (kind === 'date' || kind === 'month')
    return serial(kind === 'month' ? `${value}-01` : String(value)) ?? value;
  return Number.isFinite(Number(value)) ? Number(value) : value;
}

/** Seconds that XlsxWriter takes on one core. */
async function xlsxWriter(ground: Ground, { path, rows }: Rows): Promise<number> {
  const folder = join(ground.folder, 'theirs');
  await mkdir(folder, { recursive: true });
  try {
    const [program = '', ...words] = [...ground.confinement(true), PYTHON, SCRIPT, path, folder];
    const said = execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const result = JSON.parse(said) as { seconds: number; rows: number };
    if (result.rows < rows) throw new Error(`XlsxWriter wrote ${result.rows} rows of ${rows}`);
    return result.seconds;
  } catch (error) {
    if (/No module named 'xlsxwriter'|ENOENT/.test(String(error)))
      throw new Error(
        `${PYTHON} has no XlsxWriter to compare with; on Debian: apt-get install python3-xlsxwriter.`,
      );
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const run = promisify(execFile);

/** Seconds that our writer takes for the same rows. */
async function ourWriter(ground: Ground, { ours, rows }: Rows, confined: boolean): Promise<number> {
  const folder = await mkdtemp(join(ground.folder, 'ours-'));
  try {
    const [program = '', ...words] = [
      ...ground.confinement(confined),
      ...[process.execPath, '--import', 'tsx', WRITER, ours, folder],
    ];
    const { stdout } = await run(program, words);
    const result = JSON.parse(stdout) as { seconds: number; rows: number };
    if (result.rows !== rows) throw new Error(`our writer wrote ${result.rows} rows of ${rows}`);
    return result.seconds;
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Stage {
  readonly seconds: number;
  /** Of the parts, one after the other; they overlap when there are two workers. */
  readonly program: number;
  readonly partners: number;
  /** Peak of each worker. */
  readonly megabytes: readonly number[];
  /** Hash of names and bytes of all workbooks. */
  readonly bytes: string;
  readonly folder: string;
}

const reportsOf = (folder: string): string => join(folder, 'store', 'reports', CYCLE, 'revision-1');

/** The report job of the cycle, all else being done, by real worker processes and a scheduler. */
async function stageOf(
  ground: Ground,
  url: string,
  app: App,
  workers: number,
  confined: boolean,
): Promise<Stage> {
  await app.db.transaction('stage', async (tx) => {
    await tx.rows('truncate occurrence, run restart identity cascade');
    await plan(tx, JOBS, CYCLE, app.schedule);
    await tx.rows(`update occurrence set state = 'done' where job <> 'report'`);
  });
  const folder = reportsOf(ground.folder);
  await rm(folder, { recursive: true, force: true });
  await ground.settle();
  ground.confine(confined);
  const players: Player[] = [];
  try {
    for (let worker = 0; worker < workers; worker++) players.push(play(ground, url, 'worker', confined));
    await Promise.all(players.map(({ ready }) => ready));
    players.push(play(ground, url, 'scheduler', confined));
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const states = await app.db.transaction('stage', (tx) =>
        tx.rows<{ state: string; says: string }>(`select state, says from occurrence where cycle = $1`, [
          CYCLE,
        ]),
      );
      const stuck = states.find(({ state }) => state === 'failed' || state === 'waiting');
      if (stuck) throw new Error(`the stage did not end: ${stuck.says}`);
      if (states.every(({ state }) => state === 'done')) break;
    }
    const times = await app.db.transaction('stage', (tx) =>
      tx.one<{ seconds: string; program: string; partners: string }>(
        `select extract(epoch from max(run.ended_at) - min(run.started_at))::text as seconds,
                sum(extract(epoch from run.ended_at - run.started_at)) filter (where occurrence.part = 1)::text as program,
                sum(extract(epoch from run.ended_at - run.started_at)) filter (where occurrence.part > 1)::text as partners
         from run join occurrence on occurrence.id = run.occurrence_id where run.job = 'report'`,
      ),
    );
    return {
      seconds: Number(times.seconds),
      program: Number(times.program),
      partners: Number(times.partners),
      megabytes: players.slice(0, workers).map(({ child }) => peakOf(child.pid!)),
      bytes: await hashOf(folder),
      folder,
    };
  } finally {
    for (const { child } of players) child.kill('SIGTERM');
    await Promise.all(players.map(({ ended }) => ended));
    ground.confine(false);
  }
}

interface Player {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  readonly ended: Promise<unknown>;
}

function play(ground: Ground, url: string, role: string, confined: boolean): Player {
  const [program = '', ...words] = [
    ...ground.confinement(confined),
    process.execPath,
    ...['--import', 'tsx', CLI, 'start', role],
  ];
  const child = spawn(program, words, {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: url,
      LKP_HOME: join(ground.folder, 'store'),
      LKP_TEST_NOW: NOW,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const ready = new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('error', reject);
    ended.then(() => reject(new Error(`lkp start ${role} ended`)));
  });
  ready.catch(() => undefined);
  return { child, ready, ended };
}

/** One hash over the names and bytes of a folder. */
async function hashOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  const hashes = [];
  for (const name of names) hashes.push(`${name} ${await sha256Of(join(folder, name))}`);
  return hashes.join('\n');
}

/** Reads the program's workbook and every hundredth partner's back: the KPI lines that the job handed over must be there. */
async function verified({ folder, bytes }: Stage, lines: ReadonlyMap<string, number>): Promise<string> {
  const names = bytes.split('\n').map((line) => line.split(' ')[0]!);
  if (names.length !== lines.size)
    throw new Error(`${names.length} workbooks were written, not ${lines.size}`);
  for (const name of names.filter((one, index) => index % 100 === 0 || one.startsWith('program'))) {
    const book = await openWorkbook(join(folder, name));
    try {
      let found = 0;
      for await (const _ of book.rows(book.sheets.findIndex((sheet) => sheet.name === KPI_LINES))) found += 1;
      // Its header and its totals are rows too.
      if (found - 2 !== lines.get(name))
        throw new Error(`${name} holds ${found - 2} KPI lines, not ${lines.get(name)}`);
    } finally {
      book.close();
    }
  }
  return bytes;
}
