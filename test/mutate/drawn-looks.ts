import { CLAIM_LOOKS } from './drawn-claims.ts';
import { DRAWN } from './drawn-facts.ts';
import { FUNCTION_LOOKS } from './drawn-functions.ts';
import { HIDDEN_LOOKS } from './drawn-hidden.ts';
import { HIERARCHY_LOOKS } from './drawn-hierarchy.ts';
import { LINE_LOOKS } from './drawn-lines.ts';
import { PLACED_LOOKS } from './drawn-placed.ts';
import { REFERENCE_LOOKS } from './drawn-reference.ts';
import { REPORT_LOOKS } from './drawn-report.ts';
import { EXPLAIN_LOOKS } from './drawn-report-explain.ts';
import { OTHER_REPORT_LOOKS } from './drawn-report-others.ts';
import { SAID_LOOKS } from './drawn-said.ts';
import { SETTLE_LOOKS } from './drawn-settle.ts';
import { STAGING_LOOKS } from './drawn-staging.ts';
import { STORED_LOOKS } from './drawn-stored.ts';
import { VIEW_LOOKS } from './drawn-views.ts';
import type { Look } from './looks.ts';

const set = (name: string, value: string | number): string =>
  `select set_config('lkp.${name}', '${value}', true)`;

/** A table of a comparison, drawn: cells of few keys, so that they meet. */
const SIDE_CELLS = `
  insert into side_cell
  select side, 'P' || pick(side || n || 'p', 3), 'L' || pick(side || n || 'l', 2), (date '2020-01-01' + pick(side || n || 'm', 2) * interval '1 month')::date,
         'T' || pick(side || n || 't', 2), 'K' || pick(side || n || 'k', 2), lines, lines * pick(side || n || 'u', 3), lines * pick(side || n || 'v', 3),
         lines * pick(side || n || 'r', 3)
  from generate_series(1, 40) as n cross join unnest(array['before', 'after']) as side
  cross join lateral (select 1 + pick(side || n || 'c', 2) as lines) as drawn;
  -- the same on both sides; one that is worth nothing
  insert into side_cell
  select side, 'Q', 'L' || n, date '2020-01-01', 'T0', 'K0', n, n, n, n from generate_series(1, 2) as n cross join unnest(array['before', 'after']) as side
  union all select 'after', 'Q', 'L3', '2020-01-01', 'T0', 'K0', 0, 0, 0, 0
  union all select side, 'same', 'L1', '2020-01-01', 'T0', 'K0', 1, 2, 3, 4 from unnest(array['before', 'after']) as side
  union all select side, 'only ' || side, 'L1', '2020-01-01', 'T0', 'K0', 1, 2, 3, 4 from unnest(array['before', 'after']) as side`;

