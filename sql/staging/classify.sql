-- One row of `classified` is one valid row of the file, held against what is known:
--   line       it is new
--   duplicate  it repeats a row that is known, or one earlier in the file
--   conflict   something else is said of the same invoice: all that is said waits for a person
-- Lines are compared by line number where both sides have them (staged_document.by_key). Else a document is atomic
-- per file and its content a multiset: equal to, or part of, a version that is known = duplicates; more than the only
-- version that is known = its extra rows are lines; anything else = conflict. Identical rows of one file are all real.
analyze staged;
analyze staged_document;

create unlogged table classified as
with candidate as (
  select staged.row_no, staged.line_number, staged_document.id as document_id, staged_document.by_key,
         staged_document.is_new,
         staged_document.mixed or coalesce(staged_document.treated_otherwise, false) as contradicts,
         line_content(staged.customer_number, staged.sku, staged.quantity, staged.net_amount, staged.currency,
                      staged.treatment) as content
  from staged
  join staged_document using (number, issue_date, class, seller)
  where staged.rule is null
), known as (
  -- the lines of a document with line numbers are one body whatever their version; without, each version is one
  select line.document_id, line.line_no, line.version, line.file_id, line.row_no, line.ended_no, document.numbered,
         case when document.numbered then 0 else line.version end as body,
         line_content(line.customer_number, line.sku, line.quantity, line.net_amount, line.currency,
                      document.treatment) as content
  from staged_document
  join document on document.id = staged_document.id
  join line on line.document_id = staged_document.id
  where not staged_document.is_new
),
-- by line number
known_key as (
  select known.document_id, known.line_no, max(known.version) as last_version, bool_or(known.ended_no is null) as is_current
  from known
  group by known.document_id, known.line_no
), known_content as (
  select distinct on (known.document_id, known.line_no, known.content)
         known.document_id, known.line_no, known.content, known.file_id, known.row_no
  from known
  where known.ended_no is null
  order by known.document_id, known.line_no, known.content, known.version
), keyed as (
  select candidate.*,
         first_value(candidate.row_no) over same_content as first_row,
         row_number() over same_content                  as nth
  from candidate
  where candidate.by_key
  window same_content as (partition by candidate.document_id, candidate.line_number, candidate.content
                          order by candidate.row_no)
), said as (
  select keyed.document_id, keyed.line_number, count(distinct keyed.content) as contents
  from keyed
  group by keyed.document_id, keyed.line_number
), by_key as (
  select keyed.row_no, keyed.document_id, keyed.line_number as line_no,
         coalesce(known_key.last_version + 1, 0)
           + (row_number() over (partition by keyed.document_id, keyed.line_number, adds.a_version
                                 order by keyed.row_no))::int - 1         as version,
         case when not adds.a_version                                     then 'duplicate'
              when known_key.is_current or said.contents > 1 or keyed.contradicts then 'conflict'
              else 'line' end                                             as becomes,
         same.file_id                                                     as of_file_id,
         coalesce(same.row_no, case when keyed.nth > 1 then keyed.first_row end) as of_row_no
  from keyed
  join said using (document_id, line_number)
  left join known_key on known_key.document_id = keyed.document_id and known_key.line_no = keyed.line_number
  left join known_content as same on same.document_id = keyed.document_id and same.line_no = keyed.line_number
                                 and same.content = keyed.content
  cross join lateral (select same.row_no is null and keyed.nth = 1 as a_version) as adds
),
-- as a multiset
counted_off as (
  select candidate.*,
         row_number() over (partition by candidate.document_id, candidate.content order by candidate.row_no) as nth,
         row_number() over (partition by candidate.document_id order by candidate.row_no)                    as place,
         count(*)     over (partition by candidate.document_id)                                              as in_file
  from candidate
  where not candidate.by_key
), known_off as (
  select known.*,
         row_number() over (partition by known.document_id, known.body, known.content
                            order by known.version, known.file_id, known.row_no) as nth
  from known
  where known.ended_no is null
), body as (
  select known_off.document_id, known_off.body, count(*) as lines,
         bool_or(waiting.row_no is not null)             as disputed,
         count(*) over (partition by known_off.document_id) as bodies
  from known_off
  left join quarantine as waiting on waiting.file_id = known_off.file_id and waiting.row_no = known_off.row_no
                                 and waiting.ended_no is null and waiting.rule = 'conflict'
  group by known_off.document_id, known_off.body
), matching as (
  select counted_off.document_id, known_off.body, count(*) as matches
  from counted_off
  join known_off using (document_id, content, nth)
  group by counted_off.document_id, known_off.body
), fitting as (
  -- what the document of the file is to each body that is known; the best one decides
  select distinct on (file_document.document_id)
         file_document.document_id, body.body,
         case when body.body is null                                       then 'new'
              when matching.matches = file_document.in_file                then 'repeats'
              when matching.matches = body.lines and body.bodies = 1
               and not body.disputed and not file_document.contradicts     then 'extends'
              else 'conflicts' end as fits
  from (select distinct counted_off.document_id, counted_off.in_file, counted_off.contradicts from counted_off) as file_document
  left join body     on body.document_id = file_document.document_id
  left join matching on matching.document_id = body.document_id and matching.body = body.body
  order by file_document.document_id, matching.matches = file_document.in_file desc nulls last, body.body
), last_place as (
  select known.document_id, max(known.version) as version,
         coalesce(max(substr(known.line_no, 2)::int) filter (where known.line_no ~ '^#\d+$'), 0) as place
  from known
  group by known.document_id
), as_multiset as (
  select counted_off.row_no, counted_off.document_id,
         '#' || case when fitting.fits = 'extends'
                     then last_place.place + count(*) filter (where same.row_no is null)
                            over (partition by counted_off.document_id order by counted_off.row_no)
                     else counted_off.place end                           as line_no,
         case when fitting.fits = 'extends' then fitting.body
              else coalesce(last_place.version + 1, 0) end                as version,
         case when fitting.fits = 'conflicts' or counted_off.contradicts and fitting.fits <> 'repeats' then 'conflict'
              when same.row_no is not null                                then 'duplicate'
              else 'line' end                                             as becomes,
         same.file_id                                                     as of_file_id,
         same.row_no                                                      as of_row_no
  from counted_off
  join fitting using (document_id)
  left join last_place using (document_id)
  left join known_off as same on fitting.fits in ('repeats', 'extends')
                             and same.document_id = counted_off.document_id and same.body = fitting.body
                             and same.content = counted_off.content and same.nth = counted_off.nth
)
select by_key.*, true as by_key from by_key
union all
select as_multiset.*, false from as_multiset;

analyze classified;
