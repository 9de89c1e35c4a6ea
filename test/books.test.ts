import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWorkbooks } from '../src/excel/write.ts';
import { headline, type PartnerReport, partnerBook, shown } from '../src/kpi/partner-book.ts';
import { distance, levelChange, programBook, type Standing } from '../src/kpi/program-book.ts';
import type { Book } from '../src/ports.ts';
import { hasOpenpyxl, inFolder, openpyxl, readAll, sha256 } from './excel-fixtures.ts';
import { lines, partnerReport, programReport, provenance, uncounted } from './fictional-reports.ts';

const SEVEN = ['Month', 'Year', 'OMLP type', 'Purchase unit', 'Invoice #', 'KPI value', 'Revenue value'];
const EVIDENCE = [
  'Location',
  'Issue date',
  'SKU',
  'Invoiced quantity',
  'Currency',
  'Currency amount',
  'Exchange rate',
  'Rate of',
  'Rate source',
  'File',
  'Row',
  'Note',
];
const WARNING = "Some thresholds or weights in this report are SAMPLE numbers, not the program's.";

/** Sheets of a written book: each a list of rows, each a list of cells. */
async function written(book: Book): Promise<Map<string, (string | null)[][]>> {
  return inFolder(async (folder) => {
    const path = join(folder, 'book.xlsx');
    await createWorkbooks().write(path, book);
    if (hasOpenpyxl) expect(Object.keys(openpyxl(path)).length).toBeGreaterThan(0);
    return new Map([...(await readAll(path))].map(([name, rows]) => [name, rows.map((row) => row.cells)]));
  });
}

/** The row whose first cell is this. */
const row = (sheet: (string | null)[][], label: string): (string | null)[] | undefined =>
  sheet.find(([first]) => first === label);

