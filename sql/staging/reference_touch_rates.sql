-- One row inserted is one issue month whose cells this change of rates may alter: a rate serves the days from its own to
-- lkp.lookback days later. Settings: lkp.change_no, lkp.lookback.
insert into month_touched (issue_month, change_no)
select distinct known_month.issue_month, current_setting('lkp.change_no')::bigint
from (select distinct customer_month.issue_month from customer_month) as known_month
join (select distinct rate.rate_date from rate
      where current_setting('lkp.change_no')::bigint in (rate.change_no, rate.ended_no)) as changed
  on changed.rate_date <  (known_month.issue_month + interval '1 month')::date
 and changed.rate_date >= known_month.issue_month - current_setting('lkp.lookback')::int;
