-- Hands the documents of the file in hand that something else is said of to said.sql. The only row counts them.
-- Settings: lkp.file_id, lkp.numbered.
create temporary table unsettled on commit drop as
select staged_document.id as document_id
from staged_document
where staged_document.settles;

create temporary table said_new on commit drop as
select staged_document.id as document_id, current_setting('lkp.file_id')::int as file_id, staged.row_no,
       case when current_setting('lkp.numbered')::boolean then staged.line_number
            else '#' || row_number() over (partition by staged_document.id order by staged.row_no) end as line_no,
       staged.issue_date, staged.customer_number, staged.sku, staged.quantity, staged.net_amount, staged.currency,
       current_setting('lkp.numbered')::boolean as numbered,
       coalesce(staged.type_code, staged.type_value, '') as type_code, staged.unit_sign, staged.treatment,
       staged.reference_number
from staged
join staged_document using (number, issue_date, class, seller)
where staged_document.settles
  and staged.rule is null;

select count(*)::int as documents from unsettled;
