-- view: one row is one credit note issued in [lkp.from, lkp.to) while the rule set in force counts credits in the month of
-- the invoice that they refer to, as of lkp.cutoff: that KPI month, or the rule by which it waits and what was seen. waits_no:
-- the change from which on it can wait.
-- The invoice: of the same source and seller, of the number referred to, not younger, with a line that stands. Of several
-- the month is known when they agree. One that is itself a corrected invoice (384) has the month of what it replaces, or,
-- where a person let it count on its own, its own; while it waits, the credit waits with it.
-- Credits are looked up one by one, so that neither documents nor lines are scanned; where no rule set wants it, nothing is.
create view credit_month as
with policy as (
  select rule_set.valid_from, rule_set.valid_to, rule_set.change_no
  from rule_set
  where rule_set.credit_month = 'original'
    and rule_set.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (rule_set.ended_no is null or rule_set.ended_no > (select current_setting('lkp.cutoff')::bigint))
), chain as materialized (
  select correction_chain.document_id, correction_chain.kpi_month
  from correction_chain
), credit as (
  select issued.*, policy.change_no as policy_no
  from policy
  cross join lateral (
    select document.id as document_id, document.issue_date, document.number, document.source, document.seller,
           nullif(document.reference_number, '') as reference_number
    from document
    where document.class = 'credit note'
      and document.issue_date >= greatest(policy.valid_from, (select current_setting('lkp.from')::date))
      -- least() passes over null: a rule set without an end
      and document.issue_date <  least(policy.valid_to, (select current_setting('lkp.to')::date))
    offset 0
  ) as issued
), decided as (
  select credit.*,
         (select true from decision
          where decision.document_id = credit.document_id and decision.verdict = 'own-month'
            and decision.change_no <= (select current_setting('lkp.cutoff')::bigint)
            and (decision.ended_no is null or decision.ended_no > (select current_setting('lkp.cutoff')::bigint))
          limit 1) as has_own_month
  from credit
)
select decided.document_id, decided.policy_no as waits_no,
       case when original.months = 1 then original.first_month end as kpi_month,
       case when decided.reference_number is null then 'reference-missing'
            when original.months = 0              then 'pending-reference'
            when original.months > 1              then 'reference-ambiguous' end as waits_rule,
       case when original.months = 1 then null
            else coalesce(decided.reference_number, decided.number) end as waits_seen
from decided
cross join lateral (
  select count(distinct known.kpi_month) as months, min(known.kpi_month) as first_month
  from (
    select case when target.class = 'invoice' then date_trunc('month', target.issue_date::timestamp)::date
                else coalesce(
                  (select chain.kpi_month from chain where chain.document_id = target.id),
                  (select date_trunc('month', target.issue_date::timestamp)::date from decision
                   where decision.document_id = target.id and decision.file_id is null and decision.verdict = 'counts'
                     and decision.change_no <= (select current_setting('lkp.cutoff')::bigint)
                     and (decision.ended_no is null or decision.ended_no > (select current_setting('lkp.cutoff')::bigint))
                   limit 1)) end as kpi_month
    from document as target
    where target.number = decided.reference_number
      and target.issue_date <= decided.issue_date
      and target.class in ('invoice', 'corrected invoice')
      and target.seller = decided.seller
      and target.source = decided.source
      and (select true from line
           where line.document_id = target.id
             and line.change_no <= (select current_setting('lkp.cutoff')::bigint)
             and (line.ended_no is null or line.ended_no > (select current_setting('lkp.cutoff')::bigint))
           limit 1)
  ) as known
) as original
where decided.has_own_month is null;
