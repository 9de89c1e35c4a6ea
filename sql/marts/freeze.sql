-- Writes the fresh_* tables as revision lkp.revision of lkp.cycle. Only inserts: a final revision never changes.
insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency,
                      lookback, content_hash, content_version, change_no, reason)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, current_setting('lkp.cutoff')::bigint,
       (select change.known_at from change where change.no = current_setting('lkp.cutoff')::bigint),
       current_setting('lkp.due_at')::timestamptz,
       current_setting('lkp.window_from')::date, current_setting('lkp.window_to')::date,
       current_setting('lkp.reporting_currency'), current_setting('lkp.lookback')::int,
       current_setting('lkp.content_hash'), 2,
       nullif(current_setting('lkp.change_no'), '')::bigint, nullif(current_setting('lkp.reason'), '');

insert into snapshot_rule_set (cycle, revision, name, title, sha256, basis, valid_from, valid_to)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int,
       name, title, sha256, basis, valid_from, valid_to
from fresh_rule_set;

insert into snapshot_cell (cycle, revision, partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class,
                           lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, location_mpn_id, kpi_month,
       omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines
from fresh_cell;

insert into snapshot_class (cycle, revision, partner_mpn_id, category, kpi_class, units, kpi_value, cap, counted,
                            above_cap, revenue, sample)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, category, kpi_class, units,
       kpi_value, cap, counted, above_cap, revenue, sample
from fresh_class;

insert into snapshot_level (cycle, revision, partner_mpn_id, learning_option, competency, anniversary_date, tier,
                            not_offered, level)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, learning_option, competency,
       anniversary_date, tier, not_offered, level
from fresh_level;

insert into snapshot_requirement (cycle, revision, partner_mpn_id, competency, level_rank, level, position, requirement,
                                  measure, category, figure, threshold, outcome, source, waiver, sample)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, competency, level_rank, level,
       position, requirement, measure, category, figure, threshold, outcome, source, waiver, sample
from fresh_requirement;

insert into snapshot_renewal (cycle, revision, partner_mpn_id, learning_option, competency, anniversary_date, anniversary,
                              window_from, window_to, provisional, first_reminder, second_reminder, grace_end, rule_set,
                              tier, not_offered, level)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, learning_option, competency,
       anniversary_date, anniversary, window_from, window_to, provisional, first_reminder, second_reminder, grace_end,
       rule_set, tier, not_offered, level
from fresh_renewal;

insert into snapshot_renewal_requirement (cycle, revision, partner_mpn_id, competency, level_rank, level, position,
                                          requirement, measure, category, figure, threshold, outcome, source, waiver, sample)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, competency, level_rank, level,
       position, requirement, measure, category, figure, threshold, outcome, source, waiver, sample
from fresh_renewal_requirement;

insert into snapshot_forecast (cycle, revision, partner_mpn_id, category, ahead, leaves_kpi, leaves_revenue, enters_kpi,
                               enters_revenue, kpi_value, counted, units, revenue)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, partner_mpn_id, category, ahead, leaves_kpi,
       leaves_revenue, enters_kpi, enters_revenue, kpi_value, counted, units, revenue
from fresh_forecast;

insert into snapshot_control (cycle, revision, disposition, currency, rows, amount)
select current_setting('lkp.cycle'), current_setting('lkp.revision')::int, disposition, currency, rows, amount
from fresh_control;
