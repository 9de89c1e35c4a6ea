-- view: one row is what one unit of a currency is worth in euro terms on one day: the last prior rate within the
-- look-back, a manual rate before the ECB's of the same day. Days: from lkp.from to the end of the last month before lkp.to
-- (the rate of a month's last day may be wanted for all of it). As of lkp.cutoff.
create view day_rate as
with wanted as (
  select (date_trunc('month', current_setting('lkp.to')::timestamp - interval '1 day') + interval '1 month')::date as to_day
), known as (
  select distinct on (rate.currency, rate.rate_date)
         rate.currency, rate.rate_date, rate.origin, rate.per_euro
  from rate
  where rate.change_no <= current_setting('lkp.cutoff')::bigint
    and (rate.ended_no is null or rate.ended_no > current_setting('lkp.cutoff')::bigint)
    and rate.rate_date >= current_setting('lkp.from')::date - current_setting('lkp.lookback')::int
    and rate.rate_date <  (select wanted.to_day from wanted)
  order by rate.currency, rate.rate_date, rate.origin desc
), spans as (
  select known.*,
         lead(known.rate_date) over (partition by known.currency order by known.rate_date) as next_date
  from known
)
select spans.currency, days.day::date as day, spans.rate_date, spans.origin, spans.per_euro
from spans
cross join lateral generate_series(
  greatest(spans.rate_date, current_setting('lkp.from')::date)::timestamp,
  -- least() passes over null: the last rate has no next one
  least(spans.rate_date + current_setting('lkp.lookback')::int,
        spans.next_date - 1,
        (select wanted.to_day from wanted) - 1)::timestamp,
  interval '1 day') as days (day)
union all
select 'EUR', day.day, day.day, 'ecb', 1
from day
where day.day >= current_setting('lkp.from')::date
  and day.day <  (select wanted.to_day from wanted);
