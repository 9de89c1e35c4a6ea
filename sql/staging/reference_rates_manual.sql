-- One row of `staged_reference` is one exchange rate of the file, typed; `rule` says why its row is rejected.
-- per_euro: units of the currency for one euro.
create temporary table staged_reference on commit drop as
with typed as (
  select load_field.row_no, load_field.ragged,
         upper(tidy(load_field.currency))                as code,
         currency.code is not null                       as currency_known,
         tidy(load_field.rate_date)                      as day_text,
         iso_day(load_field.rate_date)                   as day,
         tidy(load_field.per_euro)                       as rate_text,
         trim_scale(plain_number(load_field.per_euro))   as per_euro
  from load_field
  left join currency on currency.code = upper(tidy(load_field.currency))
)
select typed.row_no,
       array[typed.code, typed.day::text] as key,
       typed.code             as currency,
       typed.day              as rate_date,
       'manual'               as origin,
       typed.per_euro,
       typed.day              as valid_from,
       typed.day + 1          as valid_to,
       case when typed.ragged is not null                         then 'ragged-row'
            when not typed.currency_known                         then 'currency-unknown'
            when typed.code = 'EUR'                               then 'rate-of-euro'
            when typed.day is null                                then 'rate-date-unreadable'
            when typed.per_euro is null or typed.per_euro <= 0    then 'rate-unreadable' end as rule,
       case when typed.ragged is not null                         then left(typed.ragged, 200)
            when not typed.currency_known or typed.code = 'EUR'   then left(typed.code, 200)
            when typed.day is null                                then left(typed.day_text, 200)
            when typed.per_euro is null or typed.per_euro <= 0    then left(typed.rate_text, 200) end as seen
from typed;
