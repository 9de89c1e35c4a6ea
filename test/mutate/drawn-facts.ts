/*
 * Facts that nobody would bring together: for each thing that a query asks of a row, one row that just fits and one that just
 * does not. Put there by hand, as no file could bring so many of them in a second. A row's place among the values is drawn
 * from its number, so that it is the same in each run. What is asked: cycle 2020-05, known from change 10 to change 20.
 */

/** What the looks at these facts are told. */
export const DRAWN = {
  cycle: '2020-05',
  window_from: '2019-05-01',
  window_to: '2020-04-30',
  cycle_start: '2020-05-01',
  cutoff: 20,
  since_no: 10,
  until_no: 20,
  every_month: '',
  reporting_currency: 'EUR',
  lookback: 10,
} as const;

const GROUND = `
  create function pick(salt text, of int) returns int language sql immutable parallel safe
  return ('x' || left(md5(salt), 7))::bit(28)::int % of;

  insert into change (no, known_at, kind, actor, reason)
  select no, timestamptz '2020-05-01 00:00Z' + no * interval '1 minute',
         (array['ingest', 'load', 'withdraw', 'release', 'refuse', 'reopen'])[1 + no % 6], 'somebody', 'why ' || no
  from generate_series(3, 60) as no;

  insert into file (id, sha256, kind, name, bytes, format, profile, profile_hash, source, physical_rows, blank_rows,
                    preamble_rows, lines_in, change_no, ended_no) overriding system value
  select id, lpad(to_hex(id * 977), 64, '0'), case when id = 9 then 'customers' else 'invoices' end, 'file-' || id % 7 || '.csv', 1, 'csv', 'p', 'p',
         case when id % 3 = 0 then 'certification-provider' else 'marketplace' end, 1, 0, 0, 1, 3,
         case id when 7 then 15 when 8 then 30 end
  from generate_series(1, 10) as id;

  -- known and valid, and just not
  create table grid as
  select row_number() over (order by change_no, ended_no, valid_from, valid_to)::int as n, *
  from (values (10), (11), (20), (21)) as learned (change_no)
  cross join (values (null), (11), (20), (21)) as ended (ended_no)
  cross join (values (date '2015-01-01', date '2020-04-30'), ('2015-01-01', '2020-05-01'), ('2015-01-01', null),
                     ('2020-04-30', '2020-05-01'), ('2020-04-30', null), ('2020-05-01', null)) as valid (valid_from, valid_to)
  where ended_no is null or ended_no > change_no;

  insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select 'L' || n, 'P' || n % 7, 'DE', 1, n, valid_from, valid_to, change_no, ended_no from grid
  union all
  -- most who ended are followed by the same one with the same partner, or with another
  select 'L' || n, 'P' || n * 3 % 7, 'DE', 1, n, valid_from, valid_to, ended_no, null::int from grid where ended_no is not null and n % 5 > 0
  union all
  select 'W' || n, 'W' || n, 'DE', 1, n, date '2015-01-01', null, 3, null from generate_series(1, 40) as n;

  insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, change_no)
  select source, 'C' || n, 'L' || n, 1, n, date '2015-01-01', 3
  from grid cross join unnest(array['marketplace', 'certification-provider']) as source
  where source = 'marketplace' or n % 3 = 0;`;

