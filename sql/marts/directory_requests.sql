-- One row is one request of one partner for a place in the directory, as known now, and how it stands to a cycle.
-- Settings: lkp.partner, lkp.day, lkp.deadline, lkp.cutoff ('' before the batch is assembled).
select listing.country, country.name as country_name, listing.name, listing.url, listing.requested_on, listing.valid_to,
       greatest(listing.requested_on, listing.valid_from)                                            as joins_on,
       greatest(listing.requested_on, listing.valid_from) > current_setting('lkp.deadline')::date    as is_late,
       coalesce(listing.valid_to <= current_setting('lkp.day')::date, false)                         as is_over,
       listing.change_no > nullif(current_setting('lkp.cutoff'), '')::bigint                         as learned_later,
       change.known_at
from listing
join country on country.code = listing.country
join change  on change.no = listing.change_no
where listing.partner_mpn_id = current_setting('lkp.partner')
  and listing.ended_no is null
order by listing.country collate "C", listing.valid_from;
