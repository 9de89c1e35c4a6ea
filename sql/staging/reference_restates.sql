-- One row is one cycle that is final and whose figures the locations of the file change: on the last day of its window they
-- belong to another partner than is known now, and they have KPI in its newest revision. examples: the first of them.
with newest as (
  select snapshot.cycle, max(snapshot.revision) as revision
  from snapshot
  group by 1
), final as (
  select snapshot.cycle, snapshot.revision, snapshot.window_to
  from newest
  join snapshot using (cycle, revision)
), named as (
  select distinct staged_reference.location_mpn_id
  from staged_reference
  where staged_reference.rule is null
), moved as (
  select final.cycle, final.revision, final.window_to, named.location_mpn_id,
         current.partner_mpn_id as partner_before, staged.partner_mpn_id as partner_after
  from final
  cross join named
  left join location as current on current.location_mpn_id = named.location_mpn_id
                               and current.ended_no is null
                               and current.valid_from <= final.window_to
                               and coalesce(current.valid_to, 'infinity') > final.window_to
  left join staged_reference as staged on staged.location_mpn_id = named.location_mpn_id
                                      and staged.rule is null
                                      and staged.valid_from <= final.window_to
                                      and coalesce(staged.valid_to, 'infinity') > final.window_to
  where current.partner_mpn_id is distinct from staged.partner_mpn_id
)
select moved.cycle, moved.window_to, count(distinct moved.location_mpn_id)::int as locations,
       (array_agg(distinct moved.location_mpn_id || ' from ' || coalesce(moved.partner_before, 'no partner')
                  || ' to ' || coalesce(moved.partner_after, 'no partner')))[1:3] as examples
from moved
where exists (select from snapshot_cell
              where snapshot_cell.cycle = moved.cycle and snapshot_cell.revision = moved.revision
                and snapshot_cell.location_mpn_id = moved.location_mpn_id)
group by moved.cycle, moved.window_to
order by moved.cycle collate "C";
