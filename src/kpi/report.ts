import { join } from 'node:path';
import { addMonths, firstDay } from '../calendar.ts';
import { writeAtomically } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import { explainRule } from '../rejections.ts';
import { type Enrolment, partnerBook } from './partner-book.ts';
import { programBook, type Standing } from './program-book.ts';
import type {
  Balance,
  ControlTotal,
  InputFile,
  KpiLine,
  Outcome,
  Provenance,
  RuleSetUse,
  Sums,
  UncountedLine,
} from './report-data.ts';
import type { OfPartner } from './report-sheets.ts';

export interface ReportFile {
  readonly path: string;
  readonly sha256: string;
}

export interface ReportOptions {
  /** The newest when absent. */
  readonly revision?: number;
  /** Only this partner's workbook, or only the program's; all when absent. */
  readonly only?: { readonly partner: string } | 'program';
  /** Where the one workbook goes; the cycle's folder under LKP_HOME/reports when absent. */
  readonly out?: string;
}

interface Snapshot {
  readonly cycle: string;
  readonly revision: number;
  readonly cutoff: string;
  readonly known_at: string;
  readonly due_at: string;
  readonly window_from: string;
  readonly window_to: string;
  readonly reporting_currency: string;
}

/**
 * Writes the Excel reports of a revision: one workbook a partner, one for the program. Detail lines are read as of
 * the revision's cut-off, and must add up to its frozen cells. Same revision, same bytes.
 */
export async function writeReports(
  context: Context,
  cycle: string,
  options: ReportOptions = {},
): Promise<{ revision: number; files: ReportFile[] }> {
  return context.db.transaction(`report ${cycle}`, async (tx) => {
    const snapshot = await findSnapshot(tx, cycle, options.revision);
    await prepare(tx, context, snapshot);
    const shared = await sharedProvenance(tx, snapshot);
    const folder = join(context.settings.home, 'reports', cycle, `revision-${snapshot.revision}`);
    const files: ReportFile[] = [];
    const write = async (name: string, book: Parameters<Context['workbooks']['write']>[1]) => {
      const path = options.out ?? join(folder, name);
      const { sha256 } = await writeAtomically(path, async (temporary) => {
        await context.workbooks.write(temporary, book);
      });
      files.push({ path, sha256 });
    };
    const only = options.only;
    if (only !== 'program') {
      const partners = await partnersOf(tx, snapshot, only?.partner);
      for (const [index, partner] of partners.entries()) {
        context.progress(`workbook ${index + 1} of ${partners.length}: ${partner.name}`);
        await write(
          `partner-${partner.mpnId}.xlsx`,
          partnerBook(await partnerReport(tx, snapshot, shared, partner)),
        );
      }
    }
    if (only === undefined || only === 'program') {
      context.progress('the program workbook');
      await write(`program-${cycle}.xlsx`, programBook(await programReport(tx, snapshot, shared)));
    }
    return { revision: snapshot.revision, files };
  });
}

async function findSnapshot(tx: Sql, cycle: string, revision?: number): Promise<Snapshot> {
  const snapshots = await tx.rows<Snapshot>(
    `select cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency
     from snapshot where cycle = $1 order by revision desc`,
    [cycle],
  );
  const found =
    revision === undefined ? snapshots[0] : snapshots.find((snapshot) => snapshot.revision === revision);
  if (found) return found;
  throw new LkpError(
    'request',
    snapshots.length === 0
      ? `Cycle ${cycle} has not been refreshed. Run lkp refresh ${cycle} first.`
      : `Cycle ${cycle} has no revision ${revision}; it has ${snapshots
          .map((snapshot) => snapshot.revision)
          .reverse()
          .join(', ')}.`,
  );
}

async function prepare(tx: Sql, context: Context, snapshot: Snapshot): Promise<void> {
  const { newest } = await tx.one<{ newest: string }>(
    `select coalesce(max(issue_month), $1::date)::text as newest from month_touched`,
    [firstDay(snapshot.cycle)],
  );
  const last = newest.slice(0, 7) > snapshot.cycle ? newest.slice(0, 7) : snapshot.cycle;
  await tx.file('marts/report', {
    cycle: snapshot.cycle,
    revision: snapshot.revision,
    cutoff: snapshot.cutoff,
    lookback: context.settings.LKP_RATE_LOOKBACK_DAYS,
    reporting_currency: snapshot.reporting_currency,
    window_from: snapshot.window_from,
    window_to: snapshot.window_to,
    cycle_start: firstDay(snapshot.cycle),
    from: firstDay(addMonths(snapshot.window_from.slice(0, 7), -1)),
    to: firstDay(addMonths(last, 1)),
  });
  const broken = await tx.file('checks/report_equals_snapshot');
  if (broken.length > 0) {
    throw new Error(
      `The lines of ${snapshot.cycle} revision ${snapshot.revision} do not add up to its frozen cells: ${JSON.stringify(broken.slice(0, 3))}`,
    );
  }
}

type Shared = Omit<Provenance, 'files'> & { readonly sample: boolean };

