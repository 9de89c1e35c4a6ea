-- One row of `staged_reference` is one rate of one currency and day of an ECB file (one file row holds a day, one
-- column a currency), typed. A row without any rate is one such row too, so that every row is accounted for.
-- Settings: lkp.columns, a JSON object column number -> currency code, of the columns that are currencies.
-- Dates come as 2026-04-13 (history) or 13 April 2026 (the day's file); N/A and blank mean that there is no rate.
create temporary table staged_reference on commit drop as
with dated as (
  select load_field.row_no, load_field.ragged, load_field.cells,
         tidy(load_field.rate_date)                                                        as day_text,
         regexp_match(tidy(load_field.rate_date), '^(\d{1,2}) ([A-Za-z]{3,9}) (\d{4})$')     as parts
  from load_field
), typed as (
  select dated.row_no, dated.ragged, dated.cells, dated.day_text,
         case when dated.parts is null then iso_day(dated.day_text)
              else iso_day(dated.parts[3] || '-'
                || lpad(array_position(array['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august',
                     'september', 'october', 'november', 'december'], lower(dated.parts[2]))::text, 2, '0') || '-'
                || lpad(dated.parts[1], 2, '0')) end as day
  from dated
), currencies as (
  select columns.key::int as position, columns.value as code
  from jsonb_each_text(current_setting('lkp.columns')::jsonb) as columns
), cells as (
  select typed.row_no, currencies.code, tidy(typed.cells[currencies.position]) as rate_text
  from typed
  cross join currencies
  where typed.ragged is null
), rates as (
  select cells.row_no, cells.code, cells.rate_text, trim_scale(plain_number(cells.rate_text)) as per_euro
  from cells
  where upper(cells.rate_text) not in ('', 'N/A')
)
select typed.row_no,
       array[rates.code, typed.day::text] as key,
       rates.code             as currency,
       typed.day              as rate_date,
       'ecb'                  as origin,
       rates.per_euro,
       typed.day              as valid_from,
       typed.day + 1          as valid_to,
       case when typed.ragged is not null                         then 'ragged-row'
            when typed.day is null                                then 'rate-date-unreadable'
            when rates.code is null                               then 'rate-missing'
            when rates.per_euro is null or rates.per_euro <= 0    then 'rate-unreadable' end as rule,
       case when typed.ragged is not null                         then left(typed.ragged, 200)
            when typed.day is null                                then left(typed.day_text, 200)
            when rates.code is null                               then typed.day_text
            when rates.per_euro is null or rates.per_euro <= 0    then rates.code || ' ' || left(rates.rate_text, 200) end as seen
from typed
left join rates on rates.row_no = typed.row_no;
