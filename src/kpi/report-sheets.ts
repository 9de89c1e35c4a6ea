import type { Block, CellKind, CellValue, Sheet, TableColumn } from '../ports.ts';
import { computedCell, KPI_LINES, type Lineage, totalOfLines } from './lineage.ts';
import type { Balance, KpiLine, Provenance, RowTotals, Sums, UncountedLine } from './report-data.ts';

/** The sentence that stands on the face of every report that used a sample number. */
export const SAMPLE_WARNING =
  "Some thresholds or weights in this report are SAMPLE numbers, not the program's.";

/** Which revision it is; or that it is none. */
export const revisionText = ({ revision, asKnownOn }: Provenance): string =>
  asKnownOn === undefined ? `revision ${revision}` : `as known on ${asKnownOn}, no revision`;

/** What stands on the face of a report that is no revision, or one that came late. */
export function onTheFace({ asKnownOn, lateBy, due }: Provenance): Block[] {
  if (asKnownOn !== undefined)
    return [
      {
        block: 'text',
        tone: 'warning',
        text: `Computed as known on ${asKnownOn}. This is not a revision: it was never published, and it may differ from what was reported then.`,
      },
    ];
  if (lateBy === undefined) return [];
  return [
    { block: 'text', tone: 'warning', text: `This revision came late, by ${lateBy}: it was due at ${due}.` },
  ];
}

/** Rows of one query, in one go or as they come. */
export type Lines<T> = Iterable<T> | AsyncIterable<T>;

/** Which partner a line belongs to; only the program's workbook has these columns. */
export interface OfPartner {
  readonly partnerMpnId: string | null;
  readonly partnerName: string | null;
}

const PARTNER_COLUMNS: readonly TableColumn[] = [
  { header: 'Partner MPN ID', kind: 'code', width: 12 },
  { header: 'Partner name', kind: 'text', width: 28 },
];

/** The program's seven fields, in its order and under its names. */
const SEVEN_FIELDS: readonly TableColumn[] = [
  { header: 'Month', kind: 'ordinal', width: 9 },
  { header: 'Year', kind: 'ordinal', width: 8 },
  { header: 'OMLP type', kind: 'text', width: 17 },
  { header: 'Purchase unit', kind: 'decimal', width: 12 },
  { header: 'Invoice #', kind: 'code', width: 17 },
  { header: 'KPI value', kind: 'decimal', width: 11 },
  { header: 'Revenue value', kind: 'money', width: 14 },
];

const LINE_EVIDENCE: readonly TableColumn[] = [
  { header: 'Location', kind: 'code', width: 11 },
  { header: 'Issue date', kind: 'date', width: 12 },
  { header: 'SKU', kind: 'code', width: 17 },
  { header: 'Invoiced quantity', kind: 'decimal', width: 12 },
  { header: 'Currency', kind: 'text', width: 11 },
  { header: 'Currency amount', kind: 'amount', width: 15 },
  { header: 'Exchange rate', kind: 'decimal', width: 12 },
  { header: 'Rate of', kind: 'date', width: 12 },
  { header: 'Rate source', kind: 'text', width: 10 },
  { header: 'File', kind: 'text', width: 38 },
  { header: 'Row', kind: 'ordinal', width: 8 },
  { header: 'Note', kind: 'text', width: 28 },
];

const KPI_CLASS: TableColumn = { header: 'KPI class', kind: 'text', width: 24 };

/** *KPI lines* of one partner: the seven fields first, the class that weighs it and has its cap, what proves the line. */
export function kpiLines(lines: Lines<KpiLine>, totals: Sums, lineage: Lineage): Sheet {
  return lineSheet(
    [...SEVEN_FIELDS, KPI_CLASS, ...LINE_EVIDENCE],
    mapped(lines, (line) => [...seven(line), line.kpiClass, ...evidence(line)]),
    {
      units: computedCell(totals.units, 'decimal', totalOfLines(lineage, 'units')),
      kpiValue: computedCell(totals.kpiValue, 'decimal', totalOfLines(lineage, 'kpiValue')),
      revenue: computedCell(totals.revenue, 'money', totalOfLines(lineage, 'revenue')),
    },
  );
}

/** *KPI lines* of the whole program: the same, with the partner after the seven fields. */
export function programKpiLines(lines: Lines<KpiLine & OfPartner>, totals: Sums): Sheet {
  return lineSheet(
    [...SEVEN_FIELDS, ...PARTNER_COLUMNS, ...LINE_EVIDENCE],
    mapped(lines, (line) => [...seven(line), line.partnerMpnId, line.partnerName, ...evidence(line)]),
    totals,
  );
}

function lineSheet(
  columns: readonly TableColumn[],
  rows: AsyncIterable<CellValue[]>,
  totals: Readonly<Record<keyof Sums, CellValue>>,
): Sheet {
  const total: CellValue[] = ['Total', null, null, totals.units, null, totals.kpiValue, totals.revenue];
  return { name: KPI_LINES, landscape: true, blocks: [{ block: 'table', columns, rows, totals: total }] };
}

