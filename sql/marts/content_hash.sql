-- One row is the hash over everything that a person reads as a result of lkp.cycle, in one order, from the tables fresh_*.
-- Control totals and the forecast stay out: a later file adds rows that are not yet visible here, and that is no
-- difference. lkp.content_version: 1 is what revisions said before renewals were kept, 2 is all of it.
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
  union all
  select 'renewal ' || row(partner_mpn_id, learning_option, competency, anniversary, window_from, window_to, provisional,
                           rule_set, tier, not_offered, level)::text
  from fresh_renewal where current_setting('lkp.content_version') <> '1'
  union all
  select 'renewal requirement ' || row(partner_mpn_id, competency, level, position, requirement, trim_scale(figure),
                                       trim_scale(threshold), outcome, source, waiver)::text
  from fresh_renewal_requirement where current_setting('lkp.content_version') <> '1'
  union all
  select 'terms ' || row(partner_mpn_id, competency, tier, not_offered)::text
  from fresh_level where current_setting('lkp.content_version') <> '1' and (tier <> '' or not_offered <> '{}')
  union all
  select 'waiver ' || row(partner_mpn_id, competency, level, position, waiver)::text
  from fresh_requirement where current_setting('lkp.content_version') <> '1' and waiver <> ''
) as rows;
