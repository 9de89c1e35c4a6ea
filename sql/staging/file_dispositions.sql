-- One row is a disposition and currency of file lkp.file_id: how many rows, and the sum of their effects, as of now.
-- currency null: the amount or the currency cannot be read.
select set_config('lkp.cutoff', (select max(change.no)::text from change), true),
       set_config('lkp.from', coalesce(min(file_total.issue_month), '2000-01-01')::text, true),
       set_config('lkp.to', (coalesce(max(file_total.issue_month), '2000-01-01') + interval '1 month')::date::text, true)
from file_total
where file_total.file_id = current_setting('lkp.file_id')::int
  and file_total.held in ('line', 'quarantined');

set local enable_nestloop = off;
set local enable_mergejoin = off;
-- The few groups are hashed, however few rows the planner expects.
set local enable_sort = off;

select held.disposition, held.currency, sum(held.rows) as rows, sum(held.amount) as amount
from (
  select file_total.held as disposition, file_total.currency, file_total.rows::bigint as rows, file_total.amount
  from file_total
  where file_total.file_id = current_setting('lkp.file_id')::int
    and file_total.held <> 'line'
  union all
  select case when placed_line.corrected_on is null then placed_line.disposition else 'superseded' end,
         placed_line.currency, count(*), sum(placed_line.amount)
  from placed_line
  where placed_line.file_id = (select current_setting('lkp.file_id')::int)
    and not placed_line.waits_stored
  group by 1, 2
) as held
group by held.disposition, held.currency
having sum(held.rows) <> 0
order by held.disposition collate "C", held.currency collate "C";
