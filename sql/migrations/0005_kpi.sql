-- KPIs: rule sets, monthly cells (a cache of the latest facts) and snapshots (frozen for good).

-- One row is one rule set put in force. Weights apply by a line's issue date; caps, requirements by the
-- window's last day.
create table rule_set (
  id         int    generated always as identity primary key,
  name       text   not null,
  sha256     text   not null,
  title      text   not null,
  basis      text   not null check (basis in ('published', 'sample')),
  valid_from date   not null,
  valid_to   date,
  body       text   not null,
  change_no  bigint not null references change,
  ended_no   bigint references change,
  check (valid_to > valid_from),
  exclude using gist (daterange(valid_from, valid_to) with &&) where (ended_no is null)
);

-- One row is one KPI class: what a purchase unit is worth and which category it adds to.
create table rule_weight (
  rule_set_id int     not null references rule_set,
  kpi_class   text    not null,
  category    text    not null,
  weight      numeric not null check (weight > 0),
  -- the most KPI of this class that counts in one window; null = no cap
  cap         numeric check (cap > 0),
  source      text    not null,
  sample      boolean not null,
  primary key (rule_set_id, kpi_class)
);

-- One row is one figure to reach for a level. level_rank 1 is the highest. competency '' = every competency
-- without a row of its own; category '' where the measure has none.
create table rule_requirement (
  rule_set_id     int     not null references rule_set,
  level_rank      int     not null,
  level           text    not null,
  learning_option text    not null,
  competency      text    not null,
  position        int     not null,
  requirement     text    not null,
  measure         text    not null
                  check (measure in ('kpi', 'revenue', 'mct', 'exam', 'survey-score', 'survey-count')),
  category        text    not null,
  threshold       numeric not null,
  source          text    not null,
  sample          boolean not null,
  primary key (rule_set_id, level, competency, position)
);

-- One row is one location x KPI month x OMLP type x KPI class of one issue month, as of the latest facts.
create table month_cell (
  issue_month     date    not null,
  kpi_month       date    not null,
  location_mpn_id text    not null,
  omlp_type       text    not null,
  kpi_class       text    not null,
  lines           int     not null,
  units           numeric not null,
  kpi_value       numeric not null,
  revenue         numeric not null,
  zero_lines      int     not null,
  no_rate_lines   int     not null,
  primary key (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class)
);

-- One row is the rows and money of one issue month under one disposition: what 'line' in file_total became.
create table month_control (
  issue_month date    not null,
  kpi_month   date    not null,
  disposition text    not null,
  currency    text    not null,
  rows        int     not null,
  amount      numeric not null,
  primary key (issue_month, kpi_month, disposition, currency)
);

-- The change up to which an issue month's cells are true, and the settings that they were computed with.
create table month_built (
  issue_month        date   primary key,
  built_no           bigint not null,
  reporting_currency text   not null,
  lookback           int    not null
);

-- One row is one revision of a cycle.
create table snapshot (
  cycle              text        not null,
  revision           int         not null,
  cutoff             bigint      not null references change,
  known_at           timestamptz not null,
  due_at             timestamptz not null,
  window_from        date        not null,
  window_to          date        not null,
  reporting_currency text        not null,
  -- how many days old an exchange rate may be
  lookback           int         not null,
  content_hash       text        not null,
  change_no          bigint      references change,
  reason             text,
  -- the order in which revisions were made: a report compares with what existed before it, now and later
  made_no            bigint      generated always as identity,
  primary key (cycle, revision)
);

create table snapshot_rule_set (
  cycle      text not null,
  revision   int  not null,
  name       text not null,
  title      text not null,
  sha256     text not null,
  basis      text not null,
  valid_from date not null,
  valid_to   date,
  primary key (cycle, revision, name),
  foreign key (cycle, revision) references snapshot
);

-- One row is a frozen cell. partner_mpn_id is the partner of the location on the window's last day, '' if none.
create table snapshot_cell (
  cycle           text    not null,
  revision        int     not null,
  partner_mpn_id  text    not null,
  location_mpn_id text    not null,
  kpi_month       date    not null,
  omlp_type       text    not null,
  kpi_class       text    not null,
  lines           int     not null,
  units           numeric not null,
  kpi_value       numeric not null,
  revenue         numeric not null,
  zero_lines      int     not null,
  no_rate_lines   int     not null,
  primary key (cycle, revision, location_mpn_id, kpi_month, omlp_type, kpi_class),
  foreign key (cycle, revision) references snapshot
);

-- One row is a partner's KPI of one class over the window: all of it, what counts under the cap, what is above. sample:
-- a weight or cap of the class in the window's rule sets is a sample.
create table snapshot_class (
  cycle          text    not null,
  revision       int     not null,
  partner_mpn_id text    not null,
  category       text    not null,
  kpi_class      text    not null,
  units          numeric not null,
  kpi_value      numeric not null,
  cap            numeric,
  counted        numeric not null,
  above_cap      numeric not null,
  revenue        numeric not null,
  sample         boolean not null,
  primary key (cycle, revision, partner_mpn_id, kpi_class),
  foreign key (cycle, revision) references snapshot
);

-- One row is one enrolment and the level its figures reach; '' = none.
create table snapshot_level (
  cycle            text not null,
  revision         int  not null,
  partner_mpn_id   text not null,
  learning_option  text not null,
  competency       text not null,
  anniversary_date date not null,
  level            text not null,
  primary key (cycle, revision, partner_mpn_id, competency),
  foreign key (cycle, revision) references snapshot
);

-- One row is one requirement of one enrolment: figure, threshold, outcome.
create table snapshot_requirement (
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
  sample         boolean not null,
  primary key (cycle, revision, partner_mpn_id, competency, level, position),
  foreign key (cycle, revision) references snapshot
);

-- Control totals: every row known at the cut-off, under one of the ten dispositions. currency '' = unreadable.
create table snapshot_control (
  cycle       text    not null,
  revision    int     not null,
  disposition text    not null,
  currency    text    not null,
  rows        int     not null,
  amount      numeric not null,
  primary key (cycle, revision, disposition, currency),
  foreign key (cycle, revision) references snapshot
);

-- A final revision never changes: a correction is the next revision.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'A final revision never changes: % of % is refused. Write the next revision with lkp refresh --restate.',
    lower(tg_op), tg_table_name;
end
$$;
create trigger final before update or delete or truncate on snapshot             execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_rule_set    execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_cell        execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_class       execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_level       execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_requirement execute function refuse_change();
create trigger final before update or delete or truncate on snapshot_control     execute function refuse_change();

-- What a Learning option is compared by: 'Learning Action Pack', as the program's pages write it, is 'Action Pack'.
create function option_key(value text) returns text language sql immutable parallel safe
return regexp_replace(lower(value), '^learning\s+', '');
