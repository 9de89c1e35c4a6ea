-- Stores what settle.sql decided: spans end and begin, and the totals of other files than the one in hand follow; the
-- file's own are counted from what was stored (store.sql). Settings: lkp.change_no; lkp.file_id, the file in hand, or ''.
create temporary table moved on commit drop as
select fate.*
from fate
where (fate.was_held, fate.was_rule, fate.was_of_file_id, fate.was_of_row_no)
      is distinct from (fate.held, fate.rule, fate.of_file_id, fate.of_row_no);
analyze moved;

update line
set ended_no = current_setting('lkp.change_no')::bigint
from moved
where moved.was_held in ('line', 'quarantined') and moved.held not in ('line', 'quarantined')
  and line.document_id = moved.document_id and line.file_id = moved.file_id and line.row_no = moved.row_no
  and line.ended_no is null;

update quarantine
set ended_no = current_setting('lkp.change_no')::bigint
from moved
where moved.was_held = 'quarantined'
  and quarantine.file_id = moved.file_id and quarantine.row_no = moved.row_no and quarantine.ended_no is null;

update duplicate
set ended_no = current_setting('lkp.change_no')::bigint
from moved
where moved.was_held = 'duplicate'
  and duplicate.document_id = moved.document_id
  and duplicate.file_id = moved.file_id and duplicate.row_no = moved.row_no and duplicate.ended_no is null;

update set_aside
set ended_no = current_setting('lkp.change_no')::bigint
from moved
where moved.was_held in ('superseded', 'rejected')
  and set_aside.file_id = moved.file_id and set_aside.row_no = moved.row_no and set_aside.ended_no is null;

insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku,
                  quantity, net_amount, currency, change_no)
select begun.document_id, begun.line_no,
       coalesce((select max(line.version) + 1 from line
                 where line.document_id = begun.document_id and line.line_no = begun.line_no), 0)
         + (row_number() over (partition by begun.document_id, begun.line_no order by begun.file_id, begun.row_no))::int - 1,
       begun.file_id, begun.row_no, begun.issue_date, begun.customer_number, begun.sku,
       begun.quantity, begun.net_amount, begun.currency, current_setting('lkp.change_no')::bigint
from moved as begun
where begun.held in ('line', 'quarantined')
  and begun.was_held is distinct from 'line' and begun.was_held is distinct from 'quarantined'
order by begun.document_id, begun.line_no;

insert into quarantine (file_id, row_no, rule, seen, cells, change_no)
select moved.file_id, moved.row_no, moved.rule, moved.seen,
       array[moved.number, moved.issue_date::text, moved.line_no, moved.customer_number, moved.sku,
             moved.quantity::text, moved.net_amount::text, moved.currency],
       current_setting('lkp.change_no')::bigint
from moved
where moved.held = 'quarantined';

insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_id, line_no, document_number, customer_number,
                       issue_date, sku, quantity, net_amount, currency, amount, change_no)
select moved.file_id, moved.row_no, moved.of_file_id, moved.of_row_no, moved.document_id, moved.line_no, moved.number,
       moved.customer_number, moved.issue_date, moved.sku, moved.quantity, moved.net_amount, moved.currency, moved.amount,
       current_setting('lkp.change_no')::bigint
from moved
where moved.held = 'duplicate';

insert into set_aside (file_id, row_no, held, rule, seen, document_number, customer_number, issue_date, currency, amount,
                       change_no)
select moved.file_id, moved.row_no, moved.held, moved.rule, moved.seen, moved.number, moved.customer_number,
       moved.issue_date, moved.currency, moved.amount, current_setting('lkp.change_no')::bigint
from moved
where moved.held in ('superseded', 'rejected');

insert into other_header (file_id, row_no, type_code, unit_sign, treatment, reference_number)
select fate.file_id, fate.row_no, fate.type_code, fate.unit_sign, fate.treatment, fate.reference_number
from fate
join document on document.id = fate.document_id
where (fate.type_code, fate.unit_sign, fate.treatment, fate.reference_number)
      is distinct from (document.type_code, document.unit_sign, document.treatment, document.reference_number)
on conflict do nothing;

-- What a corrected invoice replaces, or no longer does.
create temporary table relinked on commit drop as
select settled_document.document_id, settled_correction.replaces_id, correction.replaces_id as was_replacing
from settled_document
left join settled_correction on settled_correction.document_id = settled_document.document_id
left join correction         on correction.document_id = settled_document.document_id and correction.ended_no is null
where settled_correction.replaces_id is distinct from correction.replaces_id;

update correction
set ended_no = current_setting('lkp.change_no')::bigint
from relinked
where correction.document_id = relinked.document_id
  and correction.ended_no is null;

insert into correction (document_id, replaces_id, change_no)
select relinked.document_id, relinked.replaces_id, current_setting('lkp.change_no')::bigint
from relinked
where relinked.replaces_id is not null;

insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
select moved.file_id, date_trunc('month', moved.issue_date::timestamp)::date, side.held, moved.currency,
       sum(side.sign), sum(side.sign * moved.amount), current_setting('lkp.change_no')::bigint
from moved
cross join lateral (values (moved.was_held, -1), (moved.held, 1)) as side (held, sign)
where moved.file_id::text <> current_setting('lkp.file_id')
  and side.held is not null
group by moved.file_id, 2, side.held, moved.currency
having sum(side.sign) <> 0 or sum(side.sign * moved.amount) <> 0;

-- A month is touched where its rows moved, where what its 384 replaces changed, or the chain of such a 384.
insert into month_touched (issue_month, change_no)
with recursive chain as (
  select relinked.document_id
  from relinked
  union
  select correction.document_id
  from chain
  join correction on correction.replaces_id = chain.document_id and correction.ended_no is null
)
select date_trunc('month', touched.issue_date::timestamp)::date, current_setting('lkp.change_no')::bigint
from (
  select moved.issue_date from moved
  union
  select document.issue_date from chain join document on document.id = chain.document_id
) as touched
on conflict do nothing;

drop table relinked, moved, fate, settled_correction, settled_document;
