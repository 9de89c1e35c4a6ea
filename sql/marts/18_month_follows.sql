-- view: one row is one issue month and another one that it follows: what touches that one may alter its cells. A month with
-- a 384 in it follows the month of what it replaces; a month with a credit in it, where a rule set counts credits in the
-- month of their invoice, that of every document which the credit may refer to, and what that one follows. What stood once
-- is in it for good: whoever asks about an earlier day needs it.
create view month_follows as
with corrected as (
  select distinct date_trunc('month', corrector.issue_date::timestamp)::date as issue_month,
         date_trunc('month', replaced.issue_date::timestamp)::date           as followed
  from correction
  join document as corrector on corrector.id = correction.document_id
  join document as replaced  on replaced.id = correction.replaces_id
), credited as (
  select distinct date_trunc('month', credit.issue_date::timestamp)::date as issue_month,
         date_trunc('month', original.issue_date::timestamp)::date        as followed
  from (select rule_set.valid_from, rule_set.valid_to from rule_set where rule_set.credit_month = 'original') as rule_set
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
)
select corrected.issue_month, corrected.followed from corrected
union
select credited.issue_month, credited.followed from credited
union
select credited.issue_month, corrected.followed
from credited
join corrected on corrected.issue_month = credited.followed;
