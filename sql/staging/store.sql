-- Stores what is left when the lines are: rejections, and what later steps ask of the file as a whole: its totals, and
-- the months of its customers and products. Settings: lkp.file_id, lkp.change_no.
insert into rejection (file_id, row_no, rule, seen, cells, document_number, customer_number, issue_date,
                       currency, amount, change_no)
select current_setting('lkp.file_id')::int, apart.row_no, apart.rule, apart.seen, load_field.cells,
       nullif(apart.number, ''), nullif(apart.customer_number, ''), apart.issue_date,
       case when readable.is_so then apart.currency end,
       case when readable.is_so then apart.net_amount * apart.amount_sign end,
       current_setting('lkp.change_no')::bigint
from apart
join load_field on load_field.row_no = apart.row_no
cross join lateral (
  select apart.net_amount is not null and apart.currency ~ '^[A-Z]{3}$' as is_so
) as readable
where apart.rule is not null;

-- New blocks are known to the block-range index only from here on; without it the next question about one file or
-- month reads all lines there are, until a vacuum comes by.
select brin_summarize_new_values('line_place');

-- Where the file is a good part of all lines, the planner must know how few days and currencies there are: it then
-- groups in every worker instead of handing a million rows to one. A small file is not worth a look at a large table.
set local default_statistics_target = 10;
do $$
begin
  if (select file.lines_in from file where file.id = current_setting('lkp.file_id')::int)
     > (select pg_class.reltuples / 10 from pg_class where pg_class.oid = 'line'::regclass) then
    analyze line (file_id, issue_date, currency, change_no, ended_no);
  end if;
end
$$;
set local default_statistics_target to default;

-- The few groups are hashed, however few rows the planner expects.
set local enable_sort = off;

-- The right side of conservation, counted from what was stored, never from the staged rows. Days are grouped before
-- months are made of them; CREATE TABLE AS may run parallel, where INSERT ... SELECT may not.
create unlogged table held_line as
select line.issue_date, line.currency, count(*) as rows, sum(line.net_amount * document.amount_sign) as amount
from line
join document on document.id = line.document_id
where line.file_id = (select current_setting('lkp.file_id')::int)
  -- the file's own block of the key's index
  and document.id >= (select min(staged_document.id) from staged_document)
group by 1, 2;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select current_setting('lkp.file_id')::int, date_trunc('month', held.issue_date::timestamp)::date, held.held,
       held.currency, sum(held.rows), sum(held.amount), current_setting('lkp.change_no')::bigint
from (
  select 'line' as held, held_line.issue_date, held_line.currency, held_line.rows, held_line.amount
  from held_line
  union all
  select moved.held, line.issue_date, line.currency, moved.sign * count(*), moved.sign * sum(line.net_amount * document.amount_sign)
  from quarantine
  join line on line.file_id = quarantine.file_id and line.row_no = quarantine.row_no
  join document on document.id = line.document_id
  cross join (values ('line', -1), ('quarantined', 1)) as moved (held, sign)
  where quarantine.file_id = (select current_setting('lkp.file_id')::int)
    and quarantine.ended_no is null
  group by moved.held, moved.sign, 2, 3
  union all
  select rejection.held, rejection.issue_date, rejection.currency, count(*), sum(rejection.amount)
  from rejection
  where rejection.file_id = (select current_setting('lkp.file_id')::int)
  group by 1, 2, 3
  union all
  select 'duplicate', duplicate.issue_date, duplicate.currency, count(*), sum(duplicate.amount)
  from duplicate
  where duplicate.file_id = (select current_setting('lkp.file_id')::int)
  group by 2, 3
) as held
group by 2, held.held, held.currency
having sum(held.rows) <> 0;

create unlogged table traded as
select line.issue_date, line.customer_number, null::text as sku
from line
where line.file_id = (select current_setting('lkp.file_id')::int)
group by 1, 2
union all
select line.issue_date, null, line.sku
from line
where line.file_id = (select current_setting('lkp.file_id')::int)
group by 1, 3;

insert into customer_month (customer_number, issue_month)
select distinct traded.customer_number, date_trunc('month', traded.issue_date::timestamp)::date
from traded
where traded.customer_number is not null
on conflict do nothing;

insert into sku_month (sku, issue_month)
select distinct traded.sku, date_trunc('month', traded.issue_date::timestamp)::date
from traded
where traded.sku is not null
on conflict do nothing;

insert into month_touched (issue_month, change_no)
select file_total.issue_month, file_total.change_no
from file_total
where file_total.change_no = current_setting('lkp.change_no')::bigint
  and file_total.held in ('line', 'quarantined')
  and file_total.issue_month is not null
on conflict do nothing;

drop table held_line, traded, staged_document, apart, staged;

set local enable_sort = on;
