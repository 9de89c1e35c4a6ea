-- Compares the figures of the two sides of a comparison, in temporary tables:
--   cell_change   one row is one month and OMLP type of a partner whose figures differ;
--   level_change  one row is one enrolment whose level differs, over the cycle's window or the renewal's; null: not enrolled.
--                 Revisions that were frozen before renewals were kept have none, and are not compared in them.
create temporary table cell_change on commit drop as
with summed as (
  select side_cell.side, side_cell.partner_mpn_id, side_cell.kpi_month, side_cell.omlp_type, sum(side_cell.lines) as lines,
         sum(side_cell.units) as units, sum(side_cell.kpi_value) as kpi_value, sum(side_cell.revenue) as revenue,
         string_agg(row(side_cell.location_mpn_id, side_cell.kpi_class, side_cell.lines, trim_scale(side_cell.units),
                        trim_scale(side_cell.kpi_value), trim_scale(side_cell.revenue))::text, ' '
                    order by side_cell.location_mpn_id collate "C", side_cell.kpi_class collate "C") as detail
  from side_cell
  group by 1, 2, 3, 4
), before as (
  select summed.* from summed where summed.side = 'before'
), after as (
  select summed.* from summed where summed.side = 'after'
)
select partner_mpn_id, kpi_month, omlp_type,
       coalesce(before.units, 0) as units_before,         coalesce(after.units, 0) as units_after,
       coalesce(before.kpi_value, 0) as kpi_before,       coalesce(after.kpi_value, 0) as kpi_after,
       coalesce(before.revenue, 0) as revenue_before,     coalesce(after.revenue, 0) as revenue_after
from before
full join after using (partner_mpn_id, kpi_month, omlp_type)
where before.detail is distinct from after.detail;

create temporary table level_change on commit drop as
with kept as (
  select side_level.over_window
  from side_level
  group by 1
  having count(distinct side_level.side) = 2 or side_level.over_window = 'cycle'
), before as (
  select side_level.* from side_level join kept using (over_window) where side_level.side = 'before'
), after as (
  select side_level.* from side_level join kept using (over_window) where side_level.side = 'after'
)
select over_window, partner_mpn_id, competency, before.level as level_before, after.level as level_after
from before
full join after using (over_window, partner_mpn_id, competency)
where before.level is distinct from after.level;
