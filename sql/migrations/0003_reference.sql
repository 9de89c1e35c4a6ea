-- Reference data. Every table is bitemporal: valid [valid_from, valid_to) as the file says, known
-- [change_no, ended_no) by us. No two current rows of one key overlap in validity.
create extension if not exists btree_gist;

-- One row is one file of bytes that we took in: invoices or one kind of reference data.
create table file (
  id            int         generated always as identity primary key,
  sha256        text        not null,
  kind          text        not null,
  name          text        not null,
  bytes         bigint      not null,
  format        text        not null,
  profile       text        not null,
  profile_hash  text        not null,
  source        text        not null default '',
  -- physical rows = preamble + header + blank + lines_in
  physical_rows int         not null,
  blank_rows    int         not null,
  preamble_rows int         not null,
  lines_in      int         not null,
  change_no     bigint      not null references change,
  ended_no      bigint      references change
);
create unique index file_known_once on file (sha256, kind) where ended_no is null;

-- One row is one total of a file as read from its bytes, before the database saw them (the left side of
-- conservation). currency is null for rows whose amount or currency could not be read.
create table file_amount_in (
  file_id  int     not null references file,
  currency text,
  rows     int     not null,
  amount   numeric,
  unique nulls not distinct (file_id, currency)
);

-- One row is one input row that was not taken: rule, what was seen, and its cells as they came.
create table rejection (
  file_id         int    not null references file,
  row_no          int    not null,
  rule            text   not null,
  seen            text,
  cells           text[] not null,
  document_number text,
  customer_number text,
  issue_date      date,
  currency        text,
  amount          numeric,
  change_no       bigint not null references change,
  ended_no        bigint references change,
  primary key (file_id, row_no)
);
create index rejection_customer on rejection (customer_number) where customer_number is not null;

create table partner (
  mpn_id      text   not null,
  name        text   not null,
  country     text   not null references country (code),
  file_id     int    not null references file,
  row_no      int    not null,
  valid_from  date   not null,
  valid_to    date,
  change_no   bigint not null references change,
  ended_no    bigint references change,
  check (valid_to > valid_from),
  exclude using gist (mpn_id with =, daterange(valid_from, valid_to) with &&) where (ended_no is null)
);

-- A location (a site with its own MPN ID) belongs to one partner at a time; a merge moves it.
create table location (
  location_mpn_id text   not null,
  partner_mpn_id  text   not null,
  name            text,
  country         text   not null references country (code),
  file_id         int    not null references file,
  row_no          int    not null,
  valid_from      date   not null,
  valid_to        date,
  change_no       bigint not null references change,
  ended_no        bigint references change,
  check (valid_to > valid_from),
  exclude using gist (location_mpn_id with =, daterange(valid_from, valid_to) with &&) where (ended_no is null)
);
create index location_partner on location (partner_mpn_id);

-- The marketplace's own key on invoices, and the location it stands for.
create table customer (
  source          text   not null,
  customer_number text   not null,
  location_mpn_id text   not null,
  file_id         int    not null references file,
  row_no          int    not null,
  valid_from      date   not null,
  valid_to        date,
  change_no       bigint not null references change,
  ended_no        bigint references change,
  check (valid_to > valid_from),
  exclude using gist (source with =, customer_number with =, daterange(valid_from, valid_to) with &&)
    where (ended_no is null)
);
create index customer_location on customer (location_mpn_id);

-- A partner's enrolment in a Learning option; competency is '' for the Action Pack.
create table enrolment (
  partner_mpn_id   text   not null,
  learning_option  text   not null,
  competency       text   not null,
  anniversary_date date   not null,
  file_id          int    not null references file,
  row_no           int    not null,
  valid_from       date   not null,
  valid_to         date,
  change_no        bigint not null references change,
  ended_no         bigint references change,
  check (valid_to > valid_from),
  exclude using gist (partner_mpn_id with =, competency with =, daterange(valid_from, valid_to) with &&)
    where (ended_no is null)
);

-- A figure other than KPI: measure is mct, exam or survey-score; competency is '' where it holds for the partner.
create table attainment (
  partner_mpn_id text    not null,
  competency     text    not null,
  measure        text    not null check (measure in ('mct', 'exam', 'survey-score', 'survey-count')),
  value          numeric not null,
  file_id        int     not null references file,
  row_no         int     not null,
  valid_from     date    not null,
  valid_to       date,
  change_no      bigint  not null references change,
  ended_no       bigint  references change,
  check (valid_to > valid_from),
  exclude using gist (partner_mpn_id with =, competency with =, measure with =,
                      daterange(valid_from, valid_to) with &&) where (ended_no is null)
);

-- kpi_class is '' for a product that is known and earns no KPI.
create table product (
  sku           text    not null,
  name          text,
  omlp_type     text    not null,
  kpi_class     text    not null,
  units_per_sku numeric not null check (units_per_sku > 0),
  file_id       int     not null references file,
  row_no        int     not null,
  valid_from    date    not null,
  valid_to      date,
  change_no     bigint  not null references change,
  ended_no      bigint  references change,
  check (valid_to > valid_from),
  exclude using gist (sku with =, daterange(valid_from, valid_to) with &&) where (ended_no is null)
);

-- Units of `currency` for one euro on `rate_date`. A manual rate wins over the ECB's of the same day.
create table rate (
  currency  text    not null,
  rate_date date    not null,
  origin    text    not null check (origin in ('ecb', 'manual')),
  per_euro  numeric not null check (per_euro > 0),
  file_id   int     not null references file,
  row_no    int     not null,
  change_no bigint  not null references change,
  ended_no  bigint  references change
);
create unique index rate_current on rate (currency, rate_date, origin) where ended_no is null;

-- What a partner asked to be shown in the public directory.
create table listing (
  partner_mpn_id text   not null,
  country        text   not null references country (code),
  name           text   not null,
  url            text   not null,
  requested_on   date   not null,
  file_id        int    not null references file,
  row_no         int    not null,
  valid_from     date   not null,
  valid_to       date,
  change_no      bigint not null references change,
  ended_no       bigint references change,
  check (valid_to > valid_from),
  exclude using gist (partner_mpn_id with =, country with =, daterange(valid_from, valid_to) with &&)
    where (ended_no is null)
);
