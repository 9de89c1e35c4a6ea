import { addMonths } from '../src/calendar.ts';
import type { PartnerReport } from '../src/kpi/partner-book.ts';
import type { ProgramReport, Standing } from '../src/kpi/program-book.ts';
import type { KpiLine, Provenance, UncountedLine } from '../src/kpi/report-data.ts';
import { sum } from '../src/money.ts';

/** Fictional partners, numbers and files: the same on every run. */
const sha = (digit: string): string => digit.repeat(64);

export const provenance: Provenance = {
  cycle: '2020-05',
  revision: 2,
  window: { from: '2019-05', to: '2020-04' },
  due: '2020-05-15T09:00:00Z',
  knownAt: '2020-05-15T09:03:21Z',
  reportingCurrency: 'USD',
  ruleSets: [
    {
      name: 'levels-2020-sample',
      validFrom: '2019-07-01',
      validTo: null,
      sha256: sha('a'),
      source: 'sample',
    },
    {
      name: 'waivers-2020',
      validFrom: '2020-01-01',
      validTo: '2021-07-01',
      sha256: sha('b'),
      source: 'Partner Center, Learning Partner page (2021)',
    },
  ],
  files: [
    { name: 'marketplace-2019-11.csv', sha256: sha('1'), linesIn: '1204' },
    { name: 'marketplace-2020-04 Gümüşsuyu.xlsx', sha256: sha('2'), linesIn: '988' },
    { name: 'certification-provider-2020-Q1.xml', sha256: sha('3'), linesIn: '310' },
  ],
};

const TYPES = ['MOC', 'MOC On-Demand', 'Custom MOC', 'Labs Online', 'Exam vouchers'] as const;
const SKUS = ['20480C', 'AZ-900T00', 'MS-500T00A.de-de', 'AZ-2007', 'EXAM-10PACK'] as const;

export function lines(count: number): KpiLine[] {
  return Array.from({ length: count }, (_, index) => {
    const type = index % TYPES.length;
    const month = (index * 7) % 12;
    const credit = index % 17 === 5;
    const free = month === 11;
    const units = String((credit ? -1 : 1) * (3 + (index % 40)));
    return {
      month: String(((month + 4) % 12) + 1),
      year: month < 8 ? '2019' : '2020',
      omlpType: TYPES[type]!,
      purchaseUnit: units,
      invoice: index % 9 === 0 ? `00${77000 + index}` : `INV-${2019_0000 + index}`,
      kpiValue: type === 1 ? `${Number(units) / 2}` : units,
      revenueValue:
        index % 23 === 3
          ? null
          : free
            ? '0.00'
            : `${Number(units) * 112}.${String(index % 100).padStart(2, '0')}`,
      kpiClass: ['courseware-advanced', 'courseware-fundamentals', 'exam-advanced'][type % 3]!,
      location: String(5512001 + (index % 3)),
      issueDate: `${month < 8 ? 2019 : 2020}-${String(((month + 4) % 12) + 1).padStart(2, '0')}-${String(1 + (index % 28)).padStart(2, '0')}`,
      sku: SKUS[type]!,
      quantity: units,
      currency: ['EUR', 'TRY', 'JPY'][index % 3]!,
      rate: index % 3 === 2 ? '0.009012' : '1.1198',
      rateDate: '2019-05-02',
      rateSource: index % 3 === 2 ? 'manual' : 'ECB',
      currencyAmount: index % 3 === 2 ? `${Number(units) * 12000}` : `${Number(units) * 101}.5`,
      file: provenance.files[index % 3]!.name,
      row: String(index + 2),
      note: credit
        ? 'reversal'
        : free
          ? '$0 purchase'
          : index % 23 === 3
            ? 'no rate for TRY on this date'
            : '',
    };
  });
}

