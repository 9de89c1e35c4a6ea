import type { Problem, What } from './problem.ts';
import { type Apart, type Compared, shortened } from './rows.ts';

/** What was held against what was derived: how much, and what is apart. */
export interface Held {
  rows: number;
  workbooks: number;
  readonly problems: Problem[];
  readonly notes: string[];
}

/** Writes down what is apart, and how many more there are. */
export function tell(held: Held, what: What, of: string, { apart, count }: Compared, where: string): void {
  for (const one of apart)
    held.problems.push({
      what,
      thing: `${of}${one.table}${one.row === '' ? '' : `: ${one.row}`}`,
      reason: said(one, where),
    });
  if (count > apart.length)
    held.problems.push({
      what,
      thing: `${of}${apart[0]?.table ?? ''}`,
      reason: `and ${count - apart.length} differences more in this table.`,
    });
}

function said({ column, recorded, derived }: Apart, where: string): string {
  if (column !== undefined)
    return `${column} is ${shortened(recorded)} ${where}; derived anew it is ${shortened(derived)}.`;
  return recorded === null
    ? `it is not ${where}; derived anew there is such a row.`
    : `it is ${where}; derived anew there is no such row.`;
}
