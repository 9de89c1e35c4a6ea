-- One row of `staged_reference` is one directory listing that a partner asked for, typed; `rule` says why its row is
-- rejected. A URL is http(s)://host with an optional port, path, query: no user name, no white space.
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         tidy(reference_row.partner_mpn_id)          as partner_id,
         coalesce(country.code, country_alias.code)  as country_code,
         tidy(reference_row.name)                    as shown_name,
         tidy(reference_row.url)                     as address,
         iso_day(reference_row.requested_on)         as requested
  from reference_row
  left join country       on country.code = upper(tidy(reference_row.country))
  left join country_alias on country_alias.alias = upper(tidy(reference_row.country))
), checked as (
  select typed.*,
         typed.address ~* '^https?://([^][\s/?#@:\\%"<>]+|\[[0-9a-f:.]+\])(:\d{1,5})?([/?#]\S*)?$' as address_usable
  from typed
)
select checked.row_no,
       array[checked.partner_id, checked.country_code] as key,
       checked.partner_id    as partner_mpn_id,
       checked.country_code  as country,
       checked.shown_name    as name,
       checked.address       as url,
       checked.requested     as requested_on,
       checked.from_day      as valid_from,
       checked.to_day        as valid_to,
       case when checked.row_rule is not null  then checked.row_rule
            when checked.partner_id = ''       then 'partner-id-missing'
            when checked.country_code is null  then 'country-unknown'
            when checked.shown_name = ''       then 'name-missing'
            when not checked.address_usable    then 'url-unusable'
            when checked.requested is null     then 'requested-on-unreadable'
            else checked.span_rule end         as rule,
       case when checked.row_rule is not null  then checked.row_seen
            when checked.partner_id = ''       then null
            when checked.country_code is null  then tidy(checked.country)
            when checked.shown_name = ''       then null
            when not checked.address_usable    then left(checked.address, 200)
            when checked.requested is null     then tidy(checked.requested_on)
            else checked.span_seen end         as seen
from checked;