function seven(line: KpiLine): CellValue[] {
  return [
    line.month,
    line.year,
    line.omlpType,
    line.purchaseUnit,
    line.invoice,
    line.kpiValue,
    line.revenueValue,
  ];
}

function evidence(line: KpiLine): CellValue[] {
  const { location, issueDate, sku, quantity, currency, currencyAmount, file, row, note } = line;
  return [
    ...[
      location,
      issueDate,
      sku,
      quantity,
      currency,
      currencyAmount,
      line.rate,
      line.rateDate,
      line.rateSource,
    ],
    ...[file, row, note === '' ? null : note],
  ];
}

const UNCOUNTED_COLUMNS: readonly TableColumn[] = [
  { header: 'Disposition', kind: 'text', width: 16 },
  { header: 'Reason', kind: 'text', width: 40, wrap: true },
  { header: 'What to do', kind: 'text', width: 40, wrap: true },
  { header: 'Invoice #', kind: 'code', width: 17 },
  { header: 'Issue date', kind: 'date', width: 12 },
  { header: 'Customer number', kind: 'code', width: 14 },
  { header: 'SKU', kind: 'code', width: 17 },
  { header: 'Quantity', kind: 'decimal', width: 11 },
  { header: 'Currency', kind: 'text', width: 11 },
  { header: 'Amount', kind: 'amount', width: 15 },
  { header: 'File', kind: 'text', width: 38 },
  { header: 'Row', kind: 'ordinal', width: 8 },
];

/** Dispositions that ask nothing of anybody; they stand back, so that the others stand out. */
const SETTLED = ['superseded', 'duplicate', 'no-kpi-value', 'not-yet-visible', 'outside-window'];

/** *Not counted* of one partner: why each line is in no KPI, and what to do about it. */
export function notCounted(lines: Lines<UncountedLine>): Sheet {
  return uncountedSheet(UNCOUNTED_COLUMNS, mapped(lines, uncounted));
}

/** *Not counted* of the whole program; a line that no partner can be found for has none. */
export function programNotCounted(lines: Lines<UncountedLine & OfPartner>): Sheet {
  const [disposition, reason, whatToDo, ...rest] = UNCOUNTED_COLUMNS as [
    TableColumn,
    TableColumn,
    TableColumn,
  ];
  return uncountedSheet(
    [disposition, reason, whatToDo, ...PARTNER_COLUMNS, ...rest],
    mapped(lines, (line) => uncounted(line).toSpliced(3, 0, line.partnerMpnId, line.partnerName)),
  );
}

function uncountedSheet(columns: readonly TableColumn[], rows: AsyncIterable<CellValue[]>): Sheet {
  const tones = Object.fromEntries(SETTLED.map((disposition) => [disposition, 'quiet' as const]));
  return {
    name: 'Not counted',
    landscape: true,
    blocks: [{ block: 'table', columns, rows, tint: { column: 0, tones } }],
  };
}

function uncounted(line: UncountedLine): CellValue[] {
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
    amount,
  } = line;
  const said = [invoice, issueDate, customerNumber, sku, quantity, currency, amount];
  return [disposition, reason, whatToDo, ...said, line.file, line.row];
}

async function* mapped<T>(lines: Lines<T>, row: (line: T) => CellValue[]): AsyncGenerator<CellValue[]> {
  for await (const line of lines) yield row(line);
}

/** Rows by disposition and amounts by currency, beside the count from the bytes as received. */
export function control(balance: Balance): Block[] {
  return [
    { block: 'text', tone: 'heading', text: 'Control totals' },
    balance.balanced
      ? {
          block: 'text',
          tone: 'plain',
          text: 'Balanced: every row that came in has exactly one disposition.',
        }
      : {
          block: 'text',
          tone: 'warning',
          text: 'NOT BALANCED: rows are missing or counted twice. Do not use this report; tell operations.',
        },
    {
      block: 'pairs',
      pairs: [
        ['Rows in the files', balance.rowsIn, 'integer'],
        ['Rows with a disposition', balance.rowsHeld, 'integer'],
      ],
    },
    dispositions(balance),
  ];
}

/**
 * The rows of one partner by disposition. Nothing is claimed of their balance: bytes do not say whose a row is, so only
 * the program's rows can be counted a second time.
 */
export const partnerRows = (totals: RowTotals): Block[] => [
  { block: 'text', tone: 'heading', text: 'Rows of this partner' },
  dispositions(totals),
];

const dispositions = ({ totals, rowsHeld }: RowTotals): Block => ({
  block: 'table',
  columns: [
    { header: 'Disposition', kind: 'text', width: 30 },
    { header: 'Currency', kind: 'text', width: 12 },
    { header: 'Rows', kind: 'integer', width: 12 },
    { header: 'Amount', kind: 'money', width: 20 },
  ],
  rows: totals.map(({ disposition, currency, rows, amount }) => [
    disposition,
    currency ?? 'unreadable',
    rows,
    amount,
  ]),
  totals: ['Rows with a disposition', null, rowsHeld, null],
});

