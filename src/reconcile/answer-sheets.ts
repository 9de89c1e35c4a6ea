import type { CellValue, Sheet, TableColumn } from '../ports.ts';
import type { Answer, AnswerLine, OurLine } from './answer.ts';
import { type Cause, entryOf, rankOf } from './causes.ts';
import type { LeftOut, ReadClaim } from './claim.ts';
import { cut } from './claim-headers.ts';
import type { ShownEvidence } from './evidence.ts';

/** Leads to a location of this partner. Of any other line no figure is shown that the claim does not say. */
const isTheirs = ({ cause, ours }: AnswerLine): boolean =>
  cause !== 'other-partner' && ours !== null && ours.location !== null;

/** Nothing is wrong with what stands back; what stands out needs a person. By the titles of causes. */
export const CAUSE_TONES = {
  Matched: 'quiet',
  Rounding: 'quiet',
  'Not claimed': 'quiet',
  Unexplained: 'bad',
} as const;

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

/** *Causes*: the claim line by line, differences first; what it lacks stands in it as the report shows it. */
export function causesSheet({ lines, totals, currency }: Answer): Sheet {
  const settled = (cause: Cause): boolean => cause === 'matched';
  const sorted = [
    ...lines.filter(({ cause }) => !settled(cause)),
    ...lines.filter(({ cause }) => settled(cause)),
  ];
  return {
    name: 'Causes',
    landscape: true,
    blocks: [
      {
        block: 'table',
        columns: [
          { header: 'Row of your file', kind: 'ordinal', width: 11 },
          ...SEVEN_FIELDS,
          { header: 'Cause', kind: 'text', width: 20 },
          { header: 'Explanation', kind: 'text', width: 46, wrap: true },
          { header: 'What to do', kind: 'text', width: 40, wrap: true },
          { header: 'KPI difference', kind: 'decimal', width: 12 },
          { header: `Revenue difference (${currency})`, kind: 'money', width: 16 },
          { header: 'Visible from', kind: 'date', width: 12 },
        ],
        rows: sorted.map(causeRow),
        totals: [
          ...['Difference', null, null, null, null, null, null, null, null, null, null],
          ...[totals.kpi.gap, totals.revenue.gap, null],
        ],
        tint: { column: 8, tones: CAUSE_TONES },
      },
    ],
  };
}

function causeRow(line: AnswerLine): CellValue[] {
  const { claimed, cause, says, whatToDo, kpiGap, revenueGap, date } = line;
  const row: CellValue = claimed?.row ?? { value: 'not claimed', kind: 'text' };
  return [row, ...seven(line), entryOf(cause).title, says, whatToDo, kpiGap, revenueGap, date];
}

function seven({ month, claimed, ours }: AnswerLine): CellValue[] {
  const [year = '', no = ''] = (claimed?.kpiMonth ?? month).split('-');
  const { omlpType, purchaseUnit, invoice, kpiValue, revenueValue } = claimed ?? ours ?? EMPTY;
  return [Number(no), Number(year), omlpType, purchaseUnit, invoice, kpiValue, revenueValue];
}

const EMPTY = { omlpType: '', purchaseUnit: null, invoice: '', kpiValue: null, revenueValue: null };

