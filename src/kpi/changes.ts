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
  readonly kpi_class_before: string | null;
  readonly kpi_class_after: string | null;
  readonly units_before: string;
  readonly units_after: string;
  readonly kpi_before: string;
  readonly kpi_after: string;
  readonly kpi_change: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
  readonly revenue_change: string;
}

export interface CellChange {
  readonly partner: string;
  readonly month: string;
  readonly omlp_type: string;
  readonly units_before: string;
  readonly units_after: string;
  readonly kpi_before: string;
  readonly kpi_after: string;
  readonly kpi_change: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
  readonly revenue_change: string;
}

/** A level crossed. '' = none reached; null = not enrolled. */
export interface LevelChange {
  readonly partner: string;
  readonly competency: string;
  /** Over the cycle's window, or the one before the anniversary. */
  readonly window: 'cycle' | 'renewal';
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
  readonly kpi_change: string;
  readonly revenue_before: string;
  readonly revenue_after: string;
  readonly revenue_change: string;
  readonly causes: readonly CauseTotal[];
  readonly levels: readonly LevelChange[];
  /** The first lines, in the order of `linesChanged`. */
  readonly first: readonly LineChange[];
}

/** So many lines are told with a refresh; lkp changes lists all. */
export const FIRST_LINES = 20;

/**
 * The lines of everybody ('') or of one partner: those that are or were its own, as far as they are. A line that went from
 * one partner to another comes to nothing for all, and is a loss to the one and a gain to the other.
 */
function linesOf(partner: string): string {
  const own = (side: 'before' | 'after', value: string, other: string) =>
    partner === '' ? value : `case when partner_${side} = $1 then ${value} else ${other} end`;
  const [kpiBefore, kpiAfter] = [own('before', 'kpi_before', '0'), own('after', 'kpi_after', '0')];
  const [before, after] = [own('before', 'revenue_before', '0'), own('after', 'revenue_after', '0')];
  return `
    select cause, was, is_now, number, issue_date, customer_number, sku, file_name, file_sha256, row_no,
           partner_before, partner_after, location_before, location_after, month_before, month_after,
           type_before, type_after, class_before, class_after,
           ${own('before', 'units_before', '0')} as units_before, ${own('after', 'units_after', '0')} as units_after,
           ${kpiBefore} as kpi_before, ${kpiAfter} as kpi_after, ${kpiAfter} - ${kpiBefore} as kpi_change,
           ${before} as revenue_before, ${after} as revenue_after, ${after} - ${before} as revenue_change
    from line_change
    where ${partner === '' ? `$1 = ''` : '(partner_before = $1 or partner_after = $1)'}`;
}

const linesInOrder = (partner: string): string => `
  select cause, was, is_now, number as invoice, issue_date::text, customer_number, sku, file_name as file, row_no,
         partner_before, partner_after, location_before, location_after,
         to_char(month_before, 'YYYY-MM') as month_before, to_char(month_after, 'YYYY-MM') as month_after,
         type_before as omlp_type_before, type_after as omlp_type_after,
         class_before as kpi_class_before, class_after as kpi_class_after,
         trim_scale(units_before)::text as units_before, trim_scale(units_after)::text as units_after,
         trim_scale(kpi_before)::text as kpi_before, trim_scale(kpi_after)::text as kpi_after,
         trim_scale(kpi_change)::text as kpi_change, trim_scale(revenue_before)::text as revenue_before,
         trim_scale(revenue_after)::text as revenue_after, trim_scale(revenue_change)::text as revenue_change
  from (${linesOf(partner)}) as own
  order by coalesce(nullif(partner_after, ''), partner_before, '') collate "C", cause collate "C", number collate "C",
           issue_date, file_name collate "C", file_sha256 collate "C", row_no`;

type Read = Omit<LineChange, 'says'> & { readonly was: string | null; readonly is_now: string | null };

