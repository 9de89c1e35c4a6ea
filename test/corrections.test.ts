import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ExcelJS from 'exceljs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide, waitingRows } from '../src/invoice/quarantine.ts';
import { writeRejects } from '../src/invoice/rejects.ts';
import type { FileResult } from '../src/invoice/result.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { explain } from '../src/kpi/explain.ts';
import { refresh } from '../src/kpi/refresh.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const KINDS: readonly KindName[] = ['partners', 'locations', 'customers', 'products'];
const HEADER = `Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n`;
const UNNUMBERED = HEADER.replace('Invoice line identifier,', '');

let it: TestContext;
let known: string;
beforeAll(async () => {
  it = await testContext();
  for (const kind of KINDS) await loadReference(it.context, kind, join(REFERENCE, `${kind}.csv`));
  known = await it.keep();
});
beforeEach(async () => {
  it = await testContext({ from: known });
});
afterEach(async () => {
  // Whatever happened, every file balances.
  const files = await it.rows<{ id: number }>(`select id from file where kind = 'invoices'`);
  for (const { id } of files) {
    const broken = await it.context.db.transaction('check', (tx) =>
      tx.file('checks/file_conservation', { file_ids: id }),
    );
    expect(broken).toEqual([]);
  }
  await it.drop();
});

const line = (number: string, no: number | '', units: number, more: Record<string, string> = {}): string => {
  const { date = '2019-05-02', type = '380', refers = '', customer = 'C100' } = more;
  const place = no === '' ? [] : [String(no)];
  return `${[number, date, type, 'USD', refers, customer, ...place, units, `${units}0.00`, 'MOC-1'].join(',')}\n`;
};
const take = async (name: string, ...lines: string[]): Promise<FileResult> =>
  ingestFile(it.context, await it.write(name, HEADER + lines.join('')));
const takeUnnumbered = async (name: string, ...lines: string[]): Promise<FileResult> =>
  ingestFile(it.context, await it.write(name, UNNUMBERED + lines.join('')));

/** What the rows of a file are now, without the words that have none. */
async function now(name: string): Promise<Record<string, number>> {
  const { dispositions } = await ingestFile(it.context, join(await it.write('x', ''), '..', name));
  return Object.fromEntries(Object.entries(dispositions).filter(([, rows]) => rows > 0));
}
/** So many units of the course: KPI value under the weight of 2019, revenue. */
const units = (count: number): [string, string] => [String(2 * count), String(10 * count)];
/** KPI value and revenue of a cycle as they would be now. */
const worth = async (cycle: string): Promise<[string, string]> => {
  const { kpi_value, revenue_value } = await refresh(it.context, cycle, { plan: true });
  return [kpi_value, revenue_value];
};

describe('lkp withdraw', () => {
  test('rows of other files take the place of what they repeated; the same bytes may come again', async () => {
    await take('one.csv', line('A-1', 1, 2), line('A-1', 2, 3));
    await take('two.csv', line('A-1', 1, 2), line('A-2', 1, 1));
    expect(await now('two.csv')).toEqual({ duplicate: 1, counted: 1 });
    expect(await worth('2019-06')).toEqual(units(6));

    expect(await withdrawFile(it.context, 'one.csv', 'a test file')).toMatchObject({
      lines: 2,
      took_their_place: 1,
    });
    expect(await now('two.csv')).toEqual({ counted: 2 });
    expect(await worth('2019-06')).toEqual(units(3));

    // Withdrawn bytes are not known any more: they come as new, and are now the repeats.
    expect((await take('one.csv', line('A-1', 1, 2), line('A-1', 2, 3))).dispositions).toMatchObject({
      duplicate: 1,
      counted: 1,
    });
    expect(await worth('2019-06')).toEqual(units(6));
  });

  test('a conflict ends when one of its versions is withdrawn', async () => {
    await take('one.csv', line('A-1', 1, 2));
    await take('two.csv', line('A-1', 1, 5));
    expect(await now('one.csv')).toEqual({ quarantined: 1 });
    await withdrawFile(it.context, 'two.csv', 'typed wrongly');
    expect(await now('one.csv')).toEqual({ counted: 1 });
  });

  test('a corrected invoice that is withdrawn leaves the original', async () => {
    await take('one.csv', line('A-1', 1, 2));
    await take('two.csv', line('A-9', 1, 1, { type: '384', refers: 'A-1', date: '2019-06-03' }));
    expect(await worth('2019-07')).toEqual(units(1));
    await withdrawFile(it.context, 'two.csv', 'never sent');
    expect(await worth('2019-07')).toEqual(units(2));
    expect(await now('one.csv')).toEqual({ counted: 1 });
  });

  test('an original that is withdrawn makes its correction wait', async () => {
    await take('one.csv', line('A-1', 1, 2));
    await take('two.csv', line('A-9', 1, 1, { type: '384', refers: 'A-1', date: '2019-06-03' }));
    await withdrawFile(it.context, 'one.csv', 'wrong file');
    expect((await waitingRows(it.context)).map(({ number, rule }) => [number, rule])).toEqual([
      ['A-9', 'pending-reference'],
    ]);
  });

  test('an unknown file, an ambiguous name', async () => {
    await expect(withdrawFile(it.context, 'no.csv', 'x')).rejects.toThrow('No file no.csv was ingested');
    await take('a/one.csv', line('A-1', 1, 2));
    await take('b/one.csv', line('A-2', 1, 2));
    await expect(withdrawFile(it.context, 'one.csv', 'x')).rejects.toThrow('2 files are called one.csv');
  });
});

