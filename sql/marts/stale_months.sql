-- One row is one issue month whose cells no longer follow the facts: touched by a change after they were built, or built
-- with another lkp.reporting_currency or lkp.lookback.
select month_touched.issue_month
from month_touched
left join month_built on month_built.issue_month = month_touched.issue_month
group by month_touched.issue_month, month_built.built_no, month_built.reporting_currency, month_built.lookback
having max(month_touched.change_no) > coalesce(month_built.built_no, 0)
    or month_built.reporting_currency <> current_setting('lkp.reporting_currency')
    or month_built.lookback <> current_setting('lkp.lookback')::int
order by month_touched.issue_month;
