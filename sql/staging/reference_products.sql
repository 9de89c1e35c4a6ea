-- One row of `staged_reference` is one product of the file, typed; `rule` says why its row is rejected.
-- A blank kpi_class is a product that is known and earns no KPI; blank units_per_sku = 1.
create temporary table staged_reference on commit drop as
with typed as (
  select reference_row.*,
         upper(tidy(reference_row.sku))       as sku_code,
         tidy(reference_row.omlp_type)        as family,
         case when tidy(reference_row.units_per_sku) = '' then 1
              else trim_scale(plain_number(reference_row.units_per_sku)) end as units
  from reference_row
)
select typed.row_no,
       array[typed.sku_code]         as key,
       typed.sku_code                as sku,
       nullif(tidy(typed.name), '')  as name,
       typed.family                  as omlp_type,
       tidy(typed.kpi_class)         as kpi_class,
       typed.units                   as units_per_sku,
       typed.from_day                as valid_from,
       typed.to_day                  as valid_to,
       case when typed.row_rule is not null             then typed.row_rule
            when typed.sku_code = ''                    then 'sku-missing'
            when typed.family = ''                      then 'omlp-type-missing'
            when typed.units is null or typed.units <= 0 then 'units-unreadable'
            else typed.span_rule end                    as rule,
       case when typed.row_rule is not null             then typed.row_seen
            when typed.sku_code = '' or typed.family = '' then null
            when typed.units is null or typed.units <= 0 then tidy(typed.units_per_sku)
            else typed.span_seen end                    as seen
from typed;
