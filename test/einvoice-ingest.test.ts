import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minorUnit } from '../src/einvoice/amounts.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide, waitingRows } from '../src/invoice/quarantine.ts';
import { writeRejects } from '../src/invoice/rejects.ts';
import type { FileResult } from '../src/invoice/result.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';

const CASES = fileURLToPath(new URL('cases/', import.meta.url));
const UBL = readFileSync(join(CASES, 'einvoice/one-invoice/invoice.ubl.xml'), 'utf8');
const CII = readFileSync(join(CASES, 'einvoice/one-invoice/invoice.cii.xml'), 'utf8');

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(it.context, kind, join(CASES, `ingest/reference/${kind}.csv`));
});
afterAll(() => it.drop());

const ingested = async (
  content: string,
  options: Parameters<typeof ingestFile>[2] = {},
  name = 'invoice.xml',
): Promise<FileResult> => ingestFile(it.context, await it.write(name, content), options);
const positive = (counts: object) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

describe('an e-invoice goes the way of every file', () => {
  test('its lines are counted; the same invoice in the other syntax is all duplicates', async () => {
    const ubl = await ingested(UBL);
    expect(ubl).toMatchObject({
      status: 'ingested',
      format: 'ubl',
      profile: 'e-invoice',
      documents: 1,
      lines_in: 2,
      amount_in: { EUR: '135.5' },
      physical_rows: { preamble: 0, header: 1, blank: 0, lines: 2 },
    });
    // The second line names no SKU.
    expect(positive(ubl.dispositions)).toEqual({ counted: 1, unmapped: 1 });
    const cii = await ingested(CII, {}, 'invoice-cii.xml');
    expect(cii).toMatchObject({ status: 'ingested', format: 'cii', lines_in: 2 });
    expect(positive(cii.dispositions)).toEqual({ duplicate: 2 });
  });

  test.each<[what: string, content: string, dispositions: object, amount: string]>([
    [
      '381 inside an Invoice is a reversal',
      UBL.replace('>380', '>381'),
      { reversal: 1, unmapped: 1 },
      '-135.5',
    ],
    ['325 is no invoice', UBL.replace('>380', '>325'), { rejected: 2 }, '135.5'],
    ['326 is for a person', UBL.replace('>380', '>326'), { quarantined: 2 }, '135.5'],
    ['so is a national code', UBL.replace('>380', '>SalesInvoice'), { quarantined: 2 }, '135.5'],
  ])('%s', async (_what, content, dispositions, amount) => {
    const found = await ingested(content.replace('E-1001', 'E-2001'), { dryRun: true });
    expect(found).toMatchObject({ status: 'ingested', lines_in: 2, amount_in: { EUR: amount } });
    expect(positive(found.dispositions)).toEqual(dispositions);
  });

  test('a national code that the profile maps is what it is mapped to', async () => {
    const shipped = readFileSync(new URL('../src/invoice/profiles/e-invoice.yaml', import.meta.url), 'utf8');
    const profile = await it.write(
      'national.yaml',
      `${shipped}document_type: { map: { Gutschrift: '381' } }\n`,
    );
    const credit = UBL.replace('E-1001', 'E-2002').replace('>380', '>Gutschrift');
    const found = await ingested(credit, { dryRun: true, profile });
    expect(positive(found.dispositions)).toEqual({ reversal: 1, unmapped: 1 });
  });

  test.each<[what: string, content: string, says: RegExp]>([
    ['a file that was cut', UBL.slice(0, -30), /was cut off/],
    ['another document', UBL.replaceAll('Invoice', 'Quotation'), /is a Quotation \(UBL\), an offer/],
  ])('%s is refused, and said once', async (_what, content, says) => {
    const found = await ingested(content);
    expect(found).toMatchObject({ status: 'refused', lines_in: 0 });
    expect(found.reason).toMatch(says);
    expect(found.reason!.match(/invoice\.xml/g)).toHaveLength(1);
  });

  test('a profile reads the formats that it names', async () => {
    const found = await ingested(UBL.replace('E-1001', 'E-3001'), { profile: 'canonical' });
    expect(found).toMatchObject({ status: 'refused', format: 'ubl' });
    expect(found.reason).toMatch(/No profile that was tried \(canonical\) reads ubl files/);
  });
});