describe('corrected invoices over the cycles', () => {
  test('the original counts until the correction shows, which takes its month', async () => {
    await take(
      'one.csv',
      line('A-1', 1, 2, { date: '2019-05-20' }),
      line('A-1', 2, 1, { date: '2019-05-20' }),
    );
    await take(
      'two.csv',
      line('A-9', 1, 7, { type: '384', refers: 'A-1', date: '2019-07-03', customer: 'C200' }),
    );
    // Issued in July: visible from the cycle 2019-08 on.
    for (const cycle of ['2019-06', '2019-07']) expect(await worth(cycle)).toEqual(units(3));
    for (const cycle of ['2019-08', '2020-05']) expect(await worth(cycle)).toEqual(units(7));
    // In May's place: it leaves the window with May.
    expect(await worth('2020-06')).toEqual(units(0));

    const { conservation } = await refresh(it.context, '2019-08');
    expect(conservation.dispositions).toMatchObject({ superseded: 2, counted: 1 });
    expect(await it.rows(`select location_mpn_id, kpi_month, lines, units from snapshot_cell`)).toEqual([
      { location_mpn_id: '5002', kpi_month: '2019-05-01', lines: 1, units: '7' },
    ]);
    expect((await refresh(it.context, '2019-07')).conservation.dispositions).toMatchObject({
      counted: 2,
      'not-yet-visible': 1,
      superseded: 0,
    });
  });

  test('a late original takes the correction out of quarantine, and back in time', async () => {
    await take('two.csv', line('A-9', 1, 7, { type: '384', refers: 'A-1', date: '2019-07-03' }));
    expect(await worth('2019-08')).toEqual(units(0));
    await take('one.csv', line('A-1', 1, 2, { date: '2019-05-20' }));
    expect(await worth('2019-07')).toEqual(units(2));
    expect(await worth('2019-08')).toEqual(units(7));
  });

  test('a customer number that moves takes the taken-back lines along', async () => {
    await take('one.csv', line('A-1', 1, 2, { date: '2019-05-20' }));
    await take(
      'two.csv',
      line('A-9', 1, 7, { type: '384', refers: 'A-1', date: '2019-07-03', customer: 'C200' }),
    );
    await refresh(it.context, '2019-08');
    await loadReference(
      it.context,
      'customers',
      await it.write('moved.csv', 'customer_number,location_mpn_id,valid_from,valid_to\nC100,5002,,\n'),
    );
    expect(await worth('2019-08')).toEqual(units(7));
    expect(await worth('2019-07')).toEqual(units(2));
  });
});

