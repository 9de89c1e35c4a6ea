import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import type { FileResult } from '../src/invoice/result.ts';
import { totalsOf } from '../src/invoice/result.ts';
import { ingestText } from '../src/show/invoice.ts';
import { type TestContext, testContext } from './harness/context.ts';

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
});
afterAll(() => it.drop());

const dry = async (name: string, content: string | Uint8Array, profile?: string): Promise<FileResult> =>
  ingestFile(it.context, await it.write(name, content), {
    dryRun: true,
    ...(profile === undefined ? {} : { profile: await it.write('profile.yaml', profile) }),
  });

test.each([
  ['of a file that is read', 'Item\0name'],
  ['of one that no profile knows', 'Invoice\0'],
])('a NUL in the header %s is no error of the database', async (_what, cell) => {
  const header = `Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier,${cell}\n`;
  const text = cell.startsWith('Item') ? header : header.replace('Invoice number,', '');
  const result = await dry('nul.csv', `${text}A-1,2019-05-02,380,EUR,C100,1,2,20.00,MOC-1,x\n`);
  expect(result.status).toBe(cell.startsWith('Item') ? 'ingested' : 'refused');
});

describe('a file that no profile reads is refused with a profile to save', () => {
  const ENGLISH = [
    'Exported by hand,,,,,,,',
    'Invoice No.,Invoice Date,Customer ID,Description,Qty,Unit Price,Currency,Item Code',
    'A-1,31/12/2019,C100,Course,2,"1,234.50",GBP,MOC-1',
    'A-2,01/02/2019,C100,Course,1,5,GBP,MOC-1',
    '',
  ].join('\n');

  test('it can be saved and reads the file as it was shown', async () => {
    const { status, proposal, reason } = await dry('Sales of May.csv', ENGLISH);
    expect(status).toBe('refused');
    expect(reason).toContain('No header was found');
    expect(proposal).toMatchObject({
      header_row: 2,
      columns: {
        invoice_number: 'Invoice No.',
        issue_date: 'Invoice Date',
        customer_number: 'Customer ID',
        item_name: 'Description',
        quantity: 'Qty',
        price: 'Unit Price',
        currency: 'Currency',
        sku: 'Item Code',
      },
      not_read: [],
    });
    expect(proposal!.rows).toEqual([
      {
        row: 3,
        invoice_number: 'A-1',
        issue_date: '2019-12-31',
        customer_number: 'C100',
        item_name: 'Course',
        quantity: '2',
        price: '1234.50',
        currency: 'GBP',
        sku: 'MOC-1',
      },
      expect.objectContaining({ row: 4, invoice_number: 'A-2', issue_date: '2019-02-01', price: '5' }),
    ]);
    const taken = await dry('Sales of May.csv', ENGLISH, proposal!.profile);
    expect(taken).toMatchObject({ status: 'ingested', lines_in: 2, amount_in: { GBP: '2474' } });
  });

  test.each<[what: string, content: string | Uint8Array, columns: object, encoding: RegExp]>([
    [
      'German',
      Buffer.from(
        'Rechnungsnummer;Rechnungsdatum;Kundennummer;Menge;Einzelpreis;Nettobetrag;W\xe4hrung;Artikelnr.\nA-1;31.12.2019;C1;2;1,50;3,00;EUR;M\xfc\n',
        'latin1',
      ),
      {
        invoice_number: 'Rechnungsnummer',
        issue_date: 'Rechnungsdatum',
        customer_number: 'Kundennummer',
        quantity: 'Menge',
        price: 'Einzelpreis',
        net_amount: 'Nettobetrag',
        currency: 'Währung',
        sku: 'Artikelnr.',
      },
      /encoding: windows-1252/,
    ],
    [
      'Turkish',
      Buffer.from(
        'Fatura No;Fatura Tarihi;M\xfc\xfeteri Kodu;Miktar;Birim Fiyat;Para Birimi;\xdcr\xfcn Kodu\nA-1;31.12.2019;C1;2;1,50;TRY;M1\n',
        'latin1',
      ),
      {
        invoice_number: 'Fatura No',
        issue_date: 'Fatura Tarihi',
        customer_number: 'Müşteri Kodu',
        quantity: 'Miktar',
        price: 'Birim Fiyat',
        currency: 'Para Birimi',
        sku: 'Ürün Kodu',
      },
      /encoding: windows-1254/,
    ],
    [
      'Japanese',
      // 請求書番号,発行日,顧客コード,数量,単価,通貨,商品コード
      Buffer.concat([
        Buffer.from('90bf8b818f9194d48d862c94ad8d7393fa2c8cda8b718352815b83', 'hex'),
        Buffer.from('682c909497ca2c925089bf2c92ca89dd2c8fa495698352815b83680a', 'hex'),
        Buffer.from('A-1,2019/12/31,C1,2,150,JPY,M1\n'),
      ]),
      {
        invoice_number: '請求書番号',
        issue_date: '発行日',
        customer_number: '顧客コード',
        quantity: '数量',
        price: '単価',
        currency: '通貨',
        sku: '商品コード',
      },
      /encoding: shift_jis/,
    ],
  ])('%s, in an encoding of its own', async (_what, content, columns, encoding) => {
    const { proposal } = await dry('input.csv', content);
    expect(proposal!.columns).toEqual(columns);
    expect(proposal!.profile).toMatch(encoding);
    expect(await dry('input.csv', content, proposal!.profile)).toMatchObject({
      status: 'ingested',
      lines_in: 1,
    });
  });

  test('what it lacks, and what it cannot read, is said, and stands in it to be completed', async () => {
    const result = await dry('a.csv', 'Invoice No,Date,Amount\nA-1,01/02/2019,"1,234"\nA-2,soon,5\n');
    const { profile, not_read, rows } = result.proposal!;
    for (const open of [
      'customer_number',
      'quantity',
      'currency: EUR',
      'default_product: SKU',
      'date_format: day-first',
      'number_format',
    ])
      expect(profile).toMatch(new RegExp(`^ *# \\? ${open}`, 'm'));
    expect(not_read).toEqual([
      'No header looks like customer_number.',
      'No header looks like quantity.',
      expect.stringContaining('currency: EUR'),
      expect.stringContaining('default_product'),
      'issue_date: 2 cells cannot be taken; the first, in row 2, fits two readings: "01/02/2019".',
      'net_amount: 1 cell cannot be taken; the first, in row 2, fits two readings: "1,234".',
    ]);
    expect(rows[0]).toMatchObject({ issue_date: '??01/02/2019' });
    const text = ingestText({ files: [result], left_alone: [], totals: totalsOf([result]) }, true);
    for (const part of ['    # ? quantity: []', 'Not read: No header looks like quantity.', '??01/02/2019'])
      expect(text).toContain(part);
  });

  test('days as Excel counts them are asked about', async () => {
    const { proposal } = await dry('a.csv', 'Invoice No,Date,Amount\nA-1,43830,5\n');
    expect(proposal!.profile).toContain('# ? serial_dates: true');
  });

  test('it is made of the first 10,000 rows, and the rest is not read', async () => {
    const row = (index: number) => `A-${index},2019-05-02,${index}.5,${'x'.repeat(100)}\n`;
    const rows = Array.from({ length: 30_000 }, (_, index) => row(index)).join('');
    const { proposal } = await dry('long.csv', `Invoice No,Date,Amount,Note\nB-1,soon,5,\n${rows}A-2,2019`);
    expect(proposal).toMatchObject({ header_row: 1 });
    expect(proposal!.not_read).toContain(
      'issue_date: 1 cell cannot be taken; the first, in row 2, cannot be read: "soon".',
    );
  });

  test('rows of very many cells are no headers, and take no time to be none', async () => {
    const wide = `${'a,'.repeat(25_000)}a\n`.repeat(19);
    const began = performance.now();
    const { proposal } = await dry('wide.csv', `Invoice No,Date,Amount\n${wide}A-1,2019-05-02,5\n`);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(proposal).toMatchObject({ header_row: 1 });
  });

  test('what is no table of invoices gets no profile, and a fault further down is no obstacle', async () => {
    for (const content of ['hello\nworld\n', 'a,b,c\n1,2,3\n', '<Invoice/>'])
      expect((await dry('a.csv', content)).proposal).toBeUndefined();
    const cut = await dry('a.csv', 'Invoice No,Date,Amount\nA-1,2019-01-01,5\nA-2,2019');
    expect(cut).toMatchObject({ status: 'refused' });
    expect(cut.proposal).toBeUndefined();
  });
});

