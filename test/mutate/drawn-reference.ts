import type { Look } from './looks.ts';

/*
 * Reference files as they are staged: what the steps that come after the typing ask of a row. Files of one kind each, whose rows
 * are at fault twice over, repeat or contradict each other, and reference data that was there before them.
 */

const CHANGES = `
  insert into change (no, known_at, kind, actor) select no, timestamptz '2020-05-01 00:00Z', 'load', 'somebody' from generate_series(3, 9) as no;
  insert into file (id, sha256, kind, name, bytes, format, profile, profile_hash, physical_rows, blank_rows, preamble_rows, lines_in, change_no) overriding system value
  select id, id, case id when 2 then 'customers' else 'invoices' end, 'file-' || id, 1, 'csv', 'p', 'p', 1, 0, 0, 1, 1 from generate_series(1, 4) as id`;

/** A file whose rows each say a validity that cannot be, and leave out what they have to say. */
const typed = (kind: string, fields: readonly string[]): Look => ({
  file: `staging/reference_${kind}`,
  from: '',
  settings: {},
  facts: `
    create temporary table load_field on commit drop as
    select row_number() over (order by ${fields.join(', ')}, given.valid_from)::int as row_no, null::text as ragged, '{}'::text[] as cells, given.*
    from (select ${fields.map((name) => `${name}_cell as ${name}`).join(', ')}, valid_from, '2020-01-01' as valid_to
          from unnest(array['x', '2020-01-01']) as valid_from
          ${fields.map((name) => `cross join unnest(array['DE', '', '1']) as ${name}_cell`).join(' ')}) as given (${fields.join(', ')}, valid_from, valid_to)`,
  first: ['staging/reference_rows'],
  ground: [],
  looks: [''],
});

const TYPED: readonly Look[] = [
  typed('customers', ['program', 'customer_number', 'location_mpn_id']),
  typed('enrolments', ['partner_mpn_id', 'learning_option', 'competency', 'anniversary_date']),
  typed('locations', ['location_mpn_id', 'partner_mpn_id', 'name', 'country']),
  typed('partners', ['mpn_id', 'name', 'country']),
  typed('products', ['sku', 'name', 'omlp_type', 'kpi_class', 'units_per_sku']),
  {
    file: 'staging/reference_rates_ecb',
    from: '',
    settings: { columns: '{"2": "USD", "3": "JPY"}' },
    ground: [
      `create temporary table load_field (row_no int, ragged text, rate_date text, cells text[]) on commit drop;
       insert into load_field values (1, null, '2020-01-02', '{2020-01-02,1.1,120}'), (2, '2020-01-03,1,2,3', '2020-01-03', '{"2020-01-03,1,2,3",1,2}')`,
    ],
    looks: [''],
  },
];

/** What the steps after the typing read: rows of one fact, and one of several. */
const STAGED = `
  create temporary table staged_reference (row_no int, key text[], value text, valid_from date, valid_to date, rule text, seen text) on commit drop`;
const KNOWN = `alter table staged_reference add column repeats boolean not null default false, add column known boolean not null default false`;

