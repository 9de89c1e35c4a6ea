-- One row is one document of the file in hand, as its rows name it, and what would become of it: the verdict, and the rule
-- and value of the first row that has one. Rows without an invoice number are one. Reads staged and what was stored
-- of it. Settings: lkp.file_id.
with judged as (
  select staged.number, staged.issue_date, staged.class, staged.seller, staged.row_no, staged.currency,
         staged.treatment, staged.amount_sign,
         coalesce(staged.type_code, staged.type_value) as type_code,
         coalesce(staged.rule, quarantine.rule, set_aside.rule,
                  case when duplicate.file_id is not null then 'duplicate' end) as rule,
         case when staged.rule is not null then staged.seen
              when quarantine.rule is not null then quarantine.seen
              when set_aside.rule is not null then set_aside.seen
              else of_file.name || ', row ' || duplicate.of_row_no end as seen,
         case when staged.rule in ('ambiguous-date', 'ambiguous-amount', 'cell-without-value') or quarantine.rule is not null then 'quarantine'
              when staged.rule is not null or set_aside.held = 'rejected' then 'refuse' end as verdict
  from staged
  left join quarantine on quarantine.file_id = current_setting('lkp.file_id')::int and quarantine.row_no = staged.row_no
                      and quarantine.ended_no is null
  left join set_aside  on set_aside.file_id = current_setting('lkp.file_id')::int and set_aside.row_no = staged.row_no
                      and set_aside.ended_no is null
  left join duplicate  on duplicate.file_id = current_setting('lkp.file_id')::int and duplicate.row_no = staged.row_no
                      and duplicate.ended_no is null
  left join file as of_file on of_file.id = duplicate.of_file_id
)
select nullif(judged.number, '')      as number,
       nullif(min(judged.type_code), '') as type_code,
       case when count(distinct judged.currency) = 1 then nullif(min(judged.currency), '') end as currency,
       count(*)::int                  as lines,
       case when bool_or(judged.verdict = 'quarantine') then 'quarantine'
            when bool_and(judged.verdict is not distinct from 'refuse') then 'refuse'
            when min(judged.treatment) = 4 then 'supersede'
            when min(judged.amount_sign) = -1 then 'reversal'
            else 'accept' end         as verdict,
       (array_agg(judged.rule order by judged.verdict = 'quarantine' desc nulls last, judged.row_no)
          filter (where judged.rule is not null))[1] as rule,
       (array_agg(judged.seen order by judged.verdict = 'quarantine' desc nulls last, judged.row_no)
          filter (where judged.rule is not null))[1] as seen
from judged
group by judged.number, judged.issue_date, judged.class, judged.seller
order by min(judged.row_no);
