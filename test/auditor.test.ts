import { describe, expect, test } from 'vitest';
import { generate } from '../samples/generate.ts';
import {
  cellsIn,
  cellsOf,
  type Decision,
  type InvoiceFile,
  type InvoiceLine,
  type World,
} from '../samples/truth.ts';
import { asTheyStand, audit, expectedIngest } from './auditor/audit.ts';
import { asActual, compare, compareIngest } from './auditor/compare.ts';
import { decimal, quotient, text } from './auditor/decimal.ts';
import { judge } from './auditor/rows.ts';
import { parseRuleSet, shippedRuleSets } from './auditor/rule-set.ts';
import { isPartOf, RULES, type Rules } from './auditor/rules.ts';

/** 2019: an advanced unit is worth 1. From 2020: 2; fundamentals 0.5, capped at 10 KPI. */
const YEAR_2019 = parseRuleSet(`
name: year-2019
valid_from: 2019-01-01
valid_to: 2020-01-01
weights:
  advanced: { category: courseware, weight: 1 }
  exam:     { category: exam, weight: 1 }
levels: []
`);
const YEAR_2020 = parseRuleSet(`
name: year-2020
valid_from: 2020-01-01
weights:
  fundamentals: { category: courseware, weight: 0.5, cap: 10 }
  advanced:     { category: courseware, weight: 2 }
  exam:         { category: exam, weight: 1 }
levels:
  - level: Gold
    learning_option: Gold
    requirements:
      - { measure: kpi, category: courseware, at_least: 24 }
      - { measure: revenue, at_least: 100.00 }
  - level: Silver
    learning_option: Silver
    requirements:
      - { measure: kpi, category: courseware, at_least: 23 }
      - { measure: mct, at_least: 1 }
      - { measure: survey-score, at_least: 4.25 }
  - level: Action Pack
    learning_option: Action Pack
    requirements:
      - { measure: mct, at_least: 1 }
`);
const RULE_SETS = [YEAR_2019, YEAR_2020];

/** 2020-01-03 is a Friday, 2020-01-10 too. */
const ECB = [
  'Date,USD,JPY,GBP,',
  '2020-01-10,1.1145,N/A,0.90000,',
  '2020-01-03,1.1147,N/A,0.85115,',
  '2019-02-01,1.1471,N/A,0.87608,',
  '',
].join('\n');

const always = { valid_from: '2015-01-01', valid_to: '' };

const line = (differs: Partial<InvoiceLine> & Pick<InvoiceLine, 'number' | 'date'>): string[] => [
  ...cellsOf({
    code: '380',
    currency: 'USD',
    reference: '',
    seller: 'S',
    customer: 'C1',
    line: '1',
    quantity: '1',
    price: '',
    net: '10.00',
    item: 'a course',
    sku: 'ADV',
    ...differs,
  }),
];

const handWorld = (rows: readonly string[][], name = 'hand.csv'): World => ({
  reference: {
    partners: ['P1', 'P2'].map((mpn_id) => ({ mpn_id, name: mpn_id, country: 'US', ...always })),
    // L1 is merged into P2 on 2020-01-15. L2 is nobody's from 2020-01-31, the window's last day.
    locations: [
      {
        location_mpn_id: 'L1',
        partner_mpn_id: 'P1',
        name: '',
        country: 'US',
        valid_from: '2015-01-01',
        valid_to: '2020-01-15',
      },
      {
        location_mpn_id: 'L1',
        partner_mpn_id: 'P2',
        name: '',
        country: 'US',
        valid_from: '2020-01-15',
        valid_to: '',
      },
      {
        location_mpn_id: 'L2',
        partner_mpn_id: 'P1',
        name: '',
        country: 'US',
        valid_from: '2015-01-01',
        valid_to: '2020-01-31',
      },
    ],
    // C2 moves from L1 to L2 on 2020-01-10.
    customers: [
      { customer_number: 'C1', location_mpn_id: 'L1', program: '', ...always },
      {
        customer_number: 'C2',
        location_mpn_id: 'L1',
        program: '',
        valid_from: '2015-01-01',
        valid_to: '2020-01-10',
      },
      { customer_number: 'C2', location_mpn_id: 'L2', program: '', valid_from: '2020-01-10', valid_to: '' },
      { customer_number: 'C3', location_mpn_id: 'L2', program: 'certification-provider', ...always },
    ],
    enrolments: [
      {
        partner_mpn_id: 'P2',
        learning_option: 'Gold',
        competency: 'Cloud',
        anniversary_date: '2020-06-01',
        ...always,
      },
      {
        partner_mpn_id: 'P2',
        learning_option: 'Silver',
        competency: 'Data',
        anniversary_date: '2020-06-01',
        ...always,
      },
      {
        partner_mpn_id: 'P1',
        learning_option: 'Action Pack',
        competency: '',
        anniversary_date: '2020-06-01',
        ...always,
      },
      // Ends on the window's last day, so is not valid on it.
      {
        partner_mpn_id: 'P1',
        learning_option: 'Gold',
        competency: 'Cloud',
        anniversary_date: '2020-06-01',
        valid_from: '2015-01-01',
        valid_to: '2020-01-31',
      },
    ],
    attainments: [
      { partner_mpn_id: 'P2', competency: '', measure: 'mct', value: '1', ...always },
      { partner_mpn_id: 'P2', competency: '', measure: 'survey-score', value: '4.3', ...always },
      { partner_mpn_id: 'P2', competency: 'Data', measure: 'survey-score', value: '4.24', ...always },
    ],
    products: [
      { sku: 'FUND', name: 'f', omlp_type: 'MOC', kpi_class: 'fundamentals', units_per_sku: '1', ...always },
      { sku: 'ADV', name: 'a', omlp_type: 'MOC', kpi_class: 'advanced', units_per_sku: '1', ...always },
      {
        sku: 'PACK',
        name: 'p',
        omlp_type: 'Exam voucher',
        kpi_class: 'exam',
        units_per_sku: '10',
        ...always,
      },
      { sku: 'MUG', name: 'm', omlp_type: 'MOC', kpi_class: '', units_per_sku: '1', ...always },
    ],
    manualRates: [
      { currency: 'KWD', rate_date: '2020-01-06', per_euro: '0.300' },
      { currency: 'GBP', rate_date: '2020-01-10', per_euro: '0.50000' },
    ],
    listings: [],
    ecb: ECB,
  },
  files: [
    {
      name,
      format: 'csv',
      rows: rows.map((cells, index) => ({ row: index + 2, cells, expected: 'counted', oddity: '' })),
    },
  ],
});

