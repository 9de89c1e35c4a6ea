-- The only row counts the rows of a reference file: rejected, unchanged (all they say is known) or loaded; and the
-- facts that are new.
with by_row as (
  select staged_reference.row_no,
         bool_or(staged_reference.rule is not null)                               as is_rejected,
         bool_and(staged_reference.known or staged_reference.repeats)             as is_known,
         count(*) filter (where not staged_reference.known and not staged_reference.repeats) as new_facts
  from staged_reference
  group by staged_reference.row_no
)
select count(*) filter (where by_row.is_rejected)                                   ::int as rejected,
       count(*) filter (where not by_row.is_rejected and by_row.is_known)           ::int as unchanged,
       count(*) filter (where not by_row.is_rejected and not by_row.is_known)       ::int as loaded,
       coalesce(sum(by_row.new_facts) filter (where not by_row.is_rejected), 0)     ::int as added
from by_row;
