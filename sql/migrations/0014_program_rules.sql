-- Rule sets carry the program's history: what goes by the issue date and what by the program year, units, tiers, offers,
-- waivers, and the policies for $0 lines, credits and exchange rates.

-- valid_from, valid_to: by a line's issue date (weights, units, the $0 rule, credits, exchange rates).
-- year_from, year_to: by a window's last day (caps, levels, tiers, competencies, waivers). Both half-open.
alter table rule_set add column year_from date, add column year_to date,
  -- what a $0 line counts: its units, or nothing
  add column zero_amount  text not null default 'units' check (zero_amount in ('units', 'nothing')),
  -- the KPI month of a credit: its own, or that of the invoice that it refers to
  add column credit_month text not null default 'own' check (credit_month in ('own', 'original')),
  -- the day of the exchange rate: the issue date, or the last day of its month
  add column rate_day     text not null default 'issue-date' check (rate_day in ('issue-date', 'month-end'));
update rule_set set year_from = valid_from, year_to = valid_to;
alter table rule_set alter column year_from set not null,
  add check (year_to > year_from),
  add exclude using gist (daterange(year_from, year_to) with &&) where (ended_no is null);

-- So many purchase units earn `weight` KPI.
alter table rule_weight add column per_units numeric not null default 1 check (per_units > 0);

-- tier '' = every country whose tier has no row of its own.
alter table rule_requirement add column tier text not null default '',
  drop constraint rule_requirement_pkey, add primary key (rule_set_id, level, competency, tier, position),
  drop constraint rule_requirement_measure_check,
  add constraint rule_requirement_measure_check
    check (measure in ('kpi', 'units', 'revenue', 'mct', 'exam', 'survey-score', 'survey-count'));

-- One row is one country and its tier. A country without a row is in tier ''.
create table rule_tier (
  rule_set_id int     not null references rule_set,
  tier        text    not null check (tier <> ''),
  country     text    not null references country,
  source      text    not null,
  sample      boolean not null,
  primary key (rule_set_id, country)
);

-- One row is one level that one competency offers. A rule set without rows: every competency offers every level.
create table rule_competency (
  rule_set_id int     not null references rule_set,
  competency  text    not null check (competency <> ''),
  level       text    not null,
  source      text    not null,
  sample      boolean not null,
  primary key (rule_set_id, competency, level)
);

-- One row is one waiver: the anniversary dates in [anniversary_from, anniversary_to) need not meet the measures (none
-- named: all), except in the competencies named.
create table rule_waiver (
  rule_set_id         int     not null references rule_set,
  position            int     not null,
  anniversary_from    date    not null,
  anniversary_to      date    not null check (anniversary_to > anniversary_from),
  measures            text[]  not null,
  except_competencies text[]  not null,
  source              text    not null,
  sample              boolean not null,
  primary key (rule_set_id, position)
);

-- Credits that count in the month of the invoice that they refer to are looked for by their dates.
create index document_credit on document (issue_date) where class = 'credit note';

-- 'own-month': a person lets a credit count in its own month although the invoice that it refers to is not known.
alter table decision drop constraint decision_verdict_check,
  add constraint decision_verdict_check
    check (verdict in ('counts', 'rejected', 'superseded', 'totals', 'own-month'));