/** What cycle 2020-02 makes of rows: one cell where the rows share location, month, OMLP type and class. */
const inFebruary = (...rows: string[][]) => audit(handWorld(rows), { cycle: '2020-02', ruleSet: RULE_SETS });

describe('a line, worked out by hand', () => {
  test("100.00 GBP on a Sunday uses Friday's rate: 100.00 / 0.85115 x 1.1147 = 130.9640 -> 130.96 USD", () => {
    const { cells } = inFebruary(
      line({ number: 'I1', date: '2020-01-05', currency: 'GBP', net: '100.00', quantity: '4' }),
    );
    // 4 units x weight 2; L1 belongs to P2 on 2020-01-31, although to P1 on the invoice date.
    expect(cells).toEqual([
      {
        partner_mpn_id: 'P2',
        location_mpn_id: 'L1',
        kpi_month: '2020-01-01',
        omlp_type: 'MOC',
        kpi_class: 'advanced',
        lines: 1,
        units: '4',
        kpi_value: '8',
        revenue: '130.96',
        zero_lines: 0,
        no_rate_lines: 0,
      },
    ]);
  });

  test.each<
    [
      what: string,
      differs: Partial<InvoiceLine> & { date: string },
      figures: Partial<Record<string, string | number>>,
    ]
  >([
    [
      '10.00 EUR x 1.1145 = 11.145 rounds away from zero',
      { date: '2020-01-10', currency: 'EUR' },
      { units: '1', kpi_value: '2', revenue: '11.15' },
    ],
    [
      'the same as a credit note: -11.145 rounds away from zero',
      { date: '2020-01-10', currency: 'EUR', code: '381' },
      { units: '-1', kpi_value: '-2', revenue: '-11.15' },
    ],
    [
      'code 83 takes back revenue and no units',
      { date: '2020-01-10', code: '83', quantity: '7' },
      { lines: 1, units: '0', kpi_value: '0', revenue: '-10.00' },
    ],
    [
      'a negative invoice has its effect as it stands',
      { date: '2020-01-10', quantity: '-3', net: '-30.00' },
      { units: '-3', kpi_value: '-6', revenue: '-30.00' },
    ],
    [
      '2 packs of 10 are 20 units',
      { date: '2020-01-10', sku: 'PACK', quantity: '2' },
      { units: '20', kpi_value: '20' },
    ],
    [
      'the weight is that of the issue date: 1 in 2019',
      { date: '2019-02-01', quantity: '5' },
      { units: '5', kpi_value: '5' },
    ],
    [
      '3.000 KWD / 0.300 x 1.1145 = 11.145, the manual rate being four days old',
      { date: '2020-01-10', currency: 'KWD', net: '3.000' },
      { revenue: '11.15' },
    ],
    [
      'the manual GBP rate wins on its day: 10.00 / 0.5 x 1.1145',
      { date: '2020-01-10', currency: 'GBP' },
      { revenue: '22.29' },
    ],
    [
      'seven days back is near enough',
      { date: '2020-01-17', currency: 'GBP' },
      { revenue: '22.29', no_rate_lines: 0 },
    ],
    [
      'eight days back is too far: the line counts without revenue',
      { date: '2020-01-18', currency: 'GBP' },
      { lines: 1, kpi_value: '2', revenue: '0', no_rate_lines: 1 },
    ],
    [
      'a currency without any rate counts without revenue',
      { date: '2020-01-10', currency: 'EGP' },
      { lines: 1, kpi_value: '2', revenue: '0', no_rate_lines: 1 },
    ],
    [
      'a line for nothing is marked',
      { date: '2020-01-10', net: '0.00', quantity: '20' },
      { units: '20', kpi_value: '40', revenue: '0.00', zero_lines: 1 },
    ],
    [
      '3 x 12.345 = 37.035 where no net is stated',
      { date: '2020-01-10', quantity: '3', price: '12.345', net: '' },
      { revenue: '37.04' },
    ],
    [
      'C2 is L1 until its last day there',
      { date: '2020-01-09', customer: 'c2\u00a0' },
      { location_mpn_id: 'L1', partner_mpn_id: 'P2' },
    ],
    [
      "C2 is L2 from the day it moves; L2 is nobody's on 2020-01-31",
      { date: '2020-01-10', customer: ' C2' },
      { location_mpn_id: 'L2', partner_mpn_id: '' },
    ],
  ])('%s', (_, differs, figures) => {
    expect(inFebruary(line({ number: 'I1', ...differs })).cells).toEqual([expect.objectContaining(figures)]);
  });

  test.each<[disposition: string, differs: Partial<InvoiceLine>]>([
    ['counted', { date: '2019-02-01' }],
    ['counted', { date: '2020-01-31' }],
    ['outside-window', { date: '2019-01-31' }],
    ['not-yet-visible', { date: '2020-02-01' }],
    ['reversal', { code: ' 381\n' }],
    ['rejected', { code: '325' }],
    ['rejected', { date: '2019-02-29' }],
    ['rejected', { currency: 'TRL' }],
    ['quarantined', { code: '384' }],
    ['quarantined', { code: 'SalesInvoice' }],
    ['unmapped', { customer: 'C3' }],
    ['unmapped', { sku: '' }],
    ['no-kpi-value', { sku: 'MUG' }],
    // Fundamentals have no weight before 2020.
    ['no-kpi-value', { sku: 'FUND', date: '2019-12-31' }],
  ])('is %s: %o', (disposition, differs) => {
    const { dispositions } = inFebruary(line({ number: 'I1', date: '2020-01-10', ...differs }));
    expect(Object.entries(dispositions).filter(([, count]) => count > 0)).toEqual([[disposition, 1]]);
  });

  test('said twice it is a duplicate; said differently both wait for a person; a credit may share the number', () => {
    const one = { number: 'I1', date: '2020-01-10' };
    const { dispositions, amounts, kpi_value } = inFebruary(
      line(one),
      line({ ...one, quantity: '1.0', net: '10.0', item: 'another name' }),
      line({ ...one, code: '381' }),
      line({ ...one, number: 'I2' }),
      line({ ...one, number: 'I2', quantity: '2' }),
    );
    expect(dispositions).toMatchObject({ counted: 1, duplicate: 1, reversal: 1, quarantined: 2 });
    expect(amounts).toEqual({
      counted: { USD: '10.00' },
      duplicate: { USD: '10.0' },
      reversal: { USD: '-10.00' },
      quarantined: { USD: '20.00' },
    });
    expect(kpi_value).toBe('0');
  });
});

