-- view: one row is one line of placed_line (its settings, its dates) with what it is worth. Settings beside those:
-- lkp.lookback (days), lkp.reporting_currency. The rate goes by the issue date (DESIGN, section 5), or by the last day of its
-- month where the rule set says so.
-- Set enable_nestloop off around it (see placed_line).
create view kpi_line as
with rates as (
  select day_rate.currency, rate_day.day, day_rate.rate_date, day_rate.origin, day_rate.per_euro
  from rate_day
  join day_rate on day_rate.day = rate_day.rate_day
  offset bigint '0'
), reporting as (
  select rate_day.day, day_rate.per_euro
  from rate_day
  join day_rate on day_rate.day = rate_day.rate_day
  where day_rate.currency = current_setting('lkp.reporting_currency')
  offset bigint '0'
), joined as (
  select placed_line.*,
         case when placed_line.currency = current_setting('lkp.reporting_currency') then placed_line.amount
              else placed_line.amount * reporting.per_euro / rates.per_euro end as converted,
         case when placed_line.currency <> current_setting('lkp.reporting_currency')
              then reporting.per_euro / rates.per_euro end        as rate,
         rates.rate_date,
         rates.origin                                             as rate_origin
  from placed_line
  left join rates      on rates.currency = placed_line.currency and rates.day = placed_line.issue_date
  left join reporting  on reporting.day = placed_line.issue_date
)
select joined.document_id, joined.file_id, joined.row_no, joined.number, joined.class, joined.type_code, joined.line_no,
       joined.issue_date,
       date_trunc('month', joined.issue_date::timestamp)::date as issue_month,
       joined.kpi_month, joined.corrected_on, joined.corrected_by,
       joined.source, joined.customer_number, joined.sku, joined.quantity, joined.currency, joined.amount,
       joined.location_mpn_id, joined.omlp_type, joined.kpi_class, joined.category, joined.weight,
       case when joined.weight is not null then coalesce(joined.per_units, 1) end as per_units,
       joined.units,
       -- a third has no end: rounded to 10 decimals, half away from zero. 30 decimals keep that exact.
       case when joined.per_units is null then joined.units * joined.weight
            else round(round(joined.units * joined.weight, 30) / joined.per_units, 10) end as kpi_value,
       round(joined.converted,
             (select currency.minor_unit from currency
              where currency.code = current_setting('lkp.reporting_currency'))) as revenue,
       -- one unit of the line's currency in the reporting currency; null where they are one, or no rate is known
       joined.rate, joined.rate_date, joined.rate_origin,
       joined.disposition, joined.waits_stored,
       case when joined.waits_rule is not null      then joined.waits_rule
            when joined.location_mpn_id is null and joined.customer_number = '' then 'customer-number-absent'
            when joined.location_mpn_id is null     then 'customer-number-unknown'
            when joined.omlp_type is null and joined.sku = ''   then 'sku-absent'
            when joined.omlp_type is null           then 'sku-unknown'
            when joined.weight is null and joined.kpi_class = '' then 'product-without-kpi'
            when joined.weight is null              then 'no-weight-that-day'
            when joined.disposition = 'no-kpi-value' then 'zero-amount'
       end                                                     as rule,
       case when joined.waits_rule is not null      then joined.waits_seen
            when joined.location_mpn_id is null     then joined.customer_number
            when joined.disposition = 'no-kpi-value' then joined.sku end as seen
from joined;
