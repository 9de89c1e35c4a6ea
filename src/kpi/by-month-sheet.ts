import { addMonths } from '../calendar.ts';
import { above, across, type Formula, formula } from '../formula.ts';
import type { Block, CellKind, CellValue, Sheet } from '../ports.ts';
import { comparedTo, computedCell, type Lineage, type Measure, sumOfMonthAndType } from './lineage.ts';
import type { Provenance, Sums } from './report-data.ts';

/** A sum of lines: of a month and a type; null means "all". */
export interface MonthCell extends Sums {
  readonly month: string | null;
  readonly omlpType: string | null;
}

/**
 * *By month*: one table a measure, months down and OMLP types across, totals both ways. A single long table with
 * three measures a type would be wider than a page and could not be added up by eye. Each cell is the sum over
 * *KPI lines*, each total the sum of its cells; a total turns red when it is not what was frozen.
 */
export function byMonth(provenance: Provenance, months: readonly MonthCell[], lineage: Lineage): Sheet {
  const types = [...new Set(months.flatMap(({ omlpType }) => (omlpType === null ? [] : [omlpType])))].sort(
    byCode,
  );
  const cells = new Map(months.map((cell) => [keyOf(cell.month, cell.omlpType), cell]));
  const measures = [
    ['KPI value', 'kpiValue', 'decimal'],
    ['Purchase units', 'units', 'decimal'],
    [`Revenue value (${provenance.reportingCurrency})`, 'revenue', 'money'],
  ] as const;
  return {
    name: 'By month',
    landscape: types.length > 4,
    blocks: measures.flatMap(([title, measure, kind]): Block[] => {
      const figure = (month: string | null, type: string | null): string =>
        cells.get(keyOf(month, type))?.[measure] ?? '0';
      const across = rowsOf(types, measure, kind, lineage, figure);
      return [
        { block: 'text', tone: 'heading', text: title },
        {
          block: 'table',
          columns: [
            { header: 'Month', kind: 'month', width: 11 },
            ...[...types, 'Total'].map((header) => ({
              header,
              kind,
              width: Math.min(60, Math.max(16, header.length + 2)),
            })),
          ],
          rows: monthsOf(provenance.window).map((month) => [month, ...across(month)]),
          totals: ['Total', ...across(null)],
        },
      ];
    }),
  };
}

/** The cells of a month, or of all: one a type, then their total. */
function rowsOf(
  types: readonly string[],
  measure: Measure,
  kind: CellKind,
  lineage: Lineage,
  figure: (month: string | null, type: string | null) => string,
): (month: string | null) => CellValue[] {
  const decimals = comparedTo(lineage, measure);
  const sums = types.map((type, index) => sumOfMonthAndType(lineage, measure, index + 1, type, types));
  const total: Formula | undefined =
    types.length === 0 || decimals === undefined ? undefined : formula`SUM(${across(1, types.length)})`;
  const below = (column: number) => (decimals === undefined ? undefined : formula`SUM(${above(column)})`);
  return (month) => [
    ...types.map((type, index) =>
      month === null
        ? computedCell(figure(null, type), kind, below(index + 1), decimals)
        : computedCell(figure(month, type), kind, sums[index]),
    ),
    computedCell(figure(month, null), kind, total, decimals),
  ];
}

/** No month holds a space; a type may. */
const keyOf = (month: string | null, type: string | null): string => `${month ?? ''} ${type ?? ''}`;

function monthsOf({ from, to }: Provenance['window']): string[] {
  const months: string[] = [];
  for (let month = from; month <= to; month = addMonths(month, 1)) months.push(month);
  return months;
}

/** By code unit, the same on every machine. */
function byCode(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