const SIDES: readonly Look[] = [
  {
    file: 'checks/changes_equal_cells',
    first: ['marts/changes_begin'],
    settings: DRAWN,
    ground: [
      `${SIDE_CELLS};
       create temporary table line_change on commit drop as
       select partner_mpn_id as partner_before, location_mpn_id as location_before, kpi_month as month_before, omlp_type as type_before,
              kpi_class as class_before, units as units_before, kpi_value as kpi_before, revenue as revenue_before, side = 'before' as counted_before,
              partner_mpn_id as partner_after, location_mpn_id as location_after, kpi_month as month_after, omlp_type as type_after,
              kpi_class as class_after, units as units_after, kpi_value as kpi_after, revenue as revenue_after, side = 'after' as counted_after
       from side_cell cross join generate_series(1, lines) as nth;
       -- what comes to nothing and is in no cell
       insert into line_change
       select 'Q', 'L9', '2020-01-01', 'T0', 'K0', 1, 1, 1, true, 'Q', 'L9', '2020-01-01', 'T0', 'K0', 1, 1, 1, true`,
    ],
    looks: [
      // Each line as the cell: agrees where a cell is one line.
      '',
      'update line_change set units_before = 1, kpi_before = 1, revenue_before = 1, units_after = 1, kpi_after = 1, revenue_after = 1; update side_cell set units = lines, kpi_value = lines, revenue = lines',
      ...['lines = lines + 1', 'units = units + 1', 'kpi_value = kpi_value + 1', 'revenue = revenue + 1'].map(
        (change) =>
          `update line_change set units_before = 1, kpi_before = 1, revenue_before = 1, units_after = 1, kpi_after = 1, revenue_after = 1;
           update side_cell set units = lines, kpi_value = lines, revenue = lines;
           update side_cell set ${change} where partner_mpn_id = 'P1'`,
      ),
    ],
  },
  {
    file: 'marts/figure_changes',
    first: ['marts/changes_begin'],
    settings: DRAWN,
    ground: [
      SIDE_CELLS,
      `insert into side_level
       select side, over_window, 'P' || partner, competency, 'level ' || pick(side || over_window || partner || competency, 2)
       from unnest(array['before', 'after']) as side cross join unnest(array['cycle', 'renewal']) as over_window
       cross join generate_series(1, 4) as partner cross join unnest(array['', 'Data', 'App']) as competency
       where pick('is' || side || over_window || partner || competency, 4) > 0`,
    ],
    looks: [
      '',
      `delete from side_level where side = 'before' and over_window = 'renewal'`,
      `delete from side_level where side = 'after' and over_window = 'cycle'`,
      `delete from side_level where side = 'before' and over_window = 'cycle' or side = 'after' and over_window = 'renewal'`,
    ],
  },
  {
    file: 'marts/changed_months',
    settings: { ...DRAWN, window_from: '2001-01-01' },
    ground: [
      `delete from month_touched; delete from customer_month;
       insert into month_touched (issue_month, change_no)
       values ('2001-02-01', 10), ('2001-03-01', 11), ('2001-04-01', 20), ('2001-05-01', 21), ('2000-12-01', 15), ('2001-01-01', 15), ('2020-04-01', 15),
              ('2020-05-01', 15), ('2020-06-01', 15), ('2000-11-01', 10), ('2000-10-01', 11), ('2000-09-01', 20), ('2000-08-01', 21);
       -- what follows a touched month
       insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
       select 1000 + nth * 2 + part, 'marketplace', 'S', 'invoice', 'F' || nth || '-' || part, case part when 0 then followed else follows end, '380', 1, 1, 0, true, 1, 3
       from (values (1, date '2000-11-03', date '2002-01-03'), (2, '2000-10-03', '2002-02-03'), (3, '2000-09-03', '2002-03-03'), (4, '2000-08-03', '2002-04-03'),
                    (5, '2003-01-01', '2003-02-01'), (6, '2003-03-01', '2003-04-01'), (7, '2003-05-01', '2003-06-01'), (8, '2003-07-31', '2003-08-01'),
                    (9, '2003-09-01', '2003-10-01'), (10, '2003-11-01', '2003-12-01')) as pairs (nth, followed, follows)
       cross join generate_series(0, 1) as part;
       insert into correction (document_id, replaces_id, change_no, ended_no)
       select 1001 + nth * 2, 1000 + nth * 2, change_no, ended_no
       from (values (1, 5, null), (2, 5, null), (3, 5, null), (4, 5, null), (5, 10, null), (6, 11, null), (7, 5, 10), (8, 5, 11), (9, 5, 9), (10, 11, 12)) as known (nth, change_no, ended_no);
       insert into customer_month (customer_number, issue_month)
       select distinct customer_number, (date '2005-01-01' + substr(customer_number, 2)::int * interval '1 month')::date from customer`,
    ],
    looks: [
      '',
      set('every_month', 1),
      set('until_no', 11),
      set('since_no', 5),
      // Nobody moved.
      'delete from location',
      set('window_to', '2020-05-01'),
    ],
  },
  {
    file: 'marts/stale_months',
    settings: DRAWN,
    ground: [
      `delete from month_touched; delete from month_built; delete from correction;
       insert into month_touched (issue_month, change_no)
       select (date '2001-01-01' + n * interval '1 month')::date, touched
       from unnest(array[9, 10, 15, 20, 21, 25, 26]) with ordinality as one (touched, nth)
       cross join lateral generate_series(nth * 10, nth * 10 + 6) as n;
       insert into month_built (issue_month, built_no, reporting_currency, lookback)
       select (date '2001-01-01' + n * interval '1 month')::date, (array[10, 20, 25, 25, 20, 20])[1 + n % 10], case n % 10 when 4 then 'USD' else 'EUR' end,
              case n % 10 when 5 then 3 else 10 end
       from generate_series(1, 80) as n where n % 10 <= 5;
       insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
       select 1000 + n * 2 + part, 'marketplace', 'S', 'invoice', 'F' || n || '-' || part, (date '2001-01-01' + (n + 200 * part) * interval '1 month')::date, '380', 1, 1, 0, true, 1, 3
       from generate_series(1, 80) as n cross join generate_series(0, 1) as part;
       insert into correction (document_id, replaces_id, change_no) select 1001 + n * 2, 1000 + n * 2, 5 from generate_series(1, 80) as n`,
    ],
    looks: ['', set('cutoff', 25), set('cutoff', 9)],
  },
];

