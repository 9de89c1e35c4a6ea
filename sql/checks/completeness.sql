-- warn: a row is an expected source that brought nothing for the month lkp.newest (its first day), or far less than usual,
-- and that nobody waved through for lkp.cycle. Source: purchase channel and seller. Expected: it brought lines in each of
-- the 3 months before. Usual: the median of its months with lines among the 6 before. Far less: below
-- lkp.completeness_percent of that. Where no source is expected, as in a first month, a row with source and seller ''
-- says that nothing came at all. Reads source_month alone; the largest gap first.
with newest as (
  select current_setting('lkp.newest')::date as issue_month
), expected as (
  select source_month.source, source_month.seller,
         -- the lower and the upper median: of an even number of months their mean
         (percentile_disc(0.5) within group (order by source_month.lines)
          + percentile_disc(0.5) within group (order by source_month.lines desc))::numeric / 2 as usual
  from newest
  join source_month on source_month.issue_month >= (newest.issue_month - interval '6 months')::date
                   and source_month.issue_month <  newest.issue_month
  group by source_month.source, source_month.seller, newest.issue_month
  having count(*) filter (where source_month.issue_month >= (newest.issue_month - interval '3 months')::date) = 3
), seen as (
  select expected.source, expected.seller, expected.usual, coalesce(source_month.lines, 0) as lines
  from newest
  cross join expected
  left join source_month on source_month.issue_month = newest.issue_month
                        and source_month.source = expected.source and source_month.seller = expected.seller
), short as (
  select seen.source, seen.seller, seen.usual, seen.lines
  from seen
  where seen.lines = 0
     or seen.lines < seen.usual * current_setting('lkp.completeness_percent')::int / 100
  union all
  select '', '', 0, 0
  from newest
  where not exists (select from expected)
    and not exists (select from source_month where source_month.issue_month = newest.issue_month)
)
select short.source, short.seller, short.lines, trim_scale(short.usual) as usual
from short
where not exists (select from accepted_gap
                  where accepted_gap.cycle = current_setting('lkp.cycle')
                    and accepted_gap.source = short.source and accepted_gap.seller = short.seller
                    and accepted_gap.lines <= short.lines)
order by short.usual - short.lines desc, short.source collate "C", short.seller collate "C";
