-- fail: a row is a currency (or, for currency '', the unreadable rows) whose total as read from the bytes of all
-- files is not the total over dispositions. Settings: lkp.cutoff. Reads fresh_control and the stored left side.
with from_bytes as (
  select coalesce(file_amount_in.currency, '') as currency,
         sum(file_amount_in.rows) as rows, coalesce(sum(file_amount_in.amount), 0) as amount
  from file_amount_in
  join file on file.id = file_amount_in.file_id
  where file.change_no <= current_setting('lkp.cutoff')::bigint
  group by 1
), from_tables as (
  select fresh_control.currency, sum(fresh_control.rows) as rows, sum(fresh_control.amount) as amount
  from fresh_control
  group by 1
)
select currency, from_bytes.rows as rows_in, from_tables.rows as rows_kept,
       from_bytes.amount as amount_in, from_tables.amount as amount_kept
from from_bytes
full join from_tables using (currency)
where from_bytes.rows is distinct from from_tables.rows
   or from_bytes.amount is distinct from from_tables.amount
order by currency collate "C";
