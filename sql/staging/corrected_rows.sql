-- Rows that came back corrected name the row whose place they take (columns "lkp file" and "lkp row"). That row, if it is
-- rejected or waits, is superseded; its document joins `unsettled`. Each row of the result is a row that names none.
-- Settings: lkp.file_id, lkp.change_no.
create temporary table row_corrected on commit drop as
select distinct on (old_file.id, load_field.corrects_row::int)
       old_file.id as file_id, load_field.corrects_row::int as row_no, load_field.row_no as by_row_no
from load_field
join file as old_file on old_file.kind = 'invoices' and old_file.ended_no is null
                     and length(tidy(load_field.corrects_file)) >= 12
                     and starts_with(old_file.sha256, lower(tidy(load_field.corrects_file)))
                     and old_file.id <> current_setting('lkp.file_id')::int
where tidy(load_field.corrects_row) ~ '^\d{1,9}$'
order by old_file.id, load_field.corrects_row::int, load_field.row_no;
analyze row_corrected;

create temporary table row_replaced on commit drop as
select row_corrected.*, rejection.held, rejection.document_number, rejection.customer_number, rejection.issue_date,
       rejection.currency, rejection.amount, null::bigint as document_id
from row_corrected
join rejection on rejection.file_id = row_corrected.file_id and rejection.row_no = row_corrected.row_no
              and rejection.ended_no is null
union all
select row_corrected.*, 'quarantined', document.number, line.customer_number, line.issue_date,
       line.currency, line.net_amount * document.amount_sign, line.document_id
from row_corrected
join quarantine on quarantine.file_id = row_corrected.file_id and quarantine.row_no = row_corrected.row_no
               and quarantine.ended_no is null
join line       on line.file_id = row_corrected.file_id and line.row_no = row_corrected.row_no and line.ended_no is null
join document   on document.id = line.document_id;

update rejection
set ended_no = current_setting('lkp.change_no')::bigint
from row_replaced
where rejection.file_id = row_replaced.file_id and rejection.row_no = row_replaced.row_no and rejection.ended_no is null;

update quarantine
set ended_no = current_setting('lkp.change_no')::bigint
from row_replaced
where quarantine.file_id = row_replaced.file_id and quarantine.row_no = row_replaced.row_no and quarantine.ended_no is null;

update line
set ended_no = current_setting('lkp.change_no')::bigint
from row_replaced
where line.document_id = row_replaced.document_id
  and line.file_id = row_replaced.file_id and line.row_no = row_replaced.row_no and line.ended_no is null;

insert into set_aside (file_id, row_no, held, rule, by_file_id, by_row_no, document_number, customer_number, issue_date,
                       currency, amount, change_no)
select row_replaced.file_id, row_replaced.row_no, 'superseded', 'row-corrected',
       current_setting('lkp.file_id')::int, row_replaced.by_row_no,
       row_replaced.document_number, row_replaced.customer_number, row_replaced.issue_date,
       row_replaced.currency, row_replaced.amount, current_setting('lkp.change_no')::bigint
from row_replaced;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select row_replaced.file_id, date_trunc('month', row_replaced.issue_date::timestamp)::date, side.held,
       row_replaced.currency, sum(side.sign), sum(side.sign * row_replaced.amount), current_setting('lkp.change_no')::bigint
from row_replaced
cross join lateral (values (row_replaced.held, -1), ('superseded', 1)) as side (held, sign)
group by row_replaced.file_id, 2, side.held, row_replaced.currency;

insert into unsettled (document_id)
select distinct row_replaced.document_id
from row_replaced
where row_replaced.document_id is not null
  and row_replaced.document_id not in (select unsettled.document_id from unsettled);

select load_field.row_no
from load_field
where (tidy(load_field.corrects_file) <> '' or tidy(load_field.corrects_row) <> '')
  and load_field.row_no not in (select row_replaced.by_row_no from row_replaced)
order by load_field.row_no;
