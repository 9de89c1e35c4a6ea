-- fail: a row is a cell whose difference between the two sides of a comparison is not the sum of what its lines differ by,
-- in lines, units, KPI or revenue. The cells come from month_cell (what a 384 takes back is a negative cell), or were
-- frozen with a revision; the lines from the views, as each side's report shows them.
with from_lines as (
  select moved.partner_mpn_id, moved.location_mpn_id, moved.kpi_month, moved.omlp_type, moved.kpi_class,
         sum(moved.lines) as lines, sum(moved.units) as units, sum(moved.kpi_value) as kpi_value, sum(moved.revenue) as revenue
  from (
    select partner_before as partner_mpn_id, location_before as location_mpn_id, month_before as kpi_month,
           type_before as omlp_type, class_before as kpi_class, -1 as lines, -units_before as units,
           -kpi_before as kpi_value, -revenue_before as revenue
    from line_change
    where line_change.counted_before
    union all
    select partner_after, location_after, month_after, type_after, class_after, 1, units_after, kpi_after, revenue_after
    from line_change
    where line_change.counted_after
  ) as moved
  group by 1, 2, 3, 4, 5
), from_cells as (
  select side_cell.partner_mpn_id, side_cell.location_mpn_id, side_cell.kpi_month, side_cell.omlp_type, side_cell.kpi_class,
         sum(side_cell.lines * sign.sign) as lines, sum(side_cell.units * sign.sign) as units,
         sum(side_cell.kpi_value * sign.sign) as kpi_value, sum(side_cell.revenue * sign.sign) as revenue
  from side_cell
  join (values ('before', -1), ('after', 1)) as sign (side, sign) on sign.side = side_cell.side
  group by 1, 2, 3, 4, 5
)
select partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class,
       from_lines.lines as lines_by_line, from_cells.lines as lines_by_cell,
       from_lines.kpi_value as kpi_by_line, from_cells.kpi_value as kpi_by_cell,
       from_lines.revenue as revenue_by_line, from_cells.revenue as revenue_by_cell
from from_lines
full join from_cells using (partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class)
where (coalesce(from_lines.lines, 0), coalesce(from_lines.units, 0), coalesce(from_lines.kpi_value, 0),
       coalesce(from_lines.revenue, 0))
      is distinct from
      (coalesce(from_cells.lines, 0), coalesce(from_cells.units, 0), coalesce(from_cells.kpi_value, 0),
       coalesce(from_cells.revenue, 0))
order by partner_mpn_id collate "C", location_mpn_id collate "C", kpi_month, omlp_type collate "C", kpi_class collate "C";
