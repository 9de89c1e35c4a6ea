import type { Sql } from '../ports.ts';
import type { MonthCell } from './by-month-sheet.ts';
import type { Forecast } from './forecast-sheet.ts';
import {
  type Asked,
  forecastsOf,
  type Level,
  type Renewed,
  renewalsOf,
  requirementOf,
} from './level-rows.ts';
import { lineagesOf } from './lineage-rows.ts';
import type { Enrolment, PartnerReport } from './partner-book.ts';
import type { ControlTotal, InputFile } from './report-data.ts';
import { byPartner, linesOf, rowsOf, type Shared, type Snapshot, SUMS, uncountedOf } from './report-rows.ts';
import type { OfPartner } from './report-sheets.ts';

/** What the partners' workbooks show: each partner's own rows, what did not count, and where both come from. */

export interface Partner {
  readonly mpnId: string;
  readonly name: string;
}

/** The wanted partners that get a workbook: every one valid on the window's last day, and every one with a row to show. */
export const partnersOf = (tx: Sql): Promise<Partner[]> =>
  tx.rows(`select mpn_id as "mpnId", name from partner_name order by mpn_id collate "C"`);

/** Partners whose figures are read together: one workbook is 8 queries and 8 round trips less. */
const TOGETHER = 50;

/**
 * The reports of partners, in their order. Lines are read from one cursor over all of them as the workbooks ask for
 * them: a report's lines are to be read before the next report is asked for.
 */
export async function* partnerReports(
  tx: Sql,
  snapshot: Snapshot,
  { sample, ...shared }: Shared,
  partners: readonly Partner[],
): AsyncGenerator<PartnerReport> {
  const lines = new InTurn(linesOf(tx));
  const uncounted = new InTurn(uncountedOf(tx));
  for (let first = 0; first < partners.length; first += TOGETHER) {
    const some = partners.slice(first, first + TOGETHER);
    const figures = await figuresOf(
      tx,
      snapshot,
      some.map(({ mpnId }) => mpnId),
    );
    const lineages = await lineagesOf(
      tx,
      snapshot,
      some.map(({ mpnId }) => mpnId),
    );
    for (const partner of some) {
      const { files, totals, locations, enrolments, months, forecast } = figures(partner.mpnId);
      yield {
        provenance: { ...shared, files },
        partner,
        sample,
        locations,
        enrolments,
        ...(forecast ? { forecast } : {}),
        lines: lines.of(partner.mpnId),
        totals: months.find(({ month, omlpType }) => month === null && omlpType === null) ?? NOTHING,
        months,
        ...lineages(partner.mpnId),
        notCounted: uncounted.of(partner.mpnId),
        balance: rowsOf(totals),
      };
    }
  }
  await lines.close();
  await uncounted.close();
}

const NOTHING = { units: '0', kpiValue: '0', revenue: '0' };

/** Rows that come partner by partner, in byte order of the MPN IDs, handed out to one partner after the other. */
class InTurn<T extends OfPartner> {
  readonly #rows: AsyncGenerator<T>;
  #next: Promise<IteratorResult<T>> | undefined;

  constructor(rows: AsyncGenerator<T>) {
    this.#rows = rows;
  }

  async *of(partner: string): AsyncGenerator<T> {
    for (;;) {
      this.#next ??= this.#rows.next();
      const { done, value } = await this.#next;
      const owner = done ? undefined : (value.partnerMpnId ?? '');
      if (owner === undefined || owner > partner) return;
      this.#next = undefined;
      if (owner === partner) yield value;
    }
  }

  async close(): Promise<void> {
    await this.#rows.return(undefined);
  }
}

interface Figures {
  readonly files: InputFile[];
  readonly totals: ControlTotal[];
  readonly locations: PartnerReport['locations'];
  readonly enrolments: Enrolment[];
  readonly months: MonthCell[];
  /** Absent in revisions that were frozen before forecasts were kept. */
  readonly forecast?: Forecast;
}