/** A line of an advanced course: document A of 2019-11-10, line 1, quantity 1, unless it says otherwise. */
type Says = Partial<InvoiceLine>;

/** A file in which every row has a number, or, with `unnumbered` in its name, one without such a column. */
const fileOf = (name: string, says: readonly Says[], gone: Partial<InvoiceFile> = {}): InvoiceFile => {
  const numbered = !name.includes('unnumbered');
  const rows = says.map((differs, index) => {
    const plain: InvoiceLine = {
      number: 'A',
      date: '2019-11-10',
      code: '380',
      currency: 'USD',
      reference: '',
      seller: 'S',
      customer: 'C1',
      line: '1',
      quantity: '1',
      price: '',
      net: '10.00',
      item: '',
      sku: 'PACK',
    };
    const cells = cellsIn({ numbered }, { ...plain, ...differs });
    return { row: index + 2, cells, expected: 'counted' as const, oddity: '' };
  });
  return { name, format: 'csv', numbered, rows, ...gone };
};

const worldOf = (files: readonly InvoiceFile[], decisions: readonly Decision[] = []): World => ({
  ...handWorld([]),
  files,
  decisions,
});

const held = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** Every order of a few things. */
const orders = <T>(list: readonly T[]): T[][] =>
  list.length === 0
    ? [[]]
    : list.flatMap((one, index) => orders(list.toSpliced(index, 1)).map((rest) => [one, ...rest]));

