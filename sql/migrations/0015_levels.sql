-- Levels on two windows: the cycle's (snapshot_level, snapshot_requirement) and that of the anniversary date
-- (snapshot_renewal, snapshot_renewal_requirement), and what is known of the cycles to come (snapshot_forecast).

-- A date in another year; 29 February recurs on the last day of February.
create function recurs(day date, in_year int) returns date language sql immutable parallel safe
return case when extract(month from day) = 2 and extract(day from day) = 29 then make_date(in_year, 3, 1) - 1
            else make_date(in_year, extract(month from day)::int, extract(day from day)::int) end;

-- The first yearly recurrence of an anniversary date whose 30 days of grace have not ended before the cycle's first
-- day, and that lies after the enrolment's own first day. src/calendar.ts says the same; a test compares the two.
create function anniversary_at_hand(anniversary_date date, cycle_start date, enrolled_from date)
returns date language sql immutable parallel safe
return case
  when recurs(anniversary_date, extract(year from greatest(cycle_start - 30, enrolled_from + 1))::int)
       >= greatest(cycle_start - 30, enrolled_from + 1)
  then recurs(anniversary_date, extract(year from greatest(cycle_start - 30, enrolled_from + 1))::int)
  else recurs(anniversary_date, extract(year from greatest(cycle_start - 30, enrolled_from + 1))::int + 1) end;

-- DOMAIN: the Action Pack hangs on the partner; every other option on a competency.
create function hangs_on_partner(learning_option text) returns boolean language sql immutable parallel safe
return option_key(learning_option) = 'action pack';

-- 1: what a revision says are cells, classes, levels and requirements. 2: renewals too.
alter table snapshot add column content_version int not null default 1;

-- not_offered: the levels up to the option that the competency does not offer, or that ask nothing in the country's
-- tier: they are not asked and cannot be reached. waiver: the source of the waiver that the outcome 'waived' rests on.
alter table snapshot_level add column tier text not null default '', add column not_offered text[] not null default '{}';
alter table snapshot_requirement add column waiver text not null default '';

-- One row is one enrolment and the level its figures reach over the renewal window of the anniversary at hand.
-- provisional: the window has not ended; then it is judged on the last day of the cycle's window. rule_set: the name of
-- the one that decides, '' where none is in force on that day.
create table snapshot_renewal (
  cycle            text    not null,
  revision         int     not null,
  partner_mpn_id   text    not null,
  learning_option  text    not null,
  competency       text    not null,
  anniversary_date date    not null,
  anniversary      date    not null,
  window_from      date    not null,
  window_to        date    not null,
  provisional      boolean not null,
  first_reminder   date    not null,
  second_reminder  date    not null,
  grace_end        date    not null,
  rule_set         text    not null,
  tier             text    not null,
  not_offered      text[]  not null,
  level            text    not null,
  primary key (cycle, revision, partner_mpn_id, competency),
  foreign key (cycle, revision) references snapshot
);

-- One row is one requirement of one enrolment over its renewal window.
create table snapshot_renewal_requirement (
  cycle          text    not null,
  revision       int     not null,
  partner_mpn_id text    not null,
  competency     text    not null,
  level_rank     int     not null,
  level          text    not null,
  position       int     not null,
  requirement    text    not null,
  measure        text    not null,
  category       text    not null,
  figure         numeric,
  threshold      numeric not null,
  outcome        text    not null check (outcome in ('met', 'not met', 'waived', 'no data')),
  source         text    not null,
  waiver         text    not null,
  sample         boolean not null,
  primary key (cycle, revision, partner_mpn_id, competency, level, position),
  foreign key (cycle, revision) references snapshot
);

-- One row is one partner's category in one cycle to come, from known invoices only; category '' = all of them. What it
-- was worth in the cycle before, less what left the window, plus what came into it, is what it is worth. counted: under
-- the caps. Rows that only say 0 are left out.
create table snapshot_forecast (
  cycle           text    not null,
  revision        int     not null,
  partner_mpn_id  text    not null,
  category        text    not null,
  -- the cycle to come, YYYY-MM
  ahead           text    not null,
  leaves_kpi      numeric not null,
  leaves_revenue  numeric not null,
  enters_kpi      numeric not null,
  enters_revenue  numeric not null,
  kpi_value       numeric not null,
  counted         numeric not null,
  units           numeric not null,
  revenue         numeric not null,
  primary key (cycle, revision, partner_mpn_id, category, ahead),
  foreign key (cycle, revision) references snapshot
);

create trigger final before update or delete or truncate on snapshot_renewal             execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_renewal_requirement execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_forecast            execute function refuse_change();
