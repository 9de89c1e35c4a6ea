-- fail: a row is a partner whose lines do not add up to the cells frozen in revision lkp.revision of lkp.cycle: a
-- workbook must never show other figures than its snapshot. Only the partners that are wanted (marts/report.sql).
with lines as (
  select report_line.partner_mpn_id, count(*) as lines, sum(report_line.kpi_value::numeric) as kpi_value,
         coalesce(sum(report_line.revenue::numeric), 0) as revenue
  from report_line
  group by 1
), cells as (
  select snapshot_cell.partner_mpn_id, sum(snapshot_cell.lines) as lines, sum(snapshot_cell.kpi_value) as kpi_value,
         sum(snapshot_cell.revenue) as revenue
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
    and snapshot_cell.partner_mpn_id in (select wanted.mpn_id from wanted)
  group by 1
)
select partner_mpn_id, lines.lines as lines_shown, cells.lines as lines_frozen,
       lines.kpi_value as kpi_shown, cells.kpi_value as kpi_frozen,
       lines.revenue as revenue_shown, cells.revenue as revenue_frozen
from lines
full join cells using (partner_mpn_id)
where lines.lines is distinct from cells.lines
   or lines.kpi_value is distinct from cells.kpi_value
   or lines.revenue is distinct from cells.revenue
order by partner_mpn_id collate "C";
