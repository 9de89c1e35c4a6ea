import { ingestAll } from './invoice/sweep.ts';
import type { Context } from './job.ts';
import { namedByType, type ShownEvidence } from './reconcile/evidence.ts';

/**
 * What a partner sent as proof, through the gate that every invoice passes, as a dry run: nothing is stored. A file whose
 * bytes were ingested before has no documents of its own here; its rows are known. Throws LkpError as ingest does.
 */
export async function evidenceFrom(context: Context, paths: readonly string[]): Promise<ShownEvidence[]> {
  if (paths.length === 0) return [];
  const { files } = await ingestAll(context, paths, { dryRun: true });
  const shown = files.map(({ name, sha256, status, reason, verdicts = [] }): ShownEvidence => {
    const documents = verdicts.map((verdict) => ({
      number: verdict.number,
      typeCode: verdict.type_code,
      treatment: verdict.verdict,
      rule: verdict.rule,
      seen: null,
      lines: verdict.lines,
      reason: verdict.reason,
    }));
    const file = { file: name, sha256, documents };
    return status === 'refused' ? { ...file, refused: reason ?? '' } : file;
  });
  return context.db.transaction('reconcile', (tx) => namedByType(tx, shown));
}
