-- view: one row is one line with its effect, what it is worth, and its disposition, as of lkp.cutoff, for lines
-- issued in [lkp.from, lkp.to). Settings beside these: lkp.lookback (days), lkp.reporting_currency.
-- Customer -> location, product, weight and rate all go by the issue date (DESIGN, section 5).
-- Set enable_nestloop off around it: settings hide the row counts from the planner, and one line at a time took
-- 80 s where hash joins take 0.2 s (3,000 lines).
create view kpi_line as
with rates as materialized (
  select day_rate.* from day_rate
), weights as materialized (
  select day_weight.* from day_weight
), reporting as (
  select rates.day, rates.per_euro,
         (select currency.minor_unit from currency
          where currency.code = current_setting('lkp.reporting_currency')) as minor_unit
  from rates
  where rates.currency = current_setting('lkp.reporting_currency')
), usable as (
  select line.file_id, line.row_no, line.line_no, line.issue_date, line.customer_number, line.sku,
         line.quantity, line.currency,
         document.number, document.class, document.type_code, document.source, document.unit_sign,
         line.net_amount * document.amount_sign as amount
  from line
  join document on document.id = line.document_id
  where line.issue_date >= current_setting('lkp.from')::date
    and line.issue_date <  current_setting('lkp.to')::date
    and line.change_no <= current_setting('lkp.cutoff')::bigint
    and (line.ended_no is null or line.ended_no > current_setting('lkp.cutoff')::bigint)
), waiting as (
  select quarantine.file_id, quarantine.row_no, quarantine.rule, quarantine.seen
  from quarantine
  where quarantine.change_no <= current_setting('lkp.cutoff')::bigint
    and (quarantine.ended_no is null or quarantine.ended_no > current_setting('lkp.cutoff')::bigint)
), located as (
  select customer.source, customer.customer_number, customer.location_mpn_id, customer.valid_from, customer.valid_to
  from customer
  where customer.change_no <= current_setting('lkp.cutoff')::bigint
    and (customer.ended_no is null or customer.ended_no > current_setting('lkp.cutoff')::bigint)
), listed as (
  select product.sku, product.omlp_type, product.kpi_class, product.units_per_sku, product.valid_from, product.valid_to
  from product
  where product.change_no <= current_setting('lkp.cutoff')::bigint
    and (product.ended_no is null or product.ended_no > current_setting('lkp.cutoff')::bigint)
), joined as (
  select usable.*,
         waiting.rule                                             as waits_rule,
         waiting.seen                                             as waits_seen,
         located.location_mpn_id,
         listed.omlp_type,
         listed.kpi_class,
         weights.category,
         weights.weight,
         usable.quantity * usable.unit_sign * listed.units_per_sku as units,
         case when usable.currency = current_setting('lkp.reporting_currency') then usable.amount
              else usable.amount * reporting.per_euro / rates.per_euro end as converted,
         rates.rate_date,
         rates.origin                                             as rate_origin,
         reporting.minor_unit
  from usable
  left join waiting    on waiting.file_id = usable.file_id and waiting.row_no = usable.row_no
  left join located    on located.customer_number = usable.customer_number
                      and located.source = usable.source
                      and usable.issue_date >= located.valid_from
                      and usable.issue_date <  coalesce(located.valid_to, 'infinity'::date)
  left join listed     on listed.sku = usable.sku
                      and usable.issue_date >= listed.valid_from
                      and usable.issue_date <  coalesce(listed.valid_to, 'infinity'::date)
  left join weights    on weights.kpi_class = listed.kpi_class and weights.day = usable.issue_date
  left join rates      on rates.currency = usable.currency and rates.day = usable.issue_date
  left join reporting  on reporting.day = usable.issue_date
)
select joined.file_id, joined.row_no, joined.number, joined.class, joined.type_code, joined.line_no,
       joined.issue_date,
       date_trunc('month', joined.issue_date::timestamp)::date as issue_month,
       -- a corrected invoice takes the month of what it replaces; every other line its own
       date_trunc('month', joined.issue_date::timestamp)::date as kpi_month,
       joined.source, joined.customer_number, joined.sku, joined.quantity, joined.currency, joined.amount,
       joined.location_mpn_id, joined.omlp_type, joined.kpi_class, joined.category, joined.weight,
       joined.units,
       joined.units * joined.weight                            as kpi_value,
       round(joined.converted, coalesce(joined.minor_unit, 2)) as revenue,
       joined.rate_date, joined.rate_origin,
       case when joined.waits_rule is not null                               then 'quarantined'
            when joined.location_mpn_id is null or joined.omlp_type is null  then 'unmapped'
            when joined.weight is null                                       then 'no-kpi-value'
            when joined.class = 'credit note'                                then 'reversal'
            else 'counted' end                                 as disposition,
       case when joined.waits_rule is not null      then joined.waits_rule
            when joined.location_mpn_id is null and joined.customer_number = '' then 'customer-number-absent'
            when joined.location_mpn_id is null     then 'customer-number-unknown'
            when joined.omlp_type is null and joined.sku = ''   then 'sku-absent'
            when joined.omlp_type is null           then 'sku-unknown'
            when joined.weight is null and joined.kpi_class = '' then 'product-without-kpi'
            when joined.weight is null              then 'no-weight-that-day'
       end                                                     as rule,
       case when joined.waits_rule is not null      then joined.waits_seen
            when joined.location_mpn_id is null     then joined.customer_number
            when joined.weight is null              then joined.sku end as seen
from joined;
