-- Decides what every row of `said` is to be, from all that is said of its document, whatever came first
-- (docs/decisions/0014). Makes the temporary table `fate`: one row is one said row, what it is to be (held, rule, seen,
-- of_*), and what it is now (was_*; null: not stored yet). Reads settled_document and settled_correction.

-- From here to the look at what is stored, all is joined with all: hashed, whatever the planner expects of a step.
set local enable_nestloop = off;

-- One row is one said row as part of a saying: unit_no is the line number, or '' where the document is compared as a
-- whole; body tells the sayings of a unit apart; nth counts equal rows of one body. A row that repeats one of the same
-- number and content (of its file, where the document is compared as a whole) is a duplicate of it, whatever else is said.
create temporary table saying on commit drop as
with content as (
  select said.document_id, said.file_id, said.row_no, said.line_no, said.numbered, settled_document.by_key,
         line_content(said.customer_number, said.sku, said.quantity, said.net_amount, said.currency, said.treatment)
           || case when said.treatment = 4 then coalesce(said.reference_number, '') else '' end as content
  from said
  join settled_document on settled_document.document_id = said.document_id
), repeated as (
  select content.*,
         first_value(content.file_id) over same as first_file_id,
         first_value(content.row_no)  over same as first_row_no
  from content
  window same as (partition by content.document_id, content.content,
                               case when content.numbered then content.line_no else '#' || content.row_no end,
                               case when content.by_key then 0 else content.file_id end
                  order by content.file_id, content.row_no)
), bodied as (
  select repeated.*,
         repeated.first_file_id <> repeated.file_id or repeated.first_row_no <> repeated.row_no as repeats,
         case when repeated.by_key then repeated.line_no else '' end                     as unit_no,
         case when repeated.by_key then repeated.content else repeated.file_id::text end as body
  from repeated
)
select bodied.*,
       row_number() over (partition by bodied.document_id, bodied.unit_no, bodied.body, bodied.content, bodied.repeats
                          order by bodied.file_id, bodied.row_no) as nth
from bodied;
analyze saying;

-- Each saying with the one that holds it: itself, or another that contains it (one that stands before one that a person
-- put aside, then the earliest). `standing` counts the unit's sayings that nothing contains and nobody put aside.
create temporary table body on commit drop as
with sized as (
  select saying.document_id, saying.unit_no, saying.body, count(*) as rows,
         min(saying.file_id) as came, -- compared as a whole, a body is a file
         bool_or(decision.verdict is not null) as put_aside
  from saying
  left join decision on decision.document_id = saying.document_id and decision.file_id = saying.file_id
                    and decision.row_no = saying.row_no and decision.verdict = 'superseded' and decision.ended_no is null
  where not saying.repeats
  group by saying.document_id, saying.unit_no, saying.body
), several as (
  -- units compared as a whole of which more than one thing is said
  select sized.document_id
  from sized
  where sized.unit_no = ''
  group by sized.document_id
  having count(*) > 1
), amount as (
  select saying.document_id, saying.body, saying.content, count(*) as rows
  from several
  join saying on saying.document_id = several.document_id and not saying.repeats
  group by saying.document_id, saying.body, saying.content
), shared as (
  select inside.document_id, inside.body as inside, outside.body as outside, sum(least(inside.rows, outside.rows)) as rows
  from amount as inside
  join amount as outside on outside.document_id = inside.document_id and outside.content = inside.content
                        and outside.body <> inside.body
  group by inside.document_id, inside.body, outside.body
), contained as (
  select shared.document_id, shared.inside, shared.outside
  from shared
  join sized as inside  on inside.document_id = shared.document_id and inside.body = shared.inside
  join sized as outside on outside.document_id = shared.document_id and outside.body = shared.outside
  where shared.rows = inside.rows
    and (outside.rows > inside.rows or outside.came < inside.came)
), held as (
  select distinct on (sized.document_id, sized.unit_no, sized.body)
         sized.document_id, sized.unit_no, sized.body, coalesce(holder.body, sized.body) as holder,
         coalesce(holder.put_aside, sized.put_aside)                                     as put_aside
  from sized
  left join contained       on contained.document_id = sized.document_id and contained.inside = sized.body
  left join sized as holder on holder.document_id = sized.document_id and holder.body = contained.outside
                           and not exists (select from contained as deeper
                                           where deeper.document_id = holder.document_id and deeper.inside = holder.body)
  where contained.outside is null or holder.body is not null
  order by sized.document_id, sized.unit_no, sized.body, holder.put_aside, holder.came
), standing as (
  select held.document_id, held.unit_no, count(distinct held.holder) filter (where not held.put_aside) as sayings
  from held
  group by held.document_id, held.unit_no
)
select held.*, standing.sayings
from held
join standing using (document_id, unit_no);
analyze body;

