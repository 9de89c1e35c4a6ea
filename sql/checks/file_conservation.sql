-- fail: a row is a currency whose total as read from the bytes of a file of lkp.file_ids (by comma) is not its total over
-- what was stored. The left side was counted from the bytes before the database saw them.
with from_bytes as (
  select file_amount_in.file_id, coalesce(file_amount_in.currency, '') as currency, file_amount_in.rows,
         coalesce(file_amount_in.amount, 0) as amount
  from file_amount_in
  where file_amount_in.file_id = any (string_to_array(current_setting('lkp.file_ids'), ',')::int[])
), from_tables as (
  select file_total.file_id, coalesce(file_total.currency, '') as currency, sum(file_total.rows) as rows,
         coalesce(sum(file_total.amount), 0) as amount
  from file_total
  where file_total.file_id = any (string_to_array(current_setting('lkp.file_ids'), ',')::int[])
  group by 1, 2
  having sum(file_total.rows) <> 0 or sum(file_total.amount) <> 0
)
select file_id, currency, from_bytes.rows as rows_in, from_tables.rows as rows_kept,
       from_bytes.amount as amount_in, from_tables.amount as amount_kept
from from_bytes
full join from_tables using (file_id, currency)
where from_bytes.rows is distinct from from_tables.rows
   or from_bytes.amount is distinct from from_tables.amount
order by file_id, currency collate "C";
