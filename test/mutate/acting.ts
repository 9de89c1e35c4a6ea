import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { csvRecord, csvTable } from '../../samples/csv.ts';
import { columnsOf } from '../../samples/truth.ts';
import type { App } from '../../src/app.ts';
import { ingestFile } from '../../src/invoice/ingest.ts';
import { decide, waitingRows } from '../../src/invoice/quarantine.ts';
import { withdrawFile } from '../../src/invoice/withdraw.ts';
import { refresh } from '../../src/kpi/refresh.ts';
import type { Block, Book } from '../../src/ports.ts';
import type { KindName } from '../../src/reference/kinds.ts';
import { loadReference } from '../../src/reference/load.ts';
import { monthsOf, regressions } from '../property/check.ts';
import { BETWEEN, referenceOf, stepsOf } from '../property/month.ts';
import { partnersOf } from '../reconcile/check.ts';
import { type Ground, refusedBy } from './ground.ts';

/** Something that people do with the application: what it answers and stores is compared with what the unchanged SQL gives. */
export interface Scene {
  readonly name: string;
  /** The state that it begins with; '' is an empty database. */
  readonly from: string;
  /** The clock: an instant that stands still, or one a look. */
  readonly now?: string | ((looks: number) => string);
  play(app: App, folder: string, say: Say): Promise<void>;
}

/** Takes each answer as it is given; throws where it is not the one that was expected. */
export type Say = (answer: unknown) => void;

export const CASES = fileURLToPath(new URL('../cases/', import.meta.url));
export const SAMPLES = fileURLToPath(new URL('../../samples/data/', import.meta.url));
export const MAY = '2020-05-21T08:00:00.000Z';
export const MONTHS = [...regressions(), ...monthsOf(1, 24)];

/** What is answered, or the error that is; a text that PostgreSQL does not understand is no answer. */
export async function answer<T>(ask: () => Promise<T>): Promise<T | { error: string }> {
  try {
    return await ask();
  } catch (error) {
    if (refusedBy(error)) throw error;
    return { error: String((error as Error).message) };
  }
}

/** Every table's rows but for the clock's columns, as a short text each. */
export async function tables(app: App): Promise<Record<string, string>> {
  return app.db.transaction('look', async (tx) => {
    const found = await tx.rows<{ name: string; columns: string }>(
      `select table_name as name,
              string_agg(format('%I', column_name), ', ' order by ordinal_position) filter (where data_type not like 'timestamp%') as columns
       from information_schema.columns join information_schema.tables using (table_schema, table_name)
       where table_schema = 'public' and table_type = 'BASE TABLE'
         and table_name not in ('migration', 'migration_lock', 'view_set', 'day', 'currency', 'country', 'document_type')
       group by table_name order by table_name`,
    );
    const parts = found.map(
      ({ name, columns }) =>
        `select '${name}' as name, count(*) || ' ' || md5(coalesce(string_agg(r::text, chr(10) order by r::text collate "C"), '')) as digest
         from (select ${columns} from ${name}) as r`,
    );
    const rows = await tx.rows<{ name: string; digest: string }>(`${parts.join(' union all ')} order by 1`);
    return Object.fromEntries(rows.map(({ name, digest }) => [name, digest]));
  });
}

/** The application with workbooks that are said and not written: all their cells, without the work of styling them. */
export function reading(app: App, say: Say): App {
  const write = async (path: string, book: Book): Promise<{ rows: number }> => {
    const hash = createHash('sha256').update(book.title);
    let rows = 0;
    for await (const sheet of book.sheets) {
      hash.update(`\n${sheet.name}`);
      for (const block of sheet.blocks as Block[]) {
        if (block.block !== 'table') {
          hash.update(JSON.stringify(block));
          continue;
        }
        const { rows: cells, ...rest } = block;
        hash.update(JSON.stringify(rest));
        for await (const row of cells) {
          hash.update(JSON.stringify(row));
          rows += 1;
        }
      }
    }
    await writeFile(path, '');
    say(`${book.title} ${hash.digest('hex')}`);
    return { rows };
  };
  return { ...app, workbooks: { ...app.workbooks, write } };
}

