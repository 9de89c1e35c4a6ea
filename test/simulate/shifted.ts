import { lastDay, monthAfter } from '../../samples/months.ts';
import type { InvoiceFile, InvoiceRow, Reference } from '../../samples/truth.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A day so many months later; the last of the month where that has no such day. */
function dayLater(day: string, months: number): string {
  const month = monthAfter(day.slice(0, 7), months);
  const same = `${month}-${day.slice(8)}`;
  return same > lastDay(month) ? lastDay(month) : same;
}

/** A row of cells whose days lie so many months later. */
export const shiftedRows = ({ rows }: InvoiceFile, months: number): InvoiceRow[] =>
  rows.map((row) => ({
    ...row,
    cells: row.cells.map((cell) => (DAY.test(cell) ? dayLater(cell, months) : cell)),
  }));

/** Reference data whose days lie so many months later. */
export function shifted(reference: Reference, months: number): Reference {
  const move = (value: unknown): unknown =>
    typeof value === 'string' && DAY.test(value)
      ? dayLater(value, months)
      : Array.isArray(value)
        ? value.map(move)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([name, held]) => [name, move(held)]))
          : value;
  return move(reference) as Reference;
}
