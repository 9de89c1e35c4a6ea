-- What is said again, corrected, decided or withdrawn (docs/decisions/0014).

-- false: the file has no line numbers; a document in it is compared as a whole.
alter table file add column numbered boolean not null default true;
-- the header's cells as they stand; null for files of before
alter table file add column header text[];
update file
set numbered = coalesce((select bool_and(document.numbered) from document where document.file_id = file.id), true)
where file.kind = 'invoices';

-- A duplicate keeps its document and content: the row that it repeats may be withdrawn, and it then takes its place.
alter table duplicate add column document_id bigint, add column line_no text, add column sku text,
                      add column quantity numeric, add column net_amount numeric;
update duplicate
set document_id = line.document_id, line_no = line.line_no, sku = line.sku, quantity = line.quantity,
    net_amount = line.net_amount
from line
where line.file_id = duplicate.of_file_id and line.row_no = duplicate.of_row_no;
alter table duplicate alter column document_id set not null, alter column line_no set not null,
                      alter column sku set not null, alter column quantity set not null,
                      alter column net_amount set not null,
                      drop constraint duplicate_pkey, add primary key (file_id, row_no, change_no);
create index duplicate_document on duplicate (document_id);

-- A rejected row that a corrected one replaced is rejected again when the correction is withdrawn.
alter table rejection drop constraint rejection_pkey, add primary key (file_id, row_no, change_no);

-- One row is one span during which a row was set aside: superseded by something, or rejected by a person.
-- rule: row-corrected (by another row, by_file_id and by_row_no), other-version-picked, refused-by-decision.
-- Rows of a withdrawn file are superseded by the file's own ended_no, and stand nowhere.
create table set_aside (
  file_id         int    not null references file,
  row_no          int    not null,
  held            text   not null check (held in ('superseded', 'rejected')),
  rule            text   not null,
  seen            text,
  by_file_id      int    references file,
  by_row_no       int,
  document_number text,
  customer_number text,
  issue_date      date,
  currency        text,
  amount          numeric,
  change_no       bigint not null references change,
  ended_no        bigint references change,
  primary key (file_id, row_no, change_no)
);
create index set_aside_by on set_aside (by_file_id) where by_file_id is not null;

-- One row is what a person decided. Without a file it is about the document: 'counts' although its type waits, or
-- 'rejected'. With one it is about what that file's row says of the document (all of the file's rows, where the document
-- is compared as a whole): 'superseded', because another version was picked. Who and why stand in its change.
create table decision (
  document_id bigint not null,
  file_id     int    references file,
  row_no      int,
  verdict     text   not null check (verdict in ('counts', 'rejected', 'superseded')),
  change_no   bigint not null references change,
  ended_no    bigint references change,
  check ((file_id is null) = (row_no is null)),
  unique nulls not distinct (document_id, file_id, row_no, change_no)
);

-- One row is one span during which a corrected invoice (384) replaced another invoice, from its own issue date on.
create table correction (
  document_id bigint not null,
  replaces_id bigint not null,
  change_no   bigint not null references change,
  ended_no    bigint references change,
  check (document_id <> replaces_id),
  primary key (document_id, change_no)
);
create unique index correction_one on correction (document_id) where ended_no is null;
create unique index correction_of_one on correction (replaces_id) where ended_no is null;
create index document_corrects on document (reference_number) where treatment = 4;

-- One row is one input row that says otherwise than its document what kind of document it is of. The document has the
-- header of the first row that stands; where the rows are treated differently, they are in conflict as a whole.
create table other_header (
  file_id          int      not null references file,
  row_no           int      not null,
  type_code        text     not null,
  unit_sign        smallint not null,
  treatment        smallint not null,
  reference_number text,
  primary key (file_id, row_no)
);

-- What a 384 takes back of earlier months is kept beside what its own lines add (sql/marts/months.sql).
alter table month_cell add column takes_back boolean not null default false;
alter table month_cell drop constraint month_cell_pkey,
  add primary key (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, takes_back);
alter table month_control add column takes_back boolean not null default false;
alter table month_control drop constraint month_control_pkey,
  add primary key (issue_month, kpi_month, disposition, currency, takes_back);

-- Where a row went is asked by its invoice number.
create index rejection_document on rejection (document_number) where document_number is not null;

-- What a number looks like to a tired eye: letters and digits that are taken for each other are one.
create function look_alike(value text) returns text language sql immutable parallel safe
return translate(upper(value), 'OQDILSZBG|', '0001152861');

-- The letters of a text in order: two numbers that differ by a transposition have the same.
create function letters_of(value text) returns text language sql immutable parallel safe
return (select string_agg(letter, '' order by letter collate "C") from regexp_split_to_table(value, '') as letter);

-- Whether one text becomes the other by exchanging two neighbouring characters.
create function is_transposed(one text, other text) returns boolean language sql immutable parallel safe
return length(one) = length(other) and one <> other and exists (
  select from generate_series(1, length(one) - 1) as at
  where overlay(one placing reverse(substr(one, at, 2)) from at for 2) = other);
