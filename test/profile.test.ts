import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COLUMNS } from '../samples/truth.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { datePattern } from '../src/invoice/notation.ts';
import { candidateProfiles, FIELD_NAMES, FIELDS, prefixesOf, readProfile } from '../src/invoice/profile.ts';
import { numberPattern } from '../src/notation.ts';
import { plain } from '../src/staging.ts';
import { type TestContext, testContext } from './harness/context.ts';

const MINIMAL = `name: small
seller: shop
currency: EUR
default_product: MOC-1
columns:
  invoice_number: [No]
  issue_date: [Date]
  customer_number: [Customer]
  quantity: [Qty]
  price: [Price]
document_type: { otherwise: '380' }
`;
const ROWS = 'No,Date,Customer,Qty,Price\nA-1,2019-05-02,C100,2,10\n';

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
});
afterAll(() => it.drop());

const profileOf = async (text: string) => readProfile(await it.write('profile.yaml', text), 'profile.yaml');
const tried = async (content: string, profile?: string) =>
  ingestFile(it.context, await it.write('a.csv', content), {
    dryRun: true,
    ...(profile === undefined ? {} : { profile: await it.write('profile.yaml', profile) }),
  });

describe('a profile as written', () => {
  test('what it leaves out has a default; its hash is that of its bytes', async () => {
    expect(await profileOf(MINIMAL)).toMatchObject({
      source: 'marketplace',
      date_format: 'found',
      number_format: 'found',
      credit_quantities: 'positive',
      optional: [],
      strip_suffix: {},
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await profileOf(`${MINIMAL}# noted\n`)).hash).not.toBe((await profileOf(MINIMAL)).hash);
  });

  test.each<[what: string, text: string, says: RegExp]>([
    ['no YAML', 'name: [', /^The profile profile\.yaml is not YAML: /],
    ['nothing', '', /cannot be used/],
    ['a mistyped setting', `${MINIMAL}date_fromat: DD.MM.YYYY\n`, /date_fromat.*did you mean date_format\?/],
    ['a mistyped field', MINIMAL.replace('quantity:', 'quantiy:'), /quantiy|quantity/],
    [
      'a column that is missing',
      MINIMAL.replace('  customer_number: [Customer]\n', ''),
      /columns must map customer_number/,
    ],
    ['no amount', MINIMAL.replace('  price: [Price]\n', ''), /net_amount or price/],
    ['no currency', MINIMAL.replace('currency: EUR\n', ''), /currency/],
    ['no product', MINIMAL.replace('default_product: MOC-1\n', ''), /sku.*default_product/],
    ['a currency that is no code', MINIMAL.replace('EUR', 'euro'), /ISO 4217/],
    ['a date format without a year', `${MINIMAL}date_format: DD.MM\n`, /date_format.*YYYY/],
    [
      'one sign for two things',
      `${MINIMAL}number_format: { decimal: ',', group: ',' }\n`,
      /decimal and group must differ/,
    ],
    ['a name with spaces', MINIMAL.replace('small', 'My Shop'), /name.*lower-case/],
    ['a source that is none', `${MINIMAL}source: shop\n`, /source/],
  ])('%s is refused, with the place of the fault', async (_what, text, says) => {
    await expect(profileOf(text)).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(says),
    });
  });

  test.each([
    ['§'],
    ['"'],
    ['\n'],
    ['€'],
  ])('a delimiter that cannot be one (%j) is refused before any file is read', async (delimiter) => {
    await expect(profileOf(`${MINIMAL}delimiter: ${JSON.stringify(delimiter)}\n`)).rejects.toMatchObject({
      code: 'request',
    });
  });

  test('a sentence of ours, not of the library that checks it', async () => {
    for (const text of ['', 'name: small\n', MINIMAL.replace('[No]', 'No')]) {
      const message = await profileOf(text).then(
        () => 'taken',
        (error: Error) => error.message,
      );
      expect(message).not.toMatch(/undefined|Invalid input|\bexpected\b.*\breceived\b/);
    }
  });

  test('those that we ship can be used', async () => {
    const shipped = fileURLToPath(new URL('../samples/profiles/', import.meta.url));
    for (const name of readdirSync(shipped)) await readProfile(join(shipped, name), name);
    const [canonical] = await candidateProfiles(it.context.settings.profiles);
    expect(canonical!.name).toBe('canonical');
  });
});

