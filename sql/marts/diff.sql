-- One row is a figure of a partner that differs between revision lkp.revision of lkp.cycle and the fresh_* tables.
with kept as (
  select snapshot_cell.partner_mpn_id, sum(snapshot_cell.kpi_value) as kpi_value, sum(snapshot_cell.revenue) as revenue
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
  group by 1
), now as (
  select fresh_cell.partner_mpn_id, sum(fresh_cell.kpi_value) as kpi_value, sum(fresh_cell.revenue) as revenue
  from fresh_cell
  group by 1
), level_kept as (
  select snapshot_level.partner_mpn_id, snapshot_level.competency, snapshot_level.level
  from snapshot_level
  where snapshot_level.cycle = current_setting('lkp.cycle')
    and snapshot_level.revision = current_setting('lkp.revision')::int
), differences as (
  select 'kpi' as what, partner_mpn_id as partner, trim_scale(coalesce(kept.kpi_value, 0))::text as before,
         trim_scale(coalesce(now.kpi_value, 0))::text as after
  from kept full join now using (partner_mpn_id)
  where coalesce(kept.kpi_value, 0) <> coalesce(now.kpi_value, 0)
  union all
  select 'revenue', partner_mpn_id, trim_scale(coalesce(kept.revenue, 0))::text, trim_scale(coalesce(now.revenue, 0))::text
  from kept full join now using (partner_mpn_id)
  where coalesce(kept.revenue, 0) <> coalesce(now.revenue, 0)
  union all
  select 'level', partner_mpn_id,
         concat_ws(' ', nullif(competency, ''), coalesce(nullif(level_kept.level, ''), 'none')),
         concat_ws(' ', nullif(competency, ''), coalesce(nullif(fresh_level.level, ''), 'none'))
  from level_kept full join fresh_level using (partner_mpn_id, competency)
  where level_kept.level is distinct from fresh_level.level
)
select what, partner, before, after
from differences
order by partner collate "C", what collate "C", before collate "C";
