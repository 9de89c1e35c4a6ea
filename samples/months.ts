/** Months are `YYYY-MM`, days `YYYY-MM-DD`. */

/** The month `count` after (or before) a month. */
export function monthAfter(month: string, count: number): string {
  const index = Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1 + count;
  return `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
}

export const day = (month: string, date: number): string => `${month}-${String(date).padStart(2, '0')}`;

export const lastDay = (month: string): string =>
  new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).toISOString().slice(0, 10);

/** The first Sunday of a month: a day without a rate. */
export function firstSunday(month: string): string {
  const weekday = new Date(`${month}-01T00:00:00Z`).getUTCDay();
  return day(month, 1 + ((7 - weekday) % 7));
}

/** Every Monday from one day to another. */
export function mondays(from: string, to: string): string[] {
  const found: string[] = [];
  const at = new Date(`${from}T00:00:00Z`);
  while (at.getUTCDay() !== 1) at.setUTCDate(at.getUTCDate() + 1);
  for (; at.toISOString().slice(0, 10) <= to; at.setUTCDate(at.getUTCDate() + 7))
    found.push(at.toISOString().slice(0, 10));
  return found;
}
