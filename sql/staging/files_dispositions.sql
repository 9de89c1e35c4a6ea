-- file_dispositions.sql for several files, lkp.file_ids (by comma; from lkp.first_file to lkp.last_file): the same, with the
-- file of each row.
select set_config('lkp.cutoff', (select max(change.no)::text from change), true),
       set_config('lkp.from', coalesce(min(file_total.issue_month), '2000-01-01')::text, true),
       set_config('lkp.to', (coalesce(max(file_total.issue_month), '2000-01-01') + interval '1 month')::date::text, true)
from file_total
where file_total.file_id = any (string_to_array(current_setting('lkp.file_ids'), ',')::int[])
  and file_total.held in ('line', 'quarantined');

set local enable_nestloop = off;
set local enable_mergejoin = off;

select held.file_id, held.disposition, held.currency, sum(held.rows) as rows, sum(held.amount) as amount
from (
  select file_total.file_id, file_total.held as disposition, file_total.currency, file_total.rows::bigint as rows,
         file_total.amount
  from file_total
  where file_total.file_id = any (string_to_array(current_setting('lkp.file_ids'), ',')::int[])
    and file_total.held <> 'line'
  union all
  select placed_line.file_id,
         case when placed_line.corrected_on is null then placed_line.disposition else 'superseded' end,
         placed_line.currency, count(*), sum(placed_line.amount)
  from placed_line
  where placed_line.file_id = any (string_to_array(current_setting('lkp.file_ids'), ',')::int[])
    -- what block ranges can be asked
    and placed_line.file_id >= number_setting('lkp.first_file')
    and placed_line.file_id <= number_setting('lkp.last_file')
    and not placed_line.waits_stored
  group by 1, 2, 3
) as held
group by held.file_id, held.disposition, held.currency
having sum(held.rows) <> 0
order by held.file_id, held.disposition collate "C", held.currency collate "C";
