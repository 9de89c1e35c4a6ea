-- Recomputes the cells and control totals of the issue months in [lkp.from, lkp.to), as of lkp.cutoff, in one pass
-- over their lines. Other months are not read: cost follows what changed.
set local enable_nestloop = off;

create temporary table grouped on commit drop as
select kpi_line.issue_month, kpi_line.kpi_month, kpi_line.disposition, kpi_line.currency,
       kpi_line.location_mpn_id, kpi_line.omlp_type, kpi_line.kpi_class,
       count(*)                                        as lines,
       sum(kpi_line.amount)                            as amount,
       sum(kpi_line.units)                             as units,
       sum(kpi_line.kpi_value)                         as kpi_value,
       coalesce(sum(kpi_line.revenue), 0)              as revenue,
       count(*) filter (where kpi_line.amount = 0)     as zero_lines,
       count(*) filter (where kpi_line.revenue is null) as no_rate_lines
from kpi_line
where kpi_line.disposition <> 'quarantined'
group by 1, 2, 3, 4, 5, 6, 7;

delete from month_cell
where month_cell.issue_month >= current_setting('lkp.from')::date
  and month_cell.issue_month <  current_setting('lkp.to')::date;

insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class,
                        lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
select grouped.issue_month, grouped.kpi_month, grouped.location_mpn_id, grouped.omlp_type, grouped.kpi_class,
       sum(grouped.lines), sum(grouped.units), sum(grouped.kpi_value), sum(grouped.revenue),
       sum(grouped.zero_lines), sum(grouped.no_rate_lines)
from grouped
where grouped.disposition in ('counted', 'reversal')
group by 1, 2, 3, 4, 5;

delete from month_control
where month_control.issue_month >= current_setting('lkp.from')::date
  and month_control.issue_month <  current_setting('lkp.to')::date;

insert into month_control (issue_month, kpi_month, disposition, currency, rows, amount)
select grouped.issue_month, grouped.kpi_month, grouped.disposition, grouped.currency,
       sum(grouped.lines), sum(grouped.amount)
from grouped
group by 1, 2, 3, 4;

insert into month_built (issue_month, built_no, reporting_currency, lookback)
select months.month::date, current_setting('lkp.cutoff')::bigint,
       current_setting('lkp.reporting_currency'), current_setting('lkp.lookback')::int
from generate_series(current_setting('lkp.from')::timestamp,
                     current_setting('lkp.to')::timestamp - interval '1 day', interval '1 month') as months (month)
on conflict (issue_month) do update
set built_no = excluded.built_no, reporting_currency = excluded.reporting_currency, lookback = excluded.lookback;

drop table grouped;
set local enable_nestloop = on;
