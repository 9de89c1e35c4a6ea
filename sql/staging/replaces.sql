-- What holds for each document of `said` as a whole (settled_document), and what each corrected invoice (384) among them
-- replaces, or why it waits (settled_correction). Rules: docs/decisions/0014.
-- Every document with what holds for it as a whole: by_key, its rows are compared by line number; waits, the rule by
-- which a person must decide; contradicts, its rows are treated differently.
create temporary table settled_document on commit drop as
with decided as (
  select decision.document_id,
         max(decision.verdict) filter (where decision.verdict not in ('totals', 'own-month')) as verdict,
         bool_or(decision.verdict = 'totals')                              as accepts_totals
  from decision
  where decision.file_id is null
    and decision.ended_no is null
    and decision.document_id in (select unsettled.document_id from unsettled)
  group by decision.document_id
), talk as (
  select said.document_id, bool_and(said.numbered) as by_key, min(said.treatment) as least, max(said.treatment) as most
  from said
  group by said.document_id
)
select document.id as document_id, document.issue_date, document.class, document.source, document.seller,
       document.number, document.reference_number, document.treatment, document.amount_sign, talk.by_key,
       decided.verdict,
       talk.least <> talk.most as contradicts,
       (select min(document_doubt.seen)
        from document_doubt
        where document_doubt.document_id = document.id
          and coalesce(decided.accepts_totals, false) = false
          and exists (select from said
                      where said.document_id = document_doubt.document_id and said.file_id = document_doubt.file_id)) as doubt
from unsettled
join document on document.id = unsettled.document_id
left join talk    on talk.document_id = document.id
left join decided on decided.document_id = document.id;

-- What each corrected invoice replaces, or why it waits. A document is there when a file that stands says something of it.
create temporary table settled_correction on commit drop as
with recursive corrector as (
  select settled_document.document_id, settled_document.issue_date, settled_document.source, settled_document.seller,
         settled_document.reference_number
  from settled_document
  where settled_document.treatment = 4
    and settled_document.by_key is not null
    and settled_document.verdict is null
    and settled_document.doubt is null
), target as (
  select corrector.document_id, document.id as replaces_id
  from corrector
  join document on document.number = corrector.reference_number
               and document.source = corrector.source
               and document.seller = corrector.seller
               and (document.class = 'invoice' and document.issue_date <= corrector.issue_date
                 or document.class = 'corrected invoice' and document.issue_date < corrector.issue_date)
  where (exists (select from said where said.document_id = document.id)
      or document.id not in (select unsettled.document_id from unsettled)
     and exists (select from line
                 join file on file.id = line.file_id and file.ended_no is null
                 where line.document_id = document.id))
    and not exists (select from decision
                    where decision.document_id = document.id and decision.file_id is null
                      and decision.verdict = 'rejected' and decision.ended_no is null)
), counted as (
  select target.document_id, target.replaces_id,
         count(*) over (partition by target.document_id) as targets
  from target
), rival as (
  select counted.document_id, counted.replaces_id, counted.targets,
         count(*) over (partition by counted.replaces_id, counted.targets = 1) as correctors
  from counted
), linked as (
  -- what stands: an invoice, a 384 that a person let count, and a 384 that itself replaces something
  select rival.document_id, rival.replaces_id
  from rival
  join document as replaced on replaced.id = rival.replaces_id
  where rival.targets = 1
    and rival.correctors = 1
    and (replaced.treatment <> 4
      or exists (select from decision
                 where decision.document_id = replaced.id and decision.file_id is null
                   and decision.verdict = 'counts' and decision.ended_no is null)
      or replaced.id not in (select unsettled.document_id from unsettled)
     and exists (select from correction where correction.document_id = replaced.id and correction.ended_no is null))
  union all
  select rival.document_id, rival.replaces_id
  from linked
  join rival on rival.replaces_id = linked.document_id and rival.targets = 1 and rival.correctors = 1
)
select corrector.document_id, linked.replaces_id,
       case when linked.document_id is not null     then null
            when corrector.reference_number is null then 'reference-missing'
            when max(rival.targets) > 1             then 'reference-ambiguous'
            when max(rival.correctors) > 1          then 'corrected-twice'
            else 'pending-reference' end as waits
from corrector
left join rival  on rival.document_id = corrector.document_id
left join linked on linked.document_id = corrector.document_id
group by corrector.document_id, corrector.reference_number, linked.document_id, linked.replaces_id;
