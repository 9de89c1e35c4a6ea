-- The only row says whether the file touches a document that is known, or holds one that contradicts itself. Where it
-- does neither, its rows are stored as they are, without looking at what is known; a key twice in the file then shows
-- by itself (store_plain.sql).
select exists (select 1 from staged_document where not staged_document.is_new or staged_document.mixed) as collides;
