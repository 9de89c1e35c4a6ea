import { type Context, LkpError } from '../job.ts';
import { shortest } from '../money.ts';
import { NO_STORED_VALUE } from '../notation.ts';
import type { Claim, ClaimLine } from './answer.ts';
import type { ReadClaim } from './claim.ts';
import {
  currencyIn,
  dayFirstIn,
  monthIn,
  NO_RESULT,
  numbersIn,
  numbersOfInvoices,
  type SaidNumber,
  shown,
  textOf,
  untyped,
  yearIn,
} from './claim-cells.ts';
import { type ClaimField, type ClaimHeader, listed, titleOf } from './claim-headers.ts';

/** A row below the header. */
export interface RawRow {
  readonly row: number;
  readonly cells: readonly string[];
}

type Unreadable = Claim['unreadable'][number];
const FIGURES = ['purchaseUnit', 'kpiValue', 'revenueValue'] as const;
/** What stands for a NUL character wherever a table is read. */
const NUL = '\u2400';
const WITHOUT_NUL = `text without a NUL character, which is shown as ${NUL}: save the claim anew`;
const RESULT = 'its result: open the file in Excel or LibreOffice, save it there, and take the saved file';

/** A formula without its result is told as such, whatever was wanted of the cell. */
const unreadableCell = (row: number, field: string, seen: string, wanted: string): Unreadable => ({
  row,
  field,
  seen: shown(seen),
  wanted: seen.trim() === NO_STORED_VALUE ? RESULT : wanted,
});

/** What is wrong with a cell, and what was wanted, after its row and field. */
export const cannotBeRead = ({ seen, wanted }: Unreadable): string =>
  seen === NO_RESULT
    ? `the cell holds ${seen}; wanted is ${wanted}`
    : `"${seen}" cannot be read; wanted is ${wanted}`;

const A_MONTH = 'a month, such as 5, May, 2020-05 or a date';

/** Reads the cells of the lines: months one by one, figures as their columns say together. */
export async function linesOf(context: Context, name: string, header: ClaimHeader, rows: readonly RawRow[]) {
  const { columns } = header;
  const at = (raw: RawRow, field: ClaimField): string => raw.cells[columns.get(field) ?? -1] ?? '';
  const unreadable: Unreadable[] = [];
  const whole = rows.filter((raw) => {
    const torn = (['omlpType', 'invoice'] as const).find((field) => at(raw, field).includes(NUL));
    if (torn) {
      unreadable.push(unreadableCell(raw.row, titleOf(torn), at(raw, torn), WITHOUT_NUL));
      return false;
    }
    if (raw.cells.length === header.cells.length) return true;
    unreadable.push({
      row: raw.row,
      field: 'the whole row',
      seen: textOf(raw.cells),
      wanted: `${header.cells.length} cells, as the header has; put a figure that has a comma in it in quotes`,
    });
    return false;
  });
  const { numbers, invoices } = await context.db.transaction('reconcile', async (tx) => ({
    numbers: await numbersIn(
      tx,
      FIGURES.map((field) => whole.map((raw) => at(raw, field))),
    ),
    invoices: await numbersOfInvoices(
      tx,
      whole.map((raw) => at(raw, 'invoice')),
    ),
  }));
  const ofHeader = currencyIn(header.cells[columns.get('revenueValue') ?? -1] ?? '');
  const inCurrency = (field: ClaimField, said: SaidNumber): SaidNumber =>
    field === 'revenueValue' ? { ...said, currency: said.currency ?? ofHeader } : said;
  const months = monthsOf(whole, columns, name, header);
  const lines: ClaimLine[] = [];
  const named: Array<ReadClaim['named'][number]> = [];
  for (const [index, raw] of whole.entries()) {
    const mpnId = untyped(at(raw, 'partner')).trim();
    if (mpnId !== '') named.push({ mpnId, row: raw.row });
    const month = months[index]!;
    if (typeof month !== 'string') unreadable.push(month);
    const [purchaseUnit, kpiValue, revenueValue] = FIGURES.map((field, column) =>
      figure(raw.row, field, at(raw, field), inCurrency(field, numbers[column]![index]!), unreadable),
    ) as [string | null, string | null, string | null];
    const text = (field: ClaimField, cell: string): string => {
      if (cell.trim() !== NO_STORED_VALUE) return cell.trim();
      unreadable.push(unreadableCell(raw.row, titleOf(field), cell, ''));
      return '';
    };
    const written = {
      omlpType: text('omlpType', untyped(at(raw, 'omlpType'))),
      invoice: text('invoice', invoices[index]!),
    };
    if (typeof month !== 'string') continue;
    lines.push({ row: raw.row, kpiMonth: month, ...written, purchaseUnit, kpiValue, revenueValue });
  }
  const currencies = [ofHeader, ...numbers[2]!.map(({ currency }) => currency)];
  return {
    lines,
    unreadable: unreadable.sort((a, b) => a.row - b.row),
    named,
    currencies: [...new Set(currencies.filter((one) => one !== null))].sort(),
  };
}

