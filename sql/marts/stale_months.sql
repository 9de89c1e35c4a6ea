-- One row is one issue month whose cells do not say what was known at lkp.cutoff: a change touched it, or a month that it
-- follows (18_month_follows.sql), between that and the change that they were built at, whichever came first; or they were
-- built with another lkp.reporting_currency or lkp.lookback.
with touched as (
  select month_touched.issue_month, month_touched.change_no
  from month_touched
  union all
  select month_follows.issue_month, month_touched.change_no
  from month_follows
  join month_touched on month_touched.issue_month = month_follows.followed
)
select touched.issue_month
from touched
left join month_built on month_built.issue_month = touched.issue_month
where touched.change_no > least(coalesce(month_built.built_no, 0), current_setting('lkp.cutoff')::bigint)
  and touched.change_no <= greatest(month_built.built_no, current_setting('lkp.cutoff')::bigint)
   or month_built.reporting_currency <> current_setting('lkp.reporting_currency')
   or month_built.lookback <> current_setting('lkp.lookback')::int
group by touched.issue_month
order by touched.issue_month;
