-- One row is one issue month whose cells no longer follow the facts: touched by a change after they were built, or built
-- with another lkp.reporting_currency or lkp.lookback. A month with a 384 in it follows the month of what it replaces.
with touched as (
  select month_touched.issue_month, month_touched.change_no
  from month_touched
  union all
  select date_trunc('month', corrector.issue_date::timestamp)::date, month_touched.change_no
  from correction
  join document as corrector on corrector.id = correction.document_id
  join document as replaced  on replaced.id = correction.replaces_id
  join month_touched on month_touched.issue_month = date_trunc('month', replaced.issue_date::timestamp)::date
  where correction.ended_no is null
)
select touched.issue_month
from touched
left join month_built on month_built.issue_month = touched.issue_month
group by touched.issue_month, month_built.built_no, month_built.reporting_currency, month_built.lookback
having max(touched.change_no) > coalesce(month_built.built_no, 0)
    or month_built.reporting_currency <> current_setting('lkp.reporting_currency')
    or month_built.lookback <> current_setting('lkp.lookback')::int
order by touched.issue_month;
