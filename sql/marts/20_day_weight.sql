-- view: one row is the weight of one KPI class on one day, by the rule set valid that day: so many units earn so much, and
-- whether a $0 line counts. Days: [lkp.from, lkp.to).
create view day_weight as
select day.day, rule_weight.kpi_class, rule_weight.category, rule_weight.weight,
       -- null where it is one: nothing is compared and divided on the way of a million lines
       nullif(rule_weight.per_units, 1) as per_units,
       rule_set.zero_amount = 'units' as zero_counts
from rule_set
join rule_weight on rule_weight.rule_set_id = rule_set.id
join day on day.day >= rule_set.valid_from
        and day.day <  coalesce(rule_set.valid_to, 'infinity'::date)
where rule_set.change_no <= current_setting('lkp.cutoff')::bigint
  and (rule_set.ended_no is null or rule_set.ended_no > current_setting('lkp.cutoff')::bigint)
  and day.day >= current_setting('lkp.from')::date
  and day.day <  current_setting('lkp.to')::date;