export const uncounted: UncountedLine[] = [
  [
    'rejected',
    'Quantity "abc" is not a number.',
    'Ask the seller for a corrected file and ingest it.',
    'INV-20190007',
    '31/02/2020',
    ' 5512001',
    '20480C',
    'abc',
    'EUR',
    '120.00',
  ],
  [
    'quarantined',
    'The lines add up to 1,180.00, but the invoice says 1,200.00 (BR-CO-10).',
    'Compare with the invoice, then: lkp quarantine release INV-20190008.',
    'INV-20190008',
    '2020-02-11',
    '5512002',
    'AZ-900T00',
    '10',
    'EUR',
    '1180.00',
  ],
  [
    'unmapped',
    'Customer number 5512O01 is not known. Near miss: 5512001 (letter O for zero).',
    'Correct the customer list with: lkp load customers.',
    'INV-20190031',
    '2020-03-03',
    '5512O01',
    'AZ-2007',
    '4',
    'TRY',
    '4400.5',
  ],
  [
    'duplicate',
    'The same line came in marketplace-2019-11.csv, row 14.',
    'Nothing.',
    '0077009',
    '2019-11-30',
    '5512003',
    '20480C',
    '12',
    'JPY',
    '144000',
  ],
  [
    'superseded',
    'Corrected invoice INV-C-11 replaced this one.',
    'Nothing.',
    'INV-20190044',
    '2019-12-02',
    '5512001',
    '20480C',
    '7',
    'EUR',
    '707.5',
  ],
  [
    'outside-window',
    'The invoice is of 2019-04, before the window.',
    'Nothing.',
    'INV-20190002',
    '2019-04-28',
    '5512001',
    'MS-500T00A.de-de',
    '2',
    'EUR',
    '202',
  ],
].map(
  (
    [disposition, reason, whatToDo, invoice, issueDate, customerNumber, sku, quantity, currency, amount],
    index,
  ) => ({
    disposition: disposition!,
    reason: reason!,
    whatToDo: whatToDo!,
    invoice: invoice!,
    issueDate: issueDate!,
    customerNumber: customerNumber!,
    sku: sku!,
    quantity: quantity!,
    currency: currency!,
    amount: amount!,
    file: 'marketplace-2020-04 Gümüşsuyu.xlsx',
    row: String(index + 40),
  }),
);

const balance = {
  rowsIn: '2502',
  rowsHeld: '2502',
  balanced: true,
  totals: [
    { disposition: 'counted', currency: 'EUR', rows: '1800', amount: '412345.50' },
    { disposition: 'counted', currency: 'TRY', rows: '590', amount: '1200300.25' },
    { disposition: 'reversal', currency: 'EUR', rows: '60', amount: '-8120.00' },
    { disposition: 'duplicate', currency: 'JPY', rows: '40', amount: '5760000' },
    { disposition: 'quarantined', currency: 'EUR', rows: '10', amount: '1180.00' },
    { disposition: 'rejected', currency: null, rows: '2', amount: null },
  ],
};

/** What SQL would make of these lines. */
export function figuresOf(
  of: readonly KpiLine[],
): Pick<PartnerReport, 'totals' | 'months' | 'lineage' | 'classes'> {
  const sums = (some: readonly KpiLine[]) => ({
    units: sum(some.map(({ purchaseUnit }) => purchaseUnit)),
    kpiValue: sum(some.map(({ kpiValue }) => kpiValue)),
    revenue: sum(some.map(({ revenueValue }) => revenueValue ?? '0')),
  });
  const monthOf = ({ year, month }: KpiLine) => `${year}-${month.padStart(2, '0')}`;
  const different = (texts: string[]) => [...new Set(texts)].sort();
  const cell = (month: string | null, omlpType: string | null) => {
    const some = of.filter(
      (line) =>
        (month === null || monthOf(line) === month) && (omlpType === null || line.omlpType === omlpType),
    );
    return some.length === 0 ? [] : [{ month, omlpType, ...sums(some) }];
  };
  const months = [...different(of.map(monthOf)), null];
  const types = [...different(of.map(({ omlpType }) => omlpType)), null];
  const span = (texts: ReadonlyArray<string | null>) => ({
    digits: Math.max(0, ...texts.map((text) => text?.replace(/[-.]/g, '').length ?? 0)),
    magnitude: sum(texts.map((text) => text?.replace('-', '') ?? '0')),
  });
  return {
    totals: sums(of),
    months: months.flatMap((month) => types.flatMap((type) => cell(month, type))),
    lineage: {
      lines: of.length,
      measures: {
        units: span(of.map(({ purchaseUnit }) => purchaseUnit)),
        kpiValue: span(of.map(({ kpiValue }) => kpiValue)),
        revenue: span(of.map(({ revenueValue }) => revenueValue)),
      },
    },
    classes: different(of.map(({ kpiClass }) => kpiClass)).map((kpiClass) => {
      const exact = sums(of.filter((line) => line.kpiClass === kpiClass)).kpiValue;
      const kpiValue = String(Number(Number(exact).toFixed(6)));
      const cap = kpiClass === 'courseware-fundamentals' ? '30' : null;
      const above = cap === null ? 0 : Math.max(0, Number(kpiValue) - Number(cap));
      const aboveCap = String(above);
      const counted = sum([kpiValue, `-${aboveCap}`]);
      return { category: kpiClass.split('-')[0]!, kpiClass, kpiValue, cap, aboveCap, counted };
    }),
  };
}

