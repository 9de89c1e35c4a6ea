import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tables } from '../src/app.ts';
import { minorUnit, rounded, unitPrice } from '../src/einvoice/amounts.ts';
import { CELLS, TOTALS_DIFFER as HEADER } from '../src/einvoice/syntax.ts';
import { identify, openInvoice } from '../src/einvoice/table.ts';
import { LIMITS } from '../src/einvoice/xml.ts';
import { FIELD_NAMES, TOTALS_DIFFER } from '../src/invoice/profile.ts';
import { LkpError } from '../src/job.ts';
import { parseDecimal, shortest } from '../src/money.ts';

const CASE = fileURLToPath(new URL('cases/einvoice/one-invoice/', import.meta.url));
const DATA = fileURLToPath(new URL('../../shared/data/einvoice/', import.meta.url));
const UBL = readFileSync(join(CASE, 'invoice.ubl.xml'), 'utf8');
const CII = readFileSync(join(CASE, 'invoice.cii.xml'), 'utf8');
const CREDIT = UBL.replaceAll('InvoiceLine', 'CreditNoteLine')
  .replaceAll('InvoicedQuantity', 'CreditedQuantity')
  .replaceAll('InvoiceTypeCode', 'CreditNoteTypeCode')
  .replace('Invoice xmlns', 'CreditNote xmlns')
  .replace('xsd:Invoice-2', 'xsd:CreditNote-2')
  .replace('</Invoice>', '</CreditNote>')
  .replace('380', '381');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-einvoice-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${files++}.xml`);
  await writeFile(path, content);
  return path;
}

/** The rows of a document as objects, and how many there are. */
async function read(path: string, name = 'a.xml') {
  const table = await openInvoice(path, name);
  const rows: Array<Record<string, string>> = [];
  let bytes = '';
  const names = [...CELLS, TOTALS_DIFFER.name];
  const columns = names.map((_, index) => index);
  const watch = (cells: readonly string[] | null) =>
    rows.push(
      Object.fromEntries(
        names.flatMap((cell, index) =>
          cell === TOTALS_DIFFER.name && !cells?.[index] ? [] : [[cell, cells?.[index] ?? '']],
        ),
      ),
    );
  for await (const chunk of table.body({ headerRow: 0, width: names.length, columns, watch }))
    bytes += Buffer.from(chunk).toString();
  return { table, rows, bytes };
}
const rowsOf = async (content: string | Uint8Array) => (await read(await fileOf(content))).rows;
const refused = async (content: string | Uint8Array): Promise<string> => {
  const error = await rowsOf(content).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LkpError);
  expect((error as LkpError).code).toBe('request');
  expect((error as LkpError).message).toMatch(/^a\.xml .*\.$/);
  return (error as LkpError).message;
};

const FIRST = {
  invoice_number: 'E-1001',
  issue_date: '2019-05-02',
  type_code: '380',
  currency: 'EUR',
  reference_number: 'E-0990',
  seller: 'SELLER-7',
  customer_number: 'C100',
  line_number: '1',
  quantity: '3',
  net_amount: '120.50',
  price: '40.166',
  item_name: 'Course "Basics" & labs',
  sku: 'MOC-1',
};

describe('an invoice', () => {
  test('its cells are the fields of an invoice line', () => {
    expect(CELLS).toEqual(FIELD_NAMES);
    expect(HEADER).toBe(TOTALS_DIFFER.header);
  });

  test('says the same in UBL and CII, whatever the prefixes; sub-lines are contained in their line', async () => {
    const [ubl, cii] = [await read(join(CASE, 'invoice.ubl.xml')), await read(join(CASE, 'invoice.cii.xml'))];
    expect([ubl.table.format, cii.table.format]).toEqual(['ubl', 'cii']);
    expect(ubl.rows[0]).toEqual(FIRST);
    expect(ubl.rows).toHaveLength(2);
    expect(cii.rows).toEqual(ubl.rows);
    expect(cii.bytes).toBe(ubl.bytes);
    expect(ubl.table.counts).toEqual({ physical: 3, preamble: 0, header: 1, blank: 0, lines: 2 });
    expect(ubl.bytes.split('\n')[1]).toMatch(/^2,,"E-1001",/);
  });

  test('without a seller identifier is known by its registration, then by its tax number', async () => {
    const bare = (text: string) =>
      text.replace(/<cac:PartyIdentification>.*<\/cac:PartyIdentification>/g, '');
    expect((await rowsOf(bare(UBL)))[0]).toMatchObject({ seller: 'HRB 1', customer_number: '' });
    const unregistered = bare(UBL).replace('<cbc:CompanyID>HRB 1</cbc:CompanyID>', '');
    expect((await rowsOf(unregistered))[0]!.seller).toBe('DE000000000');
  });

  test('has no SKU but the seller’s, and no price that does not come out even', async () => {
    const [, second] = await rowsOf(UBL);
    expect(second).toMatchObject({ sku: '', price: '15.00' });
    expect((await rowsOf(UBL.replace('>10</cbc:BaseQuantity>', '>3</cbc:BaseQuantity>')))[0]!.price).toBe('');
  });

  test('several references are all named, a list of hundreds is cut visibly', async () => {
    const reference = (number: string) =>
      `<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>${number}</cbc:ID></cac:InvoiceDocumentReference></cac:BillingReference>`;
    const with_ = (more: string) => UBL.replace('<cac:AdditionalDocumentReference>', `${more}$&`);
    expect((await rowsOf(with_(reference('E-0991'))))[0]!.reference_number).toBe('E-0990, E-0991');
    const many = Array.from({ length: 500 }, (_, index) => reference(`E-${index}`)).join('');
    expect((await rowsOf(with_(many)))[0]!.reference_number).toMatch(/^E-0990, E-0, .*, \.\.\.$/);
  });

  test('a date loses its zone; one that is none stays as stated', async () => {
    expect((await rowsOf(UBL.replace('2019-05-02', '2019-05-02+02:00')))[0]!.issue_date).toBe('2019-05-02');
    expect((await rowsOf(UBL.replace('2019-05-02', '02.05.2019')))[0]!.issue_date).toBe('02.05.2019');
    expect((await rowsOf(CII.replace('format="102"', 'format="203"')))[0]!.issue_date).toBe('20190502');
  });

  test('names are resolved: an element of another namespace is another element', async () => {
    const foreign = UBL.replace(
      '<cbc:ID>E-1001</cbc:ID>',
      '<ID xmlns="urn:other">no</ID><b:ID xmlns:b="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">E-1001</b:ID>',
    );
    expect((await rowsOf(foreign))[0]).toEqual(FIRST);
  });
});

describe('the document type', () => {
  test.each<[what: string, content: string, shown: string]>([
    [
      'a credit note by its root',
      CREDIT.replace(/<cbc:CreditNoteTypeCode>[\s\S]*?<\/cbc:CreditNoteTypeCode>/, ''),
      '381',
    ],
    ['a credit note with its code', CREDIT, '381'],
    ['another code of a credit note', CREDIT.replace('381', '396'), '396'],
    ['a national code of a credit note', CREDIT.replace('381', 'CRN'), 'CRN'],
    ['an invoice code in a credit note contradicts it', CREDIT.replace('381', '380'), 'CreditNote 380'],
    ['381 inside an Invoice', UBL.replace('>380', '>381'), '381'],
    [
      'an Invoice without a code',
      UBL.replace(/<cbc:InvoiceTypeCode>[\s\S]*?<\/cbc:InvoiceTypeCode>/, ''),
      '',
    ],
    ['a national code', UBL.replace('>380', '>SalesInvoice'), 'SalesInvoice'],
    ['381 in CII', CII.replace('>380<', '>381<'), '381'],
  ])('%s', async (_what, content, shown) => {
    expect((await rowsOf(content))[0]!.type_code).toBe(shown);
  });

  test('identity for a person: as stated, and the root alone of what is no invoice', async () => {
    expect(await identify(await fileOf(CII), 'a.xml')).toEqual({
      root: 'CrossIndustryInvoice',
      type_code: '380',
      number: 'E-1001',
      currency: 'EUR',
      lines: 2,
    });
    const order = '<OrderResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2"/>';
    expect(await identify(await fileOf(order), 'a.xml')).toEqual({
      root: 'OrderResponse',
      type_code: null,
      number: null,
      currency: null,
      lines: 0,
    });
  });
});

describe('figures', () => {
  const differs = async (content: string): Promise<string> => {
    const rows = await rowsOf(content);
    expect(new Set(rows.map(({ totals_differ }) => totals_differ)).size).toBe(1);
    return rows[0]!.totals_differ ?? '';
  };

  test('the lines add up to the stated sum, to the minor unit of the currency; else each row has both figures', async () => {
    expect(await differs(UBL)).toBe('');
    expect(await differs(CII)).toBe('');
    expect(await differs(UBL.replace('>135.50<', '>135.49<'))).toBe(
      'it states 135.49 EUR as the sum of its lines (BT-106), but its 2 lines add up to 135.5 EUR',
    );
    expect(await differs(CII.replace('>135.50<', '>1e2<'))).toMatch(/1e2 EUR/);
    expect(await differs(UBL.replace('>135.50<', '>135.504<'))).toBe('');
    expect(await differs(UBL.replaceAll('EUR', 'JPY').replace('>135.50<', '>136<'))).toBe('');
    expect(await differs(UBL.replace(/<cac:LegalMonetaryTotal>[\s\S]*<\/cac:LegalMonetaryTotal>/, ''))).toBe(
      '',
    );
  });

  const ubl = (totals: string, specification = 'urn:cen.eu:en16931:2017#compliant'): string =>
    UBL.replace(/<cbc:CustomizationID>.*<\/cbc:CustomizationID>/, '')
      .replace('<cbc:ID>E-1001', `<cbc:CustomizationID>${specification}</cbc:CustomizationID><cbc:ID>E-1001`)
      .replace(
        /<cac:LegalMonetaryTotal>[\s\S]*<\/cac:LegalMonetaryTotal>/,
        '<cac:TaxTotal><cbc:TaxAmount currencyID="SEK">99</cbc:TaxAmount></cac:TaxTotal>' +
          '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">25.00</cbc:TaxAmount></cac:TaxTotal>' +
          `<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">135.50</cbc:LineExtensionAmount>${totals}</cac:LegalMonetaryTotal>`,
      );
  const amount = (name: string, value: string) => `<cbc:${name} currencyID="EUR">${value}</cbc:${name}>`;
  const WITHOUT = 'TaxExclusiveAmount';
  const WITH = 'TaxInclusiveAmount';
  const PARTS = amount('AllowanceTotalAmount', '10.50') + amount('ChargeTotalAmount', '2.00');

  test.each([
    ['all that follows agrees', PARTS + amount(WITHOUT, '127.00') + amount(WITH, '152.00'), ''],
    [
      'the total without VAT',
      PARTS + amount(WITHOUT, '127.01'),
      'it states 127.01 EUR as its total without VAT (BT-109), but lines, allowances and charges come to 127 EUR',
    ],
    [
      'the total with VAT',
      amount(WITHOUT, '135.50') + amount(WITH, '160.00'),
      'it states 160.00 EUR as its total with VAT (BT-112), but its total without VAT and the VAT come to 160.5 EUR',
    ],
  ])('of a document that promises EN 16931: %s', async (_what, totals, told) => {
    expect(await differs(ubl(totals))).toBe(told);
    expect(await differs(ubl(totals, 'urn:peppol:pint:billing-1@jp-1'))).toBe(told);
    // Plain UBL has other meanings for them.
    expect(await differs(ubl(totals, 'urn:example'))).toBe('');
  });

  test('the VAT is that of the document’s currency; what is stated in none or in another proves nothing', async () => {
    const wrong = ubl(amount(WITHOUT, '135.50') + amount(WITH, '160.00'));
    const bare = wrong.replace(/<cbc:DocumentCurrencyCode>.*<\/cbc:DocumentCurrencyCode>/, '');
    expect(await differs(bare)).toMatch(/BT-112/);
    expect(await differs(bare.replace('>160.00<', '>160.50<'))).toBe('');
    for (const currency of ['', ' currencyID="SEK"'])
      expect(
        await differs(
          wrong.replace('<cbc:TaxAmount currencyID="EUR">25.00', `<cbc:TaxAmount${currency}>25.00`),
        ),
      ).toBe('');
    const withoutVat = wrong.replace(/<cac:TaxTotal>.*<\/cac:TaxTotal>/, '');
    expect(await differs(withoutVat)).toMatch(/come to 135\.5 EUR$/);
  });

  test('a total may have a plus in front', async () => {
    const signed = (text: string) =>
      text.replace(
        /(<cbc:(?:(?:Allowance|Charge)TotalAmount|Tax(?:Exclusive|Inclusive)?Amount) currencyID="EUR">)/g,
        '$1+',
      );
    const agrees = PARTS + amount(WITHOUT, '127.00') + amount(WITH, '152.00');
    expect(await differs(signed(ubl(agrees)).replace('>135.50<', '>+135.50<'))).toBe('');
    expect(await differs(signed(ubl(agrees.replace('152.00', '152.01'))))).toMatch(
      /^it states \+152\.01 EUR/,
    );
    expect(await differs(UBL.replace('>135.50<', '>+-135.50<'))).toMatch(/^it states \+-135\.50 EUR/);
  });

  test('one currency, and that of the amounts where the document names none', async () => {
    expect(
      await refused(
        UBL.replace(
          '<cbc:LineExtensionAmount currencyID="EUR">15',
          '<cbc:LineExtensionAmount currencyID="USD">15',
        ),
      ),
    ).toMatch(/EUR and USD/);
    const bare = UBL.replace(/<cbc:DocumentCurrencyCode>.*<\/cbc:DocumentCurrencyCode>/, '');
    expect((await rowsOf(bare))[0]!.currency).toBe('EUR');
  });

  test('a line whose amount cannot be read is a row, and adds nothing', async () => {
    expect(await differs(UBL.replace('>15.00</cbc:Line', '>fifteen</cbc:Line'))).toMatch(
      /add up to 120\.5 EUR/,
    );
  });

  test('no lines, no invoice', async () => {
    expect(await refused(UBL.replace(/<cac:InvoiceLine>[\s\S]*<\/cac:InvoiceLine>/, ''))).toMatch(
      /an Invoice without lines/,
    );
  });

  test('rounding is half away from zero; a division is exact or none', () => {
    const round = (text: string, decimals: number) => rounded(parseDecimal(text)!, decimals);
    expect([
      round('1.005', 2),
      round('-1.005', 2),
      round('1.0049', 2),
      round('0.5', 0),
      round('-0.4', 0),
    ]).toEqual(['1.01', '-1.01', '1', '1', '0']);
    expect([
      unitPrice('10.00', ''),
      unitPrice('10.00', '1.0'),
      unitPrice('10', '4'),
      unitPrice('1', '0.5'),
    ]).toEqual(['10.00', '10.00', '2.5', '2']);
    expect([unitPrice('10', '3'), unitPrice('10', '0'), unitPrice('10', 'x')]).toEqual(['', '', '']);
    expect([minorUnit('EUR'), minorUnit('JPY'), minorUnit('KWD')]).toEqual([2, 0, 3]);
  });
});

