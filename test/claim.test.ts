import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readClaim } from '../src/reconcile/claim.ts';
import { monthIn } from '../src/reconcile/claim-cells.ts';
import {
  CLAIM_FIELDS,
  CLAIM_HEADERS,
  fieldNamed,
  keyOf,
  NAMES,
  titleOf,
} from '../src/reconcile/claim-headers.ts';
import { cannotBeRead } from '../src/reconcile/claim-lines.ts';
import { workbookParts, zip } from './excel-fixtures.ts';
import { type TestContext, testContext } from './harness/context.ts';

/** A story is a folder: the claim as it was sent, and what is read in it, or how it is refused. */
const STORIES = fileURLToPath(new URL('cases/reconcile/', import.meta.url));
const HEADER = 'Month,Year,OMLP type,Purchase unit,Invoice #,KPI value,Revenue value\n';

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
});
afterAll(() => it.drop());

/** A claim as its story writes it down. */
async function read(path: string): Promise<object> {
  const claim = await readClaim(it.context, path);
  return {
    lines: claim.lines.map((line) => [
      ...[line.row, line.kpiMonth, line.omlpType, line.purchaseUnit],
      ...[line.invoice, line.kpiValue, line.revenueValue],
    ]),
    unreadable: claim.unreadable.map(({ row, field, seen, wanted }) => [row, field, seen, wanted]),
    leftOut: claim.leftOut.map(({ row, what, seen }) => [row, what, seen]),
    named: claim.named.map(({ row, mpnId }) => [row, mpnId]),
    ignored: claim.ignored,
    currencies: claim.currencies,
  };
}
const readText = async (name: string, text: string | Uint8Array) =>
  readClaim(it.context, await it.write(name, text));

describe('a claim as it was sent', () => {
  test.each(readdirSync(STORIES))('%s', async (story) => {
    const file = readdirSync(join(STORIES, story)).find((name) => name.startsWith('claim.'))!;
    const expected = JSON.parse(readFileSync(join(STORIES, story, 'expected.json'), 'utf8'));
    const found = await read(join(STORIES, story, file)).catch((error: Error & { code?: string }) => {
      expect(error.code).toBe('request');
      return { refused: error.message };
    });
    expect(found).toEqual(expected);
  });

  test('every row below the header is a line, left out, or told as unreadable', async () => {
    for (const story of readdirSync(STORIES)) {
      const { lines, unreadable, leftOut } = JSON.parse(
        readFileSync(join(STORIES, story, 'expected.json'), 'utf8'),
      ) as Record<string, Array<[number, ...unknown[]]>>;
      if (!lines) continue;
      const rows = readFileSync(join(STORIES, story, 'claim.csv'), 'latin1').split('\n').length - 1;
      const told = new Set([...lines, ...unreadable!, ...leftOut!].map(([row]) => row));
      const header = Array.from({ length: rows }, (_, index) => index + 1).filter((row) => !told.has(row));
      // The header, and blank rows above it.
      expect(header.length, story).toBeLessThanOrEqual(story === 'turkish-windows-1254' ? 2 : 1);
    }
  });
});

