import fc from 'fast-check';
import {
  cellsIn,
  type InvoiceFile,
  type InvoiceLine,
  type Reference,
  type World,
} from '../../samples/truth.ts';
import { standingOf } from './standing.ts';

/**
 * Small months for property tests: what is said of a few documents, and two ways in which it arrives. Plain values, so
 * that they can be made smaller, and that a file keeps those that once failed.
 */

/** One line: places in the lists below. */
export interface Content {
  readonly customer: number;
  readonly sku: number;
  readonly quantity: number;
  readonly net: number;
  readonly currency: number;
}

/** What one file says of a document. */
export interface Version {
  /** Which lines: those whose bit is set, or all. */
  readonly part: number;
  /** A line more than the document has. */
  readonly more: Content | null;
  /** A line that differs from the document's: its place, and its quantity. */
  readonly change: { readonly line: number; readonly quantity: number } | null;
  /** Without line numbers. */
  readonly unnumbered: boolean;
  /** With a row that cannot be read. */
  readonly junk: boolean;
  /** Another type code than the document's: a place in CODES, or -1. */
  readonly code: number;
  /** In the file that was wrong, and is withdrawn. */
  readonly wrong: boolean;
}

export interface Said {
  readonly number: number;
  readonly date: number;
  readonly seller: number;
  readonly code: number;
  /** What a corrected invoice or a credit refers to: a place in NUMBERS, or -1 for nothing. */
  readonly reference: number;
  readonly lines: readonly Content[];
  readonly versions: readonly Version[];
}

/** A way to arrive: each saying's file and place in it, in turn, and which are said a second time. */
export interface Arrangement {
  readonly files: readonly number[];
  readonly places: readonly number[];
  readonly again: readonly number[];
}

export interface Month {
  readonly documents: readonly Said[];
  /** How the wrong file comes and goes: a place in WRONG. */
  readonly wrong: number;
  readonly arrangements: readonly [Arrangement, Arrangement];
  /** Which standing its partners have (`standingOf`); the month's own number when absent. */
  readonly standing?: number;
}

/** On both sides of window borders, of a rule set's begin, of a customer's move and of a merge. */
const DATES = [
  '2023-05-10',
  '2022-06-30',
  '2022-07-01',
  '2022-12-31',
  '2023-02-28',
  '2023-06-30',
  '2023-07-01',
  '2023-08-15',
  '2023-09-30',
  '2023-10-02',
] as const;
/** Days with a rate for lines that are converted at their month's end. */
const MONTH_ENDS = ['2022-07-31', '2023-05-30'] as const;
/** A corrected invoice comes late, so that mostly there is something to correct. */
const CORRECTED = [5, 5, 6, 6, 7, 7, 8, 9, 0, 3].map((index) => DATES[index]!);
/** Refreshed while files still arrive: a cycle whose months the others share. */
export const BETWEEN = '2023-09';
/** The window of the first ends on the last day of one rule set; the second's holds both rule sets. */
export const CYCLES = ['2023-07', '2023-10'] as const;
const NUMBERS = ['A', 'B', 'C', 'D', 'E', 'MISSING'] as const;
const CODES = ['380', '384', '381', '388', '83', '326', '', '325'] as const;
/** Corrected invoices and credits say which invoice they are about. */
const REFERS: readonly string[] = ['384', '381', '83'];
const SELLERS = ['S1', 'S2'] as const;
const CURRENCIES = ['USD', 'EUR', 'EGP'] as const;
const SKUS = ['ADV-1', 'FUND-1', 'EXAM-10', 'NEW-1', 'MUG', 'GHOST'] as const;
const QUANTITIES = ['1', '2', '40', '300', '-3'] as const;
const NETS = ['10.00', '99.99', '0.00', '21000.00'] as const;

export const FILES = 7;
/** Before which file it comes, before which it is withdrawn, and before which its bytes come again; -1 = never. */
const WRONG = [
  { comes: 0, goes: FILES, again: -1 },
  { comes: 2, goes: 4, again: -1 },
  { comes: 1, goes: 3, again: 5 },
  { comes: FILES, goes: FILES, again: -1 },
] as const;

const place = (list: readonly unknown[], weights?: readonly number[]) =>
  weights
    ? fc.oneof(...weights.map((weight, index) => ({ weight, arbitrary: fc.constant(index) })))
    : fc.nat({ max: list.length - 1 });
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
/** Most documents share a few numbers, and refer to them. */
const FEW = [6, 3, 2, 1, 1];
const rarely = (outOf: number) => fc.nat({ max: outOf - 1 }).map((drawn) => drawn === outOf - 1);