describe('lkp quarantine', () => {
  test('of two versions one is picked; what repeats the other is no new conflict, what says more is', async () => {
    await take('one.csv', line('A-1', 1, 2), line('A-1', 2, 1));
    await take('two.csv', line('A-1', 1, 5), line('A-1', 2, 1));
    expect((await waitingRows(it.context, 'A-1')).map(({ file, line_no }) => [file, line_no])).toEqual([
      ['one.csv', '1'],
      ['two.csv', '1'],
    ]);
    await expect(decide(it.context, 'A-1', 'release', { reason: 'x' })).rejects.toThrow(
      'came in several versions, in one.csv and two.csv',
    );
    expect(
      await decide(it.context, 'A-1', 'release', { reason: 'as on paper', file: 'two.csv' }),
    ).toMatchObject({ waiting: 0 });
    expect(await now('one.csv')).toEqual({ superseded: 1, counted: 1 });
    expect(await now('two.csv')).toEqual({ counted: 1, duplicate: 1 });
    expect(await worth('2019-06')).toEqual(units(6));

    await take('three.csv', line('A-1', 1, 2));
    expect(await now('three.csv')).toEqual({ duplicate: 1 });
    await take('four.csv', line('A-1', 1, 9));
    expect(await now('four.csv')).toEqual({ quarantined: 1 });
    expect(await now('two.csv')).toEqual({ quarantined: 1, duplicate: 1 });
    await decide(it.context, 'A-1', 'refuse', { reason: 'no such invoice', file: 'four.csv' });
    expect(await worth('2019-06')).toEqual(units(6));

    await decide(it.context, 'A-1', 'reopen', { reason: 'look again' });
    expect((await waitingRows(it.context, 'A-1')).map(({ file }) => file)).toEqual([
      'four.csv',
      'one.csv',
      'two.csv',
    ]);
  });

  test('of two versions of an invoice without line numbers', async () => {
    await takeUnnumbered('one.csv', line('A-1', '', 1), line('A-1', '', 2));
    await takeUnnumbered('two.csv', line('A-1', '', 1), line('A-1', '', 3));
    await decide(it.context, 'A-1', 'release', { reason: 'as on paper', file: 'two.csv' });
    expect(await now('one.csv')).toEqual({ superseded: 2 });
    expect(await worth('2019-06')).toEqual(units(4));
  });

  test('a type that a person must look at: released, refused, reopened', async () => {
    await take('one.csv', line('A-1', 1, 2, { type: '386' }), line('A-2', 1, 3, { type: '386' }));
    await decide(it.context, 'A-1', 'release', { reason: 'an invoice after all' });
    await decide(it.context, 'A-2', 'refuse', { reason: 'a prepayment' });
    expect(await now('one.csv')).toEqual({ rejected: 1, counted: 1 });
    await decide(it.context, 'A-2', 'reopen', { reason: 'sorry' });
    expect(await now('one.csv')).toEqual({ quarantined: 1, counted: 1 });
    expect(
      (
        await it.rows(
          `select kind, actor, reason from change where kind in ('release', 'refuse', 'reopen') order by no`,
        )
      ).map((change) => Object.values(change)),
    ).toEqual([
      ['release', 'operations', 'an invoice after all'],
      ['refuse', 'operations', 'a prepayment'],
      ['reopen', 'operations', 'sorry'],
    ]);
    await expect(decide(it.context, 'A-7', 'release', { reason: 'x' })).rejects.toThrow(
      'Nothing of an invoice A-7 waits',
    );
    await expect(decide(it.context, 'A-7', 'reopen', { reason: 'x' })).rejects.toThrow('No decision stands');
  });

  test('what is said no more has no part in a decision', async () => {
    // What was withdrawn was of another type: the version that is picked does not count whatever else is said of it.
    await take('one.csv', line('A-1', 1, 2, { type: '386' }));
    await take('two.csv', line('A-1', 1, 2));
    await withdrawFile(it.context, 'one.csv', 'not a prepayment');
    await take('three.csv', line('A-1', 1, 5));
    await decide(it.context, 'A-1', 'release', { reason: 'as on paper', file: 'two.csv' });
    expect(await now('two.csv')).toEqual({ counted: 1 });
    await take('four.csv', line('A-1', 2, 1, { type: '386' }));
    expect(await now('four.csv')).toEqual({ quarantined: 1 });

    // A row without a line number came back corrected: lines are told apart by their numbers again.
    const { sha256 } = await takeUnnumbered('whole.csv', line('B-1', '', 7));
    await take('both.csv', line('B-1', 1, 2), line('B-1', 2, 3));
    const corrected = `${HEADER.trim()},lkp file,lkp row\n${line('B-2', 1, 7).trim()},${sha256},2\n`;
    await ingestFile(it.context, await it.write('corrected.csv', corrected));
    await take('first.csv', line('B-1', 1, 5));
    await take('second.csv', line('B-1', 2, 4));
    await decide(it.context, 'B-1', 'release', { reason: 'as on paper', file: 'first.csv' });
    expect(await now('both.csv')).toEqual({ superseded: 1, quarantined: 1 });
    expect(await now('second.csv')).toEqual({ quarantined: 1 });
  });

  test('an earlier revision does not move', async () => {
    await take('one.csv', line('A-1', 1, 2));
    const before = await refresh(it.context, '2019-06');
    await take('two.csv', line('A-1', 1, 5));
    await decide(it.context, 'A-1', 'release', { reason: 'as on paper', file: 'two.csv' });
    expect(await refresh(it.context, '2019-06')).toMatchObject({ outcome: 'differs' });
    const { kpi_value } = await refresh(it.context, '2019-06', { restate: true, reason: 'the paper' });
    expect([before.kpi_value, kpi_value]).toEqual(['4', '10']);
  });
});

