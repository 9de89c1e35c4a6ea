import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';
import { oneAtATime } from '../staging.ts';
import { settle } from './settle.ts';
import { seeAllCredits, waitingCredits } from './waiting-credits.ts';
import { knownFile } from './withdraw.ts';

/** One row that waits for a person; null: it cannot be read. */
export interface Waiting {
  readonly number: string | null;
  readonly issue_date: string | null;
  readonly line_no: string | null;
  readonly file: string;
  readonly sha256: string;
  readonly row_no: number;
  readonly rule: string;
  readonly reason: string;
  readonly hint: string;
  readonly customer_number: string | null;
  readonly sku: string | null;
  readonly quantity: string | null;
  /** Signed effect, decimal string in `currency`. */
  readonly amount: string | null;
  readonly currency: string | null;
  /** When it began to wait, as an instant. */
  readonly since: string;
}

/** What waits for a person, by invoice, file and row; of one invoice when its number is given. */
export async function waitingRows(context: Context, number?: string): Promise<Waiting[]> {
  const rows = await context.db.transaction('quarantine', async (tx) => {
    await seeAllCredits(tx);
    return tx.rows<Omit<Waiting, 'reason' | 'hint'> & { seen: string | null }>(
      `select waiting.*, file.name as file, file.sha256,
              to_char(change.known_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
       from (
         select document.number, line.issue_date, line.line_no, line.file_id, line.row_no, quarantine.rule, quarantine.seen,
                line.customer_number, line.sku, trim_scale(line.quantity)::text as quantity,
                trim_scale(line.net_amount * document.amount_sign)::text as amount, line.currency, quarantine.change_no
         from quarantine
         join line on line.file_id = quarantine.file_id and line.row_no = quarantine.row_no and line.ended_no is null
         join document on document.id = line.document_id
         where quarantine.ended_no is null
         union all
         -- what only a person can read has no value that a line could hold
         select rejection.document_number, rejection.issue_date, null, rejection.file_id, rejection.row_no, rejection.rule,
                rejection.seen, rejection.customer_number, null, null, trim_scale(rejection.amount)::text, rejection.currency,
                rejection.change_no
         from rejection
         where rejection.ended_no is null and rejection.held = 'quarantined'
         union all
         -- credits that wait for their invoice: not stored, for they release themselves
         select document.number, line.issue_date, line.line_no, line.file_id, line.row_no, credit_month.waits_rule,
                credit_month.waits_seen, line.customer_number, line.sku, trim_scale(line.quantity)::text,
                trim_scale(line.net_amount * document.amount_sign)::text, line.currency,
                greatest(line.change_no, credit_month.waits_no)
         from credit_month
         join document on document.id = credit_month.document_id
         join line     on line.document_id = document.id and line.ended_no is null
         where credit_month.waits_rule is not null
           and not exists (select from quarantine
                           where quarantine.file_id = line.file_id and quarantine.row_no = line.row_no
                             and quarantine.ended_no is null)
       ) as waiting
       join file on file.id = waiting.file_id
       join change on change.no = waiting.change_no
       where $1::text is null or waiting.number = $1
       order by waiting.number collate "C", waiting.issue_date, waiting.line_no collate "C", file.name collate "C", waiting.row_no`,
      [number ?? null],
    );
  });
  return rows.map(({ seen, ...row }) => ({ ...row, ...explainRule(row.rule, seen) }));
}

export type Verdict = 'release' | 'refuse' | 'reopen';

export interface Decided {
  readonly number: string;
  readonly verdict: Verdict;
  /** Rows of the invoice that were stored anew or put aside by the decision. */
  readonly moved: number;
  /** Rows of the invoice that still wait. */
  readonly waiting: number;
}

/**
 * A person's decision about the invoice of a number, in one transaction. `release`: it counts; of several versions the
 * one in `file` does, and the others are superseded. `refuse`: it does not count; with `file`, that version does not.
 * `reopen` takes earlier decisions back. Throws LkpError('request') when nothing waits or the version is not named.
 */
