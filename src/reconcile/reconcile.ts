import { join } from 'node:path';
import { writeAtomically } from '../files.ts';
import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Answer } from './answer.ts';
import { type AnswerReport, answerBook } from './answer-book.ts';
import type { ReadClaim } from './claim.ts';
import { checkPartner } from './claim-partner.ts';
import type { ShownEvidence } from './evidence.ts';
import { solve } from './solve.ts';

export interface Asking {
  readonly claim: ReadClaim;
  /** MPN ID of the partner. */
  readonly partner: string;
  readonly cycle: string;
  readonly evidence: readonly ShownEvidence[];
  /** Where the workbook goes; LKP_HOME/reconcile/<cycle> when absent. */
  readonly out?: string;
}

/**
 * Answers a claim and writes the workbook for the partner. Changes nothing that is known. Throws LkpError('request') for an
 * unknown partner, a cycle that was not refreshed, a claim that names another partner.
 */
export async function reconcile(
  context: Context,
  { claim, partner, cycle, evidence, out }: Asking,
): Promise<AnswerReport & { readonly path: string; readonly sha256: string }> {
  return context.db.transaction(`reconcile ${cycle}`, async (tx) => {
    await checkPartner(tx, claim, partner);
    const answer = await solve(tx, context, claim, { partner, cycle, evidence });
    const report = { answer, claim, evidence, files: await hashesOf(tx, answer) };
    const name = `answer-${partner}-${claim.sha256.slice(0, 8)}.xlsx`;
    const path = out ?? join(context.settings.home, 'reconcile', cycle, name);
    context.progress('the workbook');
    const { sha256 } = await writeAtomically(path, async (temporary) => {
      await context.workbooks.write(temporary, answerBook(report));
    });
    return { ...report, path, sha256 };
  });
}

/** The sha256 of the files in which our lines stand; of two of one name, that which was received last. */
async function hashesOf(tx: Sql, { lines }: Answer): Promise<Map<string, string>> {
  const shown = lines.filter(({ cause }) => cause !== 'other-partner');
  const names = new Set(shown.flatMap(({ ours }) => ours?.places.map(({ file }) => file) ?? []));
  const rows = await tx.rows<{ name: string; sha256: string }>(
    `select name, sha256 from file where name = any($1) and kind = 'invoices' order by id`,
    [[...names]],
  );
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]));
}
