-- One row updated is one location of the file that would stand below itself: its partner is a location whose partner, or
-- that one's, and so on, is this location, all at one time. Looks at the file's good rows and at the current locations that
-- the file does not name. A location that is its own partner (a partner with one site) is no loop.
with recursive edge as (
  select staged_reference.location_mpn_id, staged_reference.partner_mpn_id, staged_reference.valid_from,
         coalesce(staged_reference.valid_to, 'infinity') as valid_to
  from staged_reference
  where staged_reference.rule is null
    and staged_reference.location_mpn_id <> staged_reference.partner_mpn_id
  union all
  select location.location_mpn_id, location.partner_mpn_id, location.valid_from, coalesce(location.valid_to, 'infinity')
  from location
  where location.ended_no is null
    and location.location_mpn_id <> location.partner_mpn_id
    and not exists (select from staged_reference
                    where staged_reference.location_mpn_id = location.location_mpn_id
                      and staged_reference.rule is null)
), walk as (
  select staged_reference.ctid as at, staged_reference.location_mpn_id as began, staged_reference.partner_mpn_id as reached,
         staged_reference.valid_from, coalesce(staged_reference.valid_to, 'infinity') as valid_to,
         staged_reference.location_mpn_id || ' -> ' || staged_reference.partner_mpn_id as path,
         array[staged_reference.location_mpn_id, staged_reference.partner_mpn_id] as passed
  from staged_reference
  where staged_reference.rule is null
    and staged_reference.location_mpn_id <> staged_reference.partner_mpn_id
  union all
  select walk.at, walk.began, edge.partner_mpn_id, greatest(walk.valid_from, edge.valid_from),
         least(walk.valid_to, edge.valid_to), walk.path || ' -> ' || edge.partner_mpn_id, walk.passed || edge.partner_mpn_id
  from walk
  join edge on edge.location_mpn_id = walk.reached
           and edge.valid_from < walk.valid_to
           and edge.valid_to > walk.valid_from
  where walk.reached <> walk.began
    -- a loop further up is told of its own rows
    and (edge.partner_mpn_id = walk.began or edge.partner_mpn_id <> all (walk.passed))
), looping as (
  select walk.at, min(walk.path) as path
  from walk
  where walk.reached = walk.began
  group by walk.at
)
update staged_reference set rule = 'hierarchy-loop', seen = looping.path
from looping
where staged_reference.ctid = looping.at;