/** What waits for a person, in any order, and what is stored. */
export const settle = async (app: App) => ({
  waiting: await answer(async () => (await waitingRows(app)).map((row) => JSON.stringify(row)).sort()),
  tables: await tables(app),
});

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
export async function tell(app: App, { files, profile }: Story, say: Say): Promise<void> {
  const look = async () => say(await settle(app));
  for (const file of files) say(await answer(() => ingestFile(app, file, profile)));
  await look();
  // The same bytes again say how the file stands.
  for (const file of files) say(await answer(() => ingestFile(app, file, profile)));
  const waiting = await answer(() => waitingRows(app));
  if (!('error' in waiting)) {
    const numbers = [...new Set(waiting.map(({ number }) => number ?? ''))].filter(Boolean).slice(0, 6);
    for (const verdict of ['release', 'reopen', 'refuse', 'reopen'] as const) {
      for (const number of numbers) {
        for (const file of verdict === 'reopen'
          ? [undefined]
          : [undefined, ...files.map((path) => basename(path))]) {
          const options = { reason: 'so it is', ...(file ? { file } : {}) };
          say(await answer(() => decide(app, number, verdict, options)));
        }
      }
      if (numbers.length > 0) await look();
    }
  }
  for (const file of files) say(await answer(() => withdrawFile(app, basename(file), 'wrong')));
  await look();
  for (const file of [...files].reverse()) say(await answer(() => ingestFile(app, file, profile)));
  await look();
}

/* --- small months --- */

export async function takeMonths(app: App, folder: string, which: 0 | 1, say: Say): Promise<void> {
  const hashes = new Map<string, string>();
  for (const step of stepsOf(MONTHS, which)) {
    if (step.what === 'refresh') say(await answer(() => refresh(app, BETWEEN)));
    else if (step.what === 'withdraw')
      say(await answer(() => withdrawFile(app, hashes.get(step.file.name) ?? '', 'the wrong file')));
    else {
      const rows = [columnsOf(step.file), ...step.file.rows.map(({ cells }) => cells)];
      const path = await write(folder, step.file.name, rows.map(csvRecord).join(''));
      const result = await answer(() => ingestFile(app, path));
      if ('sha256' in result) hashes.set(step.file.name, result.sha256);
      say(result);
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
  each: (answer: unknown) => Promise<void>,
): Promise<void> {
  for (const [index, [kind, text]] of LATER.entries()) {
    const path = await write(folder, `later-${index}.csv`, text);
    await each(await answer(() => loadReference(app, kind, path)));
  }
}

/** Whose claims are answered. */
export const CLAIMANTS = partnersOf(1, 20);

/** A clock that goes a minute with every look at it, so that each change has a moment of its own. */
export const clockOf = (looks: number): string => new Date(Date.UTC(2023, 9, 20, 10, looks)).toISOString();

/** What is learned of the small months afterwards: a customer moves, a location is merged, a product and a rate change. */
export async function change(
  app: App,
  folder: string,
  name: string,
  each: (answer: unknown) => Promise<void>,
): Promise<void> {
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
    const path = await write(folder, `${name}-${index}.csv`, text);
    await each(await answer(() => loadReference(app, kind, path)));
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

export const silent: Say = () => undefined;

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

/** What a mutant answers otherwise. */
export class Otherwise extends Error {}

/**
 * Plays a scene. Without `wanted` it returns each answer as text, without the names of the folders that it was played in;
 * with it, it throws Otherwise at the first answer that is not the wanted one.
 */
export async function played(
  ground: Ground,
  scene: Scene,
  { wanted, ...options }: Parameters<Ground['on']>[2] & { readonly wanted?: readonly string[] } = {},
): Promise<string[]> {
  const answers: string[] = [];
  await ground.on(
    scene.from,
    async (app, folder) => {
      const say: Say = (given) => {
        const text = (JSON.stringify(given) ?? '')
          .replaceAll(app.settings.home, 'HOME')
          .replaceAll(folder, 'FOLDER');
        if (wanted && wanted[answers.length] !== text) throw new Otherwise(`answer ${answers.length + 1}`);
        answers.push(text);
      };
      await scene.play(app, folder, say);
    },
    { ...options, ...clock(scene) },
  );
  return answers;
}
