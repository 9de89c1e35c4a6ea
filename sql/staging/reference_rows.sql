-- One row of `reference_row` is one input row of a reference file with its validity typed. row_rule says what is wrong
-- with the row as a whole and comes before what a kind checks; span_rule says what is wrong with its validity.
-- An MPN ID names files of reports, so it is letters, digits, points, hyphens and underscores only.
-- Reads load_field. valid_from blank = 1900-01-01 (always was), valid_to blank = open.
create temporary table reference_row on commit drop as
with typed as (
  select load_field.*,
         case when tidy(load_field.valid_from) = '' then date '1900-01-01'
              else iso_day(load_field.valid_from) end as from_day,
         iso_day(load_field.valid_to)                 as to_day,
         (select min(tidy(cell.value))
          from jsonb_each_text(to_jsonb(load_field)) as cell
          where cell.key like '%mpn\_id'
            and tidy(cell.value) <> ''
            and tidy(cell.value) !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$') as odd_id,
         -- A key longer than a third of an index page could not be stored; nothing real comes near.
         (select min(cell.key)
          from jsonb_each_text(to_jsonb(load_field) - '{row_no,ragged,cells}'::text[]) as cell
          where length(cell.value) > case cell.key when 'url' then 2000 else 500 end) as long_field
  from load_field
)
select typed.*,
       case when typed.ragged is not null     then 'ragged-row'
            when typed.long_field is not null then 'cell-too-long'
            when typed.odd_id is not null     then 'mpn-id-unusable' end                           as row_rule,
       case when typed.ragged is not null     then left(typed.ragged, 200)
            when typed.long_field is not null then typed.long_field
            when typed.odd_id is not null     then left(typed.odd_id, 200) end                     as row_seen,
       case when typed.from_day is null       then 'valid-from-unreadable'
            when tidy(typed.valid_to) <> '' and typed.to_day is null then 'valid-to-unreadable'
            when typed.to_day <= typed.from_day then 'validity-empty' end                          as span_rule,
       case when typed.from_day is null       then tidy(typed.valid_from)
            when tidy(typed.valid_to) <> '' and typed.to_day is null then tidy(typed.valid_to)
            when typed.to_day <= typed.from_day then typed.from_day || ' to ' || typed.to_day end  as span_seen
from typed;