describe("a partner's workbook", () => {
  it('has its sheets in order, and the KPI lines under the seven headers of the program', async () => {
    const book = await written(partnerBook(partnerReport(40)));
    expect([...book.keys()]).toEqual([
      'Summary',
      'KPI lines',
      'By month',
      'Forecast',
      'Not counted',
      'About',
    ]);
    const [headers, ...rows] = book.get('KPI lines')!;
    expect(headers).toEqual([...SEVEN, 'KPI class', ...EVIDENCE]);
    expect(rows).toHaveLength(41);
    const {
      month,
      year,
      omlpType,
      purchaseUnit,
      invoice,
      kpiValue,
      kpiClass,
      location,
      issueDate,
      sku,
      file,
      rate,
      rateDate,
      rateSource,
      note,
    } = lines(40)[22]!;
    expect(note).toBe('reversal');
    expect(rows[22]).toMatchObject(
      [
        month,
        year,
        omlpType,
        purchaseUnit,
        invoice,
        kpiValue,
        /./,
        kpiClass,
        location,
        issueDate,
        sku,
        purchaseUnit,
        /./,
        /./,
        rate,
        rateDate,
        rateSource,
        file,
        '24',
        note,
      ].map((value) => (value instanceof RegExp ? expect.stringMatching(value) : value)),
    );
    expect(rows.at(-1)!.slice(0, 7)).toEqual(['Total', null, null, '750', null, '664', '75157.78']);
  });

  it('says on its face which numbers are samples, and only then', async () => {
    const report = partnerReport(1);
    const withSample = await written(partnerBook(report));
    expect(withSample.get('Summary')!.flat()).toContain(WARNING);
    const without = await written(partnerBook({ ...report, sample: false }));
    expect([...without.values()].flat(2)).not.toContain(WARNING);
  });

  it('shows each requirement with figure, threshold, share, outcome and source', async () => {
    const summary = (await written(partnerBook(partnerReport(1)))).get('Summary')!;
    expect(summary[0]![0]).toBe('İstanbul Öğrenim Çözümleri A.Ş.');
    expect(summary[1]![0]).toBe('Level reached: Silver (Data Analytics), Learning Action Pack');
    expect(row(summary, 'MPN ID')![1]).toBe('0551200');
    expect(row(summary, 'Reporting window')![1]).toBe('2019-05 to 2020-04');
    expect(row(summary, 'Courseware KPI (Gold)')).toEqual([
      'Courseware KPI (Gold)',
      '812.5',
      '1000',
      'KPI',
      '0.812',
      'not met',
      'sample',
    ]);
    expect(row(summary, 'Exams passed')![5]).toBe('waived');
    expect(row(summary, 'Survey score')).toEqual([
      'Survey score',
      null,
      '4.25',
      'score',
      null,
      'no data',
      'FY24 requirements',
    ]);
    expect(row(summary, 'Fundamentals courseware: above the cap of 300 KPI')!.slice(1, 6)).toEqual([
      '41.5',
      null,
      'KPI',
      null,
      'not counted',
    ]);
  });

  it('adds up by month both ways, with every month of the window', async () => {
    const sheet = (await written(partnerBook(partnerReport(40)))).get('By month')!;
    const start = sheet.findIndex(([first]) => first === 'KPI value');
    expect(sheet[start + 1]).toEqual([
      'Month',
      'Custom MOC',
      'Exam vouchers',
      'Labs Online',
      'MOC',
      'MOC On-Demand',
      'Total',
    ]);
    const months = sheet.slice(start + 2, start + 14);
    expect(months.map(([month]) => month)).toEqual(
      [
        '2019-05',
        '2019-06',
        '2019-07',
        '2019-08',
        '2019-09',
        '2019-10',
        '2019-11',
        '2019-12',
        '2020-01',
        '2020-02',
        '2020-03',
        '2020-04',
      ].map((month) => `${month}-01`),
    );
    const sum = (cells: (string | null | undefined)[]): number =>
      cells.reduce((total, cell) => total + Number(cell), 0);
    for (const cells of [...months, sheet[start + 14]!])
      expect(sum(cells.slice(1, 6))).toBe(Number(cells[6]));
    for (const column of [1, 2, 3, 4, 5, 6])
      expect(sum(months.map((cells) => cells[column]))).toBe(Number(sheet[start + 14]![column]));
  });

  it('shows the KPI of each class: its sum, its cap, what lies above it and what counts', async () => {
    const summary = (await written(partnerBook(partnerReport(120)))).get('Summary')!;
    const start = summary.findIndex(([first]) => first === 'KPI class');
    expect(summary.slice(start, start + 6).map((cells) => cells.slice(0, 5))).toEqual([
      ['KPI class', 'Sum', 'Cap', 'Above the cap', 'Counts'],
      ['courseware-advanced', '942', 'none', '0', '942'],
      ['courseware-fundamentals', '743', '30', '713', '30'],
      ['courseware, together', '1685', null, '713', '972'],
      ['exam-advanced', '430', 'none', '0', '430'],
      ['exam, together', '430', null, '0', '430'],
    ]);
  });

  it('shows what is not counted, why, and what to do', async () => {
    const sheet = (await written(partnerBook(partnerReport(1)))).get('Not counted')!;
    expect(sheet.slice(1).map((cells) => cells[0])).toEqual(uncounted.map((line) => line.disposition));
    const {
      disposition,
      reason,
      whatToDo,
      invoice,
      issueDate,
      customerNumber,
      sku,
      quantity,
      currency,
      file,
    } = uncounted[0]!;
    expect(sheet[1]).toEqual([
      disposition,
      reason,
      whatToDo,
      invoice,
      issueDate,
      customerNumber,
      sku,
      quantity,
      currency,
      '120',
      file,
      '40',
    ]);
  });

  it('says where its numbers come from', async () => {
    const about = (await written(partnerBook(partnerReport(1)))).get('About')!;
    const cells = about.flat();
    for (const { sha256: hash, name } of [...provenance.files, ...provenance.ruleSets])
      expect(cells).toEqual(expect.arrayContaining([hash, name]));
    expect(row(about, 'Due')![1]).toBe('2020-05-15T09:00:00Z');
    expect(row(about, 'Rows with a disposition')![2]).toBe('2502');
  });

  it('claims no balance: bytes do not say whose a row is', async () => {
    const about = (await written(partnerBook(partnerReport(1)))).get('About')!;
    expect(row(about, 'Rows of this partner')).toBeDefined();
    expect(about.flat().join()).not.toMatch(/balanced|Rows in the files/i);
  });

  it('shows a partner without a name by its MPN ID, and an option that the rule set does not know', async () => {
    const report = partnerReport(1);
    const { renewed, notOffered, ...plain } = report.enrolments[0]!;
    expect([renewed, notOffered]).not.toContain(undefined);
    const summary = (
      await written(
        partnerBook({
          ...report,
          partner: { mpnId: '0551200', name: '' },
          enrolments: [{ ...plain, option: 'Platinum', level: null, requirements: [] }],
        }),
      )
    ).get('Summary')!;
    expect(summary[0]![0]).toBe('Partner 0551200');
    expect(summary.flat()).toContainEqual(expect.stringMatching(/does not know this Learning option/));
    expect(row(summary, 'Requirement')).toBeUndefined();
  });

  it('is the same whether its lines come as a list or as a stream', async () => {
    async function* stream() {
      yield* lines(500);
    }
    await inFolder(async (folder) => {
      const [one, two] = [join(folder, 'one.xlsx'), join(folder, 'two.xlsx')];
      await createWorkbooks().write(one, partnerBook(partnerReport(500)));
      await createWorkbooks().write(two, partnerBook({ ...partnerReport(500), lines: stream() }));
      expect(sha256(one)).toBe(sha256(two));
    });
  });

  it('says in plain words what was reached', () => {
    const [gold, pack] = partnerReport().enrolments as [
      PartnerReport['enrolments'][0],
      PartnerReport['enrolments'][0],
    ];
    expect(headline([])).toMatch(/^Not enrolled/);
    expect(headline([{ ...gold, level: null }])).toBe('Level reached: none (Data Analytics)');
    expect(headline([pack])).toBe('Level reached: Learning Action Pack');
  });

  it('never rounds a share up to what was not reached', () => {
    expect([null, '-0.2', '0', '0.9996', '1', '1.625', '12'].map(shown)).toEqual([
      null,
      '0',
      '0.000',
      '0.999',
      '1',
      '1',
      '1',
    ]);
  });
});

