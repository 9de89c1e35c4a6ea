import { JOBS } from '../../jobs/index.ts';
import { addMonths, parseCycle } from '../calendar.ts';
import { table } from '../show.ts';
import { calendarOf, stateText } from '../status.ts';
import { type Definition, today } from './command.ts';

/** What happens when. */
export const CALENDAR_COMMANDS: readonly Definition[] = [
  {
    usage: 'calendar [cycle]',
    description: 'the dates of the coming twelve months, or of one cycle',
    async act(app, [text]) {
      const coming = Array.from({ length: 12 }, (_, index) => addMonths(today(app).slice(0, 7), index));
      const calendar = await calendarOf(app, JOBS, text === undefined ? coming : [parseCycle(text)]);
      const rows = calendar.cycles.flatMap(({ cycle, occurrences }) =>
        occurrences.map((occurrence) => [
          cycle,
          occurrence.job,
          occurrence.due_at,
          occurrence.deadline ?? '',
          stateText(occurrence),
          occurrence.why,
        ]),
      );
      return { json: calendar, text: table(['cycle', 'job', 'due', 'deadline', 'state', 'why'], rows) };
    },
  },
];
