-- One row is a figure of a partner that differs between revision lkp.revision of lkp.cycle and the fresh_* tables.
with kept_cell as (
  select snapshot_cell.*
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
), kept as (
  select kept_cell.partner_mpn_id, sum(kept_cell.kpi_value) as kpi_value, sum(kept_cell.revenue) as revenue
  from kept_cell
  group by 1
), now as (
  select fresh_cell.partner_mpn_id, sum(fresh_cell.kpi_value) as kpi_value, sum(fresh_cell.revenue) as revenue
  from fresh_cell
  group by 1
), sides as (
  select 'kept' as side, partner_mpn_id, kpi_month, omlp_type, location_mpn_id, kpi_class, lines, units, kpi_value, revenue
  from kept_cell
  union all
  select 'now', partner_mpn_id, kpi_month, omlp_type, location_mpn_id, kpi_class, lines, units, kpi_value, revenue
  from fresh_cell
), cells as (
  -- a month and type of a partner: its sums, and its cells, which may differ where the sums do not
  select sides.side, sides.partner_mpn_id, sides.kpi_month, sides.omlp_type,
         format('%s lines, %s units, %s KPI, %s revenue', sum(sides.lines), trim_scale(sum(sides.units)),
                trim_scale(sum(sides.kpi_value)), trim_scale(sum(sides.revenue))) as sums,
         string_agg(format('%s %s: %s lines, %s units, %s KPI, %s revenue', sides.location_mpn_id, sides.kpi_class,
                           sides.lines, trim_scale(sides.units), trim_scale(sides.kpi_value), trim_scale(sides.revenue)),
                    '; ' order by sides.location_mpn_id collate "C", sides.kpi_class collate "C") as detail
  from sides
  group by 1, 2, 3, 4
), cell_kept as (
  select cells.* from cells where cells.side = 'kept'
), cell_now as (
  select cells.* from cells where cells.side = 'now'
), level_kept as (
  select snapshot_level.partner_mpn_id, snapshot_level.competency, snapshot_level.level
  from snapshot_level
  where snapshot_level.cycle = current_setting('lkp.cycle')
    and snapshot_level.revision = current_setting('lkp.revision')::int
), renewal_kept as (
  select snapshot_renewal.partner_mpn_id, snapshot_renewal.competency, snapshot_renewal.level
  from snapshot_renewal
  where snapshot_renewal.cycle = current_setting('lkp.cycle')
    and snapshot_renewal.revision = current_setting('lkp.revision')::int
), renewal_now as (
  -- revisions that were frozen before renewals were kept are not compared in them
  select fresh_renewal.partner_mpn_id, fresh_renewal.competency, fresh_renewal.level
  from fresh_renewal
  where exists (select from renewal_kept)
), asked as (
  select 'kept' as side, partner_mpn_id, competency, 'cycle' as over_window, level, position, requirement, figure, threshold, outcome
  from snapshot_requirement
  where cycle = current_setting('lkp.cycle') and revision = current_setting('lkp.revision')::int
  union all
  select 'kept', partner_mpn_id, competency, 'renewal', level, position, requirement, figure, threshold, outcome
  from snapshot_renewal_requirement
  where cycle = current_setting('lkp.cycle') and revision = current_setting('lkp.revision')::int
  union all
  select 'now', partner_mpn_id, competency, 'cycle', level, position, requirement, figure, threshold, outcome
  from fresh_requirement
  union all
  select 'now', partner_mpn_id, competency, 'renewal', level, position, requirement, figure, threshold, outcome
  from fresh_renewal_requirement
  where exists (select from renewal_kept)
), asked_text as (
  select asked.side, asked.partner_mpn_id, asked.competency, asked.over_window, asked.level, asked.position, asked.requirement,
         format('%s%s of %s (%s): %s of %s, %s', asked.requirement, case when asked.competency <> '' then ' ' || asked.competency end,
                asked.level, asked.over_window, coalesce(trim_scale(asked.figure)::text, 'nothing'),
                trim_scale(asked.threshold), asked.outcome) as says
  from asked
), asked_kept as (
  select asked_text.* from asked_text where asked_text.side = 'kept'
), asked_now as (
  select asked_text.* from asked_text where asked_text.side = 'now'
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
         concat_ws(' ', nullif(competency, ''),
                   case level_kept.level when '' then 'none' else coalesce(level_kept.level, 'not enrolled') end),
         concat_ws(' ', nullif(competency, ''),
                   case fresh_level.level when '' then 'none' else coalesce(fresh_level.level, 'not enrolled') end)
  from level_kept full join fresh_level using (partner_mpn_id, competency)
  where level_kept.level is distinct from fresh_level.level
  union all
  select 'renewal', partner_mpn_id,
         concat_ws(' ', nullif(competency, ''),
                   case renewal_kept.level when '' then 'none' else coalesce(renewal_kept.level, 'not enrolled') end),
         concat_ws(' ', nullif(competency, ''),
                   case renewal_now.level when '' then 'none' else coalesce(renewal_now.level, 'not enrolled') end)
  from renewal_kept full join renewal_now using (partner_mpn_id, competency)
  where renewal_kept.level is distinct from renewal_now.level
  union all
  select 'cells', partner_mpn_id,
         format('%s %s: %s', to_char(kpi_month, 'YYYY-MM'), omlp_type,
                coalesce(case when cell_kept.sums = cell_now.sums then cell_kept.detail else cell_kept.sums end, 'nothing')),
         format('%s %s: %s', to_char(kpi_month, 'YYYY-MM'), omlp_type,
                coalesce(case when cell_kept.sums = cell_now.sums then cell_now.detail else cell_now.sums end, 'nothing'))
  from cell_kept full join cell_now using (partner_mpn_id, kpi_month, omlp_type)
  where cell_kept.detail is distinct from cell_now.detail
), told as (
  select differences.* from differences
  union all
  -- what else a person reads, of partners of which nothing else differs: a trainer, an exam, a threshold
  select 'requirement', partner_mpn_id, coalesce(asked_kept.says, 'not asked'), coalesce(asked_now.says, 'not asked')
  from asked_kept full join asked_now using (partner_mpn_id, competency, over_window, level, position, requirement)
  where asked_kept.says is distinct from asked_now.says
    and not exists (select from differences where differences.partner = partner_mpn_id)
)
select what, partner, before, after
from told
order by partner collate "C", array_position(array['kpi', 'revenue', 'level', 'renewal', 'requirement', 'cells'], what), before collate "C",
         after collate "C";