test('the canonical columns are named after the terms of EN 16931, and the samples use those names', async () => {
  const [canonical] = await candidateProfiles(it.context.settings.profiles, 'canonical');
  expect(Object.keys(canonical!.columns).sort()).toEqual([...FIELD_NAMES].sort());
  for (const name of FIELD_NAMES) {
    expect(canonical!.columns[name]!.at(-1)).toBe(FIELDS[name]);
    expect(FIELDS[name]).toMatch(/^BT-\d+$/);
  }
  const written = new Set(COLUMNS.map(plain));
  for (const name of FIELD_NAMES)
    expect(
      canonical!.columns[name]!.some((synonym) => written.has(plain(synonym))),
      name,
    ).toBe(true);
});

describe('which profile reads a file', () => {
  test('the one whose header is there; names are compared without case, spaces and punctuation', async () => {
    expect(await tried(ROWS.replace('No,Date', 'n.o., DATE '), MINIMAL)).toMatchObject({
      status: 'ingested',
      profile: 'small',
      lines_in: 1,
    });
  });

  test('a header in row 20 is found; one in row 21 is not', async () => {
    expect(await tried('x\n'.repeat(19) + ROWS, MINIMAL)).toMatchObject({
      status: 'ingested',
      physical_rows: { preamble: 19 },
    });
    expect(await tried('x\n'.repeat(20) + ROWS, MINIMAL)).toMatchObject({ status: 'refused' });
  });

  test('of the profiles in the folder, the one that explains the most columns; two that explain as many are asked about', async () => {
    const own = await testContext();
    try {
      const file = await own.write(
        'a.csv',
        ROWS.replace('Price\n', 'Price,Item\n').replace('10\n', '10,MOC-9\n'),
      );
      const folder = join(await own.write('profiles/small.yaml', MINIMAL), '..');
      const context = { ...own.context, settings: { ...own.context.settings, profiles: folder } };
      await own.write(
        'profiles/wide.yaml',
        MINIMAL.replace('small', 'wide').replace('columns:\n', 'columns:\n  sku: [Item]\n'),
      );
      expect(await ingestFile(context, file, { dryRun: true })).toMatchObject({
        status: 'ingested',
        profile: 'wide',
      });
      await own.write(
        'profiles/twin.yaml',
        MINIMAL.replace('small', 'twin').replace('columns:\n', 'columns:\n  sku: [Item]\n'),
      );
      expect(await ingestFile(context, file, { dryRun: true })).toMatchObject({
        status: 'refused',
        reason: expect.stringMatching(
          /twin and wide fit equally well.*--profile|wide and twin fit equally well.*--profile/,
        ),
      });
      expect(await ingestFile(context, file, { dryRun: true, profile: 'twin' })).toMatchObject({
        profile: 'twin',
      });
      await expect(ingestFile(context, file, { profile: 'twni' })).rejects.toThrow(
        /no profile "twni".*canonical, e-invoice, small, twin, wide/,
      );
      // One profile that cannot be used stops every ingest: nobody can tell which file it was for.
      await own.write('profiles/zz.yaml', 'name: [');
      await expect(ingestFile(context, file)).rejects.toThrow(/zz\.yaml is not YAML/);
    } finally {
      await own.drop();
    }
  });

  test('none: says which row came nearest and what it lacks', async () => {
    const { status, reason } = await tried(
      'Report\nNo,Date,Customer,Price\nA-1,2019-05-02,C100,10\n',
      MINIMAL,
    );
    expect(status).toBe('refused');
    expect(reason).toMatch(/The nearest is row 2 \(No, Date, Customer, Price\).*small.*quantity \("Qty"\)/);
  });

  test('two columns that mean one field: says which', async () => {
    const { reason } = await tried('No,Date,Customer,Qty,Price,QTY\nA-1,2019-05-02,C100,2,10,3\n', MINIMAL);
    expect(reason).toMatch(/columns 4 and 6 \("Qty", "QTY"\) both mean quantity/);
  });
});