const RULES = `
  delete from rule_waiver; delete from rule_competency; delete from rule_tier; delete from rule_requirement;
  delete from rule_weight; delete from rule_set;

  insert into rule_set (id, name, sha256, title, basis, valid_from, valid_to, body, change_no, ended_no, year_from, year_to,
                        zero_amount, credit_month, rate_day) overriding system value
  values
    (18, 'long ago',      's18', 't', 'sample',    '1999-01-01', '2019-04-01', '', 3,  null, '1992-01-01', '1993-01-01', 'units',   'own',      'issue-date'),
    (11, 'ends later',    's11', 't', 'published', '2019-04-01', '2019-09-01', '', 3,  21,   '2000-01-01', '2019-09-01', 'nothing', 'own',      'issue-date'),
    (12, 'comes later',   's12', 't', 'sample',    '2019-04-01', '2019-09-01', '', 21, null, '2000-01-01', '2019-09-01', 'units',   'original', 'month-end'),
    (15, 'ended',         's15', 't', 'sample',    '2019-09-01', '2020-03-01', '', 3,  20,   '2019-09-01', '2020-04-30', 'units',   'own',      'month-end'),
    (13, 'came just now', 's13', 't', 'sample',    '2019-09-01', '2020-03-01', '', 20, null, '2019-09-01', '2020-04-30', 'units',   'original', 'month-end'),
    (14, 'decides',       's14', 't', 'sample',    '2020-03-01', '2020-04-30', '', 5,  null, '2020-04-30', null,         'nothing', 'original', 'issue-date'),
    (16, 'the last day',  's16', 't', 'sample',    '2020-04-30', '2020-05-01', '', 5,  null, '1990-01-01', '1991-01-01', 'units',   'own',      'month-end'),
    (17, 'a day later',   's17', 't', 'sample',    '2020-05-01', null,         '', 5,  null, '1991-01-01', '1992-01-01', 'units',   'own',      'issue-date');

  insert into rule_weight (rule_set_id, kpi_class, category, weight, per_units, cap, source, sample)
  select id, class, case class when 'a' then 'courseware' when 'b' then 'courseware' when 'c' then 'exam' else '' end,
         1 + pick(id || class, 3), 1 + pick(id || class || 'per', 2) * 2, case when class <> 'c' then 4 + pick(id || class || 'cap', 9) end,
         'source', id = 13 and class = 'a' or id = 11 and class = 'b' or id = 18 and class = 'c' or id in (16, 17) and class = 'd'
  from (select id from rule_set) as rules cross join unnest(array['a', 'b', 'c', 'd']) as class
  where pick(id || class || 'is', 6) > 0 or id = 16;

  insert into rule_tier (rule_set_id, tier, country, source, sample)
  select id, tier, country, 'source', false
  from rule_set cross join (values ('T1', 'KE'), ('T1', 'VN'), ('T2', 'LK')) as listed (tier, country)
  where pick(id || country, 5) > 0;

  insert into rule_requirement (rule_set_id, level_rank, level, learning_option, competency, tier, position, requirement, measure,
                                category, threshold, source, sample)
  select id, level_rank, level, level, competency, tier, position,
         format('%s of %s %s %s', measure, level, competency, tier), measure, category, threshold, 'source ' || position, pick(id || level || position, 2) = 1
  from rule_set
  cross join (values (1, 'Gold'), (2, 'Silver'), (3, 'Action Pack')) as levels (level_rank, level)
  cross join unnest(array['', 'Data', 'App']) as competency
  cross join unnest(array['', 'T1', 'T2']) as tier
  cross join (values (1, 'kpi', '', 5), (2, 'kpi', 'courseware', 3), (3, 'kpi', 'exam', 3), (4, 'units', '', 6), (5, 'revenue', '', 40), (6, 'mct', '', 2),
                     (7, 'exam', '', 3)) as asked (position, measure, category, threshold)
  where (competency = '' and tier = '' or pick(id || level || competency || tier, 3) > 0)
    and pick(id || level || competency || tier || position, 3) > 0
    and not (id = 13 and level = 'Gold' and competency = '');

  insert into rule_competency (rule_set_id, competency, level, source, sample)
  select id, competency, level, 'source', false
  from rule_set cross join unnest(array['Data', 'App', 'Other']) as competency cross join unnest(array['Gold', 'Silver']) as level
  where id = 14 and (competency, level) in (('Data', 'Silver'), ('App', 'Gold')) or id = 11 and pick(id || competency || level, 3) > 0;
  -- a level that only a set of before knew
  insert into rule_requirement (rule_set_id, level_rank, level, learning_option, competency, tier, position, requirement, measure, category, threshold, source, sample)
  values (18, 0, 'Platinum', 'Platinum', '', '', 1, 'all of it', 'kpi', '', 1, 'source', false);

  insert into rule_waiver (rule_set_id, position, anniversary_from, anniversary_to, measures, except_competencies, source, sample)
  select id, position, waived_from, waived_to, measures, except_competencies, 'waiver ' || position, position = 2
  from rule_set
  cross join (values (1, date '2020-05-10', date '2020-06-01', '{}'::text[], '{App}'::text[]), (2, '2020-06-01', '2020-08-01', '{kpi,mct}', '{}'),
                     (3, '2020-09-15', '2020-09-16', '{}', '{Other}')) as waivers (position, waived_from, waived_to, measures, except_competencies)
  where id <> 15;`;