export async function decide(
  context: Context,
  number: string,
  verdict: Verdict,
  options: { readonly reason: string; readonly file?: string },
): Promise<Decided> {
  return context.db.transaction('quarantine', async (tx) => {
    await oneAtATime(tx);
    await seeAllCredits(tx);
    const documents = verdict === 'reopen' ? await decidedOf(tx, number) : await waitingOf(tx, number);
    if (documents.length === 0) throw new LkpError('request', await undecidable(tx, number, verdict));
    const disputed = documents.filter(({ rules }) => rules.includes('conflict'));
    if (verdict !== 'reopen' && disputed.length > 0 && options.file === undefined) {
      const files = [...new Set(disputed.flatMap((document) => document.files))].sort();
      throw new LkpError(
        'request',
        `Invoice ${number} came in several versions, in ${files.join(' and ')}. Say with --file which one you mean.`,
      );
    }
    const file = options.file === undefined ? undefined : await knownFile(tx, options.file);
    const ids = documents.map(({ id }) => id);
    const creditsBefore = await waitingCredits(tx, ids);
    const change = await nextChange(tx, context, {
      kind: verdict,
      reason: options.reason,
      asked: { number, ...(file ? { file: file.sha256 } : {}) },
    });
    await seeAllCredits(tx);
    await tx.file('staging/decide', {
      change_no: change,
      verdict,
      documents: ids.join(','),
      file_id: file?.id ?? '',
    });
    await settle(tx, change);
    const { moved, waiting } = await tx.one<{ moved: string; waiting: string }>(
      `select (select count(*) from line where document_id = any($1::bigint[]) and (change_no = $2 or ended_no = $2))
            + (select count(*) from quarantine join line using (file_id, row_no)
               where line.document_id = any($1::bigint[]) and line.change_no <> $2 and line.ended_no is null
                 and quarantine.ended_no = $2) as moved,
              (select count(*) from quarantine join line using (file_id, row_no)
               where line.document_id = any($1::bigint[]) and line.ended_no is null and quarantine.ended_no is null) as waiting`,
      [ids, change],
    );
    const credits = await waitingCredits(tx, ids);
    // A released credit moves no row; a refused one is among those that did.
    const released = verdict === 'release' ? creditsBefore - credits : 0;
    return { number, verdict, moved: Number(moved) + released, waiting: Number(waiting) + credits };
  });
}

async function undecidable(tx: Sql, number: string, verdict: Verdict): Promise<string> {
  if (verdict === 'reopen') return `No decision stands about an invoice ${number}.`;
  const unread = await tx.maybe<{ row_no: number; file: string }>(
    `select rejection.row_no, file.name as file
     from rejection
     join file on file.id = rejection.file_id
     where rejection.document_number = $1 and rejection.held = 'quarantined' and rejection.ended_no is null
     order by rejection.row_no limit 1`,
    [number],
  );
  return unread
    ? `Row ${unread.row_no} of ${unread.file} cannot be read, so that no decision makes it count. lkp quarantine list says what to correct.`
    : `Nothing of an invoice ${number} waits for a person. lkp quarantine list shows what does.`;
}

interface Disputed {
  readonly id: string;
  readonly rules: string[];
  readonly files: string[];
}

const waitingOf = (tx: Sql, number: string): Promise<Disputed[]> =>
  tx.rows<Disputed>(
    `select document.id, array_agg(distinct waiting.rule) as rules, array_agg(distinct file.name) as files
     from document
     join line on line.document_id = document.id and line.ended_no is null
     join file on file.id = line.file_id
     cross join lateral (
       select quarantine.rule
       from quarantine
       where quarantine.file_id = line.file_id and quarantine.row_no = line.row_no and quarantine.ended_no is null
       union all
       select credit_month.waits_rule
       from credit_month
       where credit_month.document_id = document.id and credit_month.waits_rule is not null
     ) as waiting
     where document.number = $1
     group by document.id`,
    [number],
  );

const decidedOf = (tx: Sql, number: string): Promise<Disputed[]> =>
  tx.rows<Disputed>(
    `select distinct document.id, '{}'::text[] as rules, '{}'::text[] as files
     from document
     join decision on decision.document_id = document.id and decision.ended_no is null
     where document.number = $1`,
    [number],
  );