const snapshots = `
  insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash, content_version)
  select cycle, revision, 10, '2020-05-01Z', '2020-05-01Z', '2019-05-01', '2020-04-30', 'EUR', 10, 'h', case revision when 3 then 1 else 2 end
  from unnest(array['2020-05', '2020-04']) as cycle cross join generate_series(1, 3) as revision`;

/** Every table of a revision; partners 5 to 9 have the same cells and levels in all of them, and revision 3 no renewals. */
const FROZEN = `${snapshots};
  insert into snapshot_cell (cycle, revision, partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
  select cycle, revision, 'P' || partner, 'L' || partner || location, month, type, class, lines, lines, lines * pick(drawn || 'k', 3), lines * pick(drawn || 'r', 3), 0, 0
  from snapshot
  cross join generate_series(1, 9) as partner cross join generate_series(1, 2) as location
  cross join unnest(array['2020-01-01', '2020-02-01']::date[]) as month cross join unnest(array['MOC', 'Exam']) as type cross join unnest(array['a', 'b']) as class
  cross join lateral (select case when partner < 5 then cycle || revision else '' end || partner || location || month || type || class as drawn) as of
  cross join lateral (select 1 + pick(drawn || 'l', 2) as lines) as made
  where pick(drawn || 'is', 5) > 0 and not (partner = 4 and revision = 2) and not (partner = 3 and revision <> 2);
  insert into snapshot_level (cycle, revision, partner_mpn_id, learning_option, competency, anniversary_date, tier, not_offered, level)
  select cycle, revision, 'P' || partner, 'Gold', competency, '2020-08-01', '', '{}', case when partner = 8 and competency = 'Data' then 'Silver' else (array['Gold', 'Silver', ''])[1 + pick(drawn, 3)] end
  from snapshot cross join generate_series(1, 9) as partner cross join unnest(array['', 'Data', 'App']) as competency
  cross join lateral (select case when partner < 5 then cycle || revision else '' end || partner || competency as drawn) as of
  where (pick(drawn || 'is', 4) > 0 or partner = 8) and not (partner = 1 and revision = 2 and competency = 'App');
  insert into snapshot_renewal (cycle, revision, partner_mpn_id, learning_option, competency, anniversary_date, anniversary, window_from, window_to, provisional,
                                first_reminder, second_reminder, grace_end, rule_set, tier, not_offered, level)
  select cycle, revision, 'P' || partner, 'Gold', competency, '2019-08-01', date '2020-08-01' + pick(drawn || cycle || revision || 'on', 9), '2019-08-01', '2020-07-31', pick(drawn, 2) = 0, '2020-07-15', '2020-08-15', '2020-09-01', 'r', '', '{}',
         (array['Gold', 'Silver', ''])[1 + pick(drawn || 'r', 3)]
  from snapshot cross join generate_series(1, 9) as partner cross join unnest(array['', 'Data', 'App']) as competency
  cross join lateral (select case when partner < 5 then cycle || revision else '' end || partner || competency as drawn) as of
  where pick(drawn || 'isr', 4) > 0 and revision <> 3;
  create temporary table asked on commit drop as
  select cycle, revision, 'P' || partner as partner_mpn_id, competency, level_rank, level, position, measure || ' of ' || case when revision = 2 and pick(partner || competency || level, 3) = 0 then 1 + position % 4 else position end as requirement, measure, 'c' || position as category,
         case when figure = 0 and measure <> 'kpi' then null else figure end as figure, 2::numeric as threshold,
         case when figure >= 2 then 'met' when pick(drawn || 'w', 5) = 0 then 'waived' when figure = 0 and measure <> 'kpi' then 'no data' else 'not met' end as outcome, 's' as source, '' as waiver, false as sample,
         drawn
  from snapshot cross join generate_series(1, 9) as partner cross join unnest(array['', 'Data', 'App']) as competency
  cross join (values (1, 'Gold'), (2, 'Silver'), (3, 'Action Pack')) as levels (level_rank, level) cross join (values (1, 'kpi'), (2, 'kpi'), (3, 'exam'), (4, 'mct')) as asked (position, measure)
  cross join lateral (select cycle || revision || partner || competency || level || position as drawn) as of
  cross join lateral (select (case when pick(drawn || 'same', 3) > 0 then pick(partner || competency || level || position || 'f', 4) else pick(drawn || 'f', 4) end)::numeric as figure) as made;
  insert into snapshot_requirement (cycle, revision, partner_mpn_id, competency, level_rank, level, position, requirement, measure, category, figure, threshold, outcome, source, waiver, sample)
  select cycle, revision, partner_mpn_id, competency, level_rank, level, position, requirement, measure, category, figure, threshold, outcome, source, waiver, sample from asked
  where pick(drawn || 'is', 9) > 0 and not (partner_mpn_id = 'P8' and competency = 'Data' and level = 'Silver');
  insert into snapshot_renewal_requirement (cycle, revision, partner_mpn_id, competency, level_rank, level, position, requirement, measure, category, figure, threshold, outcome, source, waiver, sample)
  select cycle, revision, partner_mpn_id, competency, level_rank, level, position, requirement, measure, category, figure + pick(drawn, 2), threshold, outcome, source, waiver, sample from asked
  where pick(drawn || 'isr', 9) > 0 and revision <> 3;
  drop table asked;
  insert into snapshot_forecast (cycle, revision, partner_mpn_id, category, ahead, leaves_kpi, leaves_revenue, enters_kpi, enters_revenue, kpi_value, counted, units, revenue)
  select cycle, revision, 'P' || partner, category, ahead, pick(cycle || revision || partner || category || ahead, 9), 0, 0, 0, 0, 0, 0, 0
  from snapshot cross join generate_series(1, 9) as partner cross join unnest(array['', 'a']) as category cross join unnest(array['2020-06', '2020-07']) as ahead
  where pick(cycle || revision || partner || category || ahead || 'is', 4) > 0`;

