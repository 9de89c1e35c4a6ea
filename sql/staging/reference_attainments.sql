-- One row of `staged_reference` is one attained figure of the file, typed; `rule` says why its row is rejected.
-- A blank competency is a figure that holds for the partner as a whole.
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         tidy(reference_row.partner_mpn_id)        as partner_id,
         tidy(reference_row.competency)            as competency_name,
         lower(tidy(reference_row.measure))        as measure_name,
         trim_scale(plain_number(reference_row.value)) as figure
  from reference_row
)
select typed.row_no,
       array[typed.partner_id, typed.competency_name, typed.measure_name] as key,
       typed.partner_id       as partner_mpn_id,
       typed.competency_name  as competency,
       typed.measure_name     as measure,
       typed.figure           as value,
       typed.from_day         as valid_from,
       typed.to_day           as valid_to,
       case when typed.row_rule is not null             then typed.row_rule
            when typed.partner_id = ''                  then 'partner-id-missing'
            when typed.measure_name not in ('mct', 'exam', 'survey-score', 'survey-count') then 'measure-unknown'
            when typed.figure is null or typed.figure < 0 then 'value-unreadable'
            else typed.span_rule end                    as rule,
       case when typed.row_rule is not null             then typed.row_seen
            when typed.partner_id = ''                  then null
            when typed.measure_name not in ('mct', 'exam', 'survey-score', 'survey-count') then tidy(typed.measure)
            when typed.figure is null or typed.figure < 0 then tidy(typed.value)
            else typed.span_seen end                    as seen
from typed;
