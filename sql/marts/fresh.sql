-- Computes what a snapshot of lkp.cycle would hold, into temporary tables fresh_*: cells, classes under their caps,
-- levels, requirements, control totals. Settings: lkp.cutoff, lkp.window_from, lkp.window_to (last day),
-- lkp.cycle_start (first day of the cycle's month). Reads month_cell and month_control, never lines.

create temporary table fresh_rule_set on commit drop as
select rule_set.id, rule_set.name, rule_set.title, rule_set.sha256, rule_set.basis, rule_set.valid_from, rule_set.valid_to,
       by_year.decides_levels
from rule_set
-- weights go by the issue date; caps and levels by the window's last day
cross join lateral (
  select rule_set.year_from <= current_setting('lkp.window_to')::date
     and coalesce(rule_set.year_to, 'infinity'::date) > current_setting('lkp.window_to')::date as decides_levels
) as by_year
where rule_set.change_no <= current_setting('lkp.cutoff')::bigint
  and (rule_set.ended_no is null or rule_set.ended_no > current_setting('lkp.cutoff')::bigint)
  and (by_year.decides_levels
    or rule_set.valid_from <= current_setting('lkp.window_to')::date
       and coalesce(rule_set.valid_to, 'infinity'::date) > current_setting('lkp.window_from')::date);

create temporary table fresh_cell on commit drop as
select coalesce(partner_of.partner_mpn_id, '') as partner_mpn_id,
       month_cell.location_mpn_id, month_cell.kpi_month, month_cell.omlp_type, month_cell.kpi_class,
       sum(month_cell.lines)::int         as lines,
       sum(month_cell.units)              as units,
       sum(month_cell.kpi_value)          as kpi_value,
       sum(month_cell.revenue)            as revenue,
       sum(month_cell.zero_lines)::int    as zero_lines,
       sum(month_cell.no_rate_lines)::int as no_rate_lines
from month_cell
left join partner_of on partner_of.location_mpn_id = month_cell.location_mpn_id
where month_cell.kpi_month   >= current_setting('lkp.window_from')::date
  and month_cell.issue_month <  current_setting('lkp.cycle_start')::date
group by 1, 2, 3, 4, 5
-- a corrected invoice took it all back
having sum(month_cell.lines) <> 0;

create temporary table fresh_class on commit drop as
with summed as (
  select fresh_cell.partner_mpn_id, fresh_cell.kpi_class,
         sum(fresh_cell.units) as units, sum(fresh_cell.kpi_value) as kpi_value, sum(fresh_cell.revenue) as revenue
  from fresh_cell
  group by 1, 2
), sampled as (
  -- lines of one window may take their weights from several rule sets
  select rule_weight.kpi_class, bool_or(rule_weight.sample) as sample
  from fresh_rule_set
  join rule_weight on rule_weight.rule_set_id = fresh_rule_set.id
  group by 1
)
select summed.partner_mpn_id, coalesce(rule_weight.category, '') as category, summed.kpi_class,
       summed.units, summed.kpi_value, rule_weight.cap,
       -- what is held against a cap or a threshold is rounded once: three thirds of 10 decimals are 1
       least(round(summed.kpi_value, 6), rule_weight.cap)                   as counted,
       coalesce(greatest(round(summed.kpi_value, 6) - rule_weight.cap, 0), 0) as above_cap,
       summed.revenue,
       coalesce(sampled.sample, false)                                      as sample
from summed
left join sampled on sampled.kpi_class = summed.kpi_class
left join fresh_rule_set on fresh_rule_set.decides_levels
left join rule_weight on rule_weight.rule_set_id = fresh_rule_set.id and rule_weight.kpi_class = summed.kpi_class;

-- One row is one enrolment on the window's last day; option_rank is the level it is enrolled for (null: the rule
-- set does not know the option, so it asks nothing and no level can be reached).
create temporary table enrolled on commit drop as
select enrolment.partner_mpn_id, enrolment.learning_option, enrolment.competency, enrolment.anniversary_date,
       (select min(rule_requirement.level_rank)
        from rule_requirement
        join fresh_rule_set on fresh_rule_set.id = rule_requirement.rule_set_id and fresh_rule_set.decides_levels
        where option_key(rule_requirement.learning_option) = option_key(enrolment.learning_option)) as option_rank
