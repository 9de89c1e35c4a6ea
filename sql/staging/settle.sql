-- Decides anew what every row of the documents in `unsettled` (document_id) is, from all that is said of them, whatever
-- came first (docs/decisions/0014). Makes the temporary table `fate`: one row is one said row, what it is to be (held,
-- rule, seen, of_*), and what it is now (was_*; null: not stored yet). `said_new` has the rows of the file in hand, in
-- the columns of `said`. Settings: lkp.change_no.

-- Corrected invoices whose reference leads to one of the documents, or from one of them, are settled with them.
insert into unsettled (document_id)
select other.id
from (
  select document.source, document.seller, document.reference_number as number
  from unsettled
  join document on document.id = unsettled.document_id
  where document.treatment = 4
  union
  -- what it referred to, or will
  select document.source, document.seller, other.reference_number
  from unsettled
  join document on document.id = unsettled.document_id
  join (
    select said_new.document_id, said_new.reference_number from said_new where said_new.treatment = 4
    union
    select line.document_id, other_header.reference_number
    from unsettled
    join line         on line.document_id = unsettled.document_id
    join other_header on other_header.file_id = line.file_id and other_header.row_no = line.row_no
                     and other_header.treatment = 4
  ) as other on other.document_id = document.id
  union
  select document.source, document.seller, document.number
  from unsettled
  join document on document.id = unsettled.document_id
  where document.class in ('invoice', 'corrected invoice')
) as named
join document as other on other.treatment = 4 and other.reference_number = named.number
                      and other.source = named.source and other.seller = named.seller
where other.id not in (select unsettled.document_id from unsettled);
analyze unsettled;

create temporary table said on commit drop as
with known as (
  select distinct on (row.file_id, row.row_no) row.*
  from (
    select line.document_id, line.file_id, line.row_no, line.line_no, line.issue_date, line.customer_number, line.sku,
           line.quantity, line.net_amount, line.currency
    from unsettled
    join line on line.document_id = unsettled.document_id
    union all
    select duplicate.document_id, duplicate.file_id, duplicate.row_no, duplicate.line_no, duplicate.issue_date,
           duplicate.customer_number, duplicate.sku, duplicate.quantity, duplicate.net_amount, duplicate.currency
    from unsettled
    join duplicate on duplicate.document_id = unsettled.document_id
  ) as row
  order by row.file_id, row.row_no
)
select known.*, file.numbered,
       coalesce(other_header.type_code, document.type_code) as type_code,
       coalesce(other_header.unit_sign, document.unit_sign) as unit_sign,
       coalesce(other_header.treatment, document.treatment) as treatment,
       case when other_header.file_id is null then document.reference_number
            else other_header.reference_number end          as reference_number
from known
join document on document.id = known.document_id
join file     on file.id = known.file_id and file.ended_no is null
left join other_header on other_header.file_id = known.file_id and other_header.row_no = known.row_no
where not exists (
  select from set_aside
  where set_aside.file_id = known.file_id and set_aside.row_no = known.row_no
    and set_aside.rule = 'row-corrected' and set_aside.ended_no is null)
union all
select said_new.* from said_new;
analyze said;

-- A document has the header of the first row that stands; the others keep their own beside it.
create temporary table headed on commit drop as
select distinct on (said.document_id)
       said.document_id, said.type_code, said.unit_sign, said.treatment, said.reference_number
from said
order by said.document_id, said.file_id, said.row_no;

insert into other_header (file_id, row_no, type_code, unit_sign, treatment, reference_number)
select distinct row.file_id, row.row_no, document.type_code, document.unit_sign, document.treatment, document.reference_number
from headed
join document on document.id = headed.document_id
cross join lateral (
  select line.file_id, line.row_no from line where line.document_id = document.id
  union
  select duplicate.file_id, duplicate.row_no from duplicate where duplicate.document_id = document.id
) as row
where (headed.type_code, headed.unit_sign, headed.treatment, headed.reference_number)
      is distinct from (document.type_code, document.unit_sign, document.treatment, document.reference_number)
on conflict do nothing;

update document
set type_code = headed.type_code, unit_sign = headed.unit_sign, treatment = headed.treatment,
    reference_number = headed.reference_number
from headed
where document.id = headed.document_id
  and (headed.type_code, headed.unit_sign, headed.treatment, headed.reference_number)
      is distinct from (document.type_code, document.unit_sign, document.treatment, document.reference_number);
drop table headed;

