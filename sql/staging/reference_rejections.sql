-- One row inserted is one row of a reference file that was not taken, with its cells as they came.
-- Settings: lkp.file_id, lkp.change_no.
insert into rejection (file_id, row_no, rule, seen, cells, change_no)
select distinct on (staged_reference.row_no)
       current_setting('lkp.file_id')::int, staged_reference.row_no, staged_reference.rule, staged_reference.seen,
       load_field.cells, current_setting('lkp.change_no')::bigint
from staged_reference
join load_field on load_field.row_no = staged_reference.row_no
where staged_reference.rule is not null
order by staged_reference.row_no, staged_reference.seen collate "C";