from enrolment
where enrolment.change_no <= current_setting('lkp.cutoff')::bigint
  and (enrolment.ended_no is null or enrolment.ended_no > current_setting('lkp.cutoff')::bigint)
  and enrolment.valid_from <= current_setting('lkp.window_to')::date
  and coalesce(enrolment.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date;

create temporary table fresh_requirement on commit drop as
with asked as (
  -- A competency's own requirements of a level replace the general ones (competency ''). An Action Pack enrolment
  -- hangs on the partner and is asked nothing above its level; a competency shows how far the higher levels are.
  select enrolled.partner_mpn_id, enrolled.competency, enrolled.option_rank,
         rule_requirement.level_rank, rule_requirement.level, rule_requirement.position, rule_requirement.requirement,
         rule_requirement.measure, rule_requirement.category, rule_requirement.threshold, rule_requirement.source,
         rule_requirement.sample
  from enrolled
  join fresh_rule_set on fresh_rule_set.decides_levels
  join rule_requirement on rule_requirement.rule_set_id = fresh_rule_set.id
  where enrolled.option_rank is not null
    and (enrolled.competency <> '' or rule_requirement.level_rank >= enrolled.option_rank)
    and rule_requirement.competency = (
          select coalesce(max(own.competency), '')
          from rule_requirement as own
          where own.rule_set_id = rule_requirement.rule_set_id
            and own.level = rule_requirement.level
            and own.competency = enrolled.competency)
), attained as (
  select attainment.partner_mpn_id, attainment.competency, attainment.measure, attainment.value
  from attainment
  where attainment.change_no <= current_setting('lkp.cutoff')::bigint
    and (attainment.ended_no is null or attainment.ended_no > current_setting('lkp.cutoff')::bigint)
    and attainment.valid_from <= current_setting('lkp.window_to')::date
    and coalesce(attainment.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date
), category_total as (
  select fresh_class.partner_mpn_id, fresh_class.category, sum(fresh_class.counted) as counted
  from fresh_class
  group by 1, 2
), partner_revenue as (
  select fresh_class.partner_mpn_id, sum(fresh_class.revenue) as revenue
  from fresh_class
  group by 1
), measured as (
  -- an attainment of the competency itself goes before one of the whole partner
  select asked.*,
         case asked.measure
           when 'kpi'     then coalesce(category_total.counted, 0)
           when 'revenue' then coalesce(partner_revenue.revenue, 0)
           else coalesce(own.value, whole.value) end as figure
  from asked
  left join category_total    on category_total.partner_mpn_id = asked.partner_mpn_id
                             and category_total.category = asked.category
  left join partner_revenue   on partner_revenue.partner_mpn_id = asked.partner_mpn_id
  left join attained as own   on own.partner_mpn_id = asked.partner_mpn_id and own.measure = asked.measure
                             and own.competency = asked.competency and asked.competency <> ''
  left join attained as whole on whole.partner_mpn_id = asked.partner_mpn_id and whole.measure = asked.measure
                             and whole.competency = ''
)
select measured.*,
       case when measured.figure is null               then 'no data'
            when measured.figure >= measured.threshold then 'met'
            else 'not met' end as outcome
from measured;

create temporary table fresh_level on commit drop as
with reached as (
  select fresh_requirement.partner_mpn_id, fresh_requirement.competency, fresh_requirement.level,
         fresh_requirement.level_rank
  from fresh_requirement
  where fresh_requirement.level_rank >= fresh_requirement.option_rank
  group by 1, 2, 3, 4
  having bool_and(fresh_requirement.outcome in ('met', 'waived'))
)
select distinct on (enrolled.partner_mpn_id, enrolled.competency)
       enrolled.partner_mpn_id, enrolled.learning_option, enrolled.competency, enrolled.anniversary_date,
       coalesce(reached.level, '') as level
from enrolled
left join reached on reached.partner_mpn_id = enrolled.partner_mpn_id and reached.competency = enrolled.competency
order by enrolled.partner_mpn_id, enrolled.competency, reached.level_rank;

create temporary table fresh_control on commit drop as
select control.disposition, coalesce(control.currency, '') as currency,
       sum(control.rows)::int as rows, coalesce(sum(control.amount), 0) as amount
from (
  select file_total.held as disposition, file_total.currency, file_total.rows, file_total.amount
  from file_total
  where file_total.held <> 'line'
    and file_total.change_no <= current_setting('lkp.cutoff')::bigint
  union all
  select case when month_control.disposition not in ('counted', 'reversal')                  then month_control.disposition
              when month_control.issue_month >= current_setting('lkp.cycle_start')::date   then 'not-yet-visible'
              when month_control.kpi_month   <  current_setting('lkp.window_from')::date   then 'outside-window'
              else month_control.disposition end,
         month_control.currency, month_control.rows, month_control.amount
  from month_control
  -- what a 384 takes back, it takes back from its own month on
  where not (month_control.takes_back and month_control.issue_month >= current_setting('lkp.cycle_start')::date)
) as control
group by 1, 2
having sum(control.rows) <> 0;

-- The hash over everything that a person reads as a result, in one order. Control totals stay out: a later file
-- adds rows that are not yet visible here, and that is no difference.
select encode(sha256(convert_to(coalesce(string_agg(rows.said, E'\n' order by rows.said collate "C"), ''), 'UTF8')), 'hex') as content_hash
from (
  select 'cell ' || row(partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class, lines, trim_scale(units),
                        trim_scale(kpi_value), trim_scale(revenue), zero_lines, no_rate_lines)::text as said from fresh_cell
  union all
  select 'class ' || row(partner_mpn_id, category, kpi_class, trim_scale(counted), trim_scale(above_cap), sample)::text from fresh_class
  union all
  select 'level ' || row(partner_mpn_id, learning_option, competency, anniversary_date, level)::text from fresh_level
  union all
  select 'requirement ' || row(partner_mpn_id, competency, level, position, requirement, trim_scale(figure),
                               trim_scale(threshold), outcome, source)::text from fresh_requirement
) as rows;