-- Every document with what holds for it as a whole: by_key, its rows are compared by line number; waits, the rule by
-- which a person must decide; contradicts, its rows are treated differently.
create temporary table settled_document on commit drop as
with decided as (
  select decision.document_id, decision.verdict
  from decision
  where decision.file_id is null
    and decision.ended_no is null
), talk as (
  select said.document_id, bool_and(said.numbered) as by_key, min(said.treatment) as least, max(said.treatment) as most
  from said
  group by said.document_id
)
select document.id as document_id, document.issue_date, document.class, document.source, document.seller,
       document.number, document.reference_number, document.treatment, document.amount_sign, talk.by_key,
       decided.verdict,
       talk.least <> talk.most as contradicts
from unsettled
join document on document.id = unsettled.document_id
left join talk    on talk.document_id = document.id
left join decided on decided.document_id = document.id;

-- What each corrected invoice replaces, or why it waits. A document is there when a file that stands says something of it.
create temporary table settled_correction on commit drop as
with corrector as (
  select settled_document.document_id, settled_document.issue_date, settled_document.source, settled_document.seller,
         settled_document.reference_number
  from settled_document
  where settled_document.treatment = 4
    and settled_document.by_key is not null
    and settled_document.verdict is null
), target as (
  select corrector.document_id, document.id as replaces_id
  from corrector
  join document on document.number = corrector.reference_number
               and document.source = corrector.source
               and document.seller = corrector.seller
               and (document.class = 'invoice' and document.issue_date <= corrector.issue_date
                 or document.class = 'corrected invoice' and document.issue_date < corrector.issue_date)
  where (exists (select from said where said.document_id = document.id)
      or document.id not in (select unsettled.document_id from unsettled)
     and exists (select from line
                 join file on file.id = line.file_id and file.ended_no is null
                 where line.document_id = document.id))
    and not exists (select from decision
                    where decision.document_id = document.id and decision.file_id is null
                      and decision.verdict = 'rejected' and decision.ended_no is null)
), counted as (
  select target.document_id, target.replaces_id,
         count(*) over (partition by target.document_id) as targets
  from target
), rival as (
  select counted.document_id, counted.replaces_id, counted.targets,
         count(*) over (partition by counted.replaces_id, counted.targets = 1) as correctors
  from counted
)
select corrector.document_id,
       max(rival.replaces_id) filter (where rival.targets = 1 and rival.correctors = 1) as replaces_id,
       case when corrector.reference_number is null then 'reference-missing'
            when max(rival.targets) is null         then 'pending-reference'
            when max(rival.targets) > 1             then 'reference-ambiguous'
            when max(rival.correctors) > 1          then 'corrected-twice' end as waits
from corrector
left join rival on rival.document_id = corrector.document_id
group by corrector.document_id, corrector.reference_number;

-- From here to the look at what is stored, all is joined with all: hashed, whatever the planner expects of a step.
set local enable_nestloop = off;

-- One row is one said row as part of a saying: unit_no is the line number, or '' where the document is compared as a
-- whole; body tells the sayings of a unit apart; nth counts equal rows of one body. A numbered row that repeats one of
-- the same number and content is a duplicate of it, whatever else is said.
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
                               case when content.numbered then content.line_no
                                    else content.file_id || '/' || content.row_no end
                  order by content.file_id, content.row_no)
), bodied as (
  select repeated.*,
         repeated.first_file_id <> repeated.file_id or repeated.first_row_no <> repeated.row_no as repeats,
         case when repeated.by_key then repeated.line_no else '' end          as unit_no,
         case when repeated.by_key then repeated.content
              when repeated.numbered then 'numbered'
              else repeated.file_id::text end                                 as body
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
         min((saying.file_id::bigint << 32) + saying.row_no) as came,
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
  join saying on saying.document_id = several.document_id and not saying.repeats and saying.unit_no = ''
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
  join sized as inside  on inside.document_id = shared.document_id and inside.body = shared.inside and inside.unit_no = ''
  join sized as outside on outside.document_id = shared.document_id and outside.body = shared.outside and outside.unit_no = ''
  where shared.rows = inside.rows
    and (outside.rows > inside.rows or outside.came < inside.came)
), held as (
  select distinct on (sized.document_id, sized.unit_no, sized.body)
         sized.document_id, sized.unit_no, sized.body, coalesce(holder.body, sized.body) as holder,
         coalesce(holder.put_aside, sized.put_aside)                                     as put_aside
  from sized
  left join contained       on contained.document_id = sized.document_id and sized.unit_no = ''
                           and contained.inside = sized.body
  left join sized as holder on holder.document_id = sized.document_id and holder.unit_no = ''
                           and holder.body = contained.outside
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
       case when settled_document.contradicts and settled_document.verdict is null or original.sayings > 1 then 'conflict'
            when settled_document.verdict = 'counts'  then null
            when settled_document.treatment = 2       then 'document-type-for-a-person'
            when settled_document.treatment = 3       then 'document-type-unknown'
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
