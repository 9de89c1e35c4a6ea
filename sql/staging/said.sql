-- One row of `said` is one row that stands of a document in `unsettled` (document_id), with the header that it gave the
-- document: from lines and duplicates that are stored, and from `said_new`, the rows of the file in hand (unsettled.sql).
-- Adds to `unsettled` the corrected invoices that the documents lead to.
create temporary table if not exists said_new (
  document_id bigint, file_id int, row_no int, line_no text, issue_date date, customer_number text, sku text,
  quantity numeric, net_amount numeric, currency text, numbered boolean, type_code text, unit_sign smallint,
  treatment smallint, reference_number text
) on commit drop;

-- Corrected invoices that lead to one of the documents, from one of them, or to one that is found so, are settled with
-- them: whether a corrected invoice replaces anything may hang on whether the one it refers to does.
insert into unsettled (document_id)
with recursive named as (
  (
    select document.source, document.seller, number.number
    from unsettled
    join document on document.id = unsettled.document_id
    cross join lateral (values (document.number), (document.reference_number)) as number (number)
    union
    -- what it referred to, or will
    select document.source, document.seller, other.reference_number
    from (
      select said_new.document_id, said_new.reference_number from said_new where said_new.treatment = 4
      union
      select line.document_id, other_header.reference_number
      from unsettled
      join line         on line.document_id = unsettled.document_id
      join other_header on other_header.file_id = line.file_id and other_header.row_no = line.row_no
                       and other_header.treatment = 4
    ) as other
    join document on document.id = other.document_id
  )
  union
  select other.source, other.seller, other.number
  from named
  join document as other on other.treatment = 4 and other.reference_number = named.number
                        and other.source = named.source and other.seller = named.seller
)
select other.id
from named
join document as other on other.treatment = 4 and other.reference_number = named.number
                      and other.source = named.source and other.seller = named.seller
where other.id not in (select unsettled.document_id from unsettled);
analyze unsettled;

create temporary table said on commit drop as
with known as (
  select distinct on (row.file_id, row.row_no) row.*
  from (
    select line.document_id, line.file_id, line.row_no, line.line_no, line.issue_date, line.customer_number, line.sku,
           line.quantity, line.net_amount, line.currency
    from unsettled
    join line on line.document_id = unsettled.document_id
    union all
    select duplicate.document_id, duplicate.file_id, duplicate.row_no, duplicate.line_no, duplicate.issue_date,
           duplicate.customer_number, duplicate.sku, duplicate.quantity, duplicate.net_amount, duplicate.currency
    from unsettled
    join duplicate on duplicate.document_id = unsettled.document_id
  ) as row
  order by row.file_id, row.row_no
)
select known.*, file.numbered,
       coalesce(other_header.type_code, document.type_code) as type_code,
       coalesce(other_header.unit_sign, document.unit_sign) as unit_sign,
       coalesce(other_header.treatment, document.treatment) as treatment,
       case when other_header.file_id is null then document.reference_number
            else other_header.reference_number end          as reference_number
from known
join document on document.id = known.document_id
join file     on file.id = known.file_id and file.ended_no is null
left join other_header on other_header.file_id = known.file_id and other_header.row_no = known.row_no
where not exists (
  select from set_aside
  where set_aside.file_id = known.file_id and set_aside.row_no = known.row_no
    and set_aside.rule = 'row-corrected' and set_aside.ended_no is null)
union all
select said_new.* from said_new;
analyze said;

-- A document has the header of the first row that stands; the others keep their own beside it.
create temporary table headed on commit drop as
select distinct on (said.document_id)
       said.document_id, said.type_code, said.unit_sign, said.treatment, said.reference_number
from said
order by said.document_id, said.file_id, said.row_no;

insert into other_header (file_id, row_no, type_code, unit_sign, treatment, reference_number)
select row.file_id, row.row_no, document.type_code, document.unit_sign, document.treatment, document.reference_number
from headed
join document on document.id = headed.document_id
cross join lateral (
  select line.file_id, line.row_no from line where line.document_id = document.id
  union
  select duplicate.file_id, duplicate.row_no from duplicate where duplicate.document_id = document.id
) as row
where (headed.type_code, headed.unit_sign, headed.treatment, headed.reference_number)
      is distinct from (document.type_code, document.unit_sign, document.treatment, document.reference_number)
on conflict do nothing;

update document
set type_code = headed.type_code, unit_sign = headed.unit_sign, treatment = headed.treatment,
    reference_number = headed.reference_number
from headed
where document.id = headed.document_id
  and (headed.type_code, headed.unit_sign, headed.treatment, headed.reference_number)
      is distinct from (document.type_code, document.unit_sign, document.treatment, document.reference_number);
drop table headed;
