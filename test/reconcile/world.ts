import { type Draw, drawFrom } from '../../samples/random.ts';
import {
  cellsOf,
  type InvoiceFile,
  type InvoiceLine,
  type Reference,
  type World,
} from '../../samples/truth.ts';
import type { Cause } from '../../src/reconcile/causes.ts';

/**
 * What is known of many partners, each with a claim to come: invoices, and what is wrong with some of their lines. One
 * seed is one partner and one claim.
 */

/** The report that the claims are about: its window is 2022-10..2023-09, and two rule sets hold in it. */
export const CYCLE = '2023-10';
export const WINDOW = [
  ...['2022-10', '2022-11', '2022-12', '2023-01', '2023-02', '2023-03'],
  ...['2023-04', '2023-05', '2023-06', '2023-07', '2023-08', '2023-09'],
] as const;

/** Faults that the claim makes of a line that the report shows. */
export const OF_THE_CLAIM = [
  ...(['duplicate', 'other-month', 'other-type', 'other-unit', 'other-weight', 'other-rate'] as const),
  ...(['rounding', 'not-claimed', 'unexplained', 'no-invoice-number'] as const),
];
/** Faults that are in what came in. */
export const OF_THE_DATA = [
  ...(['not-received', 'received-since', 'not-yet-visible', 'outside-window', 'not-an-invoice'] as const),
  ...(['rejected', 'quarantined', 'other-customer-number', 'other-partner', 'superseded'] as const),
  ...(['withdrawn', 'credited', 'no-kpi-value', 'not-on-the-list'] as const),
];
export type Fault = (typeof OF_THE_CLAIM)[number] | (typeof OF_THE_DATA)[number];

/** What a claimed line of such a fault is called. */
export const causeOf = (fault: Fault): Cause =>
  fault === 'withdrawn' ? 'superseded' : fault === 'not-on-the-list' ? 'no-kpi-value' : fault;

/** One line as the seller wrote it. */
export interface Written {
  readonly line: InvoiceLine;
  /** The file it comes in: before the report, taken in and withdrawn, after the report; '' = it never comes. */
  readonly file: 'before' | 'wrong' | 'since' | '';
  readonly fault: Fault | undefined;
  /** Whether the partner knows of it, and so may claim it. */
  readonly isTheirs: boolean;
}

export interface Partner {
  readonly seed: number;
  readonly mpnId: string;
  readonly written: readonly Written[];
}

const idText = (seed: number): string => String(seed).padStart(7, '0');
export const partnerOf = (seed: number): string => `61${idText(seed)}`;
export const strangerOf = (seed: number): string => `62${idText(seed)}`;
const locationOf = (seed: number): string => `71${idText(seed)}`;
const theirsOf = (seed: number): string => `72${idText(seed)}`;
/** The partner's own two numbers; another partner's, and one that nobody has, each like one of them. */
const NUMBERS = (seed: number) =>
  ({
    own: `K${idText(seed)}45`,
    second: `K${idText(seed)}67`,
    other: `K${idText(seed)}76`,
    unknown: `K${idText(seed)}54`,
  }) as const;

export const PRODUCTS = [
  { sku: 'ADV-1', omlp_type: 'MOC', kpi_class: 'courseware-advanced', units_per_sku: '1' },
  { sku: 'FUND-1', omlp_type: 'MOC', kpi_class: 'courseware-fundamentals', units_per_sku: '1' },
  { sku: 'LAB-1', omlp_type: 'Labs Online', kpi_class: 'courseware-advanced', units_per_sku: '1' },
  { sku: 'EXAM-10', omlp_type: 'Exam vouchers', kpi_class: 'exam-advanced', units_per_sku: '10' },
  { sku: 'MUG', omlp_type: 'MOC', kpi_class: '', units_per_sku: '1' },
] as const;
export const TYPES = ['MOC', 'Labs Online', 'Exam vouchers'] as const;
const GOOD = ['ADV-1', 'ADV-1', 'FUND-1', 'LAB-1', 'EXAM-10'] as const;

const BEFORE_WINDOW = '2022-08';
const DAYS = ['03', '14', '27'] as const;
const always = { valid_from: '2015-01-01', valid_to: '' };