const STEPS: readonly Look[] = [
  {
    file: 'staging/reference_conflicts',
    from: '',
    settings: {},
    ground: [
      `${STAGED};
       insert into staged_reference values
         -- the same twice, and once at fault
         (1, '{a}', 'v', '2020-01-01', null, 'at fault', null), (2, '{a}', 'v', '2020-01-01', null, null, null), (3, '{a}', 'v', '2020-01-01', null, null, null),
         -- one without an end before one with one, and the other way about
         (4, '{b}', 'v', '2019-01-01', null, null, null), (5, '{b}', 'v', '2020-01-01', '2020-02-01', null, null),
         (6, '{c}', 'v', '2020-01-01', null, null, null), (7, '{c}', 'v', '2019-01-01', '2020-01-02', null, null),
         -- one ends as the next one begins
         (8, '{d}', 'v', '2019-01-01', '2020-01-01', null, null), (9, '{d}', 'v', '2020-01-01', null, null, null),
         -- a row of several facts, at fault in two of them; and one whose fault is said of a good one
         (10, '{e}', 'v', '2019-01-01', null, 'first', 'b'), (10, '{f}', 'v', '2019-01-01', null, 'second', 'a'), (10, '{g}', 'v', '2019-01-01', null, null, null),
         (11, '{h}', 'v', '2019-01-01', null, 'fault', 'b'), (11, '{i}', 'v', '2019-01-01', null, null, 'a'),
         -- the same twice, and nothing at fault
         (12, '{j}', 'v', '2019-01-01', null, null, null), (13, '{j}', 'v', '2019-01-01', null, null, null),
         -- rows of several facts that share keys in a chain, with one at fault at its end, and what they have alone
         (20, '{m}', 'v', '2019-01-01', null, null, null), (20, '{a alone}', 'v', '2019-01-01', null, null, null), (21, '{m}', 'v', '2019-01-01', null, null, null),
         (21, '{l}', 'v', '2019-01-01', null, null, null), (21, '{k}', 'v', '2019-01-01', null, null, null), (22, '{k}', 'v', '2019-01-01', null, 'fault', 'k'), (23, '{k}', 'v', '2019-01-01', null, 'fault', 'k'),
         (24, '{l}', 'v', '2019-01-01', null, null, null), (24, '{n}', 'v', '2019-01-01', null, null, null), (25, '{n}', 'v', '2019-01-01', null, null, null)`,
    ],
    looks: ['', 'set local enable_hashjoin = off; set local enable_mergejoin = off'],
  },
  {
    file: 'staging/reference_counts',
    from: '',
    settings: {},
    ground: [
      `${STAGED}; ${KNOWN};
       insert into staged_reference (row_no, rule, repeats, known)
       select row_number() over (), rule, repeats, known
       from unnest(array[null, 'at fault']) as rule cross join unnest(array[true, false]) as repeats cross join unnest(array[true, false]) as known cross join generate_series(1, 3);
       insert into staged_reference (row_no, rule, repeats, known) values (50, 'at fault', false, false), (50, null, true, true), (51, null, true, true), (51, null, false, false)`,
    ],
    looks: ['', 'delete from staged_reference where rule is null', 'delete from staged_reference'],
  },
  {
    file: 'staging/reference_rejections',
    from: '',
    settings: { file_id: 2, change_no: 1 },
    ground: [
      `${CHANGES}; ${STAGED};
       insert into staged_reference (row_no, key, rule, seen) values (1, '{a}', 'one', 'b'), (1, '{b}', 'two', 'a'), (2, '{a}', null, null), (3, '{a}', 'one', null);
       create temporary table load_field on commit drop as select no as row_no, array['cell of ' || no] as cells from generate_series(1, 4) as no`,
    ],
    looks: [''],
  },
  ...(['partner', 'location'] as const).map(
    (of): Look => ({
      file: 'staging/reference_strangers',
      from: '',
      settings: { names: 'value', of },
      ground: [
        `${CHANGES}; ${STAGED};
         insert into partner (mpn_id, name, country, file_id, row_no, valid_from, change_no, ended_no)
         select mpn_id, 'P', 'DE', 1, 1, '2015-01-01', 1, ended_no from (values ('P', null), ('Q', 2), ('B', null), ('B', 2)) as given (mpn_id, ended_no);
         insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
         select mpn_id, above, 'DE', 1, 1, from_day, to_day, 1, ended_no
         from (values ('L', 'P', date '2015-01-01', date '2016-01-01', null), ('L', 'O', '2016-01-01', null, null),
                      ('M', 'P', '2015-01-01', null, 2), ('S', 'S', '2015-01-01', null, null),
                      ('B', 'P', '2015-01-01', null, null), ('B', 'P', '2015-01-01', null, 2)) as given (mpn_id, above, from_day, to_day, ended_no);
         insert into staged_reference (row_no, value, rule)
         select row_number() over (), value, rule from unnest(string_to_array('P,Q,L,M,B,S,X,X', ',')) as value cross join unnest(array[null, 'at fault']) as rule;
         insert into staged_reference (row_no, value, rule) values (30, 'Y', 'at fault')`,
      ],
      looks: [''],
    }),
  ),
  ...(['product', 'customer'] as const).map(
    (what): Look => ({
      file: `staging/reference_touch_${what}s`,
      from: '',
      settings: { change_no: 5 },
      ground: [
        `${CHANGES};
         insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, change_no, ended_no)
         select 'N' || change_no || coalesce(ended_no::text, ''), 'MOC', 'a', 1, 1, 1, '2015-01-01', change_no, ended_no
         from (values (4, null), (5, null), (6, null), (3, 4), (3, 5), (3, 6), (5, 6)) as known (change_no, ended_no);
         insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, change_no, ended_no)
         select source, sku, 'L', 1, 1, '2015-01-01', change_no, ended_no from product cross join unnest(array['marketplace', 'certification-provider']) as source;
         -- a month of its own each, one that all share, and what nobody has
         insert into sku_month (sku, issue_month) select sku, (date '2020-01-01' + nth * interval '1 month')::date from (select sku, row_number() over (order by sku) as nth from product) as skus;
         insert into sku_month (sku, issue_month) select sku, '2022-01-01' from product union all values ('X', date '2022-02-01');
         insert into customer_month (customer_number, issue_month) select sku, issue_month from sku_month`,
      ],
      looks: [''],
    }),
  ),
  {
    file: 'staging/reference_touch_rates',
    from: '',
    settings: { change_no: 5, lookback: 10 },
    ground: [
      `${CHANGES};
       -- a month each, and a rate whose days just reach it, or just do not
       insert into customer_month (customer_number, issue_month) select 'C' || n, (date '2020-01-01' + nth * interval '2 months')::date from generate_series(1, 12) as nth cross join generate_series(1, 2) as n;
       insert into rate (currency, rate_date, origin, per_euro, file_id, row_no, change_no, ended_no)
       select currency, (date '2020-01-01' + nth * interval '2 months')::date + day, 'ecb', 2, 1, 1, change_no, ended_no
       from (values (1, -11, 5, null), (2, -10, 5, null), (3, -1, 5, null), (4, 0, 5, null), (5, 29, 5, null), (6, 30, 5, null), (7, 31, 5, null),
                    (8, 0, 4, null), (9, 0, 6, null), (10, 0, 3, 5), (11, 0, 3, 4), (12, 0, 3, 6)) as known (nth, day, change_no, ended_no)
       cross join unnest(array['USD', 'JPY']) as currency`,
    ],
    looks: [''],
  },
];

export const REFERENCE_LOOKS: readonly Look[] = [...TYPED, ...STEPS];
