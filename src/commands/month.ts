import { JOBS } from '../../jobs/index.ts';
import { parseCycle } from '../calendar.ts';
import { demo, demoText } from '../demo.ts';
import { runsOf, timelineOf } from '../runs.ts';
import { runsText, timelineText } from '../show/runs.ts';
import { type Definition, progress } from './command.ts';
import { CYCLE_COMMAND } from './cycle.ts';

/** The month as a whole: its jobs, run through the ledger, and what was tried. */
export const MONTH_COMMANDS: readonly Definition[] = [
  {
    usage: 'demo',
    description: 'a whole month on sample files with the embedded database',
    async offline() {
      const result = await demo({ progress });
      return { json: result, text: demoText(result) };
    },
  },
  CYCLE_COMMAND,
  {
    usage: 'runs [cycle]',
    description: 'what was tried, and how it ended; of one cycle its timeline',
    async act(app, [text]) {
      if (text === undefined) {
        const runs = await runsOf(app);
        return { json: { runs }, text: runsText(runs) };
      }
      const timeline = await timelineOf(app, JOBS, parseCycle(text));
      return { json: { runs: timeline.runs }, text: timelineText(timeline) };
    },
  },
];