describe('characters', () => {
  const named = (text: string, encoding: string) => text.replace('UTF-8', encoding);
  const accented = UBL.replace('Exam voucher', 'Prüfung');

  test.each<[what: string, content: Buffer, encoding: string]>([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${accented}`), 'utf-8'],
    ['UTF-8 without a declaration', Buffer.from(accented.replace(/^<\?.*\?>\n/, '')), 'utf-8'],
    ['UTF-16 LE', Buffer.from(`\ufeff${named(accented, 'UTF-16')}`, 'utf16le'), 'utf-16le'],
    ['UTF-16 BE', Buffer.from(`\ufeff${named(accented, 'UTF-16')}`, 'utf16le').swap16(), 'utf-16be'],
    ['UTF-16 without a mark', Buffer.from(named(accented, 'UTF-16'), 'utf16le'), 'utf-16le'],
    ['ISO-8859-1', Buffer.from(named(accented, 'ISO-8859-1'), 'latin1'), 'windows-1252'],
    ['windows-1250', Buffer.from(named(accented, 'windows-1250'), 'latin1'), 'windows-1250'],
  ])('%s', async (_what, content, encoding) => {
    const path = await fileOf(content);
    const { table, rows } = await read(path);
    expect(table.encoding).toBe(encoding);
    expect(rows[1]!.item_name).toBe('Prüfung');
    await (await tables.open(path)).close();
  });

  test.each<[what: string, content: string | Buffer, says: RegExp]>([
    ['a wrong byte', Buffer.from(accented, 'latin1'), /not utf-8: the byte at offset \d+ does not decode/],
    ['a character cut at the end', Buffer.concat([Buffer.from(UBL), Buffer.of(0xc3)]), /offset \d+/],
    ['an encoding that is not read', named(UBL, 'EBCDIC-CP-US'), /encoding EBCDIC-CP-US, which is not read/],
    ['UTF-16 that is none', named(UBL, 'utf-16'), /declares the encoding utf-16 and is not written in it/],
    ['UTF-32', Buffer.from('fffe00003c000000', 'hex'), /encoding UTF-32/],
  ])('%s is refused', async (_what, content, says) => {
    expect(await refused(content)).toMatch(says);
  });

  test('the offset is that of the byte', async () => {
    const filler = `<!--${' '.repeat(100_000)}-->`;
    const bytes = Buffer.from(`${UBL.replace('</Invoice>', '')}${filler}`);
    const said = await refused(Buffer.concat([bytes, Buffer.of(0xff), Buffer.from('</Invoice>')]));
    expect(said).toContain(`offset ${bytes.length} `);
  });
});

describe('what no e-invoice needs is refused', () => {
  const comment = (text: string) => UBL.replace('<cbc:ID>E-1001', `<!--${text}--><cbc:ID>E-1001`);
  test.each<[what: string, content: string, says: RegExp]>([
    ['a file that was cut', UBL.slice(0, -200), /not well-formed XML, or was cut off: the fault is inside </],
    ['an end tag too few', UBL.replace('</cbc:ID>', ''), /not well-formed/],
    ['text behind the root', `${UBL}more`, /not well-formed.*outside its root/],
    ['an unknown entity', UBL.replace('&amp;', '&course;'), /not well-formed/],
    ['an unbound prefix', UBL.replaceAll('xmlns:cac', 'xmlns:dac'), /not well-formed/],
    [
      'a DOCTYPE with entities',
      UBL.replace('<Invoice ', '<!DOCTYPE Invoice [<!ENTITY a "aaaa">]><Invoice '),
      /declares a DOCTYPE/,
    ],
    ['an HTML page', '<?xml version="1.0"?><!DOCTYPE html><html/>', /is an HTML page/],
    [
      'a deep document',
      UBL.replace('<cbc:ID>', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}<cbc:ID>`),
      /100 elements deep/,
    ],
    ['a long comment', comment('- '.repeat(LIMITS.text)), /characters in one piece/],
    [
      'a long text',
      UBL.replace('Exam voucher', 'x '.repeat(LIMITS.text)),
      /characters in one piece, inside <Name>/,
    ],
    [
      'a long attribute',
      UBL.replace('unitCode="C62"', `unitCode="${'- '.repeat(LIMITS.text)}"`),
      /characters in one piece/,
    ],
    [
      'a long name',
      UBL.replace('<cbc:ID>', `<${'x-'.repeat(LIMITS.text)}/><cbc:ID>`),
      /characters in one piece/,
    ],
  ])('%s', async (_what, content, says) => {
    expect(await refused(content)).toMatch(says);
  });

  test('a cut anywhere', async () => {
    for (const whole of [UBL, CII])
      for (let end = 1; end < whole.trimEnd().length; end += 61)
        expect(await refused(whole.slice(0, end)), `cut at ${end}`).toMatch(/cut off|not well-formed/);
  });

  test('an identifier that would stand in very many rows', async () => {
    const long = UBL.replace('E-1001', 'x'.repeat(1_000_000));
    const line = /<cac:InvoiceLine>\s*<cbc:ID>2[\s\S]*?<\/cac:InvoiceLine>/.exec(long)![0];
    const many = long.replace(line, line.repeat(1_200)).replace('>135.50<', `>${120.5 + 15 * 1_200}<`);
    expect(await refused(many)).toMatch(/identifiers too long/);
  });
});

