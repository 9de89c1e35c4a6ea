-- One row of `staged_reference` is one enrolment of the file, typed; `rule` says why its row is rejected.
-- A blank competency is an enrolment that hangs on the partner (the Action Pack).
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         tidy(reference_row.partner_mpn_id)       as partner_id,
         tidy(reference_row.learning_option)      as option_name,
         tidy(reference_row.competency)           as competency_name,
         iso_day(reference_row.anniversary_date)  as anniversary
  from reference_row
)
select typed.row_no,
       array[typed.partner_id, typed.competency_name] as key,
       typed.partner_id       as partner_mpn_id,
       typed.option_name      as learning_option,
       typed.competency_name  as competency,
       typed.anniversary      as anniversary_date,
       typed.from_day         as valid_from,
       typed.to_day           as valid_to,
       case when typed.row_rule is not null  then typed.row_rule
            when typed.partner_id = ''       then 'partner-id-missing'
            when typed.option_name = ''      then 'learning-option-missing'
            when typed.anniversary is null   then 'anniversary-date-unreadable'
            else typed.span_rule end         as rule,
       case when typed.row_rule is not null  then typed.row_seen
            when typed.partner_id = ''
              or typed.option_name = ''      then null
            when typed.anniversary is null   then tidy(typed.anniversary_date)
            else typed.span_seen end         as seen
from typed;