const content = fc.record({
  customer: place([], [6, 3, 1]),
  sku: place(SKUS, [6, 3, 2, 2, 1, 1]),
  quantity: place(QUANTITIES, [4, 4, 2, 1, 1]),
  net: place(NETS, [4, 3, 1, 1]),
  currency: place(CURRENCIES, [4, 3, 1]),
});

/** The part of a document that is all of it. */
export const WHOLE = 63;

const version: fc.Arbitrary<Version> = fc.record({
  part: fc.oneof(
    { weight: 3, arbitrary: fc.constant(WHOLE) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: WHOLE }) },
  ),
  more: seldom(content),
  change: seldom(fc.record({ line: fc.nat({ max: 5 }), quantity: place(QUANTITIES) })),
  unnumbered: fc.boolean(),
  junk: rarely(12),
  code: fc.oneof({ weight: 15, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: place(CODES) }),
  wrong: rarely(9),
});

const said: fc.Arbitrary<Said> = fc.record({
  number: place(NUMBERS, FEW),
  date: place(DATES),
  seller: place(SELLERS, [12, 1]),
  code: place(CODES, [6, 6, 2, 1, 1, 1, 1, 1]),
  reference: fc.oneof(
    { weight: 8, arbitrary: place(NUMBERS, FEW) },
    { weight: 1, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.constant(NUMBERS.length - 1) },
  ),
  // Few different lines, so that parts, equal lines and contradictions meet.
  lines: fc.array(content, { minLength: 1, maxLength: 6, size: 'max' }),
  versions: fc.array(version, { minLength: 1, maxLength: 4, size: 'max' }),
});

const arrangement: fc.Arbitrary<Arrangement> = fc.record({
  files: fc.array(fc.nat({ max: FILES - 1 }), { minLength: 1, maxLength: 16, size: 'max' }),
  places: fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 16, size: 'max' }),
  again: fc.array(fc.nat({ max: 15 }), { maxLength: 4, size: 'max' }),
});

export const month: fc.Arbitrary<Month> = fc.record({
  documents: fc.array(said, { minLength: 1, maxLength: 6, size: 'max' }),
  wrong: place(WRONG),
  arrangements: fc.tuple(arrangement, arrangement),
});

/** The month of a seed. */
export const monthOf = (seed: number): Month => fc.sample(month, { seed, numRuns: 1 })[0]!;

/** A month and the number that keeps its documents, customers and partners apart from those of others. */
export interface Placed {
  readonly id: number;
  readonly month: Month;
}

interface Saying {
  readonly key: string;
  readonly unnumbered: boolean;
  readonly wrong: boolean;
  readonly lines: readonly InvoiceLine[];
}

const idText = (id: number): string => String(id).padStart(7, '0');
export const partnersOf = (id: number): readonly [string, string] => [`41${idText(id)}`, `42${idText(id)}`];
const locationsOf = (id: number): readonly [string, string] => [`51${idText(id)}`, `52${idText(id)}`];
/** At most so many sayings of one document: each needs a file of its own. */
const MOST = 4;

const classOf = (code: string): string =>
  code === '381' || code === '83' ? 'credit' : code === '384' ? 'corrected' : 'invoice';

