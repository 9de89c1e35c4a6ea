import { parseCycle } from '../calendar.ts';
import { demo, demoText } from '../demo.ts';
import { LkpError } from '../job.ts';
import { nameOf } from '../ledger.ts';
import { runMonth } from '../month.ts';
import { table } from '../show.ts';
import { runsOf } from '../status.ts';
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
    description: 'what was tried, and how it ended',
    async act(app, [text]) {
      const runs = await runsOf(app, text === undefined ? undefined : parseCycle(text));
      const rows = runs.map((run) => [
        run.started_at.slice(0, 19),
        nameOf(run),
        run.cycle ?? '',
        String(run.attempt),
        run.reason,
        run.actor,
        run.outcome ?? 'running',
        run.says ?? '',
      ]);
      const header = ['started (UTC)', 'job', 'cycle', 'attempt', 'reason', 'by', 'outcome', 'says'];
      return { json: { runs }, text: runs.length === 0 ? 'Nothing has run yet.' : table(header, rows) };
    },
  },
];