/** The figures of some partners; what is returned picks one's. */
async function figuresOf(
  tx: Sql,
  snapshot: Snapshot,
  partners: readonly string[],
): Promise<(partner: string) => Figures> {
  const files = await byPartner<InputFile>(
    tx,
    `select distinct rows.partner_mpn_id as partner, file.name, file.sha256 collate "C" as sha256, file.lines_in::text as "linesIn"
     from (select partner_mpn_id, file_sha256 from report_line where partner_mpn_id collate "C" = any($1)
           union select partner_mpn_id, file_sha256 from report_uncounted where partner_mpn_id collate "C" = any($1)) as rows
     join file on file.sha256 = rows.file_sha256 and file.kind = 'invoices'
     order by 1, 3`,
    [partners],
  );
  const totals = await byPartner<ControlTotal>(
    tx,
    `select partner_mpn_id as partner, disposition, currency, count(*)::text as rows,
            trim_scale(sum(amount::numeric))::text as amount
     from (select partner_mpn_id, shows as disposition, currency, amount
           from report_line where partner_mpn_id collate "C" = any($1)
           union all
           select partner_mpn_id, disposition, currency, amount
           from report_uncounted where partner_mpn_id collate "C" = any($1)) as rows
     group by 1, 2, 3 order by disposition collate "C", currency collate "C"`,
    [partners],
  );
  const months = await byPartner<MonthCell>(
    tx,
    `select partner_mpn_id as partner, to_char(kpi_month, 'YYYY-MM') as month, omlp_type as "omlpType", ${SUMS}
     from report_line where partner_mpn_id collate "C" = any($1)
     group by partner_mpn_id, grouping sets ((kpi_month, omlp_type), (kpi_month), (omlp_type), ())
     order by kpi_month nulls last, omlp_type collate "C" nulls last`,
    [partners],
  );
  const locations = await byPartner<PartnerReport['locations'][number]>(
    tx,
    `select partner_of.partner_mpn_id as partner, location.location_mpn_id as "mpnId",
            coalesce(location.name, '') as name, location.country
     from partner_of join location using (location_mpn_id)
     where partner_of.partner_mpn_id = any($1)
       and location.change_no <= $2 and (location.ended_no is null or location.ended_no > $2)
       and location.valid_from <= $3 and coalesce(location.valid_to, 'infinity'::date) > $3
     order by location.location_mpn_id collate "C"`,
    [partners, snapshot.cutoff, snapshot.window_to],
  );
  const levels = await byPartner<Level>(
    tx,
    `select partner_mpn_id as partner, learning_option, competency, anniversary_date, not_offered, level from snapshot_level
     where cycle = $2 and revision = $3 and partner_mpn_id = any($1) order by competency collate "C"`,
    [partners, snapshot.cycle, snapshot.revision],
  );
  const asked = await byPartner<Asked>(
    tx,
    `select asked.partner_mpn_id as partner, asked.competency, asked.level, asked.position, asked.requirement, asked.measure, asked.category,
            trim_scale(asked.figure)::text as figure, trim_scale(asked.threshold)::text as threshold,
            case when asked.threshold > 0 then round(asked.figure / asked.threshold, 6)::text end as share,
            asked.outcome, asked.source, asked.waiver,
            trim_scale(capped.above_cap)::text as above, trim_scale(capped.cap)::text as cap, capped.kpi_class as capped
     from snapshot_requirement as asked
     left join snapshot_class as capped on capped.cycle = asked.cycle and capped.revision = asked.revision
                                      and capped.partner_mpn_id = asked.partner_mpn_id
                                      and asked.measure = 'kpi' and capped.category = asked.category and capped.above_cap > 0
     where asked.cycle = $2 and asked.revision = $3 and asked.partner_mpn_id = any($1)
     order by asked.competency collate "C", asked.level_rank, asked.position, capped.kpi_class collate "C"`,
    [partners, snapshot.cycle, snapshot.revision],
  );
  const renewals = await renewalsOf(tx, snapshot, partners);
  const forecasts = await forecastsOf(tx, snapshot, partners);
  return (partner) => ({
    files: files(partner),
    totals: totals(partner),
    months: months(partner),
    locations: locations(partner),
    enrolments: enrolmentsOf(levels(partner), asked(partner), renewals(partner), snapshot.reporting_currency),
    ...(snapshot.content_version === 1
      ? {}
      : { forecast: forecasts(partner, levels(partner), once(asked(partner))) }),
  });
}

/** A requirement stands once for each class that has KPI above its cap. */
const once = (asked: readonly Asked[]): Asked[] =>
  asked.filter(
    (one, index) =>
      !asked
        .slice(0, index)
        .some(
          (other) =>
            other.competency === one.competency &&
            other.level === one.level &&
            other.position === one.position,
        ),
  );

const enrolmentsOf = (
  levels: readonly Level[],
  asked: readonly Asked[],
  renewals: ReadonlyMap<string, Renewed>,
  currency: string,
): Enrolment[] =>
  levels.map((level) => {
    const renewed = renewals.get(level.competency);
    return {
      option: level.learning_option,
      competency: level.competency === '' ? null : level.competency,
      anniversary: level.anniversary_date,
      level: level.level === '' ? null : level.level,
      notOffered: level.not_offered,
      requirements: asked
        .filter(({ competency }) => competency === level.competency)
        .map((one) => requirementOf(one, currency)),
      ...(renewed ? { renewed } : {}),
    };
  });
