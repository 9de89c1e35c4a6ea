import { parseCycle } from '../calendar.ts';
import { LkpError } from '../job.ts';
import { keptFrom, removedText } from '../keeping/house.ts';
import { pruneRevisions, type Told } from '../keeping/prune.ts';
import { type Removed, removeUnreferenced } from '../keeping/unreferenced.ts';
import { recordManual } from '../ledger.ts';
import { oneLine } from '../show/text.ts';
import { type Definition, textOf, today } from './command.ts';

/** So many names are listed in text; `--json` has all. */
const NAMED = 50;

/** What is kept no longer. */
export const PRUNE_COMMAND: Definition = {
  usage: 'prune',
  description: 'delete what nothing refers to any more; told so, also what old revisions refer to',
  options: {
    '--before <month>': 'the first month that is kept; LKP_RETENTION_MONTHS ago when absent',
    '--revisions': 'also workbooks and stored files that only cycles before that month refer to',
    '--reason <text>': 'why, for who looks later',
    '--dry-run': 'say what would go and delete nothing',
  },
  async act(app, _args, options) {
    const asked = textOf(options, 'before');
    const dryRun = options.dryRun === true;
    const reason = textOf(options, 'reason')?.trim();
    if (options.revisions && asked === undefined)
      throw new LkpError(
        'request',
        'Which revisions are not needed any more is for a person to say. Repeat with --before YYYY-MM, the first month that is kept.',
      );
    const before = asked === undefined ? keptFrom(app) : parseCycle(asked, today(app));
    const told = options.revisions
      ? await pruneRevisions(app, { before, today: today(app), dryRun, ...(reason ? { reason } : {}) })
      : null;
    const removed = await removeUnreferenced(app, { before, dryRun });
    const says = [`before ${before}: ${removedText(removed)}`, ...(told ? [toldText(told)] : [])].join('; ');
    if (!dryRun) await recordManual(app, 'prune', null, 'done', says);
    return { json: { dry_run: dryRun, ...removed, revisions: told }, text: textOfAll(removed, told, dryRun) };
  },
};

const toldText = ({ files, bytes, workbooks }: Told): string =>
  `${files} stored files (${bytes} bytes) and ${workbooks} workbooks`;

function textOfAll(removed: Removed, told: Told | null, dryRun: boolean): string {
  const list = (paths: readonly string[], all = paths.length) => [
    ...paths.slice(0, NAMED).map((path) => `  ${oneLine(path)}`),
    ...(all > NAMED ? [`  and ${all - NAMED} more`] : []),
  ];
  const parts = [
    `${dryRun ? 'Would delete, of' : 'Deleted, of'} before ${removed.before}: ${removedText(removed)}.`,
    ...list([...removed.left_over.map((path) => `store/${path}`), ...removed.temporary]),
    ...removed.notes,
  ];
  if (told) {
    parts.push(`${dryRun ? 'Would delete' : 'Deleted'}, because it was told so: ${toldText(told)}.`);
    parts.push(...list(told.names, told.files));
    parts.push(
      ...list(
        told.workbook_names.map((path) => `reports/${path}`),
        told.workbooks,
      ),
    );
    if (told.not_derived.length > 0)
      parts.push(
        `No figure moves. But ${told.not_derived.length} cycles (${told.not_derived[0]} to ${told.not_derived.at(-1)}) knew these files and cannot be derived anew from the bytes ${dryRun ? 'then' : 'any more'}; lkp verify <cycle> holds their figures against the facts on record. ${dryRun ? 'Pack what must be proven later first: lkp verify <cycle> --bundle FILE.' : ''}`.trim(),
      );
  }
  return parts.join('\n');
}
