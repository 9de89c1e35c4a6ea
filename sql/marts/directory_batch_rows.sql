-- One row is one entry of a cycle's batch, with what the batch before showed (null where it showed nothing).
-- Settings: lkp.cycle.
select directory_entry.action, directory_entry.partner_mpn_id, directory_entry.country,
       directory_entry.name, directory_entry.url,
       country.name as country_name,
       before.name  as was_name,
       before.url   as was_url
from directory_entry
join country on country.code = directory_entry.country
left join directory_shown((select directory_batch.compared_with
                           from directory_batch
                           where directory_batch.cycle = current_setting('lkp.cycle'))) as before
  on before.partner_mpn_id = directory_entry.partner_mpn_id and before.country = directory_entry.country
where directory_entry.cycle = current_setting('lkp.cycle')
order by directory_entry.partner_mpn_id collate "C", directory_entry.country collate "C";
