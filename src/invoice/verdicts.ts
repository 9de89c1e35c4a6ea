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

/**
 * The verdicts of the documents of a stored file as its rows stand now, by the rules of a new one. A rejected row has no
 * document of its own: it goes with the others of its number, and the type that it was refused for is what was seen.
 */
export async function verdictsOfStored(tx: Sql, sha256: string): Promise<Verdict[]> {
  const { id } = await tx.one<{ id: number }>(
    `select id from file where sha256 = $1 and kind = 'invoices' and ended_no is null`,
    [sha256],
  );
  await tx.rows(
    `create temporary table staged on commit drop as
     with held as (
       select line.row_no, line.document_id, document.number, line.currency, null as rule, null as seen
       from line
       join document on document.id = line.document_id
       where line.file_id = $1
       union all
       select duplicate.row_no, duplicate.document_id, duplicate.document_number, duplicate.currency, null, null
       from duplicate
       where duplicate.file_id = $1
       union all
       select set_aside.row_no, null, set_aside.document_number, set_aside.currency, null, null
       from set_aside
       where set_aside.file_id = $1
       union all
       select rejection.row_no, null, rejection.document_number, rejection.currency, rejection.rule, rejection.seen
       from rejection
       where rejection.file_id = $1 and rejection.ended_no is null
     ), once as (
       select distinct on (held.row_no) held.*
       from held
       order by held.row_no, held.rule, held.document_id
     ), numbered as (
       select held.number, min(held.document_id) as document_id
       from held
       where held.document_id is not null
       group by held.number
     )
     select once.row_no, coalesce(once.number, '') as number, document.issue_date, document.class, document.seller,
            once.currency, once.rule, once.seen, document.treatment, document.amount_sign,
            case when once.rule = 'not-an-invoice' then split_part(once.seen, ' ', 1)
                 else document.type_code end as type_code,
            null as type_value
     from once
     left join numbered on numbered.number = once.number
     left join document on document.id = coalesce(once.document_id, numbered.document_id)`,
    [id],
  );
  const verdicts = await verdictsOfRows(tx, id);
  await tx.rows('drop table staged');
  return verdicts;
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
