import { meant } from '../config.ts';
import { type Day, ORDINALS, WEEKDAYS } from './dates.ts';

/** A day of a schedule file as a person writes it: what is due once a month, in every month. */

const WANTED =
  'a day from 1 to 28, last day, a weekday such as third monday, or day 2 of the third week were wanted';
const CRON =
  'is cron text, which one engine reads otherwise than the next (with a day and a weekday in it, either or both must fit); write the day alone, such as day: 15, and the time as at: "06:00"';

const PHRASES: readonly string[] = [
  'last day',
  ...ORDINALS.flatMap((ordinal) => WEEKDAYS.map((weekday) => `${ordinal} ${weekday}`)),
  ...[1, 2, 3, 4, 5, 6, 7].map((day) => `day ${day} of the third week`),
];

const DAY_OF_WEEK = WEEKDAYS.map((day) => `${day}s?`).join('|');

/** Whether a text is of the kind that cron takes: five or six fields, a star, `@daily`. */
const isCron = (text: string): boolean =>
  /^@[a-z]+$/.test(text) || /^[\d*?LW#,/-]+(\s+[\w*?#,/-]+){3,6}$/i.test(text) || text.includes('*');

/** Reads a day, or says what is wrong with it, in words that follow its name. */
export function dayFrom(value: unknown): { readonly day: Day } | { readonly fault: string } {
  if (Array.isArray(value))
    return { fault: 'is a list, and a job is due once a month; write one day, such as day: 15' };
  if (typeof value === 'number') return numbered(value);
  if (typeof value !== 'string') return { fault: `is no day; ${WANTED}` };
  const text = value.trim().replace(/\s+/g, ' ').toLowerCase();
  if (/^-?\d+$/.test(text)) return numbered(Number(text));
  if (PHRASES.includes(text)) return { day: text as Day };
  return { fault: `is "${value}" and ${faultOf(text)}`.replace(/ and is cron/, ', which is cron') };
}

function numbered(day: number): { readonly day: Day } | { readonly fault: string } {
  if (Number.isInteger(day) && day >= 1 && day <= 28) return { day };
  if (Number.isInteger(day) && day >= 29 && day <= 31)
    return {
      fault: `is ${day}, a day that not every month has: in such a month it could never fire; write last day, or a day from 1 to 28`,
    };
  return { fault: `is ${day}; ${WANTED}` };
}

function faultOf(text: string): string {
  if (isCron(text)) return CRON;
  if (/^(\d+\s*[,;]|\d+\s*(-|to|and)\s*\d+)/.test(text))
    return 'names several days, and a job is due once a month; write one day, such as day: 15';
  if (/^(every|each)\b|^\d+\s*(h|d|w|m|hours?|days?|weeks?|months?)$|^(hour|dai|week|month)ly$/.test(text))
    return 'would be due at an interval, not on a date: too often, or adrift from month to month; write the day alone, such as day: 15';
  if (/^fifth /.test(text))
    return 'not every month has one: in such a month it could never fire; write last in place of fifth';
  if (new RegExp(`^(${DAY_OF_WEEK})$`).test(text))
    return `would be due each week, and a job is due once a month; write which one, such as first ${text.replace(/s$/, '')}`;
  if (/working day$/.test(text))
    return 'is no day by itself; write a day, such as last day, and shift: previous working day';
  const ask = meant(text, PHRASES, 'did you mean');
  return `is no day${ask && ` (${ask})`}; ${WANTED}`;
}

/** What is wrong with a time of day, in words that follow its name; undefined: nothing. */
export function faultOfTime(value: unknown): string | undefined {
  if (typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value)) return undefined;
  return `is ${JSON.stringify(value)}; a time from "00:00" to "23:59" was wanted, such as at: "06:00"`;
}

/** What is wrong with a job's rule that is no list of settings. */
export const faultOfRule = (value: unknown): string =>
  typeof value === 'string' && isCron(value.trim())
    ? `is "${value}", which ${CRON}`
    : 'must be settings such as { day: 15, at: "06:00" }';