/** The files that the numbers were read from. */
export function inputFiles(provenance: Provenance): Block[] {
  return [
    { block: 'text', tone: 'heading', text: 'Input files' },
    {
      block: 'table',
      columns: [
        { header: 'File', kind: 'text', width: 36, wrap: true },
        { header: 'Rows in', kind: 'integer', width: 12 },
        { header: 'SHA-256', kind: 'text', width: 72 },
      ],
      rows: provenance.files.map(({ name, linesIn, sha256 }) => [name, linesIn, sha256]),
    },
  ];
}

/** *About*: which snapshot this is, by which rules and from which files, and what the words mean. */
export function about(provenance: Provenance, more: readonly Block[] = []): Sheet {
  const { cycle, revision, asKnownOn, window, due, lateBy, knownAt, reportingCurrency } = provenance;
  const pairs: [string, CellValue, CellKind][] = [
    ['Cycle', cycle, 'text'],
    asKnownOn === undefined
      ? ['Revision', revision, 'ordinal']
      : ['Revision', `none: computed as known on ${asKnownOn}`, 'text'],
    ['Reporting window', windowText(window), 'text'],
    ['Due', lateBy === undefined ? due : `${due}; late by ${lateBy}`, 'text'],
    ['Data as known at', knownAt, 'text'],
    ['Reporting currency', reportingCurrency, 'text'],
  ];
  return {
    name: 'About',
    landscape: true,
    blocks: [
      { block: 'text', tone: 'title', text: 'About this report' },
      { block: 'pairs', pairs },
      { block: 'text', tone: 'heading', text: 'Rule sets used' },
      {
        block: 'table',
        columns: [
          { header: 'Rule set', kind: 'text', width: 36, wrap: true },
          { header: 'In force from', kind: 'date', width: 15 },
          { header: 'SHA-256', kind: 'text', width: 72 },
          { header: 'In force until', kind: 'text', width: 16 },
          { header: 'Source of its numbers', kind: 'text', width: 40, wrap: true },
        ],
        rows: provenance.ruleSets.map(({ name, validFrom, validTo, sha256, source }) => [
          name,
          validFrom,
          sha256,
          validTo === null ? 'further notice' : { value: validTo, kind: 'date' },
          source,
        ]),
        tint: { column: 4, tones: { sample: 'bad' } },
      },
      ...inputFiles(provenance),
      ...more,
      { block: 'text', tone: 'heading', text: 'Words' },
      { block: 'pairs', pairs: WORDS.map(([word, meaning]) => [word, meaning, 'text'] as const) },
    ],
  };
}

export function windowText({ from, to }: Provenance['window']): string {
  return `${from} to ${to}`;
}

const WORDS: ReadonlyArray<readonly [word: string, meaning: string]> = [
  [
    'Purchase unit',
    'Invoiced quantity times the units that the SKU holds (a pack of ten vouchers holds ten).\nCredits are negative.',
  ],
  [
    'KPI value',
    "Purchase units times the weight of the rule set in force on the line's issue date.\nA course's duration plays no part.",
  ],
  [
    'Revenue value',
    "The line's net amount without tax, in the reporting currency, at the rate of the issue date.\nIt is empty, with a note, while no rate is known.",
  ],
  [
    'Month and Year',
    'The KPI month: the month of the issue date.\nA corrected invoice takes the month of the invoice that it replaces.',
  ],
  [
    'Reporting window',
    'The twelve completed calendar months before the cycle.\nAn invoice of one month first shows on the 15th of the next.',
  ],
  [
    'Location',
    'The MPN ID of the site that bought.\nIts purchases roll up to the partner that it belonged to on the last day of the window.',
  ],
  [
    'Above the cap',
    'Some KPI count only up to a cap of the rule set.\nWhat lies above it is bought and shown, but does not help to reach the threshold.',
  ],
  [
    'Met, not met',
    'The figure reaches the threshold, or it does not.\nA level is reached when each of its requirements is met or waived.',
  ],
  [
    'Waived, no data',
    'Waived: the program extended the enrolment without this requirement.\nNo data: nothing was loaded to judge by.',
  ],
  [
    'Reversal',
    'A credited line. It counts in its own month and takes units, KPI and revenue away.\nThe invoice that it credits stays as it was.',
  ],
  [
    'Quarantined',
    'Only a person can decide: two versions of one invoice differ, totals do not agree, or a document type is unclear.\nOperations releases or refuses it.',
  ],
  [
    'Unmapped',
    'The customer number or the SKU is not in the reference data.\nThe line counts by itself as soon as it is.',
  ],
  [
    'Rejected',
    'The row could not be read, or is not of an actual invoice.\nOnly actual invoices count; orders and confirmations never do.',
  ],
  [
    'Duplicate, superseded',
    'Duplicate: the same line came before, and counts once.\nSuperseded: a corrected invoice, a decision or a withdrawal replaced it.',
  ],
  [
    'Outside window, not yet visible',
    'The line is older than the window, or shows from a later cycle on.\nNothing is wrong with it.',
  ],
  [
    'Sample',
    "A number that no public source gives. It stands in until the program's own number is loaded.\nNo decision about a level should rest on it.",
  ],
];
