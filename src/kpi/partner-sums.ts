import { above, added, type Formula, formula, quoted, row } from '../formula.ts';
import { sum } from '../money.ts';
import type { Block, CellKind, CellValue, TableColumn } from '../ports.ts';
import type { MonthCell } from './by-month-sheet.ts';
import {
  comparedTo,
  computedCell,
  countOfLines,
  differenceFrom,
  frozen,
  kpiOfClass,
  type Lineage,
  type Measure,
  movedBetweenMonths,
  sumOfLines,
} from './lineage.ts';
import type { Sums } from './report-data.ts';

/** The parts of *Summary* that add up *KPI lines*: the sums of the window, the KPI classes, the self-check. */

/** The KPI of one class in the window, as it was frozen. */
export interface ClassSum {
  readonly category: string;
  readonly kpiClass: string;
  readonly kpiValue: string;
  /** Null where all of it counts. */
  readonly cap: string | null;
  readonly aboveCap: string;
  readonly counted: string;
}

type Pair = readonly [label: string, value: CellValue, kind: CellKind];

const AGREES = 'agrees';
const INTACT = 'The lines of this workbook add up to the frozen figures.';
const CHANGED =
  'CHANGED: the lines of this workbook do not add up to the frozen figures. Do not use it; write it again with lkp report.';

const measuresOf = (currency: string) =>
  [
    ['KPI value in the window', 'kpiValue', 'decimal'],
    ['Purchase units', 'units', 'decimal'],
    [`Revenue value (${currency})`, 'revenue', 'money'],
  ] as const satisfies ReadonlyArray<readonly [string, Measure, CellKind]>;

/** The sums of the window, and in words whether the lines still give them. */
export function sumPairs(
  totals: Sums,
  months: readonly MonthCell[],
  lineage: Lineage,
  currency: string,
): Pair[] {
  const sums = measuresOf(currency).map(([label, measure, kind]): Pair => {
    const cell = computedCell(totals[measure], kind, sumOfLines(lineage, measure));
    return [label, cell, kind];
  });
  return [
    ...sums,
    ['Self-check', computedCell(INTACT, 'text', verdict(totals, months, lineage, currency), 0), 'text'],
  ];
}

/** Every difference at once, each against the figure itself: the table of the self-check can be edited too. */
function verdict(totals: Sums, months: readonly MonthCell[], lineage: Lineage, currency: string): Formula {
  const byMonth = months.flatMap(({ month, omlpType, kpiValue }) =>
    month === null || omlpType !== null ? [] : [{ month, kpiValue }],
  );
  const moved = movedBetweenMonths(lineage, byMonth);
  const differences = [
    differenceFrom(countOfLines(lineage), frozen(String(lineage.lines)), 0),
    ...measuresOf(currency).flatMap(([, measure]) => {
      const [sum, decimals] = [sumOfLines(lineage, measure), comparedTo(lineage, measure)];
      return sum === undefined || decimals === undefined
        ? []
        : [differenceFrom(sum, frozen(totals[measure]), decimals)];
    }),
    ...(moved === undefined ? [] : [moved]),
  ];
  const any = added(differences.map((difference) => formula`ABS(${difference})`));
  return formula`IF(IFERROR(${any},1)=0,${quoted(INTACT)},${quoted(CHANGED)})`;
}

const CLASS_COLUMNS: readonly TableColumn[] = [
  { header: 'KPI class', kind: 'text', width: 46, wrap: true },
  { header: 'Sum', kind: 'decimal', width: 15 },
  { header: 'Cap', kind: 'decimal', width: 15 },
  { header: 'Above the cap', kind: 'decimal', width: 15 },
  { header: 'Counts', kind: 'decimal', width: 16 },
];
const [CLASS, SUM, CAP] = [0, 1, 2] as const;

