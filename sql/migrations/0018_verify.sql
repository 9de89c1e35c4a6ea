-- What a final cycle is verified from beside the bytes in the store (docs/decisions/0024): what was asked of each change, the
-- chain of the ledger, import profiles, workbooks as written, and the settings that a revision was made with.

-- asked: what a change was told beyond kind, sha256 and reason (a decision: the invoice's number and the file meant), so
-- that it can be done again. Null where nothing more was told, and of changes of before.
-- chain: sha256 over the row and the chain of the row before it. A row that is altered, or gone, no longer fits.
alter table change add column asked jsonb, add column chain text;

create function change_chain(before text, given change) returns text language sql stable
return encode(sha256(convert_to(jsonb_build_array(
  before, given.no, extract(epoch from given.known_at), given.kind, given.sha256, given.actor, given.reason, given.asked
)::text, 'UTF8')), 'hex');

-- The counter holds the last row's place: who waited for its lock reads the row as it is now, and no older one.
alter table change_counter add column known_at timestamptz, add column chain text not null default '';

do $$
declare
  found change;
  last text := '';
begin
  for found in select * from change order by no loop
    last := change_chain(last, found);
    update change set chain = last where no = found.no;
  end loop;
  update change_counter set chain = last, known_at = (select max(known_at) from change);
end
$$;

-- Takes the next change number; call it as late in the transaction as the facts allow. `lkp.now` is the application's clock,
-- so that a simulation can pass its own; known_at never runs backwards.
drop function next_change(text, text, text, text);
create function next_change(kind text, sha256 text, actor text, reason text, asked jsonb default null) returns bigint
language sql as $$
  with taken as (
    update change_counter
    set no       = change_counter.no + 1,
        known_at = greatest(current_setting('lkp.now')::timestamptz, change_counter.known_at),
        chain    = change_chain(change_counter.chain, row(
                     change_counter.no + 1, greatest(current_setting('lkp.now')::timestamptz, change_counter.known_at),
                     next_change.kind, next_change.sha256, next_change.actor, next_change.reason, next_change.asked,
                     null)::change)
    returning change_counter.no, change_counter.known_at, change_counter.chain
  )
  insert into change (no, known_at, kind, sha256, actor, reason, asked, chain)
  select taken.no, taken.known_at, next_change.kind, next_change.sha256, next_change.actor, next_change.reason,
         next_change.asked, taken.chain
  from taken
  returning change.no
$$;

-- One row is one import profile under which a file was ever taken in, as it was written. sha256 is file.profile_hash.
create table import_profile (
  sha256 text primary key,
  name   text not null,
  body   text not null
);

-- One row is one workbook of a revision as it was last written: its bytes. build says by which code, because equal bytes are
-- promised for one build (src/build.ts).
create table report_file (
  cycle    text   not null,
  revision int    not null,
  name     text   not null,
  sha256   text   not null,
  bytes    bigint not null,
  build    text   not null,
  primary key (cycle, revision, name),
  foreign key (cycle, revision) references snapshot
);

alter table directory_file add column build text;

-- The time zone that due_at was computed in, and the build that made the revision; null of revisions of before.
alter table snapshot
  add column time_zone text default nullif(current_setting('lkp.time_zone', true), ''),
  add column build     text default nullif(current_setting('lkp.build', true), '');
