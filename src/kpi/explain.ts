import { dayIn, refreshDay, reportingWindow } from '../calendar.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';

/** One input row, and all that is known of it now. Amounts and KPI are decimal strings; absent = it has none. */
export interface Explained {
  readonly file: string;
  readonly sha256: string;
  readonly row_no: number;
  readonly number: string | null;
  readonly issue_date: string | null;
  /** `invoice`, `credit note` or `corrected invoice`, and its UNTDID 1001 code, of rows that are lines. */
  readonly class: string | null;
  readonly type_code: string | null;
  readonly line_no: string | null;
  readonly disposition: string;
  /** Code of docs/rejections.md; null for a row that counts. */
  readonly rule: string | null;
  readonly reason: string;
  readonly hint: string;
  readonly customer_number: string | null;
  /** Known customer numbers that look like an unknown one. */
  readonly near_misses: string | null;
  readonly customer_valid: string | null;
  readonly location_mpn_id: string | null;
  readonly partner_mpn_id: string | null;
  readonly partner_name: string | null;
  readonly location_valid: string | null;
  readonly sku: string | null;
  readonly omlp_type: string | null;
  readonly kpi_class: string | null;
  readonly quantity: string | null;
  readonly units: string | null;
  readonly weight: string | null;
  /** So many units earn the weight. */
  readonly per_units: string | null;
  readonly rule_set: string | null;
  readonly kpi_value: string | null;
  /** The signed effect in the line's own currency. */
  readonly amount: string | null;
  readonly currency: string | null;
  readonly revenue: string | null;
  readonly reporting_currency: string;
  readonly rate_date: string | null;
  readonly rate_origin: string | null;
  readonly kpi_month: string | null;
  /** The cycles in whose window it counts, and the day on which it first shows. */
  readonly cycles: { readonly from: string; readonly to: string; readonly first_shown: string } | null;
  /** The revisions that hold it. */
  readonly shown_in: ReadonlyArray<{ readonly cycle: string; readonly revision: number }>;
}

/** What is asked: every row of an invoice number, or one row of a file (by name or first letters of its sha256). */
export type Question = { readonly number: string } | { readonly file: string; readonly row: number };

/**
 * Says where rows went: disposition and rule, whose they are, what they are worth, in which cycles they count.
 * Throws LkpError('request') when nothing of the kind is known.
 */
export async function explain(context: Context, question: Question): Promise<Explained[]> {
  return context.db.transaction('explain', async (tx) => {
    const { settings } = context;
    const today = dayIn(context.now(), settings.LKP_TIME_ZONE);
    await ask(tx, question);
    const days = await tx.rows<{ day: string | null }>('select distinct day::text from asked_all order by 1');
    if (days.length === 0) throw new LkpError('request', nothing(question));
    const { no } = await tx.one<{ no: string }>('select max(no) as no from change');
    const found: Explained[] = [];
    for (const { day } of days) {
      await tx.rows(
        'create temporary table asked on commit drop as select * from asked_all where day is not distinct from $1::date',
        [day],
      );
      await tx.rows('analyze asked');
      const rows = await tx.file<Found>('marts/explain', {
        cutoff: no,
        from: day ?? 'infinity',
        to: day === null ? 'infinity' : dayAfter(day),
        lookback: settings.LKP_RATE_LOOKBACK_DAYS,
        reporting_currency: settings.LKP_REPORTING_CURRENCY,
        window_to: reportingWindow(today.slice(0, 7)).to,
      });
      found.push(...rows.map((row) => told(row, settings.LKP_REPORTING_CURRENCY)));
      await tx.rows('drop table asked, worth, explained');
    }
    return found;
  });
}

const dayAfter = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

const nothing = (question: Question): string =>
  'number' in question
    ? `No row of an invoice ${question.number} was ever ingested. Check the number; if the invoice is new, take its file in with lkp ingest. Rows of order confirmations are never taken in.`
    : `No row ${question.row} of a file ${question.file} is known. Count rows from 1, the header included; name the file as lkp ingest did, or by its sha256.`;

