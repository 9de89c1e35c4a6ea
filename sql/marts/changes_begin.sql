-- Empty temporary tables for the two sides of a comparison, `before` and `after`, of one cycle: side_cell (one row is one
-- cell of one side), side_level (one enrolment and its level) and side_line (one line as one side knows it).
-- side_of_revision.sql or side_of_fresh.sql fills the figures, side_lines.sql the lines, line_changes.sql compares.
create temporary table side_cell (
  side            text    not null,
  partner_mpn_id  text    not null,
  location_mpn_id text    not null,
  kpi_month       date    not null,
  omlp_type       text    not null,
  kpi_class       text    not null,
  lines           int     not null,
  units           numeric not null,
  kpi_value       numeric not null,
  revenue         numeric not null
) on commit drop;

-- over_window: 'cycle', the window of the cycle, or 'renewal', the one before the anniversary
create temporary table side_level (
  side           text not null,
  over_window    text not null,
  partner_mpn_id text not null,
  competency     text not null,
  level          text not null
) on commit drop;

-- counts: it is in the KPI of the cycle. rule: why it waits or is not mapped. corrected_by: the 384 that is visible.
create temporary table side_line (
  side            text    not null,
  file_id         int     not null,
  row_no          int     not null,
  document_id     bigint  not null,
  number          text    not null,
  class           text    not null,
  issue_date      date    not null,
  customer_number text    not null,
  sku             text    not null,
  quantity        numeric not null,
  counts          boolean not null,
  disposition     text    not null,
  rule            text,
  corrected_by    text,
  location_mpn_id text,
  partner_mpn_id  text    not null,
  kpi_month       date    not null,
  omlp_type       text,
  kpi_class       text,
  weight          numeric,
  per_units       numeric,
  rate            numeric,
  units           numeric,
  kpi_value       numeric,
  revenue         numeric
) on commit drop;
