-- One row is one issue month whose cells no longer follow the facts: touched by a change after they were built, or built
-- with another lkp.reporting_currency or lkp.lookback. A month with a 384 in it follows the month of what it replaces; a
-- month with a credit in it, where the rule set counts credits in the month of their invoice, that of every document which
-- the credit may refer to.
with marked as (
  select month_touched.issue_month, max(month_touched.change_no) as change_no
  from month_touched
  group by 1
), corrected as (
  select date_trunc('month', corrector.issue_date::timestamp)::date as issue_month, marked.change_no
  from correction
  join document as corrector on corrector.id = correction.document_id
  join document as replaced  on replaced.id = correction.replaces_id
  join marked on marked.issue_month = date_trunc('month', replaced.issue_date::timestamp)::date
  where correction.ended_no is null
), credited as (
  select date_trunc('month', credit.issue_date::timestamp)::date as issue_month, marked.change_no
  from rule_set
  -- credits are read only where a rule set wants it
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
  join (select marked.* from marked union all select corrected.* from corrected) as marked
    on marked.issue_month = date_trunc('month', original.issue_date::timestamp)::date
  where rule_set.credit_month = 'original'
    and rule_set.ended_no is null
), touched as (
  select marked.issue_month, marked.change_no from marked
  union all
  select corrected.issue_month, corrected.change_no from corrected
  union all
  select credited.issue_month, credited.change_no from credited
)
select touched.issue_month
from touched
left join month_built on month_built.issue_month = touched.issue_month
group by touched.issue_month, month_built.built_no, month_built.reporting_currency, month_built.lookback
having max(touched.change_no) > coalesce(month_built.built_no, 0)
    or month_built.reporting_currency <> current_setting('lkp.reporting_currency')
    or month_built.lookback <> current_setting('lkp.lookback')::int
order by touched.issue_month;