export function referenceOf(seeds: readonly number[]): Reference {
  const each = <T>(make: (seed: number) => T[]): T[] => seeds.flatMap(make);
  const dates = [BEFORE_WINDOW, ...WINDOW, CYCLE].flatMap((month) => DAYS.map((day) => `${month}-${day}`));
  return {
    partners: each((seed) =>
      [partnerOf(seed), strangerOf(seed)].map((mpn_id) => ({
        mpn_id,
        name: `Partner ${mpn_id}`,
        country: 'US',
        ...always,
      })),
    ),
    locations: each((seed) =>
      [
        [locationOf(seed), partnerOf(seed)],
        [theirsOf(seed), strangerOf(seed)],
      ].map(([location, partner]) => ({
        location_mpn_id: location!,
        partner_mpn_id: partner!,
        name: 'here',
        country: 'US',
        ...always,
      })),
    ),
    customers: each((seed) => {
      const { own, second, other } = NUMBERS(seed);
      return [
        [own, locationOf(seed)],
        [second, locationOf(seed)],
        [other, theirsOf(seed)],
      ].map(([customer, location]) => ({
        customer_number: customer!,
        location_mpn_id: location!,
        program: '',
        ...always,
      }));
    }),
    enrolments: each((seed) => [
      {
        partner_mpn_id: partnerOf(seed),
        learning_option: 'Gold',
        competency: 'Cloud Platform',
        anniversary_date: '2024-01-15',
        ...always,
      },
    ]),
    attainments: each((seed) => [
      { partner_mpn_id: partnerOf(seed), competency: '', measure: 'mct', value: '2', ...always },
    ]),
    products: PRODUCTS.map((product) => ({ name: product.sku, ...always, ...product })),
    manualRates: [],
    listings: [],
    ecb: `Date,USD,\n${[...dates]
      .sort()
      .reverse()
      .map((date, index) => `${date},1.${String(index + 11).padStart(3, '0')}7,\n`)
      .join('')}`,
  };
}

/** A partner with enough invoices for 0 to 12 faults, at most one an invoice. */
export function drawPartner(seed: number): Partner {
  const draw = drawFrom(seed);
  const faults = Array.from({ length: draw.integer(0, 12) }, () =>
    draw.chance(1, 2) ? draw.pick(OF_THE_CLAIM) : draw.pick(OF_THE_DATA),
  );
  const ofTheClaim = faults.filter((fault) => (OF_THE_CLAIM as readonly string[]).includes(fault));
  const ofTheData = faults.filter((fault) => !ofTheClaim.includes(fault));
  let count = 0;
  const number = (): string => `R${idText(seed)}-${String(++count).padStart(3, '0')}`;
  const written = [
    ...Array.from({ length: draw.integer(3, 8) }, () => invoice(draw, seed, number(), undefined)).flat(),
    ...inInvoices(draw, ofTheClaim).flatMap(([fault, second]) =>
      invoice(draw, seed, number(), fault, second),
    ),
    ...ofTheData.flatMap((fault) => trouble(draw, seed, number, fault)),
  ];
  return { seed, mpnId: partnerOf(seed), written };
}

/** Faults that a second line of the invoice may have: lines of another type that keep their month and type. */
const SECOND: readonly Fault[] = ['other-unit', 'other-weight', 'not-claimed', 'duplicate'];

/** Some invoices have a fault in two of their lines. */
function inInvoices(draw: Draw, faults: readonly Fault[]): Array<[Fault, Fault | undefined]> {
  const [seconds, firsts] = [
    faults.filter((fault) => SECOND.includes(fault)),
    faults.filter((fault) => !SECOND.includes(fault)),
  ];
  const paired = firsts.map((fault): [Fault, Fault | undefined] => [
    fault,
    draw.chance(1, 2) ? seconds.pop() : undefined,
  ]);
  return [...paired, ...seconds.map((fault): [Fault, undefined] => [fault, undefined])];
}

const lineOf = (
  draw: Draw,
  seed: number,
  number: string,
  line: string,
  given: Partial<InvoiceLine>,
): InvoiceLine => ({
  number,
  date: `${draw.pick(WINDOW)}-${draw.pick(DAYS)}`,
  code: '380',
  currency: draw.chance(1, 3) ? 'EUR' : 'USD',
  reference: '',
  seller: 'S1',
  customer: draw.chance(1, 2) ? NUMBERS(seed).own : NUMBERS(seed).second,
  line,
  quantity: String(draw.integer(1, 60)),
  price: '',
  net: `${draw.integer(10, 4_000)}.${draw.integer(1, 9)}${draw.integer(1, 9)}`,
  item: '',
  sku: draw.pick(GOOD),
  ...given,
});

