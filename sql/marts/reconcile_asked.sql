-- Makes `asked_row`: one row is one input row under an invoice number of `asked_key`, whatever became of it and whoever
-- bought, that `ours` does not hold. Found by number, so that it costs what the claim holds and not history. Returns the
-- issue months of those that are or were lines.
create temporary table asked_row on commit drop as
with documents as (
  -- `offset 0`: looked up key by key, so that documents are not scanned whatever the planner expects
  select found.id, asked_key.invoice_key, found.number, found.class, found.type_code, found.issue_date, found.unit_sign,
         found.amount_sign
  from asked_key
  cross join lateral (
    (select document.* from document
     where document.number = asked_key.invoice_key and is_own_key(document.number)
     offset 0)
    union all
    -- written otherwise than their key: document_odd_key
    (select document.* from document
     where invoice_key(document.number) = asked_key.invoice_key and not is_own_key(document.number)
     offset 0)
  ) as found
), said as (
  select documents.invoice_key, line.file_id, line.row_no, documents.number, documents.issue_date, documents.class,
         documents.type_code, line.customer_number, line.sku, line.quantity * documents.unit_sign as quantity,
         line.currency, line.net_amount * documents.amount_sign as amount, true as is_line
  from documents
  join line on line.document_id = documents.id
  union all
  select documents.invoice_key, duplicate.file_id, duplicate.row_no, documents.number, documents.issue_date, documents.class,
         documents.type_code, duplicate.customer_number, duplicate.sku, duplicate.quantity * documents.unit_sign,
         duplicate.currency, duplicate.net_amount * documents.amount_sign, false
  from documents
  join duplicate on duplicate.document_id = documents.id
  union all
  select asked_key.invoice_key, rejection.file_id, rejection.row_no, rejection.document_number, rejection.issue_date, null,
         null, rejection.customer_number, null, null, rejection.currency, rejection.amount, false
  from asked_key
  join rejection on invoice_key(rejection.document_number) = asked_key.invoice_key
  join file on file.id = rejection.file_id and file.kind = 'invoices'
  union all
  select asked_key.invoice_key, set_aside.file_id, set_aside.row_no, set_aside.document_number, set_aside.issue_date, null,
         null, set_aside.customer_number, null, null, set_aside.currency, set_aside.amount, false
  from asked_key
  join set_aside on invoice_key(set_aside.document_number) = asked_key.invoice_key
)
-- what a row says as a line goes before what was kept of it elsewhere
select distinct on (said.file_id, said.row_no) said.*
from said
where not exists (select from ours where ours.file_id = said.file_id and ours.row_no = said.row_no)
order by said.file_id, said.row_no, said.is_line desc, said.sku is null;
analyze asked_row;

-- one row is one of those that is a line now, with what it is worth: filled a span of months at a time
create temporary table asked_worth on commit drop as
select shown_line.* from shown_line limit 0;

select distinct to_char(asked_row.issue_date, 'YYYY-MM') as month
from asked_row
where asked_row.is_line
order by month;
