-- Adds to side_line how side lkp.side of a comparison knows the lines issued in [lkp.from, lkp.to): each as the report of
-- that side would show it. Settings: those of kpi_line, lkp.window_from, lkp.window_to, lkp.cycle_start.
set local enable_nestloop = off;

insert into side_line
select current_setting('lkp.side'), kpi_line.file_id, kpi_line.row_no, kpi_line.document_id, kpi_line.number, kpi_line.class,
       kpi_line.issue_date, kpi_line.customer_number, kpi_line.sku, kpi_line.quantity,
       kpi_line.disposition in ('counted', 'reversal')
         and not coalesce(kpi_line.corrected_on < current_setting('lkp.cycle_start')::date, false)
         and kpi_line.issue_month < current_setting('lkp.cycle_start')::date
         and kpi_line.kpi_month >= current_setting('lkp.window_from')::date,
       kpi_line.disposition, kpi_line.rule,
       case when kpi_line.corrected_on < current_setting('lkp.cycle_start')::date then kpi_line.corrected_by end,
       kpi_line.location_mpn_id, coalesce(partner_of.partner_mpn_id, ''), kpi_line.kpi_month, kpi_line.omlp_type,
       kpi_line.kpi_class, kpi_line.weight, kpi_line.per_units, kpi_line.rate, kpi_line.units, kpi_line.kpi_value, kpi_line.revenue
from kpi_line
left join partner_of on partner_of.location_mpn_id = kpi_line.location_mpn_id;

set local enable_nestloop = on;
