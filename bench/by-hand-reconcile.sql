-- What somebody would write who had to lay one claim beside the invoices once, by hand: the partner's lines of the window,
-- worth what today's tables say (hashed, as nothing
-- else is fast here), full-joined with the claim on number, type and month as they are written. It knows no
-- cut-off, correction or quarantine, normalises nothing, and says no cause. `claim` is filled before. Settings: lkp.partner,
-- lkp.window_from, lkp.window_to.
with own as (
  select customer.source, customer.customer_number, customer.valid_from, coalesce(customer.valid_to, 'infinity') as valid_to
  from customer
  join location on location.location_mpn_id = customer.location_mpn_id
  where location.partner_mpn_id = current_setting('lkp.partner')
    and location.ended_no is null
    and customer.ended_no is null
    and location.valid_from <= current_setting('lkp.window_to')::date
    and coalesce(location.valid_to, 'infinity') > current_setting('lkp.window_to')::date
), days as (
  -- the last rate at most a week old, of each day and currency
  select distinct on (rate.currency, day.day) rate.currency, day.day, rate.per_euro
  from rate
  join day on day.day >= rate.rate_date and day.day < rate.rate_date + 8
  where rate.ended_no is null
    and day.day >= current_setting('lkp.window_from')::date and day.day <= current_setting('lkp.window_to')::date
  order by rate.currency, day.day, rate.rate_date desc
), ours as (
  select document.number as invoice, to_char(line.issue_date, 'YYYY-MM') as month, product.omlp_type,
         line.quantity * document.unit_sign * product.units_per_sku                      as units,
         line.quantity * document.unit_sign * product.units_per_sku * rule_weight.weight as kpi_value,
         round(line.net_amount * document.amount_sign
               * case when line.currency = 'USD' then 1 else dollar.per_euro / coalesce(rate.per_euro, 1) end, 2) as revenue
  from line
  join document on document.id = line.document_id
  join own      on own.customer_number = line.customer_number and own.source = document.source
               and line.issue_date >= own.valid_from and line.issue_date < own.valid_to
  join product  on product.sku = line.sku and product.ended_no is null
               and line.issue_date >= product.valid_from and line.issue_date < coalesce(product.valid_to, 'infinity')
  join rule_set    on rule_set.ended_no is null
                  and line.issue_date >= rule_set.valid_from and line.issue_date < coalesce(rule_set.valid_to, 'infinity')
  join rule_weight on rule_weight.rule_set_id = rule_set.id and rule_weight.kpi_class = product.kpi_class
  left join days as rate   on rate.currency = line.currency and rate.day = line.issue_date
  left join days as dollar on dollar.currency = 'USD' and dollar.day = line.issue_date
  where line.issue_date >= current_setting('lkp.window_from')::date
    and line.issue_date <= current_setting('lkp.window_to')::date
    and line.ended_no is null
), numbered_ours as (
  select ours.*, row_number() over (partition by ours.invoice, ours.month, ours.omlp_type
                                    order by ours.units, ours.kpi_value, ours.revenue) as nth
  from ours
), numbered_claim as (
  select claim.*, row_number() over (partition by claim.invoice, claim.month, claim.omlp_type
                                     order by claim.units, claim.kpi_value, claim.revenue) as nth
  from claim
)
select invoice, month, omlp_type, nth, numbered_claim.row_no, numbered_claim.units as claimed_units,
       numbered_ours.units, numbered_claim.kpi_value as claimed_kpi, numbered_ours.kpi_value,
       coalesce(numbered_claim.kpi_value, 0) - coalesce(numbered_ours.kpi_value, 0) as kpi_gap,
       coalesce(numbered_claim.revenue, 0) - coalesce(numbered_ours.revenue, 0)     as revenue_gap
from numbered_claim
full join numbered_ours using (invoice, month, omlp_type, nth)
order by numbered_claim.row_no, month, omlp_type collate "C", invoice collate "C", nth;