describe('attachments', () => {
  const base64 = Buffer.alloc(3_000_000, 'attachment').toString('base64');
  const holding = (text: string) => UBL.replace('dGVybXM=', text);
  test.each<[what: string, content: string]>([
    ['in one line', holding(base64)],
    ['in lines', holding(base64.replace(/.{76}/g, '$&\r\n'))],
    ['as CDATA', holding(`<![CDATA[${base64}\n]]>`)],
  ])('of megabytes %s are not held', async (_what, content) => {
    expect((await rowsOf(content))[0]).toEqual(FIRST);
  });

  test('a long text that is asked for is not taken for one', async () => {
    const name = 'Course '.repeat(40_000).trim();
    expect((await rowsOf(UBL.replace('Exam voucher', name)))[1]!.item_name).toBe(name);
  });
});

describe('everything else is refused by what it is', () => {
  const ubl = (root: string) => `<${root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:${root}-2"/>`;
  test.each<[content: string, says: RegExp]>([
    [
      ubl('OrderResponse'),
      /is an OrderResponse \(UBL\), an order confirmation\. Only invoices and credit notes count/,
    ],
    [ubl('Quotation'), /is a Quotation \(UBL\), an offer/],
    [ubl('Statement'), /is a Statement \(UBL\), a statement of account/],
    [ubl('DespatchAdvice'), /is a DespatchAdvice \(UBL\), a delivery note/],
    [ubl('SelfBilledCreditNote'), /is a SelfBilledCreditNote \(UBL\)/],
    [ubl('Waybill'), /is a Waybill \(UBL\)\. /],
    [
      '<p:FatturaElettronica xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"/>',
      /is a FatturaPA invoice/,
    ],
    ['<testSet xmlns="http://difi.no/xsd/vefa/validator/1.0"/>', /is a rule-test wrapper/],
    ['<html xmlns="http://www.w3.org/1999/xhtml"/>', /is an HTML page/],
    ['<Invoice/>', /is an XML document with the root element Invoice\. /],
    ['<Invoice xmlns="urn:example"/>', /root element Invoice of urn:example/],
    ['<?xml version="1.0"?><!-- nothing -->', /not well-formed/],
  ])('%s', async (content, says) => {
    expect(await refused(content)).toMatch(says);
  });

  test.each<[what: string, bytes: string, says: RegExp]>([
    ['PDF', '255044462d312e37', /is a PDF document/],
    ['old Excel', 'd0cf11e0a1b11ae1', /is an old Excel workbook \(\.xls\)/],
    ['RAR', '526172211a0700', /is a RAR archive/],
    ['a signed envelope', '308206', /is a signed envelope/],
  ])('%s', async (_what, bytes, says) => {
    await expect(tables.open(await fileOf(Buffer.from(bytes, 'hex')))).rejects.toThrow(says);
  });
});

