import { KNOWN, RULES } from './drawn-views.ts';
import type { Look } from './looks.ts';

/*
 * Lines, each of a document of its own. Rules are in force from 10 to 19 May ($0 counts units, credits in their own month, rates of
 * the day) and from 10 June on ($0 counts nothing, credits in the month of their invoice, rates of the month's end).
 */

/** A 384 on a day, and the invoice that it replaces: on the cycle's first day, a day before and after it, and on those of the months that are computed. */
const CORRECTED = [
  ['2020-06-11', '2020-07-01'],
  ['2020-06-12', '2020-06-30'],
  ['2020-06-13', '2020-07-02'],
  ['2020-01-15', '2020-05-01'],
  ['2020-01-16', '2020-04-30'],
  // its line waits; a $0 line that counts; no rate is known
  ['2020-04-16', '2020-05-15'],
  ['2020-05-14', '2020-05-15'],
  ['2020-04-18', '2020-05-15'],
  // KPI months on both sides of the window's first day
  ['2019-06-20', '2020-06-25'],
  ['2019-07-20', '2020-06-25'],
] as const;
const corrected = CORRECTED.map(([was, is], nth) => `(${nth}, date '${was}', date '${is}')`).join(', ');

const GIVEN = `
  create temporary table given on commit drop as
  select row_number() over (order by made)::int as id, made.*
  from (
    select class, day::date, coalesce(line_day, day)::date as line_day, source, customer, sku, amount::numeric, currency, reference, null::int as changed, null::int as ended
    from (values
      ('invoice', '2020-06-20', null, 'marketplace', 'C', 'P', 10, 'EUR', null), ('invoice', '2020-06-20', null, 'marketplace', 'C', 'P', 0, 'EUR', null),
      ('invoice', '2020-05-15', null, 'marketplace', 'C', 'P', 0, 'USD', null), ('invoice', '2020-05-25', null, 'marketplace', 'C', 'P', 10, 'USD', null),
      ('invoice', '2020-06-20', null, 'marketplace', 'C', 'P', 10, 'USD', null), ('invoice', '2020-06-20', null, 'marketplace', 'C', 'P', 10, 'GBP', null),
      ('invoice', '2020-06-20', null, 'marketplace', 'C', 'D', 10, 'USD', null), ('invoice', '2020-07-05', null, 'marketplace', 'C', 'P', 10, 'USD', null),
      ('credit note', '2020-06-21', null, 'marketplace', 'C', 'P', 10, 'EUR', null), ('credit note', '2020-06-22', null, 'marketplace', 'C', 'P', 10, 'EUR', 'replaced 3'),
      ('credit note', '2020-05-16', null, 'marketplace', 'C', 'P', 10, 'EUR', null),
      -- the document's day is not the line's
      ('invoice', '2020-05-11', '2020-05-12', 'marketplace', 'C', 'P', 10, 'EUR', null), ('invoice', '2020-05-12', '2020-05-11', 'marketplace', 'C', 'P', 10, 'EUR', null),
      ('invoice', '2020-07-15', '2020-07-14', 'marketplace', 'C', 'P', 10, 'EUR', null), ('invoice', '2020-07-14', '2020-07-15', 'marketplace', 'C', 'P', 10, 'EUR', null),
      -- '' is known as a customer and as a product from 20 June on, and weighs something
      ('invoice', '2020-06-19', null, 'marketplace', '', '', 10, 'EUR', null), ('invoice', '2020-06-20', null, 'marketplace', '', '', 10, 'EUR', null),
      ('invoice', '2020-06-19', null, 'marketplace', 'C', '', 10, 'EUR', null), ('invoice', '2020-06-20', null, 'marketplace', 'nobody', 'P', 10, 'EUR', null),
      ('invoice', '2020-06-20', null, 'marketplace', 'C', 'nothing', 10, 'EUR', null), ('invoice', '2020-06-20', null, 'marketplace', 'C', 'N', 10, 'EUR', null),
      ('invoice', '2020-05-15', null, 'marketplace', 'C', 'N', 10, 'EUR', null), ('invoice', '2020-06-20', null, 'marketplace', 'C', 'Z', 10, 'EUR', null),
      ('invoice', '2020-06-20', null, 'certification-provider', 'C', 'P', 10, 'GBP', null)) as one (class, day, line_day, source, customer, sku, amount, currency, reference)
    -- the window's borders; those of a customer and a product that are valid from 20 to 24 June
    union all select 'invoice', day, day, 'marketplace', 'C', 'P', 10, 'EUR', null, null, null from unnest(array['2020-05-11', '2020-05-12', '2020-07-14', '2020-07-15']::date[]) as day
    union all select 'invoice', day, day, 'marketplace', customer, sku, 10, 'EUR', null, null, null
    from unnest(array['2020-06-19', '2020-06-20', '2020-06-24', '2020-06-25']::date[]) as day cross join (values ('V', 'P'), ('C', 'W')) as either (customer, sku)
    union all select 'invoice', '2020-06-20', '2020-06-20', 'marketplace', customer, sku, 10, 'EUR', null, null, null
    from ${KNOWN} cross join lateral (values ('K' || how, 'P'), ('C', 'Q' || how), ('C', 'waits ' || how)) as either (customer, sku)
    union all select 'invoice', '2020-06-20', '2020-06-20', 'marketplace', 'C', 'P', 100 + how, 'EUR', null, change_no, ended_no from ${KNOWN}
    union all select 'invoice', was, was, 'marketplace', 'C', case nth when 5 then 'waits 1' else 'P' end, case nth when 6 then 0 else 7 end, case nth when 7 then 'GBP' else 'USD' end, 'replaced ' || nth, null, null
    from (values ${corrected}) as corrected (nth, was, is_on)
    union all select 'corrected invoice', is_on, is_on, 'marketplace', 'C', 'P', 8, 'USD', 'corrects ' || nth, null, null from (values ${corrected}) as corrected (nth, was, is_on)
  ) as made;`;

