-- One row is one issue month of the window in which a line may count otherwise at lkp.until_no than at lkp.since_no:
-- `whole` where a change touched its lines, else only lines of locations whose partner on lkp.window_to changed, whose
-- customer numbers are put into lkp.moved_customers. Cost follows what changed: other months are never read.
-- Settings: lkp.window_from, lkp.window_to, lkp.cycle_start; lkp.every_month: '1' where a setting differs, which all lines
-- may follow.
create temporary table location_moved on commit drop as
with known as (
  select side.side, location.location_mpn_id, location.partner_mpn_id
  from (values ('since', current_setting('lkp.since_no')::bigint), ('until', current_setting('lkp.until_no')::bigint))
       as side (side, cutoff)
  join location on location.change_no <= side.cutoff
               and (location.ended_no is null or location.ended_no > side.cutoff)
               and location.valid_from <= current_setting('lkp.window_to')::date
               and coalesce(location.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date
)
select location_mpn_id
from (select * from known where known.side = 'since') as since
full join (select * from known where known.side = 'until') as until using (location_mpn_id)
where since.partner_mpn_id is distinct from until.partner_mpn_id;

create temporary table number_moved on commit drop as
select distinct customer.customer_number
from location_moved
join customer on customer.location_mpn_id = location_moved.location_mpn_id;

select set_config('lkp.moved_customers',
                  coalesce((select array_agg(number_moved.customer_number order by number_moved.customer_number collate "C")
                            from number_moved), '{}')::text, true);

with found as (
  select month_touched.issue_month, true as whole
  from month_touched
  where month_touched.change_no >  current_setting('lkp.since_no')::bigint
    and month_touched.change_no <= current_setting('lkp.until_no')::bigint
  union all
  select month_follows.issue_month, true
  from month_follows
  join month_touched on month_touched.issue_month = month_follows.followed
                    and month_touched.change_no >  current_setting('lkp.since_no')::bigint
                    and month_touched.change_no <= current_setting('lkp.until_no')::bigint
  union all
  -- the month of the 384 is touched; what it replaces is of another one
  select date_trunc('month', replaced.issue_date::timestamp)::date, true
  from correction
  join document as replaced on replaced.id = correction.replaces_id
  where correction.change_no > current_setting('lkp.since_no')::bigint
     or correction.ended_no  > current_setting('lkp.since_no')::bigint
  union all
  select months.month::date, true
  from generate_series(current_setting('lkp.window_from')::timestamp,
                       current_setting('lkp.window_to')::timestamp, interval '1 month') as months (month)
  where current_setting('lkp.every_month') = '1'
  union all
  select customer_month.issue_month, false
  from number_moved
  join customer_month on customer_month.customer_number = number_moved.customer_number
)
select to_char(found.issue_month, 'YYYY-MM') as month, bool_or(found.whole) as whole
from found
where found.issue_month >= current_setting('lkp.window_from')::date
  and found.issue_month <  current_setting('lkp.cycle_start')::date
group by 1
order by 1;