/** The tables of a computation, as another revision holds them. */
const freshOf = (cycle: string, revision: number): string =>
  ['cell', 'level', 'requirement', 'renewal', 'renewal_requirement']
    .map(
      (name) =>
        `create temporary table fresh_${name} on commit drop as select * from snapshot_${name} where cycle = '${cycle}' and revision = ${revision}`,
    )
    .join(';');

const REVISIONS: readonly Look[] = [
  {
    file: 'marts/diff',
    settings: { ...DRAWN, revision: 1 },
    ground: [FROZEN, freshOf('2020-05', 2)],
    looks: ['', set('revision', 3), `delete from fresh_renewal; delete from fresh_renewal_requirement`],
  },
  {
    file: 'marts/side_of_revision',
    first: ['marts/changes_begin'],
    settings: { ...DRAWN, revision: 1, side: 'before' },
    ground: [FROZEN],
    looks: [''],
  },
  {
    file: 'marts/standings',
    settings: { ...DRAWN, revision: 1, before_cycle: '2020-04', before_revision: 2, next_cycle: '2020-06' },
    ground: [
      FROZEN,
      `create temporary table partner_name on commit drop as select 'P' || n as mpn_id, 'Partner ' || n as name, 'DE' as country from generate_series(1, 8) as n`,
    ],
    looks: [
      '',
      set('revision', 3),
      `select set_config('lkp.before_cycle', '', true), set_config('lkp.before_revision', '0', true)`,
      set('next_cycle', ''),
    ],
  },
];