const PARTNERS = `
  -- E: enrolments on the grid. F: countries. A: attainments. W: everything else.
  insert into partner (mpn_id, name, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select 'F' || n, 'Partner F' || n, case n % 2 when 0 then 'KE' else 'LK' end, 1, n, valid_from, valid_to, change_no, ended_no from grid
  union all
  select 'W' || n, 'Partner W' || n, (array['DE', 'KE', 'VN', 'LK'])[1 + pick('w' || n, 4)], 1, n, date '2015-01-01', null::date, 3, null::int
  from generate_series(1, 40) as n
  union all
  -- known under several names
  select 'N' || n, 'Partner N' || n || ' ' || name, country, 1, n, valid_from, valid_to, 3, null::int
  from generate_series(1, 4) as n
  join (values (1, 'old', 'DE', date '2015-01-01', date '2019-01-01'), (1, 'now', 'AT', '2019-01-01', null), (2, 'older', 'DE', '2015-01-01', '2016-01-01'),
               (2, 'gone', 'AT', '2016-01-01', '2020-04-30'), (3, 'to come', 'DE', '2020-05-01', '2021-01-01'), (3, 'later', 'AT', '2021-01-01', null),
               (4, 'gone', 'DE', '2015-01-01', '2020-04-30'), (4, 'last day', 'AT', '2020-04-30', '2020-05-01'), (4, 'to come', 'FR', '2020-05-01', null)) as names (of, name, country, valid_from, valid_to) on of = n;

  insert into enrolment (partner_mpn_id, learning_option, competency, anniversary_date, file_id, row_no, valid_from, valid_to,
                         change_no, ended_no)
  select 'E' || n, 'Gold', 'Data', date '2019-05-20', 1, n, valid_from, valid_to, change_no, ended_no from grid
  union all
  select who || n, 'Silver', case who when 'F' then '' else 'Data' end, '2018-07-01', 1, n, date '2015-01-01', null::date, 3, null::int
  from grid cross join unnest(array['F', 'A']) as who
  union all
  select 'W' || n, (array['Gold', 'Silver', 'Learning Silver', 'Action Pack', 'Learning Action Pack', 'Bronze'])[1 + pick('o' || n || competency, 6)],
         competency, (array['2018-04-01', '2019-04-15', '2019-05-10', '2019-05-09', '2016-02-29', '2019-06-01', '2019-08-01', '2019-09-15', '2019-09-16', '2019-10-01', '2020-01-01']::date[])
           [1 + pick('d' || n || competency, 11)],
         1, n, (array['2015-01-01', '2019-12-15', '2020-03-20']::date[])[1 + pick('f' || n || competency, 3)], null, 3, null
  from generate_series(1, 40) as n cross join unnest(array['', 'Data', 'App', 'Other']) as competency
  where pick('c' || n || competency, 2) = 1;

  insert into attainment (partner_mpn_id, competency, measure, value, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select 'A' || n, '', 'mct', (1 + n % 4)::numeric, 1, n, valid_from, valid_to, change_no, ended_no from grid
  union all
  select 'W' || n, competency, measure, pick('v' || n || competency || measure, 6), 1, n, date '2015-01-01', null::date, 3, null::int
  from generate_series(1, 40) as n cross join unnest(array['', 'Data', 'App']) as competency cross join unnest(array['mct', 'exam']) as measure
  where pick('a' || n || competency || measure, 3) = 1;

  -- cells of a partner each, on both sides of every border; one of them takes back
  insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines,
                          no_rate_lines, takes_back)
  select issue_month, kpi_month, location, type, class, lines, lines * units, lines * kpi, lines * revenue, 0, 0, takes_back
  from (
    select 'W' || 1 + n % 44 as location, (array['MOC', 'Exam'])[1 + pick('t' || n, 2)] as type,
           (array['a', 'b', 'c', 'd'])[1 + pick('k' || n, 4)] as class, pick('b' || n, 7) = 0 as takes_back,
           case when pick('b' || n, 7) = 0 then -1 else 1 end * (1 + pick('l' || n, 2)) as lines,
           pick('u' || n, 4) as units, pick('p' || n, 300000001) / 100000000.0 as kpi, pick('r' || n, 20) as revenue,
           (date '2019-02-01' + pick('i' || n, 19) * interval '1 month')::date as issue_month,
           pick('m' || n, 4) as before
    from generate_series(1, 900) as n
  ) as drawn
  cross join lateral (select (issue_month - case when before = 3 then 5 else before % 2 end * interval '1 month')::date as kpi_month) as of
  on conflict do nothing;
  insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines,
                          no_rate_lines)
  select '2020-01-01', '2020-01-01', 'L' || n, 'MOC', 'a', 1, 1, 1, 10, 0, 0 from grid;
  -- X: one thing alone. 1 only units, 2 only money, 3 only KPI, 4 KPI whose sum is 0 before the cap, 5 and 6 come in while as much goes, 7 nothing,
  -- 8 corrected a year later, 9 nothing under the cap.
  insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, change_no)
  select 'X' || n, 'X' || n, 'DE', 1, n, '2015-01-01', 3 from generate_series(1, 9) as n;
  insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
  select issue_month, kpi_month, 'X' || n, 'MOC', class, 1, units, kpi, revenue, 0, 0
  from (values (1, date '2019-05-01', date '2019-05-01', 'a', 5, 0, 0), (1, '2020-02-01', '2020-02-01', 'a', 5, 0, 0), (2, '2019-05-01', '2019-05-01', 'a', 0, 0, 5),
               (2, '2020-02-01', '2020-02-01', 'a', 0, 0, 5), (3, '2019-05-01', '2019-05-01', 'a', 0, 3, 0), (3, '2020-02-01', '2020-02-01', 'a', 0, 3, 0),
               (4, '2020-02-01', '2020-02-01', 'a', 0, 100, 0), (4, '2020-02-01', '2020-02-01', 'c', 0, -100, 0), (5, '2020-06-01', '2020-06-01', 'c', 0, 5, 0),
               (5, '2020-04-01', '2020-04-01', 'c', 0, -5, 0), (6, '2020-06-01', '2020-06-01', 'c', 0, 0, 5), (6, '2020-04-01', '2020-04-01', 'c', 0, 0, -5),
               (7, '2020-02-01', '2020-02-01', 'a', 0, 0, 0), (8, '2020-05-01', '2019-05-01', 'a', 1, 1, 1), (8, '2020-06-01', '2019-05-01', 'a', 2, 2, 2),
               (8, '2020-07-01', '2019-06-01', 'a', 2, 2, 2)) as cells (n, issue_month, kpi_month, class, units, kpi, revenue);
  insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
  select '2020-02-01', '2020-02-01', 'X9', 'MOC', class, 1, 0, case class when 'a' then 100 else -cap end, 0, 0, 0
  from rule_weight cross join unnest(array['a', 'c']) as class where rule_set_id = 14 and kpi_class = 'a';
  -- bought and taken back; and what is worth nothing
  insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines,
                          no_rate_lines, takes_back)
  values ('2019-09-01', '2019-09-01', 'W40', 'MOC', 'e', 1, 1, 1, 1, 0, 0, false), ('2019-10-01', '2019-09-01', 'W40', 'MOC', 'e', -1, -1, -1, -1, 0, 0, true),
         ('2019-09-01', '2019-09-01', 'W39', 'MOC', 'e', 1, 0, 0, 0, 1, 0, false);

  insert into month_control (issue_month, kpi_month, disposition, currency, rows, amount, takes_back)
  select issue_month, (issue_month - before * interval '1 month')::date, disposition, currency, rows, rows * 10, takes_back
  from unnest(array['2020-03-01', '2020-04-01', '2020-05-01', '2019-04-01', '2019-05-01', '2020-06-01']::date[]) as issue_month
  cross join unnest(array[0, 1]) as before
  cross join unnest(array['counted', 'reversal', 'superseded', 'unmapped']) as disposition
  cross join unnest(array['EUR', 'USD']) as currency
  cross join (values (1, false), (-1, true)) as taken (sign, takes_back)
  cross join lateral (select sign * (1 + pick(issue_month || disposition || currency || before, 5)) as rows) as drawn
  where pick(issue_month || disposition || currency || before || takes_back, 3) > 0;

  insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
  values (1, '2020-01-01', 'line', 'EUR', 3, 5, 3), (1, '2020-01-01', 'duplicate', 'EUR', 2, 7, 20), (1, '2020-01-01', 'duplicate', 'EUR', 2, 7, 21),
         (2, null, 'rejected', null, 4, null, 3), (2, null, 'quarantined', 'USD', 1, 1, 3), (2, null, 'quarantined', 'USD', -1, -1, 10),
         (2, null, 'rejected', 'USD', 1, null, 3);`;

export const DRAWN_FACTS: readonly string[] = [GROUND, RULES, PARTNERS];