describe('a workbook', () => {
  const cell = (at: string, value: string | number): string =>
    typeof value === 'number'
      ? `<c r="${at}"><v>${value}</v></c>`
      : `<c r="${at}" t="inlineStr"><is><t>${value}</t></is></c>`;
  const sheet = (rows: ReadonlyArray<ReadonlyArray<string | number>>): string =>
    rows
      .map(
        (cells, row) =>
          `<row r="${row + 1}">${cells
            .map((value, column) => (value === '' ? '' : cell(`${'ABCDEFGH'[column]}${row + 1}`, value)))
            .join('')}</row>`,
      )
      .join('');

  test('typed numbers have one reading, beside texts in any notation; a note beside a line is no fault', async () => {
    const rows = sheet([
      ['Claim of Harbor Street'],
      ['Ay', 'Yıl', 'OMLP türü', 'Birim', 'Fatura no', 'KPI değeri', 'Gelir'],
      [5, 2019, 'MOC', 8, 10024, 16, 1.234],
      [5, 2019, 'MOC', 8, 'A-2', 16, '1.234,5', 'see mail'],
    ]);
    const { lines, unreadable } = await readText('claim.xlsx', zip(workbookParts(rows)));
    expect(unreadable).toEqual([]);
    expect(lines.map(({ invoice, revenueValue }) => [invoice, revenueValue])).toEqual([
      ['10024', '1.234'],
      ['A-2', '1234.5'],
    ]);
  });

  test('a formula without a stored result is told as one, in a figure and in a number', async () => {
    const lines = sheet([
      ['Month', 'Year', 'OMLP type', 'Purchase unit', 'Invoice #', 'KPI value', 'Revenue value'],
      [5, 2019, 'MOC', 8, 'A-1', 16, 10],
      [5, 2019, 'MOC', 8, '', 16, 10],
    ])
      .replace('<c r="G2"><v>10</v></c>', '<c r="G2"><f>5+5</f></c>')
      .replace('<c r="F3">', '<c r="E3" t="str"><f>"A-"&amp;2</f></c><c r="F3">');
    const { unreadable } = await readText('formulas.xlsx', zip(workbookParts(lines)));
    expect(unreadable.map(({ row, field }) => [row, field])).toEqual([
      [2, 'Revenue value'],
      [3, 'Invoice #'],
    ]);
    expect(cannotBeRead(unreadable[0]!)).toBe(
      'the cell holds a formula whose result the file lacks; wanted is its result: open the file in Excel or LibreOffice, save it there, and take the saved file',
    );
  });

  test('two sheets that may be the claim: one thing to do, and no profile', async () => {
    const rows = sheet([HEADER.trim().split(','), [5, 2019, 'MOC', 8, 'A-1', 16, 10]]);
    const parts = workbookParts(rows, {
      'xl/worksheets/sheet2.xml': `<worksheet><sheetData>${rows}</sheetData></worksheet>`,
    });
    const two = parts.map(({ name, text }) => ({
      name,
      text: String(text)
        .replace('</sheets>', '<sheet name="June" sheetId="2" r:id="r9"/></sheets>')
        .replace(
          '<Relationship Id="r1"',
          `<Relationship Id="r9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/>$&`,
        ),
    }));
    await expect(readText('claim.xlsx', zip(two))).rejects.toThrow(
      /"Lines", "June" of the workbook all have the header that is wanted\. Save the one sheet that is the claim as a file of its own\.$/,
    );
  });

  test('a header merged over two rows', async () => {
    const rows = sheet([
      ['Month', 'Year', 'OMLP type', 'Purchase unit', 'Invoice #', 'KPI', 'Revenue'],
      ['', '', '', '', '', 'value', 'value'],
      [5, 2019, 'MOC', 8, 'A-1', 16, 10],
    ]);
    const merges = ['A1:A2', 'B1:B2', 'C1:C2', 'D1:D2', 'E1:E2'];
    const xml = `<worksheet><sheetData>${rows}</sheetData><mergeCells>${merges.map((ref) => `<mergeCell ref="${ref}"/>`).join('')}</mergeCells></worksheet>`;
    const { lines, leftOut } = await readText(
      'claim.xlsx',
      zip(workbookParts('', { 'xl/worksheets/sheet1.xml': xml })),
    );
    expect(leftOut).toMatchObject([{ row: 1, what: 'preamble' }]);
    expect(lines).toMatchObject([{ row: 3, kpiMonth: '2019-05', invoice: 'A-1', revenueValue: '10' }]);
  });
});

test('a word for the invoice number goes where a number is left', async () => {
  const written = [
    ['Invoice No. CM-1', 'CM-1'],
    ['invoice number: CM-1', 'CM-1'],
    ['INVOICE #CM-1', 'CM-1'],
    ['Fatura No CM-1', 'CM-1'],
    ['FATURA NUMARASI CM-1', 'CM-1'],
    ['Fatura 17', '17'],
    ['Rechnungs-Nr. CM-1', 'CM-1'],
    ['Rechnungsnummer: CM-1', 'CM-1'],
    ['請求書番号CM-1', 'CM-1'],
    ...['INVERNESS-1', 'INV-UNKNOWN-1', 'Invoice NONE', 'Rechnungshof-1', 'INV 002'].map((one) => [one, one]),
  ];
  const rows = written.map(([cell]) => `5,2019,MOC,1,${cell},2,10.00\n`).join('');
  const { lines } = await readText('words.csv', `${HEADER}${rows}`);
  expect(lines.map(({ invoice }) => invoice)).toEqual(written.map(([, number]) => number));
});

test('a long cell is cut where one sees it', async () => {
  const { unreadable } = await readText(
    'long.csv',
    `${HEADER}5,2019,MOC,1,A-1,2,${'x'.repeat(300)}\n5,2019,MOC,1,A-1,2,3\n`,
  );
  expect(unreadable[0]!.seen).toBe(`${'x'.repeat(97)}...`);
});

