-- One row is one input row of the temporary table `asked` (file_id, row_no), with all that is known of it now: what it is and
-- why, whose it is, what it is worth. Rows of `asked` are issued on one day or cannot be dated. Settings: lkp.cutoff
-- (now), lkp.from and lkp.to (that day), lkp.lookback, lkp.reporting_currency, lkp.window_to.
--
-- What lines are worth is hashed, as everywhere; the few rows asked for are then looked up one by one.
set local enable_nestloop = off;
create temporary table worth on commit drop as
select kpi_line.*
from kpi_line
join asked on asked.file_id = kpi_line.file_id and asked.row_no = kpi_line.row_no;
set local enable_nestloop = on;
analyze worth;

create temporary table explained on commit drop as
select asked.file_id, asked.row_no, file.name as file_name, file.sha256, file.source, file.profile,
       case when file.ended_no is not null       then 'superseded'
            when set_aside.file_id is not null   then set_aside.held
            when rejection.file_id is not null and rejection.ended_no is null then rejection.held
            when duplicate.file_id is not null   then 'duplicate'
            when worth.disposition = 'quarantined' then 'quarantined'
            when worth.corrected_on is not null  then 'superseded'
            else worth.disposition end as disposition,
       case when file.ended_no is not null       then 'file-withdrawn'
            when set_aside.file_id is not null   then set_aside.rule
            when rejection.file_id is not null and rejection.ended_no is null then rejection.rule
            when duplicate.file_id is not null   then 'duplicate'
            when worth.disposition = 'quarantined' then worth.rule
            when worth.corrected_on is not null  then 'invoice-corrected'
            else worth.rule end as rule,
       case when file.ended_no is not null       then coalesce(withdrawal.reason, '')
            when set_aside.by_file_id is not null then by_file.name || ', row ' || set_aside.by_row_no
            when set_aside.file_id is not null   then set_aside.seen
            when rejection.file_id is not null and rejection.ended_no is null then rejection.seen
            when duplicate.file_id is not null   then of_file.name || ', row ' || duplicate.of_row_no
            when worth.disposition <> 'quarantined' and worth.corrected_on is not null then worth.corrected_by
            else worth.seen end as seen,
       coalesce(past.number, rejection.document_number) as number,
       coalesce(past.issue_date, rejection.issue_date)::text as issue_date,
       past.class, past.type_code, past.line_no,
       coalesce(past.customer_number, rejection.customer_number) as customer_number,
       past.sku,
       trim_scale(past.quantity)::text as quantity,
       coalesce(past.currency, rejection.currency) as currency,
       trim_scale(coalesce(past.amount, rejection.amount))::text as amount,
       worth.location_mpn_id, location.partner_mpn_id, location.valid_from::text as location_from,
       location.valid_to::text as location_to, customer.valid_from::text as customer_from,
       customer.valid_to::text as customer_to, coalesce(partner.name, '') as partner_name,
       worth.omlp_type, worth.kpi_class, trim_scale(worth.units)::text as units, trim_scale(worth.weight)::text as weight,
       trim_scale(worth.per_units)::text as per_units,
       rule_set.name as rule_set, trim_scale(worth.kpi_value)::text as kpi_value,
       worth.revenue::text as revenue, worth.rate_date::text as rate_date, worth.rate_origin,
       to_char(worth.kpi_month, 'YYYY-MM') as kpi_month,
       -- visible after its issue month, in the window for twelve cycles, and not once a correction is visible
       to_char(worth.issue_month + interval '1 month', 'YYYY-MM') as first_cycle,
       to_char(least(worth.kpi_month + interval '12 months', worth.corrected_on::timestamp), 'YYYY-MM') as last_cycle,
       coalesce(standing.change_no, duplicate.change_no, rejection.change_no, set_aside.change_no, file.change_no) as change_no
from asked
join file on file.id = asked.file_id
left join worth     on worth.file_id = asked.file_id and worth.row_no = asked.row_no
left join line as standing on standing.document_id = worth.document_id and standing.file_id = worth.file_id
                          and standing.row_no = worth.row_no and standing.ended_no is null
-- what the row says, whatever became of it
left join lateral (
  select document.number, document.class, document.type_code, said.issue_date, said.line_no, said.customer_number, said.sku,
         said.quantity, said.currency, said.net_amount * document.amount_sign as amount
  from (
    select line.document_id, line.issue_date, line.line_no, line.customer_number, line.sku, line.quantity, line.net_amount,
           line.currency
    from line
    where line.file_id = asked.file_id and line.row_no = asked.row_no
      and line.issue_date = (select current_setting('lkp.from')::date)
    union all
    select duplicate.document_id, duplicate.issue_date, duplicate.line_no, duplicate.customer_number, duplicate.sku,
           duplicate.quantity, duplicate.net_amount, duplicate.currency
    from duplicate
    where duplicate.file_id = asked.file_id and duplicate.row_no = asked.row_no
  ) as said
  join document on document.id = said.document_id
  limit 1
) as past on true
left join duplicate on duplicate.file_id = asked.file_id and duplicate.row_no = asked.row_no and duplicate.ended_no is null
left join rejection on rejection.file_id = asked.file_id and rejection.row_no = asked.row_no
                   and rejection.change_no = (select max(last.change_no) from rejection as last
                                              where last.file_id = asked.file_id and last.row_no = asked.row_no)
left join set_aside on set_aside.file_id = asked.file_id and set_aside.row_no = asked.row_no and set_aside.ended_no is null
left join file as of_file on of_file.id = duplicate.of_file_id
left join file as by_file on by_file.id = set_aside.by_file_id
left join change as withdrawal on withdrawal.no = file.ended_no
left join customer  on customer.source = file.source and customer.customer_number = worth.customer_number
                   and customer.ended_no is null and worth.issue_date >= customer.valid_from
                   and worth.issue_date < coalesce(customer.valid_to, 'infinity'::date)
left join location  on location.location_mpn_id = worth.location_mpn_id and location.ended_no is null
                   and location.valid_from <= current_setting('lkp.window_to')::date
                   and coalesce(location.valid_to, 'infinity'::date) > current_setting('lkp.window_to')::date
left join lateral (
  select partner.name from partner
  where partner.mpn_id = location.partner_mpn_id and partner.ended_no is null
  order by partner.valid_from desc
  limit 1
) as partner on true
left join rule_set  on rule_set.ended_no is null and worth.weight is not null
                   and worth.issue_date >= rule_set.valid_from
                   and worth.issue_date <  coalesce(rule_set.valid_to, 'infinity'::date);

select explained.*,
       -- known customer numbers that a tired eye takes for it
       (select string_agg(distinct near.customer_number, ', ')
        from customer as near
        where explained.rule in ('customer-number-unknown')
          and near.source = explained.source and near.ended_no is null
          and near.customer_number <> explained.customer_number
          and (look_alike(near.customer_number) = look_alike(explained.customer_number)
            or is_transposed(near.customer_number, explained.customer_number))) as near_misses,
       -- revisions that count it
       (select json_agg(json_build_object('cycle', snapshot.cycle, 'revision', snapshot.revision)
                        order by snapshot.cycle collate "C", snapshot.revision)
        from snapshot
        where explained.disposition in ('counted', 'reversal')
          and snapshot.cycle >= explained.first_cycle
          and snapshot.cycle <= explained.last_cycle
          and snapshot.cutoff >= explained.change_no) as shown_in
from explained
-- the same bytes may have come again under the same name: in the order in which they came
order by explained.number collate "C", explained.issue_date, explained.line_no collate "C", explained.file_name collate "C",
         explained.sha256 collate "C", explained.row_no, explained.file_id;
