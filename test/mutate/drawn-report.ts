import { DRAWN } from './drawn-facts.ts';
import type { Look } from './looks.ts';

/*
 * Detail sheets: customer numbers whose spans, and what is known of them, begin and end with the days and changes that are asked
 * for; one line of every kind; rows that were not taken, on both sides of each of these; revisions that know other partners.
 */

const CUSTOMERS = `
  insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select source, number, location, 1, 1, valid_from, valid_to, change_no, ended_no
  from (values ('marketplace', 'K1', 'W1', date '2015-01-01', date '2020-01-10', 3, null), ('marketplace', 'K1', 'W2', '2020-01-10', null, 3, null),
               ('marketplace', 'K2', 'W3', '2015-01-01', '2020-04-30', 3, null), ('marketplace', 'K2', 'W4', '2020-04-30', '2020-05-01', 3, null),
               ('marketplace', 'K2', 'W5', '2020-05-01', null, 3, null), ('marketplace', 'K3', 'W6', '2015-01-01', null, 20, null),
               ('marketplace', 'K4', 'W7', '2015-01-01', null, 21, null), ('marketplace', 'K5', 'W8', '2015-01-01', null, 3, 20),
               ('marketplace', 'K6', 'W9', '2015-01-01', null, 3, 21), ('certification-provider', 'K1', 'W10', '2015-01-01', null, 3, null),
               -- nobody's; and somebody's who is in no table of partners
               ('marketplace', 'K7', 'nowhere', '2015-01-01', null, 3, null), ('marketplace', 'K8', 'X1', '2015-01-01', null, 3, null))
       as spans (source, number, location, valid_from, valid_to, change_no, ended_no)`;

/** A document each: its line is in file 1, in the row of its number. */
export const LINES = `
  delete from rule_weight where kpi_class = 'a';
  insert into rule_weight (rule_set_id, kpi_class, category, weight, per_units, source, sample) select id, 'a', '', 1, 3, 's', false from rule_set;
  insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, change_no)
  values ('S', 'MOC', 'a', 1, 1, 1, '2015-01-01', 3), ('none', 'MOC', '', 1, 1, 2, '2015-01-01', 3);
  insert into rate (currency, rate_date, origin, per_euro, file_id, row_no, change_no)
  select currency, date '2019-03-01' + n, origin, 1.1 + n / 1000.0, 1, n, 3
  from generate_series(1, 500, 5) as n cross join (values ('USD', 'ecb'), ('JPY', 'manual')) as of (currency, origin);
  create temporary table said as
  select *, row_number() over ()::int as n
  from (values ('invoice', date '2019-10-15', 'K1', 'S', 10, 'EUR'), ('invoice', '2020-01-10', 'K1', 'S', 10.5, 'USD'), ('invoice', '2020-01-11', 'K1', 'S', 0, 'EUR'),
               ('invoice', '2020-02-01', 'K2', 'S', 3, 'QQQ'), ('invoice', '2020-02-02', 'K2', 'S', 1.234, 'QQQ'), ('invoice', '2020-02-03', 'K3', 'S', 100, 'JPY'),
               ('credit note', '2019-06-10', 'K1', 'S', 5, 'EUR'), ('invoice', '2019-04-15', 'K1', 'S', 1, 'EUR'), ('invoice', '2019-05-01', 'K1', 'S', 1, 'EUR'),
               ('invoice', '2020-05-10', 'K1', 'S', 1, 'EUR'), ('invoice', '2020-05-31', 'K8', 'S', 1, 'JPY'), ('invoice', '2020-01-20', 'unknown', 'S', 1, 'EUR'),
               ('invoice', '2020-01-20', 'K1', 'unknown', 1.5, 'QQQ'), ('invoice', '2020-01-20', 'K1', 'none', 1, 'EUR'), ('invoice', '2020-01-20', 'K7', 'S', 1, 'EUR'),
               ('invoice', '2020-01-20', 'K8', 'S', 1, 'EUR'), ('invoice', '2020-01-21', 'K1', 'S', 2, 'EUR'),
               -- corrected: before the cycle begins, as it begins, and later
               ('invoice', '2020-03-02', 'K1', 'S', 7, 'EUR'), ('invoice', '2020-03-03', 'K1', 'S', 8, 'EUR'), ('invoice', '2020-03-04', 'K1', 'S', 9, 'EUR'),
               ('corrected invoice', '2020-04-30', 'K1', 'S', 7, 'EUR'), ('corrected invoice', '2020-05-01', 'K1', 'S', 8, 'EUR'), ('corrected invoice', '2020-05-02', 'K1', 'S', 9, 'EUR'))
       as said (class, issue_date, customer_number, sku, amount, currency);
  insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
  select n, 'marketplace', 'S', class, 'N' || n, issue_date, '380', case class when 'credit note' then -1 else 1 end, case class when 'credit note' then -1 else 1 end, 0, true, 1, 3 from said;
  insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
  select n, '1', 1, n, issue_date, customer_number, sku, 2, amount, currency, 3 from said;
  insert into correction (document_id, replaces_id, change_no) select n, n - 3, 3 from said where class = 'corrected invoice';
  insert into quarantine (file_id, row_no, rule, seen, cells, change_no) values (1, 17, 'conflict', 'two', '{}', 3)`;

