import { parseCycle } from '../calendar.ts';
import { demo, demoText } from '../demo.ts';
import { nameOf } from '../ledger.ts';
import { table } from '../show.ts';
import { runsOf } from '../status.ts';
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