describe('a document that is said more than once, worked out by hand', () => {
  const A = { quantity: '1' };
  const B = { quantity: '2' };
  const C = { quantity: '4' };
  /** Files by what they say, dispositions of all of them, units; the same whatever the order. */
  test.each<[what: string, files: Says[][], names: string, dispositions: object, units: number]>([
    ['the same lines of one file are all real', [[A, A]], 'unnumbered', { counted: 2 }, 2],
    [
      'said again',
      [
        [A, B],
        [B, A],
      ],
      'unnumbered',
      { counted: 2, duplicate: 2 },
      3,
    ],
    ['a part of it', [[A, B], [B]], 'unnumbered', { counted: 2, duplicate: 1 }, 3],
    ['once more than before', [[A], [A, A]], 'unnumbered', { counted: 2, duplicate: 1 }, 2],
    ['more and more of it', [[A], [A, B], [A, B, C]], 'unnumbered', { counted: 3, duplicate: 3 }, 7],
    [
      'something else',
      [
        [A, B],
        [A, C],
      ],
      'unnumbered',
      { quarantined: 4 },
      0,
    ],
    [
      'something else, and the part that both say',
      [[A, B], [A, C], [A]],
      'unnumbered',
      { quarantined: 4, duplicate: 1 },
      0,
    ],
    [
      'something else, and all of it',
      [
        [A, B],
        [A, C],
        [A, B, C],
      ],
      'unnumbered',
      { counted: 3, duplicate: 4 },
      7,
    ],
    [
      'one saying is twice as often as the other, which has more',
      [
        [A, A],
        [A, B],
      ],
      'unnumbered',
      { quarantined: 4 },
      0,
    ],
    ['lines of another number add up', [[A], [{ ...B, line: '2' }]], 'numbered', { counted: 2 }, 3],
    [
      'only the line that is contradicted waits',
      [[A, { ...B, line: '2' }], [C]],
      'numbered',
      { counted: 1, quarantined: 2 },
      2,
    ],
    [
      'a line is said three ways, one of them twice',
      [[A], [B], [C], [A]],
      'numbered',
      { quarantined: 3, duplicate: 1 },
      0,
    ],
    [
      'with numbers here and none there, the document is the unit',
      [
        [A, { ...B, line: '2' }],
        [A, B],
      ],
      'mixed',
      { counted: 2, duplicate: 2 },
      3,
    ],
    [
      'numbers here, none there, and more of it there',
      [[A], [A, B]],
      'mixed',
      { counted: 2, duplicate: 1 },
      3,
    ],
    [
      'types that the gate treats alike are no matter',
      [[A], [{ ...A, code: '388' }]],
      'unnumbered',
      { counted: 1, duplicate: 1 },
      1,
    ],
    [
      'types that the gate treats differently',
      [[A, { ...B, line: '2' }], [{ ...C, line: '3', code: '326' }]],
      'numbered',
      { quarantined: 3 },
      0,
    ],
    [
      'a credit that is one of money and of units',
      [[{ ...A, code: '381' }], [{ ...B, line: '2', code: '83' }]],
      'numbered',
      { quarantined: 2 },
      0,
    ],
    [
      'another date is another document',
      [[A], [{ ...A, date: '2019-11-11' }]],
      'unnumbered',
      { counted: 2 },
      2,
    ],
    [
      'an unreadable row says nothing',
      [[A, { ...B, net: 'ten' }], [A]],
      'unnumbered',
      { counted: 1, duplicate: 1, rejected: 1 },
      1,
    ],
  ])('%s', (_, says, names, dispositions, units) => {
    const files = says.map((rows, index) =>
      fileOf(
        `${names === 'mixed' && index === 0 ? 'numbered' : names === 'mixed' ? 'unnumbered' : names}-${index}`,
        rows,
      ),
    );
    for (const order of orders(files)) {
      const world = worldOf(order);
      expect(held(asTheyStand(world, RULE_SETS).dispositions)).toEqual(dispositions);
      expect(audit(world, { cycle: '2020-02', ruleSet: RULE_SETS }).kpi_value).toBe(String(units * 10));
    }
  });

  test('a withdrawn file says nothing, and may be sent again', () => {
    const one = fileOf('one', [A, { net: 'ten' }], { withdrawn: true });
    const again = { ...one, withdrawn: false };
    const other = fileOf('other', [A]);
    const of = (...files: InvoiceFile[]) => held(asTheyStand(worldOf(files), RULE_SETS).dispositions);
    expect(of(one)).toEqual({ superseded: 2 });
    expect(of(one, other)).toEqual({ superseded: 2, counted: 1 });
    expect(of(other, one)).toEqual({ superseded: 2, counted: 1 });
    expect(of(one, other, again)).toEqual({ superseded: 2, counted: 1, duplicate: 1, rejected: 1 });
    // All but one version withdrawn.
    expect(of(one, fileOf('contradicts', [B]))).toEqual({ superseded: 2, counted: 1 });
  });

  test('a decision is about the sayings that were there', () => {
    const files = [fileOf('one', [A]), fileOf('two', [B])];
    const of = (decision: Partial<Decision>, ...more: Says[]) =>
      held(
        asTheyStand(
          worldOf(
            [...files, ...more.map((says, index) => fileOf(`later-${index}`, [says]))],
            [{ known: 2, file: 1, row: 2, verdict: 'pick', ...decision }],
          ),
          RULE_SETS,
        ).dispositions,
      );
    expect(of({})).toEqual({ superseded: 1, counted: 1 });
    expect(of({ verdict: 'refuse' })).toEqual({ superseded: 2 });
    expect(of({}, A, B)).toEqual({ superseded: 1, counted: 1, duplicate: 2 });
    expect(of({}, C)).toEqual({ superseded: 1, quarantined: 2 });
    expect(of({ verdict: 'refuse' }, C)).toEqual({ superseded: 2, counted: 1 });
    const type = worldOf(
      [fileOf('one', [{ code: '326' }])],
      [{ known: 1, file: 0, row: 2, verdict: 'release' }],
    );
    expect(held(asTheyStand(type, RULE_SETS).dispositions)).toEqual({ counted: 1 });
  });
});