export function partnerReport(count = 120): PartnerReport {
  return {
    provenance,
    sample: true,
    partner: { mpnId: '0551200', name: 'İstanbul Öğrenim Çözümleri A.Ş.' },
    locations: [
      { mpnId: '5512001', name: 'İstanbul', country: 'TR' },
      { mpnId: '5512002', name: '東京ラーニングセンター', country: 'JP' },
      { mpnId: '5512003', name: 'مركز التعلم', country: 'AE' },
    ],
    enrolments: [
      {
        option: 'Gold',
        competency: 'Data Analytics',
        anniversary: '2020-05-17',
        level: 'Silver',
        notOffered: ['Gold'],
        renewed: {
          renewal: {
            anniversary: '2020-07-17',
            window: { from: '2019-07-01', to: '2020-06-30' },
            provisional: true,
            firstReminder: '2020-07-02',
            secondReminder: '2020-08-09',
            graceEnd: '2020-08-16',
            ruleSet: 'levels-2020-sample',
            level: 'Action Pack',
            isReportingWindow: false,
          },
          requirements: [
            {
              name: 'Courseware KPI (Silver)',
              figure: '420',
              threshold: '500',
              unit: 'KPI',
              share: '0.84',
              outcome: 'not met',
              source: 'sample',
            },
          ],
        },
        requirements: [
          {
            name: 'Courseware KPI (Silver)',
            figure: '812.5',
            threshold: '500',
            unit: 'KPI',
            share: '1.625',
            outcome: 'met',
            source: 'sample',
            aboveCap: { what: 'Fundamentals courseware', figure: '41.5', cap: '300 KPI' },
          },
          {
            name: 'Courseware KPI (Gold)',
            figure: '812.5',
            threshold: '1000',
            unit: 'KPI',
            share: '0.8125',
            outcome: 'not met',
            source: 'sample',
          },
          {
            name: 'Microsoft Certified Trainers',
            figure: '3',
            threshold: '1',
            unit: 'people',
            share: '3',
            outcome: 'met',
            source: 'Partner Center, Learning Partner page (2021)',
          },
          {
            name: 'Revenue target (Gold)',
            figure: '91240.4',
            threshold: '125000',
            unit: 'USD',
            money: true,
            share: '0.7299232',
            outcome: 'not met',
            source: 'sample',
          },
          {
            name: 'Exams passed',
            figure: '2',
            threshold: '4',
            unit: 'exams',
            share: '0.5',
            outcome: 'waived',
            source: 'Partner Center, Learning Partner page (2021)',
          },
          {
            name: 'Survey score',
            figure: null,
            threshold: '4.25',
            unit: 'score',
            share: null,
            outcome: 'no data',
            source: 'FY24 requirements',
          },
        ],
      },
      {
        option: 'Learning Action Pack',
        competency: null,
        anniversary: '2021-01-02',
        level: 'Learning Action Pack',
        requirements: [
          {
            name: 'Microsoft Certified Trainers',
            figure: '3',
            threshold: '1',
            unit: 'people',
            share: '3',
            outcome: 'met',
            source: 'Partner Center, Learning Partner page (2021)',
          },
        ],
      },
    ],
    forecast: {
      months: Array.from({ length: 12 }, (_, index) => ({
        cycle: addMonths('2020-06', index),
        leaving: addMonths('2019-05', index),
        leavesKpi: '60',
        entersKpi: index === 0 ? '20' : '0',
        kpiValue: String(772.5 - 60 * index),
        leavesRevenue: '7000.00',
        revenue: `${84000 - 7000 * index}.40`,
      })),
      levels: [
        {
          level: 'Silver',
          aim: 'keep',
          of: ['Data Analytics', 'Cloud Platform'],
          requirements: [
            {
              name: 'Courseware KPI',
              threshold: '500',
              money: false,
              ahead: Array.from({ length: 12 }, (_, index) => ({
                counts: String(700 - 60 * index),
                needed: index < 4 ? '0' : String(60 * index - 200),
              })),
            },
          ],
          others: ['Microsoft Certified Trainers 3 of 1, met'],
        },
      ],
    },
    lines: lines(count),
    ...figuresOf(lines(count)),
    notCounted: uncounted,
    balance,
  };
}

