-- Stores the documents that the file is the first to name, and what it says against itself. Settings: lkp.file_id, lkp.change_no, lkp.source, lkp.numbered.
insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment,
                      reference_number, numbered, file_id, change_no)
select staged_document.id, current_setting('lkp.source'), staged_document.seller, staged_document.class,
       staged_document.number, staged_document.issue_date,
       coalesce(staged_document.type_code, staged_document.type_value, ''),
       staged_document.unit_sign, staged_document.amount_sign, staged_document.treatment, staged_document.reference_number,
       current_setting('lkp.numbered')::boolean,
       current_setting('lkp.file_id')::int, current_setting('lkp.change_no')::bigint
from staged_document
where staged_document.is_new;

-- What the file says of a document contradicts itself.
insert into document_doubt (document_id, file_id, seen)
select distinct on (staged_document.id) staged_document.id, current_setting('lkp.file_id')::int, apart.totals_differ
from apart
join staged_document using (number, issue_date, class, seller)
where apart.rule is null
  and apart.totals_differ is not null
order by staged_document.id, apart.row_no;
