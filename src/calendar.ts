import { LkpError } from './job.ts';

/**
 * The dates of the program, as pure functions. A cycle is a month `YYYY-MM`, a day is `YYYY-MM-DD`, an instant is
 * ISO 8601 in UTC. Source of each date: DOMAIN (the 15th, the third week, day 7).
 */

const CYCLE = /^\d{4}-(0[1-9]|1[0-2])$/;

/** Checks a cycle as a person typed it, against the current month. Throws LkpError('request'). */
export function parseCycle(text: string, today?: string): string {
  if (!CYCLE.test(text)) {
    throw new LkpError(
      'request',
      `"${text}" is not a cycle. A cycle is the month of the refresh, such as 2020-01. Type it as YYYY-MM.`,
    );
  }
  if (text < '2000-01' || text > '2099-12') {
    throw new LkpError(
      'request',
      `Cycle ${text} lies outside 2000-01 to 2099-12, the months this calendar knows. Check the year.`,
    );
  }
  if (today !== undefined && text > today.slice(0, 7)) {
    throw new LkpError(
      'request',
      `Cycle ${text} lies in the future (today is ${today}). The newest cycle that can run is ${today.slice(0, 7)}.`,
    );
  }
  return text;
}

/** The month `months` away: addMonths('2020-01', -12) = '2019-01'. */
export function addMonths(cycle: string, months: number): string {
  const index = Number(cycle.slice(0, 4)) * 12 + Number(cycle.slice(5, 7)) - 1 + months;
  return `${String(Math.floor(index / 12)).padStart(4, '0')}-${String((index % 12) + 1).padStart(2, '0')}`;
}

/** The first day of a month. */
export const firstDay = (cycle: string): string => `${cycle}-01`;

/** The last day of a month. */
export function lastDay(cycle: string): string {
  return new Date(Date.UTC(Number(cycle.slice(0, 4)), Number(cycle.slice(5, 7)), 0))
    .toISOString()
    .slice(0, 10);
}

/** The 12 completed months before the cycle, first and last day: 2020-01 -> 2019-01-01..2019-12-31. */
export function reportingWindow(cycle: string): { readonly from: string; readonly to: string } {
  return { from: firstDay(addMonths(cycle, -12)), to: lastDay(addMonths(cycle, -1)) };
}

/** The 12 full months before the anniversary's month: 2021-03-17 -> 2020-03-01..2021-02-28. */
export const renewalWindow = (anniversary: string): { readonly from: string; readonly to: string } =>
  reportingWindow(anniversary.slice(0, 7));

/** Mid-month: ingest and refresh are due on the 15th. Also the day on which directory eligibility is read. */
export const refreshDay = (cycle: string): string => `${cycle}-15`;

/** The directory batch is assembled on day 16, the second day of the third week (days 15-21). */
export const assemblyDay = (cycle: string): string => `${cycle}-16`;

/** The submission must be out by the end of the third week. */
export const submissionDay = (cycle: string): string => `${cycle}-21`;

/** A submission is visible by the end of the first week of the next month. */
export const visibleBy = (cycle: string): string => `${addMonths(cycle, 1)}-07`;

/** The last day on which a listing request still joins the cycle's batch; later ones roll to the next. */
export const requestDeadline = (cycle: string): string => refreshDay(cycle);

/** The first instant of a day in a time zone, in UTC. */
export function startOfDay(day: string, timeZone: string): string {
  const utc = Date.parse(`${day}T00:00:00Z`);
  // The offset at the wanted instant may differ from the one at the first guess (a clock change in between).
  let guess = utc - offset(utc, timeZone);
  guess = utc - offset(guess, timeZone);
  // Midnight that does not exist: the day starts where the gap ends.
  while (dayIn(guess, timeZone) < day) guess += 15 * 60_000;
  return new Date(guess).toISOString();
}

/** The last second of a day in a time zone, in UTC. */
export function endOfDay(day: string, timeZone: string): string {
  const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return new Date(Date.parse(startOfDay(next, timeZone)) - 1000).toISOString();
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * An instant as a person typed it, in UTC: with Z or its zone offset, or a plain day, which means its last second in the
 * program's time zone. Throws LkpError('request').
 */
export function parseInstant(text: string, timeZone: string): string {
  const [, day = '', time] = INSTANT.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes 2020-02-30 for the first of March.
  const real = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  // The last second to its last millisecond: what was known in it was known on that day.
  if (real && time === undefined) return endOfDay(day, timeZone).replace('.000Z', '.999Z');
  if (!real || Number.isNaN(Date.parse(text))) {
    throw new LkpError(
      'request',
      `"${text}" is not an instant. Write a day, such as 2020-01-20 (its end in ${timeZone}), or an instant with its zone, such as 2020-01-20T12:00:00Z or 2020-01-20T12:00:00+01:00.`,
    );
  }
  return new Date(text).toISOString();
}

/** The day of an instant in a time zone. */
export function dayIn(instant: number | string, timeZone: string): string {
  const parts = partsIn(typeof instant === 'string' ? Date.parse(instant) : instant, timeZone);
  return `${parts.year}-${parts.month}-${parts.day}`;
}

function offset(instant: number, timeZone: string): number {
  const parts = partsIn(instant, timeZone);
  const wall = Date.UTC(+parts.year, +parts.month - 1, +parts.day, +parts.hour, +parts.minute, +parts.second);
  return wall - Math.floor(instant / 1000) * 1000;
}

type Parts = Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', string>;

const formats = new Map<string, Intl.DateTimeFormat>();

function partsIn(instant: number, timeZone: string): Parts {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value])) as Parts;
}