/** The set that decides holds for no line of the window; it has no end; and no set is in force on the last day of March, while one without an end began on the last day of the window. */
const RULE_FACTS = [
  '',
  `update rule_set set valid_from = '1990-01-01', valid_to = '1991-01-01' where id = 14; update rule_weight set sample = rule_set_id = 14`,
  `update rule_set set ended_no = 3 where id in (16, 17); update rule_set set valid_to = null where id = 14; update rule_weight set sample = rule_set_id = 14`,
  `update rule_set set year_to = '2020-02-01' where id = 13; update rule_set set ended_no = 3 where id = 16; update rule_set set valid_from = '2020-04-30' where id = 17`,
] as const;

/** The tables of a file that computes a cycle, in each of these. */
const computed = (
  file: string,
  first: readonly string[],
  looks: readonly string[] = [''],
  settings: Look['settings'] = DRAWN,
): Look[] =>
  RULE_FACTS.map((facts) => ({
    file,
    facts,
    first,
    settings,
    ground: [],
    looks: facts === '' ? looks : [''],
  }));

const COMPUTED: readonly Look[] = [
  ...computed('marts/windows', [], ['', set('cutoff', 10), set('cutoff', 21)]),
  ...computed('marts/fresh', ['marts/windows']),
  ...computed('marts/levels', ['marts/windows', 'marts/fresh']),
  ...computed(
    'marts/content_hash',
    ['marts/windows', 'marts/fresh', 'marts/levels'],
    [
      '',
      set('content_version', 1),
      // Nothing was bought, nobody is enrolled.
      'delete from fresh_cell; delete from fresh_class; delete from fresh_level; delete from fresh_requirement; delete from fresh_renewal; delete from fresh_renewal_requirement',
      // Nobody is in a tier; nobody is offered less.
      `update fresh_level set tier = ''`,
      `update fresh_level set not_offered = '{}'`,
    ],
    { ...DRAWN, content_version: 2 },
  ).slice(0, 1),
  ...computed('marts/forecast', ['marts/windows', 'marts/fresh']).slice(0, 1),
];

export const DRAWN_LOOKS: readonly Look[] = [
  ...SIDES,
  ...LINE_LOOKS,
  ...REVISIONS,
  ...COMPUTED,
  ...REPORT_LOOKS,
  ...EXPLAIN_LOOKS,
  ...OTHER_REPORT_LOOKS,
  ...VIEW_LOOKS,
  ...PLACED_LOOKS,
  ...FUNCTION_LOOKS,
  ...CLAIM_LOOKS,
  ...HIDDEN_LOOKS,
  ...REFERENCE_LOOKS,
  ...HIERARCHY_LOOKS,
  ...STAGING_LOOKS,
  ...SAID_LOOKS,
  ...STORED_LOOKS,
  ...SETTLE_LOOKS,
];
