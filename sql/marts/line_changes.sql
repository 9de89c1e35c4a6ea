-- One row of the temporary table line_change is one line (a row of a file) whose contribution to the cycle differs between
-- the two sides of a comparison: partner, location, KPI month, type, class, units, KPI, revenue, or that it counts at all;
-- with ONE cause. The cause is the first that applies, in the order of the CASE below (docs/kpis.md prints it). Settings: lkp.since_no and
-- lkp.until_no, the earlier and the later cut-off; lkp.every_month: '1' where a setting differs.
set local enable_nestloop = off;

create temporary table line_pair on commit drop as
with before as (
  select side_line.* from side_line where side_line.side = 'before'
), after as (
  select side_line.* from side_line where side_line.side = 'after'
)
select coalesce(after.file_id, before.file_id)                 as file_id,
       coalesce(after.row_no, before.row_no)                   as row_no,
       coalesce(after.document_id, before.document_id)         as document_id,
       coalesce(after.number, before.number)                   as number,
       coalesce(after.class, before.class)                     as class,
       coalesce(after.issue_date, before.issue_date)           as issue_date,
       coalesce(after.customer_number, before.customer_number) as customer_number,
       coalesce(after.sku, before.sku)                         as sku,
       coalesce(before.counts, false)                          as counted_before,
       coalesce(after.counts, false)                           as counted_after,
       before.file_id is not null                              as stood_before,
       after.file_id is not null                               as stands_after,
       before.disposition = 'quarantined'                      as waited_before,
       after.disposition = 'quarantined'                       as waits_after,
       before.rule as rule_before,                       after.rule as rule_after,
       before.corrected_by as corrected_before,          after.corrected_by as corrected_after,
       before.location_mpn_id as location_before,        after.location_mpn_id as location_after,
       before.partner_mpn_id as partner_before,          after.partner_mpn_id as partner_after,
       before.kpi_month as month_before,                 after.kpi_month as month_after,
       before.omlp_type as type_before,                  after.omlp_type as type_after,
       before.kpi_class as class_before,                 after.kpi_class as class_after,
       before.weight as weight_before,                   after.weight as weight_after,
       before.per_units as per_units_before,             after.per_units as per_units_after,
       before.rate as rate_before,                       after.rate as rate_after,
       before.units as all_units_before,                 after.units as all_units_after,
       case when before.counts then before.units else 0 end                 as units_before,
       case when after.counts  then after.units  else 0 end                 as units_after,
       case when before.counts then before.kpi_value else 0 end             as kpi_before,
       case when after.counts  then after.kpi_value  else 0 end             as kpi_after,
       case when before.counts then coalesce(before.revenue, 0) else 0 end  as revenue_before,
       case when after.counts  then coalesce(after.revenue, 0)  else 0 end  as revenue_after
from before
full join after on after.file_id = before.file_id and after.row_no = before.row_no
where (before.counts or after.counts)
  and (before.counts, before.partner_mpn_id, before.location_mpn_id, before.kpi_month, before.omlp_type, before.kpi_class,
       before.units, before.kpi_value, coalesce(before.revenue, 0))
      is distinct from
      (after.counts, after.partner_mpn_id, after.location_mpn_id, after.kpi_month, after.omlp_type, after.kpi_class,
       after.units, after.kpi_value, coalesce(after.revenue, 0));
analyze line_pair;

-- The last change between the two cut-offs that made a row stand, wait, or neither. Few rows, each looked up.
set local enable_nestloop = on;
create temporary table line_moved on commit drop as
select distinct on (line_pair.file_id, line_pair.row_no)
       line_pair.file_id, line_pair.row_no, change.kind, change.reason
from line_pair
cross join lateral (
  select line.change_no as no from line
  where line.document_id = line_pair.document_id and line.file_id = line_pair.file_id and line.row_no = line_pair.row_no
  union all
  select line.ended_no from line
  where line.document_id = line_pair.document_id and line.file_id = line_pair.file_id and line.row_no = line_pair.row_no
  union all
  select quarantine.change_no from quarantine
  where quarantine.file_id = line_pair.file_id and quarantine.row_no = line_pair.row_no
  union all
  select quarantine.ended_no from quarantine
  where quarantine.file_id = line_pair.file_id and quarantine.row_no = line_pair.row_no
) as moved
join change on change.no = moved.no
where (line_pair.stood_before <> line_pair.stands_after or line_pair.waited_before <> line_pair.waits_after)
  and moved.no >  current_setting('lkp.since_no')::bigint
  and moved.no <= current_setting('lkp.until_no')::bigint
order by line_pair.file_id, line_pair.row_no, moved.no desc;
analyze line_moved;

-- What a row that stands on one side only repeats, or whose place it took.
create temporary table line_other on commit drop as
select line_moved.file_id, line_moved.row_no,
       max(original.name || ', row ' || duplicate.of_row_no) as repeats,
       max(replaced.name || ', row ' || set_aside.row_no)    as corrects
from line_moved
left join duplicate on duplicate.file_id = line_moved.file_id and duplicate.row_no = line_moved.row_no
                   and (duplicate.ended_no is null or duplicate.ended_no > current_setting('lkp.since_no')::bigint)
                   and duplicate.change_no <= current_setting('lkp.until_no')::bigint
left join file as original on original.id = duplicate.of_file_id
left join set_aside on set_aside.by_file_id = line_moved.file_id and set_aside.by_row_no = line_moved.row_no
                   and set_aside.rule = 'row-corrected'
left join file as replaced on replaced.id = set_aside.file_id
group by 1, 2;
set local enable_nestloop = off;

