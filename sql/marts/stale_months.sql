-- One row is one issue month whose cells no longer follow the facts: touched by a change after they were built.
select month_touched.issue_month
from month_touched
left join month_built on month_built.issue_month = month_touched.issue_month
group by month_touched.issue_month, month_built.built_no
having max(month_touched.change_no) > coalesce(month_built.built_no, 0)
order by month_touched.issue_month;
