import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { tables } from '../src/app.ts';
import { readSettings } from '../src/config.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import type { Context } from '../src/job.ts';
import { KIND_NAMES, KINDS, type KindName } from '../src/reference/kinds.ts';
import { type LoadResult, loadReference } from '../src/reference/load.ts';
import { REFERENCE_RULES } from '../src/reference/rejections.ts';
import { unzipOneCsv } from '../src/reference/unzip.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';

let fresh: Fresh;
let folder: string;
let context: Context;

beforeEach(async () => {
  fresh = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lkp-reference-'));
  context = {
    db: fresh.db,
    tables,
    workbooks: createWorkbooks(),
    settings: readSettings({ LKP_HOME: join(folder, 'home') }),
    schedule: scheduleOf('UTC', JOBS),
    now: () => '2020-01-20T10:00:00Z',
    progress: () => undefined,
  };
});
afterEach(async () => {
  await fresh.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a file of that text and loads it. */
async function load(
  kind: KindName,
  text: string | Buffer,
  options: { name?: string; dryRun?: boolean } = {},
): Promise<LoadResult> {
  const path = join(folder, options.name ?? `${kind}.csv`);
  await writeFile(path, text);
  return loadReference(context, kind, path, { dryRun: options.dryRun ?? false });
}

const rows = <T extends object>(text: string): Promise<T[]> =>
  fresh.db.transaction('look', (tx) => tx.rows<T>(text));
const count = async (text: string): Promise<number> =>
  (
    await fresh.db.transaction('look', (tx) =>
      tx.one<{ n: number }>(`select count(*)::int as n from ${text}`),
    )
  ).n;

const sums = ({ lines_in, loaded, unchanged, rejected }: LoadResult) => ({
  lines_in,
  loaded,
  unchanged,
  rejected,
});
const rules = (result: LoadResult) => result.rejections.map(({ row, rule, seen }) => [row, rule, seen]);

const PARTNERS =
  'mpn_id,name,country,valid_from,valid_to\n4001,Harbor Learning,US,2015-01-01,\n4002,Öğrenim A.Ş.,Türkiye,,\n';

test('a file of another kind is refused by what it is, although it has every column that is asked for', async () => {
  await load('partners', PARTNERS);
  const listings =
    'partner_mpn_id,country,name,url,requested_on\n4001,US,Shown Otherwise,https://learn.harbor.example/,2020-01-02\n';
  const refused = await load('partners', listings, { name: 'listings.csv' });
  expect(refused).toMatchObject({ status: 'refused', loaded: 0 });
  expect(refused.reason).toContain('looks like listings');
  expect(await rows("select name from partner where mpn_id = '4001'")).toEqual([{ name: 'Harbor Learning' }]);
});

describe('a file of one kind', () => {
  test('blanks mean always, open, and the default of the column', async () => {
    expect(await load('partners', PARTNERS)).toMatchObject({
      status: 'loaded',
      lines_in: 2,
      loaded: 2,
      unchanged: 0,
      rejected: 0,
      format: 'csv',
    });
    expect(
      await rows('select mpn_id, name, country, valid_from, valid_to from partner order by mpn_id'),
    ).toEqual([
      { mpn_id: '4001', name: 'Harbor Learning', country: 'US', valid_from: '2015-01-01', valid_to: null },
      { mpn_id: '4002', name: 'Öğrenim A.Ş.', country: 'TR', valid_from: '1900-01-01', valid_to: null },
    ]);
    await load(
      'products',
      'SKU,OMLP type,KPI class,Units per SKU\n az-900t00,MOC,,\nVOUCHER-10\u00a0,Exam vouchers,exam-advanced,10.0\n',
    );
    expect(await rows('select sku, omlp_type, kpi_class, units_per_sku from product order by sku')).toEqual([
      { sku: 'AZ-900T00', omlp_type: 'MOC', kpi_class: '', units_per_sku: '1' },
      { sku: 'VOUCHER-10', omlp_type: 'Exam vouchers', kpi_class: 'exam-advanced', units_per_sku: '10' },
    ]);
    await load(
      'customers',
      'customer_number,location_mpn_id,program\n\u200bcm1 ,5001,\nCM1,5002,Certification Provider\n',
    );
    expect(
      await rows('select source, customer_number, location_mpn_id from customer order by source'),
    ).toEqual([
      { source: 'certification-provider', customer_number: 'CM1', location_mpn_id: '5002' },
      { source: 'marketplace', customer_number: 'CM1', location_mpn_id: '5001' },
    ]);
  });

  test('every kind loads, and says what it does not know yet', async () => {
    const files: Record<KindName, string> = {
      partners: PARTNERS,
      locations: 'location_mpn_id,partner_mpn_id,name,country\n5001,4001,,US\n5002,4999,Site,UK\n',
      customers: 'customer_number,location_mpn_id\nC1,5001\nC2,5999\n',
      enrolments:
        'partner_mpn_id,learning_option,competency,anniversary_date\n4001,Action Pack,,2020-02-29\n4001,Gold,Data,2020-03-01\n4998,Gold,Data,2020-03-01\n',
      attainments: 'partner_mpn_id,competency,measure,value\n4001,,MCT,3\n4001,,survey-score,4.250\n',
      products: 'sku,omlp_type\nA,MOC\n',
      rates: 'currency,rate_date,per_euro\nkwd,2019-04-01,0.33\n',
      listings:
        'partner_mpn_id,country,name,url,requested_on\n4001,DE,Harbor,https://harbor.example/?a=1#b,2020-01-10\n4997,FR,X,http://x.example:8080,2020-01-10\n',
    };
    const warnings: Partial<Record<KindName, string[]>> = {};
    for (const kind of KIND_NAMES) {
      const result = await load(kind, files[kind]);
      expect(result, kind).toMatchObject({ status: 'loaded', rejected: 0, unchanged: 0 });
      expect(await count(`${KINDS[kind].table} where ended_no is null`), kind).toBe(result.lines_in);
      if (result.warnings.length > 0) warnings[kind] = result.warnings;
    }
    expect(Object.keys(warnings)).toEqual(['locations', 'customers', 'enrolments', 'listings']);
    expect(warnings.locations![0]).toContain('1 row names a partner not known yet (4999)');
    expect(warnings.customers![0]).toContain('location not known yet (5999)');
  });

  test('a bad row is rejected with its rule and its cells; the good ones are loaded', async () => {
    const result = await load(
      'listings',
      [
        'partner_mpn_id,country,name,url,requested_on,valid_from,valid_to',
        '4001,DE,Good,https://good.example/,2020-01-02,,',
        ',DE,No partner,https://a.example/,2020-01-02,,',
        '4002,Atlantis,Where,https://a.example/,2020-01-02,,',
        '4003,DE,,https://a.example/,2020-01-02,,',
        '4004,DE,Script,javascript:alert(1),2020-01-02,,',
        '4005,DE,Host,https:///path,2020-01-02,,',
        '4006,DE,User,https://a@b.example/,2020-01-02,,',
        '4007,DE,Day,https://a.example/,2020-02-30,,',
        '4008,DE,From,https://a.example/,2020-01-02,2020-13-01,',
        '4009,DE,To,https://a.example/,2020-01-02,,1.2.2020',
        '4010,DE,Empty,https://a.example/,2020-01-02,2020-01-01,2020-01-01',
        '4011,DE,Short',
        `4012,DE,${'x'.repeat(501)},https://a.example/,2020-01-02,,`,
        '',
      ].join('\n'),
    );
    expect(sums(result)).toEqual({ lines_in: 13, loaded: 1, unchanged: 0, rejected: 12 });
    expect(rules(result)).toEqual([
      [3, 'partner-id-missing', null],
      [4, 'country-unknown', 'Atlantis'],
      [5, 'name-missing', null],
      [6, 'url-unusable', 'javascript:alert(1)'],
      [7, 'url-unusable', 'https:///path'],
      [8, 'url-unusable', 'https://a@b.example/'],
      [9, 'requested-on-unreadable', '2020-02-30'],
      [10, 'valid-from-unreadable', '2020-13-01'],
      [11, 'valid-to-unreadable', '1.2.2020'],
      [12, 'validity-empty', '2020-01-01 to 2020-01-01'],
      [13, 'ragged-row', '4011,DE,Short'],
      [14, 'cell-too-long', 'name'],
    ]);
    const kept = await rows<{ row_no: number; cells: string[] }>(
      'select row_no, cells from rejection order by row_no',
    );
    expect(kept[1]).toEqual({
      row_no: 4,
      cells: ['4002', 'Atlantis', 'Where', 'https://a.example/', '2020-01-02', null, null],
    });
    expect(await count('rejection')).toBe(12);
  });

  test('numbers are plain decimals', async () => {
    const products = await load(
      'products',
      'sku,omlp_type,units_per_sku\nA,MOC,0\nB,MOC,1e3\nC,MOC,"1,5"\nD,MOC,NaN\n,MOC,1\nE,,1\n',
    );
    expect(rules(products).map(([, rule]) => rule)).toEqual([
      'units-unreadable',
      'units-unreadable',
      'units-unreadable',
      'units-unreadable',
      'sku-missing',
      'omlp-type-missing',
    ]);
    const attainments = await load(
      'attainments',
      'partner_mpn_id,measure,value\n1,mct,-1\n1,medals,3\n1,exam,\n',
    );
    expect(rules(attainments).map(([, rule]) => rule)).toEqual([
      'value-unreadable',
      'measure-unknown',
      'value-unreadable',
    ]);
  });
});

test('an Excel workbook: typed dates, an MPN ID that is a number to Excel', async () => {
  const path = join(folder, 'partners.xlsx');
  await context.workbooks.write(path, {
    title: 'Partners',
    sheets: [
      {
        name: 'Partners',
        blocks: [
          {
            block: 'table',
            columns: [
              { header: 'MPN ID', kind: 'ordinal', width: 10 },
              { header: 'Name', kind: 'text', width: 10 },
              { header: 'Country', kind: 'text', width: 10 },
              { header: 'Valid from', kind: 'date', width: 10 },
            ],
            rows: [
              ['4001', 'Harbor', 'Germany', '2015-01-31'],
              ['4002', 'Pier', 'Atlantis', '2015-01-31'],
            ],
          },
        ],
      },
    ],
  });
  expect(await loadReference(context, 'partners', path)).toMatchObject({
    status: 'loaded',
    format: 'xlsx',
    loaded: 1,
    rejected: 1,
  });
  expect(await rows('select mpn_id, country, valid_from from partner')).toEqual([
    { mpn_id: '4001', country: 'DE', valid_from: '2015-01-31' },
  ]);
});

describe('what is known', () => {
  test('the same bytes twice are a no-op, the same rows in another order change nothing', async () => {
    await load('partners', PARTNERS);
    const changes = await count('change');
    expect(await load('partners', PARTNERS, { name: 'again.csv' })).toMatchObject({
      status: 'duplicate',
      unchanged: 2,
      added: 0,
      reason: expect.stringContaining('partners.csv'),
    });
    expect(await count('change')).toBe(changes);
    const [header, first, second] = PARTNERS.split('\n');
    const reordered = await load('partners', [header, second, first, ''].join('\n'));
    expect(reordered).toMatchObject({ status: 'loaded', loaded: 0, unchanged: 2, added: 0, ended: 0 });
    expect(await count('partner')).toBe(2);
    expect(await count("file where kind = 'partners'")).toBe(2);
  });

  test('a key that is named is replaced as a whole; what was known before can still be asked', async () => {
    const header = 'location_mpn_id,partner_mpn_id,country,valid_from,valid_to\n';
    await load('locations', `${header}5001,4001,US,2015-01-01,\n5002,4001,US,,\n`);
    const merged = await load(
      'locations',
      `${header}5001,4001,US,2015-01-01,2019-07-01\n5001,4002,US,2019-07-01,\n`,
    );
    expect(merged).toMatchObject({ loaded: 2, added: 2, ended: 1 });
    expect(
      await rows(`select location_mpn_id, partner_mpn_id, valid_from, valid_to, change_no::int, ended_no::int from location
                  order by change_no, location_mpn_id, valid_from`),
    ).toEqual([
      {
        location_mpn_id: '5001',
        partner_mpn_id: '4001',
        valid_from: '2015-01-01',
        valid_to: null,
        change_no: 1,
        ended_no: 2,
      },
      {
        location_mpn_id: '5002',
        partner_mpn_id: '4001',
        valid_from: '1900-01-01',
        valid_to: null,
        change_no: 1,
        ended_no: null,
      },
      {
        location_mpn_id: '5001',
        partner_mpn_id: '4001',
        valid_from: '2015-01-01',
        valid_to: '2019-07-01',
        change_no: 2,
        ended_no: null,
      },
      {
        location_mpn_id: '5001',
        partner_mpn_id: '4002',
        valid_from: '2019-07-01',
        valid_to: null,
        change_no: 2,
        ended_no: null,
      },
    ]);
    // One of the two spans again, alone: the key is replaced by what the file says of it.
    expect(await load('locations', `${header}5001,4002,US,2019-07-01,\n`)).toMatchObject({
      loaded: 0,
      unchanged: 1,
      added: 0,
      ended: 1,
    });
    expect(await count("location where location_mpn_id = '5001' and ended_no is null")).toBe(1);
  });

  test('an earlier file takes things back when it is loaded again after a later one', async () => {
    const header = 'customer_number,location_mpn_id\n';
    await load('customers', `${header}C1,5001\n,5001\n`);
    await load('customers', `${header}C1,5002\n`);
    expect(await load('customers', `${header}C1,5001\n,5001\n`)).toMatchObject({
      status: 'loaded',
      loaded: 1,
      rejected: 1,
      added: 1,
      ended: 1,
    });
    expect(await rows('select location_mpn_id from customer where ended_no is null')).toEqual([
      { location_mpn_id: '5001' },
    ]);
    expect(await count('rejection where ended_no is null')).toBe(1);
  });

  test('rows of one key that overlap are both rejected, and the key stays as it was', async () => {
    const header = 'customer_number,location_mpn_id,valid_from,valid_to\n';
    await load('customers', `${header}C1,5001,,\nC3,5001,,\n`);
    const result = await load(
      'customers',
      `${header}C1,5001,,2020-01-02\nC1,5002,2020-01-01,\nC2,5001,,2020-01-01\nC2,5002,2020-01-01,\nC3,5009,,\nC3,5009,2031-02-30,\nC4,5001,,\nC4,5001,,\n`,
    );
    expect(rules(result)).toEqual([
      [2, 'validity-overlap', 'marketplace, C1 from 1900-01-01 to 2020-01-02'],
      [3, 'validity-overlap', 'marketplace, C1 from 2020-01-01 on'],
      [6, 'key-incomplete', 'marketplace, C3 (row 7)'],
      [7, 'valid-from-unreadable', '2031-02-30'],
    ]);
    // The repeated row of C4 says nothing new.
    expect(sums(result)).toEqual({ lines_in: 8, loaded: 3, unchanged: 1, rejected: 4 });
    expect(
      await rows(`select customer_number, location_mpn_id from customer where ended_no is null
                       order by customer_number, location_mpn_id`),
    ).toEqual([
      { customer_number: 'C1', location_mpn_id: '5001' },
      { customer_number: 'C2', location_mpn_id: '5001' },
      { customer_number: 'C2', location_mpn_id: '5002' },
      { customer_number: 'C3', location_mpn_id: '5001' },
      { customer_number: 'C4', location_mpn_id: '5001' },
    ]);
  });

  test('a long span that hides a later short one is found, wherever it stands', async () => {
    const header = 'mpn_id,name,country,valid_from,valid_to\n';
    const result = await load(
      'partners',
      `${header}1,C,DE,2013-01-01,2014-01-01\n1,B,DE,2011-01-01,2012-01-01\n1,A,DE,2010-01-01,2020-01-01\n`,
    );
    expect(result.rejections.map(({ rule }) => rule)).toEqual([
      'validity-overlap',
      'validity-overlap',
      'validity-overlap',
    ]);
  });

  test('a dry run says the same and leaves nothing', async () => {
    const dry = await load('partners', PARTNERS, { dryRun: true });
    expect(await count('file')).toBe(0);
    expect(await count('change')).toBe(0);
    expect(existsSync(join(folder, 'home', 'store', dry.sha256.slice(0, 2)))).toBe(false);
    expect(await load('partners', PARTNERS)).toEqual(dry);
    expect(await readdir(join(folder, 'home', 'store', dry.sha256.slice(0, 2)))).toEqual([dry.sha256]);
    expect(await readdir(join(folder, 'home', 'store', 'tmp'))).toEqual([]);
  });

  test('two loads at once follow each other', async () => {
    const header = 'sku,omlp_type\n';
    const texts = Array.from({ length: 4 }, (_, index) => `${header}A,Type ${index}\n`);
    const results = await Promise.all(
      texts.map((text, index) => load('products', text, { name: `${index}.csv` })),
    );
    expect(results.map(({ status }) => status)).toEqual(['loaded', 'loaded', 'loaded', 'loaded']);
    expect(await count('product where ended_no is null')).toBe(1);
    expect(await count('product')).toBe(4);
  });
});

describe('files that cannot be read', () => {
  test.each([
    ['no header', 'a,b\n1,2\n', 'no header of partners'],
    ['a column twice', 'mpn_id,name,Name,country\n1,a,b,DE\n', 'both mean name'],
    ['a header alone', 'mpn_id,name,country\n', 'no rows below it'],
    ['cut in a row', 'mpn_id,name,country\n1,Harb', 'ends in the middle of row'],
    ['not UTF-8', Buffer.from('mpn_id,name,country\n1,Caf\xe9,FR\n', 'latin1'), 'not utf-8'],
  ])('%s', async (_, text, reason) => {
    const result = await load('partners', text);
    expect(result).toMatchObject({ status: 'refused', reason: expect.stringContaining(reason), lines_in: 0 });
    expect(await count('file')).toBe(0);
    expect(await count('change')).toBe(0);
  });

  test('a file that is not there, or is a folder, is the command at fault', async () => {
    await expect(loadReference(context, 'partners', join(folder, 'none.csv'))).rejects.toThrow(
      'There is no file',
    );
    await expect(loadReference(context, 'partners', folder)).rejects.toThrow('is a folder');
  });
});

/** A zip of stored (not compressed) files. */
function zipOf(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0);
    about.writeUInt32LE(crc32(data), 10);
    about.writeUInt32LE(data.length, 14);
    about.writeUInt32LE(data.length, 18);
    about.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), about, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), about, tail, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(listing.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, listing, Buffer.from('PK\u0005\u0006'), end]);
}

