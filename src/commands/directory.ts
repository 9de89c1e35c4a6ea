import { assembleDirectory } from '../directory/assemble.ts';
import { confirmDirectory } from '../directory/confirm.ts';
import { showDirectory } from '../directory/show.ts';
import { submitDirectory } from '../directory/submit.ts';
import { recordManual, tickOff } from '../ledger.ts';
import { batchText, directoryText } from '../show/directory.ts';
import { cycleOf, type Definition, textOf, textsOf } from './command.ts';

/** The public partner directory. */
export const DIRECTORY_COMMANDS: readonly Definition[] = [
  {
    usage: 'assemble <cycle>',
    description: 'assemble the batch of a cycle',
    async act(app, [text]) {
      const cycle = cycleOf(app, text);
      const batch = await assembleDirectory(app, cycle);
      await recordManual(app, 'directory-assemble', cycle, 'done', directoryText(batch));
      return { json: batch, text: directoryText(batch) };
    },
  },
  {
    usage: 'show <cycle>',
    description: 'the batch of a cycle, or why a partner is not listed',
    options: { '--partner <mpn-id>': 'answer for one partner' },
    async act(app, [text], options) {
      const cycle = cycleOf(app, text);
      const partner = textOf(options, 'partner');
      if (partner === undefined) {
        const batch = await showDirectory(app, cycle);
        return { json: batch, text: batchText(batch) };
      }
      const answer = await showDirectory(app, cycle, partner);
      return { json: answer, text: `${answer.answer}: ${answer.says}` };
    },
  },
  {
    usage: 'submit <cycle>',
    description: 'write the one submission of a cycle',
    async act(app, [text]) {
      const cycle = cycleOf(app, text);
      const submission = await submitDirectory(app, cycle);
      await recordManual(app, 'directory-submit', cycle, 'done', submission.status);
      const lines = [`${submission.status}. ${directoryText(submission)}`];
      return {
        json: submission,
        text: [...lines, ...submission.files.map(({ path }) => path), ...submission.notes].join('\n'),
      };
    },
  },
  {
    usage: 'confirm <cycle>',
    description: 'say that the submission of a cycle is visible in the directory, or what of it is not',
    options: {
      '--reopen <mpn-id...>':
        'not shown as submitted: a partner, or one entry as 1234567/DE; submitted again',
      '--reason <text>': 'what was seen, for who looks later',
    },
    async act(app, [text], options) {
      const cycle = cycleOf(app, text);
      const reason = textOf(options, 'reason')?.trim();
      const confirmed = await confirmDirectory(
        app,
        cycle,
        { reopen: textsOf(options, 'reopen'), ...(reason ? { reason } : {}) },
        (tx, says) => tickOff(tx, app, 'directory-visible', cycle, says),
      );
      const again = confirmed.assemble_again;
      if (again) await assembleDirectory(app, again);
      const next = again ? ` The batch of ${again} is assembled again.` : '';
      return { json: confirmed, text: `Recorded: ${confirmed.says}.${next}` };
    },
  },
];
