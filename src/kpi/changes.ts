import type { Sql } from '../ports.ts';
import { type Cause, causeText } from './causes.ts';

/**
 * What compareSides found, read from its tables. Decimals are strings, months `YYYY-MM`, days `YYYY-MM-DD`; money is in the
 * reporting currency of its side. Null where the line is in no KPI on that side.
 */
export interface LineChange {
  readonly cause: Cause;
  /** One plain sentence. */
  readonly says: string;
  readonly invoice: string;
  readonly issue_date: string;
  readonly customer_number: string;
  readonly sku: string;
  readonly file: string;
  readonly row_no: number;
  readonly partner_before: string | null;
  readonly partner_after: string | null;
  readonly location_before: string | null;
  readonly location_after: string | null;
  readonly month_before: string | null;
  readonly month_after: string | null;
  readonly omlp_type_before: string | null;
  readonly omlp_type_after: string | null;
  readonly units_before: string;
  readonly units_after: string;
  readonly kpi_before: string;
  readonly kpi_after: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
}

export interface CellChange {
  readonly partner: string;
  readonly month: string;
  readonly omlp_type: string;
  readonly units_before: string;
  readonly units_after: string;
  readonly kpi_before: string;
  readonly kpi_after: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
}

/** A level crossed. '' = none reached; null = not enrolled. */
export interface LevelChange {
  readonly partner: string;
  readonly competency: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface CauseTotal {
  readonly cause: Cause;
  readonly lines: number;
  readonly kpi_change: string;
  readonly revenue_change: string;
}

/** What changed, in numbers: how much, why, and who is concerned. */
export interface Changes {
  readonly partners: number;
  /** Months and OMLP types of partners. */
  readonly cells: number;
  readonly lines: number;
  readonly kpi_before: string;
  readonly kpi_after: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
  readonly causes: readonly CauseTotal[];
  readonly levels: readonly LevelChange[];
  /** The first lines, in the order of `linesChanged`. */
  readonly first: readonly LineChange[];
}

/** A partner's share of the changes: its cells and levels, and the lines that were or are its own. '' = all. */
const LINE_OF = `($1 = '' or partner_before = $1 or partner_after = $1)`;
const OWN_BEFORE = `case when $1 in ('', partner_before) then`;
const OWN_AFTER = `case when $1 in ('', partner_after) then`;

const LINES = `
  select cause, was, is_now, number as invoice, issue_date::text, customer_number, sku, file_name as file, row_no,
         partner_before, partner_after, location_before, location_after,
         to_char(month_before, 'YYYY-MM') as month_before, to_char(month_after, 'YYYY-MM') as month_after,
         type_before as omlp_type_before, type_after as omlp_type_after,
         trim_scale(units_before)::text as units_before, trim_scale(units_after)::text as units_after,
         trim_scale(kpi_before)::text as kpi_before, trim_scale(kpi_after)::text as kpi_after,
         revenue_before::text as revenue_before, revenue_after::text as revenue_after
  from line_change
  where ${LINE_OF}
  order by coalesce(nullif(partner_after, ''), partner_before, '') collate "C", cause collate "C", number collate "C",
           issue_date, file_name collate "C", file_sha256 collate "C", row_no`;

type Read = Omit<LineChange, 'says'> & { readonly was: string | null; readonly is_now: string | null };

const told = ({ was, is_now, ...line }: Read): LineChange => ({
  ...line,
  says: causeText(line.cause, was, is_now),
});

/** Every changed line of a partner ('' = of all), as it comes. */
export async function* linesChanged(tx: Sql, partner = ''): AsyncGenerator<LineChange> {
  for await (const batch of tx.stream<Read>(LINES, [partner])) yield* batch.map(told);
}

export const cellsChanged = (tx: Sql, partner = ''): Promise<CellChange[]> =>
  tx.rows<CellChange>(
    `select partner_mpn_id as partner, to_char(kpi_month, 'YYYY-MM') as month, omlp_type,
            trim_scale(units_before)::text as units_before, trim_scale(units_after)::text as units_after,
            trim_scale(kpi_before)::text as kpi_before, trim_scale(kpi_after)::text as kpi_after,
            revenue_before::text as revenue_before, revenue_after::text as revenue_after
     from cell_change
     where $1 in ('', partner_mpn_id)
     order by partner_mpn_id collate "C", kpi_month, omlp_type collate "C"`,
    [partner],
  );

const levelsChanged = (tx: Sql, partner: string): Promise<LevelChange[]> =>
  tx.rows<LevelChange>(
    `select partner_mpn_id as partner, competency, level_before as before, level_after as after
     from level_change
     where $1 in ('', partner_mpn_id)
     order by partner_mpn_id collate "C", competency collate "C"`,
    [partner],
  );

/** All changes of a partner ('' = of all), with its first `first` lines. */
export async function changesOf(tx: Sql, first: number, partner = ''): Promise<Changes> {
  const figures = await tx.one<
    Record<'partners' | 'cells' | 'lines', number> &
      Record<'kpi_before' | 'kpi_after', string> & {
        revenue_before: string;
        revenue_after: string;
      }
  >(
    `select (select count(*) from (select partner_mpn_id from cell_change union select partner_mpn_id from level_change) as one
             where partner_mpn_id <> '' and $1 in ('', partner_mpn_id))::int as partners,
            (select count(*) from cell_change where $1 in ('', partner_mpn_id))::int as cells,
            (select count(*) from line_change where ${LINE_OF})::int as lines,
            trim_scale(coalesce(sum(kpi_value) filter (where side = 'before'), 0))::text as kpi_before,
            trim_scale(coalesce(sum(kpi_value) filter (where side = 'after'), 0))::text as kpi_after,
            coalesce(sum(revenue) filter (where side = 'before'), 0)::text as revenue_before,
            coalesce(sum(revenue) filter (where side = 'after'), 0)::text as revenue_after
     from side_cell
     where $1 in ('', partner_mpn_id)`,
    [partner],
  );
  const causes = await tx.rows<CauseTotal>(
    `select cause, count(*)::int as lines,
            trim_scale(sum(${OWN_AFTER} kpi_after else 0 end - ${OWN_BEFORE} kpi_before else 0 end))::text as kpi_change,
            sum(${OWN_AFTER} revenue_after else 0 end - ${OWN_BEFORE} revenue_before else 0 end)::text as revenue_change
     from line_change
     where ${LINE_OF}
     group by cause
     order by count(*) desc, cause collate "C"`,
    [partner],
  );
  const lines = await tx.rows<Read>(`${LINES} limit $2`, [partner, first]);
  return { ...figures, causes, levels: await levelsChanged(tx, partner), first: lines.map(told) };
}
