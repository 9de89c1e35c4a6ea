-- One row is a partner and one of its enrolments in revision lkp.revision of lkp.cycle: level, figures, the nearest
-- level not yet reached and what is missing for it, the change since lkp.before_cycle (empty: there is none), the level over
-- the renewal window, and what leaves the window with the next cycle, lkp.next_cycle (null: frozen before they were kept).
-- Reads the temporary table partner_name of marts/report.sql.
-- Without nested loops: settings hide the row counts from the planner, and 1,000 partners took more than 9 minutes.
set local enable_nestloop = off;

with figures as (
  select snapshot_cell.cycle, snapshot_cell.partner_mpn_id,
         sum(snapshot_cell.kpi_value) as kpi_value, sum(snapshot_cell.revenue) as revenue
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle') and snapshot_cell.revision = current_setting('lkp.revision')::int
     or snapshot_cell.cycle = current_setting('lkp.before_cycle')
        and snapshot_cell.revision = current_setting('lkp.before_revision')::int
  group by 1, 2
), levels as (
  select snapshot_level.*
  from snapshot_level
  where snapshot_level.cycle = current_setting('lkp.cycle') and snapshot_level.revision = current_setting('lkp.revision')::int
), asked as (
  select snapshot_requirement.*,
         bool_and(snapshot_requirement.outcome in ('met', 'waived'))
           over (partition by snapshot_requirement.partner_mpn_id, snapshot_requirement.competency,
                              snapshot_requirement.level) as level_met
  from snapshot_requirement
  where snapshot_requirement.cycle = current_setting('lkp.cycle')
    and snapshot_requirement.revision = current_setting('lkp.revision')::int
), reached as (
  select levels.partner_mpn_id, levels.competency, coalesce(min(asked.level_rank), 1000) as level_rank
  from levels
  left join asked on asked.partner_mpn_id = levels.partner_mpn_id and asked.competency = levels.competency
                 and asked.level = levels.level
  group by 1, 2
), next_level as (
  -- the lowest level that stands above the one reached
  select distinct on (asked.partner_mpn_id, asked.competency)
         asked.partner_mpn_id, asked.competency, asked.level, asked.level_rank
  from asked
  join reached on reached.partner_mpn_id = asked.partner_mpn_id and reached.competency = asked.competency
  where not asked.level_met
    and asked.level_rank < reached.level_rank
  order by asked.partner_mpn_id, asked.competency, asked.level_rank desc
), missing as (
  select next_level.partner_mpn_id, next_level.competency, next_level.level,
         coalesce(sum(asked.threshold - asked.figure) filter (where asked.measure = 'kpi' and asked.outcome = 'not met'), 0) as kpi,
         array_agg(asked.requirement order by asked.position)
           filter (where asked.measure <> 'kpi' and asked.outcome not in ('met', 'waived')) as other_unmet
  from next_level
  join asked on asked.partner_mpn_id = next_level.partner_mpn_id and asked.competency = next_level.competency
            and asked.level = next_level.level
  group by 1, 2, 3
)
select partner_name.mpn_id, partner_name.name, partner_name.country,
       levels.learning_option, levels.competency, levels.anniversary_date as anniversary, levels.level,
       trim_scale(coalesce(now.kpi_value, 0))::text as kpi_value, coalesce(now.revenue, 0)::text as revenue,
       missing.level as next_level, trim_scale(missing.kpi)::text as missing_kpi,
       coalesce(missing.other_unmet, '{}') as other_unmet,
       level_before.level as level_before,
       case when current_setting('lkp.before_cycle') <> ''
            then trim_scale(coalesce(now.kpi_value, 0) - coalesce(before.kpi_value, 0))::text end as kpi_change,
       renewal.anniversary as renewal, renewal.level as renewal_level, renewal.provisional,
       case when frozen.content_version > 1 then trim_scale(coalesce(leaving.leaves_kpi, 0))::text end as leaves_next
from partner_name
left join levels on levels.partner_mpn_id = partner_name.mpn_id
left join figures as now on now.partner_mpn_id = partner_name.mpn_id and now.cycle = current_setting('lkp.cycle')
left join figures as before on before.partner_mpn_id = partner_name.mpn_id
                           and before.cycle = current_setting('lkp.before_cycle')
left join missing on missing.partner_mpn_id = partner_name.mpn_id and missing.competency = levels.competency
left join snapshot_level as level_before on level_before.cycle = current_setting('lkp.before_cycle')
                                        and level_before.revision = current_setting('lkp.before_revision')::int
                                        and level_before.partner_mpn_id = partner_name.mpn_id
                                        and level_before.competency = levels.competency
left join snapshot as frozen on frozen.cycle = current_setting('lkp.cycle')
                            and frozen.revision = current_setting('lkp.revision')::int
left join snapshot_renewal as renewal on renewal.cycle = current_setting('lkp.cycle')
                                     and renewal.revision = current_setting('lkp.revision')::int
                                     and renewal.partner_mpn_id = partner_name.mpn_id
                                     and renewal.competency = levels.competency
left join snapshot_forecast as leaving on leaving.cycle = current_setting('lkp.cycle')
                                      and leaving.revision = current_setting('lkp.revision')::int
                                      and leaving.partner_mpn_id = partner_name.mpn_id
                                      and leaving.category = '' and leaving.ahead = current_setting('lkp.next_cycle')
order by partner_name.mpn_id collate "C", levels.competency collate "C";