describe('formats', () => {
  const iso = (format: string, text: string): string | undefined => {
    const { pattern, iso: groups } = datePattern(format);
    return new RegExp(pattern).test(text)
      ? text.replace(new RegExp(pattern), groups.replaceAll('\\', '$'))
      : undefined;
  };
  test.each([
    ['DD.MM.YYYY', '02.05.2019', '2019-05-02'],
    ['MM/DD/YYYY', '05/02/2019', '2019-05-02'],
    ['YYYYMMDD', '20190502', '2019-05-02'],
    ['YYYY-MM-DD HH:mm:ss', '2019-05-02 08:26:00', '2019-05-02'],
    ['YYYY-MM-DDTHH:mm', '2019-05-02T08:26', '2019-05-02'],
    ['DD.MM.YYYY', '2.5.2019', undefined],
    ['DD.MM.YYYY', '02x05x2019', undefined],
    ['DD.MM.YYYY', '02.05.2019 ', undefined],
    ['DD.MM.YYYY', '02.05.19', undefined],
  ])('date %s: %s', (format, text, wanted) => {
    expect(iso(format, text)).toBe(wanted);
  });

  test.each<[format: Parameters<typeof numberPattern>[0], yes: string[], no: string[]]>([
    [
      { decimal: '.', group: ',' },
      ['1,234.56', '1234.56', '-1,234', '.5', '12,345,678.'],
      ['1,23', '12,34,567', '1.234,5', '1 234', ',123', '1,,234', '--1', '+1', ''],
    ],
    [
      { decimal: ',', group: '.' },
      ['1.234,56', '1234,56', '-0,5', ',5'],
      ['1,234.56', '1.23', '1,2,3', '.', '-'],
    ],
    [{ decimal: ',', group: ' ' }, ['1 234,56'], ['1  234', '1.234']],
    [{ decimal: '.', group: "'" }, ["1'234.56"], ["1'23"]],
  ])('number %j', (format, yes, no) => {
    const pattern = new RegExp(numberPattern(format));
    for (const text of yes) expect(pattern.test(text), text).toBe(true);
    for (const text of no) expect(pattern.test(text), text).toBe(false);
  });

  test('the longest prefix decides', async () => {
    const profile = await profileOf(
      MINIMAL.replace("{ otherwise: '380' }", "{ prefix: { C: '381', CX: '326', A: '380' } }"),
    );
    expect(prefixesOf(profile).map(([prefix]) => prefix)).toEqual(['CX', 'A', 'C']);
  });

  // Both sides of conservation read a number by the format: what one takes and the other does not stops the file.
  test.each([
    ['comma, points', ',', '.'],
    ['point, commas', '.', ','],
    ['comma, spaces', ',', ' '],
    ['point, ticks', '.', "'"],
    ['comma, nothing', ',', ''],
  ])('whatever stands in a cell of numbers with %s is read alike on both sides', async (_what, decimal, group) => {
    const profile = `${MINIMAL}number_format: { decimal: ${JSON.stringify(decimal)}, group: ${JSON.stringify(group)} }\n`;
    const cell = fc
      .array(
        fc.constantFrom('1', '23', '456', '0', '-', '.', ',', ' ', "'", '789', '9'.repeat(9), 'e', '\u00a0'),
        { maxLength: 7 },
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 60 }), async (rows) => {
        const lines = rows.map(
          ([quantity, price], index) => `A-${index},2019-05-02,C100,"${quantity}","${price}"\n`,
        );
        const result = await tried(`No,Date,Customer,Qty,Price\n${lines.join('')}`, profile);
        expect(result).toMatchObject({ status: 'ingested', lines_in: rows.length });
      }),
      { numRuns: 12 },
    );
  });
});