const ECB =
  'Date, USD, JPY, HRK, \n13 April 2026, 1.1684, 186.75, N/A, \n10 April 2026, 1.1700, 186.00, N/A, \n';

describe('exchange rates', () => {
  test('the ECB file as it is', async () => {
    expect(await load('rates', ECB)).toMatchObject({
      status: 'loaded',
      lines_in: 2,
      loaded: 2,
      rejected: 0,
      added: 4,
    });
    expect(
      await rows('select currency, rate_date, origin, per_euro from rate order by currency, rate_date'),
    ).toEqual([
      { currency: 'JPY', rate_date: '2026-04-10', origin: 'ecb', per_euro: '186' },
      { currency: 'JPY', rate_date: '2026-04-13', origin: 'ecb', per_euro: '186.75' },
      { currency: 'USD', rate_date: '2026-04-10', origin: 'ecb', per_euro: '1.17' },
      { currency: 'USD', rate_date: '2026-04-13', origin: 'ecb', per_euro: '1.1684' },
    ]);
    // The same days in the history's layout teach nothing; a corrected rate ends the old one.
    expect(await load('rates', 'Date,USD,JPY,\n2026-04-13,1.1684,186.75,\n')).toMatchObject({
      unchanged: 1,
      added: 0,
    });
    expect(await load('rates', 'Date,USD,JPY,\n2026-04-13,1.1685,186.75,\n')).toMatchObject({
      loaded: 1,
      added: 1,
      ended: 1,
    });
  });

  test("the ECB's zip: one CSV in it, and nothing else", async () => {
    expect(await load('rates', zipOf({ 'eurofxref.csv': ECB }), { name: 'rates.zip' })).toMatchObject({
      status: 'loaded',
      format: 'zip',
      added: 4,
    });
    expect(await load('rates', zipOf({ 'a.csv': ECB, 'b.csv': ECB }), { name: 'two.zip' })).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('2 files'),
    });
    expect(await load('rates', zipOf({ 'a.txt': ECB }), { name: 'text.zip' })).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('a.txt'),
    });
    const damaged = zipOf({ 'a.csv': ECB });
    damaged[60]! ^= 1;
    expect(await load('rates', damaged, { name: 'damaged.zip' })).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('checksum'),
    });
    expect(await load('rates', damaged.subarray(0, 90), { name: 'cut.zip' })).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('damaged'),
    });
    expect(await readdir(tmpdir())).not.toContainEqual(expect.stringMatching(/^lkp-[0-9a-f]{16}\.csv$/));
  });

  test('a bad day is rejected as a whole', async () => {
    const result = await load(
      'rates',
      'Date,USD,JPY,\n2026-04-13,1.1,x,\n31 June 2026,1,2,\n13 Brumaire 2026,1,2,\n2026-04-14,N/A,,\n2026-04-15,1.2,3,\n2026-04-15,1.3,3,\n',
    );
    expect(rules(result)).toEqual([
      [2, 'rate-unreadable', 'JPY x'],
      [3, 'rate-date-unreadable', '31 June 2026'],
      [4, 'rate-date-unreadable', '13 Brumaire 2026'],
      [5, 'rate-missing', '2026-04-14'],
      [6, 'validity-overlap', 'USD, 2026-04-15 from 2026-04-15 to 2026-04-16'],
      [7, 'validity-overlap', 'USD, 2026-04-15 from 2026-04-15 to 2026-04-16'],
    ]);
    expect(await count('rate')).toBe(0);
  });

  test('a row that shares a currency of a day with a bad one is rejected as a whole too', async () => {
    const result = await load(
      'rates',
      'Date,USD,JPY,GBP,\n2026-04-13,x,,,\n2026-04-13,1.1,3,,\n2026-04-13,,3,0.8,\n2026-04-14,1,2,3,\n',
    );
    expect(rules(result)).toEqual([
      [2, 'rate-unreadable', 'USD x'],
      [3, 'key-incomplete', 'USD, 2026-04-13 (row 2)'],
      [4, 'key-incomplete', 'JPY, 2026-04-13 (row 3)'],
    ]);
    expect(sums(result)).toEqual({ lines_in: 4, loaded: 1, unchanged: 0, rejected: 3 });
    expect(await count("rate where rate_date = '2026-04-13'")).toBe(0);
  });

  test('manual rates stand beside them', async () => {
    await load('rates', ECB);
    const result = await load(
      'rates',
      'currency,rate_date,per_euro\nUSD,2026-04-13,1.2\nEUR,2026-04-13,1\nXXQ,2026-04-13,1\nUSD,2026-04-14,-1\nUSD,14.04.2026,1\n',
    );
    expect(rules(result).map(([, rule]) => rule)).toEqual([
      'rate-of-euro',
      'currency-unknown',
      'rate-unreadable',
      'rate-date-unreadable',
    ]);
    expect(await count("rate where currency = 'USD' and rate_date = '2026-04-13' and ended_no is null")).toBe(
      2,
    );
  });

  test('a column twice is refused, one that is no currency is left out', async () => {
    expect(await load('rates', 'Date,USD,USD\n2026-04-13,1,2\n')).toMatchObject({
      status: 'refused',
      reason: expect.stringContaining('two columns are headed USD'),
    });
    expect(await load('rates', 'Date,USD,QQQ\n2026-04-13,1,2\n')).toMatchObject({
      added: 1,
      warnings: [expect.stringContaining('QQQ')],
    });
  });

  const published = fileURLToPath(new URL('../../shared/data/reference/ecb-eurofxref/', import.meta.url));
  test.skipIf(!existsSync(published))(
    `the ECB's own files (skipped where ${published} is absent)`,
    async () => {
      expect(await loadReference(context, 'rates', join(published, 'eurofxref.csv'))).toMatchObject({
        status: 'loaded',
        loaded: 1,
        added: 29,
      });
      const zip = join(published, 'eurofxref-hist.zip');
      const history = await loadReference(context, 'rates', zip);
      expect(history).toMatchObject({
        status: 'loaded',
        format: 'zip',
        lines_in: 6983,
        rejected: 0,
        unchanged: 1,
        ended: 0,
        warnings: [],
      });
      // Counted without the database: how many cells behind the date hold a figure.
      const { path, remove } = (await unzipOneCsv(zip, 'hist.zip'))!;
      const cells = readFileSync(path, 'utf8')
        .split('\n')
        .slice(1)
        .flatMap((line) => line.split(',').slice(1))
        .filter((cell) => /\d/.test(cell));
      await remove();
      expect(await count("rate where origin = 'ecb'")).toBe(cells.length);
      expect(
        await rows("select per_euro from rate where currency = 'TRL' and rate_date = '1999-01-04'"),
      ).toEqual([{ per_euro: '372274' }]);
    },
    180_000,
  );
});