async function sharedProvenance(tx: Sql, snapshot: Snapshot): Promise<Shared> {
  const key = [snapshot.cycle, snapshot.revision];
  const sets = await tx.rows<{
    name: string;
    title: string;
    sha256: string;
    basis: string;
    valid_from: string;
    valid_to: string | null;
  }>(
    `select name, title, sha256, basis, valid_from, valid_to from snapshot_rule_set
     where cycle = $1 and revision = $2 order by valid_from`,
    key,
  );
  const { sample } = await tx.one<{ sample: boolean }>(
    `select exists (select 1 from snapshot_requirement where cycle = $1 and revision = $2 and sample)
         or exists (select 1 from snapshot_rule_set where cycle = $1 and revision = $2 and basis = 'sample') as sample`,
    key,
  );
  const ruleSets: RuleSetUse[] = sets.map((set) => ({
    name: set.name,
    validFrom: set.valid_from,
    validTo: set.valid_to,
    sha256: set.sha256,
    source: set.basis === 'sample' ? 'sample' : set.title,
  }));
  return {
    cycle: snapshot.cycle,
    revision: snapshot.revision,
    window: { from: snapshot.window_from.slice(0, 7), to: snapshot.window_to.slice(0, 7) },
    due: snapshot.due_at,
    knownAt: snapshot.known_at,
    reportingCurrency: snapshot.reporting_currency,
    ruleSets,
    sample,
  };
}

interface Partner {
  readonly mpnId: string;
  readonly name: string;
}

/** The partners that get a workbook: every one valid at the window's end, and every one with a row to show. */
async function partnersOf(tx: Sql, snapshot: Snapshot, only?: string): Promise<Partner[]> {
  const partners = await tx.rows<Partner>(
    `select mpn_id as "mpnId", name from partner_name where $1::text is null or mpn_id = $1 order by mpn_id collate "C"`,
    [only ?? null],
  );
  if (only !== undefined && partners.length === 0) {
    throw new LkpError(
      'request',
      `No partner with the MPN ID ${only} was known for cycle ${snapshot.cycle}. Check the ID, or load it with lkp load partners.`,
    );
  }
  return partners;
}

const LINE_COLUMNS = `
  month, year, omlp_type as "omlpType", units as "purchaseUnit", number as invoice, kpi_value as "kpiValue",
  revenue as "revenueValue", location_mpn_id as location, issue_date as "issueDate", sku, quantity, currency,
  amount as "currencyAmount", file_name as file, row_no as row, note`;
const LINE_ORDER = `order by partner_mpn_id collate "C", kpi_month, omlp_type collate "C", number collate "C",
  file_name collate "C", row_no::int`;
const SUMS = `trim_scale(coalesce(sum(units::numeric), 0))::text as units,
  trim_scale(coalesce(sum(kpi_value::numeric), 0))::text as "kpiValue",
  coalesce(sum(revenue::numeric), 0)::text as revenue`;

async function* flat<T>(batches: AsyncIterable<T[]>): AsyncGenerator<T> {
  for await (const batch of batches) yield* batch;
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
              file_name collate "C", row_no::int`,
    partner === undefined ? [] : [partner],
  );
  for await (const { rule, seen, ...row } of flat(rows)) {
    const { reason, hint } = explainRule(rule, seen);
    yield { ...row, reason, whatToDo: hint } as unknown as T;
  }
}

async function partnerReport(tx: Sql, snapshot: Snapshot, { sample, ...shared }: Shared, partner: Partner) {
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
     from (select case when note like 'reversal%' then 'reversal' else 'counted' end as disposition, currency, amount
           from report_line where partner_mpn_id = $1 collate "C"
           union all
           select disposition, currency, amount from report_uncounted where partner_mpn_id = $1 collate "C") as rows
     group by disposition, currency order by disposition collate "C", currency collate "C"`,
    of,
  );
  const { frozen, other } = await tx.one<{ frozen: string; other: string }>(
    `select (select coalesce(sum(lines), 0) from snapshot_cell where cycle = $2 and revision = $3 and partner_mpn_id = $1) as frozen,
            (select count(*) from report_uncounted where partner_mpn_id = $1 collate "C") as other`,
    [partner.mpnId, snapshot.cycle, snapshot.revision],
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
    balance: balanceOf(totals, String(Number(frozen) + Number(other))),
  };
}

function balanceOf(totals: ControlTotal[], rowsIn: string): Balance {
  const held = totals.reduce((rows, total) => rows + Number(total.rows), 0);
  return { totals, rowsIn, rowsHeld: String(held), balanced: String(held) === rowsIn };
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

async function programReport(tx: Sql, snapshot: Snapshot, { sample, ...shared }: Shared) {
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
  const before = await tx.maybe<{ cycle: string; revision: number }>(
    `select cycle, max(revision) as revision from snapshot
     where cycle = (select max(cycle) from snapshot where cycle < $1) group by cycle`,
    [snapshot.cycle],
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
    kpi_before: string | null;
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
