-- fail: a row is a currency whose total as read from the bytes of file lkp.file_id is not its total over what was
-- stored. The left side was counted from the bytes before the database saw them.
with from_bytes as (
  select coalesce(file_amount_in.currency, '') as currency, file_amount_in.rows, coalesce(file_amount_in.amount, 0) as amount
  from file_amount_in
  where file_amount_in.file_id = current_setting('lkp.file_id')::int
), from_tables as (
  select coalesce(file_total.currency, '') as currency, sum(file_total.rows) as rows,
         coalesce(sum(file_total.amount), 0) as amount
  from file_total
  where file_total.file_id = current_setting('lkp.file_id')::int
  group by 1
  having sum(file_total.rows) <> 0
)
select currency, from_bytes.rows as rows_in, from_tables.rows as rows_kept,
       from_bytes.amount as amount_in, from_tables.amount as amount_kept
from from_bytes
full join from_tables using (currency)
where from_bytes.rows is distinct from from_tables.rows
   or from_bytes.amount is distinct from from_tables.amount
order by currency collate "C";
