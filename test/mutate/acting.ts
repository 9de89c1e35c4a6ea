import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { csvRecord, csvTable } from '../../samples/csv.ts';
import { columnsOf } from '../../samples/truth.ts';
import type { App } from '../../src/app.ts';
import { SqlError } from '../../src/db/script.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { decide, waitingRows } from '../../src/invoice/quarantine.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { LkpError } from '../../src/job.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import type { Block, Book } from '../../src/ports.ts';
import type { KindName } from '../../src/reference/kinds.ts';
import { loadReference } from '../../src/reference/load.ts';
import { monthsOf, regressions } from '../property/check.ts';
import { BETWEEN, referenceOf, stepsOf } from '../property/month.ts';
import { partnersOf } from '../reconcile/check.ts';

/** Something that people do with the application. */
export interface Scene {
  readonly name: string;
  /** The state that it begins with; '' is an empty database. */
  readonly from: string;
  /** The clock: an instant that stands still, or one a look. */
  readonly now?: string | ((looks: number) => string);
  /** Its few calls are of facts that were made for the mutants. */
  readonly isDrawn?: true;
  play(app: App, folder: string): Promise<void>;
}

export const CASES = fileURLToPath(new URL('../cases/', import.meta.url));
export const SAMPLES = fileURLToPath(new URL('../../samples/data/', import.meta.url));
export const MAY = '2020-05-21T08:00:00.000Z';
export const MONTHS = [...regressions(), ...monthsOf(1, 24)];

/** Does what may be refused. */
export async function tried<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LkpError || error instanceof SqlError) return undefined;
    throw error;
  }
}

/** The application with workbooks whose rows are read and not written. */
export function reading(app: App): App {
  const write = async (path: string, book: Book): Promise<{ rows: number }> => {
    let rows = 0;
    for await (const sheet of book.sheets)
      for (const block of sheet.blocks as Block[])
        if (block.block === 'table') for await (const _ of block.rows) rows += 1;
    await writeFile(path, '');
    return { rows };
  };
  return { ...app, workbooks: { ...app.workbooks, write } };
}

export async function write(folder: string, name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

export async function loadAll(app: App, folder: string, kinds: readonly KindName[]): Promise<void> {
  for (const kind of kinds) {
    const { status, rejected, reason } = await loadReference(app, kind, join(folder, `${kind}.csv`));
    if (status !== 'loaded' || rejected > 0) throw new Error(`${kind} ${status}: ${reason} ${rejected}`);
  }
}

/* --- the stories of test/cases/ingest --- */

interface Story {
  readonly name: string;
  readonly files: readonly string[];
  readonly profile: { profile: string } | object;
}

export const stories = (): Story[] =>
  readdirSync(join(CASES, 'ingest'))
    .filter((name) => existsSync(join(CASES, 'ingest', name, 'expected.json')))
    .map((name) => {
      const folder = join(CASES, 'ingest', name);
      const { files } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
        files: ReadonlyArray<{ file: string }>;
      };
      const profile = join(folder, 'profile.yaml');
      return {
        name,
        files: [...new Set(files.map(({ file }) => join(folder, file)))],
        profile: existsSync(profile) ? { profile } : {},
      };
    });

/** Takes a story's files in, asks about them, decides what waits, and takes them back one by one. */
export async function tell(app: App, { files, profile }: Story): Promise<void> {
  for (const file of files) await tried(() => ingestFile(app, file, profile));
  // The same bytes again say how the file stands.
  for (const file of files) await tried(() => ingestFile(app, file, profile));
  const waiting = await waitingRows(app);
  const numbers = [...new Set(waiting.map(({ number }) => number ?? ''))].filter(Boolean).slice(0, 6);
  for (const verdict of ['release', 'reopen', 'refuse', 'reopen'] as const) {
    for (const number of numbers) {
      for (const file of verdict === 'reopen'
        ? [undefined]
        : [undefined, ...files.map((path) => basename(path))]) {
        const options = { reason: 'so it is', ...(file ? { file } : {}) };
        await tried(() => decide(app, number, verdict, options));
      }
    }
  }
  for (const file of files) await tried(() => withdrawFile(app, basename(file), 'wrong'));
  for (const file of [...files].reverse()) await tried(() => ingestFile(app, file, profile));
}

/* --- small months --- */