/** *Evidence lines*: what we hold of each line, with the file and row in which it stands. */
export function evidenceLines({ lines, currency }: Answer): Sheet {
  const rows = lines.flatMap((line) => {
    const { ours } = line;
    if (!ours || line.cause === 'other-partner') return [];
    const places = ours.places.length > 0 ? ours.places : [{ file: '', row: null }];
    return places.map(({ file, row }, index): CellValue[] => [
      line.claimed?.row ?? { value: 'not claimed', kind: 'text' },
      ours.invoice,
      entryOf(line.cause).title,
      ...(index === 0 && isTheirs(line) ? figures(ours) : figures(ours).map(() => null)),
      ...[file, row],
    ]);
  });
  return {
    name: 'Evidence lines',
    landscape: true,
    blocks: [
      {
        block: 'table',
        columns: [
          { header: 'Row of your file', kind: 'ordinal', width: 11 },
          { header: 'Invoice #', kind: 'code', width: 17 },
          { header: 'Cause', kind: 'text', width: 20 },
          { header: 'Document', kind: 'text', width: 16 },
          { header: 'KPI month', kind: 'month', width: 11 },
          { header: 'Issue date', kind: 'date', width: 12 },
          { header: 'OMLP type', kind: 'text', width: 17 },
          { header: 'SKU', kind: 'code', width: 17 },
          { header: 'Purchase unit', kind: 'decimal', width: 12 },
          { header: 'Weight', kind: 'decimal', width: 10 },
          { header: 'KPI value', kind: 'decimal', width: 11 },
          { header: `Revenue (${currency})`, kind: 'money', width: 14 },
          { header: 'Currency', kind: 'text', width: 11 },
          { header: 'Currency amount', kind: 'amount', width: 15 },
          { header: 'Exchange rate', kind: 'decimal', width: 12 },
          { header: 'Rate of', kind: 'date', width: 12 },
          { header: 'Location', kind: 'code', width: 11 },
          { header: 'File', kind: 'text', width: 30 },
          { header: 'Row', kind: 'ordinal', width: 8 },
        ],
        rows,
        tint: { column: 2, tones: CAUSE_TONES },
      },
    ],
  };
}

const figures = (ours: OurLine): CellValue[] => [
  ours.class,
  ours.kpiMonth,
  ours.issueDate,
  ours.omlpType,
  ours.sku,
  ours.purchaseUnit,
  ours.weight,
  ours.kpiValue,
  ours.revenueValue,
  ours.currency,
  ours.amount,
  ours.rate,
  ours.rateDate,
  ours.location,
];

const VERDICTS = {
  accept: 'an invoice',
  reversal: 'a credit',
  supersede: 'a corrected invoice',
  quarantine: 'waits for a person',
  refuse: 'refused',
} as const;

/**
 * *Evidence files*: what came with the claim, and what the gate makes of it (a dry run: nothing was taken in); then the files
 * in which the evidence lines stand.
 */
export function evidenceFiles(evidence: readonly ShownEvidence[], files: ReadonlyMap<string, string>): Sheet {
  const rows = evidence.flatMap(({ file, sha256, refused, documents }): CellValue[][] => [
    ...(documents.length === 0 || (refused !== undefined && documents.every(({ number }) => number === null))
      ? [[file, null, documents[0]?.typeCode ?? null, null, 'refused', refused ?? null, sha256]]
      : documents.map(({ number, typeCode, lines, treatment, reason }): CellValue[] => [
          ...[file, number, typeCode, lines, VERDICTS[treatment], reason, sha256],
        ])),
  ]);
  const held = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, sha256]): CellValue[] => [
      ...[file, null, null, null, 'held by us', 'Evidence lines stand in it.', sha256],
    ]);
  return {
    name: 'Evidence files',
    landscape: true,
    blocks: [
      {
        block: 'table',
        columns: [
          { header: 'File', kind: 'text', width: 30, wrap: true },
          { header: 'Document', kind: 'code', width: 18 },
          { header: 'Type', kind: 'code', width: 10 },
          { header: 'Lines', kind: 'integer', width: 9 },
          { header: 'What it is', kind: 'text', width: 20 },
          { header: 'Why', kind: 'text', width: 70, wrap: true },
          { header: 'SHA-256', kind: 'text', width: 68 },
        ],
        rows: [...rows, ...held],
        tint: { column: 4, tones: { refused: 'bad' } },
      },
    ],
  };
}

const WHAT: Readonly<Record<LeftOut, string>> = {
  preamble: 'above the header',
  blank: 'blank',
  header: 'the header once more',
  total: 'a total',
  text: 'words, no line',
  partner: 'says whose lines follow',
};