const PLACED = [
  RULES,
  `${GIVEN}
   insert into rule_weight (rule_set_id, kpi_class, category, weight, source, sample) values (6, '', 'none', 5, 'source', false);
   insert into document (id, class, number, issue_date, reference_number, seller, source, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
   select id, class, case when reference like 'replaced%' and class = 'invoice' then reference else 'N' || id end, day, case when class = 'credit note' then reference end, 'S', source, '380',
          case class when 'credit note' then -1 else 1 end, case class when 'credit note' then -1 else 1 end, 0, true, 1, 3 from given;
   insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no, ended_no)
   select id, '1', 1, id, line_day, customer, sku, 1 + id % 3, amount, currency, coalesce(changed, 3), ended from given;
   insert into correction (document_id, replaces_id, change_no)
   select corrector.id, replaced.id, 3 from given as corrector join given as replaced on replaced.reference = replace(corrector.reference, 'corrects', 'replaced') and replaced.class = 'invoice'
   where corrector.class = 'corrected invoice';
   insert into quarantine (file_id, row_no, rule, seen, cells, change_no, ended_no)
   select 1, id, 'conflict', 'seen ' || id, '{}'::text[], known.change_no, known.ended_no from given join ${KNOWN} on sku = 'waits ' || how
   -- a row of another file with that number; a credit that waits by what is stored and by its invoice
   union all select 2, id, 'conflict', 'seen ' || id, '{}', 3, null from given
   union all select 1, max(id), 'conflict', null, '{}', 3, null from given where class = 'credit note';
   insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, valid_to, change_no, ended_no)
   select 'marketplace', 'K' || how, 'L1', 1, 1, date '2015-01-01', null::date, change_no, ended_no from ${KNOWN}
   union all values ('marketplace', 'C', 'L1', 1, 1, date '2015-01-01', null::date, 3, null::int), ('certification-provider', 'C', 'L2', 1, 1, '2015-01-01', null, 3, null),
                    ('marketplace', 'V', 'L3', 1, 1, '2020-06-20', '2020-06-25', 3, null), ('marketplace', '', 'L1', 1, 1, '2020-06-20', null, 3, null);
   insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, valid_to, change_no, ended_no)
   select 'Q' || how, 'MOC', 'a', 1, 1, 1, date '2015-01-01', null::date, change_no, ended_no from ${KNOWN}
   union all select sku, type, class, units, 1, 1, begins::date, ends::date, 3, null
   from (values ('P', 'MOC', 'a', 1, '2015-01-01', null), ('W', 'MOC', 'a', 1, '2020-06-20', '2020-06-25'), ('', 'MOC', 'a', 1, '2020-06-20', null), ('N', 'MOC', '', 1, '2015-01-01', null),
                ('Z', 'Exam', 'z', 1, '2015-01-01', null), ('D', 'Exam', 'd', 5, '2015-01-01', null), ('waits 1', 'MOC', 'a', 1, '2015-01-01', null)) as products (sku, type, class, units, begins, ends);
   insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, change_no)
   select 'L' || n, 'P' || n, 'DE', 1, n, '2015-01-01', 3 from generate_series(1, 2) as n;
   insert into rate (currency, rate_date, origin, per_euro, file_id, row_no, change_no)
   select 'USD', day, 'ecb', 1 + extract(doy from day) / 1000, 1, 1, 3
   from unnest(array['2019-06-15', '2020-01-10', '2020-04-15', '2020-04-30', '2020-05-14', '2020-05-20', '2020-06-18', '2020-06-26', '2020-07-04', '2020-07-24']::date[]) as day`,
];

const SETTINGS = {
  cutoff: 20,
  from: '2020-05-12',
  to: '2020-07-15',
  lookback: 10,
  reporting_currency: 'EUR',
  window_from: '2019-07-01',
  window_to: '2020-06-30',
  cycle_start: '2020-07-01',
} as const;
const set = (name: string, value: string): string => `select set_config('lkp.${name}', '${value}', true)`;

const view = (file: string, looks: readonly string[]): Look => ({
  file: `marts/${file}`,
  from: '',
  settings: SETTINGS,
  ground: PLACED,
  looks,
  asks: [`select ${file.slice(3)}::text as row from ${file.slice(3)} order by 1`],
});

export const PLACED_LOOKS: readonly Look[] = [
  view('25_placed_line', ['', set('customers', '{C,K4}')]),
  view('30_kpi_line', ['', set('reporting_currency', 'USD')]),
  view('35_shown_line', ['', set('from', '2019-05-01')]),
  {
    file: 'marts/months',
    from: '',
    settings: { ...SETTINGS, from: '2020-05-01', to: '2020-07-01' },
    ground: [
      ...PLACED,
      // What was computed before, in these months and on both sides of them.
      `insert into month_cell (issue_month, kpi_month, location_mpn_id, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
       select day::date, day::date, 'L9', 'MOC', 'a', 1, 1, 1, 1, 0, 0 from generate_series(timestamp '2020-04-01', timestamp '2020-07-01', interval '1 month') as day;
       insert into month_control (issue_month, kpi_month, disposition, currency, rows, amount)
       select issue_month, issue_month, 'counted', 'CHF', 1, 1 from month_cell;
       insert into month_built (issue_month, built_no, reporting_currency, lookback)
       select issue_month, 3, 'CHF', 3 from month_cell`,
    ],
    // Nothing is corrected in a month: nothing is asked of the months before.
    looks: ['', 'delete from correction', set('to', '2020-06-01'), set('from', '2020-06-01')],
  },
];