describe('notations that the column decides', () => {
  const file = (dates: string[], prices: string[] = dates.map(() => '10')) =>
    `No;Date;Customer;Qty;Price\n${dates.map((date, index) => `A-${index};${date};C100;1;"${prices[index]}"\n`).join('')}`;

  /** Ingests under MINIMAL with `settings` added; what each row reads as, or the rule that it has. */
  async function read(content: string, settings = '') {
    const own = await testContext();
    try {
      const result = await ingestFile(own.context, await own.write('a.csv', content), {
        profile: await own.write('profile.yaml', `${MINIMAL}${settings}`),
      });
      expect(result).toMatchObject({ status: 'ingested', warnings: [] });
      const rows = await own.rows<{ says: string }>(
        `select says from (
           select row_no, issue_date || ' ' || trim_scale(net_amount) as says from line
           union all
           select row_no, rule || ' ' || held || ' ' || seen from rejection) as row order by row_no`,
      );
      return { says: rows.map(({ says }) => says), result };
    } finally {
      await own.drop();
    }
  }
  const dates = async (given: string[], settings = '') => (await read(file(given), settings)).says;

  test.each<[what: string, given: string[], settings: string, wanted: string[]]>([
    [
      'one that is only a day in front',
      ['01/02/2019', '31/12/2019', '1/2/19'],
      '',
      ['2019-02-01 10', '2019-12-31 10', '2019-02-01 10'],
    ],
    [
      'one that is only a month in front',
      ['01/02/2019', '12/31/2019'],
      '',
      ['2019-01-02 10', '2019-12-31 10'],
    ],
    [
      'nothing decides',
      ['01/02/2019', '05/05/2019', '2019-03-04'],
      '',
      ['ambiguous-date quarantined 01/02/2019', '2019-05-05 10', '2019-03-04 10'],
    ],
    [
      'the values contradict each other',
      ['01/02/2019', '31/12/2019', '12/31/2019'],
      '',
      ['ambiguous-date quarantined 01/02/2019', '2019-12-31 10', '2019-12-31 10'],
    ],
    [
      'the profile says it',
      ['01/02/2019', '12/31/2019'],
      'date_format: day-first\n',
      ['2019-02-01 10', 'issue-date-unreadable rejected 12/31/2019'],
    ],
    [
      'words, times, other scripts',
      [
        '31-Dec-19',
        '31 Dezember 2019',
        'Dec 31, 2019',
        '31.Ara.2019',
        '2019-12-31T00:00:00',
        '2019/12/31 10:15',
        '2019年12月31日',
        '31.12.2019 00:00',
      ],
      '',
      Array.from({ length: 8 }, () => '2019-12-31 10'),
    ],
    [
      'what is none',
      ['31-Foo-19', '43830', '31/12-2019', 'soon'],
      '',
      ['31-Foo-19', '43830', '31/12-2019', 'soon'].map((seen) => `issue-date-unreadable rejected ${seen}`),
    ],
    [
      'days as Excel counts them',
      ['43830', '43830.5', '31/12/2019'],
      'serial_dates: true\n',
      Array.from({ length: 3 }, () => '2019-12-31 10'),
    ],
    [
      'days as Excel counts them beside a pattern',
      ['43830', '31/12/2019'],
      'serial_dates: true\ndate_format: DD/MM/YYYY\n',
      Array.from({ length: 2 }, () => '2019-12-31 10'),
    ],
  ])('dates: %s', async (_what, given, settings, wanted) => {
    expect(await dates(given, settings)).toEqual(wanted);
  });

  const amounts = async (given: string[], settings = '') =>
    (
      await read(
        file(
          given.map(() => '2019-05-02'),
          given,
        ),
        settings,
      )
    ).says.map((says) => says.replace('2019-05-02 ', ''));

  test.each<[what: string, given: string[], settings: string, wanted: string[]]>([
    ['comma, by one value', ['9.999,9', '1.234', '(9.999,9)'], '', ['9999.9', '1234', '-9999.9']],
    [
      'point, by one value',
      ['(9,999.9)', '-£9,999.9', '9,999.90-', '£ 1,234', '1,234'],
      '',
      ['-9999.9', '-9999.9', '-9999.9', '1234', '1234'],
    ],
    [
      'spaces and ticks',
      ['9 999,9', '9\u00a0999,9', '9\u202f999', '−5', '\u2009- 5', '(\u20095 )'],
      '',
      ['9999.9', '9999.9', '9999', '-5', '-5', '-5'],
    ],
    ['apostrophes', ["9'999.9", '9’999.9', "1'000'000"], '', ['9999.9', '9999.9', '1000000']],
    ['plain, by one value', ['1.234', '2.5'], '', ['1.234', '2.5']],
    [
      'nothing decides',
      ['1.234', '1,234', '12', '£5'],
      '',
      ['ambiguous-amount quarantined 1.234', 'ambiguous-amount quarantined 1,234', '12', '5'],
    ],
    [
      'the values contradict each other',
      ['1.234', '1,5', '2.5'],
      '',
      ['ambiguous-amount quarantined 1.234', '1.5', '2.5'],
    ],
    [
      'the profile says it',
      ['1.234', '(1.234,5)', '1,5 €', '1.234.567'],
      "number_format: { decimal: ',', group: '.' }\n",
      ['1234', '-1234.5', '1.5', '1234567'],
    ],
    [
      'what is none',
      ['1,23,456.0', '0,123.5', 'about 5', '(5', '--5', '5%', '1e3'],
      '',
      ['1,23,456.0', '0,123.5', 'about 5', '(5', '--5', '5%', '1e3'].map(
        (seen) => `amount-unreadable rejected ${seen}`,
      ),
    ],
  ])('amounts: %s', async (_what, given, settings, wanted) => {
    expect(await amounts(given, settings)).toEqual(wanted);
  });

  test('rows that wait so are counted as waiting, and balance', async () => {
    const { result } = await read(file(['01/02/2019', '2019-02-01'], ['5', '1.234']));
    expect(result).toMatchObject({
      dispositions: { quarantined: 2 },
      amount_in: { EUR: '5' },
      amounts: { quarantined: { EUR: '5' } },
      amounts_unreadable: 1,
    });
  });

  test('whatever stands in a cell is read alike on both sides', async () => {
    const cell = fc
      .array(
        fc.constantFrom(
          '1',
          '23',
          '456',
          '0',
          '-',
          '.',
          ',',
          ' ',
          "'",
          '789',
          '9'.repeat(9),
          'e',
          '\u00a0',
          '£',
          '(',
          ')',
          '−',
          '€',
          '’',
          '\u2009',
          ' '.repeat(30),
        ),
        { maxLength: 7 },
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 60 }), async (rows) => {
        const lines = rows.map(
          ([quantity, price], index) => `A-${index},2019-05-02,C100,"${quantity}","${price}"\n`,
        );
        const result = await tried(`No,Date,Customer,Qty,Price\n${lines.join('')}`, MINIMAL);
        expect(result).toMatchObject({ status: 'ingested', lines_in: rows.length });
      }),
      { numRuns: 40 },
    );
  });

  test('a long cell is no number, and takes no time to be none', async () => {
    const long = ' '.repeat(300);
    const cells = [`(${long}x`, `£${long}-${long}5x`, `é${long.repeat(100)}é`, `5${' '.repeat(64)}€`];
    const huge = [' '.repeat(900_000), '1,234'.repeat(150_000), ',234'.repeat(200_000)].map(
      (text) => `1${text}x`,
    );
    const groups = `1${',234'.repeat(200_000)}`;
    const quantities = [...Array.from({ length: 5 }, () => cells).flat(), ...huge, groups, '1,234.5'];
    const lines = quantities.map((quantity, index) => `A-${index},2019-05-02,C100,"${quantity}",10\n`);
    const began = performance.now();
    const { says } = await read(`No,Date,Customer,Qty,Price\n${lines.join('')}`);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(says.filter((what) => what.startsWith('quantity-unreadable rejected'))).toHaveLength(24);
    expect(says.at(-1)).toBe('2019-05-02 12345');
  });

  test('a long cell is no date, and takes no time to be none', async () => {
    const given = [' ', '-', '1/', '?', '年'].map((part) => `1${part.repeat(300_000)}x`);
    const began = performance.now();
    const says = await dates([...given, '31/12/2019']);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(says.map((what) => what.slice(0, 30))).toEqual([
      ...given.map((text) => `issue-date-unreadable rejected ${text}`.slice(0, 30)),
      '2019-12-31 10',
    ]);
  });
});