describe('real files', () => {
  if (!existsSync(DATA)) {
    test.skip('no ../shared/data: the e-invoices of Peppol, CEN and OASIS are not tested');
    return;
  }
  const found = readdirSync(DATA, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.xml?$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));

  test('an Invoice, a CreditNote or a CII invoice is read, and every other root is refused', async () => {
    const READ = ['Invoice', 'CreditNote', 'CrossIndustryInvoice'];
    const strangers: string[] = [];
    const doubts: string[] = [];
    let invoices = 0;
    for (const path of found) {
      const { root, lines } = await identify(path, 'a.xml');
      const outcome = await read(path).catch((error: unknown) => {
        if (error instanceof LkpError && error.code === 'request') return error;
        throw error;
      });
      if (!(outcome instanceof LkpError)) {
        expect(READ).toContain(root);
        expect(outcome.rows.length).toBe(lines);
        invoices += 1;
        const doubt = outcome.rows[0]!.totals_differ;
        if (doubt) doubts.push(doubt);
      } else if (READ.includes(root)) strangers.push(outcome.message);
    }
    expect([found.length, invoices]).toEqual([302, 100]);
    expect(strangers).toEqual([]);
    // Those whose own totals are wrong.
    expect(doubts).toEqual([expect.stringContaining('1430.50 EUR')]);
  });

  test('the pairs of CEN say the same in both syntaxes, but for what their authors wrote otherwise', async () => {
    const plain = (rows: Array<Record<string, string>>) =>
      rows.map(({ price: _price, net_amount = '', ...rest }) => ({
        ...rest,
        net_amount: shortest(net_amount),
      }));
    for (const number of [4, 5, 6, 8, 9]) {
      const ubl = await read(join(DATA, `cen-en16931/ubl/examples/ubl-tc434-example${number}.xml`));
      const cii = await read(join(DATA, `cen-en16931/cii/examples/CII_example${number}.xml`));
      expect(plain(cii.rows), `example ${number}`).toEqual(plain(ubl.rows));
    }
  });
});