/** A figure as a plain decimal; null, and told, where it cannot be read. */
function figure(
  row: number,
  field: ClaimField,
  cell: string,
  { readings: all, currency }: SaidNumber,
  unreadable: Unreadable[],
): string | null {
  const seen = untyped(cell).trim();
  if (seen === '' || /^[-–—]$/.test(seen)) return null;
  // None of the currencies that are known here has three decimals: beside one, 1.234 is a thousand and more.
  const readings = currency === null ? all : all.filter((one) => !/\.\d{3}/.test(one));
  if (readings.length === 1) return shortest(readings[0]!);
  const wanted =
    readings.length === 0
      ? 'a number, such as 1,234.56 or 1.234,56'
      : `a number with one reading: this is ${readings.join(' or ')}, and no other figure of the claim says which`;
  unreadable.push(unreadableCell(row, titleOf(field), seen, wanted));
  return null;
}

/** The month of each line, `YYYY-MM`, or what cannot be read about it. */
function monthsOf(
  rows: readonly RawRow[],
  columns: ClaimHeader['columns'],
  name: string,
  header: ClaimHeader,
): Array<string | Unreadable> {
  const field = columns.has('month') ? 'month' : 'period';
  const cells = rows.map(({ cells }) => cells[columns.get(field) ?? -1] ?? '');
  const years = columns.has('year') ? rows.map(({ cells }) => cells[columns.get('year')!] ?? '') : undefined;
  if (!years && !cells.some((cell) => monthIn(cell)?.year !== undefined)) {
    throw new LkpError(
      'request',
      `${name} lacks Year: its header (row ${header.row}), ${listed(header.cells)}, has no such column, and no ${titleOf(field)} names a year, such as 2020-05. Add the column, name it Year, or write the year with the month.`,
    );
  }
  const first = cells.map(dayFirstIn);
  const order = first.includes(true) === first.includes(false) ? undefined : first.includes(true);
  return rows.map(({ row }, index) => monthOf(row, titleOf(field), cells[index]!, years?.[index], order));
}

function monthOf(
  row: number,
  field: string,
  cell: string,
  yearCell: string | undefined,
  dayFirst: boolean | undefined,
): string | Unreadable {
  const seen = untyped(cell).trim();
  const not = (wanted: string, where = field, what = seen): Unreadable =>
    unreadableCell(row, where, what, wanted);
  const said = monthIn(cell);
  if (!said) return not(A_MONTH);
  if (said.or !== undefined && dayFirst === undefined)
    return not('a date with one reading, such as 2020-05-01: day and month may be exchanged here');
  const given = untyped(yearCell ?? '').trim();
  const year = yearIn(given);
  if (given !== '' && year === undefined) return not('a year from 2000 to 2099', titleOf('year'), given);
  if (said.year !== undefined && year !== undefined && said.year !== year)
    return not(`the year of the column ${titleOf('year')}, which is ${year}`);
  const known = said.year ?? year;
  if (known === undefined) return not('a year beside the month', titleOf('year'), given);
  const month = dayFirst === false && said.or !== undefined ? said.or : said.month;
  return `${known}-${String(month).padStart(2, '0')}`;
}