describe('verdicts of a dry run', () => {
  const HEADER =
    'Invoice number,Issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,BT-155\n';
  const row = (number: string, code: string, line = '1', date = '2019-05-02', reference = '') =>
    `${number},${date},${code},EUR,${reference},C100,${line},1,5,MOC-1\n`;

  test('one a document, in the order of the file, and nothing is stored', async () => {
    const content = [
      row('A-1', '380'),
      row('A-1', '380', '2'),
      row('A-2', '381'),
      row('A-3', '325'),
      row('A-4', '326'),
      row('A-5', 'SalesInvoice'),
      row('A-6', '384', '1', '2019-05-03', 'A-1'),
      row('A-7', '384', '1', '2019-05-03', 'elsewhere'),
      row('A-8', '380', '1', 'soon'),
    ];
    const { verdicts } = await dry('a.csv', `${HEADER}${content.join('')}`);
    const says = verdicts!.map(({ number, type_code, lines, verdict, rule }) => [
      number,
      type_code,
      lines,
      verdict,
      rule,
    ]);
    expect(says).toEqual([
      ['A-1', '380', 2, 'accept', null],
      ['A-2', '381', 1, 'reversal', null],
      ['A-3', '325', 1, 'refuse', 'not-an-invoice'],
      ['A-4', '326', 1, 'quarantine', 'document-type-for-a-person'],
      ['A-5', 'SalesInvoice', 1, 'quarantine', 'document-type-unknown'],
      ['A-6', '384', 1, 'supersede', null],
      ['A-7', '384', 1, 'quarantine', 'pending-reference'],
      ['A-8', '380', 1, 'refuse', 'issue-date-unreadable'],
    ]);
    for (const { root, currency, reason } of verdicts!) {
      expect({ root, currency }).toEqual({ root: null, currency: 'EUR' });
      expect(reason).toMatch(/^.{10,}[.")]/);
    }
    expect(await it.rows('select from file')).toEqual([]);
  });

  test('an e-invoice says its root; what is none is refused by it', async () => {
    const invoice = (root: string, code: string) =>
      `<${root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:${root}-2" xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2" xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"><b:ID>X-1</b:ID><b:IssueDate>2019-05-02</b:IssueDate>${code}<b:DocumentCurrencyCode>EUR</b:DocumentCurrencyCode><a:InvoiceLine><b:ID>1</b:ID><b:InvoicedQuantity>1</b:InvoicedQuantity><b:LineExtensionAmount currencyID="EUR">5</b:LineExtensionAmount></a:InvoiceLine></${root}>`;
    const code = (text: string) => `<b:InvoiceTypeCode>${text}</b:InvoiceTypeCode>`;
    const { verdicts } = await dry('a.xml', invoice('Invoice', code('380')));
    expect(verdicts).toEqual([
      {
        root: 'Invoice',
        type_code: '380',
        number: 'X-1',
        currency: 'EUR',
        lines: 1,
        verdict: 'accept',
        rule: null,
        reason: expect.any(String),
      },
    ]);
    expect((await dry('a.xml', invoice('Invoice', code('381')))).verdicts).toMatchObject([
      { verdict: 'reversal' },
    ]);
    const refused = await dry('a.xml', invoice('OrderResponse', ''));
    expect(refused.verdicts).toMatchObject([
      { root: 'OrderResponse', lines: 0, verdict: 'refuse', reason: refused.reason },
    ]);
    expect((await dry('a.csv', 'nothing\n')).verdicts).toMatchObject([{ root: null, verdict: 'refuse' }]);
  });
});

const SPEND = fileURLToPath(new URL('../../shared/data/invoices/uk-gov-25k', import.meta.url));

/** The spend files name no product, and the payer for the customer; the amount stands for the quantity. */
const spendProfile = (encoding: string) => `name: spend
seller: department
currency: GBP
default_product: SPEND
encoding: ${encoding}
columns:
  invoice_number: [Transaction number, TransNo, Transaction No, Transaction]
  issue_date: [Date, Pay date, Payment date]
  customer_number: [Entity, Entity (T)]
  quantity: [Amount, AP Amount, Total]
  net_amount: [Amount, AP Amount, Total]
date_format: day-first
serial_dates: true
document_type: { otherwise: '380' }
`;

describe.skipIf(!existsSync(SPEND))('real files of spending, as their publishers left them', () => {
  const files = existsSync(SPEND)
    ? readdirSync(SPEND, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : [];

  test('every file: physical rows are lines, blank ones, preamble, header and totals; lines are the sum of dispositions', async () => {
    const own = await testContext();
    const seen = {
      ingested: 0,
      other: 0,
      lines: 0,
      preamble: 0,
      blank: 0,
      totals: 0,
      rejected: 0,
      quarantined: 0,
    };
    try {
      const utf8 = await own.write('utf8.yaml', spendProfile('utf-8'));
      const latin = await own.write('latin.yaml', spendProfile('windows-1252'));
      for (const file of files) {
        let result = await ingestFile(own.context, file, { profile: utf8 });
        if (result.reason?.includes('is not utf-8'))
          result = await ingestFile(own.context, file, { profile: latin });
        if (result.status !== 'ingested') {
          seen.other += 1;
          expect(result.reason, basename(file)).toMatch(/an HTML page|a JSON document|The same bytes/);
          continue;
        }
        const { physical_rows: rows, dispositions, lines_in } = result;
        const [{ physical } = { physical: 0 }] = await own.rows<{ physical: number }>(
          'select physical_rows as physical from file where sha256 = $1',
          [result.sha256],
        );
        expect(rows.preamble + rows.header + rows.blank + rows.lines + rows.totals, basename(file)).toBe(
          physical,
        );
        expect(rows.lines).toBe(lines_in);
        expect(Object.values(dispositions).reduce((sum, count) => sum + count, 0)).toBe(lines_in);
        seen.ingested += 1;
        for (const kind of ['preamble', 'blank', 'totals', 'lines'] as const) seen[kind] += rows[kind];
        seen.rejected += dispositions.rejected;
        seen.quarantined += dispositions.quarantined;
      }
    } finally {
      await own.drop();
    }
    // One file writes the month first among days first; one ends in a lone full stop.
    expect(seen).toEqual({
      ingested: 147,
      other: 10,
      lines: 6800,
      preamble: 1,
      blank: 89,
      totals: 0,
      rejected: 38,
      quarantined: 3,
    });
  }, 300_000);
});
