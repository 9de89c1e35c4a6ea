-- One row is one partner or location that good rows of the file name and that no current reference data knows.
-- `location_of` is the partner of which it is a location: a location has a partner above it, and no location.
-- Settings: lkp.names (the column of staged_reference), lkp.of (partner or location).
with named as (
  select to_jsonb(staged_reference) ->> current_setting('lkp.names') as mpn_id, count(*)::int as rows
  from staged_reference
  where staged_reference.rule is null
  group by 1
)
select named.mpn_id, named.rows, above.partner_mpn_id as location_of
from named
cross join lateral (
  select min(location.partner_mpn_id collate "C") as partner_mpn_id
  from location
  where location.location_mpn_id = named.mpn_id
    and location.partner_mpn_id <> named.mpn_id
    and location.ended_no is null
) above
where case current_setting('lkp.of')
      when 'partner' then not exists (
        select from partner where partner.mpn_id = named.mpn_id and partner.ended_no is null)
      else not exists (
        select from location where location.location_mpn_id = named.mpn_id and location.ended_no is null) end
order by named.mpn_id collate "C";
