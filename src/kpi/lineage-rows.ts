import type { Sql } from '../ports.ts';
import type { Lineage } from './lineage.ts';
import type { ClassSum } from './partner-sums.ts';
import { byPartner, type Snapshot } from './report-rows.ts';

/** What the formulas of partners' workbooks stand on: how many lines there are, how wide they are, the sums of classes. */

/** The widest values and the sums of absolute values of a partner's lines; no row when it has none. */
interface Spans {
  readonly lines: number;
  readonly unitsDigits: number;
  readonly kpiDigits: number;
  readonly revenueDigits: number | null;
  readonly unitsSum: string;
  readonly kpiSum: string;
  readonly revenueSum: string | null;
}

/** Those of some partners; what is returned picks one's. */
export async function lineagesOf(
  tx: Sql,
  snapshot: Pick<Snapshot, 'cycle' | 'revision'>,
  partners: readonly string[],
): Promise<(partner: string) => { lineage: Lineage; classes: ClassSum[] }> {
  const spans = await byPartner<Spans>(
    tx,
    `select partner_mpn_id as partner, count(*)::int as lines,
            max(length(translate(units, '-.', '')))     as "unitsDigits",
            max(length(translate(kpi_value, '-.', ''))) as "kpiDigits",
            max(length(translate(revenue, '-.', '')))   as "revenueDigits",
            sum(abs(units::numeric))::text              as "unitsSum",
            sum(abs(kpi_value::numeric))::text          as "kpiSum",
            sum(abs(revenue::numeric))::text            as "revenueSum"
     from report_line where partner_mpn_id collate "C" = any($1)
     group by partner_mpn_id`,
    [partners],
  );
  const classes = await byPartner<ClassSum>(
    tx,
    `select partner_mpn_id as partner, category, kpi_class as "kpiClass",
            trim_scale(round(kpi_value, 6))::text as "kpiValue", trim_scale(cap)::text as cap,
            trim_scale(round(above_cap, 6))::text as "aboveCap", trim_scale(round(counted, 6))::text as counted
     from snapshot_class
     where cycle = $2 and revision = $3 and partner_mpn_id = any($1)
     order by category collate "C", kpi_class collate "C"`,
    [partners, snapshot.cycle, snapshot.revision],
  );
  return (partner) => ({ lineage: lineageOf(spans(partner)[0]), classes: classes(partner) });
}

function lineageOf(spans: Spans | undefined): Lineage {
  const span = (digits?: number | null, magnitude?: string | null) => ({
    digits: digits ?? 0,
    magnitude: magnitude ?? '0',
  });
  return {
    lines: spans?.lines ?? 0,
    measures: {
      units: span(spans?.unitsDigits, spans?.unitsSum),
      kpiValue: span(spans?.kpiDigits, spans?.kpiSum),
      revenue: span(spans?.revenueDigits, spans?.revenueSum),
    },
  };
}
