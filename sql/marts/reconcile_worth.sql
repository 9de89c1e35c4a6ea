-- Adds to `asked_worth` the rows of `asked_row` issued in [lkp.from, lkp.to) that are lines as of lkp.cutoff, with what they
-- are worth and how they read in the cycle. Settings: those of shown_line.
set local enable_nestloop = off;

select set_config('lkp.customers', coalesce(array_agg(distinct asked_row.customer_number), '{}')::text, true)
from asked_row
where asked_row.is_line
  and asked_row.issue_date >= current_setting('lkp.from')::date
  and asked_row.issue_date <  current_setting('lkp.to')::date;

insert into asked_worth
select shown_line.*
from shown_line
join asked_row on asked_row.file_id = shown_line.file_id and asked_row.row_no = shown_line.row_no;

set local lkp.customers = '';
set local enable_nestloop = on;
