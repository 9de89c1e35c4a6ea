import { readable } from '../money.ts';
import type { Block, Book, CellValue, Sheet, TableColumn } from '../ports.ts';
import type { Answer, AnswerLine, Gap, MonthAnswer } from './answer.ts';
import {
  CAUSE_TONES,
  causesSheet,
  evidenceFiles,
  evidenceLines,
  leftOutSheet,
  wordsSheet,
} from './answer-sheets.ts';
import { type Cause, entryOf } from './causes.ts';
import type { ReadClaim } from './claim.ts';
import type { ShownEvidence } from './evidence.ts';

/** An answer, with what it answers and what came with it. */
export interface AnswerReport {
  readonly answer: Answer;
  readonly claim: ReadClaim;
  readonly evidence: readonly ShownEvidence[];
  /** File as received -> sha256. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * The workbook that an agent sends to the partner as it is. It holds what the claim says and lines of this partner: of a
 * line that is another's it holds what the claim says, and nothing else; `support` of an answer line is in none of it.
 */
export function answerBook(report: AnswerReport): Book {
  const { answer, claim, evidence, files } = report;
  return {
    title: `Answer to the claim of ${nameOf(answer)}, cycle ${answer.cycle}`,
    sheets: [
      summary(report),
      causesSheet(answer),
      evidenceLines(answer),
      ...(evidence.length + files.size > 0 ? [evidenceFiles(evidence, files)] : []),
      ...(claim.unreadable.length + claim.leftOut.length > 0 ? [leftOutSheet(claim)] : []),
      wordsSheet(answer),
    ],
  };
}

const nameOf = ({ partner }: Answer): string => partner.name || `partner ${partner.mpnId}`;
const isZero = (text: string): boolean => /^-?[0.]*$/.test(text);
const counted = (count: number, one: string, many = `${one}s`): string =>
  `${readable(String(count), 0)} ${count === 1 ? one : many}`;

/** How many answer lines have a cause. */
export const linesOf = ({ totals }: Answer, cause: Cause): number =>
  totals.lines.find((one) => one.cause === cause)?.lines ?? 0;

function summary(report: AnswerReport): Sheet {
  const { answer, claim } = report;
  return {
    name: 'Summary',
    landscape: true,
    blocks: [
      { block: 'text', tone: 'title', text: `Answer to your claim: ${nameOf(answer)}` },
      { block: 'text', tone: 'heading', text: headline(answer) },
      ...sentences(report).map((text): Block => ({ block: 'text', tone: 'plain', text })),
      ...warningBlock(warnings(report)),
      {
        block: 'pairs',
        pairs: [
          ['MPN ID', answer.partner.mpnId, 'code'],
          ['Report', `cycle ${answer.cycle}, revision ${answer.revision}`, 'text'],
          ['Months it covers', `${answer.window.from} to ${answer.window.to}`, 'text'],
          ['Your file', claim.name, 'text'],
        ],
      },
      ...causeBlocks(answer),
      ...monthBlocks(answer),
    ],
  };
}

/** Nothing is wrong on either side. */
const isAgreed = ({ cause }: AnswerLine): boolean => entryOf(cause).fault === false;

/** The answer in one sentence: how many of the claimed lines the report has. */
export function headline(answer: Answer): string {
  const claimed = answer.lines.filter((line) => line.claimed !== null);
  const matched = claimed.filter(isAgreed).length;
  const lines = counted(claimed.length, 'line that you claimed', 'lines that you claimed');
  if (matched === claimed.length)
    return claimed.length === 1
      ? 'The line that you claimed is in the report as claimed.'
      : `All ${lines} are in the report as claimed.`;
  return matched === 0
    ? `None of the ${lines} is in the report as claimed.`
    : `Of the ${lines}, ${readable(String(matched), 0)} ${matched === 1 ? 'is' : 'are'} in the report as claimed.`;
}

/** The difference in one sentence. */
export function differenceText(answer: Answer): string {
  const { kpi, revenue } = answer.totals;
  return isZero(kpi.gap) && isZero(revenue.gap)
    ? 'The totals of the claim and of the report are the same.'
    : `Together the claim has ${than(kpi.gap, 'KPI', 0)} and ${than(revenue.gap, answer.currency)} than the report.`;
}

/** `12 KPI more`, `3.50 USD less`. */
const than = (gap: string, unit: string, decimals = 2): string =>
  `${readable(gap.replace('-', ''), decimals)} ${unit} ${gap.startsWith('-') ? 'less' : 'more'}`;

/** `+12`, `-3.50`: what the claim has more, or less, than the report. */
const signed = (text: string, decimals = 2): string =>
  `${text.startsWith('-') || isZero(text) ? '' : '+'}${readable(text, decimals)}`;

function sentences({ answer, claim }: AnswerReport): string[] {
  const { kpi, revenue } = answer.totals;
  const claimed = answer.lines.filter((line) => line.claimed !== null);
  const currencies = claim.currencies.filter((one) => ![answer.currency, '$'].includes(one));
  return [
    `You claimed ${counted(claimed.length, 'line')} in ${counted(answer.months.length, 'month')}: ${readable(kpi.claimed, 0)} KPI and ${readable(revenue.claimed)} ${answer.currency} of revenue.`,
    `For ${answer.months.length === 1 ? 'that month' : 'those months'} the report of cycle ${answer.cycle} shows ${readable(kpi.ours, 0)} KPI and ${readable(revenue.ours)} ${answer.currency}.`,
    differenceText(answer),
    ...(claimed.every(isAgreed)
      ? []
      : ['The sheet Causes says of every line why it differs, and what you can do.']),
    ...lackingSentence(answer),
    ...(isZero(kpi.gap) && isZero(revenue.gap)
      ? []
      : [
          'A difference is what you claimed less what the report shows. The causes below add up to it exactly.',
        ]),
    ...(isZero(kpi.notStated) && isZero(revenue.notStated)
      ? []
      : ['Where your claim leaves a figure empty, that of the report is taken; it is no difference.']),
    ...(currencies.length === 0
      ? []
      : [
          `Your file writes amounts in ${currencies.join(', ')}; revenue in the report is in ${answer.currency}, at the exchange rate of the invoice date.`,
        ]),
  ];
}

/** What the report shows in the months of a claim that lacks it: a claim is often of a few lines only. */
function lackingSentence(answer: Answer): string[] {
  const lacking = linesOf(answer, 'not-claimed');
  if (lacking === 0) return [];
  const [kpi, revenue] = [answer.totals.kpi, answer.totals.revenue].map((gap) =>
    negated(partOf(gap, 'not-claimed')),
  );
  return [
    `The report also shows ${counted(lacking, 'line')} that your claim lacks: ${readable(kpi!, 0)} KPI and ${readable(revenue!)} ${answer.currency}.`,
  ];
}

const negated = (text: string): string =>
  text.startsWith('-') ? text.slice(1) : isZero(text) ? text : `-${text}`;

/** One block: what needs attention is read together. */
const warningBlock = (texts: readonly string[]): Block[] =>
  texts.length === 0 ? [] : [{ block: 'text', tone: 'warning', text: texts.join('\n') }];

function warnings({ answer, claim, evidence }: AnswerReport): string[] {
  const { kpi, revenue } = answer.totals;
  const unread = new Set(claim.unreadable.map(({ row }) => row)).size;
  const unexplained = linesOf(answer, 'unexplained');
  return [
    ...(unexplained > 0
      ? [
          `${counted(unexplained, 'line')} cannot be explained yet (${signed(kpi.unexplained, 0)} KPI, ${signed(revenue.unexplained)} ${answer.currency}). A person looks at ${unexplained === 1 ? 'it' : 'them'}.`,
        ]
      : []),
    ...(unread > 0
      ? [
          `Of ${counted(unread, 'row')} of your file a cell cannot be read; the sheet Left out names each. What cannot be read is in no figure here.`,
        ]
      : []),
    ...evidence.flatMap(({ refused }) =>
      refused === undefined ? [] : [`Not taken as evidence: ${refused}`],
    ),
  ];
}

const FIRST: TableColumn = { header: 'Cause', kind: 'text', width: 28 };
const figure = (header: string, kind: 'decimal' | 'money', width = 16): TableColumn => ({
  header,
  kind,
  width,
});

/** What the gap is made of: every cause that lines have, and each line's part of it. */
function causeBlocks({ totals, currency }: Answer): Block[] {
  return [
    { block: 'text', tone: 'heading', text: 'What the difference is made of' },
    {
      block: 'table',
      columns: [
        FIRST,
        { header: 'Lines', kind: 'integer', width: 16 },
        figure('KPI difference', 'decimal'),
        figure(`Revenue difference (${currency})`, 'money', 18),
      ],
      rows: totals.lines.map(({ cause, lines }) => [
        entryOf(cause).title,
        lines,
        partOf(totals.kpi, cause),
        partOf(totals.revenue, cause),
      ]),
      totals: [
        'Difference',
        totals.lines.reduce((sum, { lines }) => sum + lines, 0),
        totals.kpi.gap,
        totals.revenue.gap,
      ],
      tint: { column: 0, tones: CAUSE_TONES },
    },
  ];
}

const partOf = ({ byCause }: Gap, cause: Cause): string =>
  byCause.find((part) => part.cause === cause)?.gap ?? '0';

/** Claimed, shown and the difference of each month; then each month's difference by cause. */
function monthBlocks({ months, totals, currency }: Answer): Block[] {
  const notStated = months.some(({ kpi, revenue }) => !isZero(kpi.notStated) || !isZero(revenue.notStated));
  const figures = (gap: Gap): CellValue[] => [
    gap.claimed,
    ...(notStated ? [gap.notStated] : []),
    gap.ours,
    gap.gap,
  ];
  const across = ({ kpi, revenue }: Omit<MonthAnswer, 'month'>): CellValue[] => [
    ...figures(kpi),
    ...figures(revenue),
  ];
  const headers = (what: string, kind: 'decimal' | 'money'): TableColumn[] =>
    ['claimed', ...(notStated ? ['left empty'] : []), 'in the report', 'difference'].map((word) =>
      figure(`${what} ${word}`, kind),
    );
  return [
    { block: 'text', tone: 'heading', text: 'Month by month' },
    {
      block: 'table',
      columns: [
        { ...FIRST, header: 'Month', kind: 'month' },
        ...headers('KPI', 'decimal'),
        ...headers(`Revenue (${currency})`, 'money'),
      ],
      rows: months.map((month) => [month.month, ...across(month)]),
      totals: ['Total', ...across(totals)],
    },
    ...(months.length > 1 ? [monthCauses(months, currency)].flat() : []),
  ];
}

function monthCauses(months: readonly MonthAnswer[], currency: string): Block[] {
  const rows = months.flatMap(({ month, lines, kpi, revenue }) =>
    lines
      .filter(({ cause }) => !isZero(partOf(kpi, cause)) || !isZero(partOf(revenue, cause)))
      .map(({ cause, lines: count }): CellValue[] => [
        entryOf(cause).title,
        month,
        count,
        partOf(kpi, cause),
        partOf(revenue, cause),
      ]),
  );
  if (rows.length === 0) return [];
  return [
    { block: 'text', tone: 'heading', text: 'The causes of each month' },
    {
      block: 'table',
      columns: [
        FIRST,
        { header: 'Month', kind: 'month', width: 16 },
        { header: 'Lines', kind: 'integer', width: 16 },
        figure('KPI difference', 'decimal'),
        figure(`Revenue difference (${currency})`, 'money'),
      ],
      rows,
      tint: { column: 0, tones: CAUSE_TONES },
    },
  ];
}
