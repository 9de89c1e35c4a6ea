-- The calendar keeps itself (docs/decisions/0026): what was missed or cancelled, pauses, the round trip on the queue, alerts, and
-- what was pruned.

-- missed: not done in its time, and by its catch-up policy nothing does it by itself. cancelled: ended by a person.
-- late_by: how long after due_at the first attempt began, when it was later than the calendar's patience; null = in time.
-- cutoff: the last change that a repeated attempt sees, so that it computes what the first one began.
-- by_calendar: the calendar planned it, or took it over; the first cycle with such a row is the calendar's first.
-- asked: a person asked for it by name: no policy skips it, and it is not late.
-- seen_at: when the calendar first looked and it was due (its clock). What is missed is decided at that look, once.
alter table occurrence
  drop constraint occurrence_state_check,
  add constraint occurrence_state_check
    check (state in ('due', 'enqueued', 'running', 'done', 'failed', 'waiting', 'missed', 'cancelled')),
  add column late_by interval,
  add column cutoff bigint references change (no),
  add column by_calendar boolean not null default true,
  add column asked boolean not null default false,
  add column seen_at timestamptz;

-- Cycles of before that only people ran are not the calendar's.
update occurrence set by_calendar = false
where exists (select 1 from run where run.cycle = occurrence.cycle and run.occurrence_id is not null)
  and not exists (select 1 from run where run.cycle = occurrence.cycle and run.reason in ('scheduled', 'catch-up'));

alter table run
  drop constraint run_outcome_check,
  add constraint run_outcome_check check (outcome in ('done', 'asks', 'failed', 'cancelled')),
  add column late_by interval;

-- How late the refresh was that made it, in words: on the face of its reports, and in no hash. Null: in time, or asked for by a
-- person.
alter table snapshot add column late_by text default nullif(current_setting('lkp.late_by', true), '');

-- One row is one time in which the calendar sent nothing by itself. At most one is open.
create table pause (
  id            bigint      generated always as identity primary key,
  paused_at     timestamptz not null,
  paused_by     text        not null,
  reason        text        not null,
  resumed_at    timestamptz,
  resumed_by    text,
  resume_reason text
);
create unique index pause_open on pause ((true)) where resumed_at is null;

-- The one row is the newest heartbeat on the queue: sent by a scheduler, answered by a worker. Server's clock.
create table heartbeat (
  only_row    boolean     primary key default true check (only_row),
  sent_at     timestamptz not null,
  answered_at timestamptz,
  answered_by text
);

-- One row is one thing that a person is told once. `key` says what it is about (missed-deadline refresh 2020-05), so that
-- whoever looks raises it no second time. ended_at: when it was seen to be over.
create table alert (
  id        bigint      generated always as identity primary key,
  key       text        not null unique,
  kind      text        not null,
  job       text,
  cycle     text,
  raised_at timestamptz not null,
  says      text        not null,
  next_step text        not null,
  ended_at  timestamptz
);

-- One row is one alert on its way to one target.
create table alert_delivery (
  alert_id     bigint      not null references alert on delete cascade,
  target       text        not null,
  delivered_at timestamptz,
  attempts     int         not null default 0,
  -- not before; while somebody sends, until when he holds it
  next_at      timestamptz not null,
  last_error   text,
  primary key (alert_id, target)
);
create index alert_delivery_open on alert_delivery (next_at) where delivered_at is null;

-- Each look for alerts counts them; rejected rows, which nobody need correct, grow with history.
create index rejection_quarantined on rejection (file_id) where ended_no is null and held = 'quarantined';

-- One row is one thing that was deleted on purpose. kind: bytes (of the store, by sha256) or workbook (of a cycle).
create table pruned (
  id        bigint generated always as identity primary key,
  kind      text   not null check (kind in ('bytes', 'workbook')),
  sha256    text   not null,
  name      text   not null,
  cycle     text,
  change_no bigint not null references change
);
create index pruned_sha256 on pruned (sha256);

-- One row is the word of a person that the submission of a cycle was looked at in the public directory.
create table directory_confirmation (
  cycle     text   not null references directory_submission,
  change_no bigint not null references change,
  primary key (cycle, change_no)
);

-- One row is one entry of a submission that the directory does not show as it was submitted.
create table directory_reopened (
  cycle          text   not null,
  partner_mpn_id text   not null,
  country        text   not null,
  change_no      bigint not null references change,
  primary key (cycle, partner_mpn_id, country),
  foreign key (cycle, partner_mpn_id, country) references directory_entry
);

-- One row is one entry that the directory shows after the submission of a cycle, as far as is known: of those that were
-- reopened, changed and removed ones are as they were before, and the others are not shown.
create function directory_shown(after text)
returns table (partner_mpn_id text, country text, name text, url text) language sql stable as $$
  with recursive told as (
    select entry.cycle, entry.partner_mpn_id, entry.country, entry.name, entry.url, entry.action,
           reopened.cycle is not null as is_open
    from directory_entry as entry
    left join directory_reopened as reopened using (cycle, partner_mpn_id, country)
    where entry.cycle = directory_shown.after
    union all
    select before.cycle, before.partner_mpn_id, before.country, before.name, before.url, before.action,
           reopened.cycle is not null
    from told
    join directory_batch as batch on batch.cycle = told.cycle
    join directory_entry as before on before.cycle = batch.compared_with
                                  and before.partner_mpn_id = told.partner_mpn_id and before.country = told.country
    left join directory_reopened as reopened on reopened.cycle = before.cycle
                                  and reopened.partner_mpn_id = before.partner_mpn_id
                                  and reopened.country = before.country
    where told.is_open and told.action in ('changed', 'removed')
  )
  select told.partner_mpn_id, told.country, told.name, told.url
  from told
  where not told.is_open and told.action <> 'removed'
$$;
