-- Fills side lkp.side of a comparison with the cells and levels that were frozen as revision lkp.revision of lkp.cycle.
insert into side_cell
select current_setting('lkp.side'), snapshot_cell.partner_mpn_id, snapshot_cell.location_mpn_id, snapshot_cell.kpi_month,
       snapshot_cell.omlp_type, snapshot_cell.kpi_class, snapshot_cell.lines, snapshot_cell.units, snapshot_cell.kpi_value,
       snapshot_cell.revenue
from snapshot_cell
where snapshot_cell.cycle = current_setting('lkp.cycle')
  and snapshot_cell.revision = current_setting('lkp.revision')::int;

insert into side_level
select current_setting('lkp.side'), 'cycle', snapshot_level.partner_mpn_id, snapshot_level.competency, snapshot_level.level
from snapshot_level
where snapshot_level.cycle = current_setting('lkp.cycle')
  and snapshot_level.revision = current_setting('lkp.revision')::int;

insert into side_level
select current_setting('lkp.side'), 'renewal', snapshot_renewal.partner_mpn_id, snapshot_renewal.competency, snapshot_renewal.level
from snapshot_renewal
where snapshot_renewal.cycle = current_setting('lkp.cycle')
  and snapshot_renewal.revision = current_setting('lkp.revision')::int;
