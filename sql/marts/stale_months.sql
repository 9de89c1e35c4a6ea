-- One row is one issue month whose cells do not say what was known at lkp.cutoff: a change touched it between that and the
-- change that they were built at, whichever came first, or they were built with another lkp.reporting_currency or
-- lkp.lookback. A month with a 384 in it follows the month of what it replaces; a month with a credit in it, where the rule
-- set counts credits in the month of their invoice, that of every document which the credit may refer to.
with marked as (
  select month_touched.issue_month, month_touched.change_no
  from month_touched
), standing as (
  select correction.document_id, correction.replaces_id
  from correction
  where correction.ended_no is null
     or correction.change_no <= current_setting('lkp.cutoff')::bigint
        and correction.ended_no > current_setting('lkp.cutoff')::bigint
), corrected as (
  select date_trunc('month', corrector.issue_date::timestamp)::date as issue_month, marked.change_no
  from standing
  join document as corrector on corrector.id = standing.document_id
  join document as replaced  on replaced.id = standing.replaces_id
  join marked on marked.issue_month = date_trunc('month', replaced.issue_date::timestamp)::date
), crediting as (
  -- which month's credits may refer to which month's documents; credits are read only where a rule set wants it
  select distinct date_trunc('month', credit.issue_date::timestamp)::date   as issue_month,
                  date_trunc('month', original.issue_date::timestamp)::date as original_month
  from rule_set
  cross join lateral (
    select document.issue_date, document.reference_number, document.source, document.seller
    from document
    where document.class = 'credit note'
      and document.issue_date >= rule_set.valid_from
      and document.issue_date <  coalesce(rule_set.valid_to, 'infinity'::date)
    offset 0
  ) as credit
  join document as original on original.number = credit.reference_number
                           and original.source = credit.source
                           and original.seller = credit.seller
                           and original.class <> 'credit note'
                           and original.issue_date <= credit.issue_date
  where rule_set.credit_month = 'original'
    and (rule_set.ended_no is null
      or rule_set.change_no <= current_setting('lkp.cutoff')::bigint
         and rule_set.ended_no > current_setting('lkp.cutoff')::bigint)
), touched as (
  select marked.issue_month, marked.change_no from marked
  union all
  select corrected.issue_month, corrected.change_no from corrected
  union all
  select crediting.issue_month, original.change_no
  from crediting
  join (select marked.* from marked union all select corrected.* from corrected) as original
    on original.issue_month = crediting.original_month
)
select touched.issue_month
from touched
left join month_built on month_built.issue_month = touched.issue_month
where touched.change_no > least(coalesce(month_built.built_no, 0), current_setting('lkp.cutoff')::bigint)
  and touched.change_no <= greatest(coalesce(month_built.built_no, 0), current_setting('lkp.cutoff')::bigint)
   or month_built.reporting_currency <> current_setting('lkp.reporting_currency')
   or month_built.lookback <> current_setting('lkp.lookback')::int
group by touched.issue_month
order by touched.issue_month;