describe('renewal and forecast', () => {
  it('stand on the Summary under each enrolment, and on a sheet of their own', async () => {
    const book = await written(partnerBook(partnerReport(1)));
    const summary = book.get('Summary')!;
    expect(row(summary, 'Data Analytics: renewal on 2020-07-17')).toBeDefined();
    expect(row(summary, 'Renewal window')![1]).toBe('2019-07-01 to 2020-06-30');
    expect(row(summary, 'Status')![1]).toBe(
      'provisional: the window ends on 2020-06-30, and its figures still move',
    );
    expect(row(summary, 'Level over this window')![1]).toBe('Action Pack');
    expect([
      row(summary, 'First reminder'),
      row(summary, 'Second reminder'),
      row(summary, 'Grace ends'),
    ]).toEqual([
      ['First reminder', '2020-07-02'],
      ['Second reminder', '2020-08-09'],
      ['Grace ends', '2020-08-16'],
    ]);
    expect(summary.flat().join()).toContain('Not offered here: Gold.');
    const forecast = book.get('Forecast')!;
    expect(forecast[0]).toEqual([WARNING]);
    expect(row(forecast, '2020-06-01')).toEqual([
      '2020-06-01',
      '2019-05-01',
      '60',
      '20',
      '772.5',
      '7000',
      '84000.4',
    ]);
    const silver = forecast.slice(
      forecast.findIndex(([first]) => first === 'To keep Silver: Data Analytics, Cloud Platform'),
    );
    expect(silver[1]).toEqual(['Cycle', 'Known invoices', 'Courseware KPI: counts', 'Still needed of 500']);
    expect(row(silver, '2020-09-01')).toEqual(['2020-09-01', 'enough', '520', '0']);
    expect(row(silver, '2020-10-01')).toEqual(['2020-10-01', 'not enough', '460', '40']);
    expect(silver.flat().join()).toContain('Microsoft Certified Trainers 3 of 1, met');
  });

  it('are absent from a revision that was frozen before they were kept', async () => {
    const { forecast, enrolments, ...rest } = partnerReport(1);
    expect(forecast).toBeDefined();
    const before = enrolments.map(({ renewed, ...enrolment }) => enrolment);
    const book = await written(partnerBook({ ...rest, enrolments: before }));
    expect([...book.keys()]).not.toContain('Forecast');
    expect(book.get('Summary')!.flat().join()).not.toContain('Renewal window');
  });
});

