-- Writes down what a person decided about the documents lkp.documents (ids, by comma), and makes `unsettled` of them.
-- lkp.verdict: release, refuse or reopen; lkp.file_id: the version meant where there are several, or ''; lkp.change_no.
-- Settings of credit_month besides: lkp.cutoff (now), lkp.from, lkp.to (all days).
create temporary table unsettled on commit drop as
select id::bigint as document_id
from unnest(string_to_array(current_setting('lkp.documents'), ',')) as id;

update decision
set ended_no = current_setting('lkp.change_no')::bigint
from unsettled
where current_setting('lkp.verdict') = 'reopen'
  and decision.document_id = unsettled.document_id
  and decision.ended_no is null;

-- What is said of each document now (as in said.sql and replaces.sql): whether its rows are compared by line number, and
-- whether they are treated differently.
create temporary table spoken on commit drop as
select row.document_id, bool_and(file.numbered) as by_key,
       count(distinct coalesce(other_header.treatment, document.treatment)) > 1 as contradicts
from (
  select line.document_id, line.file_id, line.row_no from unsettled join line on line.document_id = unsettled.document_id
  union all
  select duplicate.document_id, duplicate.file_id, duplicate.row_no
  from unsettled
  join duplicate on duplicate.document_id = unsettled.document_id
) as row
join document on document.id = row.document_id
join file     on file.id = row.file_id and file.ended_no is null
left join other_header on other_header.file_id = row.file_id and other_header.row_no = row.row_no
where not exists (
  select from set_aside
  where set_aside.file_id = row.file_id and set_aside.row_no = row.row_no
    and set_aside.rule = 'row-corrected' and set_aside.ended_no is null)
group by row.document_id;

create temporary table undecided on commit drop as
-- one row is one row that waits: of which unit of its document, and which version of it (as in settle.sql)
select line.document_id, line.file_id, line.row_no, quarantine.rule, spoken.contradicts,
       case when spoken.by_key then line.line_no else '' end as unit_no,
       case when spoken.by_key then line_content(line.customer_number, line.sku, line.quantity, line.net_amount, line.currency,
                                                 coalesce(other_header.treatment, document.treatment))
            else line.file_id::text end as body
from unsettled
join document   on document.id = unsettled.document_id
join spoken     on spoken.document_id = document.id
join line       on line.document_id = document.id and line.ended_no is null
join quarantine on quarantine.file_id = line.file_id and quarantine.row_no = line.row_no and quarantine.ended_no is null
left join other_header on other_header.file_id = line.file_id and other_header.row_no = line.row_no
where current_setting('lkp.verdict') <> 'reopen';

-- Of several versions, the others than the released one are put aside, or the refused one itself.
insert into decision (document_id, file_id, row_no, verdict, change_no)
select other.document_id, other.file_id, other.row_no, 'superseded', current_setting('lkp.change_no')::bigint
from undecided as other
where other.rule = 'conflict'
  and (current_setting('lkp.verdict') = 'refuse')
      = exists (select from undecided as meant
                where meant.document_id = other.document_id and meant.unit_no = other.unit_no and meant.body = other.body
                  and meant.file_id::text = current_setting('lkp.file_id'))
  and exists (select from undecided as meant
              where meant.document_id = other.document_id and meant.unit_no = other.unit_no
                and meant.file_id::text = current_setting('lkp.file_id'));

-- What waits because of its type, or contradicts itself, counts or not as a whole. Of one that waits for its totals alone
-- they are accepted: a corrected invoice (384) among them still replaces what it refers to.
insert into decision (document_id, verdict, change_no)
select undecided.document_id,
       case when current_setting('lkp.verdict') <> 'release'        then 'rejected'
            when bool_and(undecided.rule in ('totals-differ', 'conflict')) and bool_or(undecided.rule = 'totals-differ') then 'totals'
            else 'counts' end,
       current_setting('lkp.change_no')::bigint
from undecided
where undecided.rule <> 'conflict'
   or current_setting('lkp.verdict') = 'release' and undecided.contradicts
group by undecided.document_id;

-- A credit that waits for its invoice waits by no stored row (marts/17_credit_month.sql). Releasing it moves no row, but its
-- month is another one.
insert into decision (document_id, verdict, change_no)
select unsettled.document_id,
       case when current_setting('lkp.verdict') = 'release' then 'own-month' else 'rejected' end,
       current_setting('lkp.change_no')::bigint
from unsettled
join credit_month on credit_month.document_id = unsettled.document_id and credit_month.waits_rule is not null
where current_setting('lkp.verdict') <> 'reopen'
  and not exists (select from undecided where undecided.document_id = unsettled.document_id);

insert into month_touched (issue_month, change_no)
select date_trunc('month', document.issue_date::timestamp)::date, current_setting('lkp.change_no')::bigint
from unsettled
join document on document.id = unsettled.document_id
where document.class = 'credit note'
on conflict do nothing;

drop table undecided, spoken;
