-- view: one row is one corrected invoice (384) that replaces another one, as of lkp.cutoff: what it replaces,
-- and the KPI month that it takes, which is that of the first invoice of the chain.
create view correction_chain as
with recursive standing as (
  select correction.document_id, correction.replaces_id
  from correction
  where correction.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (correction.ended_no is null or correction.ended_no > (select current_setting('lkp.cutoff')::bigint))
), chain as (
  select standing.document_id, standing.replaces_id, standing.replaces_id as first_id
  from standing
  union all
  select chain.document_id, chain.replaces_id, standing.replaces_id
  from chain
  join standing on standing.document_id = chain.first_id
)
select chain.document_id, chain.replaces_id, own.issue_date as corrected_on, own.number as corrected_by,
       date_trunc('month', first.issue_date::timestamp)::date as kpi_month
from chain
join document as own   on own.id = chain.document_id
join document as first on first.id = chain.first_id
where not exists (select from standing where standing.document_id = chain.first_id);
