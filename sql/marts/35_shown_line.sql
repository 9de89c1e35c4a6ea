-- view: one row is one line of kpi_line (its settings, its dates) with its partner on the window's last day, '' if none,
-- and what it reads as in a cycle: a disposition, not-yet-visible or outside-window. Settings beside those:
-- lkp.window_from, lkp.window_to, lkp.cycle_start. Set enable_nestloop off around it (see placed_line).
create view shown_line as
select kpi_line.*, coalesce(partner_of.partner_mpn_id, '') as partner_mpn_id,
       case when kpi_line.disposition = 'quarantined'                                  then kpi_line.disposition
            when kpi_line.corrected_on < current_setting('lkp.cycle_start')::date      then 'superseded'
            when kpi_line.disposition not in ('counted', 'reversal')                   then kpi_line.disposition
            when kpi_line.issue_month >= current_setting('lkp.cycle_start')::date      then 'not-yet-visible'
            when kpi_line.kpi_month   <  current_setting('lkp.window_from')::date      then 'outside-window'
            else kpi_line.disposition end as shows
from kpi_line
left join partner_of on partner_of.location_mpn_id = kpi_line.location_mpn_id;
