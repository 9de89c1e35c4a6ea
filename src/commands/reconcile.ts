import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { App } from '../app.ts';
import { evidenceFrom } from '../evidence.ts';
import { filesOf } from '../invoice/sweep.ts';
import { LkpError } from '../job.ts';
import { recordManual } from '../ledger.ts';
import { headline, linesOf } from '../reconcile/answer-book.ts';
import { readClaim } from '../reconcile/claim.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import { reconcileJson, reconcileText } from '../show/answer.ts';
import { cycleOf, type Definition, type Options, textOf, textsOf } from './command.ts';

/** What a partner claims against what is known. */
export const RECONCILE_COMMANDS: readonly Definition[] = [
  {
    usage: 'reconcile <claim-file>',
    description: "answer a partner's claim: each line with its cause, and a workbook to send",
    options: {
      '--partner <mpn-id>': 'whose claim it is',
      '--cycle <cycle>': 'the cycle whose report it is about',
      '--evidence <files...>': 'invoices that came with it; they pass the gate as a dry run',
      '--out <file>': 'where the workbook goes',
    },
    async act(app, [path = ''], options) {
      const { partner, cycle } = asked(app, options);
      const out = textOf(options, 'out');
      const { files: sent } = await filesOf(textsOf(options, 'evidence'));
      if (out !== undefined) await checkOut(out, [path, ...sent]);
      const claim = await readClaim(app, path);
      const evidence = await evidenceFrom(app, sent);
      const found = await reconcile(app, { claim, partner, cycle, evidence, ...(out ? { out } : {}) });
      const { answer } = found;
      const asks =
        claim.unreadable.length > 0 ||
        linesOf(answer, 'unexplained') > 0 ||
        evidence.some(({ refused }) => refused !== undefined) ||
        // A file that came as evidence, and that operations should take in.
        answer.lines.some(({ support }) => support?.startsWith('lkp ingest ') === true);
      const says = `${claim.name} of ${partner}: ${headline(answer)}`;
      await recordManual(app, 'reconcile', cycle, asks ? 'asks' : 'done', says);
      return { json: reconcileJson(found), text: reconcileText(found), code: asks ? 3 : 0 };
    },
  },
];

/** What cannot be looked at is told where it is read or written. */
const look = (path: string) => stat(path).catch(() => undefined);

/** Throws LkpError('request') for a place that is no workbook's, or that holds what is to be read: it would be written over. */
async function checkOut(out: string, read: readonly string[]): Promise<void> {
  const there = await look(out);
  if (there?.isDirectory() || out.endsWith('/')) {
    throw new LkpError(
      'request',
      `--out ${out} is a folder; the workbook is a file. Name a file in it: --out ${join(out, 'answer.xlsx')}.`,
    );
  }
  for (const path of read) {
    const other = await look(path);
    if (there && other && there.dev === other.dev && there.ino === other.ino) {
      throw new LkpError(
        'request',
        `--out ${out} is the file ${path}, which came from the partner: the answer would stand in its place. Name another file.`,
      );
    }
  }
  if (!/\.xlsx$/i.test(out)) {
    throw new LkpError(
      'request',
      `--out ${out} does not end in .xlsx; the answer is an Excel workbook. Name such a file: --out ${out.slice(0, out.length - extname(out).length)}.xlsx.`,
    );
  }
}

function asked(app: App, options: Options): { partner: string; cycle: string } {
  const partner = textOf(options, 'partner')?.trim();
  const cycle = textOf(options, 'cycle');
  if (partner && cycle !== undefined) return { partner, cycle: cycleOf(app, cycle) };
  throw new LkpError(
    'request',
    'A claim is answered for a partner and a cycle: lkp reconcile claim.xlsx --partner 1234567 --cycle 2020-01.',
  );
}
