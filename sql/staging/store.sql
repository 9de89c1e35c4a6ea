-- Stores what the file taught: documents, lines, and the rows that are not (or not yet) lines, with their cells.
-- Settings: lkp.file_id, lkp.change_no, lkp.source, lkp.numbered. One row of the result: one count.
insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign,
                      reference_number, numbered, file_id, change_no)
select staged_document.id, current_setting('lkp.source'), staged_document.seller, staged_document.class,
       staged_document.number, staged_document.issue_date,
       coalesce(staged_document.type_code, staged_document.type_value, ''),
       staged_document.unit_sign, staged_document.amount_sign, staged_document.reference_number,
       current_setting('lkp.numbered')::boolean,
       current_setting('lkp.file_id')::int, current_setting('lkp.change_no')::bigint
from staged_document
where staged_document.is_new
order by staged_document.number, staged_document.issue_date;

insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select classified.document_id, classified.line_no, classified.version,
       current_setting('lkp.file_id')::int, classified.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes <> 'duplicate'
order by classified.document_id, classified.line_no;

insert into rejection (file_id, row_no, rule, seen, cells, document_number, customer_number, issue_date,
                       currency, amount, change_no)
select current_setting('lkp.file_id')::int, staged.row_no, staged.rule, staged.seen, load_field.cells,
       nullif(staged.number, ''), nullif(staged.customer_number, ''), staged.issue_date,
       case when staged.effect is not null then staged.currency end, staged.effect,
       current_setting('lkp.change_no')::bigint
from staged
join load_field on load_field.row_no = staged.row_no
where staged.rule is not null;

insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date,
                       currency, amount, change_no)
select current_setting('lkp.file_id')::int, classified.row_no,
       coalesce(classified.of_file_id, current_setting('lkp.file_id')::int), classified.of_row_no,
       staged.number, staged.customer_number, staged.issue_date, staged.currency, staged.effect,
       current_setting('lkp.change_no')::bigint
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes = 'duplicate';

-- A row that waits for a person: its document type, or another row that says something else under the same key.
insert into quarantine (file_id, row_no, rule, seen, cells, change_no)
select current_setting('lkp.file_id')::int, classified.row_no,
       case when classified.becomes = 'conflict' then 'conflict' else staged.waits end,
       case when classified.becomes = 'conflict'
            then staged.number || ' line ' || classified.line_no else staged.seen end,
       load_field.cells, current_setting('lkp.change_no')::bigint
from classified
join staged on staged.row_no = classified.row_no
join load_field on load_field.row_no = classified.row_no
where classified.becomes = 'conflict'
   or classified.becomes = 'line' and staged.waits is not null;

-- The versions already stored wait with the new ones; their files' totals move from line to quarantined.
create temporary table disputed on commit drop as
select line.file_id, line.row_no, line.issue_date, line.currency, line.document_id, line.line_no,
       line.customer_number, line.sku, line.quantity, line.net_amount,
       line.net_amount * document.amount_sign as effect, document.number
from line
join document on document.id = line.document_id
where line.ended_no is null
  and line.change_no < current_setting('lkp.change_no')::bigint
  and (document.numbered and (line.document_id, line.line_no) in
         (select classified.document_id, classified.line_no from classified where classified.becomes = 'conflict')
       or not document.numbered and line.document_id in
         (select classified.document_id from classified where classified.becomes = 'conflict'))
  and not exists (
    select 1 from quarantine
    where quarantine.file_id = line.file_id and quarantine.row_no = line.row_no and quarantine.ended_no is null);

insert into quarantine (file_id, row_no, rule, seen, cells, change_no)
select disputed.file_id, disputed.row_no, 'conflict', disputed.number || ' line ' || disputed.line_no,
       array[disputed.number, disputed.issue_date::text, disputed.line_no, disputed.customer_number, disputed.sku,
             disputed.quantity::text, disputed.net_amount::text, disputed.currency],
       current_setting('lkp.change_no')::bigint
from disputed;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select disputed.file_id, date_trunc('month', disputed.issue_date::timestamp)::date, moved.held, disputed.currency,
       moved.sign * count(*), moved.sign * sum(disputed.effect), current_setting('lkp.change_no')::bigint
from disputed
cross join (values ('line', -1), ('quarantined', 1)) as moved (held, sign)
group by disputed.file_id, 2, moved.held, moved.sign, disputed.currency;

-- The right side of conservation, counted from what was stored above, never from the staged rows.
insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select current_setting('lkp.file_id')::int, date_trunc('month', held.issue_date::timestamp)::date, held.held,
       held.currency, count(*), sum(held.amount), current_setting('lkp.change_no')::bigint
from (
  select case when waiting.row_no is null then 'line' else 'quarantined' end as held,
         line.issue_date, line.currency, line.net_amount * document.amount_sign as amount
  from line
  join document on document.id = line.document_id
  left join quarantine as waiting on waiting.file_id = line.file_id and waiting.row_no = line.row_no
                                 and waiting.ended_no is null
  where line.file_id = current_setting('lkp.file_id')::int
  union all
  select 'rejected', rejection.issue_date, rejection.currency, rejection.amount
  from rejection
  where rejection.file_id = current_setting('lkp.file_id')::int
  union all
  select 'duplicate', duplicate.issue_date, duplicate.currency, duplicate.amount
  from duplicate
  where duplicate.file_id = current_setting('lkp.file_id')::int
) as held
group by 2, held.held, held.currency;

insert into customer_month (customer_number, issue_month)
select distinct staged.customer_number, date_trunc('month', staged.issue_date::timestamp)::date
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes <> 'duplicate'
on conflict do nothing;

insert into sku_month (sku, issue_month)
select distinct staged.sku, date_trunc('month', staged.issue_date::timestamp)::date
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes <> 'duplicate'
on conflict do nothing;

insert into month_touched (issue_month, change_no)
select distinct file_total.issue_month, file_total.change_no
from file_total
where file_total.change_no = current_setting('lkp.change_no')::bigint
  and file_total.held in ('line', 'quarantined')
  and file_total.issue_month is not null;

drop table classified, staged_document, staged;