create temporary table judged on commit drop as
with placed as (
  -- among the sayings that one of them holds, the first row of each content and count is the line
  select saying.document_id, saying.file_id, saying.row_no, saying.repeats, saying.first_file_id, saying.first_row_no,
         body.put_aside, body.sayings, saying.unit_no,
         first_value(saying.file_id) over same as line_file_id,
         first_value(saying.row_no)  over same as line_row_no
  from saying
  join body using (document_id, unit_no, body)
  where not saying.repeats
  window same as (partition by saying.document_id, saying.unit_no, body.holder, saying.content, saying.nth
                  order by saying.file_id, saying.row_no)
), original as (
  -- a repeated row is a duplicate of what its original is, or is a duplicate of
  select saying.document_id, saying.file_id, saying.row_no, placed.put_aside, placed.sayings, saying.unit_no,
         placed.line_file_id, placed.line_row_no
  from saying
  join placed on placed.file_id = saying.first_file_id and placed.row_no = saying.first_row_no
  where saying.repeats
  union all
  select placed.document_id, placed.file_id, placed.row_no, placed.put_aside, placed.sayings, placed.unit_no,
         placed.line_file_id, placed.line_row_no
  from placed
)
select original.document_id, original.file_id, original.row_no, original.put_aside,
       original.line_file_id, original.line_row_no,
       original.line_file_id <> original.file_id or original.line_row_no <> original.row_no as is_duplicate,
       settled_document.verdict, settled_document.amount_sign, settled_document.number, settled_document.reference_number,
       settled_document.doubt,
       case when settled_document.contradicts and settled_document.verdict is null or original.sayings > 1 then 'conflict'
            when settled_document.verdict = 'counts'  then null
            when settled_document.treatment = 2       then 'document-type-for-a-person'
            when settled_document.treatment = 3       then 'document-type-unknown'
            when settled_document.doubt is not null   then 'totals-differ'
            else settled_correction.waits end as waits
from original
join settled_document on settled_document.document_id = original.document_id
left join settled_correction on settled_correction.document_id = original.document_id;
analyze judged;
set local enable_nestloop = on;

create temporary table fate on commit drop as
select said.document_id, said.file_id, said.row_no, said.line_no, said.numbered, said.issue_date, said.customer_number,
       said.sku, said.quantity, said.net_amount, said.currency, said.type_code, said.unit_sign, said.treatment,
       said.reference_number, said.net_amount * judged.amount_sign as amount, judged.number,
       case when judged.is_duplicate           then 'duplicate'
            when judged.verdict = 'rejected'   then 'rejected'
            when judged.put_aside              then 'superseded'
            when judged.waits is not null      then 'quarantined'
            else 'line' end as held,
       case when judged.is_duplicate           then null
            when judged.verdict = 'rejected'   then 'refused-by-decision'
            when judged.put_aside              then 'other-version-picked'
            else judged.waits end as rule,
       case when judged.is_duplicate           then null
            when judged.verdict = 'rejected' or judged.put_aside then judged.number
            when judged.waits = 'conflict'     then judged.number || ' line ' || said.line_no
            when judged.waits = 'document-type-unknown' then document.type_code
            when judged.waits = 'document-type-for-a-person' then document.type_code || ' ' || document_type.name
            when judged.waits = 'totals-differ' then judged.doubt
            when judged.waits is not null      then coalesce(judged.reference_number, judged.number) end as seen,
       case when judged.is_duplicate then judged.line_file_id end as of_file_id,
       case when judged.is_duplicate then judged.line_row_no end  as of_row_no,
       case when standing.row_no is not null and waiting.row_no is not null then 'quarantined'
            when standing.row_no is not null   then 'line'
            when repeating.row_no is not null  then 'duplicate'
            else aside.held end as was_held,
       coalesce(waiting.rule, aside.rule) as was_rule,
       repeating.of_file_id as was_of_file_id,
       repeating.of_row_no  as was_of_row_no
from judged
join said     on said.file_id = judged.file_id and said.row_no = judged.row_no
join document on document.id = judged.document_id
left join document_type on document_type.code = document.type_code
left join line as standing       on standing.document_id = said.document_id and standing.file_id = said.file_id
                                and standing.row_no = said.row_no and standing.ended_no is null
left join quarantine as waiting  on waiting.file_id = said.file_id and waiting.row_no = said.row_no
                                and waiting.ended_no is null
left join duplicate as repeating on repeating.document_id = said.document_id and repeating.file_id = said.file_id
                                and repeating.row_no = said.row_no and repeating.ended_no is null
left join set_aside as aside     on aside.file_id = said.file_id and aside.row_no = said.row_no and aside.ended_no is null;
analyze fate;

drop table judged, body, saying, said;
