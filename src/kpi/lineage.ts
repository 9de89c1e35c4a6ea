import {
  decimalOf,
  Formula,
  formula,
  header,
  type LongSheet,
  linesAndTotals,
  lines as linesOnly,
  onEachPage,
  type Reference,
  row,
  whole,
} from '../formula.ts';
import { product, sum } from '../money.ts';
import type { CellKind, CellValue } from '../ports.ts';
import type { Sums } from './report-data.ts';

/**
 * Lineage inside a partner's workbook: every sum is a formula over *KPI lines*, beside what it gave when the workbook
 * was written, so that a number can be followed to its lines in Excel or LibreOffice.
 */
export interface Lineage {
  /** The number of KPI lines. */
  readonly lines: number;
  readonly measures: Readonly<Record<Measure, Span>>;
}

export type Measure = keyof Sums;

/** How far a workbook can add up a measure. */
export interface Span {
  /** The digits of its longest value; beyond 15 a cell holds it as text, which no formula adds. */
  readonly digits: number;
  /** The sum of its absolute values: what a sum of doubles is exact to. */
  readonly magnitude: string;
}

/** The name of the sheet, and where its columns are: the seven fields, then the KPI class. */
export const KPI_LINES = 'KPI lines';
const COLUMNS = { month: 0, year: 1, omlpType: 2, units: 3, kpiValue: 5, revenue: 6, kpiClass: 7 } as const;

/** Digits that a double holds, and that are left for rounding after the whole part of a sum. */
const HELD = 15;
const SAFE = 13;
/** Finer differences are those of the arithmetic of doubles, not of an edit. */
const FINEST: Readonly<Record<Measure, number>> = { units: 6, kpiValue: 6, revenue: 4 };

const sheetOf = ({ lines }: Lineage): LongSheet => ({ name: KPI_LINES, rows: lines });

/** The decimals to which a sum of doubles can be compared; undefined when not even whole numbers can. */
export function comparedTo(lineage: Lineage, measure: Measure): number | undefined {
  const { digits, magnitude } = lineage.measures[measure];
  const left = SAFE - magnitude.split('.')[0]!.length;
  return digits > HELD || left < 0 ? undefined : Math.min(FINEST[measure], left);
}

/** A cell with a formula, or the value alone where a formula could not give it. */
export function computedCell(
  value: string,
  kind: CellKind,
  by: Formula | undefined,
  decimals?: number,
): CellValue {
  if (by === undefined) return { value, kind };
  return { value, kind, formula: by, ...(decimals === undefined ? {} : { alarm: decimals }) };
}

/** The sum over all lines. A line is a row with a month; the totals have a word there. */
export function sumOfLines(lineage: Lineage, measure: Measure): Formula | undefined {
  if (comparedTo(lineage, measure) === undefined) return undefined;
  return onEachPage(
    sheetOf(lineage),
    formula`SUMIFS(${whole(COLUMNS[measure])},${whole(COLUMNS.month)},">0")`,
  );
}

export const countOfLines = (lineage: Lineage): Formula =>
  onEachPage(sheetOf(lineage), formula`COUNTIF(${whole(COLUMNS.month)},">0")`);

/**
 * How far the lines' months are from the frozen ones: the KPI values weighted by their month, so that a line moved to
 * another month shows although the sums stay. `months`: KPI by month. Undefined where it cannot be told.
 */
export function movedBetweenMonths(
  lineage: Lineage,
  months: ReadonlyArray<{ readonly month: string; readonly kpiValue: string }>,
): Formula | undefined {
  const decimals = comparedTo(lineage, 'kpiValue');
  // A month is five digits, in months since year 0.
  if (lineage.lines === 0 || decimals === undefined || decimals < 5) return undefined;
  const weighted = months.map(({ month, kpiValue }) => {
    const [year, number] = month.split('-').map(Number);
    return product(kpiValue, 12 * year! + number!);
  });
  const [year, month] = [linesOnly(COLUMNS.year), linesOnly(COLUMNS.month)];
  const now = formula`SUMPRODUCT(${linesOnly(COLUMNS.kpiValue)},12*${year}+${month})`;
  return differenceFrom(onEachPage(sheetOf(lineage), now), frozen(sum(weighted)), decimals - 5);
}

