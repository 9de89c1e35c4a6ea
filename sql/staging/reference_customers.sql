-- One row of `staged_reference` is one customer number of the file, typed; `rule` says why its row is rejected.
-- Customer numbers are normalised as the lines of invoices are: trimmed and in upper case.
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         coalesce(nullif(replace(lower(tidy(reference_row.program)), ' ', '-'), ''), 'marketplace') as channel,
         upper(tidy(reference_row.customer_number))  as number,
         tidy(reference_row.location_mpn_id)         as location_id
  from reference_row
)
select typed.row_no,
       array[typed.channel, typed.number] as key,
       typed.channel                      as source,
       typed.number                       as customer_number,
       typed.location_id                  as location_mpn_id,
       typed.from_day                     as valid_from,
       typed.to_day                       as valid_to,
       case when typed.row_rule is not null  then typed.row_rule
            when typed.number = ''           then 'customer-number-missing'
            when typed.location_id = ''      then 'location-id-missing'
            when typed.channel not in ('marketplace', 'certification-provider') then 'program-unknown'
            else typed.span_rule end         as rule,
       case when typed.row_rule is not null  then typed.row_seen
            when typed.number = ''
              or typed.location_id = ''      then null
            when typed.channel not in ('marketplace', 'certification-provider') then tidy(typed.program)
            else typed.span_seen end         as seen
from typed;
