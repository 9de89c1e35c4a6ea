-- One row is one issue month whose cells do not say what was known at lkp.cutoff: a change touched it between that and the
-- change that they were built at, whichever came first, or they were built with another lkp.reporting_currency or
-- lkp.lookback. A month with a 384 in it follows the month of what it replaces.
with standing as (
  select correction.document_id, correction.replaces_id
  from correction
  where correction.ended_no is null
     or correction.change_no <= current_setting('lkp.cutoff')::bigint
        and correction.ended_no > current_setting('lkp.cutoff')::bigint
), touched as (
  select month_touched.issue_month, month_touched.change_no
  from month_touched
  union all
  select date_trunc('month', corrector.issue_date::timestamp)::date, month_touched.change_no
  from standing
  join document as corrector on corrector.id = standing.document_id
  join document as replaced  on replaced.id = standing.replaces_id
  join month_touched on month_touched.issue_month = date_trunc('month', replaced.issue_date::timestamp)::date
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
