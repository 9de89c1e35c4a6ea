import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { csvRecord } from '../samples/csv.ts';
import { generate, generateLarge, writeLarge, writeWorld } from '../samples/generate.ts';
import { COLUMNS, DISPOSITIONS, type World } from '../samples/truth.ts';
import { judge } from './auditor/rows.ts';
import { shippedRuleSets } from './auditor/rule-set.ts';
import { RULES } from './auditor/rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'lkp-samples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const world = generate();
const rowsOf = ({ files }: World) =>
  files.flatMap(({ name, rows }) => rows.map((row) => ({ file: name, ...row })));

/** The oddities whose rows the auditor judges otherwise than the generator, once each file is the newest. */
function disagreements(made: World): string[] {
  return made.files.flatMap((file, index) => {
    const known = judge(made.reference, made.files.slice(0, index + 1), shippedRuleSets(), RULES);
    const judged = new Map(
      known.filter((row) => row.file === file.name).map((row) => [row.row, row.disposition]),
    );
    return file.rows
      .filter(({ row, expected }) => (judged.get(row) ?? 'blank') !== expected)
      .map(
        ({ row, oddity, expected }) =>
          `${file.name}:${row} ${oddity}: ${expected}, auditor: ${judged.get(row)}`,
      );
  });
}

