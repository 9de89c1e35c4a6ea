-- Who is judged over which window, on which day, by which rule set. Temporary tables:
--   fresh_enrolled  one row is one enrolment on the window's last day, with the anniversary at hand in lkp.cycle;
--   fresh_window    one row is one window that somebody is judged over: no 1 is the cycle's, the others are those of
--                   anniversaries. judged_on: its last day, or the cycle's window's while it has not ended;
--   fresh_judged    one row is one enrolment over one window, the cycle's and its anniversary's: what levels.sql asks;
--   fresh_rule_set  one row is one rule set that was used.
-- Settings: those of fresh.sql, which comes next.

create temporary table fresh_known_rules on commit drop as
select rule_set.*
from rule_set
where rule_set.change_no <= current_setting('lkp.cutoff')::bigint
  and (rule_set.ended_no is null or rule_set.ended_no > current_setting('lkp.cutoff')::bigint);

create temporary table fresh_enrolled on commit drop as
select enrolment.partner_mpn_id, enrolment.learning_option, enrolment.competency, enrolment.anniversary_date,
       at_hand.anniversary,
       (date_trunc('month', at_hand.anniversary::timestamp) - interval '12 months')::date as renewal_from,
       (date_trunc('month', at_hand.anniversary::timestamp) - interval '1 day')::date     as renewal_to
from enrolment
cross join lateral (
  select anniversary_at_hand(enrolment.anniversary_date, current_setting('lkp.cycle_start')::date, enrolment.valid_from)
  offset 0
) as at_hand (anniversary)
where enrolment.change_no <= current_setting('lkp.cutoff')::bigint
  and (enrolment.ended_no is null or enrolment.ended_no > current_setting('lkp.cutoff')::bigint)
  and enrolment.valid_from <= current_setting('lkp.window_to')::date
  and coalesce(enrolment.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date;

create temporary table fresh_window on commit drop as
with windows as (
  select current_setting('lkp.window_from')::date as window_from, current_setting('lkp.window_to')::date as window_to
  union
  select fresh_enrolled.renewal_from, fresh_enrolled.renewal_to
  from fresh_enrolled
), dated as (
  select row_number() over (order by windows.window_to <> current_setting('lkp.window_to')::date, windows.window_to)::int as no,
         windows.window_from, windows.window_to,
         least(windows.window_to, current_setting('lkp.window_to')::date) as judged_on
  from windows
)
select dated.*, fresh_known_rules.id as rule_set_id, coalesce(fresh_known_rules.name, '') as rule_set
from dated
left join fresh_known_rules on fresh_known_rules.year_from <= dated.judged_on
                           and coalesce(fresh_known_rules.year_to, 'infinity'::date) > dated.judged_on;

create temporary table fresh_judged on commit drop as
with country_on as (
  select days.judged_on, partner.mpn_id, partner.country
  from (select distinct fresh_window.judged_on from fresh_window) as days
  join partner on partner.change_no <= current_setting('lkp.cutoff')::bigint
              and (partner.ended_no is null or partner.ended_no > current_setting('lkp.cutoff')::bigint)
              and partner.valid_from <= days.judged_on
              and coalesce(partner.valid_to, 'infinity'::date) > days.judged_on
), option_rank as (
  -- the level that an option stands for; an option that a rule set does not know is asked nothing and reaches no level
  select rule_requirement.rule_set_id, option_key(rule_requirement.learning_option) as option_key,
         min(rule_requirement.level_rank) as option_rank
  from rule_requirement
  group by 1, 2
)
select sides.side, fresh_enrolled.partner_mpn_id, fresh_enrolled.learning_option, fresh_enrolled.competency,
       fresh_enrolled.anniversary_date, fresh_enrolled.anniversary,
       fresh_window.no as window_no, fresh_window.judged_on, fresh_window.rule_set_id,
       coalesce(rule_tier.tier, '') as tier, option_rank.option_rank
from fresh_enrolled
cross join lateral (
  values ('cycle', current_setting('lkp.window_to')::date), ('renewal', fresh_enrolled.renewal_to)
) as sides (side, window_to)
join fresh_window     on fresh_window.window_to = sides.window_to
left join country_on  on country_on.judged_on = fresh_window.judged_on and country_on.mpn_id = fresh_enrolled.partner_mpn_id
left join rule_tier   on rule_tier.rule_set_id = fresh_window.rule_set_id and rule_tier.country = country_on.country
left join option_rank on option_rank.rule_set_id = fresh_window.rule_set_id
                     and option_rank.option_key = option_key(fresh_enrolled.learning_option);

-- Weights go by the issue date; caps, levels, tiers, offers and waivers by the day on which a window is judged.
create temporary table fresh_rule_set on commit drop as
select rules.id, rules.name, rules.title, rules.sha256, rules.basis, rules.valid_from, rules.valid_to,
       rules.id = (select fresh_window.rule_set_id from fresh_window where fresh_window.no = 1) is true as decides_levels
from fresh_known_rules as rules
where rules.id in (select fresh_window.rule_set_id from fresh_window)
   or rules.valid_from <= current_setting('lkp.window_to')::date
      and coalesce(rules.valid_to, 'infinity'::date) > (select min(fresh_window.window_from) from fresh_window);