const told = ({ was, is_now, ...line }: Read): LineChange => ({
  ...line,
  says: causeText(line.cause, was, is_now),
});

/** Every changed line of a partner ('' = of all), as it comes. */
export async function* linesChanged(tx: Sql, partner = ''): AsyncGenerator<LineChange> {
  for await (const batch of tx.stream<Read>(linesInOrder(partner), [partner])) yield* batch.map(told);
}

export const cellsChanged = (tx: Sql, partner = ''): Promise<CellChange[]> =>
  tx.rows<CellChange>(
    `select partner_mpn_id as partner, to_char(kpi_month, 'YYYY-MM') as month, omlp_type,
            trim_scale(units_before)::text as units_before, trim_scale(units_after)::text as units_after,
            trim_scale(kpi_before)::text as kpi_before, trim_scale(kpi_after)::text as kpi_after,
            trim_scale(kpi_after - kpi_before)::text as kpi_change, trim_scale(revenue_before)::text as revenue_before,
            trim_scale(revenue_after)::text as revenue_after, trim_scale(revenue_after - revenue_before)::text as revenue_change
     from cell_change
     where $1 in ('', partner_mpn_id)
     order by partner_mpn_id collate "C", kpi_month, omlp_type collate "C"`,
    [partner],
  );

const levelsChanged = (tx: Sql, partner: string): Promise<LevelChange[]> =>
  tx.rows<LevelChange>(
    `select partner_mpn_id as partner, competency, over_window as "window", level_before as before, level_after as after
     from level_change
     where $1 in ('', partner_mpn_id)
     order by partner_mpn_id collate "C", competency collate "C", over_window collate "C"`,
    [partner],
  );

/** The figures that differ, without the lines: for a comparison that looked at no line. */
export async function figuresChanged(
  tx: Sql,
  partner = '',
): Promise<Omit<Changes, 'lines' | 'causes' | 'first'>> {
  const figures = await tx.one<Omit<Changes, 'lines' | 'causes' | 'levels' | 'first'>>(
    `select (select count(*) from (select partner_mpn_id from cell_change union select partner_mpn_id from level_change) as one
             where partner_mpn_id <> '' and $1 in ('', partner_mpn_id))::int as partners,
            (select count(*) from cell_change where $1 in ('', partner_mpn_id))::int as cells,
            trim_scale(coalesce(sum(kpi_value) filter (where side = 'before'), 0))::text as kpi_before,
            trim_scale(coalesce(sum(kpi_value) filter (where side = 'after'), 0))::text as kpi_after,
            trim_scale(coalesce(sum(revenue) filter (where side = 'before'), 0))::text as revenue_before,
            trim_scale(coalesce(sum(revenue) filter (where side = 'after'), 0))::text as revenue_after,
            trim_scale(coalesce(sum(case side when 'after' then kpi_value else -kpi_value end), 0))::text as kpi_change,
            trim_scale(coalesce(sum(case side when 'after' then revenue else -revenue end), 0))::text as revenue_change
     from side_cell
     where $1 in ('', partner_mpn_id)`,
    [partner],
  );
  return { ...figures, levels: await levelsChanged(tx, partner) };
}

/** All changes of a partner ('' = of all), with its first `first` lines. */
export async function changesOf(tx: Sql, first: number, partner = ''): Promise<Changes> {
  const causes = await tx.rows<CauseTotal>(
    `select cause, count(*)::int as lines, trim_scale(sum(kpi_change))::text as kpi_change,
            trim_scale(sum(revenue_change))::text as revenue_change
     from (${linesOf(partner)}) as own
     group by cause
     order by count(*) desc, cause collate "C"`,
    [partner],
  );
  const lines = await tx.rows<Read>(`${linesInOrder(partner)} limit $2`, [partner, first]);
  return {
    ...(await figuresChanged(tx, partner)),
    lines: causes.reduce((total, { lines }) => total + lines, 0),
    causes,
    first: lines.map(told),
  };
}
