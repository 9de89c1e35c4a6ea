import { bought, CLAIM, WORLD } from './drawn-claims.ts';
import type { Look } from './looks.ts';

/* Why the report does not show a row, whose it is and what it would be worth: one row for each thing that is asked of it. */

/** Numbers of P: C100, K500 (of the other source), V200 for a month, W300 on the window's last day. R001 is Q's, T900 nobody's. */
const BUYERS = bought(
  `('m', 'C100', 'L1', null::date, '2019-01-01'::date, null::bigint), ('m', 'C100', 'L1', '2019-01-01', null, null), ('c', 'K500', 'L1', null, null, null), ('m', 'OLD1', 'L1', null, null, 5),
   ('m', 'V200', 'L1', '2020-01-01', '2020-02-01', null), ('m', 'W300', 'L1', '2020-04-30', '2020-05-01', null), ('m', 'W301', 'L1', null, '2020-04-30', null), ('m', 'W302', 'L1', '2020-05-01', null, null),
   ('c', 'X400', 'L1', null, null, null), ('m', 'R001', 'L2', null, null, null), ('m', 'T900', 'L3', null, null, null)`,
);

/** Rows of the file 1 or 2 by what they are about; those from 100 on are held as they say, the others are rejected. */
const ROWS = `
  create temporary table asked_row on commit drop as
  select 'A' || row as invoice_key, file as file_id, row as row_no, 'A' || row as number, day::date as issue_date, 'invoice' as class, '380' as type_code, customer as customer_number, sku,
         2::numeric as quantity, currency, 10::numeric as amount, row >= 100 as is_line
  from (values
    -- alike, twice; transposed; alike to a number of the other source, of before, of another partner
    (1, 1, '2020-01-10', 'C1OO', null, 'EUR'), (1, 2, '2020-01-10', 'C1OO', null, 'USD'), (1, 3, '2020-01-10', 'C010', null, null), (2, 3, '2020-01-10', 'C1OO', null, null),
    (1, 4, '2020-01-10', 'KS00', null, 'EUR'), (2, 4, '2020-01-10', 'KS00', null, 'EUR'), (1, 5, '2020-01-10', 'OLDI', null, 'EUR'), (1, 6, '2020-01-10', 'ROO1', null, 'EUR'),
    -- within its month, and just not; without a day
    (1, 10, '2019-12-31', 'V200', null, 'EUR'), (1, 11, '2020-01-01', 'V200', null, 'EUR'), (1, 12, '2020-01-31', 'V200', null, 'EUR'), (1, 13, '2020-02-01', 'V200', null, 'EUR'), (1, 14, null, 'V200', null, 'EUR'),
    (1, 15, null, 'W300', null, 'EUR'), (1, 16, null, 'W301', null, 'EUR'), (1, 17, null, 'W302', null, 'EUR'),
    -- of the other source, of before, another partner's, of a location that is nobody's, without a number
    (1, 20, '2020-01-10', 'X400', null, 'EUR'), (1, 21, '2020-01-10', 'OLD1', null, 'EUR'), (1, 22, '2020-01-10', 'R001', null, 'EUR'), (1, 23, '2020-01-10', 'T900', null, 'EUR'), (1, 24, '2020-01-10', null, null, 'EUR'),
    -- its product: of a month, and just not; no longer said
    (1, 30, '2019-12-31', 'C100', 'S2', 'EUR'), (1, 31, '2020-01-01', 'C100', 'S2', 'EUR'), (1, 32, '2020-01-31', 'C100', 'S2', 'USD'), (1, 33, '2020-02-01', 'C100', 'S2', 'EUR'), (1, 34, '2020-02-01', 'C100', 'S1', 'EUR'),
    -- of files that were withdrawn
    (3, 40, '2020-01-10', 'C100', null, 'EUR'), (4, 40, '2020-01-10', 'C100', null, 'EUR')) as given (file, row, day, customer, sku, currency)
  union all
  select key, file, row, key, date '2020-01-10', 'invoice', '380', case file when 1 then 'C100' else 'K500' end, 'S', 2, 'EUR', 10, true
  from (select 'A' || row as key, file, row from generate_series(100, 121) as row cross join generate_series(1, 2) as file) as given (key, file, row)`;

/** Where rows of number 100 to 121 are held: in file 1 and, where it says so, only in file 2. */
const HELD = `
  insert into rejection (file_id, row_no, rule, seen, cells, change_no, ended_no)
  select file_id, row_no, 'at fault', 'seen ' || row_no, '{}'::text[], 3, null::bigint from asked_row where row_no < 40
  union all
  select file, row, rule, 'so', '{}', 3, ended_no
  from (values (1, 102, 'at fault', null::bigint), (1, 103, 'at fault', null), (2, 104, 'cell-without-value', null), (1, 105, 'at fault', 4), (1, 900, 'at fault', null)) as given (file, row, rule, ended_no);
  insert into set_aside (file_id, row_no, held, rule, seen, by_file_id, by_row_no, change_no, ended_no)
  values (2, 102, 'superseded', 'row-corrected', null, 1, 7, 3, null), (1, 103, 'superseded', 'row-corrected', null, 1, 7, 3, 4), (1, 901, 'rejected', 'refused-by-decision', 'nobody asks', null, null, 3, null),
         (1, 110, 'rejected', 'refused-by-decision', 'a person', null, null, 3, null), (1, 111, 'superseded', 'other-version-picked', 'v', 2, 8, 3, null);
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no, document_id, line_no, sku, quantity, net_amount)
  select file, row, of, 9, 'N', 'C', '2020-01-10', 'EUR', 1, 3, ended_no, 1, '1', 'S', 1, 1
  from (values (1, 104, 2, null::bigint), (1, 105, 2, null), (2, 106, 1, null), (1, 107, 2, 4), (1, 902, 2, null), (1, 112, 1, null)) as given (file, row, of, ended_no);
  create temporary table asked_worth on commit drop as select shown_line.* from shown_line limit 0;
  insert into asked_worth (file_id, row_no, shows, rule, seen, issue_month, kpi_month, corrected_by, omlp_type, units, weight, kpi_value, revenue, rate, rate_date, location_mpn_id)
  select file, row, shows, 'rule of ' || file, 'seen of ' || file, date '2020-04-01', date '2020-03-01', 'by ' || file, 'MOC ' || row, 1.50, 2.0, 3.00, file, 0.123456789, date '2020-01-09', 'L1'
  from (values (2, 100, 'counted'), (1, 106, 'counted'), (1, 107, 'reversal'), (1, 108, 'unmapped'), (2, 108, 'unmapped'), (1, 113, 'not-yet-visible'), (1, 114, 'outside-window'), (1, 115, 'superseded'),
               (1, 116, 'quarantined'), (1, 903, 'counted')) as given (file, row, shows);
  insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  values ('S1', 'Was', 'a', 7, 5, 1, '2015-01-01', null, 3, 4), ('S2', 'Month', 'a', 5, 5, 1, '2020-01-01', '2020-02-01', 3, null), ('S', 'MOC', 'a', 1, 5, 1, '2015-01-01', null, 3, null)`;

export const HIDDEN_LOOKS: readonly Look[] = [
  {
    file: 'marts/reconcile_hidden',
    from: '',
    settings: CLAIM,
    ground: [WORLD, BUYERS, ROWS, HELD],
    looks: [''],
  },
];