/** Puts the rows in question into `asked_all`, each with the day on which it was issued. */
async function ask(tx: Sql, question: Question): Promise<void> {
  const byNumber = 'number' in question;
  await tx.rows(
    `create temporary table asked_all on commit drop as
     select said.file_id, said.row_no, max(said.day) as day
     from (
       ${byNumber ? BY_NUMBER : BY_ROW}
     ) as said
     group by 1, 2`,
    byNumber ? [question.number] : [question.file, question.row],
  );
}

const BY_NUMBER = `select line.file_id, line.row_no, line.issue_date as day
       from document join line on line.document_id = document.id
       where document.number = $1
       union all
       select duplicate.file_id, duplicate.row_no, duplicate.issue_date
       from document join duplicate on duplicate.document_id = document.id
       where document.number = $1
       union all
       select rejection.file_id, rejection.row_no, rejection.issue_date
       from rejection
       join file on file.id = rejection.file_id and file.kind = 'invoices'
       where rejection.document_number = $1`;

const BY_ROW = `select held.file_id, held.row_no, held.day
       from file
       join lateral (
         select line.file_id, line.row_no, line.issue_date as day
         from line where line.file_id = file.id and line.row_no = $2
         union all
         select duplicate.file_id, duplicate.row_no, duplicate.issue_date
         from duplicate where duplicate.file_id = file.id and duplicate.row_no = $2
         union all
         select rejection.file_id, rejection.row_no, rejection.issue_date
         from rejection where rejection.file_id = file.id and rejection.row_no = $2
       ) as held on true
       where file.kind = 'invoices' and (file.name = $1 or length($1) >= 6 and starts_with(file.sha256, lower($1)))`;

interface Found extends Omit<Explained, 'reason' | 'hint' | 'cycles' | 'shown_in' | 'file'> {
  readonly file_name: string;
  readonly seen: string | null;
  readonly customer_from: string | null;
  readonly customer_to: string | null;
  readonly location_from: string | null;
  readonly location_to: string | null;
  readonly first_cycle: string | null;
  readonly last_cycle: string | null;
  readonly shown_in: Explained['shown_in'] | null;
}

function told(row: Found, reportingCurrency: string): Explained {
  const counts =
    row.disposition === 'counted' || row.disposition === 'reversal' || row.rule === 'invoice-corrected';
  const inWindow =
    counts && row.first_cycle !== null && row.last_cycle !== null && row.first_cycle <= row.last_cycle;
  return {
    file: row.file_name,
    sha256: row.sha256,
    row_no: row.row_no,
    number: row.number,
    issue_date: row.issue_date,
    class: row.class,
    type_code: row.type_code,
    line_no: row.line_no,
    disposition: row.disposition,
    rule: row.rule,
    ...(row.rule === null ? { reason: 'It counts.', hint: '' } : explainRule(row.rule, row.seen)),
    customer_number: row.customer_number,
    near_misses: row.near_misses,
    customer_valid: validity(row.location_mpn_id, row.customer_from, row.customer_to),
    location_mpn_id: row.location_mpn_id,
    partner_mpn_id: row.partner_mpn_id,
    partner_name: row.partner_name || null,
    location_valid: validity(row.partner_mpn_id, row.location_from, row.location_to),
    sku: row.sku,
    omlp_type: row.omlp_type,
    kpi_class: row.kpi_class,
    quantity: row.quantity,
    units: row.units,
    weight: row.weight,
    per_units: row.per_units,
    rule_set: row.rule_set,
    kpi_value: row.kpi_value,
    amount: row.amount,
    currency: row.currency,
    revenue: row.revenue,
    reporting_currency: reportingCurrency,
    rate_date: row.rate_date,
    rate_origin: row.rate_origin,
    kpi_month: row.kpi_month,
    cycles: inWindow
      ? { from: row.first_cycle!, to: row.last_cycle!, first_shown: refreshDay(row.first_cycle!) }
      : null,
    shown_in: row.shown_in ?? [],
  };
}

const validity = (of: string | null, from: string | null, to: string | null): string | null =>
  of === null ? null : `${from ?? ''}..${to ?? ''}`;