/** An invoice of one to five lines that the report shows; a fault is of the first, a second one of the second. */
function invoice(draw: Draw, seed: number, number: string, fault?: Fault, second?: Fault): Written[] {
  const first = lineOf(draw, seed, number, '1', {
    sku: second ? 'ADV-1' : draw.pick(GOOD),
    ...(fault === 'other-rate' ? { currency: 'EUR' } : {}),
    ...(fault === 'unexplained' ? { currency: 'USD' } : {}),
  });
  const { date, currency, customer } = first;
  const common = { date, currency, customer };
  const lines = [first, ...(second ? [lineOf(draw, seed, number, '2', { ...common, sku: 'EXAM-10' })] : [])];
  for (let more = draw.integer(0, 3); more > 0; more -= 1) {
    const line = String(lines.length + 1);
    // An invoice may hold the same line twice.
    lines.push(draw.chance(1, 6) ? { ...first, line } : lineOf(draw, seed, number, line, common));
  }
  return lines.map((line, index) => ({
    line,
    file: 'before',
    fault: [fault, second][index],
    isTheirs: true,
  }));
}

/** What goes wrong with an invoice before it could be in the report. In dollars, so that the claim's figures are plain. */
function trouble(draw: Draw, seed: number, number: () => string, fault: Fault): Written[] {
  const own = number();
  const make = (given: Partial<InvoiceLine> = {}): InvoiceLine =>
    lineOf(draw, seed, own, '1', { currency: 'USD', ...given });
  const one = (line: InvoiceLine, file: Written['file'] = 'before'): Written[] => [
    { line, file, fault, isTheirs: true },
  ];
  const day = draw.pick(DAYS);
  switch (fault) {
    case 'not-received':
      return one(make(), '');
    case 'received-since':
      return one(make(), 'since');
    case 'not-yet-visible':
      return one(make({ date: `${CYCLE}-${day}` }));
    case 'outside-window':
      return one(make({ date: `${BEFORE_WINDOW}-${day}` }));
    case 'not-an-invoice':
      return one(make({ code: draw.pick(['325', '231', '220']) }));
    case 'rejected':
      return one(make({ net: 'abc' }));
    case 'quarantined':
      return one(make({ code: draw.pick(['326', 'SalesInvoice']) }));
    case 'other-customer-number':
      return one(make({ customer: draw.pick([NUMBERS(seed).unknown, '']) }));
    case 'other-partner':
      return one(make({ customer: NUMBERS(seed).other }));
    case 'no-kpi-value':
      return one(make({ sku: 'MUG' }));
    case 'not-on-the-list':
      return one(make({ sku: 'GHOST' }));
    case 'withdrawn':
      return one(make(), 'wrong');
    case 'superseded': {
      const line = make({ date: `${WINDOW[draw.integer(0, 5)]}-${day}` });
      const correction = {
        ...line,
        number: number(),
        code: '384',
        reference: own,
        date: `2023-08-${day}`,
        quantity: '7',
      };
      return [...one(line), { line: correction, file: 'before', fault, isTheirs: false }];
    }
    case 'credited': {
      const line = make({ date: `${WINDOW[draw.integer(0, 5)]}-${day}` });
      const credit = { ...line, number: number(), code: '381', reference: own, date: `2023-08-${day}` };
      return [
        { line, file: 'before', fault: undefined, isTheirs: true },
        { line: credit, file: 'before', fault, isTheirs: false },
      ];
    }
    default:
      throw new Error(`${fault} is no fault of what came in`);
  }
}

export const FILES = ['before', 'wrong', 'since'] as const;

/** The files in which all of it comes. */
export function filesOf(partners: readonly Partner[]): Record<(typeof FILES)[number], InvoiceFile> {
  const make = (name: (typeof FILES)[number]): InvoiceFile => ({
    name: `${name}.csv`,
    format: 'csv',
    withdrawn: name === 'wrong',
    rows: partners
      .flatMap(({ written }) => written.filter(({ file }) => file === name))
      .map(({ line }, index) => ({ row: index + 2, cells: cellsOf(line), expected: 'counted', oddity: '' })),
  });
  return { before: make('before'), wrong: make('wrong'), since: make('since') };
}

/** What was known when the report was made. */
export function worldOf(partners: readonly Partner[]): World {
  const { before, wrong } = filesOf(partners);
  return { reference: referenceOf(partners.map(({ seed }) => seed)), files: [before, wrong] };
}
