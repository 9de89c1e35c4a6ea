-- Stores the rows that were classified: lines, duplicates, and what waits for a person because of its document type or
-- because another row says something else under the same key. Settings: lkp.file_id, lkp.change_no.
insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select classified.document_id, classified.line_no, classified.version,
       current_setting('lkp.file_id')::int, classified.row_no, staged.issue_date, staged.customer_number, staged.sku,
       staged.quantity, staged.net_amount, staged.currency, current_setting('lkp.change_no')::bigint
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes <> 'duplicate';

insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date,
                       currency, amount, change_no)
select current_setting('lkp.file_id')::int, classified.row_no,
       coalesce(classified.of_file_id, current_setting('lkp.file_id')::int), classified.of_row_no,
       staged.number, staged.customer_number, staged.issue_date, staged.currency,
       staged.net_amount * staged.amount_sign,
       current_setting('lkp.change_no')::bigint
from classified
join staged on staged.row_no = classified.row_no
where classified.becomes = 'duplicate';

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
with conflicting as (
  select distinct classified.document_id, classified.line_no, classified.by_key
  from classified
  where classified.becomes = 'conflict'
), conflicting_document as (
  select distinct conflicting.document_id, conflicting.by_key
  from conflicting
)
select line.file_id, line.row_no, line.issue_date, line.currency, line.document_id, line.line_no,
       line.customer_number, line.sku, line.quantity, line.net_amount,
       line.net_amount * document.amount_sign as effect, document.number
from conflicting_document
join document on document.id = conflicting_document.document_id
join line on line.document_id = document.id
where line.ended_no is null
  and line.change_no < current_setting('lkp.change_no')::bigint
  and (not conflicting_document.by_key
       or (line.document_id, line.line_no) in (select conflicting.document_id, conflicting.line_no from conflicting))
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

drop table classified;