describe('the checked-in sample', () => {
  test('is what the generator writes, byte for byte, every time', async () => {
    const checkedIn = fileURLToPath(new URL('../samples/data', import.meta.url));
    const first = await writeWorld(world, join(folder, 'first'));
    const second = await writeWorld(generate(), join(folder, 'second'));
    const files = readdirSync(checkedIn, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(first).toEqual(second);
    expect(files.map(({ name }) => name).sort()).toEqual(
      first.map((path) => path.slice(path.indexOf('/') + 1)).sort(),
    );
    for (const path of first) {
      const bytes = readFileSync(join(folder, 'first', path));
      expect(
        bytes.equals(readFileSync(join(folder, 'second', path))),
        `${path} differs from run to run`,
      ).toBe(true);
      expect(
        bytes.equals(readFileSync(join(checkedIn, path))),
        `samples/data/${path} is not what the generator writes; run npx tsx samples/generate.ts`,
      ).toBe(true);
    }
  });

  test('has 40 partners, 120 locations, 14 months and a size that suits git', () => {
    const { partners, locations } = world.reference;
    expect(partners).toHaveLength(40);
    expect(new Set(locations.map(({ location_mpn_id }) => location_mpn_id)).size).toBe(120);
    const months = world.files
      .map(({ name }) => /^marketplace-(\d{4}-\d{2})\./.exec(name)?.[1])
      .filter(Boolean);
    expect(months).toHaveLength(14);
    expect([months[0], months.at(-1)]).toEqual(['2019-04', '2020-05']);
    const lines = rowsOf(world).filter(({ expected }) => expected !== 'blank');
    expect(lines.length).toBeGreaterThanOrEqual(3000);
    expect(lines.length).toBeLessThanOrEqual(4000);
    const sizes = readdirSync(join(folder, 'first'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
    expect(sizes.reduce((total, size) => total + size, 0)).toBeLessThan(1_500_000);
  });

  test('keeps the ECB file as it is', () => {
    const lines = world.reference.ecb.split('\n');
    expect(lines[0]).toMatch(/^Date,USD,JPY,BGN,.*,ZAR,$/);
    expect(lines[1]).toMatch(/^2020-05-29,1\.1136,.*N\/A.*,$/);
    expect(lines.at(-2)).toMatch(/^2019-03-25,1\.1325,/);
  });
});

describe('the truth', () => {
  test('has every disposition', () => {
    const found = new Set(rowsOf(world).map(({ expected }) => expected));
    expect([...DISPOSITIONS].filter((disposition) => !found.has(disposition))).toEqual([]);
  });

  test('agrees with the auditor about every row', () => {
    expect(disagreements(world)).toEqual([]);
  });

  test.each([
    { seed: 2 },
    { seed: 3, partners: 2, locations: 2, months: 1 },
    { seed: 4, partners: 5, locations: 9, months: 6 },
    { seed: 5, partners: 90, locations: 95, months: 3, from: '2021-01' },
  ])('agrees with the auditor in another world: %o', (options) => {
    expect(disagreements(generate(options))).toEqual([]);
  });

  test.each<[oddity: string, expected: string[]]>([
    ['day-before-window', ['counted']],
    ['first-day-of-window', ['counted']],
    ['last-day-of-window', ['counted']],
    ['day-after-window', ['counted']],
    ['credit-shares-number', ['counted', 'reversal']],
    ['negative-invoice', ['counted']],
    ['credit-81', ['reversal']],
    ['credit-83', ['counted', 'reversal']],
    ['customer-leading-space', ['counted']],
    ['customer-nbsp-lower-case', ['counted']],
    ['customer-unmapped-leading-space', ['unmapped']],
    ['customer-absent', ['unmapped']],
    ['sku-unknown', ['unmapped']],
    ['sku-absent', ['unmapped']],
    ['sku-lower-case', ['counted']],
    ['sku-retired', ['unmapped']],
    ['sku-no-kpi-value', ['no-kpi-value']],
    ['type-388', ['counted']],
    ['type-326', ['quarantined']],
    ['type-386', ['quarantined']],
    ['type-unknown', ['quarantined']],
    ['type-absent', ['quarantined']],
    ['type-trailing-white-space', ['counted']],
    ['corrected-original', ['superseded']],
    ['type-384', ['counted']],
    ['date-no-such-day', ['rejected']],
    ['date-other-format', ['rejected']],
    ['date-absent', ['rejected']],
    ['net-decimal-comma', ['rejected']],
    ['quantity-text', ['rejected']],
    ['quantity-absent', ['rejected']],
    ['net-and-price-absent', ['rejected']],
    ['net-computed', ['counted']],
    ['currency-unknown', ['rejected']],
    ['currency-withdrawn', ['rejected']],
    ['number-absent', ['rejected']],
    ['ragged-too-few', ['rejected']],
    ['ragged-too-many', ['rejected']],
    ['blank-row', ['blank']],
    ['blank-cells', ['blank']],
    ['blank-row-in-workbook', ['blank']],
    ['duplicate', ['counted', 'duplicate']],
    ['duplicate-respelled', ['counted', 'duplicate']],
    ['conflict', ['quarantined', 'quarantined']],
    ['same-number-other-seller', ['counted', 'counted']],
    ['same-number-other-date', ['counted', 'counted']],
    ['customer-before-move', ['counted']],
    ['customer-on-moving-day', ['counted']],
    ['customer-after-move', ['counted']],
    ['merged-location-before', ['counted']],
    ['merged-location-after', ['counted']],
    ['item-comma', ['counted']],
    ['item-quotes', ['counted']],
    ['item-newline', ['counted']],
    ['item-formula', ['counted']],
    ['item-command', ['counted']],
    ['item-turkish', ['counted']],
    ['item-japanese', ['counted']],
    ['item-arabic', ['counted']],
    ['pack', ['counted']],
    ['no-rate', ['counted']],
    ['sunday-rate', ['counted']],
    ['three-decimals', ['counted']],
    ['no-decimals', ['counted']],
    ['manual-rate-wins', ['counted']],
    ['zero-price', ['counted', 'counted']],
    ['resent-conflict', ['quarantined']],
  ])('knows what becomes of %s', (oddity, expected) => {
    const found = rowsOf(world).filter((row) => row.oddity === oddity);
    expect(found.map((row) => row.expected)).toEqual(expected);
  });

  test('order confirmations and the pro forma are refused row by row, and what is sent again is a duplicate', () => {
    const of = (name: string) =>
      new Set(
        rowsOf(world)
          .filter(({ file }) => file === name)
          .map(({ oddity, expected }) => `${oddity} ${expected}`),
      );
    expect(of('order-confirmation.csv')).toEqual(new Set(['type-231 rejected', 'type-320 rejected']));
    expect(of('pro-forma.csv')).toEqual(new Set(['type-325 rejected']));
    expect([...of('resent.csv')]).toEqual(expect.arrayContaining(['resent duplicate', 'resent-new counted']));
  });

  test('has the names, currencies and hierarchy that the issue asks for', () => {
    const { partners, locations, products, listings, enrolments } = world.reference;
    const names = partners.map(({ name }) => name).join('\n');
    for (const script of [/[ğışĞİŞ]/u, /\p{Script=Han}|\p{Script=Katakana}/u, /\p{Script=Arabic}/u])
      expect(names).toMatch(script);
    const currencies = new Set(rowsOf(world).map(({ cells }) => cells[3]));
    for (const currency of ['USD', 'EUR', 'GBP', 'JPY', 'TRY', 'KWD', 'EGP'])
      expect(currencies).toContain(currency);
    expect(products.map(({ sku }) => sku)).toEqual(
      expect.arrayContaining(['AZ-900T00', 'AZ-900T00.de-de', 'EXV-FUND-10']),
    );
    expect(partners.some(({ mpn_id }) => mpn_id.startsWith('0'))).toBe(true);
    // A merge in the window, one just after it, and a location that closed.
    expect(
      locations
        .map(({ valid_to }) => valid_to)
        .filter((day) => day !== '')
        .sort(),
    ).toEqual(['2019-11-01', '2020-02-01', '2020-05-01']);
    const late = listings.filter(({ requested_on }) => requested_on > '2020-05-15');
    expect(late.length).toBeGreaterThan(1);
    expect(late.length).toBeLessThan(listings.length / 4);
    const enrolled = new Set(enrolments.map(({ partner_mpn_id }) => partner_mpn_id));
    expect(listings.filter(({ partner_mpn_id }) => !enrolled.has(partner_mpn_id))).toHaveLength(1);
    for (const { url } of listings) expect(new URL(url).hostname).toMatch(/\.example$/);
  });

  test('digital courses cost nothing in 2020-04 and 2020-05, and only then', () => {
    const free = rowsOf(world).filter(
      ({ cells, expected }) => expected === 'counted' && /^0(\.0+)?$/.test(cells[10] ?? ''),
    );
    expect(new Set(free.map(({ cells }) => cells[1]!.slice(0, 7)))).toEqual(new Set(['2020-04', '2020-05']));
  });
});

test('the workbook month reads back as the rows that the truth has', async () => {
  const { Workbook } = createRequire(import.meta.url)('exceljs') as typeof import('exceljs');
  const month = world.files.find(({ format }) => format === 'xlsx')!;
  const book = new Workbook();
  await book.xlsx.readFile(fileURLToPath(new URL(`../samples/data/invoices/${month.name}`, import.meta.url)));
  const sheet = book.worksheets[0]!;
  expect((sheet.getRow(1).values as unknown[]).slice(1)).toEqual([...COLUMNS]);
  for (const { row, cells } of month.rows) {
    const read = COLUMNS.map((_, column) => {
      const { value } = sheet.getRow(row).getCell(column + 1);
      return value instanceof Date ? value.toISOString().slice(0, 10) : String(value ?? '');
    });
    const wanted = COLUMNS.map((_, column) => cells[column] ?? '');
    const asNumber = [2, 8, 9, 10];
    expect(read.map((cell, column) => (asNumber.includes(column) ? Number(cell) : cell))).toEqual(
      wanted.map((cell, column) => (asNumber.includes(column) ? Number(cell) : cell)),
    );
  }
});

describe('a large file', () => {
  test('streams as many lines as asked for, five a document, with the truth that the world in memory has', async () => {
    const lines = 20_000;
    const written = await writeLarge({ lines }, join(folder, 'large'));
    const large = generateLarge({ lines });
    expect(written.lines_in).toBe(lines);
    const text = readFileSync(written.path, 'utf8');
    expect(text).toBe([COLUMNS, ...large.files[0]!.rows.map(({ cells }) => cells)].map(csvRecord).join(''));
    expect(written.bytes).toBe(Buffer.byteLength(text));
    // A million lines are about 80 MB.
    expect(written.bytes / lines).toBeGreaterThan(70);
    expect(written.bytes / lines).toBeLessThan(95);
    expect(new Set(large.files[0]!.rows.map(({ cells }) => cells[0])).size).toBe(lines / 5);
    expect(disagreements(large)).toEqual([]);
    expect(Object.keys(written.dispositions).sort()).toEqual([
      'counted',
      'no-kpi-value',
      'reversal',
      'unmapped',
    ]);
  });

  test('a number of lines that is no multiple of five is kept', () => {
    expect(generateLarge({ lines: 203 }).files[0]!.rows).toHaveLength(203);
  });
});
