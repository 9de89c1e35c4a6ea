-- Computes what a snapshot of lkp.cycle would hold, into temporary tables fresh_*: cells, classes under their caps,
-- control totals. Settings: lkp.cutoff, lkp.window_from, lkp.window_to (last day), lkp.cycle_start (first day of the
-- cycle's month). Reads month_cell and month_control, never lines. Comes after windows.sql; levels.sql,
-- forecast.sql and content_hash.sql come after it.

-- Without nested loops: settings hide the row counts from the planner.
set local enable_nestloop = off;

create temporary table fresh_cell on commit drop as
select coalesce(partner_of.partner_mpn_id, '') as partner_mpn_id,
       month_cell.location_mpn_id, month_cell.kpi_month, month_cell.omlp_type, month_cell.kpi_class,
       sum(month_cell.lines)::int         as lines,
       sum(month_cell.units)              as units,
       sum(month_cell.kpi_value)          as kpi_value,
       sum(month_cell.revenue)            as revenue,
       sum(month_cell.zero_lines)::int    as zero_lines,
       sum(month_cell.no_rate_lines)::int as no_rate_lines
from month_cell
left join partner_of on partner_of.location_mpn_id = month_cell.location_mpn_id
where month_cell.kpi_month   >= current_setting('lkp.window_from')::date
  and month_cell.issue_month <  current_setting('lkp.cycle_start')::date
group by 1, 2, 3, 4, 5
-- a corrected invoice took it all back
having sum(month_cell.lines) <> 0;

-- One row is what a partner bought of one KPI class in one month, by the partner that each location belongs to on one of
-- the days on which windows are judged. Only what is visible in the cycle.
create temporary table fresh_partner_month on commit drop as
with days as (
  select distinct fresh_window.judged_on from fresh_window
), holder as (
  select days.judged_on, location.location_mpn_id, location.partner_mpn_id
  from days
  join location on location.change_no <= current_setting('lkp.cutoff')::bigint
               and (location.ended_no is null or location.ended_no > current_setting('lkp.cutoff')::bigint)
               and location.valid_from <= days.judged_on
               and coalesce(location.valid_to, 'infinity'::date) > days.judged_on
), bought as (
  select month_cell.location_mpn_id, month_cell.kpi_month, month_cell.kpi_class, sum(month_cell.lines) as lines,
         sum(month_cell.units) as units, sum(month_cell.kpi_value) as kpi_value, sum(month_cell.revenue) as revenue
  from month_cell
  where month_cell.kpi_month   >= (select min(fresh_window.window_from) from fresh_window)
    and month_cell.issue_month <  current_setting('lkp.cycle_start')::date
  group by 1, 2, 3
)
select days.judged_on, coalesce(holder.partner_mpn_id, '') as partner_mpn_id, bought.kpi_month, bought.kpi_class,
       sum(bought.lines) as lines, sum(bought.units) as units, sum(bought.kpi_value) as kpi_value,
       sum(bought.revenue) as revenue
from bought
cross join days
left join holder on holder.judged_on = days.judged_on and holder.location_mpn_id = bought.location_mpn_id
group by 1, 2, 3, 4;

-- One row is a partner's KPI of one class over one window: everybody's over the cycle's, and over the others those of
-- the partners that are judged over them.
create temporary table fresh_window_class on commit drop as
with wanted as (
  select fresh_window.no, fresh_window.window_from, fresh_window.window_to, fresh_window.judged_on, who.partner_mpn_id
  from fresh_window
  join (select fresh_judged.window_no, fresh_judged.partner_mpn_id from fresh_judged
        union
        select 1, fresh_partner_month.partner_mpn_id from fresh_partner_month) as who on who.window_no = fresh_window.no
), summed as (
  select wanted.no, wanted.partner_mpn_id, months.kpi_class,
         sum(months.units) as units, sum(months.kpi_value) as kpi_value, sum(months.revenue) as revenue
  from wanted
  join fresh_partner_month as months on months.partner_mpn_id = wanted.partner_mpn_id
                                    and months.judged_on = wanted.judged_on
                                    and months.kpi_month >= wanted.window_from
                                    and months.kpi_month <= wanted.window_to
  group by 1, 2, 3
  -- a corrected invoice took it all back
  having sum(months.lines) <> 0
), sampled as (
  -- lines of one window may take their weights from several rule sets
  select fresh_window.no, rule_weight.kpi_class, bool_or(rule_weight.sample) as sample
  from fresh_window
  join fresh_rule_set on fresh_rule_set.id = fresh_window.rule_set_id
                      or fresh_rule_set.valid_from <= fresh_window.judged_on
                         and coalesce(fresh_rule_set.valid_to, 'infinity'::date) > fresh_window.window_from
  join rule_weight on rule_weight.rule_set_id = fresh_rule_set.id
  group by 1, 2
)
select summed.no as window_no, summed.partner_mpn_id, coalesce(rule_weight.category, '') as category, summed.kpi_class,
       summed.units, summed.kpi_value, rule_weight.cap,
       -- what is held against a cap or a threshold is rounded once: three thirds of 10 decimals are 1
       least(round(summed.kpi_value, 6), rule_weight.cap)                     as counted,
       greatest(round(summed.kpi_value, 6) - rule_weight.cap, 0)              as above_cap,
       summed.revenue,
       coalesce(sampled.sample, false)                                        as sample
from summed
join fresh_window on fresh_window.no = summed.no
left join sampled on sampled.no = summed.no and sampled.kpi_class = summed.kpi_class
left join rule_weight on rule_weight.rule_set_id = fresh_window.rule_set_id and rule_weight.kpi_class = summed.kpi_class;

create temporary table fresh_class on commit drop as
select fresh_window_class.partner_mpn_id, fresh_window_class.category, fresh_window_class.kpi_class,
       fresh_window_class.units, fresh_window_class.kpi_value, fresh_window_class.cap, fresh_window_class.counted,
       fresh_window_class.above_cap, fresh_window_class.revenue, fresh_window_class.sample
from fresh_window_class
where fresh_window_class.window_no = 1;

create temporary table fresh_control on commit drop as
select control.disposition, coalesce(control.currency, '') as currency,
       sum(control.rows)::int as rows, coalesce(sum(control.amount), 0) as amount
from (
  select file_total.held as disposition, file_total.currency, file_total.rows, file_total.amount
  from file_total
  where file_total.held <> 'line'
    and file_total.change_no <= current_setting('lkp.cutoff')::bigint
  union all
  select case when month_control.disposition not in ('counted', 'reversal')                  then month_control.disposition
              when month_control.issue_month >= current_setting('lkp.cycle_start')::date   then 'not-yet-visible'
              when month_control.kpi_month   <  current_setting('lkp.window_from')::date   then 'outside-window'
              else month_control.disposition end,
         month_control.currency, month_control.rows, month_control.amount
  from month_control
  -- what a 384 takes back, it takes back from its own month on
  where not (month_control.takes_back and month_control.issue_month >= current_setting('lkp.cycle_start')::date)
) as control
group by 1, 2
having sum(control.rows) <> 0;

set local enable_nestloop = on;
