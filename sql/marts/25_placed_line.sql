-- view: one row is one line with its effect, its place in the program (location, product, weight) and its disposition,
-- as of lkp.cutoff, for lines issued in [lkp.from, lkp.to). kpi_line adds the money.
-- Customer -> location, product and weight all go by the issue date (DESIGN, section 5).
-- Set enable_nestloop off around it: settings hide the row counts from the planner, and one line at a time took
-- 80 s where hash joins take 0.2 s (3,000 lines). `offset bigint '0'` makes the planner take the small side as it is
-- and, unlike a materialized CTE, leaves it free to go parallel. A setting in a subquery is read once; without one,
-- once a row, which took 2 us of each.
create view placed_line as
with usable as (
  select line.file_id, line.row_no, line.line_no, line.issue_date, line.customer_number, line.sku,
         line.quantity, line.currency,
         document.number, document.class, document.type_code, document.source, document.unit_sign,
         line.net_amount * document.amount_sign as amount
  from line
  join document on document.id = line.document_id
  where line.issue_date >= (select current_setting('lkp.from')::date)
    and line.issue_date <  (select current_setting('lkp.to')::date)
    -- a line has its document's date; said twice, it keeps the other months' documents out of the join
    and document.issue_date >= (select current_setting('lkp.from')::date)
    and document.issue_date <  (select current_setting('lkp.to')::date)
    and line.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (line.ended_no is null or line.ended_no > (select current_setting('lkp.cutoff')::bigint))
), waiting as (
  select quarantine.file_id, quarantine.row_no, quarantine.rule, quarantine.seen
  from quarantine
  where quarantine.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (quarantine.ended_no is null or quarantine.ended_no > (select current_setting('lkp.cutoff')::bigint))
), located as (
  select customer.source, customer.customer_number, customer.location_mpn_id, customer.valid_from, customer.valid_to
  from customer
  where customer.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (customer.ended_no is null or customer.ended_no > (select current_setting('lkp.cutoff')::bigint))
), listed as (
  select product.sku, product.omlp_type, product.kpi_class, product.units_per_sku, product.valid_from, product.valid_to
  from product
  where product.change_no <= (select current_setting('lkp.cutoff')::bigint)
    and (product.ended_no is null or product.ended_no > (select current_setting('lkp.cutoff')::bigint))
), weights as (
  select day_weight.day, day_weight.kpi_class, day_weight.category, day_weight.weight
  from day_weight
  offset bigint '0'
)
select usable.*,
       waiting.rule                                              as waits_rule,
       waiting.seen                                              as waits_seen,
       located.location_mpn_id,
       listed.omlp_type,
       listed.kpi_class,
       weights.category,
       weights.weight,
       usable.quantity * usable.unit_sign * listed.units_per_sku as units,
       case when waiting.rule is not null                                then 'quarantined'
            when located.location_mpn_id is null or listed.omlp_type is null then 'unmapped'
            when weights.weight is null                                  then 'no-kpi-value'
            when usable.class = 'credit note'                            then 'reversal'
            else 'counted' end                                   as disposition
from usable
left join waiting on waiting.file_id = usable.file_id and waiting.row_no = usable.row_no
left join located on located.customer_number = usable.customer_number
                 and located.source = usable.source
                 and usable.issue_date >= located.valid_from
                 and usable.issue_date <  coalesce(located.valid_to, 'infinity'::date)
left join listed  on listed.sku = usable.sku
                 and usable.issue_date >= listed.valid_from
                 and usable.issue_date <  coalesce(listed.valid_to, 'infinity'::date)
left join weights on weights.kpi_class = listed.kpi_class and weights.day = usable.issue_date;
