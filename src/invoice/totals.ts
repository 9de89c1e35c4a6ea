import { LkpError } from '../job.ts';
import { readable, shortest, sum } from '../money.ts';
import { TOTAL_WORD } from '../notation.ts';
import type { Sql } from '../ports.ts';
import type { Header } from '../staging.ts';
import type { AmountsIn } from './amounts.ts';
import type { FieldName } from './profile.ts';

/** A row in which the publisher adds up its own file. */
interface TotalRow {
  readonly row_no: number;
  /** Has a word that means total; without one, it is a total only if it is the sum. */
  readonly named: boolean;
  /** ISO code, where the row names one. */
  readonly currency: string;
  /** Plain decimal; null: the row states none that can be read. */
  readonly amount: string | null;
}

/** What makes a row a line: a total has none of it. The invoice number's cell may hold the word instead. */
const OF_A_LINE: readonly FieldName[] = [
  'issue_date',
  'type_code',
  'reference_number',
  'customer_number',
  'line_number',
  'price',
  'sku',
];

/**
 * Takes the publisher's own totals off the end of `load` and off `amounts`, and compares them with the lines: as stated,
 * or as the lines' effects. They are the last rows that have nothing of a line, and a word that means total or else the
 * very sum. Throws LkpError('request') when one differs: rows may be missing, as of a file that was cut at a row's end.
 */
export async function takeOffTotals(
  tx: Sql,
  name: string,
  header: Header,
  amounts: AmountsIn,
): Promise<{ rows: number; warnings: string[] }> {
  // Nothing at the end of the file lacks an invoice number: the usual file is asked nothing more.
  let totals = amounts.tail === 0 ? [] : await totalsAtTheEnd(tx, header, amounts.tail);
  const first = totals.at(-1);
  if (!first) return { rows: 0, warnings: [] };
  const stated = await statedSums(tx, first.row_no);
  const sumsOf = ({ currency }: TotalRow): string[] => {
    const own = stated.filter((line) => currency === '' || line.currency === currency);
    const effects = amounts
      .totals(totals.length)
      .filter((total) => total.currency !== null && (currency === '' || total.currency === currency));
    return [sum(own.map(({ amount }) => amount)), sum(effects.map(({ amount }) => amount!))];
  };
  const agrees = (total: TotalRow): boolean =>
    total.amount === null || sumsOf(total).includes(shortest(total.amount));
  const stranger = totals.findIndex((total) => !total.named && !agrees(total));
  if (stranger !== -1) totals = totals.slice(0, stranger);
  const unreadable = stated.reduce((rows, line) => rows + line.unreadable, 0);
  const differs = totals.find((total) => !agrees(total));
  if (differs && unreadable === 0) {
    const currency = differs.currency === '' ? '' : ` ${differs.currency}`;
    throw new LkpError(
      'request',
      `${name} states ${readable(differs.amount!)}${currency} as its total (row ${differs.row_no}), but its rows add up to ${readable(sumsOf(differs)[0]!)}${currency}. Rows may be missing, or a figure is wrong: get the whole file. If it is the total that is wrong, remove its row and repeat.`,
    );
  }
  await tx.rows('delete from load where row_no = any($1)', [totals.map(({ row_no }) => row_no)]);
  amounts.takeBack(totals.length);
  return {
    rows: totals.length,
    warnings: differs
      ? [
          `The stated total ${readable(differs.amount!)} (row ${differs.row_no}) could not be compared: the amount of ${unreadable} ${unreadable === 1 ? 'row' : 'rows'} cannot be read.`,
        ]
      : [],
  };
}

/** The last rows that have nothing of a line, from the end up; at most `most`. */
async function totalsAtTheEnd(tx: Sql, header: Header, most: number): Promise<TotalRow[]> {
  const rows = await tx.rows<{ row_no: number; cells: Array<string | null>; amount: string | null }>(
    `select load_field.row_no, load_field.cells, plain_number(load_field.net_amount)::text as amount
     from load_field
     where load_field.ragged is null
     order by load_field.row_no desc
     limit $1`,
    [most],
  );
  const totals: TotalRow[] = [];
  for (const { row_no, cells, amount } of rows) {
    const at = (field: FieldName): string => cells[header.columns.get(field) ?? -1]?.trim() ?? '';
    const texts = cells.map((cell) => cell?.trim() ?? '').filter((text) => text !== '');
    const named = texts.some((text) => TOTAL_WORD.test(text));
    const number = at('invoice_number');
    const onlySum = amount !== null && texts.length <= (at('quantity') === '' ? 1 : 2);
    if (OF_A_LINE.some((field) => at(field) !== '') || (number !== '' && !TOTAL_WORD.test(number))) break;
    if (!named && !onlySum) break;
    totals.push({ row_no, named, currency: at('currency').toUpperCase(), amount });
  }
  return totals;
}

/** The sums of the rows above a row, by currency, as their amounts are stated; and how many cannot be read. */
const statedSums = (
  tx: Sql,
  row: number,
): Promise<Array<{ currency: string; amount: string; unreadable: number }>> =>
  tx.rows(
    `select upper(line.currency collate "C") as currency, coalesce(sum(line.amount), 0)::text as amount,
            count(*) filter (where line.amount is null)::int as unreadable
     from (
       select load_field.currency,
              case when load_field.net_amount = '' then plain_number(load_field.quantity) * plain_number(load_field.price)
                   else plain_number(load_field.net_amount) end as amount
       from load_field
       where load_field.row_no < $1
       offset 0
     ) as line
     group by 1`,
    [row],
  );
