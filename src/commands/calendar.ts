import { JOBS } from '../../jobs/index.ts';
import { parseCycle } from '../calendar.ts';
import { calendarText } from '../show/calendar.ts';
import { oneLine } from '../show/text.ts';
import { calendarOf } from '../status.ts';
import { comingCycles, type Definition } from './command.ts';

/** What happens when. */
export const CALENDAR_COMMANDS: readonly Definition[] = [
  {
    usage: 'calendar [cycle]',
    description: 'the dates of the coming twelve months, or of one cycle, and why each is what it is',
    async act(app, [text]) {
      const { timeZone, file, warnings } = app.schedule;
      const asked = text === undefined ? comingCycles(app) : [parseCycle(text)];
      const { cycles } = await calendarOf(app, JOBS, asked);
      const source =
        file === null ? "The program's own schedule" : `The program's own schedule, changed by ${file}`;
      return {
        json: { time_zone: timeZone, cycles },
        text: [
          ...[`${source}. Times are in ${timeZone} (LKP_TIME_ZONE).`, ...warnings(asked)].map(oneLine),
          '',
          calendarText(cycles, timeZone),
        ].join('\n'),
      };
    },
  },
];
