-- view: one row is one issue day and the day whose exchange rate converts its lines: the same day, or the last one of its
-- month where the rule set in force on the issue day says so. Days: [lkp.from, lkp.to). As of lkp.cutoff.
create view rate_day as
with month_end as (
  select rule_set.valid_from, rule_set.valid_to
  from rule_set
  where rule_set.rate_day = 'month-end'
    and rule_set.change_no <= current_setting('lkp.cutoff')::bigint
    and (rule_set.ended_no is null or rule_set.ended_no > current_setting('lkp.cutoff')::bigint)
)
select day.day,
       case when (select bool_or(true) from month_end
                  where day.day >= month_end.valid_from and day.day < coalesce(month_end.valid_to, 'infinity'::date))
            then (date_trunc('month', day.day::timestamp) + interval '1 month - 1 day')::date
            else day.day end as rate_day
from day
where day.day >= current_setting('lkp.from')::date
  and day.day <  current_setting('lkp.to')::date;
