import type { Block, CellValue, TableColumn } from '../ports.ts';
import type { Answer, Gap, MonthAnswer } from './answer.ts';
import { CAUSE_TONES } from './answer-sheets.ts';
import { type Cause, entryOf } from './causes.ts';

/** The sums of an answer as tables of *Summary*; the terminal shows the same parts under the same words. */

export const isZero = (text: string): boolean => /^-?[0.]*$/.test(text);

/** Whether every month's claimed figures alone are laid beside ours: none was left empty, or could not be read. */
export const isAllCompared = (months: ReadonlyArray<Pick<MonthAnswer, 'kpi' | 'revenue'>>): boolean =>
  months.every(({ kpi, revenue }) => isZero(kpi.notStated) && isZero(revenue.notStated));

/** What a gap is made of, each with its word: claimed, and not compared, less what the report shows, is the difference. */
export function partsOf(
  months: readonly MonthAnswer[],
): ReadonlyArray<readonly [word: string, part: 'claimed' | 'notStated' | 'ours' | 'gap']> {
  return [
    ['claimed', 'claimed'],
    ...(isAllCompared(months) ? [] : [['not compared', 'notStated'] as const]),
    ['in the report', 'ours'],
    ['difference', 'gap'],
  ];
}

const FIRST: TableColumn = { header: 'Cause', kind: 'text', width: 28 };
const figure = (header: string, kind: 'decimal' | 'money', width = 16): TableColumn => ({
  header,
  kind,
  width,
});

/** What the gap is made of: every cause that lines have, and each line's part of it. */
export function causeBlocks({ totals, currency }: Answer): Block[] {
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

export const partOf = ({ byCause }: Gap, cause: Cause): string =>
  byCause.find((part) => part.cause === cause)?.gap ?? '0';

/** Claimed, shown and the difference of each month; then each month's difference by cause. */
export function monthBlocks({ months, totals, currency }: Answer): Block[] {
  const parts = partsOf(months);
  const across = ({ kpi, revenue }: Omit<MonthAnswer, 'month'>): CellValue[] =>
    [kpi, revenue].flatMap((gap) => parts.map(([, part]) => gap[part]));
  const headers = (what: string, kind: 'decimal' | 'money'): TableColumn[] =>
    parts.map(([word]) => figure(`${what} ${word}`, kind));
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
