-- Makes `ours`: one row is one line that the cycle's report shows the partner, in a month that the claim names or under an
-- invoice number that it names, as of the revision's cut-off. Reads `claimed` (one row a claimed line). Settings: those of
-- shown_line for the dates whose lines the report may show, lkp.partner. Returns the months whose lines do not add up to
-- the frozen cells of lkp.cycle, revision lkp.revision: an answer must never speak of other figures than the report.
set local enable_nestloop = off;

-- The customer numbers that ever led to the partner: known of a line before anything is joined to it.
select set_config('lkp.customers', coalesce(array_agg(distinct customer.customer_number), '{}')::text, true)
from partner_of
join customer on customer.location_mpn_id = partner_of.location_mpn_id
where partner_of.partner_mpn_id = current_setting('lkp.partner');

create temporary table ours on commit drop as
with shown as (
  select shown_line.*, invoice_key(shown_line.number) as invoice_key
  from shown_line
  where shown_line.partner_mpn_id = current_setting('lkp.partner')
    and shown_line.shows in ('counted', 'reversal')
)
select shown.*, bare_word(shown.omlp_type) as type_key
from shown
where to_char(shown.kpi_month, 'YYYY-MM') in (select claimed.month from claimed)
   or shown.invoice_key in (select claimed.invoice_key from claimed);

set local lkp.customers = '';
set local enable_nestloop = on;
analyze ours;

with lines as (
  select to_char(ours.kpi_month, 'YYYY-MM') as month, count(*) as lines, sum(ours.kpi_value) as kpi_value,
         coalesce(sum(ours.revenue), 0) as revenue
  from ours
  group by 1
), cells as (
  select to_char(snapshot_cell.kpi_month, 'YYYY-MM') as month, sum(snapshot_cell.lines) as lines,
         sum(snapshot_cell.kpi_value) as kpi_value, sum(snapshot_cell.revenue) as revenue
  from snapshot_cell
  where snapshot_cell.cycle = current_setting('lkp.cycle')
    and snapshot_cell.revision = current_setting('lkp.revision')::int
    and snapshot_cell.partner_mpn_id = current_setting('lkp.partner')
  group by 1
)
select month, lines.lines as lines_shown, cells.lines as lines_frozen, lines.kpi_value as kpi_shown,
       cells.kpi_value as kpi_frozen, lines.revenue as revenue_shown, cells.revenue as revenue_frozen
from (select distinct claimed.month from claimed) as asked
left join lines using (month)
left join cells using (month)
where lines.lines is distinct from cells.lines
   or lines.kpi_value is distinct from cells.kpi_value
   or lines.revenue is distinct from cells.revenue
order by month collate "C";
