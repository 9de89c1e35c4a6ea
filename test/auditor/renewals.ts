import type { Enrolment } from '../../samples/truth.ts';

/** The auditor's anniversaries: found by walking over the days one by one. */

const dayAfter = (day: string, days: number): string => {
  const date = new Date(`${day}T12:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
};

const isLastOfFebruary = (day: string): boolean => dayAfter(day, 1).slice(5) === '03-01';

export interface Renewal {
  readonly anniversary: string;
  readonly from: string;
  readonly to: string;
  readonly provisional: boolean;
  readonly firstReminder: string;
  readonly secondReminder: string;
  readonly graceEnd: string;
}

/** The anniversary that a cycle looks at, and its window: the 12 full months before its month. */
export function renewalOf(enrolment: Enrolment, cycle: string): Renewal {
  const cycleBegins = `${cycle}-01`;
  let day = dayAfter(cycleBegins, -30);
  const recurs = (candidate: string): boolean =>
    enrolment.anniversary_date.slice(5) === '02-29'
      ? isLastOfFebruary(candidate)
      : candidate.slice(5) === enrolment.anniversary_date.slice(5);
  while (!recurs(day) || day <= enrolment.valid_from) day = dayAfter(day, 1);
  const monthBegins = `${day.slice(0, 7)}-01`;
  const to = dayAfter(monthBegins, -1);
  return {
    anniversary: day,
    from: `${Number(day.slice(0, 4)) - 1}${monthBegins.slice(4)}`,
    to,
    provisional: to >= cycleBegins,
    firstReminder: dayAfter(day, -15),
    secondReminder: dayAfter(day, 23),
    graceEnd: dayAfter(day, 30),
  };
}

/** The month so many months later: `2023-11`, 2 -> `2024-01`. */
export function monthLater(month: string, months: number): string {
  const date = new Date(`${month}-15T12:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString().slice(0, 7);
}
