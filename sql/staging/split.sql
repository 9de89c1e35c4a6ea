-- Small files that were staged and stored as if they were one, lkp.file_id, become files again: `part` says which rows
-- (first_no to last_no) are whose (file_id). Every document of theirs is new and in one of them. Rows are numbered anew in each,
-- and totals counted from what was stored. Settings: lkp.file_id, lkp.change_no.
update document
set file_id = part.file_id
from (
  select line.document_id, min(line.row_no) as row_no
  from line
  where line.file_id = current_setting('lkp.file_id')::int
  group by line.document_id
) as first
join part on part.first_no <= first.row_no and part.last_no >= first.row_no
where document.id = first.document_id;

update document_doubt
set file_id = document.file_id
from document
where document.id = document_doubt.document_id
  and document_doubt.file_id = current_setting('lkp.file_id')::int;

update quarantine
set file_id = part.file_id, row_no = quarantine.row_no - part.first_no + 1
from part
where quarantine.file_id = current_setting('lkp.file_id')::int
  and quarantine.row_no >= part.first_no and quarantine.row_no <= part.last_no;

update rejection
set file_id = part.file_id, row_no = rejection.row_no - part.first_no + 1
from part
where rejection.file_id = current_setting('lkp.file_id')::int
  and rejection.row_no >= part.first_no and rejection.row_no <= part.last_no;

update line
set file_id = part.file_id, row_no = line.row_no - part.first_no + 1
from part
where line.file_id = current_setting('lkp.file_id')::int
  and line.row_no >= part.first_no and line.row_no <= part.last_no;

delete from file_total
where file_total.file_id = current_setting('lkp.file_id')::int;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select held.file_id, date_trunc('month', held.issue_date::timestamp)::date, held.held, held.currency, count(*),
       sum(held.amount), current_setting('lkp.change_no')::bigint
from (
  select line.file_id, line.issue_date, line.currency, line.net_amount * document.amount_sign as amount,
         case when quarantine.row_no is null then 'line' else 'quarantined' end as held
  from part
  join line     on line.file_id = part.file_id
  join document on document.id = line.document_id
  left join quarantine on quarantine.file_id = line.file_id and quarantine.row_no = line.row_no
  union all
  select rejection.file_id, rejection.issue_date, rejection.currency, rejection.amount, rejection.held
  from part
  join rejection on rejection.file_id = part.file_id
) as held
group by held.file_id, 2, held.held, held.currency;

drop table part;
