-- What each source brings, month by month: the completeness gate before a scheduled refresh reads it.

-- One row is one source (purchase channel and seller) and issue month with lines that stand or wait for a person. A
-- cache, counted again for the months that a change touched (sql/marts/source_months.sql).
create table source_month (
  issue_month date not null,
  source      text not null,
  seller      text not null,
  lines       int  not null,
  primary key (issue_month, source, seller)
);

-- The last change that touched an issue month when its lines were counted.
create table source_month_built (
  issue_month date   primary key,
  built_no    bigint not null
);

-- One row is one gap that a person waved through for a cycle: this source brought so few lines, and that is right or
-- must do. Fewer still is a gap again. source and seller are '' where nothing at all came. Who and why stand in its
-- change.
create table accepted_gap (
  cycle     text    not null,
  source    text    not null,
  seller    text    not null,
  lines     int     not null,
  usual     numeric not null,
  change_no bigint  not null references change,
  primary key (cycle, source, seller, change_no)
);

-- `lkp verify` goes through all files by their bytes, withdrawn ones too.
create index file_sha256 on file (sha256 collate "C");