describe('a corrected invoice, worked out by hand', () => {
  const original = { quantity: '4', net: '40.00' };
  const corrected = { number: 'K', code: '384', date: '2020-02-03', reference: 'A', quantity: '1' };
  const again = { ...corrected, number: 'K2', date: '2020-03-05', reference: 'K', quantity: '2' };
  const of = (...says: Says[]) => worldOf(says.map((one, index) => fileOf(`f${index}`, [one])));
  /** Months and their units in a cycle, and what has a disposition other than counted. */
  const inCycle = (world: World, cycle: string, rules: Rules = RULES) => {
    const { cells, dispositions } = audit(world, { cycle, ruleSet: RULE_SETS }, rules);
    const { counted: _, ...others } = held(dispositions);
    return [...cells.map(({ kpi_month, units }) => `${kpi_month.slice(0, 7)}: ${units}`), others];
  };

  test('takes the month of what it replaces, and is visible by its own date', () => {
    const world = of(original, corrected);
    expect(inCycle(world, '2020-01')).toEqual(['2019-11: 40', { 'not-yet-visible': 1 }]);
    expect(inCycle(world, '2020-02')).toEqual(['2019-11: 40', { 'not-yet-visible': 1 }]);
    expect(inCycle(world, '2020-03')).toEqual(['2019-11: 10', { superseded: 1 }]);
    // The month that it counts in leaves the window, and the correction with it.
    expect(inCycle(world, '2020-11')).toEqual(['2019-11: 10', { superseded: 1 }]);
    expect(inCycle(world, '2020-12')).toEqual([{ superseded: 1, 'outside-window': 1 }]);
    expect(held(asTheyStand(world, RULE_SETS).dispositions)).toEqual({ superseded: 1, counted: 1 });
  });

  test('has weight and rate of its own issue date', () => {
    const euros = { ...original, sku: 'ADV', currency: 'GBP', date: '2019-02-01' };
    const [cell] = audit(
      of(euros, { ...euros, number: 'K', code: '384', date: '2020-01-10', reference: 'A' }),
      {
        cycle: '2020-02',
        ruleSet: RULE_SETS,
      },
    ).cells;
    // Weight 1 in 2019 and 2 in 2020; 40.00 GBP / 0.5 x 1.1145 on 2020-01-10.
    expect(cell).toMatchObject({ kpi_month: '2019-02-01', units: '4', kpi_value: '8', revenue: '89.16' });
  });

  test('may be corrected itself', () => {
    const world = of(original, corrected, again);
    expect(inCycle(world, '2020-03')).toEqual(['2019-11: 10', { superseded: 1, 'not-yet-visible': 1 }]);
    expect(inCycle(world, '2020-04')).toEqual(['2019-11: 20', { superseded: 2 }]);
    // Without its beginning nobody knows the month.
    expect(inCycle(of(corrected, again), '2020-04')).toEqual([{ quarantined: 2 }]);
  });

  test.each<[why: string, says: Says[], kept: string[], others: object]>([
    ['reference-missing', [original, { ...corrected, reference: ' ' }], ['2019-11: 40'], { quarantined: 1 }],
    ['pending-reference', [corrected], [], { quarantined: 1 }],
    [
      'pending-reference',
      [{ ...original, date: '2020-02-04' }, corrected],
      ['2020-02: 40'],
      { quarantined: 1 },
    ],
    ['pending-reference', [{ ...original, seller: 'T' }, corrected], ['2019-11: 40'], { quarantined: 1 }],
    [
      'pending-reference',
      [{ ...original, code: '381' }, corrected],
      ['2019-11: -40'],
      { reversal: 1, quarantined: 1 },
    ],
    ['pending-reference', [{ ...corrected, reference: 'K' }], [], { quarantined: 1 }],
    [
      'reference-ambiguous',
      [original, { ...original, date: '2019-12-01' }, corrected],
      ['2019-11: 40', '2019-12: 40'],
      { quarantined: 1 },
    ],
    [
      'corrected-twice',
      [original, corrected, { ...corrected, number: 'L' }],
      ['2019-11: 40'],
      { quarantined: 2 },
    ],
  ])('%s: it waits, and what is there counts', (why, says, kept, others) => {
    const world = of(...says);
    expect(inCycle(world, '2020-04')).toEqual([...kept, others]);
    const waiting = judge(world.reference, world.files, RULE_SETS, RULES).filter(
      ({ disposition }) => disposition === 'quarantined',
    );
    expect(new Set(waiting.map((row) => row.why))).toEqual(new Set([why]));
    const { file } = waiting[0]!;
    const released = { known: 9, file: Number(file.slice(1)), row: 2, verdict: 'release' as const };
    const counts = audit({ ...world, decisions: [released] }, { cycle: '2020-04', ruleSet: RULE_SETS });
    expect(counts.cells.map(({ kpi_month }) => kpi_month)).toContain('2020-02-01');
  });

  /** What a small world of all of this shows when a rule is broken. */
  const world = worldOf([
    fileOf('unnumbered-part', [{ number: 'P' }]),
    fileOf('unnumbered-whole', [{ number: 'P' }, { number: 'P', quantity: '2' }]),
    fileOf('one', [{ number: 'X' }, { number: 'M' }]),
    fileOf('two', [
      { number: 'X', quantity: '2' },
      { number: 'M', line: '2', code: '386' },
    ]),
    fileOf('gone', [{ number: 'W' }], { withdrawn: true }),
    fileOf('corrections', [original, corrected]),
    fileOf('rivals', [
      { number: 'R' },
      { ...corrected, reference: 'R', number: 'R1', date: '2019-11-12' },
      { ...corrected, reference: 'R', number: 'R2', date: '2019-11-12' },
    ]),
  ]);
  test.each<[bug: string, cycle: string, broken: Partial<Rules>, finds: RegExp]>([
    [
      'a part is counted beside the whole',
      '2020-04',
      { isPartOf: (one, other) => one.length === other.length && isPartOf(one, other), conflictsWait: false },
      /^cell .* units: the auditor says 50, the software says 90$/,
    ],
    ['a conflict is counted', '2020-04', { conflictsWait: false }, /^dispositions\.quarantined:/],
    ['types that differ are counted', '2020-04', { mixedTypesWait: false }, /^cell .* units:/],
    ['what was withdrawn is counted', '2020-04', { withdrawalsHold: false }, /^dispositions\.superseded:/],
    [
      'the original is still counted',
      '2020-04',
      { replacedIsTakenBack: false },
      /^dispositions\.superseded: the auditor says 2, the software says 1$/,
    ],
    [
      'the correction counts in its own month',
      '2020-04',
      { correctionCountsOn: (own) => own },
      /^cell .*2020-02-01.*: only the software has it$/,
    ],
    [
      'the correction is visible with its original',
      '2020-02',
      { correctionVisibleFrom: (_, replaced) => replaced },
      /^dispositions\.not-yet-visible: the auditor says 1, the software says 0$/,
    ],
    [
      'two corrections are both taken',
      '2020-04',
      { correctedTwiceWaits: false },
      /^dispositions\.quarantined: the auditor says 6, the software says 4$/,
    ],
    [
      'a correction never finds what it refers to',
      '2020-04',
      { mayReplace: () => false },
      /^dispositions\.superseded:/,
    ],
  ])('a seeded bug is found: %s', (_, cycle, broken, finds) => {
    const right = audit(world, { cycle, ruleSet: RULE_SETS });
    const wrong = audit(world, { cycle, ruleSet: RULE_SETS }, { ...RULES, ...broken });
    expect(compare(right, asActual(right))).toEqual([]);
    expect(compare(right, asActual(wrong))).toEqual(expect.arrayContaining([expect.stringMatching(finds)]));
  });
});