describe('what a change touches', () => {
  beforeEach(async () => {
    await fresh.db.transaction('months', async (tx) => {
      await tx.rows(
        `insert into customer_month values ('C1', '2019-03-01'), ('C1', '2019-04-01'), ('C2', '2019-06-01')`,
      );
      await tx.rows(`insert into sku_month values ('A', '2019-03-01'), ('B', '2019-06-01')`);
    });
  });
  const touched = async (): Promise<string[]> =>
    (
      await rows<{ issue_month: string }>(
        'select distinct issue_month from month_touched order by issue_month',
      )
    ).map(({ issue_month }) => issue_month);

  test('a customer number touches its own months, also when it only loses a span', async () => {
    await load(
      'customers',
      'customer_number,location_mpn_id,valid_from,valid_to\nc1,5001,,2019-01-01\nC1,5001,2019-01-01,\nC9,5001,,\n',
    );
    expect(await touched()).toEqual(['2019-03-01', '2019-04-01']);
    await load('customers', 'customer_number,location_mpn_id,valid_from,valid_to\nC1,5001,2019-01-01,\n');
    expect(await count('month_touched where change_no = 2')).toBe(2);
  });
  test('a product touches the months of its SKU', async () => {
    await load('products', 'sku,omlp_type\nb,MOC\n');
    expect(await touched()).toEqual(['2019-06-01']);
  });
  test('a rate touches the months that its look-back reaches', async () => {
    await load('rates', 'currency,rate_date,per_euro\nUSD,2019-03-28,1.1\n');
    expect(await touched()).toEqual(['2019-03-01', '2019-04-01']);
    await load('rates', 'currency,rate_date,per_euro\nUSD,2019-05-24,1.1\n');
    expect(await touched()).toEqual(['2019-03-01', '2019-04-01']);
    await load('rates', 'currency,rate_date,per_euro\nUSD,2019-05-25,1.1\n');
    expect(await touched()).toEqual(['2019-03-01', '2019-04-01', '2019-06-01']);
  });
  test('partners, locations and the like touch none: they are rolled up when a cycle is refreshed', async () => {
    await load('partners', PARTNERS);
    await load('locations', 'location_mpn_id,partner_mpn_id,country\n5001,4001,US\n');
    expect(await touched()).toEqual([]);
  });
});

test('the catalogue of rules and the SQL name the same ones', () => {
  const staging = fileURLToPath(new URL('../sql/staging/', import.meta.url));
  const used = readdirSync(staging)
    .filter((name) => name.startsWith('reference_'))
    .flatMap((name) => [
      ...readFileSync(join(staging, name), 'utf8').matchAll(/(?:then |rule = )'([a-z]+(?:-[a-z]+)+)'/g),
    ])
    .map((match) => match[1]!);
  expect([...new Set(used)].sort()).toEqual(Object.keys(REFERENCE_RULES).sort());
});

test('the content store keeps the bytes under their sha256', async () => {
  const { sha256 } = await load('partners', PARTNERS);
  const bytes = readFileSync(join(folder, 'home', 'store', sha256.slice(0, 2), sha256));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  expect(bytes.toString()).toBe(PARTNERS);
});
