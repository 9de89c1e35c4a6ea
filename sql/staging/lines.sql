-- One row of `staged` is one input row, typed. `rule` says why it is rejected, `waits` why a person must decide.
-- Reads load_field (all text, columns named as the fields). Settings: lkp.source, lkp.seller,
-- lkp.credits_negative (credit lines come with a minus), lkp.numbered (the file has a line number column).
-- Joining days and currencies as tables is both the check and the cast; measured faster than casts with guards.
create unlogged table staged as
with trimmed as (
  select load_field.row_no,
         load_field.ragged,
         tidy(load_field.invoice_number)         as number,
         tidy(load_field.issue_date)             as issue_text,
         tidy(load_field.type_code)              as type_value,
         upper(tidy(load_field.currency))        as currency,
         tidy(load_field.reference_number)       as reference_number,
         upper(tidy(load_field.seller))          as seller,
         upper(tidy(load_field.customer_number)) as customer_number,
         upper(tidy(load_field.sku))             as sku,
         tidy(load_field.line_number)            as line_number,
         load_field.quantity                     as quantity_text,
         coalesce(nullif(tidy(load_field.net_amount), ''), load_field.price) as amount_text,
         plain_number(load_field.quantity)       as quantity,
         case when tidy(load_field.net_amount) <> '' then plain_number(load_field.net_amount)
              else plain_number(load_field.quantity) * plain_number(load_field.price) end as net_amount
  from load_field
), typed as (
  select trimmed.*,
         day.day                                      as issue_date,
         gate.code                                    as type_code,
         coalesce(gate.verdict, 'unknown')            as verdict,
         gate.name                                    as type_name,
         coalesce(gate.class, 'invoice')              as class,
         coalesce(gate.unit_sign, 1)::smallint        as unit_sign,
         coalesce(gate.amount_sign, 1)::smallint      as amount_sign,
         currency.code is not null                    as currency_known,
         coalesce(day.day >= coalesce(currency.valid_from, '-infinity')
              and day.day <  coalesce(currency.valid_to, 'infinity'), true) as currency_valid,
         case when gate.class = 'credit note' and current_setting('lkp.credits_negative') = 'true'
              then -1 else 1 end                      as carried_sign
  from trimmed
  left join day      on day.iso = trimmed.issue_text
  left join document_gate as gate on gate.value = trimmed.type_value
  left join currency on currency.code = trimmed.currency
)
select typed.row_no,
       typed.number,
       typed.issue_date,
       typed.type_value,
       typed.type_code,
       typed.class,
       typed.unit_sign,
       typed.amount_sign,
       nullif(typed.reference_number, '')                                    as reference_number,
       coalesce(nullif(typed.seller, ''), current_setting('lkp.seller'))     as seller,
       typed.customer_number,
       typed.sku,
       typed.line_number,
       typed.quantity * typed.carried_sign                                   as quantity,
       typed.net_amount * typed.carried_sign                                 as net_amount,
       typed.currency,
       case when typed.ragged is null and typed.currency ~ '^[A-Z]{3}$'
            then typed.net_amount * typed.carried_sign * typed.amount_sign end as effect,
       case when typed.ragged is not null                     then 'ragged-row'
            when typed.verdict = 'refuse'                     then 'not-an-invoice'
            when typed.number = ''                            then 'invoice-number-missing'
            when typed.issue_date is null                     then 'issue-date-unreadable'
            when typed.quantity is null                       then 'quantity-unreadable'
            when typed.net_amount is null                     then 'amount-unreadable'
            when not typed.currency_known                     then 'currency-unknown'
            when not typed.currency_valid                     then 'currency-not-valid'
            when typed.line_number = '' and current_setting('lkp.numbered') = 'true' then 'line-number-missing'
       end                                                                   as rule,
       case when typed.ragged is not null                     then left(typed.ragged, 200)
            when typed.verdict = 'refuse'                     then typed.type_code || ' ' || typed.type_name
            when typed.issue_date is null                     then ltrim(typed.issue_text, '?')
            when typed.quantity is null                       then ltrim(typed.quantity_text, '?')
            when typed.net_amount is null                     then ltrim(typed.amount_text, '?')
            when not typed.currency_known                     then typed.currency
            when not typed.currency_valid                     then typed.currency || ' on ' || typed.issue_text
            when typed.verdict = 'unknown'                    then typed.type_value
            else typed.type_code || ' ' || typed.type_name
       end                                                                   as seen,
       case typed.verdict when 'quarantine' then 'document-type-for-a-person'
                          when 'unknown'    then 'document-type-unknown'
                          when 'supersede'  then 'corrected-invoice' end     as waits
from typed;

analyze staged;