/** The KPI of each class: sum, cap, what lies above it, what counts; and each category's, which requirements ask for. */
export function classBlocks(classes: readonly ClassSum[], lineage: Lineage): Block[] {
  if (classes.length === 0) return [];
  const names = classes.map(({ kpiClass }) => kpiClass);
  const categories = [...new Set(classes.map(({ category }) => category))];
  const rows = categories.flatMap((category) => {
    const own = classes.filter((one) => one.category === category);
    return [...own.map((one) => classRow(one, names, lineage)), categoryRow(category, own, lineage)];
  });
  return [
    { block: 'text', tone: 'heading', text: 'KPI by class' },
    { block: 'table', columns: CLASS_COLUMNS, rows },
  ];
}

function classRow(one: ClassSum, names: readonly string[], lineage: Lineage): CellValue[] {
  const decimals = comparedTo(lineage, 'kpiValue');
  const found = kpiOfClass(lineage, CLASS, one.kpiClass, names);
  const over = formula`MAX(0,${row(SUM)}-${row(CAP)})`;
  const under = formula`MIN(${row(SUM)},${row(CAP)})`;
  const counted = one.cap === null ? formula`${row(SUM)}` : under;
  return [
    one.kpiClass,
    computedCell(one.kpiValue, 'decimal', found, decimals),
    one.cap ?? { value: 'none', kind: 'text' },
    one.cap === null || found === undefined ? one.aboveCap : computedCell(one.aboveCap, 'decimal', over),
    computedCell(one.counted, 'decimal', found && counted),
  ];
}

function categoryRow(category: string, own: readonly ClassSum[], lineage: Lineage): CellValue[] {
  const decimals = comparedTo(lineage, 'kpiValue');
  const total = (figure: 'kpiValue' | 'aboveCap' | 'counted', column: number): CellValue => {
    const by = decimals === undefined ? undefined : formula`SUM(${above(column, own.length)})`;
    return computedCell(sum(own.map((one) => one[figure])), 'decimal', by);
  };
  const label = category === '' ? 'no category' : category;
  return [`${label}, together`, total('kpiValue', 1), null, total('aboveCap', 3), total('counted', 4)];
}

const CHECK_COLUMNS: readonly TableColumn[] = [
  { header: 'Self-check', kind: 'text', width: 46, wrap: true },
  { header: 'As frozen', kind: 'decimal', width: 15 },
  { header: 'In the lines', kind: 'decimal', width: 15 },
  { header: 'Verdict', kind: 'text', width: 13 },
  { header: 'Difference', kind: 'decimal', width: 16 },
];

/** The frozen figures as values, beside what the lines of this workbook add up to. */
export function selfCheckBlocks(totals: Sums, lineage: Lineage, currency: string): Block[] {
  const rows = [
    checkRow('KPI lines', String(lineage.lines), 'integer', countOfLines(lineage), 0),
    ...measuresOf(currency).map(([label, measure, kind]) =>
      checkRow(label, totals[measure], kind, sumOfLines(lineage, measure), comparedTo(lineage, measure)),
    ),
  ];
  return [
    { block: 'text', tone: 'heading', text: 'Do the lines add up to the frozen figures?' },
    { block: 'table', columns: CHECK_COLUMNS, rows },
  ];
}

function checkRow(
  label: string,
  figure: string,
  kind: CellKind,
  by: Formula | undefined,
  decimals: number | undefined,
): CellValue[] {
  if (by === undefined || decimals === undefined)
    return [label, { value: figure, kind }, null, 'too long', null];
  const difference = differenceFrom(row(2), row(1), decimals);
  return [
    label,
    { value: figure, kind },
    computedCell(figure, kind, by, decimals),
    computedCell(AGREES, 'text', formula`IF(IFERROR(${difference},1)=0,${quoted(AGREES)},"CHANGED")`, 0),
    // Shown to 4 decimals whatever it is: an edit may change little.
    computedCell('0.0000', 'amount', difference),
  ];
}
