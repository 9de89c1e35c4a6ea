import { addMonths, endOfDay, startOfDay } from './calendar.ts';
import type { CatchUp } from './schedule.ts';

/** When a job of a cycle is due, in the program's time zone. */
export interface When {
  /** A day of the month, 1 to 28: every month has it. */
  readonly day: number;
  /** Of the cycle's own month, or of the next one. */
  readonly month?: 'next';
  /** `HH:MM`; the beginning of the day when absent. */
  readonly at?: string;
  /** The day at whose end it is late; the same day when absent, no deadline when null. */
  readonly deadline?: { readonly day: number; readonly month?: 'next' } | null;
  /** Why on that day, in words that follow "because": `mid-month, when invoices are ingested`. */
  readonly why: string;
  readonly catchUp?: Partial<CatchUp>;
}

export interface WorkingDays {
  /** 0 is Sunday. */
  readonly weekend: ReadonlySet<number>;
  /** Day `YYYY-MM-DD` -> name. */
  readonly holidays: ReadonlyMap<string, string>;
}

/** Instants in UTC, and why then. */
export interface Dates {
  readonly due: string;
  readonly deadline?: string;
  readonly why: string;
}

export function datesOf(when: When, cycle: string, timeZone: string, _working: WorkingDays): Dates {
  const dayOf = (day: number, month?: 'next'): string =>
    `${month ? addMonths(cycle, 1) : cycle}-${String(day).padStart(2, '0')}`;
  const { deadline = { day: when.day, ...(when.month && { month: when.month }) } } = when;
  return {
    due: startOfDay(dayOf(when.day, when.month), timeZone),
    ...(deadline && { deadline: endOfDay(dayOf(deadline.day, deadline.month), timeZone) }),
    why: when.why,
  };
}
