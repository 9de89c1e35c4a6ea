-- One row updated is one row of the file that cannot stand beside the others. Sets staged_reference.repeats (it says
-- word for word what an earlier row of its key says: nothing to learn) and, where rows of one key contradict each other,
-- their rule. A key is taken wholly or not at all: its good rows alone would end what a rejected one meant to keep.
alter table staged_reference add column repeats boolean not null default false, add column known boolean not null default false;

with numbered as (
  select staged_reference.ctid as at,
         row_number() over (
           partition by staged_reference.key,
                        to_jsonb(staged_reference) - '{row_no,key,rule,seen,repeats,known}'::text[]
           order by staged_reference.row_no) as nth
  from staged_reference
  where staged_reference.rule is null
    and staged_reference.key in (select several.key from staged_reference as several
                                 where several.rule is null group by several.key having count(*) > 1)
)
update staged_reference set repeats = true
from numbered
where staged_reference.ctid = numbered.at
  and numbered.nth > 1;

create index on staged_reference (key);
analyze staged_reference;

-- A span that begins before another of its key has ended, whichever of the two comes first in the file.
with spans as (
  select staged_reference.ctid as at, staged_reference.valid_from, staged_reference.valid_to,
         max(coalesce(staged_reference.valid_to, 'infinity')) over earlier as ends_before,
         min(staged_reference.valid_from) over later                       as begins_after
  from staged_reference
  where staged_reference.rule is null
    and not staged_reference.repeats
  window earlier as (partition by staged_reference.key order by staged_reference.valid_from, staged_reference.row_no
                     rows between unbounded preceding and 1 preceding),
         later   as (partition by staged_reference.key order by staged_reference.valid_from, staged_reference.row_no
                     rows between 1 following and unbounded following)
), overlapping as (
  select spans.at
  from spans
  where spans.valid_from < spans.ends_before
     or coalesce(spans.valid_to, 'infinity') > spans.begins_after
)
update staged_reference
set rule = 'validity-overlap',
    seen = array_to_string(staged_reference.key, ', ') || ' from ' || staged_reference.valid_from
           || coalesce(' to ' || staged_reference.valid_to, ' on')
from overlapping
where staged_reference.ctid = overlapping.at;

-- A row of several facts (a day of ECB rates) is rejected as a whole.
with faulty as (
  select distinct on (staged_reference.row_no) staged_reference.row_no, staged_reference.rule, staged_reference.seen
  from staged_reference
  where staged_reference.rule is not null
  order by staged_reference.row_no, staged_reference.seen collate "C"
)
update staged_reference set rule = faulty.rule, seen = faulty.seen
from faulty
where staged_reference.row_no = faulty.row_no
  and (staged_reference.rule, staged_reference.seen) is distinct from (faulty.rule, faulty.seen);

-- A key with a rejected row is rejected, and each of its rows again as a whole: rows of one day of ECB rates need not hold the
-- same currencies. Named is the key's first row at fault, or a row that is rejected for another of its keys.
with recursive spoiled as (
  select staged_reference.key
  from staged_reference
  where staged_reference.rule is not null
  union
  select fact.key
  from spoiled
  join staged_reference as mine on mine.key = spoiled.key
  join staged_reference as fact on fact.row_no = mine.row_no
), named as (
  select spoiled.key, min(staged_reference.row_no) filter (where staged_reference.rule is not null) as at_fault,
         min(staged_reference.row_no) as first_row, max(staged_reference.row_no) as last_row
  from spoiled
  join staged_reference on staged_reference.key = spoiled.key
  group by spoiled.key
), broken as (
  select distinct on (good.row_no)
         good.row_no, array_to_string(good.key, ', ') || ' (row ' || other.row_no || ')' as seen
  from named
  join staged_reference as good on good.key = named.key and good.rule is null
  cross join lateral (
    select coalesce(named.at_fault, nullif(named.first_row, good.row_no), named.last_row) as row_no
  ) as other
  order by good.row_no, named.at_fault, other.row_no = good.row_no, other.row_no, good.key collate "C"
)
update staged_reference set rule = 'key-incomplete', seen = broken.seen
from broken
where staged_reference.row_no = broken.row_no;
