-- Each enrolment held against what its window's rule set asks, in temporary tables. fresh_evaluation: one row is one
-- requirement of one enrolment over one window. From it, by side: fresh_requirement and fresh_level (the cycle's window),
-- fresh_renewal_requirement and fresh_renewal (the anniversary's). One query for both, so that both mean the same.
-- Reads the tables of windows.sql and fresh.sql. Without nested loops: settings hide the row counts from the planner.
set local enable_nestloop = off;

create temporary table fresh_asked_level on commit drop as
with named as (
  select distinct rule_requirement.rule_set_id, rule_requirement.level_rank, rule_requirement.level,
         rule_requirement.competency, rule_requirement.tier, hangs_on_partner(rule_requirement.learning_option) as of_partner
  from rule_requirement
), offering as (
  select distinct rule_competency.rule_set_id
  from rule_competency
)
-- One row is one level of one enrolment over one window, and whose requirements of it apply: the competency's own before
-- the general ones, then the tier's before those of every country. null competency: it asks nothing here.
select distinct on (judged.side, judged.partner_mpn_id, judged.competency, levels.level_rank)
       judged.*, levels.level_rank, levels.level, levels.of_partner,
       named.competency as asked_competency, named.tier as asked_tier,
       levels.of_partner or judged.competency = '' or offering.rule_set_id is null
         or rule_competency.level is not null as offered
from fresh_judged as judged
join (select distinct named.rule_set_id, named.level_rank, named.level, named.of_partner from named) as levels
  on levels.rule_set_id = judged.rule_set_id
left join named on named.rule_set_id = judged.rule_set_id
               and named.level = levels.level
               -- the Action Pack hangs on the partner: whatever competency falls to it is asked what the partner is
               and named.competency in ('', case when levels.of_partner then '' else judged.competency end)
               and named.tier in ('', judged.tier)
left join offering on offering.rule_set_id = judged.rule_set_id
left join rule_competency on rule_competency.rule_set_id = judged.rule_set_id
                         and rule_competency.competency = judged.competency
                         and rule_competency.level = levels.level
where judged.option_rank is not null
  -- An Action Pack enrolment is asked nothing above its level; a competency shows how far the higher levels are.
  and (judged.competency <> '' or levels.level_rank >= judged.option_rank)
order by judged.side, judged.partner_mpn_id, judged.competency, levels.level_rank,
         named.competency = '', named.tier = '';

create temporary table fresh_evaluation on commit drop as
with asked as (
  select levels.side, levels.partner_mpn_id, levels.competency, levels.anniversary, levels.window_no, levels.judged_on,
         levels.rule_set_id, levels.option_rank, levels.level_rank, levels.level, levels.of_partner,
         rule_requirement.position, rule_requirement.requirement, rule_requirement.measure, rule_requirement.category,
         rule_requirement.threshold, rule_requirement.source, rule_requirement.sample
  from fresh_asked_level as levels
  join rule_requirement on rule_requirement.rule_set_id = levels.rule_set_id
                       and rule_requirement.level = levels.level
                       and rule_requirement.competency = levels.asked_competency
                       and rule_requirement.tier = levels.asked_tier
  where levels.offered
), attained as (
  select days.judged_on, attainment.partner_mpn_id, attainment.competency, attainment.measure, attainment.value
  from (select distinct fresh_window.judged_on from fresh_window) as days
  join attainment on attainment.change_no <= current_setting('lkp.cutoff')::bigint
                 and (attainment.ended_no is null or attainment.ended_no > current_setting('lkp.cutoff')::bigint)
                 and attainment.valid_from <= days.judged_on
                 and coalesce(attainment.valid_to, 'infinity'::date) > days.judged_on
), greatest_attained as (
  select attained.judged_on, attained.partner_mpn_id, attained.measure, max(attained.value) as value
  from attained
  group by 1, 2, 3
), category_total as (
  -- category '' = all of them
  select classes.window_no, classes.partner_mpn_id,
         case when grouping(classes.category) = 1 then '' else classes.category end as category,
         sum(classes.counted) as counted, round(sum(classes.units), 6) as units, sum(classes.revenue) as revenue
  from fresh_window_class as classes
  group by grouping sets ((1, 2, classes.category), (1, 2))
  having grouping(classes.category) = 1 or classes.category <> ''
), measured as (
  -- An attainment of the competency itself goes before one of the whole partner. Of a level that hangs on the partner
  -- the whole partner's counts, or the greatest of its competencies' where none is on record for the partner.
  select asked.*,
         case when asked.measure = 'kpi'     then coalesce(category_total.counted, 0)
              when asked.measure = 'units'   then coalesce(category_total.units, 0)
              when asked.measure = 'revenue' then coalesce(category_total.revenue, 0)
              when asked.of_partner          then coalesce(whole.value, greatest_attained.value)
              else coalesce(own.value, whole.value) end as figure
  from asked
  left join category_total    on category_total.window_no = asked.window_no
                             and category_total.partner_mpn_id = asked.partner_mpn_id
                             and category_total.category = asked.category
  left join attained as own   on own.judged_on = asked.judged_on and own.partner_mpn_id = asked.partner_mpn_id
                             and own.measure = asked.measure and own.competency = asked.competency
  left join attained as whole on whole.judged_on = asked.judged_on and whole.partner_mpn_id = asked.partner_mpn_id
                             and whole.measure = asked.measure and whole.competency = ''
  left join greatest_attained on greatest_attained.judged_on = asked.judged_on
                             and greatest_attained.partner_mpn_id = asked.partner_mpn_id
                             and greatest_attained.measure = asked.measure
), waived as (
  -- A waiver extends what a competency holds: levels up to the option, by the anniversary at hand. The Action Pack hangs on
  -- the partner, and is not extended.
  select measured.*, rule_waiver.source as waiver_source, rule_waiver.sample as waiver_sample
  from measured
  left join rule_waiver on rule_waiver.rule_set_id = measured.rule_set_id
                       and rule_waiver.anniversary_from <= measured.anniversary
                       and rule_waiver.anniversary_to   >  measured.anniversary
                       and (rule_waiver.measures = '{}' or measured.measure = any(rule_waiver.measures))
                       and measured.competency <> all(rule_waiver.except_competencies)
                       and measured.competency <> ''
                       and measured.level_rank >= measured.option_rank
), judged as (
  select waived.*,
         case when waived.figure >= waived.threshold    then 'met'
              when waived.waiver_source is not null     then 'waived'
              when waived.figure is null                then 'no data'
              else 'not met' end as outcome
  from waived
)
select judged.side, judged.partner_mpn_id, judged.competency, judged.option_rank, judged.level_rank, judged.level,
       judged.position, judged.requirement, judged.measure, judged.category, judged.figure, judged.threshold,
       judged.outcome, judged.source,
       case when judged.outcome = 'waived' then judged.waiver_source else '' end as waiver,
       judged.sample or judged.outcome = 'waived' and judged.waiver_sample as sample
from judged;

create temporary table fresh_requirement on commit drop as
select fresh_evaluation.* from fresh_evaluation where fresh_evaluation.side = 'cycle';

create temporary table fresh_renewal_requirement on commit drop as
select fresh_evaluation.* from fresh_evaluation where fresh_evaluation.side = 'renewal';

-- One row is one enrolment over one window and the highest level, up to its option, that its figures reach: '' = none.
create temporary table fresh_attained on commit drop as
with reached as (
  select fresh_evaluation.side, fresh_evaluation.partner_mpn_id, fresh_evaluation.competency, fresh_evaluation.level,
         fresh_evaluation.level_rank
  from fresh_evaluation
  where fresh_evaluation.level_rank >= fresh_evaluation.option_rank
  group by 1, 2, 3, 4, 5
  having bool_and(fresh_evaluation.outcome in ('met', 'waived'))
), withheld as (
  select levels.side, levels.partner_mpn_id, levels.competency,
         array_agg(levels.level order by levels.level_rank) as not_offered
  from fresh_asked_level as levels
  where levels.level_rank >= levels.option_rank
    and (not levels.offered or levels.asked_competency is null)
  group by 1, 2, 3
)
select distinct on (judged.side, judged.partner_mpn_id, judged.competency)
       judged.side, judged.partner_mpn_id, judged.learning_option, judged.competency, judged.anniversary_date,
       judged.anniversary, judged.window_no, judged.tier,
       coalesce(withheld.not_offered, '{}') as not_offered, coalesce(reached.level, '') as level
from fresh_judged as judged
left join withheld on withheld.side = judged.side and withheld.partner_mpn_id = judged.partner_mpn_id
                  and withheld.competency = judged.competency
left join reached  on reached.side = judged.side and reached.partner_mpn_id = judged.partner_mpn_id
                  and reached.competency = judged.competency
order by judged.side, judged.partner_mpn_id, judged.competency, reached.level_rank;

create temporary table fresh_level on commit drop as
select attained.partner_mpn_id, attained.learning_option, attained.competency, attained.anniversary_date, attained.tier,
       attained.not_offered, attained.level
from fresh_attained as attained
where attained.side = 'cycle';

create temporary table fresh_renewal on commit drop as
select attained.partner_mpn_id, attained.learning_option, attained.competency, attained.anniversary_date,
       attained.anniversary, fresh_window.window_from, fresh_window.window_to,
       fresh_window.window_to >= current_setting('lkp.cycle_start')::date as provisional,
       attained.anniversary - 15 as first_reminder, attained.anniversary + 23 as second_reminder,
       attained.anniversary + 30 as grace_end,
       fresh_window.rule_set, attained.tier, attained.not_offered, attained.level
from fresh_attained as attained
join fresh_window on fresh_window.no = attained.window_no
where attained.side = 'renewal';

set local enable_nestloop = on;
