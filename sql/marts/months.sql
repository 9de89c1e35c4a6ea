-- Recomputes the cells and control totals of the issue months in [lkp.from, lkp.to), as of lkp.cutoff, in one pass
-- over their lines. Other months are not read: cost follows what changed. What waits by what is stored is in file_total; a
-- credit that waits for its invoice is not stored as waiting, and is counted here.
set local enable_nestloop = off;
-- Joins and groups by hashing: of an estimate that is off, the planner sorts all lines on disk (with these two: 0.6 of the time).
set local enable_mergejoin = off;
set local enable_sort = off;

create temporary table grouped on commit drop as
select kpi_line.issue_month, kpi_line.kpi_month, kpi_line.disposition, kpi_line.currency,
       kpi_line.location_mpn_id, kpi_line.omlp_type, kpi_line.kpi_class, false as takes_back,
       count(*)                                        as lines,
       sum(kpi_line.amount)                            as amount,
       sum(kpi_line.units)                             as units,
       sum(kpi_line.kpi_value)                         as kpi_value,
       coalesce(sum(kpi_line.revenue), 0)              as revenue,
       count(*) filter (where kpi_line.amount = 0)     as zero_lines,
       count(*) filter (where kpi_line.revenue is null) as no_rate_lines
from kpi_line
where not kpi_line.waits_stored
group by 1, 2, 3, 4, 5, 6, 7;

-- A 384 of these months takes back, in its own issue month, what the invoice that it replaces brought in an earlier
-- one: cells stay sums, and no other month changes. The view is asked for the months of those invoices.
select set_config('lkp.issue_from', current_setting('lkp.from'), true),
       set_config('lkp.issue_to', current_setting('lkp.to'), true);
select set_config('lkp.from', coalesce(min(replaced.issue_date), 'infinity')::text, true),
       set_config('lkp.to', coalesce(max(replaced.issue_date) + 1, 'infinity')::text, true)
from correction_chain
join document as replaced on replaced.id = correction_chain.replaces_id
where correction_chain.corrected_on >= current_setting('lkp.issue_from')::date
  and correction_chain.corrected_on <  current_setting('lkp.issue_to')::date;

insert into grouped
select date_trunc('month', kpi_line.corrected_on::timestamp)::date, kpi_line.kpi_month, side.disposition, kpi_line.currency,
       kpi_line.location_mpn_id, kpi_line.omlp_type, kpi_line.kpi_class, true,
       side.sign * count(*), side.sign * sum(kpi_line.amount),
       side.sign * sum(kpi_line.units), side.sign * sum(kpi_line.kpi_value), side.sign * coalesce(sum(kpi_line.revenue), 0),
       side.sign * count(*) filter (where kpi_line.amount = 0),
       side.sign * count(*) filter (where kpi_line.revenue is null)
from kpi_line
cross join lateral (values (kpi_line.disposition, -1), ('superseded', 1)) as side (disposition, sign)
where not kpi_line.waits_stored
  and kpi_line.corrected_on >= current_setting('lkp.issue_from')::date
  and kpi_line.corrected_on <  current_setting('lkp.issue_to')::date
group by 1, 2, 3, 4, 5, 6, 7, side.sign;

select set_config('lkp.from', current_setting('lkp.issue_from'), true),
       set_config('lkp.to', current_setting('lkp.issue_to'), true);

delete from month_cell
where month_cell.issue_month >= current_setting('lkp.from')::date
  and month_cell.issue_month <  current_setting('lkp.to')::date;

insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, takes_back,
                        lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
select grouped.issue_month, grouped.kpi_month, grouped.location_mpn_id, grouped.omlp_type, grouped.kpi_class,
       grouped.takes_back, sum(grouped.lines), sum(grouped.units), sum(grouped.kpi_value), sum(grouped.revenue),
       sum(grouped.zero_lines), sum(grouped.no_rate_lines)
from grouped
where grouped.disposition in ('counted', 'reversal')
group by 1, 2, 3, 4, 5, 6;

delete from month_control
where month_control.issue_month >= current_setting('lkp.from')::date
  and month_control.issue_month <  current_setting('lkp.to')::date;

insert into month_control (issue_month, kpi_month, disposition, currency, takes_back, rows, amount)
select grouped.issue_month, grouped.kpi_month, grouped.disposition, grouped.currency, grouped.takes_back,
       sum(grouped.lines), sum(grouped.amount)
from grouped
group by 1, 2, 3, 4, 5;

insert into month_built (issue_month, built_no, reporting_currency, lookback)
select months.month::date, current_setting('lkp.cutoff')::bigint,
       current_setting('lkp.reporting_currency'), current_setting('lkp.lookback')::int
from generate_series(current_setting('lkp.from')::timestamp,
                     current_setting('lkp.to')::timestamp - interval '1 day', interval '1 month') as months (month)
on conflict (issue_month) do update
set built_no = excluded.built_no, reporting_currency = excluded.reporting_currency, lookback = excluded.lookback;

drop table grouped;
set local enable_sort = on;
set local enable_mergejoin = on;
set local enable_nestloop = on;
