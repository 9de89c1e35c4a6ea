-- One row of `document_gate` is a value that a file's document type may have, and what the gate does with it: every
-- code of UNTDID 1001, and the values that the profile maps to one (lkp.type_map, JSON: value -> code), which go first.
-- Not a temporary table: those forbid parallel plans. The transaction that makes it drops it.
create unlogged table document_gate as
with mapped as (
  select jsonb_each_text.key as value, jsonb_each_text.value as code
  from jsonb_each_text(current_setting('lkp.type_map')::jsonb)
)
select coalesce(mapped.value, document_type.code) as value, document_type.*
from document_type
left join mapped on mapped.code = document_type.code
where mapped.value is not null
   or document_type.code not in (select mapped.value from mapped)
union all
-- a code that other values are mapped to is still its own value
select document_type.code, document_type.*
from document_type
where document_type.code in (select mapped.code from mapped)
  and document_type.code not in (select mapped.value from mapped);

-- Without it the planner expects each value several times, and sorts the whole file to merge it with the gate.
analyze document_gate;