describe("the program's workbook", () => {
  it('lists every partner, and each line with its partner', async () => {
    const book = await written(programBook(programReport(30)));
    expect([...book.keys()]).toEqual(['Partners', 'KPI lines', 'Not counted', 'Control', 'About']);
    const partners = book.get('Partners')!;
    expect(partners[0]).toEqual([WARNING]);
    expect(partners).toHaveLength(7);
    expect(row(partners, '0551200')!.slice(6)).toEqual([
      'Silver',
      '812.5',
      '91240.4',
      '187.5',
      'Gold needs 187.5 KPI, 33,759.60 USD revenue',
      '-12.5',
      'unchanged',
      '2020-04-17',
      'Silver',
      'none',
      '40',
    ]);
    expect(row(partners, '0551202')!.slice(13)).toEqual([
      '2020-06-17',
      'Gold (provisional)',
      '2020-06-02 first reminder',
      '12.5',
    ]);
    expect(row(partners, '0551203')![1]).toBe('=cmd|calc Training GmbH');
    expect(book.get('KPI lines')![0]).toEqual([...SEVEN, 'Partner MPN ID', 'Partner name', ...EVIDENCE]);
    expect(book.get('Not counted')![1]!.slice(3, 5)).toEqual(['0551200', 'İstanbul Öğrenim Çözümleri A.Ş.']);
    expect(row(book.get('Control')!, 'rejected')).toEqual(['rejected', 'unreadable', '2']);
    expect(row(book.get('Control')!, 'Rows in the files')![1]).toBe('2502');
    expect(book.get('Control')!.flat()).toContain(
      'Balanced: every row that came in has exactly one disposition.',
    );
    const { balance, ...rest } = programReport(1);
    const broken = await written(programBook({ ...rest, balance: { ...balance, balanced: false } }));
    expect(broken.get('Control')!.flat().join()).toContain('NOT BALANCED');
  });

  it('says distance and change in words', () => {
    const standing = { ...programReport().standings } as unknown as Record<number, Standing>;
    const base = { ...standing[0]!, option: 'Gold', level: 'Silver' };
    expect(distance({ ...base, next: null })).toBe('highest level of this option reached');
    expect(distance({ ...base, next: { level: 'Gold', missingKpi: '0', otherUnmet: ['1 trainer'] } })).toBe(
      'Gold needs 1 trainer',
    );
    expect(distance({ ...base, option: null })).toBeNull();
    expect(distance({ ...base, level: null, next: null })).toBe('the rule set does not know this option');
    expect(levelChange({ ...base, before: { level: null, kpiChange: '1' } })).toBe('none → Silver');
    expect(levelChange({ ...base, before: null })).toBe('new in this cycle');
  });
});