describe('a partner, worked out by hand', () => {
  // Fundamentals: 30 units x 0.5 = 15, capped at 10, so 5 above. Advanced: 7 x 2 = 14. Courseware: 10 + 14 = 24.
  const rows = [
    line({ number: 'I1', date: '2020-01-10', sku: 'FUND', quantity: '30', net: '60.00' }),
    line({ number: 'I2', date: '2020-01-10', quantity: '7', net: '40.00' }),
  ];

  test('caps what counts and keeps the rest apart', () => {
    const { classes, kpi_value, revenue_value } = inFebruary(...rows);
    expect(classes).toEqual([
      {
        partner_mpn_id: 'P2',
        kpi_class: 'advanced',
        units: '7',
        kpi_value: '14',
        counted: '14',
        above_cap: '0',
        revenue: '40.00',
      },
      {
        partner_mpn_id: 'P2',
        kpi_class: 'fundamentals',
        units: '30',
        kpi_value: '15.0',
        counted: '10',
        above_cap: '5.0',
        revenue: '60.00',
      },
    ]);
    expect([kpi_value, revenue_value]).toEqual(['29.0', '100.00']);
  });

  test('reaches the best level whose requirements are all met, at or below its option', () => {
    const reached = (...lines: string[][]) =>
      inFebruary(...lines).levels.map(
        ({ partner_mpn_id, competency, level }) => `${partner_mpn_id} ${competency}: ${level}`,
      );
    // Cloud: 24 >= 24 and 100.00 >= 100.00. Data is enrolled for Silver, and its own survey score of 4.24 misses
    // 4.25, so the Action Pack. P1 has no trainers on record: nothing. P1's Gold ended.
    expect(reached(...rows)).toEqual(['P2 Cloud: Gold', 'P2 Data: Action Pack', 'P1 : ']);
    // A cent less revenue: Silver, by 24 >= 23, one trainer and the partner's own 4.3.
    expect(
      reached(rows[0]!, line({ number: 'I2', date: '2020-01-10', quantity: '7', net: '39.99' }))[0],
    ).toBe('P2 Cloud: Silver');
    // Six advanced units: 10 + 12 = 22, no Silver either.
    expect(
      reached(rows[0]!, line({ number: 'I2', date: '2020-01-10', quantity: '6', net: '40.00' }))[0],
    ).toBe('P2 Cloud: Action Pack');
  });
});

