import { nearest } from '../config.ts';
import { sha256Of } from '../files.ts';
import { ingestAll } from '../invoice/sweep.ts';
import { LkpError } from '../job.ts';
import { recordManual } from '../ledger.ts';
import { KIND_NAMES, type KindName } from '../reference/kinds.ts';
import { loadReference } from '../reference/load.ts';
import { ingestText, loadText } from '../show.ts';
import { type Definition, textOf } from './command.ts';

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
          `"${kind}" is not a kind of reference data. Did you mean ${nearest(kind, KIND_NAMES)}? Known are ${KIND_NAMES.join(', ')}.`,
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
        ({ status, rejected }) => status === 'refused' || (status === 'loaded' && rejected > 0),
      );
      if (!dryRun) {
        const says = files.map(({ name, status }) => `${name}: ${status}`).join('; ');
        await recordManual(app, 'load', null, asks ? 'asks' : 'done', `${kind}: ${says}`);
      }
      return { json: { files }, text: loadText(files), code: asks ? 3 : 0 };
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
      const asks = report.files.some(
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
];
