import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { csvRecord, csvTable } from './csv.ts';
import { makeFiles } from './invoices.ts';
import { largeRows, writeRows } from './large.ts';
import { drawFrom } from './random.ts';
import { makeReference, type Shape, type Stage } from './reference.ts';
import { COLUMNS, type Reference, type World } from './truth.ts';
import { invoiceWorkbook } from './workbook.ts';

/**
 * The one generator of sample data: it knows what it made. Deterministic: equal options give equal bytes.
 *
 *   npx tsx samples/generate.ts                                       the checked-in files, again
 *   npx tsx samples/generate.ts --lines 1000000 --out large      the reference data and one large CSV file
 */

export interface Options {
  readonly seed?: number;
  readonly partners?: number;
  readonly locations?: number;
  /** First month, `YYYY-MM`. */
  readonly from?: string;
  readonly months?: number;
}

/** Where the ECB's excerpt is kept; it is copied as it is. */
const ECB_NAME = 'eurofxref-2019-04-2020-05.csv';
const SAMPLE = fileURLToPath(new URL('data/', import.meta.url));

const shaped = ({
  seed = 1,
  partners = 40,
  locations = 120,
  from = '2019-04',
  months = 14,
}: Options): Shape & { seed: number } => ({
  seed,
  partners,
  locations,
  from,
  months,
});

const stageOf = (shape: Shape & { readonly seed: number }): Stage =>
  makeReference(shape, drawFrom(shape.seed), readFileSync(join(SAMPLE, 'reference', ECB_NAME), 'utf8'));

/** Makes a world in memory: reference data, monthly files with every oddity, and what becomes of each row. */
export function generate(options: Options = {}): World {
  const shape = shaped(options);
  const stage = stageOf(shape);
  return { reference: stage.reference, files: makeFiles(stage, shape, drawFrom(shape.seed + 1)) };
}

/** Makes a world with one large file and no oddities; `writeLarge` writes the same file without keeping its rows. */
export function generateLarge(options: Options & { readonly lines: number }): World {
  const shape = { ...shaped(options), lines: options.lines };
  const stage = stageOf(shape);
  return {
    reference: stage.reference,
    files: [{ name: LARGE_NAME, format: 'csv', rows: [...largeRows(stage, shape)] }],
  };
}

const LARGE_NAME = 'large.csv';

/** Streams the reference data and one large CSV file of `lines` lines into a folder. */
export async function writeLarge(
  options: Options & { readonly lines: number },
  folder: string,
): Promise<{ path: string; lines_in: number; bytes: number; dispositions: Record<string, number> }> {
  const shape = { ...shaped(options), lines: options.lines };
  const stage = stageOf(shape);
  writeReference(stage.reference, folder);
  const path = join(folder, 'invoices', LARGE_NAME);
  return { path, ...(await writeRows(path, largeRows(stage, shape))) };
}

/** Writes `reference/` and `invoices/` below a folder and returns the paths, relative to it, in order. */
export async function writeWorld(world: World, folder: string): Promise<string[]> {
  const written = writeReference(world.reference, folder);
  mkdirSync(join(folder, 'invoices'), { recursive: true });
  for (const { name, format, rows } of world.files) {
    const bytes =
      format === 'xlsx'
        ? await invoiceWorkbook(rows)
        : [COLUMNS, ...rows.map(({ cells }) => cells)].map(csvRecord).join('');
    writeFileSync(join(folder, 'invoices', name), bytes);
    written.push(`invoices/${name}`);
  }
  return written;
}

const VALIDITY = ['valid_from', 'valid_to'];

/** Each reference file: its name and its columns. */
const REFERENCE_FILES: ReadonlyArray<readonly [Exclude<keyof Reference, 'ecb'>, string, readonly string[]]> =
  [
    ['partners', 'partners.csv', ['mpn_id', 'name', 'country', ...VALIDITY]],
    ['locations', 'locations.csv', ['location_mpn_id', 'partner_mpn_id', 'name', 'country', ...VALIDITY]],
    ['customers', 'customers.csv', ['customer_number', 'location_mpn_id', 'program', ...VALIDITY]],
    [
      'enrolments',
      'enrolments.csv',
      ['partner_mpn_id', 'learning_option', 'competency', 'anniversary_date', ...VALIDITY],
    ],
    ['attainments', 'attainments.csv', ['partner_mpn_id', 'competency', 'measure', 'value', ...VALIDITY]],
    ['products', 'products.csv', ['sku', 'name', 'omlp_type', 'kpi_class', 'units_per_sku', ...VALIDITY]],
    ['manualRates', 'rates-manual.csv', ['currency', 'rate_date', 'per_euro']],
    ['listings', 'listings.csv', ['partner_mpn_id', 'country', 'name', 'url', 'requested_on', ...VALIDITY]],
  ];

function writeReference(reference: Reference, folder: string): string[] {
  mkdirSync(join(folder, 'reference'), { recursive: true });
  for (const [kind, name, columns] of REFERENCE_FILES) {
    writeFileSync(join(folder, 'reference', name), csvTable(reference[kind], columns));
  }
  writeFileSync(join(folder, 'reference', ECB_NAME), reference.ecb);
  return [...REFERENCE_FILES.map(([, name]) => `reference/${name}`), `reference/${ECB_NAME}`];
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      out: text,
      seed: text,
      partners: text,
      locations: text,
      from: text,
      months: text,
      lines: text,
    },
  });
  const whole = (name: 'seed' | 'partners' | 'locations' | 'months' | 'lines'): number | undefined => {
    const value = values[name];
    if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value))
      throw new Error(`--${name} is "${value}"; a whole number from 1 is wanted.`);
    return value === undefined ? undefined : Number(value);
  };
  const from = values.from;
  if (from !== undefined && !/^\d{4}-(0[1-9]|1[0-2])$/.test(from))
    throw new Error(`--from is "${from}"; a month such as 2019-04 is wanted.`);
  const given = {
    seed: whole('seed'),
    partners: whole('partners'),
    locations: whole('locations'),
    from,
    months: whole('months'),
  };
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Options;
  const lines = whole('lines');
  if (lines !== undefined) {
    if (values.out === undefined)
      throw new Error('--lines needs --out, so that the checked-in sample stays as it is.');
    const { path, lines_in, bytes } = await writeLarge({ ...options, lines }, values.out);
    console.log(`${path}: ${lines_in} lines, ${bytes} bytes`);
    return;
  }
  const out = values.out ?? SAMPLE;
  const world = generate(options);
  const written = await writeWorld(world, out);
  const lines_in = world.files
    .flatMap(({ rows }) => rows)
    .filter(({ expected }) => expected !== 'blank').length;
  console.log(`${out}: ${written.length} files, ${lines_in} invoice lines`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  });
}
