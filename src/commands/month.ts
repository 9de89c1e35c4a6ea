import { JOBS } from '../../jobs/index.ts';
import { parseCycle } from '../calendar.ts';
import { demo, demoText } from '../demo.ts';
import { LkpError } from '../job.ts';
import { nameOf } from '../ledger.ts';
import { runMonth } from '../month.ts';
import { runsOf, timelineOf } from '../runs.ts';
import { table } from '../show.ts';
import { runsText, timelineText } from '../show-runs.ts';
import { cycleOf, type Definition, progress, today } from './command.ts';

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
  {
    usage: 'cycle <cycle>',
    description: 'run the jobs of a cycle that are due, through the queue',
    options: { '--all': 'also the jobs that fall due later in the month' },
    async act(app, [text], options) {
      const cycle = cycleOf(app, text);
      const occurrences = await runMonth(app, cycle, {
        reason: cycle === today(app).slice(0, 7) ? 'manual' : 'backfill',
        until: options.all ? 'everything' : app.now(),
        onState: (occurrence) => {
          const { state, says } = occurrence;
          progress(`${nameOf(occurrence)}: ${state}${says ? ` (${says})` : ''}`);
        },
      });
      const failed = occurrences.find(({ state }) => state === 'failed');
      if (failed) {
        throw new LkpError(
          'machine',
          `The job ${failed.job} of ${cycle} failed: ${failed.says} Repair it and run lkp cycle ${cycle} again; what is done stays done.`,
        );
      }
      const rows = occurrences.map((occurrence) => {
        const { state, says, due_at } = occurrence;
        return [nameOf(occurrence), state, says ?? `due ${due_at}`];
      });
      return {
        json: { cycle, occurrences },
        text: table(['job', 'state', 'says'], rows),
        code: occurrences.some(({ state }) => state === 'waiting') ? 3 : 0,
      };
    },
  },
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
