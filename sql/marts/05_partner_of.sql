-- view: one row is one location's partner on lkp.window_to, as of lkp.cutoff: after a merge all twelve months follow the
-- location.
create view partner_of as
select location.location_mpn_id, location.partner_mpn_id
from location
where location.change_no <= current_setting('lkp.cutoff')::bigint
  and (location.ended_no is null or location.ended_no > current_setting('lkp.cutoff')::bigint)
  and location.valid_from <= current_setting('lkp.window_to')::date
  and coalesce(location.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date;
