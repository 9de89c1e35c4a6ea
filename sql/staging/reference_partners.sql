-- One row of `staged_reference` is one partner of the file, typed; `rule` says why its row is rejected.
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         tidy(reference_row.mpn_id)                  as partner_id,
         tidy(reference_row.name)                    as partner_name,
         coalesce(country.code, country_alias.code)  as country_code
  from reference_row
  left join country       on country.code = upper(tidy(reference_row.country))
  left join country_alias on country_alias.alias = upper(tidy(reference_row.country))
)
select typed.row_no,
       array[typed.partner_id] as key,
       typed.partner_id        as mpn_id,
       typed.partner_name      as name,
       typed.country_code      as country,
       typed.from_day          as valid_from,
       typed.to_day            as valid_to,
       case when typed.row_rule is not null  then typed.row_rule
            when typed.partner_id = ''       then 'partner-id-missing'
            when typed.partner_name = ''     then 'name-missing'
            when typed.country_code is null  then 'country-unknown'
            else typed.span_rule end         as rule,
       case when typed.row_rule is not null  then typed.row_seen
            when typed.partner_id = ''
              or typed.partner_name = ''     then null
            when typed.country_code is null  then tidy(typed.country)
            else typed.span_seen end         as seen
from typed;