test('what cannot be read is listed with what waits, and no decision makes it count', async () => {
  await take('errors.csv', line('A-1', 1, 1, { customer: '#N/A' }), line('A-2', 1, 1));
  expect(await waitingRows(it.context)).toMatchObject([
    { number: 'A-1', file: 'errors.csv', row_no: 2, rule: 'cell-without-value' },
  ]);
  await expect(decide(it.context, 'A-1', 'release', { reason: 'x' })).rejects.toThrow(
    'Row 2 of errors.csv cannot be read, so that no decision makes it count.',
  );
});

describe('rows that come back corrected', () => {
  const BROKEN = [
    line('A-1', 1, 2),
    line('A-1', 2, 3).replace('2019-05-02', '2019-05-32'),
    line('A-2', 1, 1).replace(',1,10.00', ',one,10.00'),
    line('A-3', 1, 4, { type: 'SalesInvoice' }),
    'A-4,too,short\n',
  ];

  test('the rejects stand in the columns of the source, with rule, reason and hint; all of them', async () => {
    const path = await it.write('broken.csv', HEADER + BROKEN.join(''));
    const { files } = await ingestAll(it.context, [path]);
    expect(files[0]).toMatchObject({ dispositions: { rejected: 3, quarantined: 1, counted: 1 } });
    const book = new ExcelJS.Workbook();
    await book.xlsx.load((await readFile(files[0]!.rejects!)) as unknown as ArrayBuffer);
    const sheet = book.worksheets[0]!;
    const texts: string[][] = [];
    sheet.eachRow((row) =>
      texts.push(Array.from(row.values as unknown[], (cell) => String(cell ?? '')).slice(1)),
    );
    expect(texts[0]).toEqual([
      ...HEADER.trim().split(','),
      'lkp file',
      'lkp row',
      'lkp disposition',
      'lkp rule',
      'lkp reason',
      'lkp hint',
    ]);
    expect(texts.slice(1).map((row) => [row[1], row[11], row[12], row[13]])).toEqual([
      ['2019-05-32', '3', 'rejected', 'issue-date-unreadable'],
      ['2019-05-02', '4', 'rejected', 'quantity-unreadable'],
      ['2019-05-02', '5', 'quarantined', 'document-type-unknown'],
      ['', '6', 'rejected', 'ragged-row'],
    ]);

    // Corrected in Excel and ingested again, they take the old rows' places.
    sheet.getCell('B2').value = '2019-05-03';
    sheet.getCell('H3').value = 1;
    sheet.getCell('C4').value = '380';
    sheet.spliceRows(5, 1);
    const corrected = await it.write('corrected.xlsx', new Uint8Array(await book.xlsx.writeBuffer()));
    const again = await ingestAll(it.context, [corrected]);
    expect(again.files[0]).toMatchObject({
      status: 'ingested',
      lines_in: 3,
      dispositions: { counted: 3 },
    });
    expect(await now('broken.csv')).toEqual({ superseded: 3, rejected: 1, counted: 1 });
    expect(await worth('2019-06')).toEqual(units(10));
    expect(await writeRejects(it.context, 'broken.csv')).toMatchObject({ rows: 1 });

    // And when the correction was wrong, they stand again.
    await withdrawFile(it.context, 'corrected.xlsx', 'typed in haste');
    expect(await now('broken.csv')).toEqual({ rejected: 3, quarantined: 1, counted: 1 });
    expect(await worth('2019-06')).toEqual(units(2));
  });

  test('a correction whose reference was missing', async () => {
    const { sha256 } = await take(
      'one.csv',
      line('A-1', 1, 2),
      line('A-9', 1, 1, { type: '384', date: '2019-06-03' }),
    );
    const filled = line('A-9', 1, 1, { type: '384', date: '2019-06-03', refers: 'A-1' }).trim();
    await ingestFile(
      it.context,
      await it.write('filled.csv', `${HEADER.trim()},lkp file,lkp row\n${filled},${sha256.slice(0, 12)},3\n`),
    );
    expect(await now('one.csv')).toEqual({ superseded: 2 });
    expect(await worth('2019-07')).toEqual(units(1));
  });

  test('two rows that correct the same one, whose number each writes its own way', async () => {
    const { sha256 } = await take('bad.csv', line('A-1', 1, 2, { date: '2019-05-32' }));
    const both = ['2', '02'].map(
      (row, no) => `${line('A-1', no + 1, 1).trim()},${sha256.slice(0, 12)},${row}\n`,
    );
    const taken = await ingestFile(
      it.context,
      await it.write('good.csv', `${HEADER.trim()},lkp file,lkp row\n${both.join('')}`),
    );
    expect(taken).toMatchObject({ dispositions: { counted: 2 } });
    expect(taken.warnings).toEqual([expect.stringContaining('1 rows (the first is row 3)')]);
    expect(await now('bad.csv')).toEqual({ superseded: 1 });
  });

  test('a row that says it corrects one that waits for nothing is a new row, with a warning', async () => {
    const { sha256 } = await take('good.csv', line('A-1', 1, 2));
    const extended = `${HEADER.trim()},lkp file,lkp row\n${line('A-5', 1, 1).trim()},${sha256.slice(0, 12)},2\n`;
    const taken = await ingestFile(it.context, await it.write('again.csv', extended));
    expect(taken).toMatchObject({ dispositions: { counted: 1 } });
    expect(taken.warnings).toEqual([
      expect.stringContaining('1 rows (the first is row 2) say which row they correct'),
    ]);
    expect(await now('good.csv')).toEqual({ counted: 1 });
  });

  test('under a profile of a path, in its encoding; in an e-invoice too', async () => {
    const profile = await it.write(
      'latin.yaml',
      'name: latin\nseller: S\nencoding: windows-1252\ndelimiter: ";"\ncurrency: EUR\n' +
        'columns: {invoice_number: [Nr], issue_date: [Datum], customer_number: [Kunde], quantity: [Menge], net_amount: [Betrag], sku: [Artikel]}\n' +
        'document_type: {otherwise: "380"}\n',
    );
    const latin = Buffer.from(
      'Nr;Datum;Kunde;Menge;Betrag;Artikel\r\nA\u00fc1;2019-05-41;C1;1;10.00;X\r\n',
      'latin1',
    );
    const path = await it.write('latin.csv', latin);
    const { files } = await ingestAll(it.context, [path], { profile });
    const book = new ExcelJS.Workbook();
    await book.xlsx.readFile(files[0]!.rejects!);
    expect(book.worksheets[0]!.getCell('A2').value).toBe('Aü1');
    await expect(writeRejects(it.context, 'latin.csv')).rejects.toThrow(
      'was ingested under the profile latin',
    );

    const invoice = await readFile(join(REFERENCE, '../../einvoice/one-invoice/invoice.ubl.xml'), 'utf8');
    const waiting = await it.write(
      'waits.xml',
      invoice.replace('InvoiceTypeCode>380', 'InvoiceTypeCode>386'),
    );
    expect((await ingestAll(it.context, [waiting])).files[0]).toMatchObject({
      dispositions: { quarantined: 2 },
      rejects: expect.stringContaining('waits-'),
    });
  });

  test('a file without such rows has no rejects', async () => {
    await take('good.csv', line('A-1', 1, 2));
    expect(await writeRejects(it.context, 'good.csv')).toMatchObject({ rows: 0 });
  });
});

