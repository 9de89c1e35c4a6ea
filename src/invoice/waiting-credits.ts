import type { Sql } from '../ports.ts';

/**
 * Credits that wait for the invoice that they refer to, where the rule set counts them in its month. Nothing of it is
 * stored: they release themselves (sql/marts/17_credit_month.sql).
 */

/** Sets what the view credit_month asks for: what is known now, of all days. */
export const seeAllCredits = (tx: Sql): Promise<unknown> =>
  tx.rows(
    `select set_config('lkp.cutoff', (select coalesce(max(change.no), 0)::text from change), true),
            set_config('lkp.from', '-infinity', true), set_config('lkp.to', 'infinity', true)`,
  );

/** How many rows of credits wait now, of all documents or of some. */
export async function waitingCredits(tx: Sql, documents?: readonly string[]): Promise<number> {
  await seeAllCredits(tx);
  const { rows } = await tx.one<{ rows: string }>(
    `select count(*) as rows
     from credit_month
     join line on line.document_id = credit_month.document_id and line.ended_no is null
     where credit_month.waits_rule is not null
       and ($1::bigint[] is null or credit_month.document_id = any($1))
       and not exists (select from quarantine
                       where quarantine.file_id = line.file_id and quarantine.row_no = line.row_no
                         and quarantine.ended_no is null)`,
    [documents ?? null],
  );
  return Number(rows);
}