/** The sum for the totals of *KPI lines* itself; undefined when there is no line above them. */
export function totalOfLines(lineage: Lineage, measure: Measure): Formula | undefined {
  if (lineage.lines === 0 || comparedTo(lineage, measure) === undefined) return undefined;
  return onEachPage(sheetOf(lineage), formula`SUM(${linesOnly(COLUMNS[measure])})`);
}

/**
 * The sum over the lines of a month and an OMLP type: the month in the first column of the formula's row, the type in
 * the header of its column. `among`: all types of the workbook.
 */
export function sumOfMonthAndType(
  lineage: Lineage,
  measure: Measure,
  column: number,
  type: string,
  among: readonly string[],
): Formula | undefined {
  if (comparedTo(lineage, measure) === undefined || !isHeld(type)) return undefined;
  const sheet = sheetOf(lineage);
  const [month, year] = [COLUMNS.month, COLUMNS.year];
  if (isPlain(type, among))
    return onEachPage(
      sheet,
      formula`SUMIFS(${whole(COLUMNS[measure])},${whole(month)},MONTH(${row(0)}),${whole(year)},YEAR(${row(0)}),${whole(COLUMNS.omlpType)},"="&${header(column)})`,
    );
  return onEachPage(
    sheet,
    formula`SUMPRODUCT(EXACT(${linesAndTotals(COLUMNS.omlpType)},${header(column)})*(${linesAndTotals(month)}=MONTH(${row(0)}))*(${linesAndTotals(year)}=YEAR(${row(0)})),${linesAndTotals(COLUMNS[measure])})`,
  );
}

/** The KPI over the lines of the class that stands in a column of the formula's row, to 6 decimals as classes are. */
export function kpiOfClass(
  lineage: Lineage,
  column: number,
  kpiClass: string,
  among: readonly string[],
): Formula | undefined {
  if (comparedTo(lineage, 'kpiValue') === undefined || !isHeld(kpiClass)) return undefined;
  const [classes, kpi] = [COLUMNS.kpiClass, COLUMNS.kpiValue];
  const each = isPlain(kpiClass, among)
    ? formula`SUMIFS(${whole(kpi)},${whole(classes)},"="&${row(column)})`
    : formula`SUMPRODUCT(1*EXACT(${linesAndTotals(classes)},${row(column)}),${linesAndTotals(kpi)})`;
  return formula`ROUND(${onEachPage(sheetOf(lineage), each)},6)`;
}

/** `found`, a formula or a cell, less the frozen figure, to the decimals that it can be compared to. */
export const differenceFrom = (found: Formula | Reference, frozen: Formula | Reference, decimals: number) =>
  formula`ROUND(${found}-${frozen instanceof Formula ? formula`(${frozen})` : frozen},${decimals})`;

/** A frozen figure as a number in a formula, in the digits that Excel computes with. */
export const frozen = (figure: string): Formula => decimalOf(figure);

/**
 * True of text that SUMIFS takes for itself alone: a criterion reads `<5`, `*`, `?`, `~`, numbers, dates and truth
 * values as something else, takes 255 characters, and knows no difference of case. Letters, spaces and hyphens remain.
 */
function isPlain(text: string, among: readonly string[]): boolean {
  if (!/^[A-Za-z]+(?:[ -][A-Za-z]+)*$/.test(text) || text.length > 200) return false;
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return false;
  return among.filter((other) => other.toLowerCase() === lower).length === 1;
}

/** False of text that a cell shows otherwise than it is, so that two could look the same. */
const isHeld = (text: string): boolean =>
  text.length <= 32_000 && !/(?!\n)\p{Cc}|\p{Surrogate}|\p{Noncharacter_Code_Point}/u.test(text);
