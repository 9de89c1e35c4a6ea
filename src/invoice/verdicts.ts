import { type Context, LkpError } from '../job.ts';
import type { Identity, Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';
import type { FileResult } from './result.ts';

/** What would become of one document of a file. */
export interface Verdict extends Identity {
  readonly verdict: 'accept' | 'reversal' | 'supersede' | 'quarantine' | 'refuse';
  /** Code of the catalogue (docs/rejections.md); null where no row of the document has one. */
  readonly rule: string | null;
  readonly reason: string;
}

const REASONS: Readonly<Record<Verdict['verdict'], string>> = {
  accept: 'An actual invoice: it counts.',
  reversal: 'A credit: it takes away what it credits.',
  supersede: 'A corrected invoice: it counts instead of the one that it names.',
  quarantine: 'It waits for a person.',
  refuse: 'It never counts.',
};

/** The verdicts of the documents of a file whose rows are staged and, but for their totals, stored. */
export async function verdictsOfRows(tx: Sql, fileId: number): Promise<Verdict[]> {
  const rows = await tx.file<Omit<Verdict, 'root' | 'reason'> & { seen: string | null }>('staging/verdicts', {
    file_id: fileId,
  });
  return rows.map(({ seen, ...row }) => ({
    root: null,
    type_code: row.type_code,
    number: row.number,
    currency: row.currency,
    lines: row.lines,
    verdict: row.verdict,
    rule: row.rule,
    reason: row.rule === null ? REASONS[row.verdict] : explainRule(row.rule, seen).reason,
  }));
}

/** What a file's result says of its documents: of an e-invoice, with its root; of a file that was not read, one verdict. */
export async function withVerdicts(context: Context, path: string, result: FileResult): Promise<FileResult> {
  const identity = await context.tables.identify?.(path, result.name).catch((error: unknown) => {
    // What is wrong with it is the result's reason.
    if (error instanceof LkpError && error.code === 'request') return undefined;
    throw error;
  });
  const [first, ...others] = result.verdicts ?? [
    {
      root: null,
      type_code: null,
      number: null,
      currency: null,
      lines: 0,
      verdict: result.status === 'refused' ? ('refuse' as const) : ('accept' as const),
      rule: result.status === 'refused' ? null : 'duplicate',
      reason: result.reason ?? '',
    },
  ];
  return { ...result, verdicts: first ? [{ ...first, ...identity }, ...others] : [] };
}
