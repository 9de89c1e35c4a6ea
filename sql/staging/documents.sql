-- One row of `staged_document` is one document of the file, with its id: the known one's, or a new one. New ids
-- follow the file, so that its lines reach their key almost in order.
-- settles: something else is said of it, or it corrects or is corrected, so that it is settled as a whole (settle.sql);
-- mixed: its rows carry types that are treated differently, which no document can.
--
-- Hashed whatever the planner expects: sorting a million rows by four texts takes temporary files and a second more.
set local enable_mergejoin = off;
set local enable_sort = off;

create unlogged table staged_document as
with found as (
  select staged.number, staged.issue_date, staged.class, staged.seller,
         min(staged.row_no)            as first_row,
         min(staged.type_code)         as type_code,
         min(staged.type_value)        as type_value,
         min(staged.unit_sign)         as unit_sign,
         min(staged.amount_sign)       as amount_sign,
         min(staged.reference_number)  as reference_number,
         min(staged.treatment)         as treatment,
         min(staged.treatment) <> max(staged.treatment) as mixed
  from staged
  where staged.rule is null
  group by staged.number, staged.issue_date, staged.class, staged.seller
)
select coalesce(document.id, nextval('document_id_seq')) as id,
       document.id is null                               as is_new,
       document.id is not null or found.mixed or found.treatment = 4 or corrector.reference_number is not null as settles,
       found.*
from found
left join document on document.number = found.number
                  and document.issue_date = found.issue_date
                  and document.class = found.class
                  and document.seller = found.seller
                  and document.source = current_setting('lkp.source')
left join (
  select distinct document.reference_number, document.seller
  from document
  where document.treatment = 4
    and document.source = current_setting('lkp.source')
) as corrector on corrector.reference_number = found.number and corrector.seller = found.seller
order by found.first_row;

set local enable_sort = on;
set local enable_mergejoin = on;

-- Same number, other date: accepted as another document; the warning names both.
select named.number, named.issue_date, named.other_date, named.first_row
from (
  select staged_document.number, staged_document.issue_date, document.issue_date as other_date, staged_document.first_row
  from staged_document
  -- of another date: with this one it would be known
  join document on document.number = staged_document.number
               and document.class = staged_document.class
               and document.seller = staged_document.seller
               and document.source = current_setting('lkp.source')
  where staged_document.is_new
  union
  select staged_document.number, staged_document.issue_date, earlier.issue_date, staged_document.first_row
  from staged_document
  join staged_document as earlier on earlier.number = staged_document.number
                                 and earlier.class = staged_document.class
                                 and earlier.seller = staged_document.seller
                                 and earlier.issue_date < staged_document.issue_date
  where staged_document.is_new
) as named
order by named.number collate "C", named.issue_date, named.other_date
limit 4000;
