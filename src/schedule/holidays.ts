/** Holidays by day, and what is wrong with the file that lists them. */
export interface Holidays {
  readonly days: ReadonlyMap<string, string>;
  /** `line 3: ...`; what could be read is in `days` all the same. */
  readonly faults: readonly string[];
}

const LINE = /^(\d{4}-\d{2}-\d{2})(?:[ \t]+(\S.*))?$/;
const WANTED = 'a day and its name were wanted, such as 2026-12-25 Christmas Day';
/** The cycles that `parseCycle` takes, and the month after the last. */
const FIRST_DAY = '2000-01-01';
const LAST_DAY = '2100-01-31';
/** So many faults of one file are named; a file that is something else has one in each line. */
const NAMED = 10;

/** Reads a list of holidays, a line a day: `2026-12-25 Christmas Day`. Blank lines and lines that begin with # are passed over. */
export function holidaysIn(text: string): Holidays {
  const days = new Map<string, string>();
  const lines = new Map<string, number>();
  const faults: string[] = [];
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (says: string) => faults.push(`line ${index + 1}: ${says}`);
    const [, day, name = 'a holiday'] = LINE.exec(line) ?? [];
    if (day === undefined) refuse(`"${short(line)}" is no holiday; ${WANTED}`);
    else if (!isDay(day)) refuse(`there is no day ${day}; ${WANTED}`);
    else if (day < FIRST_DAY || day > LAST_DAY)
      refuse(`${day} lies outside ${FIRST_DAY} to ${LAST_DAY}, the days this calendar knows; check the year`);
    else if (days.has(day)) refuse(`${day} stands on line ${lines.get(day)} already; leave one of the two`);
    else {
      days.set(day, name);
      lines.set(day, index + 1);
    }
  }
  if (days.size === 0 && faults.length === 0) faults.push(`holds no holiday; ${WANTED}`);
  if (faults.length <= NAMED) return { days, faults };
  return { days, faults: [...faults.slice(0, NAMED), `and ${faults.length - NAMED} lines more`] };
}

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

const isDay = (day: string): boolean => {
  const instant = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(day);
};
