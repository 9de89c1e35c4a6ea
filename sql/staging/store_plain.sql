-- Stores the lines of a file all of whose documents are new: every valid row is a line. A key twice in the file
-- violates line's primary key; the caller takes this back to its savepoint and classifies the rows instead. (Looking
-- for such keys beforehand took 1.4 s a million lines, of every file; a table of classified rows 1.7 s.)
-- Settings: lkp.file_id, lkp.change_no, lkp.numbered; only one of the first two statements finds rows.
insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select staged_document.id, staged.line_number,
       current_setting('lkp.file_id')::int, staged.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from staged
join staged_document using (number, issue_date, class, seller)
where staged.rule is null
  and current_setting('lkp.numbered') = 'true';

insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select staged_document.id, '#' || row_number() over (partition by staged_document.id order by staged.row_no),
       current_setting('lkp.file_id')::int, staged.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from staged
join staged_document using (number, issue_date, class, seller)
where staged.rule is null
  and current_setting('lkp.numbered') = 'false';

insert into quarantine (file_id, row_no, rule, seen, cells, change_no)
select current_setting('lkp.file_id')::int, staged.row_no, staged.waits, staged.seen,
       load_field.cells, current_setting('lkp.change_no')::bigint
from staged
join load_field on load_field.row_no = staged.row_no
where staged.rule is null
  and staged.waits is not null;