/** Everything that the files of a month say, document by document. */
function sayingsOf({ id, month: { documents } }: Placed): Saying[] {
  const prefix = `M${idText(id)}`;
  const heads = new Map<string, Said>();
  const count = new Map<string, number>();
  return documents.flatMap((document) => {
    const number = NUMBERS[document.number]!;
    const date = (CODES[document.code] === '384' ? CORRECTED : DATES)[document.date]!;
    return document.versions.flatMap((version): Saying[] => {
      const isOther = version.code >= 0 && CODES[document.code] !== '384' && CODES[version.code] !== '384';
      const code = isOther ? version.code : document.code;
      const key = JSON.stringify([id, SELLERS[document.seller], classOf(CODES[code]!), number, date]);
      // What a document refers to is one thing: decision 0014 does not say what it would be otherwise.
      const head = heads.get(key) ?? document;
      heads.set(key, head);
      const known = count.get(key) ?? 0;
      if (known === MOST) return [];
      count.set(key, known + 1);
      const contents = document.lines.map((line, index) =>
        version.change && version.change.line % document.lines.length === index
          ? { ...line, quantity: version.change.quantity }
          : line,
      );
      const parts = contents
        .map((line, index) => ({ line, no: index + 1 }))
        .filter(({ no }) => (version.part >> (no - 1)) & 1);
      const chosen = parts.length > 0 ? parts : [{ line: contents[0]!, no: 1 }];
      if (version.more) chosen.push({ line: version.more, no: contents.length + 1 });
      const lines = chosen.map(
        ({ line, no }): InvoiceLine => ({
          number: `${prefix}-${number}`,
          date,
          code: CODES[code]!,
          currency: CURRENCIES[line.currency]!,
          reference:
            REFERS.includes(CODES[code]!) && head.reference >= 0
              ? `${prefix}-${NUMBERS[head.reference]}`
              : '',
          seller: SELLERS[document.seller]!,
          customer: `C${idText(id)}-${line.customer}`,
          line: version.unnumbered ? '' : String(no),
          quantity: QUANTITIES[line.quantity]!,
          price: '',
          net: NETS[line.net]!,
          item: '',
          sku: SKUS[line.sku]!,
        }),
      );
      if (version.junk) lines.push({ ...lines[0]!, line: version.unnumbered ? '' : '99', net: 'abc' });
      return [{ key, unnumbered: version.unnumbered, wrong: version.wrong, lines }];
    });
  });
}

/** What happens, in order. */
export type Step =
  | { readonly what: 'ingest'; readonly file: InvoiceFile }
  | { readonly what: 'withdraw'; readonly file: InvoiceFile }
  | { readonly what: 'refresh' };

/**
 * The steps in which months arrive, each file holding what the months have in it: a hundred months cost as many files
 * as one. `which` of the two arrangements.
 */
export function stepsOf(months: readonly Placed[], which: 0 | 1): Step[] {
  /** Rows by file name. */
  const rows = new Map<string, Array<{ place: number; cells: readonly string[][] }>>();
  const add = (slot: string, place: number, saying: Saying): void => {
    const numbered = !saying.unnumbered;
    const name = `${slot}-${numbered ? 'numbered' : 'unnumbered'}`;
    // The item's name is no content: with the file's, no two files have the same bytes.
    const cells = saying.lines.map((line) => [...cellsIn({ numbered }, { ...line, item: name })]);
    rows.set(name, [...(rows.get(name) ?? []), { place, cells }]);
  };
  for (const placed of months) {
    const { files, places, again } = placed.month.arrangements[which];
    const sayings = sayingsOf(placed);
    const right = sayings.filter(({ wrong }) => !wrong);
    for (const [index, saying] of sayings.filter(({ wrong }) => wrong).entries())
      add(`wrong-${placed.month.wrong}`, index, saying);
    const withoutNumbers = new Set(sayings.filter(({ unnumbered }) => unnumbered).map(({ key }) => key));
    const taken = new Set<string>();
    const repeated = again
      .map((index) => right[index % Math.max(1, right.length)])
      .filter((saying) => saying !== undefined);
    [...right, ...repeated].forEach((saying, index) => {
      let slot = files[index % files.length]!;
      // A file says one thing of a document without line numbers: two sayings of it are two files.
      if (withoutNumbers.has(saying.key)) {
        let tried = 0;
        while (taken.has(`${saying.key} ${slot}`) && tried < FILES) {
          slot = (slot + 1) % FILES;
          tried += 1;
        }
        if (tried === FILES) return;
        taken.add(`${saying.key} ${slot}`);
      }
      const place = places[index % places.length]! * 100 + index;
      add(String(slot), place, saying);
    });
  }

  const fileOf = (name: string): InvoiceFile | undefined => {
    const said = rows.get(name);
    if (!said) return undefined;
    const cells = [...said].sort((a, b) => a.place - b.place).flatMap((group) => group.cells);
    return {
      name: `${name}.csv`,
      format: 'csv',
      numbered: !name.endsWith('unnumbered'),
      rows: cells.map((row, index) => ({ row: index + 2, cells: row, expected: 'counted', oddity: '' })),
    };
  };
  const steps: Step[] = [];
  const put = (what: 'ingest' | 'withdraw', slot: string): void => {
    for (const name of [`${slot}-numbered`, `${slot}-unnumbered`]) {
      const file = fileOf(name);
      if (file) steps.push({ what, file });
    }
  };
  for (let slot = 0; slot <= FILES; slot += 1) {
    WRONG.forEach(({ comes }, index) => {
      if (comes === slot) put('ingest', `wrong-${index}`);
    });
    WRONG.forEach(({ goes }, index) => {
      if (goes === slot) put('withdraw', `wrong-${index}`);
    });
    WRONG.forEach(({ again }, index) => {
      if (again === slot) put('ingest', `wrong-${index}`);
    });
    put('ingest', String(slot));
    // In one of the two, months were built already when more of them arrives.
    if (which === 1 && slot === 3) steps.push({ what: 'refresh' });
  }
  return steps;
}

