-- One row of `classified` is one row that becomes a line; nothing in this file can collide.
create unlogged table classified as
select staged.row_no,
       staged_document.id as document_id,
       case when current_setting('lkp.numbered') = 'true' then staged.line_number
            else '#' || row_number() over (partition by staged_document.id order by staged.row_no) end as line_no,
       0                  as version,
       'line'             as becomes,
       null::int          as of_file_id,
       null::int          as of_row_no
from staged
join staged_document using (number, issue_date, class, seller)
where staged.rule is null;
