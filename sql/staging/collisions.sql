-- The only row says whether anything in the file could collide: a key twice in the file, or a known document.
-- Where nothing can, the file's rows are inserted as they are, without looking at what is stored.
select exists (
         select 1 from staged_document where not staged_document.is_new
       )
    or current_setting('lkp.numbered') = 'true' and exists (
         select 1
         from staged
         where staged.rule is null
         group by staged.number, staged.issue_date, staged.class, staged.seller, staged.line_number
         having count(*) > 1
       ) as collides;
