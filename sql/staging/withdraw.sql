-- Withdraws file lkp.file_id: all its rows are superseded from change lkp.change_no on. Makes `unsettled`, the documents that
-- it said something of: said.sql comes next. Rows that it had corrected stand again.
create temporary table unsettled on commit drop as
select line.document_id
from line
where line.file_id = current_setting('lkp.file_id')::int
union
select duplicate.document_id
from duplicate
where duplicate.file_id = current_setting('lkp.file_id')::int;

create temporary table row_stands_again on commit drop as
select set_aside.*
from set_aside
where set_aside.by_file_id = current_setting('lkp.file_id')::int
  and set_aside.ended_no is null;

insert into unsettled (document_id)
select line.document_id
from row_stands_again
join line on line.file_id = row_stands_again.file_id and line.row_no = row_stands_again.row_no
union
select duplicate.document_id
from row_stands_again
join duplicate on duplicate.file_id = row_stands_again.file_id and duplicate.row_no = row_stands_again.row_no
except
select unsettled.document_id from unsettled;

update set_aside
set ended_no = current_setting('lkp.change_no')::bigint
where set_aside.by_file_id = current_setting('lkp.file_id')::int
  and set_aside.ended_no is null;

-- The newest span of a rejection begins anew; a row that waited is settled with its document.
insert into rejection (file_id, row_no, rule, seen, cells, document_number, customer_number, issue_date, currency, amount,
                       change_no)
select distinct on (rejection.file_id, rejection.row_no)
       rejection.file_id, rejection.row_no, rejection.rule, rejection.seen, rejection.cells, rejection.document_number,
       rejection.customer_number, rejection.issue_date, rejection.currency, rejection.amount,
       current_setting('lkp.change_no')::bigint
from row_stands_again
join rejection on rejection.file_id = row_stands_again.file_id and rejection.row_no = row_stands_again.row_no
order by rejection.file_id, rejection.row_no, rejection.change_no desc;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select row_stands_again.file_id, date_trunc('month', row_stands_again.issue_date::timestamp)::date, side.held,
       row_stands_again.currency, sum(side.sign), sum(side.sign * row_stands_again.amount),
       current_setting('lkp.change_no')::bigint
from row_stands_again
left join rejection on rejection.file_id = row_stands_again.file_id and rejection.row_no = row_stands_again.row_no
                   and rejection.change_no = current_setting('lkp.change_no')::bigint
cross join lateral (
  -- what waited is not stored as anything until it is settled
  select *
  from (values ('superseded', -1), (rejection.held, 1)) as both_sides (held, sign)
  where both_sides.held = 'superseded' or rejection.row_no is not null
) as side
group by row_stands_again.file_id, 2, side.held, row_stands_again.currency;

-- The file's own rows.
insert into month_touched (issue_month, change_no)
select file_total.issue_month, current_setting('lkp.change_no')::bigint
from file_total
where file_total.file_id = current_setting('lkp.file_id')::int
  and file_total.issue_month is not null
on conflict do nothing;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select held.file_id, held.issue_month, side.held, held.currency, sum(side.sign * held.rows), sum(side.sign * held.amount),
       current_setting('lkp.change_no')::bigint
from (
  select file_total.file_id, file_total.issue_month, file_total.held, file_total.currency,
         sum(file_total.rows)::int as rows, sum(file_total.amount) as amount
  from file_total
  where file_total.file_id = current_setting('lkp.file_id')::int
    and file_total.held <> 'superseded'
  group by 1, 2, 3, 4
  having sum(file_total.rows) <> 0
) as held
cross join lateral (values (held.held, -1), ('superseded', 1)) as side (held, sign)
group by held.file_id, held.issue_month, side.held, held.currency;

update line
set ended_no = current_setting('lkp.change_no')::bigint
where line.file_id = current_setting('lkp.file_id')::int and line.ended_no is null;
update quarantine
set ended_no = current_setting('lkp.change_no')::bigint
where quarantine.file_id = current_setting('lkp.file_id')::int and quarantine.ended_no is null;
update duplicate
set ended_no = current_setting('lkp.change_no')::bigint
where duplicate.file_id = current_setting('lkp.file_id')::int and duplicate.ended_no is null;
update rejection
set ended_no = current_setting('lkp.change_no')::bigint
where rejection.file_id = current_setting('lkp.file_id')::int and rejection.ended_no is null;
update set_aside
set ended_no = current_setting('lkp.change_no')::bigint
where set_aside.file_id = current_setting('lkp.file_id')::int and set_aside.ended_no is null;
update file
set ended_no = current_setting('lkp.change_no')::bigint
where file.id = current_setting('lkp.file_id')::int;

drop table row_stands_again;
