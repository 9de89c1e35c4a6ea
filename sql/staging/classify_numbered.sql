-- One row of `classified` is one valid row of a file with line numbers, held against what is known:
-- `line` (new), `duplicate` (same key and content as a row known, or earlier in the file) or `conflict`
-- (same key, other content). Content = customer number, SKU, quantity, net amount, currency; never descriptions.
analyze staged;
analyze staged_document;

create unlogged table classified as
with candidate as (
  select staged.row_no, staged_document.id as document_id, staged.line_number as line_no,
         md5(row(staged.customer_number, staged.sku, trim_scale(staged.quantity), trim_scale(staged.net_amount),
                 staged.currency)::text) as content
  from staged
  join staged_document using (number, issue_date, class, seller)
  where staged.rule is null
), known as (
  select line.document_id, line.line_no, line.version, line.file_id, line.row_no, line.ended_no,
         md5(row(line.customer_number, line.sku, trim_scale(line.quantity), trim_scale(line.net_amount),
                 line.currency)::text) as content
  from staged_document
  join line on line.document_id = staged_document.id
  where not staged_document.is_new
), known_key as (
  select known.document_id, known.line_no, max(known.version) as last_version,
         bool_or(known.ended_no is null) as is_current
  from known
  group by known.document_id, known.line_no
), known_content as (
  -- joined below, not looked up row by row: that was quadratic in a file that repeats a known one
  select distinct on (known.document_id, known.line_no, known.content)
         known.document_id, known.line_no, known.content, known.file_id, known.row_no
  from known
  where known.ended_no is null
  order by known.document_id, known.line_no, known.content, known.version
), first_of_content as (
  select candidate.*,
         first_value(candidate.row_no) over same_content as first_row,
         row_number() over same_content                  as nth
  from candidate
  window same_content as (partition by candidate.document_id, candidate.line_no, candidate.content
                          order by candidate.row_no)
), contents as (
  select candidate.document_id, candidate.line_no, count(distinct candidate.content) as in_file
  from candidate
  group by candidate.document_id, candidate.line_no
), held as (
  select first_of_content.row_no, first_of_content.document_id, first_of_content.line_no,
         first_of_content.nth, first_of_content.first_row,
         same.file_id as known_file_id, same.row_no as known_row_no,
         known_key.last_version, coalesce(known_key.is_current, false) as known_current, contents.in_file
  from first_of_content
  join contents using (document_id, line_no)
  left join known_key using (document_id, line_no)
  left join known_content as same using (document_id, line_no, content)
)
select held.row_no, held.document_id, held.line_no,
       coalesce(held.last_version + 1, 0)
         + (row_number() over (partition by held.document_id, held.line_no, is_new_version order by held.row_no))::int - 1
         as version,
       case when held.known_row_no is not null or held.nth > 1 then 'duplicate'
            when held.known_current or held.in_file > 1        then 'conflict'
            else 'line' end                                   as becomes,
       case when held.known_row_no is not null then held.known_file_id end as of_file_id,
       coalesce(held.known_row_no, case when held.nth > 1 then held.first_row end) as of_row_no
from held
cross join lateral (select held.known_row_no is null and held.nth = 1 as is_new_version) as version_of;

analyze classified;