test('division is exact until its one rounding, half away from zero', () => {
  const divided = (a: string, b: string) => text(quotient(decimal(a), decimal(b), 2));
  expect(divided('1', '3')).toBe('0.33');
  expect(divided('2', '3')).toBe('0.67');
  expect(divided('0.125', '1')).toBe('0.13');
  expect(divided('-0.125', '1')).toBe('-0.13');
  expect(divided('-0.001', '1')).toBe('0.00');
  // Just below a half, 40 digits down.
  expect(divided('0.0049999999999999999999999999999999999999', '1')).toBe('0.00');
});

describe('an ingest', () => {
  test('is expected as of the file, in order: what comes later does not change it', () => {
    const one = line({ number: 'I1', date: '2020-01-10' });
    const first = handWorld([one, line({ number: 'I2', date: '2020-01-10', code: '325' }), ['']], 'a.csv');
    const second = handWorld([one, line({ number: 'I3', date: '2020-01-10', net: 'abc' })], 'b.csv');
    const world: World = { ...first, files: [...first.files, ...second.files] };
    expect(expectedIngest(world, 'a.csv', RULE_SETS)).toEqual({
      name: 'a.csv',
      lines_in: 2,
      dispositions: {
        superseded: 0,
        rejected: 1,
        duplicate: 0,
        quarantined: 0,
        unmapped: 0,
        'no-kpi-value': 0,
        reversal: 0,
        counted: 1,
      },
      amount_in: { USD: '20.00' },
      amounts: { rejected: { USD: '10.00' }, counted: { USD: '10.00' } },
    });
    // 'abc' is no amount: the row is in, its money is not.
    expect(expectedIngest(world, 'b.csv', RULE_SETS)).toMatchObject({
      lines_in: 2,
      dispositions: { duplicate: 1, rejected: 1 },
      amount_in: { USD: '10.00' },
      amounts: { duplicate: { USD: '10.00' } },
    });
  });

  test('of every sample file balances', () => {
    const world = generate();
    for (const file of world.files) {
      const { lines_in, dispositions } = expectedIngest(world, file);
      expect(Object.values(dispositions).reduce((total, count) => total + count, 0)).toBe(lines_in);
    }
  });
});

