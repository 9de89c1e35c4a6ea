import { addMonths } from '../calendar.ts';
import { crash } from '../crash.ts';
import { LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';
import type { Enrolment, PartnerReport } from './partner-book.ts';
import type { ProgramReport, Standing } from './program-book.ts';
import type {
  Balance,
  ControlTotal,
  InputFile,
  KpiLine,
  Outcome,
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
}

/** What every workbook of a revision says of its origin; the files differ. */
export type Shared = Omit<Provenance, 'files'> & { readonly sample: boolean };

export interface Partner {
  readonly mpnId: string;
  readonly name: string;
}

/** The partners that get a workbook: every one valid on the window's last day, and every one with a row to show. */
export async function partnersOf(tx: Sql, snapshot: Snapshot, only?: string): Promise<Partner[]> {
  const partners = await tx.rows<Partner>(
    `select mpn_id as "mpnId", name from partner_name where $1::text is null or mpn_id = $1 order by mpn_id collate "C"`,
    [only ?? null],
  );
  if (only !== undefined && partners.length === 0) {
    throw new LkpError(
      'request',
      `No partner with the MPN ID ${only} was valid on ${snapshot.window_to} or has a row in cycle ${snapshot.cycle}. Check the ID, or load it with lkp load partners.`,
    );
  }
  return partners;
}

const LINE_COLUMNS = `
  month, year, omlp_type as "omlpType", units as "purchaseUnit", number as invoice, kpi_value as "kpiValue",
  revenue as "revenueValue", location_mpn_id as location, issue_date as "issueDate", sku, quantity, currency,
  amount as "currencyAmount", file_name as file, row_no as row, note`;
const LINE_ORDER = `order by partner_mpn_id collate "C", kpi_month, omlp_type collate "C", number collate "C",
  file_name collate "C", file_sha256 collate "C", row_no::int`;
const SUMS = `trim_scale(coalesce(sum(units::numeric), 0))::text as units,
  trim_scale(coalesce(sum(kpi_value::numeric), 0))::text as "kpiValue",
  coalesce(sum(revenue::numeric), 0)::text as revenue`;

async function* flat<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T> {
  for await (const batch of batches) {
    yield* batch;
    crash('report-mid-workbook');
  }
}

/** The lines of one partner, or of all. A fresh iterable: it reads the table when it is iterated. */
const linesOf = <T extends KpiLine>(tx: Sql, partner?: string): AsyncIterable<T> =>
  flat(
    tx.stream<T>(
      `select ${LINE_COLUMNS}, nullif(partner_mpn_id, '') as "partnerMpnId", partner_name as "partnerName" from report_line
       ${partner === undefined ? '' : 'where partner_mpn_id = $1 collate "C"'} ${LINE_ORDER}`,
      partner === undefined ? [] : [partner],
    ),
  );

interface UncountedRow {
  readonly rule: string;
  readonly seen: string | null;
}

async function* uncountedOf<T extends UncountedLine>(tx: Sql, partner?: string): AsyncGenerator<T> {
  const rows = tx.stream<T & UncountedRow>(
    `select disposition, rule, seen, number as invoice, issue_date as "issueDate", customer_number as "customerNumber",
            sku, quantity, currency, amount, file_name as file, row_no as row,
            nullif(partner_mpn_id, '') as "partnerMpnId", partner_name as "partnerName"
     from report_uncounted ${partner === undefined ? '' : 'where partner_mpn_id = $1 collate "C"'}
     order by partner_mpn_id collate "C", disposition collate "C", rule collate "C", issue_date collate "C",
              file_name collate "C", file_sha256 collate "C", row_no::int`,
    partner === undefined ? [] : [partner],
  );
  for await (const { rule, seen, ...row } of flat(rows)) {
    const { reason, hint } = explainRule(rule, seen);
    yield { ...row, reason, whatToDo: hint } as unknown as T;
  }
}

/** One partner's own rows: what it bought, what did not count, and where both come from. */
export async function partnerReport(
  tx: Sql,
  snapshot: Snapshot,
  { sample, ...shared }: Shared,
  partner: Partner,
): Promise<PartnerReport> {
  const of = [partner.mpnId];
  const files = await tx.rows<InputFile>(
    `select name, sha256, lines_in::text as "linesIn" from file
     where sha256 in (select file_sha256 from report_line where partner_mpn_id = $1 collate "C"
                      union select file_sha256 from report_uncounted where partner_mpn_id = $1 collate "C")
       and kind = 'invoices' order by sha256 collate "C"`,
    of,
  );
  const totals = await tx.rows<ControlTotal>(
    `select disposition, currency, count(*)::text as rows, trim_scale(sum(amount::numeric))::text as amount
     from (select shows as disposition, currency, amount
           from report_line where partner_mpn_id = $1 collate "C"
           union all
           select disposition, currency, amount from report_uncounted where partner_mpn_id = $1 collate "C") as rows
     group by disposition, currency order by disposition collate "C", currency collate "C"`,
    of,
  );
  return {
    provenance: { ...shared, files },
    partner,
    sample,
    locations: await tx.rows<{ mpnId: string; name: string; country: string }>(
      `select location.location_mpn_id as "mpnId", coalesce(location.name, '') as name, location.country
       from partner_of join location using (location_mpn_id)
       where partner_of.partner_mpn_id = $1
         and location.change_no <= $2 and (location.ended_no is null or location.ended_no > $2)
         and location.valid_from <= $3 and coalesce(location.valid_to, 'infinity'::date) > $3
       order by location.location_mpn_id collate "C"`,
      [partner.mpnId, snapshot.cutoff, snapshot.window_to],
    ),
    enrolments: await enrolmentsOf(tx, snapshot, partner.mpnId),
    lines: linesOf(tx, partner.mpnId),
    totals: await tx.one<Sums>(`select ${SUMS} from report_line where partner_mpn_id = $1 collate "C"`, of),
    months: await tx.rows<Sums & { month: string | null; omlpType: string | null }>(
      `select to_char(kpi_month, 'YYYY-MM') as month, omlp_type as "omlpType", ${SUMS}
       from report_line where partner_mpn_id = $1 collate "C"
       group by grouping sets ((kpi_month, omlp_type), (kpi_month), (omlp_type), ())
       order by kpi_month nulls last, omlp_type collate "C" nulls last`,
      of,
    ),
    notCounted: uncountedOf(tx, partner.mpnId),
    balance: rowsOf(totals),
  };
}

const rowsOf = (totals: ControlTotal[]): RowTotals => ({
  totals,
  rowsHeld: String(totals.reduce((rows, total) => rows + Number(total.rows), 0)),
});

function balanceOf(totals: ControlTotal[], rowsIn: string): Balance {
  const rows = rowsOf(totals);
  return { ...rows, rowsIn, balanced: rows.rowsHeld === rowsIn };
}

const UNITS: Record<string, string> = {
  kpi: 'KPI',
  mct: 'people',
  exam: 'exams',
  'survey-score': 'points',
  'survey-count': 'surveys',
};

async function enrolmentsOf(tx: Sql, snapshot: Snapshot, partner: string): Promise<Enrolment[]> {
  const key = [snapshot.cycle, snapshot.revision, partner];
  const levels = await tx.rows<{
    learning_option: string;
    competency: string;
    anniversary_date: string;
    level: string;
  }>(
    `select learning_option, competency, anniversary_date, level from snapshot_level
     where cycle = $1 and revision = $2 and partner_mpn_id = $3 order by competency collate "C"`,
    key,
  );
  const requirements = await tx.rows<{
    competency: string;
    level: string;
    requirement: string;
    measure: string;
    category: string;
    figure: string | null;
    threshold: string;
    share: string | null;
    outcome: Outcome;
    source: string;
    above: string | null;
    cap: string | null;
    capped: string | null;
  }>(
    `select asked.competency, asked.level, asked.requirement, asked.measure, asked.category,
            trim_scale(asked.figure)::text as figure, trim_scale(asked.threshold)::text as threshold,
            case when asked.threshold > 0 then round(asked.figure / asked.threshold, 6)::text end as share,
            asked.outcome, asked.source,
            trim_scale(capped.above_cap)::text as above, trim_scale(capped.cap)::text as cap, capped.kpi_class as capped
     from snapshot_requirement as asked
     left join snapshot_class as capped on capped.cycle = asked.cycle and capped.revision = asked.revision
                                      and capped.partner_mpn_id = asked.partner_mpn_id
                                      and asked.measure = 'kpi' and capped.category = asked.category and capped.above_cap > 0
     where asked.cycle = $1 and asked.revision = $2 and asked.partner_mpn_id = $3
     order by asked.competency collate "C", asked.level_rank, asked.position, capped.kpi_class collate "C"`,
    key,
  );
  return levels.map((level) => ({
    option: level.learning_option,
    competency: level.competency === '' ? null : level.competency,
    anniversary: level.anniversary_date,
    level: level.level === '' ? null : level.level,
    requirements: requirements
      .filter((asked) => asked.competency === level.competency)
      .map((asked) => ({
        name: `${asked.requirement} (${asked.level})`,
        figure: asked.figure,
        threshold: asked.threshold,
        unit: asked.measure === 'revenue' ? snapshot.reporting_currency : (UNITS[asked.measure] ?? ''),
        money: asked.measure === 'revenue',
        share: asked.share,
        outcome: asked.outcome,
        source: asked.source,
        ...(asked.above === null
          ? {}
          : { aboveCap: { what: asked.capped!, figure: asked.above, cap: asked.cap! } }),
      })),
  }));
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
    lines: linesOf<KpiLine & OfPartner>(tx),
    totals: await tx.one<Sums>(`select ${SUMS} from report_line`),
    notCounted: uncountedOf<UncountedLine & OfPartner>(tx),
    balance: balanceOf(totals, lines_in),
  };
}

async function standingsOf(tx: Sql, snapshot: Snapshot): Promise<Standing[]> {
  // The month before as it stood when this revision was made: the same revision must give the same bytes for good.
  const before = await tx.maybe<{ cycle: string; revision: number }>(
    `select earlier.cycle, max(earlier.revision) as revision
     from snapshot as mine
     join snapshot as earlier on earlier.cycle = $3 and earlier.made_no < mine.made_no
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
  }>('marts/standings', { before_cycle: before?.cycle ?? '', before_revision: before?.revision ?? 0 });
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
  }));
}
