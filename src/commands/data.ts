import { meant } from '../config.ts';
import { sha256Of } from '../files.ts';
import { decide, waitingRows } from '../invoice/quarantine.ts';
import { writeRejects } from '../invoice/rejects.ts';
import { ingestAll } from '../invoice/sweep.ts';
import { withdrawFile } from '../invoice/withdraw.ts';
import { LkpError } from '../job.ts';
import { recordManual } from '../ledger.ts';
import { counted } from '../money.ts';
import { KIND_NAMES, type KindName } from '../reference/kinds.ts';
import { loadReference } from '../reference/load.ts';
import { ingestText, waitingText } from '../show/invoice.ts';
import { loadText } from '../show/reference.ts';
import { oneLine } from '../show/text.ts';
import { type Definition, type Options, textOf } from './command.ts';
import { PRUNE_COMMAND } from './prune.ts';
import { VERIFY_COMMAND } from './verify.ts';

const SAID_TO_PARTNERS =
  'why; partners read it in "Changed since" of their workbooks, and in answers to their claims';

/** Data in: reference files and invoices. */
export const DATA_COMMANDS: readonly Definition[] = [
  {
    usage: 'load <kind> <files...>',
    description: `load reference data: ${KIND_NAMES.join(', ')}`,
    options: { '--dry-run': 'check the files and store nothing' },
    async act(app, [kind = '', ...paths], options) {
      if (!KIND_NAMES.includes(kind as KindName)) {
        throw new LkpError(
          'request',
          `"${kind}" is not a kind of reference data.${meant(kind, KIND_NAMES, ' Did you mean')} Known are ${KIND_NAMES.join(', ')}.`,
        );
      }
      // Read to their ends before the first is loaded: a mistyped path changes nothing.
      for (const path of paths) await sha256Of(path);
      const dryRun = options.dryRun === true;
      const files = [];
      for (const path of paths) {
        files.push(await loadReference(app, kind as KindName, path, { dryRun }));
      }
      const asks = files.some(
        ({ status, rejected, below_locations }) =>
          status === 'refused' || (status === 'loaded' && rejected + below_locations > 0),
      );
      if (!dryRun) {
        const says = files.map(({ name, status }) => `${name}: ${status}`).join('; ');
        await recordManual(app, 'load', null, asks ? 'asks' : 'done', `${kind}: ${says}`);
      }
      return { json: { files }, text: loadText(files, dryRun), code: asks ? 3 : 0 };
    },
  },
  {
    usage: 'ingest <paths...>',
    description: 'take in invoice files, or the files of a folder',
    options: {
      '--profile <name>': 'the import profile, by name or path',
      '--dry-run': 'say what would become of the rows and store nothing',
    },
    async act(app, paths, options) {
      const profile = textOf(options, 'profile');
      const dryRun = options.dryRun === true;
      const report = await ingestAll(app, paths, { ...(profile ? { profile } : {}), dryRun });
      const asks =
        report.left_alone.length > 0 ||
        report.files.some(
          ({ status, dispositions }) =>
            status === 'refused' ||
            (status === 'ingested' && dispositions.rejected + dispositions.quarantined > 0),
        );
      if (!dryRun) {
        const says = report.files.map(({ name, status }) => `${name}: ${status}`).join('; ');
        await recordManual(app, 'ingest', null, asks ? 'asks' : 'done', says);
      }
      return { json: report, text: ingestText(report, dryRun), code: asks ? 3 : 0 };
    },
  },
  {
    usage: 'withdraw <file>',
    description: 'undo a wrong file of invoices: its rows are superseded',
    options: { '--reason <text>': SAID_TO_PARTNERS },
    async act(app, [name = ''], options) {
      const withdrawn = await withdrawFile(app, name, reasonOf(options));
      const says = `${withdrawn.name} is withdrawn: ${counted(withdrawn.lines, 'row')} superseded; ${counted(withdrawn.took_their_place, 'row')} of other files took a place of theirs.`;
      await recordManual(app, 'withdraw', null, 'done', says);
      return { json: withdrawn, text: oneLine(says) };
    },
  },
  {
    usage: 'rejects <file>',
    description: 'the rows of a file that are rejected or wait, as a workbook to correct and ingest again',
    options: { '--out <file>': 'where it goes' },
    async act(app, [name = ''], options) {
      const out = textOf(options, 'out');
      const written = await writeRejects(app, name, out ? { out } : {});
      return {
        json: written,
        text: oneLine(
          written.rows === 0
            ? `No row of ${written.name} is rejected or waits; nothing was written.`
            : `${written.path} has ${counted(written.rows, 'row')} of ${written.name} to correct. Correct the cells, leave the columns "lkp ..." as they are, and ingest it.`,
        ),
      };
    },
  },
  VERIFY_COMMAND,
  PRUNE_COMMAND,
];

/** Decisions by a person about what waits. */
export const QUARANTINE_COMMANDS: readonly Definition[] = [
  {
    usage: 'list [invoice-number]',
    description: 'what waits for a decision',
    async act(app, [number]) {
      const waiting = await waitingRows(app, number);
      return { json: { waiting }, text: waitingText(waiting) };
    },
  },
  ...(
    [
      ['release', 'it counts; of several versions the one in --file'],
      ['refuse', 'it does not count; with --file that version does not'],
      ['reopen', 'take earlier decisions back'],
    ] as const
  ).map(
    ([verdict, description]): Definition => ({
      usage: `${verdict} <invoice-number>`,
      description,
      options: {
        '--reason <text>': SAID_TO_PARTNERS,
        ...(verdict === 'reopen' ? {} : { '--file <file>': 'the file whose version is meant' }),
      },
      async act(app, [number = ''], options) {
        const file = textOf(options, 'file');
        const decided = await decide(app, number, verdict, {
          reason: reasonOf(options),
          ...(file ? { file } : {}),
        });
        const says = `Invoice ${number}: ${verdict}; ${counted(decided.moved, 'row')} moved, ${decided.waiting} still wait.`;
        await recordManual(app, `quarantine-${verdict}`, null, decided.waiting > 0 ? 'asks' : 'done', says);
        return { json: decided, text: says };
      },
    }),
  ),
];

function reasonOf(options: Options): string {
  const reason = textOf(options, 'reason')?.trim();
  if (reason) return reason;
  throw new LkpError(
    'request',
    "A decision needs its reason. Repeat with --reason 'why'; LKP_ACTOR says who.",
  );
}
