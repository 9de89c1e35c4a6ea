import type { Look } from './looks.ts';

/* Locations as they are staged, beside those that were known before. */

const STAGED = `
  insert into change (no, known_at, kind, actor) select no, timestamptz '2020-05-01 00:00Z', 'load', 'somebody' from generate_series(3, 9) as no;
  insert into file (id, sha256, kind, name, bytes, format, profile, profile_hash, physical_rows, blank_rows, preamble_rows, lines_in, change_no) overriding system value
  values (1, '1', 'locations', 'file', 1, 'csv', 'p', 'p', 1, 0, 0, 1, 1);
  create temporary table staged_reference (row_no int, location_mpn_id text, partner_mpn_id text, valid_from date, valid_to date, rule text, seen text) on commit drop`;
const known = (rows: string): string => `
  insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select location_mpn_id, partner_mpn_id, 'DE', 1, 1, valid_from, valid_to, 1, ended_no from ${rows} as given (location_mpn_id, partner_mpn_id, valid_from, valid_to, ended_no)`;

/** Each letter is a case of its own. */
const LOOPS = `
  ${STAGED};
  insert into staged_reference values
    -- without an end, on both sides
    (1, 'A1', 'A2', '2019-01-01', null, null, null), (2, 'A2', 'A1', '2019-01-01', null, null, null),
    -- with what is known, without an end
    (3, 'B1', 'B2', '2019-01-01', '2020-01-01', null, null),
    -- with what was known
    (4, 'C1', 'C2', '2019-01-01', null, null, null),
    -- its own partner, which is another's too
    (5, 'D1', 'D1', '2019-01-01', null, null, null), (6, 'D2', 'D1', '2019-01-01', null, null, null),
    -- with what is known and no longer said
    (7, 'E1', 'E2', '2019-01-01', null, null, null), (8, 'E2', 'E3', '2019-01-01', null, null, null),
    -- with a row at fault; with what is known, as the row that would say otherwise is at fault
    (9, 'F1', 'F2', '2019-01-01', null, null, null), (10, 'F2', 'F1', '2019-01-01', null, 'at fault', 'so'),
    (11, 'G1', 'G2', '2019-01-01', null, null, null), (12, 'G2', 'G9', '2019-01-01', null, 'at fault', 'so'),
    -- one after the other, and the other way about
    (13, 'H1', 'H2', '2019-01-01', '2020-01-01', null, null), (14, 'I1', 'I2', '2020-01-01', null, null, null),
    -- three of them, and one below; a ring further up
    (15, 'J1', 'J2', '2019-01-01', null, null, null), (16, 'J2', 'J3', '2019-01-01', null, null, null), (17, 'J3', 'J1', '2019-01-01', null, null, null),
    (18, 'J0', 'J1', '2019-01-01', null, null, null), (19, 'K1', 'K2', '2019-01-01', null, null, null),
    -- goes on from the end of a loop, into another one
    (20, 'L1', 'L2', '2019-01-01', '2020-01-01', null, null), (21, 'L1', 'L3', '2019-06-01', null, null, null), (22, 'L2', 'L1', '2019-01-01', null, null, null),
    (23, 'L3', 'L1', '2019-01-01', null, null, null);
  ${known(`(values
    ('B2', 'B1', date '2019-01-01', null::date, null::bigint), ('C2', 'C1', '2019-01-01', null, 2), ('D1', 'D1', '2019-01-01', null, null), ('E2', 'E1', '2019-01-01', null, null),
    ('G2', 'G1', '2019-01-01', null, null), ('H2', 'H1', '2020-01-01', null, null), ('I2', 'I1', '2019-01-01', '2020-01-01', null),
    ('K2', 'K3', '2019-01-01', null, null), ('K3', 'K2', '2019-01-01', null, null))`)};
  -- a walk without an end is stopped
  set local temp_file_limit = '20MB'; set local work_mem = '1MB'`;

/** What is known of a location, and what the file says of it: on the last day of a window, and just not. */
const SPANS = `(values ('A', date '2015-01-01', null::date), ('B', '2015-01-01', '2020-03-31'), ('C', '2015-01-01', '2020-04-01'),
                       ('D', '2020-03-31', null), ('E', '2020-04-01', null))`;
const RESTATED = `
  ${STAGED};
  create temporary table asked on commit drop as
  select was.name || was_of || said.name || said_of || coalesce(left(rule, 2), '') as name, was_of, was.valid_from as was_from, was.valid_to as was_to,
         said_of, said.valid_from, said.valid_to, rule
  from ${SPANS} as was (name, valid_from, valid_to) cross join ${SPANS} as said (name, valid_from, valid_to)
  cross join unnest(array['P', 'ended', '']) as was_of cross join unnest(array['P', 'Q']) as said_of cross join unnest(array[null, 'at fault']) as rule;
  ${known(`(select name, 'P', was_from, was_to, case when was_of = 'ended' then 2 end from asked where was_of <> '')`)};
  insert into staged_reference select row_number() over (), name, said_of, valid_from, valid_to, rule from asked;
  -- said twice
  insert into staged_reference select row_no + 1000, location_mpn_id, partner_mpn_id, valid_from, valid_to, rule from staged_reference where row_no % 3 = 0;
  -- at fault where the good row says nothing
  insert into staged_reference values (2000, 'Z', 'P', '2015-01-01', '2016-01-01', null), (2001, 'Z', 'P', '2016-01-01', null, 'at fault');
  insert into asked (name) values ('Z');
  insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
  select cycle, revision, 1, now(), now(), '2019-04-01', window_to, 'EUR', 10, ''
  from (values ('2020-04', 1, date '2020-03-31'), ('2020-04', 2, '2020-03-31'), ('2020-05', 1, '2020-04-30'), ('2020-05', 2, '2020-04-30'), ('2020-05', 3, '2020-04-30'),
               ('2020-06', 1, '2020-05-31')) as made (cycle, revision, window_to);
  -- without a name: of the first cycle only, of every second one, of no last revision
  insert into snapshot_cell (cycle, revision, partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
  select cycle, revision, 'P', name, '2020-01-01', 'MOC', class, 1, 1, 1, 1, 0, 0
  from snapshot cross join (select *, row_number() over (order by name collate "C") as nth from asked) as asked cross join unnest(array['a', 'b']) as class
  where case nth % 7 when 0 then cycle = '2020-04' when 1 then revision = 1 else cycle <> '2020-06' end`;

const only = (condition: string): string => `delete from staged_reference where not (${condition})`;
const ALWAYS = `valid_from = '2015-01-01' and valid_to is null`;

export const HIERARCHY_LOOKS: readonly Look[] = [
  {
    file: 'staging/reference_loops',
    from: '',
    settings: {},
    ground: [LOOPS],
    looks: [''],
  },
  {
    file: 'staging/reference_restates',
    from: '',
    settings: {},
    ground: [RESTATED],
    looks: [
      '',
      // What was known differs alone, what is said now alone.
      only(`partner_mpn_id = 'P' and ${ALWAYS}`),
      only(`partner_mpn_id = 'Q' and location_mpn_id like '__AQ%'`),
      only(`location_mpn_id like 'AP%' and partner_mpn_id = 'P'`),
      only(`rule is not null`),
      only(`location_mpn_id like '_P%' and partner_mpn_id = 'Q'`),
      only(`location_mpn_id = 'APBQ'`),
      only(`location_mpn_id = 'Z'`),
    ],
  },
];