const NOT_TAKEN = `
  create temporary table held as
  select row_number() over (order by customer_number, issue_date, change_no, ended_no)::int as n, *
  from (values ('K1'), ('K2'), ('K3'), ('K4'), ('K5'), ('K6'), ('K7'), ('K8'), ('K9'), (null)) as numbers (customer_number)
  cross join (values (date '2019-03-31'), ('2019-04-01'), ('2020-01-09'), ('2020-01-10'), ('2020-04-29'), ('2020-04-30'), ('2020-05-01'), (null)) as days (issue_date)
  cross join (values (20, null), (21, null), (3, 20), (3, 21), (3, null)) as known (change_no, ended_no)
  cross join lateral (select (array['EUR', 'JPY', 'QQQ', null])[1 + pick(customer_number || issue_date || change_no, 4)] as currency) as of;
  create temporary table placed as
  select held.*, (array[1, 2, 3, 9])[1 + pick(n || 'file', 4)] as file_id, (array[1.5, 10, null])[1 + pick(n || 'amount', 3)] as amount from held;
  insert into rejection (file_id, row_no, rule, seen, cells, document_number, customer_number, issue_date, currency, amount, change_no, ended_no)
  select file_id, 1000 + n, 'rule', 'seen ' || n, '{}', 'R' || n, customer_number, issue_date, currency, amount, change_no, ended_no from placed;
  insert into set_aside (file_id, row_no, held, rule, seen, by_file_id, by_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no)
  select file_id, 2000 + n, case n % 2 when 0 then 'superseded' else 'rejected' end, 'rule', 'seen ' || n, case n % 3 when 0 then 2 end, case n % 3 when 0 then n end,
         'A' || n, customer_number, issue_date, currency, amount, change_no, ended_no from placed;
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no,
                         document_id, line_no, sku, quantity, net_amount)
  select file_id, 3000 + n, 2, n, 'D' || n, customer_number, issue_date, currency, coalesce(amount, 0), change_no, ended_no, 1, '1', 'S', 1, 1
  from placed where customer_number is not null and issue_date is not null and currency is not null`;

/** A partner each whom only cells, or only levels, of one revision know; and another one, whom locations know too. */
const REVISIONS = `
  insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
  select cycle, revision, 20, '2020-05-01Z', '2020-05-01Z', '2019-05-01', '2020-04-30', 'EUR', 10, 'h'
  from unnest(array['2020-05', '2020-04']) as cycle cross join generate_series(1, 2) as revision;
  insert into snapshot_cell (cycle, revision, partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
  select cycle, revision, partner, partner, '2020-01-01', 'MOC', 'a', 1, 1, 1, 1, 0, 0
  from snapshot cross join lateral (values ('cell of ' || cycle || ' ' || revision), ('X' || case cycle when '2020-05' then revision else revision + 2 end), ('')) as of (partner);
  insert into snapshot_level (cycle, revision, partner_mpn_id, learning_option, competency, anniversary_date, level)
  select cycle, revision, partner, 'Gold', '', '2020-08-01', ''
  from snapshot cross join lateral (values ('level of ' || cycle || ' ' || revision), ('X' || case cycle when '2020-05' then revision else revision + 2 end + 4)) as of (partner)`;

const some = (partner: string, share: number, shares: number): string =>
  `select set_config('lkp.partner', '${partner}', true), set_config('lkp.share', '${share}', true), set_config('lkp.shares', '${shares}', true)`;

export const REPORT_LOOKS: readonly Look[] = [
  {
    file: 'marts/report',
    settings: {
      ...DRAWN,
      revision: 1,
      partner: '',
      share: 1,
      shares: 1,
      from: '2019-04-01',
      to: '2020-06-01',
    },
    ground: [CUSTOMERS, LINES, NOT_TAKEN, REVISIONS],
    // The rows of nobody are in the second of two shares by their hash, and are wanted in none.
    looks: ['', some('', 1, 2), some('', 2, 2), some('W2', 1, 1), some('W40', 1, 1), some('nobody', 1, 1)],
  },
  {
    file: 'marts/side_lines',
    first: ['marts/changes_begin'],
    settings: { ...DRAWN, side: 'before', from: '2019-04-01', to: '2020-06-01' },
    ground: [CUSTOMERS, LINES],
    looks: [''],
  },
];
