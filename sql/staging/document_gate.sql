-- One row of `document_gate` is a value that a file's document type may have, and what the gate does with it: every
-- code of UNTDID 1001, and the values that the profile maps to one (lkp.type_map, JSON: value -> code).
-- Not a temporary table: those forbid parallel plans. The transaction that makes it drops it.
create unlogged table document_gate as
select document_type.code as value, document_type.*
from document_type
union all
select mapped.key, document_type.*
from jsonb_each_text(current_setting('lkp.type_map')::jsonb) as mapped (key, code)
join document_type on document_type.code = mapped.code
where mapped.key not in (select document_type.code from document_type);

-- Without it the planner expects each value several times, and sorts the whole file to merge it with the gate.
analyze document_gate;
