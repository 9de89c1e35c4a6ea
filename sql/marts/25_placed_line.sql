-- view: one row is one line with its effect, its place in the program (location, product, weight) and its disposition,
-- as of lkp.cutoff, for lines issued in [lkp.from, lkp.to). kpi_line adds the money. lkp.customers, when it is set, is an
-- array of the only customer numbers that are wanted: a filter of the scan, before anything is joined to a line.
-- corrected_on: from that day on its invoice is superseded by the 384 corrected_by; whether that day has come, the
-- reader of the view says. kpi_month: a 384's is that of what it replaces, a credit's that of its invoice where the rule set
-- wants it (credit_month). waits_stored: it waits for a person by what is stored; else a quarantined line is a credit
-- whose month is not known, which releases itself.
-- Customer -> location, product and weight all go by the issue date (DESIGN, section 5).
-- Set enable_nestloop off around it: one line at a time took 80 s where hash joins take 0.2 s (3,000 lines). day_setting()
-- and number_setting() let the planner see the span; current_setting() hid the row counts, and kept the view of a
-- large file to one processor. `offset bigint '0'` makes the planner take the small side as it is and, unlike a
-- materialized CTE, leaves it free to go parallel.
create view placed_line as
with usable as (
  select line.document_id, line.file_id, line.row_no, line.line_no, line.issue_date, line.customer_number, line.sku,
         line.quantity, line.currency,
         document.number, document.class, document.type_code, document.source, document.unit_sign,
         line.net_amount * document.amount_sign as amount
  from line
  join document on document.id = line.document_id
  where line.issue_date >= day_setting('lkp.from')
    and line.issue_date <  day_setting('lkp.to')
    -- a line has its document's date; said twice, it keeps the other months' documents out of the join
    and document.issue_date >= day_setting('lkp.from')
    and document.issue_date <  day_setting('lkp.to')
    and line.change_no <= number_setting('lkp.cutoff')
    and (line.ended_no is null or line.ended_no > number_setting('lkp.cutoff'))
    and ((select coalesce(current_setting('lkp.customers', true), '') = '')
      or line.customer_number in (select unnest(nullif(current_setting('lkp.customers', true), '')::text[])))
), waiting as (
  select quarantine.file_id, quarantine.row_no, quarantine.rule, quarantine.seen
  from quarantine
  where quarantine.change_no <= number_setting('lkp.cutoff')
    and (quarantine.ended_no is null or quarantine.ended_no > number_setting('lkp.cutoff'))
), located as (
  select customer.source, customer.customer_number, customer.location_mpn_id, customer.valid_from, customer.valid_to
  from customer
  where customer.change_no <= number_setting('lkp.cutoff')
    and (customer.ended_no is null or customer.ended_no > number_setting('lkp.cutoff'))
), listed as (
  select product.sku, product.omlp_type, product.kpi_class, product.units_per_sku, product.valid_from, product.valid_to
  from product
  where product.change_no <= number_setting('lkp.cutoff')
    and (product.ended_no is null or product.ended_no > number_setting('lkp.cutoff'))
), weights as (
  select day_weight.day, day_weight.kpi_class, day_weight.category, day_weight.weight, day_weight.per_units,
         day_weight.zero_counts
  from day_weight
  offset bigint '0'
), chain as (
  select correction_chain.document_id, correction_chain.replaces_id, correction_chain.corrected_on,
         correction_chain.corrected_by, correction_chain.kpi_month, null as waits_rule, null as waits_seen
  from correction_chain
  union all
  -- a credit replaces nothing; it stands here so that one join serves both
  select credit_month.document_id, null, null, null, credit_month.kpi_month, credit_month.waits_rule, credit_month.waits_seen
  from credit_month
  offset bigint '0'
)
select usable.*,
       coalesce(correcting.kpi_month, date_trunc('month', usable.issue_date::timestamp)::date) as kpi_month,
       replaced.corrected_on,
       replaced.corrected_by,
       waiting.rule is not null                                  as waits_stored,
       coalesce(waiting.rule, correcting.waits_rule)             as waits_rule,
       case when waiting.rule is null then correcting.waits_seen else waiting.seen end as waits_seen,
       located.location_mpn_id,
       listed.omlp_type,
       listed.kpi_class,
       weights.category,
       weights.weight,
       weights.per_units,
       usable.quantity * usable.unit_sign * listed.units_per_sku as units,
       case when waiting.rule is not null or correcting.waits_rule is not null then 'quarantined'
            when located.location_mpn_id is null or listed.omlp_type is null then 'unmapped'
            when weights.weight is null or not weights.zero_counts and usable.amount = 0 then 'no-kpi-value'
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
left join weights on weights.kpi_class = listed.kpi_class and weights.day = usable.issue_date
left join chain as correcting on correcting.document_id = usable.document_id
left join chain as replaced   on replaced.replaces_id = usable.document_id;
