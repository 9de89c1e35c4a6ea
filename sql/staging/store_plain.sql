-- Stores the lines of the documents of which nothing else is said: every valid row is a line. A key twice in the file
-- violates line's primary key; the caller takes this back to its savepoint and has those documents settled as well.
-- (Looking for such keys beforehand took 1.4 s a million lines, of every file; a table of classified rows 1.7 s.)
-- Settings: lkp.file_id, lkp.change_no, lkp.numbered; only one of the first two statements finds rows.

-- Rows arrive at the key in the file's order only when they are hashed to their documents; sorting them by four texts
-- first takes temporary files and a second more.
set local enable_mergejoin = off;
set local enable_nestloop = off;

insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select staged_document.id, staged.line_number,
       current_setting('lkp.file_id')::int, staged.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from staged
join staged_document using (number, issue_date, class, seller)
where staged.rule is null
  and not staged_document.settles
  and current_setting('lkp.numbered') = 'true';

insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select staged_document.id, '#' || row_number() over (partition by staged_document.id order by staged.row_no),
       current_setting('lkp.file_id')::int, staged.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from staged
join staged_document using (number, issue_date, class, seller)
where staged.rule is null
  and not staged_document.settles
  and current_setting('lkp.numbered') = 'false';

insert into quarantine (file_id, row_no, rule, seen, cells, change_no)
select current_setting('lkp.file_id')::int, apart.row_no, apart.waits, apart.seen,
       load_field.cells, current_setting('lkp.change_no')::bigint
from apart
join staged_document using (number, issue_date, class, seller)
join load_field on load_field.row_no = apart.row_no
where apart.rule is null
  and not staged_document.settles;

set local enable_nestloop = on;
set local enable_mergejoin = on;
