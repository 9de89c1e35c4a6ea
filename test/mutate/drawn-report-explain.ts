import type { Look } from './looks.ts';

/*
 * Rows issued on 1 May 2020, one for each thing that can become of a row, beside rows of other files, documents and days that
 * must not be taken for them. Spans of customers, locations and rule sets begin and end with the days that are asked for.
 */

const REFERENCE = `
  update change set reason = null where no = 15;
  insert into rule_set (id, name, sha256, title, basis, valid_from, valid_to, body, change_no, ended_no, year_from, year_to) overriding system value
  values (19, 'ended', 's19', 't', 'sample', '2020-05-01', null, '', 3, 10, '1991-01-01', '1992-01-01');
  delete from rule_weight where kpi_class = 'a';
  insert into rule_weight (rule_set_id, kpi_class, category, weight, source, sample) select id, 'a', '', 1, 's', false from rule_set;
  insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, change_no)
  values ('S', 'MOC', 'a', 1, 1, 1, '2015-01-01', 3), ('none', 'MOC', '', 1, 1, 2, '2015-01-01', 3);
  insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select source, number, location, 1, 1, valid_from, valid_to, 3, ended_no
  from (values ('marketplace', 'K1', 'W1', date '2015-01-01', date '2020-05-01', null), ('marketplace', 'K1', 'W2', '2020-05-01', '2020-05-02', null),
               ('marketplace', 'K1', 'W3', '2020-05-02', null, null), ('marketplace', 'K1', 'W4', '2015-01-01', null, 20),
               ('marketplace', 'K2', 'M', '2015-01-01', null, null), ('marketplace', 'KI', 'W1', '2015-01-01', null, null),
               ('certification-provider', 'K1', 'W5', '2015-01-01', null, null),
               -- what AB100 may have been meant for, and not
               ('marketplace', 'ABLOO', 'W1', '2015-01-01', '2016-01-01', null), ('marketplace', 'ABLOO', 'W1', '2016-01-01', null, null),
               ('marketplace', 'BA100', 'W1', '2015-01-01', null, null), ('marketplace', 'AB100', 'W1', '2021-01-01', null, null),
               ('marketplace', 'A810O', 'W1', '2015-01-01', null, 20), ('certification-provider', 'A8100', 'W1', '2015-01-01', null, null),
               ('marketplace', 'ZZ999', 'W1', '2015-01-01', null, null))
       as spans (source, number, location, valid_from, valid_to, ended_no);
  insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  values ('M', 'W11', 'DE', 1, 1, '2015-01-01', '2020-04-30', 3, null), ('M', 'W12', 'DE', 1, 1, '2020-04-30', '2020-05-01', 3, null),
         ('M', 'W13', 'DE', 1, 1, '2020-05-01', null, 3, null), ('M', 'W14', 'DE', 1, 1, '2015-01-01', null, 3, 20);
  insert into partner (mpn_id, name, country, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  values ('W2', 'a later name that was taken back', 'DE', 1, 1, '2019-01-01', null, 3, 20)`;