export async function takeMonths(app: App, folder: string, which: 0 | 1): Promise<void> {
  const hashes = new Map<string, string>();
  for (const step of stepsOf(MONTHS, which)) {
    if (step.what === 'refresh') await tried(() => refresh(app, BETWEEN));
    else if (step.what === 'withdraw')
      await tried(() => withdrawFile(app, hashes.get(step.file.name) ?? '', 'the wrong file'));
    else {
      const rows = [columnsOf(step.file), ...step.file.rows.map(({ cells }) => cells)];
      const path = await write(folder, step.file.name, rows.map(csvRecord).join(''));
      const result = await tried(() => ingestFile(app, path));
      if (result) hashes.set(step.file.name, result.sha256);
    }
  }
}

/* --- the sample --- */

export const SAMPLE_FILES: ReadonlyArray<readonly [KindName, string]> = [
  ['partners', 'partners.csv'],
  ['locations', 'locations.csv'],
  ['customers', 'customers.csv'],
  ['enrolments', 'enrolments.csv'],
  ['attainments', 'attainments.csv'],
  ['products', 'products.csv'],
  ['rates', 'eurofxref-2019-04-2020-05.csv'],
  ['rates', 'rates-manual.csv'],
  ['listings', 'listings.csv'],
];

/** What the sample learns later: merges, ends, rates, rows without a place. */
const LATER: ReadonlyArray<readonly [KindName, string]> = [
  [
    'locations',
    'location_mpn_id,partner_mpn_id,name,country,valid_from,valid_to\n5200003,4100118,site 1,US,2019-10-01,\n',
  ],
  [
    'customers',
    'customer_number,location_mpn_id,program,valid_from,valid_to\nCM100207,5200003,,2015-01-01,2019-12-01\n',
  ],
  ['rates', 'currency,rate_date,per_euro\nUSD,2020-04-14,1.5\n'],
];

/** Facts of the sample month that come after its refresh, one by one. */
export async function learn(
  app: App,
  folder: string,
  each: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  for (const [index, [kind, text]] of LATER.entries()) {
    const path = await write(folder, `later-${index}.csv`, text);
    await tried(() => loadReference(app, kind, path));
    await each();
  }
}

/** Whose claims are answered. */
export const CLAIMANTS = partnersOf(1, 20);

/** A clock that goes a minute with every look at it, so that each change has a moment of its own. */
export const clockOf = (looks: number): string => new Date(Date.UTC(2023, 9, 20, 10, looks)).toISOString();

/** What is learned of the small months afterwards: a customer moves, a location is merged, a product and a rate change. */
export async function change(app: App, folder: string): Promise<void> {
  const { customers, locations, products } = referenceOf(MONTHS);
  const moved = customers
    .filter((_, index) => index % 3 === 0)
    .slice(0, 8)
    .map((row) => ({ ...row, location_mpn_id: locations.at(-1)!.location_mpn_id }));
  const merged = locations
    .slice(0, 4)
    .map((row) => ({ ...row, partner_mpn_id: locations.at(-1)!.partner_mpn_id }));
  const tables: ReadonlyArray<readonly [KindName, string]> = [
    ['customers', csvTable(moved, Object.keys(moved[0]!))],
    ['locations', csvTable(merged, Object.keys(merged[0]!))],
    ['products', csvTable([{ ...products[1]!, units_per_sku: '3' }], Object.keys(products[1]!))],
    ['rates', 'currency,rate_date,per_euro\nUSD,2023-06-30,1.5\n'],
    ['products', csvTable([{ ...products[0]!, kpi_class: '' }], Object.keys(products[0]!))],
  ];
  for (const [index, [kind, text]] of tables.entries()) {
    const path = await write(folder, `later-${index}.csv`, text);
    await tried(() => loadReference(app, kind, path));
  }
}

/** Invoice numbers, so many of each kind of thing that a row can be. */
export const numbersOf = (app: App, most: number): Promise<string[]> =>
  app.db.transaction('look', async (tx) =>
    (
      await tx.rows<{ number: string }>(
        `select distinct number from (
           select number, row_number() over (partition by kind order by md5(number)) as nth
           from (select distinct number, class || ' ' || coalesce(type_code, '') as kind from document
                 union select distinct document.number, 'waits ' || quarantine.rule from quarantine
                       join line using (file_id, row_no) join document on document.id = line.document_id
                 union select distinct document_number, held || ' ' || rule from rejection
                 union select distinct document_number, held || ' ' || rule from set_aside
                 union select distinct document_number, 'duplicate' from duplicate) as told
           where number <> '') as numbered
         where nth <= $1 order by number`,
        [most],
      )
    ).map(({ number }) => number),
  );

/** The clock of a scene, begun anew. */
export function clock({ now }: Pick<Scene, 'now'>): { now?: () => string } {
  if (typeof now !== 'function') return now ? { now: () => now } : {};
  let looks = 0;
  return {
    now: () => {
      looks += 1;
      return now(looks);
    },
  };
}