test('the minor units are those of the currency table', async () => {
  const known = await it.rows<{ code: string; minor_unit: number }>(
    'select code, minor_unit from currency where valid_to is null',
  );
  expect(known.length).toBeGreaterThan(150);
  expect(known.filter(({ code, minor_unit }) => minorUnit(code) !== minor_unit)).toEqual([]);
});

describe('an e-invoice whose totals differ', () => {
  const FALSE_SUM = UBL.replaceAll('E-1001', 'E-77').replace('>135.50<', '>140.00<');
  const waiting = async () =>
    (await waitingRows(it.context, 'E-77')).map(({ row_no, rule, reason }) => [row_no, rule, reason]);

  test('waits with both figures until a person lets it count as it is', async () => {
    expect(await ingested(FALSE_SUM, { dryRun: true })).toMatchObject({
      verdicts: [{ root: 'Invoice', number: 'E-77', verdict: 'quarantine', rule: 'totals-differ' }],
    });
    expect(positive((await ingested(FALSE_SUM)).dispositions)).toEqual({ quarantined: 2 });
    const told =
      "The document's figures contradict each other: it states 140.00 EUR as the sum of its lines (BT-106), but its 2 lines add up to 135.5 EUR.";
    expect(await waiting()).toEqual([
      [1, 'totals-differ', told],
      [2, 'totals-differ', told],
    ]);
    await decide(it.context, 'E-77', 'release', { reason: 'the lines are right' });
    expect(await waiting()).toEqual([]);
    expect(positive((await ingested(FALSE_SUM)).dispositions)).toEqual({ counted: 1, unmapped: 1 });
    await decide(it.context, 'E-77', 'reopen', { reason: 'they are not' });
    expect(await waiting()).toHaveLength(2);
  });

  test('and as long as the file that says so stands', async () => {
    const corrected = UBL.replaceAll('E-1001', 'E-77');
    expect(positive((await ingested(corrected, {}, 'corrected.xml')).dispositions)).toEqual({ duplicate: 2 });
    const { sha256 } = await ingested(FALSE_SUM);
    await withdrawFile(it.context, sha256, 'its sum is wrong');
    expect(await waiting()).toEqual([]);
    expect(positive((await ingested(corrected, {}, 'corrected.xml')).dispositions)).toEqual({
      counted: 1,
      unmapped: 1,
    });
  });

  test('its rows come back corrected, and wait no more', async () => {
    const { sha256 } = await ingested(FALSE_SUM.replaceAll('E-77', 'E-78'), {}, 'doubt.xml');
    const path = join(it.home, 'corrected.xlsx');
    expect(await writeRejects(it.context, sha256, { out: path })).toMatchObject({ rows: 2 });
    const { dispositions } = await ingestFile(it.context, path);
    expect(positive(dispositions)).toEqual({ counted: 1, unmapped: 1 });
    expect(await waitingRows(it.context, 'E-78')).toEqual([]);
  });

  test('a 384 that is let through replaces what it refers to', async () => {
    await ingested(UBL.replaceAll('E-1001', 'E-80'), {}, 'first.xml');
    const corrected = FALSE_SUM.replaceAll('E-77', 'E-81')
      .replace('InvoiceTypeCode>380', 'InvoiceTypeCode>384')
      .replace('E-0990', 'E-80');
    expect(positive((await ingested(corrected, {}, 'corrected-invoice.xml')).dispositions)).toEqual({
      quarantined: 2,
    });
    const first = async () =>
      positive((await ingested(UBL.replaceAll('E-1001', 'E-80'), {}, 'first.xml')).dispositions);
    expect(await first()).toEqual({ counted: 1, unmapped: 1 });
    await decide(it.context, 'E-81', 'release', { reason: 'the lines are right' });
    expect(await first()).toEqual({ superseded: 2 });
    expect(positive((await ingested(corrected, {}, 'corrected-invoice.xml')).dispositions)).toEqual({
      counted: 1,
      unmapped: 1,
    });
  });
});
