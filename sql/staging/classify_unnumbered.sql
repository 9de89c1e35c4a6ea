-- One row of `classified` is one valid row of a file without line numbers. A document is atomic per file and its
-- content a multiset: equal or a subset of what is known = duplicates; a superset = its extra rows are new lines;
-- anything else = conflict of the whole document. Identical lines of one file are all real.
analyze staged;
analyze staged_document;

create unlogged table classified as
with candidate as (
  select staged.row_no, staged_document.id as document_id, staged_document.is_new,
         md5(row(staged.customer_number, staged.sku, trim_scale(staged.quantity), trim_scale(staged.net_amount),
                 staged.currency)::text) as content
  from staged
  join staged_document using (number, issue_date, class, seller)
  where staged.rule is null
), counted_off as (
  select candidate.*,
         row_number() over (partition by candidate.document_id, candidate.content order by candidate.row_no) as nth,
         row_number() over (partition by candidate.document_id order by candidate.row_no)                    as place
  from candidate
), known as (
  select line.document_id, line.file_id, line.row_no, line.version, line.line_no, line.content,
         row_number() over (partition by line.document_id, line.content order by line.version, line.file_id, line.row_no) as nth
  from (
    select line.*, md5(row(line.customer_number, line.sku, trim_scale(line.quantity), trim_scale(line.net_amount),
                           line.currency)::text) as content
    from staged_document
    join line on line.document_id = staged_document.id
    where not staged_document.is_new
      and line.ended_no is null
      and line.version = 0
  ) as line
), known_document as (
  select staged_document.id as document_id,
         count(line.line_no) filter (where line.ended_no is null and line.version = 0) as lines,
         coalesce(max(line.version), 0)                       as last_version,
         coalesce(max(substr(line.line_no, 2)::int) filter (where line.line_no ~ '^#\d+$'), 0) as last_place
  from staged_document
  left join line on line.document_id = staged_document.id
  where not staged_document.is_new
  group by staged_document.id
), matched as (
  select counted_off.row_no, counted_off.document_id, counted_off.is_new, counted_off.place,
         known.file_id as known_file_id, known.row_no as known_row_no,
         known_document.last_version, known_document.last_place, known_document.lines as known_lines,
         count(known.row_no) over (partition by counted_off.document_id)  as matching,
         count(*)            over (partition by counted_off.document_id)  as in_file,
         count(*) filter (where known.row_no is null)
                             over (partition by counted_off.document_id order by counted_off.row_no) as nth_extra
  from counted_off
  left join known on known.document_id = counted_off.document_id
                 and known.content = counted_off.content
                 and known.nth = counted_off.nth
  left join known_document on known_document.document_id = counted_off.document_id
)
select matched.row_no, matched.document_id,
       case when matched.is_new then '#' || matched.place
            when matched.matching = matched.known_lines then '#' || (matched.last_place + matched.nth_extra)
            else '#' || matched.place end                         as line_no,
       case when matched.is_new or matched.matching = matched.known_lines then 0
            else matched.last_version + 1 end                     as version,
       case when matched.is_new                                   then 'line'
            when matched.matching = matched.in_file               then 'duplicate'
            when matched.matching = matched.known_lines
             and matched.known_row_no is not null                 then 'duplicate'
            when matched.matching = matched.known_lines           then 'line'
            else 'conflict' end                                   as becomes,
       case when matched.is_new or matched.matching < least(matched.in_file, matched.known_lines) then null
            else matched.known_file_id end                        as of_file_id,
       case when matched.is_new or matched.matching < least(matched.in_file, matched.known_lines) then null
            else matched.known_row_no end                         as of_row_no
from matched;

analyze classified;