const always = { valid_from: '2015-01-01', valid_to: '' };

/** What is known of the months: the same for each, under other numbers, but for how the partners stand. */
export function referenceOf(months: readonly Placed[]): Reference {
  const ids = months.map(({ id }) => id);
  const standings = months.map(({ id, month }) => standingOf(month.standing ?? id, partnersOf(id)));
  const each = <T>(
    make: (id: number, partners: readonly [string, string], locations: readonly [string, string]) => T[],
  ): T[] => ids.flatMap((id) => make(id, partnersOf(id), locationsOf(id)));
  return {
    partners: standings.flatMap(({ countries }) =>
      countries.map(({ partner, ...held }) => ({ mpn_id: partner, name: `Partner ${partner}`, ...held })),
    ),
    // The second location is merged into the other partner late in the second cycle's window: one that ended a month
    // before it still has the first partner.
    locations: each((_, [first, second], [here, there]) => [
      { location_mpn_id: here, partner_mpn_id: first, name: 'here', country: 'US', ...always },
      {
        location_mpn_id: there,
        partner_mpn_id: first,
        name: 'there',
        country: 'US',
        ...always,
        valid_to: '2023-09-12',
      },
      {
        location_mpn_id: there,
        partner_mpn_id: second,
        name: 'there',
        country: 'US',
        ...always,
        valid_from: '2023-09-12',
      },
    ]),
    // Customer 1 moves. Customer 2 is not known.
    customers: each((id, _, [here, there]) => {
      const [zero, one] = [`C${idText(id)}-0`, `C${idText(id)}-1`];
      return [
        { customer_number: zero, location_mpn_id: here, program: '', ...always },
        { customer_number: one, location_mpn_id: here, program: '', ...always, valid_to: '2023-03-01' },
        { customer_number: one, location_mpn_id: there, program: '', ...always, valid_from: '2023-03-01' },
      ];
    }),
    enrolments: standings.flatMap(({ enrolments }) => enrolments),
    attainments: standings.flatMap(({ attainments }) => attainments),
    products: [
      { sku: 'ADV-1', omlp_type: 'MOC', kpi_class: 'courseware-advanced', units_per_sku: '1' },
      { sku: 'FUND-1', omlp_type: 'MOC', kpi_class: 'courseware-fundamentals', units_per_sku: '1' },
      { sku: 'EXAM-10', omlp_type: 'Exam voucher', kpi_class: 'exam-fundamentals', units_per_sku: '10' },
      {
        sku: 'NEW-1',
        omlp_type: 'MOC',
        kpi_class: 'courseware-advanced',
        units_per_sku: '1',
        valid_from: '2023-03-01',
      },
      { sku: 'MUG', omlp_type: 'MOC', kpi_class: '', units_per_sku: '1' },
    ].map((product) => ({ name: product.sku, ...always, ...product })),
    manualRates: [],
    listings: [],
    // Another rate on each date but one, which has none near.
    ecb: `Date,USD,JPY,\n${[...DATES, ...MONTH_ENDS]
      .filter((date) => date !== '2023-08-15')
      .sort()
      .reverse()
      .map((date, index) => `${date},1.0${index + 11}7,N/A,\n`)
      .join('')}`,
  };
}

/** What the auditor is asked about: the files in the order in which they came, with those withdrawn marked. */
export function worldOf(reference: Reference, steps: readonly Step[]): World {
  const files: InvoiceFile[] = [];
  for (const step of steps) {
    if (step.what === 'ingest') files.push(step.file);
    if (step.what === 'withdraw') {
      const index = files.findLastIndex(({ name }) => name === step.file.name);
      files[index] = { ...files[index]!, withdrawn: true };
    }
  }
  return { reference, files };
}

export const KINDS = ['partners', 'locations', 'customers', 'enrolments', 'attainments', 'products'] as const;
