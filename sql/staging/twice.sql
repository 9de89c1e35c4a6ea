-- A document that says the same line number twice is settled as a whole.
update staged_document
set settles = true
from (
  select staged.number, staged.issue_date, staged.class, staged.seller
  from staged
  where staged.rule is null
  group by staged.number, staged.issue_date, staged.class, staged.seller, staged.line_number
  having count(*) > 1
) as twice
where twice.number = staged_document.number
  and twice.issue_date = staged_document.issue_date
  and twice.class = staged_document.class
  and twice.seller = staged_document.seller;
