-- The ledger: what was learned (change), what is due (occurrence) and each attempt at it (run).

-- One row is one thing learned: a file ingested, a reference file loaded, a rule set put in force, a decision.
-- `no` is in commit order: next_change() takes it under the counter's row lock, which is held until commit.
create table change (
  no        bigint      primary key,
  known_at  timestamptz not null,
  kind      text        not null,
  sha256    text,
  actor     text        not null,
  reason    text
);
create index change_known_at on change (known_at);

create table change_counter (
  only_row boolean primary key default true check (only_row),
  no       bigint  not null
);
insert into change_counter (no) values (0);

-- Takes the next change number; call it as late in the transaction as the facts allow.
-- `lkp.now` is the application's clock, so that a simulation can pass its own; known_at never runs backwards.
create function next_change(kind text, sha256 text, actor text, reason text) returns bigint
language sql as $$
  with taken as (
    update change_counter set no = change_counter.no + 1 returning change_counter.no
  )
  insert into change (no, known_at, kind, sha256, actor, reason)
  select taken.no,
         greatest(current_setting('lkp.now')::timestamptz,
                  (select max(change.known_at) from change)),
         next_change.kind, next_change.sha256, next_change.actor, next_change.reason
  from taken
  returning change.no
$$;

-- One row is one thing that is due: a job of a cycle. (job, cycle) is unique, so that an edited schedule
-- never fires a finished cycle again.
create table occurrence (
  id          bigint      generated always as identity primary key,
  job         text        not null,
  cycle       text        not null check (cycle ~ '^\d{4}-(0[1-9]|1[0-2])$'),
  due_at      timestamptz not null,
  deadline    timestamptz,
  state       text        not null default 'due'
              check (state in ('due', 'enqueued', 'running', 'done', 'failed', 'waiting')),
  attempt     int         not null default 0,
  enqueued_at timestamptz,
  lease_until timestamptz,
  says        text,
  unique (job, cycle)
);
create index occurrence_open on occurrence (due_at) where state <> 'done';

-- One row is one attempt at an occurrence, or one manual command. Append-only but for its ending.
create table run (
  id            bigint      generated always as identity primary key,
  occurrence_id bigint      references occurrence,
  job           text        not null,
  cycle         text,
  attempt       int         not null default 1,
  reason        text        not null check (reason in ('scheduled', 'catch-up', 'backfill', 'manual')),
  actor         text        not null,
  started_at    timestamptz not null default now(),
  ended_at      timestamptz,
  outcome       text        check (outcome in ('done', 'asks', 'failed')),
  says          text,
  unique (occurrence_id, attempt)
);
create index run_cycle on run (cycle, id);