describe('the sample month', () => {
  const world = generate();
  const audited = audit(world, { cycle: '2020-05', ruleSet: shippedRuleSets() });

  test('reaches every level and none, has cells of nobody, and every row somewhere', () => {
    expect(new Set(audited.levels.map(({ level }) => level))).toEqual(
      new Set(['Gold', 'Silver', 'Action Pack', '']),
    );
    expect(
      audited.levels.some(({ learning_option, level }) => learning_option === 'Gold' && level === 'Silver'),
    ).toBe(true);
    expect(audited.cells.some(({ partner_mpn_id }) => partner_mpn_id === '')).toBe(true);
    expect(audited.cells.some(({ no_rate_lines }) => no_rate_lines > 0)).toBe(true);
    expect(audited.cells.some(({ zero_lines }) => zero_lines > 0)).toBe(true);
    expect(audited.window).toEqual({ from: '2019-05-01', to: '2020-04-30' });
    expect(Object.values(audited.dispositions).reduce((total, count) => total + count, 0)).toBe(
      audited.lines_in,
    );
    // Enrolled partners without a single purchase are there too.
    const buying = new Set(audited.cells.map(({ partner_mpn_id }) => partner_mpn_id));
    expect(audited.levels.some(({ partner_mpn_id }) => !buying.has(partner_mpn_id))).toBe(true);
  });

  test('agrees with itself, however decimals are written', () => {
    expect(compare(audited, asActual(audited))).toEqual([]);
    expect(compare(audited, { ...asActual(audited), kpi_value: `${audited.kpi_value}.000` })).toEqual([]);
  });

  test('an MPN ID that lost its zero is a difference', () => {
    const cells = audited.cells.map((cell) => ({
      ...cell,
      partner_mpn_id: cell.partner_mpn_id.replace(/^0/, ''),
    }));
    expect(compare(audited, { ...asActual(audited), cells })).not.toEqual([]);
  });

  /** Each is what broken software would do; `finds` is one of the differences that must be told. */
  const broken: ReadonlyArray<readonly [bug: string, rules: Rules, finds: RegExp]> = [
    [
      'the sign of credits is dropped',
      { ...RULES, treatment: (code) => ({ ...RULES.treatment(code), unitSign: 1, amountSign: 1 }) },
      /^kpi_value: the auditor says \d+, the software says \d+/,
    ],
    [
      'the sign of credited money is dropped',
      { ...RULES, treatment: (code) => ({ ...RULES.treatment(code), amountSign: 1 }) },
      /^revenue_value:/,
    ],
    [
      'code 83 takes back units',
      { ...RULES, treatment: (code) => (code === '83' ? RULES.treatment('381') : RULES.treatment(code)) },
      /^cell .* units:/,
    ],
    [
      'duplicates are not looked for',
      { ...RULES, looksForRepeats: false },
      /^dispositions\.duplicate: the auditor says 17, the software says 0$/,
    ],
    ['contradictions pass as duplicates', { ...RULES, isPartOf: () => true }, /^dispositions\.quarantined:/],
    [
      'a credit note counts as its invoice',
      { ...RULES, treatment: (code) => ({ ...RULES.treatment(code), documentClass: 'invoice' }) },
      /^dispositions\.quarantined:/,
    ],
    [
      'the window begins a month late',
      { ...RULES, window: (cycle) => ({ ...RULES.window(cycle), from: '2019-06-01' }) },
      /^dispositions\.outside-window:/,
    ],
    [
      'the window begins a day early',
      { ...RULES, window: (cycle) => ({ ...RULES.window(cycle), from: '2019-04-30' }) },
      /^dispositions\.outside-window:/,
    ],
    [
      'the window ends a day late',
      { ...RULES, window: (cycle) => ({ ...RULES.window(cycle), to: '2020-05-01' }) },
      /^dispositions\.not-yet-visible:/,
    ],
    [
      "a purchase stays with its day's partner after a merge",
      { ...RULES, rollUpDay: (_, issueDate) => issueDate },
      /^cell 4100101 .*: only the auditor has it$/,
    ],
    [
      'the window ends a day early',
      { ...RULES, window: (cycle) => ({ ...RULES.window(cycle), to: '2020-04-29' }) },
      /^dispositions\.not-yet-visible:/,
    ],
    [
      'the window is that of the cycle before',
      { ...RULES, window: () => RULES.window('2020-04') },
      /^dispositions\.not-yet-visible:/,
    ],
    [
      'a pro forma is taken',
      { ...RULES, treatment: (code) => (code === '325' ? RULES.treatment('380') : RULES.treatment(code)) },
      /^dispositions\.rejected:/,
    ],
    ['weekends have no rate', { ...RULES, rateLookBack: 0 }, /^cell .* no_rate_lines:/],
  ];

  test.each(broken)('a seeded bug is found: %s', (_, rules, finds) => {
    const wrong = audit(world, { cycle: '2020-05', ruleSet: shippedRuleSets() }, rules);
    // Broken software may well print the right window and dates.
    const differences = compare(audited, { ...asActual(wrong), window: audited.window });
    expect(differences).toEqual(expect.arrayContaining([expect.stringMatching(finds)]));
  });

  test('a seeded bug is found when a file is ingested', () => {
    const bug: Rules = { ...RULES, looksForRepeats: false };
    const differences = compareIngest(
      expectedIngest(world, 'resent.csv'),
      expectedIngest(world, 'resent.csv', shippedRuleSets(), bug),
    );
    expect(differences).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^resent\.csv: dispositions\.duplicate: the auditor says \d+, the software says 0$/,
        ),
      ]),
    );
  });

  test('a row lost from a file is found', () => {
    const [first, ...rest] = world.files;
    const lost: World = { ...world, files: [{ ...first!, rows: first!.rows.slice(1) }, ...rest] };
    const differences = compare(
      audited,
      asActual(audit(lost, { cycle: '2020-05', ruleSet: shippedRuleSets() })),
    );
    expect(differences).toContain(
      `conservation.lines_in: the auditor says ${audited.lines_in}, the software says ${audited.lines_in - 1}`,
    );
  });
});
