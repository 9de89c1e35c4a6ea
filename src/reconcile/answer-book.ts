import { counted, readable } from '../money.ts';
import type { Block, Book, Sheet } from '../ports.ts';
import type { Answer, AnswerLine } from './answer.ts';
import { causesSheet, evidenceFiles, evidenceLines, leftOutSheet, wordsSheet } from './answer-sheets.ts';
import { causeBlocks, isAllCompared, isZero, monthBlocks, partOf } from './answer-sums.ts';
import { type Cause, entryOf } from './causes.ts';
import type { ReadClaim } from './claim.ts';
import { notCompared } from './compare.ts';
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

const notComparedIn = ({ lines }: Answer): number =>
  lines.reduce((sum, { claimed }) => sum + (claimed ? notCompared(claimed).length : 0), 0);

/** The answer in a sentence or three: how many of the claimed lines the report has, and what of them was not compared. */
export function headline(answer: Answer): string {
  const empty = notComparedIn(answer);
  const { unanswered } = answer;
  return [
    foundText(answer),
    ...(empty > 0
      ? [
          `${counted(empty, 'figure')} could not be read or ${empty === 1 ? 'was' : 'were'} left empty, and ${empty === 1 ? 'was' : 'were'} not compared.`,
        ]
      : []),
    ...(unanswered > 0
      ? [
          `${counted(unanswered, 'more row')} of the file cannot be answered, because a cell of ${unanswered === 1 ? 'it' : 'each'} cannot be read.`,
        ]
      : []),
  ].join(' ');
}

/** Only a line of which every figure was compared is called as claimed. */
function foundText(answer: Answer): string {
  const claimed = answer.lines.flatMap((line) => (line.claimed ? [{ ...line, claimed: line.claimed }] : []));
  const agreed = claimed.filter(isAgreed);
  const whole = agreed.filter((line) => notCompared(line.claimed).length === 0).length;
  const partly = agreed.length - whole;
  const which = answer.unanswered > 0 ? 'that could be read' : 'that you claimed';
  const lines = counted(claimed.length, `line ${which}`, `lines ${which}`);
  const some = (count: number): string => `${readable(String(count), 0)} ${count === 1 ? 'is' : 'are'}`;
  if (claimed.length === 1)
    return `The line ${which} is ${agreed.length === 0 ? 'not ' : ''}in the report${partly > 0 ? '' : ' as claimed'}.`;
  if (agreed.length === 0) return `None of the ${lines} is in the report as claimed.`;
  if (agreed.length === claimed.length && (whole === 0 || partly === 0))
    return `All ${lines} are in the report${partly > 0 ? '' : ' as claimed'}.`;
  return `Of the ${lines}, ${[
    ...(whole > 0 ? [`${some(whole)} in the report as claimed`] : []),
    ...(partly > 0 ? [`${some(partly)} in the report with figures that were not compared`] : []),
  ].join(', and ')}.`;
}

/** The difference in one sentence. */
export function differenceText(answer: Answer): string {
  const { kpi, revenue } = answer.totals;
  const isAll = isAllCompared(answer.months);
  if (isZero(kpi.gap) && isZero(revenue.gap))
    return isAll
      ? 'The totals of the claim and of the report are the same.'
      : 'There is no difference in what was compared.';
  return `Together the claim has ${than(kpi.gap, 'KPI', 0)} and ${than(revenue.gap, answer.currency)} than the report${isAll ? '' : ', in what was compared'}.`;
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
    `${answer.unanswered > 0 ? 'Of your claim' : 'You claimed'} ${counted(claimed.length, 'line')}${answer.unanswered > 0 ? ' could be read,' : ''} in ${counted(answer.months.length, 'month')}: ${claimedText(answer)}.`,
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
    ...(isAllCompared(answer.months)
      ? []
      : [
          'Where a figure of your claim is empty or cannot be read, that of the report stands under "not compared"; it is no difference.',
        ]),
    ...(currencies.length === 0
      ? []
      : [
          `Your file writes amounts in ${currencies.join(', ')}; revenue in the report is in ${answer.currency}, at the exchange rate of the invoice date.`,
        ]),
  ];
}

/** What was claimed in all; of a figure that no line states, there is no sum. */
function claimedText({ lines, totals: { kpi, revenue }, currency }: Answer): string {
  const states = (name: 'kpiValue' | 'revenueValue'): boolean =>
    lines.some(({ claimed }) => claimed !== null && claimed[name] !== null);
  return [
    states('kpiValue') ? `${readable(kpi.claimed, 0)} KPI` : 'no readable figure of KPI',
    states('revenueValue')
      ? `${readable(revenue.claimed)} ${currency} of revenue`
      : 'no readable figure of revenue',
  ].join(' and ');
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