export function programReport(count = 200): ProgramReport {
  const names = [
    'İstanbul Öğrenim Çözümleri A.Ş.',
    '東京ラーニングセンター株式会社',
    'مركز الخليج للتدريب',
    '=cmd|calc Training GmbH',
    "O'Brien & Söhne <Learning>",
  ];
  const standings = names.map(
    (name, index): Standing => ({
      mpnId: `055120${index}`,
      name,
      country: ['TR', 'JP', 'AE', 'DE', 'IE'][index]!,
      option: index === 4 ? null : index === 1 ? 'Learning Action Pack' : 'Gold',
      competency: index === 4 || index === 1 ? null : 'Cloud Business Applications',
      anniversary: index === 4 ? null : `2021-0${index + 1}-17`,
      level:
        index === 3 || index === 4
          ? null
          : index === 1
            ? 'Learning Action Pack'
            : index === 0
              ? 'Silver'
              : 'Gold',
      kpiValue: ['812.5', '12', '1430', '0', '6.25'][index]!,
      revenue: ['91240.40', '120.00', '180250.10', '0.00', '700.00'][index]!,
      next:
        index === 0
          ? { level: 'Gold', missingKpi: '187.5', otherUnmet: ['33,759.60 USD revenue'] }
          : index === 3
            ? { level: 'Silver', missingKpi: '500', otherUnmet: ['1 Microsoft Certified Trainer'] }
            : null,
      before:
        index === 2
          ? { level: 'Silver', kpiChange: '210' }
          : index === 3
            ? null
            : {
                level: index === 0 ? 'Silver' : index === 1 ? 'Learning Action Pack' : null,
                kpiChange: ['-12.5', '0', '', '', '6.25'][index]!,
              },
      renewal:
        index === 4
          ? null
          : {
              anniversary: `2020-0${index + 4}-17`,
              level: index === 0 ? 'Silver' : index === 3 ? null : 'Gold',
              provisional: index > 1,
              next: index === 0 ? null : { what: 'first reminder', on: `2020-0${index + 4}-02` },
            },
      leavesNext: ['40', '0', '12.5', '0', '6.25'][index]!,
    }),
  );
  return {
    provenance,
    sample: true,
    standings,
    lines: lines(count).map((line, index) => ({
      ...line,
      partnerMpnId: `055120${index % 5}`,
      partnerName: names[index % 5]!,
    })),
    totals: { units: '2400', kpiValue: '812.5', revenue: '91240.40' },
    notCounted: uncounted.map((line) => ({ ...line, partnerMpnId: '0551200', partnerName: names[0]! })),
    balance,
  };
}