-- Whether another rule set, or another text of it, is in force on an issue date than was.
create temporary table day_reruled on commit drop as
select days.issue_date, coalesce(since.sha256, '') <> coalesce(until.sha256, '') as reruled
from (select distinct line_pair.issue_date from line_pair) as days
left join rule_set as since on since.change_no <= current_setting('lkp.since_no')::bigint
                           and (since.ended_no is null or since.ended_no > current_setting('lkp.since_no')::bigint)
                           and days.issue_date >= since.valid_from
                           and days.issue_date <  coalesce(since.valid_to, 'infinity'::date)
left join rule_set as until on until.change_no <= current_setting('lkp.until_no')::bigint
                           and (until.ended_no is null or until.ended_no > current_setting('lkp.until_no')::bigint)
                           and days.issue_date >= until.valid_from
                           and days.issue_date <  coalesce(until.valid_to, 'infinity'::date);

create temporary table line_change on commit drop as
with named as (
  select line_pair.*, line_moved.reason, line_other.repeats, line_other.corrects,
         case when line_moved.kind = 'withdraw'                                    then 'withdrawal'
              when line_moved.kind in ('release', 'refuse', 'reopen')              then 'decision'
              when line_moved.kind is not null
               and (line_pair.waits_after and line_pair.counted_before
                 or line_pair.waited_before and line_pair.rule_before = 'conflict') then 'quarantine'
              when line_other.corrects is not null                                then 'corrected row'
              when line_other.repeats is not null                                 then 'duplicate'
              when line_moved.kind is not null
               and line_pair.class = 'corrected invoice'
                or line_pair.corrected_before is distinct from line_pair.corrected_after
                or line_pair.class = 'corrected invoice'
               and line_pair.month_before <> line_pair.month_after                 then 'correction'
              when line_moved.kind is not null and line_pair.class = 'credit note' then 'credit'
              -- where the rule set counts credits in their invoice's month, it moves, waits or comes with that invoice
              when line_pair.class = 'credit note' and not day_reruled.reruled
               and (line_pair.month_before <> line_pair.month_after
                 or line_pair.waited_before <> line_pair.waits_after)              then 'credit'
              when line_moved.kind is not null                                     then 'late invoice'
              when line_pair.location_before is distinct from line_pair.location_after then 'customer'
              when (line_pair.type_before, line_pair.class_before, line_pair.all_units_before)
                   is distinct from
                   (line_pair.type_after, line_pair.class_after, line_pair.all_units_after) then 'product'
              when line_pair.partner_before is distinct from line_pair.partner_after then 'merge'
              when (line_pair.weight_before, line_pair.per_units_before)
                   is distinct from (line_pair.weight_after, line_pair.per_units_after)
                or day_reruled.reruled                                             then 'rule set'
              when current_setting('lkp.every_month') = '1'                        then 'setting'
              when line_pair.rate_before is distinct from line_pair.rate_after     then 'rate'
              else 'unexplained' end as cause
  from line_pair
  left join line_moved on line_moved.file_id = line_pair.file_id and line_moved.row_no = line_pair.row_no
  left join line_other on line_other.file_id = line_pair.file_id and line_other.row_no = line_pair.row_no
  left join day_reruled on day_reruled.issue_date = line_pair.issue_date
)
select named.cause,
       case named.cause
         when 'correction' then named.corrected_before
         when 'customer'   then named.location_before
         when 'product'    then concat_ws(', ', named.type_before, named.class_before, trim_scale(named.all_units_before)::text)
         when 'merge'      then named.partner_before
         when 'rule set'   then trim_scale(named.weight_before)::text
                                || case when named.per_units_before <> 1
                                        then ' for ' || trim_scale(named.per_units_before) else '' end
         when 'rate'       then trim_scale(round(named.rate_before, 8))::text end as was,
       case named.cause
         when 'withdrawal'    then named.reason
         when 'decision'      then named.reason
         when 'quarantine'    then coalesce(named.rule_after, named.rule_before)
         when 'duplicate'     then named.repeats
         when 'corrected row' then named.corrects
         when 'correction'    then named.corrected_after
         when 'customer'      then named.location_after
         when 'product'       then concat_ws(', ', named.type_after, named.class_after, trim_scale(named.all_units_after)::text)
         when 'merge'         then named.partner_after
         when 'rule set'      then trim_scale(named.weight_after)::text
                                   || case when named.per_units_after <> 1
                                           then ' for ' || trim_scale(named.per_units_after) else '' end
         when 'rate'          then trim_scale(round(named.rate_after, 8))::text end as is_now,
       named.number, named.class as document_class, named.issue_date, named.customer_number, named.sku,
       file.name as file_name, file.sha256 as file_sha256, named.row_no,
       named.counted_before, named.counted_after,
       case when named.counted_before then named.partner_before end  as partner_before,
       case when named.counted_after  then named.partner_after end   as partner_after,
       case when named.counted_before then named.location_before end as location_before,
       case when named.counted_after  then named.location_after end  as location_after,
       case when named.counted_before then named.month_before end    as month_before,
       case when named.counted_after  then named.month_after end     as month_after,
       case when named.counted_before then named.type_before end     as type_before,
       case when named.counted_after  then named.type_after end      as type_after,
       case when named.counted_before then named.class_before end    as class_before,
       case when named.counted_after  then named.class_after end     as class_after,
       named.units_before, named.units_after, named.kpi_before, named.kpi_after, named.revenue_before, named.revenue_after
from named
join file on file.id = named.file_id;

create index on line_change (partner_before);
create index on line_change (partner_after);
analyze line_change;

set local enable_nestloop = on;
drop table line_pair, line_moved, line_other, day_reruled, side_line;
