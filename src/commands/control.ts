import { parseCycle } from '../calendar.ts';
import { LkpError } from '../job.ts';
import { cancel, nameOf, pause, pauseText, resume } from '../ledger.ts';
import { table } from '../show/text.ts';
import { type Definition, type Options, textOf } from './command.ts';

/** A person's hand on the calendar: to end what runs, and to hold and release it. */
export const CONTROL_COMMANDS: readonly Definition[] = [
  {
    usage: 'cancel <cycle> [job]',
    description: 'end what of a cycle is not done, until somebody asks for it again',
    options: { '--reason <text>': 'why; recorded with the run' },
    async act(app, [text = '', job], options) {
      const cycle = parseCycle(text);
      const reason = reasonOf(options, `cancel ${cycle}`);
      const cancelled = await cancel(app, cycle, { reason, ...(job !== undefined && { job }) });
      const rows = cancelled.map((one) => [
        nameOf(one),
        one.was,
        one.attempt === 0 ? '' : String(one.attempt),
      ]);
      return {
        json: { cycle, cancelled, again: `lkp cycle ${cycle}` },
        text: `${table(['cancelled', 'was', 'attempt'], rows)}\n\nTo run it again: lkp cycle ${cycle}`,
      };
    },
  },
  {
    usage: 'pause',
    description: 'hold the calendar: it plans and alerts, and sends nothing by itself',
    options: { '--reason <text>': 'why; shown by lkp status' },
    async act(app, _args, options) {
      const paused = await pause(app, reasonOf(options, 'pause'));
      return {
        json: paused,
        text: `The calendar is ${pauseText(paused)}.\nWhat runs goes on; lkp cycle runs what a person asks for. To go on: lkp resume --reason 'why'`,
      };
    },
  },
  {
    usage: 'resume',
    description: 'let the calendar go on; what came due meanwhile is caught up by its policy',
    options: { '--reason <text>': 'why; recorded with the pause' },
    async act(app, _args, options) {
      const reason = reasonOf(options, 'resume');
      const ended = await resume(app, reason);
      return { json: ended, text: `The calendar goes on. It was ${pauseText(ended)}.` };
    },
  },
];

/** It stands in alerts and on one line of `lkp status`. */
const LONGEST_REASON = 1_000;

function reasonOf(options: Options, command: string): string {
  const reason = textOf(options, 'reason')?.trim().replace(/\s+/g, ' ');
  if (!reason) throw new LkpError('request', `lkp ${command} needs a reason. Repeat with --reason 'why'.`);
  if (reason.length > LONGEST_REASON)
    throw new LkpError(
      'request',
      `The reason has ${reason.length} characters, and at most ${LONGEST_REASON} are kept. Repeat with a shorter one.`,
    );
  return reason;
}
