-- One row of `staged` is one input row, typed. `rule` says why it is rejected (or waits, having no one reading), `waits` why a person must decide.
-- Reads load_field (all text, columns named as the fields, tidied) and document_gate, which it drops. Settings: lkp.source,
-- lkp.seller, lkp.credits_negative (credit lines come with a minus), lkp.numbered (the file has a line number column).
-- Joining days and currencies as tables is both the check and the cast; measured faster than casts with guards.
--
-- 1,000,000 lines take 3 s; 18 s without two things. `offset bigint '0'` keeps a step's expressions from being
-- copied into every place that uses them (a net amount is used nine times below); and being a constant of the
-- type that OFFSET wants, it does not forbid a parallel plan, as a plain `offset 0` does.
set local enable_nestloop = off;
set local enable_mergejoin = off;
-- For the rest of the transaction: enough that a million lines aggregate and join without temporary files.
set local work_mem = '64MB';

create unlogged table staged as
with given as (
  select load_field.row_no,
         load_field.ragged,
         load_field.invoice_number               as number,
         load_field.issue_date                   as issue_text,
         load_field.type_code                    as type_value,
         -- ASCII only: by a language, upper() makes an I of a dotless i
         upper(load_field.currency collate "C")  as currency,
         load_field.reference_number,
         upper(load_field.seller)                as seller,
         upper(load_field.customer_number)       as customer_number,
         upper(load_field.sku)                   as sku,
         load_field.line_number,
         load_field.quantity                     as quantity_text,
         load_field.price                        as price_text,
         nullif(load_field.net_amount, '')       as net_text,
         nullif(load_field.totals_differ, '')    as totals_differ
  from load_field
  offset bigint '0'
), typed as (
  select given.*,
         plain_number(given.quantity_text)           as quantity,
         case when given.net_text is null then plain_number(given.quantity_text) * plain_number(given.price_text)
              else plain_number(given.net_text) end  as net_amount,
         day.day                                      as issue_date,
         gate.code                                    as type_code,
         coalesce(gate.verdict, 'unknown')            as verdict,
         gate.name                                    as type_name,
         coalesce(gate.class, 'invoice')              as class,
         coalesce(gate.unit_sign, 1)::smallint        as unit_sign,
         coalesce(gate.amount_sign, 1)::smallint      as amount_sign,
         currency.code is not null                    as currency_known,
         -- null, and so not, where it was always there or still is
         day.day < currency.valid_from or day.day >= currency.valid_to as currency_not_valid,
         gate.class = 'credit note' and current_setting('lkp.credits_negative') = 'true' as carries_minus,
         given.line_number = '' and current_setting('lkp.numbered') = 'true' as line_missing,
         -- looked for only where a typed cell is unreadable, or a text begins as an error does
         case when day.day is null or gate.code is null or currency.code is null or starts_with(given.number, '#')
                or starts_with(given.customer_number, '#') or starts_with(given.sku, '#')
                or starts_with(given.quantity_text, '#') or starts_with(given.net_text, '#') or starts_with(given.price_text, '#')
              then without_value(given.number, given.issue_text, given.type_value, given.currency, given.customer_number, given.sku,
                                 given.quantity_text, given.net_text, given.price_text) end as valueless,
         -- an index takes no key of 2,700 bytes, and a number and a seller are one; most often a missing quote has joined cells
         case when octet_length(given.number) + octet_length(given.customer_number) + octet_length(given.sku)
                 + coalesce(octet_length(given.line_number), 0) + coalesce(octet_length(given.reference_number), 0)
                 + coalesce(octet_length(given.seller), 0) > 500
              then (select min(cell.name) from (values ('invoice number', given.number), ('customer number', given.customer_number),
                                                       ('SKU', given.sku), ('line number', given.line_number),
                                                       ('reference', given.reference_number), ('seller', given.seller))
                                               as cell (name, value)
                    where length(cell.value) > 500 or octet_length(cell.value) > 1200) end as long_cell
  from given
  left join day      on day.iso = given.issue_text
  left join document_gate as gate on gate.value = given.type_value
  left join currency on currency.code = given.currency
  offset bigint '0'
)
select typed.row_no,
       case when typed.long_cell is null then typed.number else left(typed.number, 100) end as number,
       typed.issue_date,
       typed.type_value,
       typed.type_code,
       typed.class,
       typed.unit_sign,
       typed.amount_sign,
       case typed.verdict when 'quarantine' then 2 when 'unknown' then 3 when 'supersede' then 4
                          else case when typed.unit_sign = 0 then 1 else 0 end end::smallint as treatment,
       nullif(typed.reference_number, '')                                    as reference_number,
       coalesce(nullif(typed.seller, ''), current_setting('lkp.seller'))     as seller,
       case when typed.long_cell is null then typed.customer_number else left(typed.customer_number, 100) end as customer_number,
       typed.sku,
       typed.line_number,
       case when typed.carries_minus then -typed.quantity else typed.quantity end       as quantity,
       case when typed.carries_minus then -typed.net_amount else typed.net_amount end   as net_amount,
       typed.currency,
       case when typed.ragged is not null                     then 'ragged-row'
            when typed.verdict = 'refuse'                     then 'not-an-invoice'
            when typed.valueless is not null                  then 'cell-without-value'
            when typed.long_cell is not null                  then 'cell-too-long'
            when typed.number = ''                            then 'invoice-number-missing'
            when typed.issue_date is null                     then case when starts_with(typed.issue_text, '??')
                                                                    then 'ambiguous-date' else 'issue-date-unreadable' end
            when typed.quantity is null                       then case when starts_with(typed.quantity_text, '??')
                                                                    then 'ambiguous-amount' else 'quantity-unreadable' end
            when typed.net_amount is null                     then case when starts_with(coalesce(typed.net_text, typed.price_text), '??')
                                                                    then 'ambiguous-amount' else 'amount-unreadable' end
            when not typed.currency_known                     then 'currency-unknown'
            when typed.currency_not_valid                     then 'currency-not-valid'
            when typed.line_missing                           then 'line-number-missing'
       end                                                                   as rule,
       case when typed.verdict = 'quarantine'        then 'document-type-for-a-person'
            when typed.verdict = 'unknown'           then 'document-type-unknown'
            when typed.totals_differ is not null     then 'totals-differ' end as waits,
       typed.totals_differ,
       case when typed.ragged is not null                     then left(typed.ragged, 200)
            when typed.verdict = 'refuse'                     then typed.type_code || ' ' || typed.type_name
            when typed.valueless is not null                  then typed.valueless
            when typed.long_cell is not null                  then typed.long_cell
            when typed.issue_date is null                     then ltrim(typed.issue_text, '?')
            when typed.quantity is null                       then ltrim(typed.quantity_text, '?')
            when typed.net_amount is null                     then ltrim(coalesce(typed.net_text, typed.price_text), '?')
            when not typed.currency_known                     then typed.currency
            when typed.currency_not_valid                     then typed.currency || ' on ' || typed.issue_text
            when typed.verdict = 'unknown'                    then typed.type_value
            -- rows without rule and wait have nothing to show
            when typed.totals_differ is not null and typed.verdict in ('accept', 'reversal', 'supersede')
                                                              then typed.totals_differ
            when typed.verdict not in ('accept', 'reversal') or typed.number = '' or typed.line_missing
                                                              then typed.type_code || ' ' || typed.type_name
       end                                                                   as seen
from typed;

set local enable_nestloop = on;
set local enable_mergejoin = on;

drop table document_gate;

-- One row of `apart` is one row of `staged` that is not simply a line: found once, in parallel, and not by each who asks.
create unlogged table apart as
select staged.*
from staged
where staged.rule is not null or staged.waits is not null;

-- How many rows are valid, to a few per cent: without it the planner expects one in two hundred, and sorts the others.
-- A sample of 300 rows says so in no time; the default's 30,000 took 0.15 s.
set local default_statistics_target = 1;
analyze staged (rule);
set local default_statistics_target to default;
