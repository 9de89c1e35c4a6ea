-- One row inserted is one entry of a cycle's directory batch: a partner in a country, and what becomes of it against the
-- last submitted batch, as far as the directory shows it. Settings: lkp.cycle, lkp.cutoff, lkp.day (eligibility and
-- validity are read on it), lkp.deadline (the last day of a request that still joins), lkp.compared_with (a cycle, or '' for the first batch).
-- A request that came too late does not take down what is listed: the old entry stays until its turn comes.
-- The only row of the result: how many requests rolled over, and how many came from partners without an enrolment.
create temporary table directory_wish on commit drop as
with known as (
  select listing.partner_mpn_id, listing.country, listing.name, listing.url, listing.valid_to,
         greatest(listing.requested_on, listing.valid_from) > current_setting('lkp.deadline')::date   as is_late,
         coalesce(listing.valid_to <= current_setting('lkp.day')::date, false)                        as is_over
  from listing
  where listing.change_no <= current_setting('lkp.cutoff')::bigint
    and (listing.ended_no is null or listing.ended_no > current_setting('lkp.cutoff')::bigint)
), enrolled as (
  select distinct enrolment.partner_mpn_id
  from enrolment
  where enrolment.change_no <= current_setting('lkp.cutoff')::bigint
    and (enrolment.ended_no is null or enrolment.ended_no > current_setting('lkp.cutoff')::bigint)
    and enrolment.valid_from <= current_setting('lkp.day')::date
    and coalesce(enrolment.valid_to, 'infinity') > current_setting('lkp.day')::date
)
select known.*, enrolled.partner_mpn_id is not null as is_eligible
from known
left join enrolled on enrolled.partner_mpn_id = known.partner_mpn_id;

with before as (
  select shown.partner_mpn_id, shown.country, shown.name, shown.url
  from directory_shown(nullif(current_setting('lkp.compared_with'), '')) as shown
), on_time as (
  select directory_wish.partner_mpn_id, directory_wish.country, directory_wish.name, directory_wish.url
  from directory_wish
  where directory_wish.is_eligible and not directory_wish.is_late and not directory_wish.is_over
), kept as (
  select before.*
  from before
  where exists (select from directory_wish as wish
                where (wish.partner_mpn_id, wish.country) = (before.partner_mpn_id, before.country)
                  and wish.is_eligible)
    and not exists (select from directory_wish as wish
                    where (wish.partner_mpn_id, wish.country) = (before.partner_mpn_id, before.country)
                      and (wish.is_over or not wish.is_late))
), after as (
  select on_time.* from on_time
  union all
  select kept.* from kept
)
insert into directory_entry (cycle, partner_mpn_id, country, name, url, action)
select current_setting('lkp.cycle'),
       coalesce(after.partner_mpn_id, before.partner_mpn_id),
       coalesce(after.country, before.country),
       coalesce(after.name, before.name),
       coalesce(after.url, before.url),
       case when before.partner_mpn_id is null                             then 'added'
            when after.partner_mpn_id is null                              then 'removed'
            when (after.name, after.url) is distinct from (before.name, before.url) then 'changed'
            else 'unchanged' end
from after
full join before on (before.partner_mpn_id, before.country) = (after.partner_mpn_id, after.country);

select count(*) filter (where directory_wish.is_late and not directory_wish.is_over)::int as rolled_over,
       count(*) filter (where not directory_wish.is_late and not directory_wish.is_over
                          and not directory_wish.is_eligible)::int                        as not_eligible
from directory_wish;
