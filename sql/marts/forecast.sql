-- One row of fresh_forecast is one partner's category ('' = all) in one of the 12 cycles to come, from known invoices
-- only: also from those that are not yet visible, from the cycle on in which they will be. Partners, caps and categories
-- are those of lkp.cycle. Reads month_cell and the tables of windows.sql. Rows that only say 0 are left out.
-- Without nested loops: settings hide the row counts from the planner.
set local enable_nestloop = off;

create temporary table fresh_forecast on commit drop as
with ahead as (
  select months.start::date as starts, (months.start - interval '12 months')::date as window_from,
         (months.start - interval '1 month')::date as last_month
  from generate_series(current_setting('lkp.cycle_start')::timestamp + interval '1 month',
                       current_setting('lkp.cycle_start')::timestamp + interval '12 months', interval '1 month') as months (start)
), known as (
  -- whatever shows in the cycle counts as of the newest month that does
  select partner_of.partner_mpn_id, month_cell.kpi_class, month_cell.kpi_month,
         greatest(month_cell.issue_month, date_trunc('month', current_setting('lkp.window_to')::timestamp)::date) as issue_month,
         sum(month_cell.units) as units, sum(month_cell.kpi_value) as kpi_value, sum(month_cell.revenue) as revenue
  from month_cell
  join partner_of on partner_of.location_mpn_id = month_cell.location_mpn_id
  where month_cell.kpi_month >= current_setting('lkp.window_from')::date
  group by 1, 2, 3, 4
), by_class as (
  select known.partner_mpn_id, known.kpi_class, ahead.starts,
         coalesce(sum(known.units)     filter (where is_in.window_now), 0) as units,
         coalesce(sum(known.kpi_value) filter (where is_in.window_now), 0) as kpi_value,
         coalesce(sum(known.revenue)   filter (where is_in.window_now), 0) as revenue,
         coalesce(sum(known.kpi_value) filter (where not is_in.window_now), 0) as leaves_kpi,
         coalesce(sum(known.revenue)   filter (where not is_in.window_now), 0) as leaves_revenue,
         coalesce(sum(known.kpi_value) filter (where known.issue_month = ahead.last_month), 0) as enters_kpi,
         coalesce(sum(known.revenue)   filter (where known.issue_month = ahead.last_month), 0) as enters_revenue
  from known
  cross join ahead
  cross join lateral (select known.kpi_month >= ahead.window_from) as is_in (window_now)
  -- in the cycle's window; or the month that left it, as far as the cycle before showed it
  where is_in.window_now and known.issue_month < ahead.starts
     or known.kpi_month = ahead.window_from - interval '1 month' and known.issue_month < ahead.last_month
  group by 1, 2, 3
), counted as (
  select by_class.*, rule_weight.category,
         least(round(by_class.kpi_value, 6), rule_weight.cap) as counted
  from by_class
  join fresh_window on fresh_window.no = 1
  left join rule_weight on rule_weight.rule_set_id = fresh_window.rule_set_id and rule_weight.kpi_class = by_class.kpi_class
)
select counted.partner_mpn_id, case when grouping(counted.category) = 1 then '' else counted.category end as category,
       to_char(counted.starts, 'YYYY-MM') as ahead,
       sum(counted.leaves_kpi) as leaves_kpi, sum(counted.leaves_revenue) as leaves_revenue,
       sum(counted.enters_kpi) as enters_kpi, sum(counted.enters_revenue) as enters_revenue,
       sum(counted.kpi_value) as kpi_value, sum(counted.counted) as counted,
       round(sum(counted.units), 6) as units, sum(counted.revenue) as revenue
from counted
group by grouping sets ((1, 3, counted.category), (1, 3))
having (grouping(counted.category) = 1 or counted.category <> '')
   and (sum(counted.kpi_value) <> 0 or sum(counted.counted) <> 0 or sum(counted.units) <> 0 or sum(counted.revenue) <> 0
     or sum(counted.leaves_kpi) <> 0 or sum(counted.leaves_revenue) <> 0
     or sum(counted.enters_kpi) <> 0 or sum(counted.enters_revenue) <> 0);

set local enable_nestloop = on;