const ROWS = `
  create temporary table said as
  select file_id, row_no, nth, class, issue_date, customer_number, sku, change_no, ended_no, row_no + 100 * nth as document_id
  from (values (1, 1, 0, 'invoice', date '2020-05-01', 'K1', 'S', 20, null), (1, 2, 0, 'invoice', '2020-05-01', 'K2', 'S', 3, null),
               -- the same row of another document and day
               (1, 3, 1, 'invoice', '2020-04-01', 'K2', 'S', 3, null), (1, 3, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, null),
               -- of another file
               (2, 1, 2, 'invoice', '2020-05-01', 'K2', 'S', 3, null), (2, 2, 2, 'invoice', '2020-05-01', 'K2', 'S', 3, null),
               -- rejected once, and said again once: lines since
               (1, 5, 0, 'invoice', '2020-05-01', 'K1', 'S', 20, null), (1, 8, 0, 'invoice', '2020-05-01', 'K1', 'S', 20, null),
               -- set aside, by a row and by a person, and once
               (1, 10, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, 20), (1, 11, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, 20), (1, 12, 0, 'invoice', '2020-05-01', 'K1', 'S', 20, null),
               (7, 15, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, 15), (8, 16, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, 30),
               (1, 17, 0, 'invoice', '2020-05-01', 'AB100', 'S', 3, null), (1, 18, 0, 'invoice', '2020-05-01', 'K1', 'none', 3, null),
               (1, 19, 0, 'credit note', '2020-05-01', 'K1', 'S', 3, null), (1, 20, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, null),
               (1, 21, 0, 'corrected invoice', '2020-05-01', 'K1', 'S', 3, null), (1, 22, 0, 'invoice', '2020-05-01', 'K1', 'S', 3, null),
               (1, 23, 0, 'corrected invoice', '2020-05-01', 'K1', 'S', 3, null))
       as said (file_id, row_no, nth, class, issue_date, customer_number, sku, change_no, ended_no);
  insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
  select document_id, 'marketplace', 'S', class, 'N' || document_id, issue_date, '380', case class when 'credit note' then -1 else 1 end, case class when 'credit note' then -1 else 1 end, 0, true, file_id, 3
  from said
  union all select 4, 'marketplace', 'S', 'invoice', 'N4', '2020-05-01', '380', 1, 1, 0, true, 1, 3
  union all select 9, 'marketplace', 'S', 'invoice', 'N9', '2020-05-01', '380', 1, 1, 0, true, 1, 3;
  insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no, ended_no)
  select document_id, '1', 0, file_id, row_no, issue_date, customer_number, sku, 2, 10.50, 'EUR', change_no, ended_no from said
  -- taken back and said again by the same row
  union all select 4, '1', 0, 1, 4, '2020-05-01', 'K1', 'S', 2, 10, 'EUR', 3, 20 union all select 4, '1', 1, 1, 4, '2020-05-01', 'K1', 'S', 2, 10, 'EUR', 21, null
  -- more lines of an invoice
  union all select 2, '2', 0, 1, 30, '2020-05-01', 'K1', 'S', 2, 10, 'EUR', 22, null union all select 2, '3', 0, 3, 2, '2020-05-01', 'K1', 'S', 2, 10, 'EUR', 23, null;
  insert into correction (document_id, replaces_id, change_no) values (21, 20, 3), (23, 22, 3);
  insert into quarantine (file_id, row_no, rule, seen, cells, change_no) values (1, 22, 'conflict', 'two', '{}', 3);
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no,
                         document_id, line_no, sku, quantity, net_amount)
  select file_id, row_no, of_file_id, 1, 'N', 'K1', '2020-05-01', 'EUR', 1, change_no, ended_no, document_id, '1', 'S', 1, 1
  from (values (1, 8, 3, 10, 20, 8), (2, 9, 4, 10, null, 1), (1, 9, 2, 10, null, 9), (1, 50, 5, 10, null, 1)) as again (file_id, row_no, of_file_id, change_no, ended_no, document_id);
  insert into rejection (file_id, row_no, rule, seen, cells, document_number, customer_number, issue_date, currency, amount, change_no, ended_no)
  select file_id, row_no, 'rule ' || change_no, 'seen of ' || file_id, '{}', 'R' || row_no, 'K1', '2020-05-01', 'EUR', 7, change_no, ended_no
  from (values (1, 5, 10, 20), (1, 6, 10, 12), (1, 6, 12, null), (2, 6, 12, null), (1, 7, 20, null), (2, 7, 20, null), (2, 5, 30, null)) as not_taken (file_id, row_no, change_no, ended_no);
  insert into set_aside (file_id, row_no, held, rule, seen, by_file_id, by_row_no, change_no, ended_no)
  select file_id, row_no, held, 'rule of ' || file_id || ' ' || row_no, 'seen', by_file_id, case when by_file_id is not null then 70 + row_no end, change_no, ended_no
  from (values (1, 10, 'superseded', 2, 20, null), (1, 11, 'rejected', null, 20, null), (1, 12, 'superseded', 3, 10, 20), (2, 10, 'superseded', 4, 20, null),
               (2, 1, 'rejected', null, 20, null)) as aside (file_id, row_no, held, by_file_id, change_no, ended_no);
  insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
  select cycle, revision, 18 + revision, '2020-05-01Z', '2020-05-01Z', '2019-05-01', '2020-04-30', 'EUR', 10, 'h'
  from unnest(array['2020-05', '2020-06', '2021-05', '2021-06']) as cycle cross join generate_series(1, 3) as revision;
  create temporary table asked as
  select file_id, row_no from said where issue_date = '2020-05-01' and (nth = 0 or row_no = 1)
  union values (1, 4), (1, 6), (1, 7), (1, 9), (2, 7)`;

export const EXPLAIN_LOOKS: readonly Look[] = [
  {
    file: 'marts/explain',
    settings: {
      cutoff: 60,
      from: '2020-05-01',
      to: '2020-05-02',
      lookback: 10,
      reporting_currency: 'EUR',
      window_to: '2020-04-30',
    },
    ground: [REFERENCE, ROWS],
    looks: [
      '',
      // As rows that cannot be dated.
      `select set_config('lkp.from', 'infinity', true), set_config('lkp.to', 'infinity', true)`,
      // The next rule set begins on the next day.
      `update rule_set set valid_to = '2020-05-02' where id = 17;
       insert into rule_set (id, name, sha256, title, basis, valid_from, valid_to, body, change_no, year_from, year_to) overriding system value
       values (20, 'next', 's20', 't', 'sample', '2020-05-02', null, '', 3, '1980-01-01', '1981-01-01')`,
    ],
  },
];
