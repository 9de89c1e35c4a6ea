-- One row of `staged_document` is one document of the file, with its id: the known one's, or a new one. New ids
-- follow the file, so that its lines reach their key almost in order.
create unlogged table staged_document as
with found as (
  select staged.number, staged.issue_date, staged.class, staged.seller,
         min(staged.row_no)            as first_row,
         min(staged.type_code)         as type_code,
         min(staged.type_value)        as type_value,
         min(staged.unit_sign)         as unit_sign,
         min(staged.amount_sign)       as amount_sign,
         min(staged.reference_number)  as reference_number
  from staged
  where staged.rule is null
  group by staged.number, staged.issue_date, staged.class, staged.seller
)
select coalesce(document.id, nextval('document_id_seq')) as id,
       document.id is null                               as is_new,
       found.*
from found
left join document on document.number = found.number
                  and document.issue_date = found.issue_date
                  and document.class = found.class
                  and document.seller = found.seller
                  and document.source = current_setting('lkp.source')
order by found.first_row;

-- Same number, other date: accepted as another document; the warning names both.
select staged_document.number, staged_document.issue_date, document.issue_date as other_date
from staged_document
join document on document.number = staged_document.number
             and document.class = staged_document.class
             and document.seller = staged_document.seller
             and document.source = current_setting('lkp.source')
             and document.issue_date <> staged_document.issue_date
where staged_document.is_new
order by staged_document.number collate "C", 2, 3
limit 20;