/** *Left out*: cells that could not be read, then rows that are no lines. Blank rows are not worth a line each. */
export function leftOutSheet({ unreadable, leftOut, ignored }: ReadClaim): Sheet {
  const rows: CellValue[][] = [
    ...unreadable.map(({ row, field, seen, wanted }) => [row, 'cannot be read', field, seen, wanted]),
    ...leftOut
      .filter(({ what }) => what !== 'blank')
      .map(({ row, what, seen }) => [row, WHAT[what], null, seen, null]),
  ];
  const blank = leftOut.filter(({ what }) => what === 'blank').length;
  const notes = [
    ...(blank > 0 ? [`Blank rows: ${blank}.`] : []),
    ...(ignored.length > 0
      ? [`Columns that a claim does not have, and that were not looked at: ${cut(ignored.join(', '), 500)}.`]
      : []),
  ];
  return {
    name: 'Left out',
    landscape: true,
    blocks: [
      {
        block: 'text',
        tone: 'plain',
        text: ['Rows of your file that are in no figure, or not in all.', ...notes].join(' '),
      },
      {
        block: 'table',
        columns: [
          { header: 'Row of your file', kind: 'ordinal', width: 12 },
          { header: 'What', kind: 'text', width: 26 },
          { header: 'Field', kind: 'text', width: 18 },
          { header: 'Seen', kind: 'text', width: 50, wrap: true },
          { header: 'Wanted', kind: 'text', width: 60, wrap: true },
        ],
        rows,
        tint: { column: 1, tones: { 'cannot be read': 'bad' } },
      },
    ],
  };
}

const WORDS: ReadonlyArray<readonly [word: string, meaning: string]> = [
  ['Report', 'The KPI report of a cycle: what is known of the twelve months before it.'],
  [
    'Month and Year',
    'The KPI month: the month of the invoice date. A corrected invoice takes that of the one it replaces.',
  ],
  ['Purchase unit', 'Invoiced quantity times the units that the product holds. Credits are negative.'],
  ['KPI value', 'Purchase units times the weight in force on the invoice date.'],
  [
    'Revenue value',
    'The net amount of the line without tax, in the reporting currency, at the rate of the invoice date.',
  ],
  ['Not compared', 'Ours, where a claimed figure is empty or cannot be read. It is no difference.'],
  ['Difference', 'What was claimed less what the report shows. The causes add up to it exactly.'],
];

/** *Words*: what the terms mean, and the causes that occur, in the order in which they are looked for. */
export function wordsSheet({ totals }: Answer): Sheet {
  const causes = [...totals.lines].sort((a, b) => rankOf(a.cause) - rankOf(b.cause));
  return {
    name: 'Words',
    blocks: [
      { block: 'text', tone: 'title', text: 'Words' },
      { block: 'pairs', pairs: WORDS.map(([word, meaning]) => [word, meaning, 'text'] as const) },
      { block: 'text', tone: 'heading', text: 'Causes in this answer' },
      {
        block: 'pairs',
        pairs: causes.map(({ cause }) => [entryOf(cause).title, MEANINGS[cause], 'text'] as const),
      },
    ],
  };
}

/** What each cause means, without a line to say it of. */
export const MEANINGS: Readonly<Record<Cause, string>> = {
  'no-invoice-number': 'The line names no invoice, so that nothing can be looked for.',
  'not-received': 'No file that we hold has this invoice, or no further line of it.',
  'received-since': 'The invoice came, or was settled, after the report was made. A restated report has it.',
  'not-yet-visible': 'Invoices of a month first show on the 15th of the next.',
  'outside-window': 'The month is not one of the twelve that the report covers.',
  'not-an-invoice':
    'Only actual invoices count: orders, order confirmations and pro forma invoices never do.',
  rejected: 'The line was received and cannot be read or taken as it is.',
  quarantined: 'The line was received, and a person has to decide whether it counts.',
  'other-customer-number': 'The customer number on the invoice is not one of the partner as we know it.',
  'other-partner': 'The invoice was issued under a customer number that is not the claiming partner’s.',
  superseded: 'A corrected invoice, a decision or a withdrawal took its place.',
  credited: 'A credit note takes back what an invoice brought; the claim leaves it out.',
  duplicate: 'The same line is claimed more often than it was invoiced.',
  'other-month': 'The invoice counts in another month than claimed.',
  'other-type': 'The product belongs to another OMLP type than claimed.',
  'other-unit': 'The line of the invoice holds another number of purchase units than claimed.',
  'other-weight': 'A purchase unit earns another KPI value than claimed.',
  'other-rate': 'The amount is converted at the exchange rate of the invoice date.',
  rounding: 'The claim shows fewer decimals than the report.',
  'no-kpi-value': 'The product earns no KPI under the rules of the program.',
  'not-claimed': 'The report shows the line; the claim lacks it.',
  unexplained: 'Nothing that we know explains the difference. A person looks at it.',
  matched: 'The report has the line, with every figure that was compared.',
};
