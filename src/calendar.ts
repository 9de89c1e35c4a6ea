import { LkpError } from './job.ts';

/**
 * The dates of the program, as pure functions. A cycle is a month `YYYY-MM`, a day is `YYYY-MM-DD`, an instant is
 * ISO 8601 in UTC. Source of each date: DOMAIN (the 15th, the third week, day 7).
 */

const HOUR = 3_600_000;
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

/** The day `days` later: addDays('2020-02-28', 1) = '2020-02-29'. */
export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

/** A date in another year; 29 February recurs on the last day of February: ('2020-02-29', 2021) -> 2021-02-28. */
export function recurs(day: string, year: number): string {
  const month = `${String(year).padStart(4, '0')}-${day.slice(5, 7)}`;
  // Only 29 February is missing in some years.
  return day.endsWith('-02-29') ? lastDay(month) : `${month}-${day.slice(8)}`;
}

/** So many days after its anniversary date an enrolment may still be renewed. */
const GRACE_DAYS = 30;

/**
 * What is to be done about an anniversary date: the first reminder 15 days before it, the second 23 days after it, and
 * the last day of the 30 days of grace.
 */
export const renewalDates = (
  anniversary: string,
): { readonly firstReminder: string; readonly secondReminder: string; readonly graceEnd: string } => ({
  firstReminder: addDays(anniversary, -15),
  secondReminder: addDays(anniversary, 23),
  graceEnd: addDays(anniversary, GRACE_DAYS),
});

/**
 * The anniversary that a cycle looks at: the first yearly recurrence of an enrolment's anniversary date whose grace has
 * not ended before the cycle's first day, and that lies after the enrolment's own first day.
 * `sql/migrations/0015_levels.sql` has the same for the database; a test holds the two to each other.
 */
export function anniversaryAtHand(anniversaryDate: string, cycle: string, enrolledFrom: string): string {
  const first = firstDay(cycle);
  for (let year = Number(cycle.slice(0, 4)) - 1; ; year += 1) {
    const anniversary = recurs(anniversaryDate, year);
    if (renewalDates(anniversary).graceEnd >= first && anniversary > enrolledFrom) return anniversary;
  }
}

/** Whether a renewal window still lies ahead in part: its last month is not over before the cycle. */
export const isProvisional = (anniversary: string, cycle: string): boolean =>
  renewalWindow(anniversary).to >= firstDay(cycle);

/** The reminder or the end of grace that comes next, from the day of a cycle's refresh on; undefined when all are past. */
export function nextReminder(
  anniversary: string,
  cycle: string,
): { readonly what: 'first reminder' | 'second reminder' | 'grace ends'; readonly on: string } | undefined {
  const { firstReminder, secondReminder, graceEnd } = renewalDates(anniversary);
  const all = [
    { what: 'first reminder', on: firstReminder },
    { what: 'second reminder', on: secondReminder },
    { what: 'grace ends', on: graceEnd },
  ] as const;
  return all.find(({ on }) => on >= refreshDay(cycle));
}

/**
 * The program's mid-month: figures first show on it, and directory eligibility is read on it. When the jobs are due is said by
 * the schedule, which may be edited; this day is not.
 */
export const refreshDay = (cycle: string): string => `${cycle}-15`;

/** A submission is visible by the end of the first week of the next month. */
export const visibleBy = (cycle: string): string => `${addMonths(cycle, 1)}-07`;

/** The last day on which a listing request still joins the cycle's batch; later ones roll to the next. */
export const requestDeadline = (cycle: string): string => refreshDay(cycle);

/** An instant of a local time, in UTC, and how often a clock on the wall shows that time on that day. */
export interface LocalInstant {
  readonly instant: string;
  /** 0: the clocks skip it (the instant is the end of the gap); 2: they are set back, and show it again. */
  readonly times: 0 | 1 | 2;
}

/**
 * The instant of a local time `HH:MM` of a day: of a time that comes twice the first, of one that is skipped the end of the gap.
 * The offsets that are in force somewhere in the world lie between -12 h and +14 h.
 */
export function instantOf(day: string, at: string, timeZone: string): LocalInstant {
  const wall = Date.parse(`${day}T${at}:00Z`);
  const [before, after] = [offset(wall - 14 * HOUR, timeZone), offset(wall + 12 * HOUR, timeZone)];
  const shown = [...new Set([wall - before, wall - after])].filter(
    (instant) => instant + offset(instant, timeZone) === wall,
  );
  const first = shown.length > 0 ? Math.min(...shown) : changeBetween(wall - after, wall - before, timeZone);
  return { instant: new Date(first).toISOString(), times: shown.length as 0 | 1 | 2 };
}

/** When, after `from` and until `to`, the clocks of a zone change. */
function changeBetween(from: number, to: number, timeZone: string): number {
  const old = offset(from, timeZone);
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000;
    if (offset(middle, timeZone) === old) low = middle;
    else high = middle;
  }
  return high;
}

/** The first instant of a day in a time zone, in UTC; of a day whose midnight is skipped, the end of the gap. */
export const startOfDay = (day: string, timeZone: string): string =>
  instantOf(day, '00:00', timeZone).instant;

/** The last second of a day in a time zone, in UTC. */
export function endOfDay(day: string, timeZone: string): string {
  return new Date(Date.parse(startOfDay(addDays(day, 1), timeZone)) - 1000).toISOString();
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
export const dayIn = (instant: number | string, timeZone: string): string =>
  wallIn(instant, timeZone).slice(0, 3).join('-');

/** What a clock on the wall shows at an instant: `2026-06-15 06:00`. */
export function localTime(instant: string, timeZone: string): string {
  const [year, month, day, hour, minute] = wallIn(instant, timeZone);
  return `${year}-${month}-${day} ${hour}:${minute}`;
}

/** Milliseconds that the clocks of a zone are ahead of UTC at an instant. */
function offset(instant: number, timeZone: string): number {
  const [year, month, day, hour, minute, second] = wallIn(instant, timeZone);
  const wall = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second);
  return wall - Math.floor(instant / 1000) * 1000;
}

type Wall = [year: string, month: string, day: string, hour: string, minute: string, second: string];

const formats = new Map<string, Intl.DateTimeFormat>();

/** The digits of the formatted text: four times as fast as its parts (2 us for 10), and the schedule asks often. */
function wallIn(instant: number | string, timeZone: string): Wall {
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
  return format.format(typeof instant === 'string' ? Date.parse(instant) : instant).match(/\d+/g) as Wall;
}

/** Adjoining months as half-open spans: ['2019-01','2019-02','2019-05'] -> 2019-01..2019-03, 2019-05..2019-06. */
export function monthSpans(months: readonly string[]): Array<{ from: string; to: string }> {
  const found: Array<{ from: string; to: string }> = [];
  for (const month of months) {
    const last = found.at(-1);
    if (last && last.to === month) last.to = addMonths(month, 1);
    else found.push({ from: month, to: addMonths(month, 1) });
  }
  return found;
}