describe('lkp explain', () => {
  const about = async (number: string) =>
    (await explain(it.context, { number })).map(({ file, row_no, disposition, rule }) => [
      file,
      row_no,
      disposition,
      rule,
    ]);

  test('a line that counts: whose it is, what it is worth, where it shows', async () => {
    await take('one.csv', line('A-1', 1, 2));
    await refresh(it.context, '2019-06');
    const [row, ...others] = await explain(it.context, { number: 'A-1' });
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      file: 'one.csv',
      row_no: 2,
      disposition: 'counted',
      rule: null,
      location_mpn_id: '5001',
      partner_mpn_id: '4001',
      partner_name: 'Harbor Learning',
      weight: '2',
      kpi_value: '4',
      amount: '20',
      currency: 'USD',
      revenue: '20.00',
      kpi_month: '2019-05',
      cycles: { from: '2019-06', to: '2020-05', first_shown: '2019-06-15' },
      shown_in: [{ cycle: '2019-06', revision: 1 }],
    });
    expect(await explain(it.context, { file: 'one.csv', row: 2 })).toEqual([row]);
  });

  test('every other fate of a row', async () => {
    await take('one.csv', line('A-1', 1, 2), line('A-2', 1, 1), line('A-4', 1, 1, { date: '2019-13-01' }));
    await take('two.csv', line('A-1', 1, 2), line('A-2', 1, 5), line('A-3', 1, 1, { customer: 'CI00' }));
    await take('three.csv', line('A-9', 1, 1, { type: '384', refers: 'A-1', date: '2019-07-01' }));
    await take('four.csv', line('A-1', 1, 2));
    await withdrawFile(it.context, 'four.csv', 'sent twice');
    expect(await about('A-1')).toEqual([
      ['four.csv', 2, 'superseded', 'file-withdrawn'],
      ['one.csv', 2, 'superseded', 'invoice-corrected'],
      ['two.csv', 2, 'duplicate', 'duplicate'],
    ]);
    expect(await about('A-2')).toEqual([
      ['one.csv', 3, 'quarantined', 'conflict'],
      ['two.csv', 3, 'quarantined', 'conflict'],
    ]);
    expect(await about('A-3')).toEqual([['two.csv', 4, 'unmapped', 'customer-number-unknown']]);
    expect((await explain(it.context, { number: 'A-3' }))[0]!.near_misses).toBe('C100');
    expect(await about('A-4')).toEqual([['one.csv', 4, 'rejected', 'issue-date-unreadable']]);
    expect(
      (await explain(it.context, { number: 'A-1' })).find(({ rule }) => rule === 'invoice-corrected'),
    ).toMatchObject({
      reason: 'The corrected invoice A-9 counts instead.',
      cycles: { from: '2019-06', to: '2019-07' },
    });
    await expect(explain(it.context, { number: 'A-77' })).rejects.toThrow('No row of an invoice A-77');
    await expect(explain(it.context, { file: 'one.csv', row: 99 })).rejects.toThrow(
      'No row 99 of a file one.csv',
    );
  });

  test('the same bytes that came again stand behind those that were taken back', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => line('A-1', index + 1, 1 + index));
    await take('one.csv', ...rows);
    await withdrawFile(it.context, 'one.csv', 'wrong');
    await take('one.csv', ...rows);
    const found = await about('A-1');
    expect(found.map(([, row, , rule]) => [row, rule])).toEqual(
      found.map(([, row], index) => [row, index % 2 === 0 ? 'file-withdrawn' : null]),
    );
  });

  test('numbers that a tired eye takes for a known one', async () => {
    await take(
      'one.csv',
      ...['C10O', 'C0l0', 'C010', 'C777'].map((customer, index) => line(`A-${index}`, 1, 1, { customer })),
    );
    const near = await it.rows(
      `select customer_number, (select string_agg(known.customer_number, ',') from customer as known
         where look_alike(known.customer_number) = look_alike(line.customer_number)
            or is_transposed(known.customer_number, line.customer_number)) as near
       from line order by row_no`,
    );
    expect(near.map((row) => Object.values(row))).toEqual([
      ['C10O', 'C100'],
      ['C0L0', null],
      ['C010', 'C100'],
      ['C777', null],
    ]);
  });
});
