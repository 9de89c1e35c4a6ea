import type { FileResult } from './invoice/result.ts';
import { ingestAll } from './invoice/sweep.ts';
import { verdictsOfStored } from './invoice/verdicts.ts';
import type { Context } from './job.ts';
import type { Sql } from './ports.ts';
import { namedByType, type ShownEvidence } from './reconcile/evidence.ts';

/**
 * The files that a partner sent as proof, through the gate that every invoice passes, as a dry run: nothing is stored. Of a file
 * whose bytes were ingested before, the documents are those that we hold. Throws LkpError as ingest does.
 */
export async function evidenceFrom(context: Context, sent: readonly string[]): Promise<ShownEvidence[]> {
  if (sent.length === 0) return [];
  const { files } = await ingestAll(context, sent, { dryRun: true });
  return context.db.transaction('reconcile', async (tx) => {
    const shown: ShownEvidence[] = [];
    for (const [index, file] of files.entries()) shown.push(await shownOf(tx, file, sent[index]!));
    return namedByType(tx, shown);
  });
}

async function shownOf(tx: Sql, { name, sha256, status, reason, ...file }: FileResult, path: string) {
  const isKnown = status === 'duplicate';
  const verdicts = isKnown ? await verdictsOfStored(tx, sha256) : (file.verdicts ?? []);
  const documents = verdicts.map((verdict) => ({
    number: verdict.number,
    typeCode: verdict.type_code,
    treatment: verdict.verdict,
    rule: verdict.rule,
    seen: null,
    lines: verdict.lines,
    reason: verdict.reason,
  }));
  const shown = { file: name, path, isKnown, sha256, documents };
  return status === 'refused' ? { ...shown, refused: reason ?? '' } : shown;
}
