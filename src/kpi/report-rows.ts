import { addMonths, nextReminder } from '../calendar.ts';
import { crash } from '../crash.ts';
import type { Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';
import type { ProgramReport, Standing } from './program-book.ts';
import type {
  Balance,
  ControlTotal,
  InputFile,
  KpiLine,
  Provenance,
  RowTotals,
  Sums,
  UncountedLine,
} from './report-data.ts';
import type { OfPartner } from './report-sheets.ts';

/** The rows and figures of the workbooks, read from the temporary tables of `sql/marts/report.sql` and the snapshot. */

/** A frozen revision, as the reports need it. */
export interface Snapshot {
  readonly cycle: string;
  readonly revision: number;
  readonly cutoff: string;
  readonly known_at: string;
  readonly due_at: string;
  readonly window_from: string;
  readonly window_to: string;
  readonly reporting_currency: string;
  readonly lookback: number;
  /** Why a restatement was made; null for others. */
  readonly reason: string | null;
  /** 1: frozen before renewals and forecasts were kept. */
  readonly content_version: number;
  /** In words; null for a revision that was in time, or asked for by a person. */
  readonly late_by: string | null;
}

/** What every workbook of a revision says of its origin; the files differ. */
export type Shared = Omit<Provenance, 'files'> & { readonly sample: boolean };

const LINE_COLUMNS = `
  month, year, omlp_type as "omlpType", units as "purchaseUnit", number as invoice, kpi_value as "kpiValue",
  revenue as "revenueValue", kpi_class as "kpiClass", location_mpn_id as location, issue_date as "issueDate", sku, quantity, currency,
  amount as "currencyAmount", rate, rate_date as "rateDate", rate_source as "rateSource", file_name as file, row_no as row, note`;
/** Each sum adds the rounded lines. */
export const SUMS = `trim_scale(coalesce(sum(units::numeric), 0))::text as units,
  trim_scale(coalesce(sum(kpi_value::numeric), 0))::text as "kpiValue",
  coalesce(sum(revenue::numeric), 0)::text as revenue`;

/** The rows of batches one by one. Most workbooks have more to come after them. */
async function* flat<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T> {
  for await (const batch of batches) {
    yield* batch;
    crash('report-mid-workbook');
  }
}

/** All wanted lines, in the order of the workbooks: partner by partner. */
export const linesOf = (tx: Sql): AsyncGenerator<KpiLine & OfPartner> =>
  flat(
    tx.stream<KpiLine & OfPartner>(
      `select ${LINE_COLUMNS}, nullif(partner_mpn_id, '') as "partnerMpnId", partner_name as "partnerName"
       from report_line order by partner_mpn_id collate "C", position`,
    ),
  );

interface UncountedRow {
  readonly rule: string;
  readonly seen: string | null;
}

/** All wanted rows that are in no KPI, partner by partner. */
export async function* uncountedOf(tx: Sql): AsyncGenerator<UncountedLine & OfPartner> {
  const rows = tx.stream<UncountedLine & OfPartner & UncountedRow>(
    `select disposition, rule, seen, number as invoice, issue_date as "issueDate", customer_number as "customerNumber",
            sku, quantity, currency, amount, file_name as file, row_no as row,
            nullif(partner_mpn_id, '') as "partnerMpnId", partner_name as "partnerName"
     from report_uncounted
     order by partner_mpn_id collate "C", disposition collate "C", rule collate "C", issue_date collate "C",
              file_name collate "C", file_sha256 collate "C", row_no::int`,
  );
  for await (const { rule, seen, ...row } of flat(rows)) {
    const { reason, hint } = explainRule(rule, seen);
    yield { ...row, reason, whatToDo: hint };
  }
}

export const rowsOf = (totals: ControlTotal[]): RowTotals => ({
  totals,
  rowsHeld: String(totals.reduce((rows, total) => rows + Number(total.rows), 0)),
});

function balanceOf(totals: ControlTotal[], rowsIn: string): Balance {
  const rows = rowsOf(totals);
  return { ...rows, rowsIn, balanced: rows.rowsHeld === rowsIn };
}

/** Every partner and every row of the cycle. */
export async function programReport(
  tx: Sql,
  snapshot: Snapshot,
  { sample, ...shared }: Shared,
): Promise<ProgramReport> {
  const files = await tx.rows<InputFile>(
    `select name, sha256, lines_in::text as "linesIn" from file
     where kind = 'invoices' and change_no <= $1 order by sha256 collate "C"`,
    [snapshot.cutoff],
  );
  const totals = await tx.rows<ControlTotal>(
    `select disposition, nullif(currency, '') as currency, rows::text as rows,
            case when currency <> '' then trim_scale(amount)::text end as amount
     from snapshot_control where cycle = $1 and revision = $2 order by disposition collate "C", currency collate "C"`,
    [snapshot.cycle, snapshot.revision],
  );
  const { lines_in } = await tx.one<{ lines_in: string }>(
    `select coalesce(sum(lines_in), 0) as lines_in from file where kind = 'invoices' and change_no <= $1`,
    [snapshot.cutoff],
  );
  return {
    provenance: { ...shared, files },
    sample,
    standings: await standingsOf(tx, snapshot),
    lines: linesOf(tx),
    totals: await tx.one<Sums>(`select ${SUMS} from report_line`),
    notCounted: uncountedOf(tx),
    balance: balanceOf(totals, lines_in),
  };
}

async function standingsOf(tx: Sql, snapshot: Snapshot): Promise<Standing[]> {
  // The month before as it stood when this revision was made: the same revision must give the same bytes for good.
  const before = await tx.maybe<{ cycle: string; revision: number }>(
    `select earlier.cycle, max(earlier.revision) as revision
     from snapshot as mine
     join snapshot as earlier on earlier.cycle = $3
      -- revision 0 is made now, and shows what was known then
      and case mine.revision when 0 then earlier.cutoff <= mine.cutoff else earlier.made_no < mine.made_no end
     where mine.cycle = $1 and mine.revision = $2
     group by earlier.cycle`,
    [snapshot.cycle, snapshot.revision, addMonths(snapshot.cycle, -1)],
  );
  const rows = await tx.file<{
    mpn_id: string;
    name: string;
    country: string;
    learning_option: string | null;
    competency: string | null;
    anniversary: string | null;
    level: string | null;
    kpi_value: string;
    revenue: string;
    next_level: string | null;
    missing_kpi: string | null;
    other_unmet: string[];
    level_before: string | null;
    kpi_change: string | null;
    renewal: string | null;
    renewal_level: string | null;
    provisional: boolean | null;
    leaves_next: string | null;
  }>('marts/standings', {
    before_cycle: before?.cycle ?? '',
    before_revision: before?.revision ?? 0,
    next_cycle: addMonths(snapshot.cycle, 1),
  });
  return rows.map((row) => ({
    mpnId: row.mpn_id,
    name: row.name,
    country: row.country,
    option: row.learning_option,
    competency: row.competency || null,
    anniversary: row.anniversary,
    level: row.level || null,
    kpiValue: row.kpi_value,
    revenue: row.revenue,
    next:
      row.next_level === null
        ? null
        : { level: row.next_level, missingKpi: row.missing_kpi!, otherUnmet: row.other_unmet },
    before: row.kpi_change === null ? null : { level: row.level_before || null, kpiChange: row.kpi_change },
    renewal:
      row.renewal === null
        ? null
        : {
            anniversary: row.renewal,
            level: row.renewal_level || null,
            provisional: row.provisional === true,
            next: nextReminder(row.renewal, snapshot.cycle) ?? null,
          },
    leavesNext: row.leaves_next,
  }));
}

/** The rows of a query of several partners, without the column `partner`; what is returned picks one's, in their order. */
export async function byPartner<T extends object>(
  tx: Sql,
  text: string,
  parameters: readonly unknown[],
): Promise<(partner: string) => T[]> {
  const found = new Map<string, T[]>();
  for (const { partner, ...row } of await tx.rows<T & { partner: string }>(text, parameters)) {
    const rows = found.get(partner);
    if (rows) rows.push(row as unknown as T);
    else found.set(partner, [row as unknown as T]);
  }
  return (partner) => found.get(partner) ?? [];
}
