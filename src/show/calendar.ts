import { localTime } from '../calendar.ts';
import { type CalendarOccurrence, stateText } from '../status.ts';
import { linesOf, table } from './text.ts';

/** The calendar as text for people, in the width of a usual terminal: why a date is what it is goes on in the next line. */

const WIDTH = 120;
const LEAST_WHY = 30;

/** A table under one header; each cycle has a heading of its own. Dates in the program's time zone, and in UTC. */
export function calendarText(
  cycles: ReadonlyArray<{ readonly cycle: string; readonly occurrences: readonly CalendarOccurrence[] }>,
  timeZone: string,
): string {
  const utc = timeZone === 'UTC';
  const header = ['cycle, job', utc ? 'due (UTC)' : 'due', ...(utc ? [] : ['in UTC']), 'late after', 'state'];
  const cells = ({ job, due_at, deadline, ...state }: CalendarOccurrence): string[] => [
    `  ${job}`,
    dateText(due_at, timeZone),
    ...(utc ? [] : [dateText(due_at, 'UTC').slice(4).replace(YEAR, '')]),
    deadline === undefined ? '' : dateText(deadline, timeZone).replace(YEAR, ''),
    stateText(state),
  ];
  const left = table(
    header,
    cycles.flatMap(({ occurrences }) => occurrences.map(cells)),
  ).split('\n')[1]!.length;
  const rows = cycles.flatMap(({ cycle, occurrences }) => [
    [cycle],
    ...occurrences.flatMap((occurrence) =>
      linesOf(occurrence.why, () => Math.max(LEAST_WHY, WIDTH - left - 2)).map((why, line) => [
        ...(line === 0 ? cells(occurrence) : header.map(() => '')),
        why,
      ]),
    ),
  ]);
  return table([...header, 'why then'], rows);
}

const YEAR = / \d{4}(?= )/;

/** `Mon 15 Jun 2026 06:00`. */
function dateText(instant: string, timeZone: string): string {
  const local = localTime(instant, timeZone);
  // `Mon, 15 Jun 2026 00:00:00 GMT`
  const day = new Date(`${local.slice(0, 10)}T00:00:00Z`).toUTCString();
  return `${day.slice(0, 3)} ${day.slice(5, 16)} ${local.slice(11)}`;
}
