import { addDays, addMonths, endOfDay, instantOf, lastDay } from '../calendar.ts';
import type { CatchUp } from './schedule.ts';

/** When a job of a cycle is due: a day by a rule, moved to a working day where the rule asks for one. Pure functions. */

export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export const ORDINALS = ['first', 'second', 'third', 'fourth', 'last'] as const;
export type Ordinal = (typeof ORDINALS)[number];

/** A day that every month has: 1 to 28, its last one, a weekday by its place, or a day of the third week from 1 to 7. */
export type Day =
  | number
  | 'last day'
  | `${Ordinal} ${Weekday}`
  | `day ${1 | 2 | 3 | 4 | 5 | 6 | 7} of the third week`;

/** What the third week is: the days 15 to 21, or the third week from Monday to Sunday that lies wholly in the month. */
export const THIRD_WEEKS = ['days 15-21', 'third full week'] as const;
export type ThirdWeek = (typeof THIRD_WEEKS)[number];

export const SHIFTS = ['next working day', 'previous working day'] as const;
export type Shift = (typeof SHIFTS)[number];

/** When a job of a cycle is due, in the program's time zone. */
export interface When {
  readonly day: Day;
  /** Of the cycle's own month, or of the next one. */
  readonly month?: 'next';
  /** `HH:MM`; the beginning of the day when absent. */
  readonly at?: string;
  /** Where to when the day is no working day; it stays when absent. Never into another month. */
  readonly shift?: Shift;
  /** The day at whose end it is late: a day, or that on which another job is due. When absent its own, none when null. */
  readonly deadline?: { readonly day: Day; readonly month?: 'next' } | { readonly job: string } | null;
  /** Why on that day, in words that follow "because": `mid-month, when invoices are ingested`. */
  readonly why: string;
  readonly catchUp?: Partial<CatchUp>;
}

export interface WorkingDays {
  readonly weekend: ReadonlySet<Weekday>;
  /** Day `YYYY-MM-DD` -> name. */
  readonly holidays: ReadonlyMap<string, string>;
}

/** What days are counted by. */
export interface DayRules {
  readonly thirdWeek: ThirdWeek;
  readonly working: WorkingDays;
}

/** The program's own: no day is moved. */
export const PROGRAM: DayRules = {
  thirdWeek: 'days 15-21',
  working: { weekend: new Set(['saturday', 'sunday']), holidays: new Map() },
};

/** Instants in UTC, and why then. */
export interface Dates {
  readonly due: string;
  readonly deadline?: string;
  readonly why: string;
}

/** The same before any time zone: days `YYYY-MM-DD` and a time `HH:MM`. */
export interface LocalDates {
  readonly day: string;
  readonly at: string;
  readonly deadline?: string;
  readonly why: string;
  /** What more is to be said of the day: the week, the shift. */
  readonly notes: readonly string[];
}

const weekdayOf = (day: string): Weekday => WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()]!;

const dayNumber = (day: string): number => Number(day.slice(8));

/** The first day of the third week of a month. */
function thirdWeekOf(month: string, thirdWeek: ThirdWeek): string {
  return thirdWeek === 'days 15-21' ? `${month}-15` : addDays(dayOf('first monday', month, thirdWeek), 14);
}

/** The day of a month `YYYY-MM` that a rule means. */
export function dayOf(rule: Day, month: string, thirdWeek: ThirdWeek): string {
  if (typeof rule === 'number') return `${month}-${String(rule).padStart(2, '0')}`;
  if (rule === 'last day') return lastDay(month);
  const week = /^day (\d) of/.exec(rule);
  if (week) return addDays(thirdWeekOf(month, thirdWeek), Number(week[1]) - 1);
  const [ordinal, weekday] = rule.split(' ') as [Ordinal, Weekday];
  if (ordinal === 'last') {
    let day = lastDay(month);
    while (weekdayOf(day) !== weekday) day = addDays(day, -1);
    return day;
  }
  let day = `${month}-01`;
  while (weekdayOf(day) !== weekday) day = addDays(day, 1);
  return addDays(day, ORDINALS.indexOf(ordinal) * 7);
}

/** Why a day is no working day: its holiday's name, `a Sunday`; undefined when it is one. */
export function restOn(day: string, { weekend, holidays }: WorkingDays): string | undefined {
  const weekday = weekdayOf(day);
  const named = `a ${weekday[0]!.toUpperCase()}${weekday.slice(1)}`;
  return holidays.get(day) ?? (weekend.has(weekday) ? named : undefined);
}

/** The nearest working day in a direction, and the days passed over with why; undefined where the month has none left. */
export function shifted(
  from: string,
  shift: Shift,
  working: WorkingDays,
): { readonly day: string; readonly passed: readonly string[] } | undefined {
  const passed: string[] = [];
  for (let day = from; ; day = addDays(day, shift === 'next working day' ? 1 : -1)) {
    if (day.slice(0, 7) !== from.slice(0, 7)) return undefined;
    const rest = restOn(day, working);
    if (rest === undefined) return { day, passed };
    passed.push(`${passed.length === 0 ? `day ${dayNumber(day)} is` : dayNumber(day)} ${rest}`);
  }
}

/** When a rule is due in a cycle, its deadline left out. Throws where no working day is left: schedule files are checked for it. */
export function localDue(when: When, cycle: string, { thirdWeek, working }: DayRules): LocalDates {
  const month = when.month ? addMonths(cycle, 1) : cycle;
  const planned = dayOf(when.day, month, thirdWeek);
  const moved = when.shift ? shifted(planned, when.shift, working) : { day: planned, passed: [] };
  if (!moved) throw new NoWorkingDay(planned, when.shift!);
  const { day, passed } = moved;
  const notes = passed.length === 0 ? [] : [`${passed.join(', ')}; the ${when.shift}`];
  if (typeof when.day === 'string' && when.day.endsWith('third week')) {
    const first = thirdWeekOf(month, thirdWeek);
    const days = `days ${dayNumber(first)}-${dayNumber(addDays(first, 6))}`;
    notes.unshift(thirdWeek === 'days 15-21' ? days : `${days}, the third full one`);
  }
  return { day, at: when.at ?? '00:00', why: when.why, notes };
}

/** The month has no working day left to move to. */
export class NoWorkingDay extends Error {
  constructor(day: string, shift: Shift) {
    super(`${day} is no working day, and its month has no ${shift}`);
  }
}

/** Local dates as instants of a time zone, and why in full. */
export function datesIn({ day, at, deadline, why, notes }: LocalDates, timeZone: string): Dates {
  const { instant, times } = instantOf(day, at, timeZone);
  const clocks = [
    ...(times === 0 && at !== '00:00' ? [`${at} is skipped by the clocks that day; the end of the gap`] : []),
    ...(times === 2 ? [`${at} comes twice that day; the first`] : []),
  ];
  const said = [...notes, ...clocks].join('; ');
  return {
    due: instant,
    ...(deadline !== undefined && { deadline: endOfDay(deadline, timeZone) }),
    why: said === '' ? why : `${why} (${said})`,
  };
}