describe('how much a claim may hold', () => {
  const lines = (count: number) =>
    `${HEADER}${Array.from({ length: count }, (_, index) => `5,2019,MOC,1,A-${index},2,10.00\n`).join('')}`;

  test('5,000 lines', async () => {
    expect((await readText('claim.csv', lines(5000))).lines).toHaveLength(5000);
  });

  test('20,000 lines, and not one more', async () => {
    expect((await readText('claim.csv', lines(20_000))).lines).toHaveLength(20_000);
    await expect(readText('claim.csv', lines(20_001))).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(/more than 20,000 lines.*Split the claim by month/),
    });
  });
});

test('a NUL in an invoice number is told: without it, the number would be another', async () => {
  const line = (invoice: string) => `5,2019,MOC,1,${invoice},2,10.00\n`;
  const { lines, unreadable } = await readText('claim.csv', `${HEADER}${line('A-1')}${line('A\0-2')}`);
  expect(lines).toMatchObject([{ invoice: 'A-1' }]);
  expect(unreadable).toMatchObject([
    { row: 3, field: 'Invoice #', seen: 'A\u2400-2', wanted: expect.stringContaining('without a NUL') },
  ]);
});

test('a field twice refuses the file, although one of the two is called as the program does', async () => {
  const text = `${HEADER.replace('\n', ',Invoice No\n')}5,2019,MOC,1,A-1,2,10.00,X1\n`;
  await expect(readText('claim.csv', text)).rejects.toThrow(
    'the columns "Invoice #", "Invoice No" all mean Invoice #',
  );
});

describe('headers', () => {
  const all = CLAIM_FIELDS.flatMap((field) => CLAIM_HEADERS[field].split('|').map((name) => [field, name]));

  test('docs/reconcile.md lists them', () => {
    const text = readFileSync(new URL('../docs/reconcile.md', import.meta.url), 'utf8');
    const listed = /\n\| field \| [^\n]*\n\|[-|]+\n((?:\|.*\n)+)/.exec(text)![1]!;
    const rows = listed
      .trim()
      .split('\n')
      .map((row) =>
        row
          .split('|')
          .slice(1, 3)
          .flatMap((cell) => cell.trim().split(', '))
          .join('|'),
      );
    expect(rows).toEqual(Object.values(CLAIM_HEADERS));
  });

  test('one that is nearly known is to be renamed, and nothing to be added', async () => {
    const near = readText(
      'near.csv',
      `${HEADER.replace('Purchase unit', 'Purchase untis')}5,2019,MOC,1,A-1,2,3\n`,
    );
    await expect(near).rejects.toThrow(
      /Did you mean "Purchase untis" for Purchase unit\? .*: rename the column\.$/,
    );
  });

  test('no name means two fields', () => {
    const keys = all.map(([field, name]) => `${keyOf(name!)} ${field}`);
    expect(new Set(keys).size).toBe(NAMES.size);
  });

  test('each is known in capitals, without accents, with stars and a currency', () => {
    for (const [field, name] of all) {
      for (const written of [
        name!,
        name!.toLocaleUpperCase('tr'),
        name!.toUpperCase(),
        `*${name}:`,
        `${name} (USD)`,
      ])
        expect(fieldNamed(written), written).toBe(field);
      expect(fieldNamed(name!.normalize('NFD').replace(/\p{M}/gu, '')), name).toBe(field);
    }
  });

  test('the seven fields have the names of the program', () => {
    expect(CLAIM_FIELDS.filter((field) => !['period', 'partner'].includes(field)).map(titleOf)).toEqual(
      HEADER.trim().split(','),
    );
  });

  test('each field has several names in each language', () => {
    for (const field of CLAIM_FIELDS)
      expect(CLAIM_HEADERS[field].split('|').length, field).toBeGreaterThanOrEqual(12);
  });
});

test.each(['en', 'tr', 'de', 'ja'])('every month by its name, in full and short: %s', (language) => {
  for (let month = 1; month <= 12; month++) {
    for (const style of ['long', 'short'] as const) {
      const name = new Intl.DateTimeFormat(language, { month: style, timeZone: 'UTC' }).format(
        Date.UTC(2020, month - 1, 1),
      );
      expect(monthIn(name), name).toMatchObject({ month });
      expect(monthIn(name.toLocaleUpperCase(language)), name).toMatchObject({ month });
      expect(monthIn(language === 'ja' ? `2020年${name}` : `${name} 2020`), name).toMatchObject({
        month,
        year: 2020,
      });
    }
  }
});
