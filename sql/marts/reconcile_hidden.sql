-- One row is one row of `asked_row` as it stands at lkp.cutoff (now): why the report does not show it, whose it is, and what
-- it would be worth. shows: a disposition of a cycle; counted or reversal = known since the report was made. whose: 'own',
-- 'other' (another partner's, or a location's without a partner) or '' (nobody's). near: the partner's customer numbers
-- that a tired eye takes for the row's. Settings: lkp.cutoff, lkp.partner, lkp.window_to, lkp.reporting_currency.
create index on asked_worth (file_id, row_no);
analyze asked_worth;

with holder as (
  -- taken as it is: the planner would look through all locations for each row
  select partner_of.location_mpn_id, partner_of.partner_mpn_id
  from partner_of
  offset bigint '0'
), own_number as (
  select distinct customer.source, customer.customer_number
  from partner_of
  join customer on customer.location_mpn_id = partner_of.location_mpn_id and customer.ended_no is null
  where partner_of.partner_mpn_id = current_setting('lkp.partner')
), strange as (
  -- the numbers to be compared, each once: comparing two takes 20 us
  select distinct file.source, asked_row.customer_number
  from asked_row
  join file on file.id = asked_row.file_id
), alike as (
  select strange.source, strange.customer_number,
         string_agg(own_number.customer_number, ', ' order by own_number.customer_number collate "C") as near
  from strange
  join own_number on own_number.source = strange.source
                 and own_number.customer_number <> strange.customer_number
                 and (look_alike(own_number.customer_number) = look_alike(strange.customer_number)
                   or is_transposed(own_number.customer_number, strange.customer_number))
  group by 1, 2
), bought as (
  select asked_row.file_id, asked_row.row_no, customer.location_mpn_id, coalesce(holder.partner_mpn_id, '') as partner_mpn_id
  from asked_row
  join file     on file.id = asked_row.file_id
  join customer on customer.source = file.source and customer.customer_number = asked_row.customer_number
               and customer.ended_no is null
               and coalesce(asked_row.issue_date, current_setting('lkp.window_to')::date) >= customer.valid_from
               and coalesce(asked_row.issue_date, current_setting('lkp.window_to')::date)
                   < coalesce(customer.valid_to, 'infinity'::date)
  left join holder on holder.location_mpn_id = customer.location_mpn_id
), stood as (
  select asked_row.*, file.name as file_name, file.sha256 as file_sha256, file.source,
         case when file.ended_no is not null     then 'superseded'
              when set_aside.file_id is not null then set_aside.held
              when rejection.file_id is not null then rejection.held
              when duplicate.file_id is not null then 'duplicate'
              else worth.shows end as shows,
         case when file.ended_no is not null     then 'file-withdrawn'
              when set_aside.file_id is not null then set_aside.rule
              when rejection.file_id is not null then rejection.rule
              when duplicate.file_id is not null then 'duplicate'
              when worth.shows in ('not-yet-visible', 'outside-window') then worth.shows
              when worth.shows = 'superseded'    then 'invoice-corrected'
              else worth.rule end as rule,
         case when file.ended_no is not null     then coalesce(withdrawal.reason, '')
              when set_aside.by_file_id is not null then by_file.name || ', row ' || set_aside.by_row_no
              when set_aside.file_id is not null then set_aside.seen
              when rejection.file_id is not null then rejection.seen
              when duplicate.file_id is not null then of_file.name || ', row ' || duplicate.of_row_no
              when worth.shows = 'not-yet-visible' then to_char(worth.issue_month + interval '1 month', 'YYYY-MM')
              when worth.shows = 'superseded'    then worth.corrected_by
              else worth.seen end as seen,
         worth.kpi_month, worth.omlp_type, worth.units, worth.weight, worth.kpi_value, worth.revenue, worth.rate,
         worth.rate_date, worth.location_mpn_id as worth_location, bought.location_mpn_id, bought.partner_mpn_id
  from asked_row
  join file on file.id = asked_row.file_id
  left join asked_worth as worth on worth.file_id = asked_row.file_id and worth.row_no = asked_row.row_no
  left join set_aside on set_aside.file_id = asked_row.file_id and set_aside.row_no = asked_row.row_no
                     and set_aside.ended_no is null
  left join rejection on rejection.file_id = asked_row.file_id and rejection.row_no = asked_row.row_no
                     and rejection.ended_no is null
  left join duplicate on duplicate.file_id = asked_row.file_id and duplicate.row_no = asked_row.row_no
                     and duplicate.ended_no is null
  left join file as by_file on by_file.id = set_aside.by_file_id
  left join file as of_file on of_file.id = duplicate.of_file_id
  left join change as withdrawal on withdrawal.no = file.ended_no
  left join bought on bought.file_id = asked_row.file_id and bought.row_no = asked_row.row_no
), listed as (
  -- what a row that is no line now would be: its product, and its money where that needs no rate
  select stood.*, product.omlp_type as listed_type, stood.quantity * product.units_per_sku as listed_units,
         case when stood.currency = current_setting('lkp.reporting_currency') then stood.amount end as plain_revenue
  from stood
  left join product on product.sku = stood.sku and product.ended_no is null
                   and stood.issue_date >= product.valid_from
                   and stood.issue_date <  coalesce(product.valid_to, 'infinity'::date)
  where stood.shows is not null
)
select listed.invoice_key, listed.number as invoice, listed.class, listed.type_code as "typeCode",
       listed.shows, listed.rule, listed.seen,
       case when listed.partner_mpn_id = current_setting('lkp.partner') then 'own'
            when listed.partner_mpn_id is not null then 'other'
            else '' end as whose,
       coalesce(listed.partner_mpn_id, '') as partner, listed.customer_number as "customerNumber",
       case when listed.partner_mpn_id is distinct from current_setting('lkp.partner') then alike.near end as near,
       to_char(coalesce(listed.kpi_month, listed.issue_date), 'YYYY-MM') as "kpiMonth",
       listed.issue_date::text as "issueDate",
       coalesce(listed.omlp_type, listed.listed_type) as "omlpType",
       bare_word(coalesce(listed.omlp_type, listed.listed_type)) as type_key,
       listed.sku,
       trim_scale(coalesce(listed.units, listed.listed_units))::text as "purchaseUnit",
       trim_scale(listed.weight)::text as weight,
       trim_scale(listed.kpi_value)::text as "kpiValue",
       trim_scale(coalesce(listed.revenue, listed.plain_revenue))::text as "revenueValue",
       trim_scale(listed.amount)::text as amount, listed.currency,
       trim_scale(round(listed.rate, 8))::text as rate, listed.rate_date::text as "rateDate",
       listed.location_mpn_id as location, listed.file_name as file, listed.row_no as row
from listed
left join alike on alike.source = listed.source and alike.customer_number = listed.customer_number
order by listed.invoice_key collate "C", listed.issue_date, listed.file_name collate "C", listed.file_sha256 collate "C",
         listed.row_no, listed.file_id;
