-- Fills side lkp.side of a comparison with the cells and levels that fresh.sql computed.
insert into side_cell
select current_setting('lkp.side'), fresh_cell.partner_mpn_id, fresh_cell.location_mpn_id, fresh_cell.kpi_month,
       fresh_cell.omlp_type, fresh_cell.kpi_class, fresh_cell.lines, fresh_cell.units, fresh_cell.kpi_value,
       fresh_cell.revenue
from fresh_cell;

insert into side_level
select current_setting('lkp.side'), 'cycle', fresh_level.partner_mpn_id, fresh_level.competency, fresh_level.level
from fresh_level;

insert into side_level
select current_setting('lkp.side'), 'renewal', fresh_renewal.partner_mpn_id, fresh_renewal.competency, fresh_renewal.level
from fresh_renewal;
