import { DRAWN } from './drawn-facts.ts';
import type { Look } from './looks.ts';

/* What an answer to a claim reads: the lines of the report, and every row under an invoice number that was claimed. */

export const CLAIM = {
  ...DRAWN,
  revision: 1,
  partner: 'P',
  from: '2019-04-01',
  to: '2020-05-01',
} as const;

/** P has L1, Q has L2; L3 is nobody's. File 5 is no invoices. */
export const WORLD = `
  insert into change (no, known_at, kind, actor, reason)
  select no, timestamptz '2020-05-01 00:00Z', 'ingest', 'somebody', case no when 12 then null else 'why ' || no end from generate_series(3, 20) as no;
  insert into file (id, sha256, kind, name, bytes, format, profile, profile_hash, source, physical_rows, blank_rows, preamble_rows, lines_in, change_no, ended_no) overriding system value
  select id, id, case id when 5 then 'customers' else 'invoices' end, 'file-' || id, 1, 'csv', 'p', 'p', case id when 2 then 'certification-provider' else 'marketplace' end, 1, 0, 0, 1, 3,
         case id when 3 then 12 when 4 then 13 end
  from generate_series(1, 5) as id;
  insert into location (location_mpn_id, partner_mpn_id, country, file_id, row_no, valid_from, change_no)
  values ('L1', 'P', 'DE', 5, 1, '2015-01-01', 3), ('L2', 'Q', 'DE', 5, 2, '2015-01-01', 3)`;
export const bought = (rows: string): string => `
  insert into customer (source, customer_number, location_mpn_id, file_id, row_no, valid_from, valid_to, change_no, ended_no)
  select case source when 'm' then 'marketplace' else 'certification-provider' end, number, location, 5, 1, coalesce(valid_from, '2015-01-01'), valid_to, 3, ended_no
  from (values ${rows}) as given (source, number, location, valid_from, valid_to, ended_no)`;
/** Documents of one line each: number, day, class, customer number, SKU, amount, currency, file, row. Its id is the place. */
const lines = (rows: string): string => `
  create temporary table said on commit drop as
  select row_number() over ()::int as id, given.* from (values ${rows}) as given (number, day, class, customer, sku, amount, currency, file, row);
  insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
  select id, case file when 2 then 'certification-provider' else 'marketplace' end, 'S', class, number, day::date, '380', case class when 'credit note' then -1 else 1 end,
         case class when 'credit note' then -1 else 1 end, 0, true, file, 3 from said;
  insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
  select id, '1', file, row, day::date, customer, sku, 2, amount, currency, 3 from said`;
const RULES = `
  delete from rule_waiver; delete from rule_competency; delete from rule_tier; delete from rule_requirement; delete from rule_weight; delete from rule_set;
  insert into rule_set (id, name, sha256, title, basis, valid_from, body, change_no, year_from) overriding system value values (1, 'r', 's', 't', 'sample', '2015-01-01', '', 3, '2015-01-01');
  insert into rule_weight (rule_set_id, kpi_class, category, weight, source, sample) values (1, 'a', '', 3, 's', false);
  insert into product (sku, omlp_type, kpi_class, units_per_sku, file_id, row_no, valid_from, change_no) values ('S', 'MOC', 'a', 1, 5, 1, '2015-01-01', 3)`;
const BUYERS = bought(
  `('m', 'C1', 'L1', null::date, null::date, null::bigint), ('m', 'C2', 'L1', null, '2020-01-01', null), ('m', 'C2', 'L2', '2020-01-01', null, null),
   ('m', 'C3', 'L2', null, null, null), ('m', 'C4', 'L3', null, null, null), ('c', 'C1', 'L2', null, null, null)`,
);

const cell = (more: string): string =>
  `insert into snapshot_cell (cycle, revision, partner_mpn_id, location_mpn_id, kpi_month, omlp_type, kpi_class, lines, units, kpi_value, revenue, zero_lines, no_rate_lines)
   select cycle, revision, partner, location, month::date, type, 'a', lines, lines, kpi, revenue, 0, 0 from (values ${more}) as given (cycle, revision, partner, location, month, type, lines, kpi, revenue)`;

const OURS: Look = {
  file: 'marts/reconcile_ours',
  from: '',
  settings: CLAIM,
  ground: [
    `${WORLD}; ${RULES}; ${BUYERS};
     ${lines(
       `('A1', '2020-01-10', 'invoice', 'C1', 'S', 10, 'EUR', 1, 1), ('A2', '2020-01-11', 'invoice', 'C1', 'S', 20, 'EUR', 1, 2),
        -- another partner's, whose number led here once; a line of that time; nobody's
        ('A3', '2020-02-10', 'invoice', 'C2', 'S', 40, 'EUR', 1, 3), ('A4', '2019-12-10', 'invoice', 'C2', 'S', 50, 'EUR', 1, 4), ('A5', '2020-02-10', 'invoice', 'C4', 'S', 60, 'EUR', 1, 5),
        -- its number is claimed, in another month; neither of the two
        ('A6', '2019-11-10', 'invoice', 'C1', 'S', 70, 'EUR', 1, 6), ('A7', '2019-10-10', 'invoice', 'C1', 'S', 80, 'EUR', 1, 7),
        -- no rate is known; it takes back; its product is not known; before the window
        ('A8', '2020-03-10', 'invoice', 'C1', 'S', 90, 'USD', 1, 8), ('A9', '2020-02-10', 'credit note', 'C1', 'S', 5, 'EUR', 1, 9), ('A10', '2020-02-10', 'invoice', 'C1', 'X', 7, 'EUR', 1, 10),
        ('A11', '2019-04-10', 'invoice', 'C1', 'S', 10, 'EUR', 1, 11)`,
     )};
     create temporary table claimed on commit drop as
     select * from (values (1, '2020-01', 'A1', 'MOC'), (2, '2020-01', 'A2', 'MOC'), (3, '2020-02', 'A6', 'MOC'), (4, '2020-03', '', 'MOC'), (5, '2020-04', 'A11', 'MOC')) as given (at, month, invoice_key, type_key);
     insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
     select cycle, revision, 20, now(), now(), '2019-05-01', '2020-04-30', 'EUR', 10, '' from (values ('2020-05', 1), ('2020-05', 2), ('2020-06', 1)) as made (cycle, revision);
     ${cell(
       `('2020-05', 1, 'P', 'L1', '2020-01-01', 'MOC', 2, 12, 30), ('2020-05', 1, 'P', 'L1', '2020-02-01', 'MOC', 1, -6, -5), ('2020-05', 1, 'P', 'L1', '2020-03-01', 'MOC', 1, 6, 0),
        ('2020-05', 2, 'P', 'L1', '2020-01-01', 'MOC', 1, 1, 1), ('2020-06', 1, 'P', 'L1', '2020-01-01', 'MOC', 1, 1, 1), ('2020-05', 1, 'Q', 'L2', '2020-02-01', 'MOC', 1, 6, 40)`,
     )}`,
  ],
  looks: [
    '',
    // One figure alone is another one; a month of which nothing is shown.
    ...['1, 0, 0', '0, 1, 0', '0, 0, 1'].map((figures) =>
      cell(`('2020-05', 1, 'P', 'L1', '2020-01-01', 'Exam', ${figures})`),
    ),
    cell(`('2020-05', 1, 'P', 'L1', '2020-04-01', 'MOC', 0, 0, 0)`),
  ],
};

/** Rows under four numbers: one as it stands, one that begins as a word before a number does, and two written otherwise. */
const ASKED = `
  ${WORLD}; ${RULES}; ${BUYERS};
  ${lines(
    `('A1', '2020-01-01', 'invoice', 'C1', 'S', 10, 'EUR', 1, 1), ('A1', '2020-01-31', 'credit note', 'C3', 'S', 20, 'EUR', 1, 2), ('NORD7', '2020-02-01', 'invoice', 'C2', 'S', 30, 'EUR', 1, 3),
     ('INV-42', '2020-02-29', 'credit note', 'C4', 'S', 40, 'EUR', 1, 4), ('No. 43', '2020-03-01', 'invoice', 'C1', 'S', 50, 'EUR', 1, 5),
     -- the report shows it; not asked for, under two kinds of number
     ('A1', '2020-03-31', 'invoice', 'C1', 'S', 60, 'EUR', 1, 6), ('A2', '2020-01-02', 'invoice', 'C1', 'S', 70, 'EUR', 1, 7), ('No. 44', '2020-01-02', 'invoice', 'C1', 'S', 80, 'EUR', 1, 8),
     -- rows of the same number in other files, one of them of the same invoice
     ('A1', '2020-03-30', 'invoice', 'C1', 'S', 65, 'EUR', 2, 6),
     ('A2', '2020-01-03', 'invoice', 'C1', 'S', 90, 'EUR', 2, 1), ('A2', '2020-01-04', 'invoice', 'C3', 'S', 95, 'EUR', 4, 2)`,
  )};
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, document_id, line_no, sku, quantity, net_amount)
  select 2, id + 100, file, row, number, customer, day::date, currency, amount, 3, id, '1', sku, 2, amount from said;
  -- under each number in a file of invoices and in one of customers
  insert into rejection (file_id, row_no, rule, cells, document_number, customer_number, issue_date, currency, amount, change_no)
  select file, 200 + nth, 'at fault', '{}', number, 'C1', case when nth > 2 then date '2020-01-15' end, 'EUR', 1, 3
  from unnest(array['a1', 'INV 42', 'A2', null]) with ordinality as numbers (number, nth) cross join unnest(array[1, 5]) as file;
  insert into set_aside (file_id, row_no, held, rule, document_number, customer_number, issue_date, currency, amount, change_no)
  values (1, 1, 'superseded', 'row-corrected', 'A1', 'C1', '2020-01-01', 'EUR', 10, 3), (1, 301, 'superseded', 'row-corrected', '#42', 'C1', '2020-01-01', 'EUR', 10, 3),
         (1, 302, 'superseded', 'row-corrected', 'A2', 'C1', '2020-01-01', 'EUR', 10, 3);
  create temporary table asked_key on commit drop as select unnest(array['A1', 'NORD7', '42', '43']) as invoice_key;
  create temporary table ours on commit drop as select 1 as file_id, 6 as row_no`;

export const CLAIM_LOOKS: readonly Look[] = [
  OURS,
  { file: 'marts/reconcile_asked', from: '', settings: CLAIM, ground: [ASKED], looks: [''] },
  {
    file: 'marts/reconcile_worth',
    from: '',
    facts: ASKED,
    first: ['marts/reconcile_asked'],
    settings: CLAIM,
    ground: [],
    looks: [
      ['2020-01-01', '2020-02-01'],
      ['2020-02-01', '2020-04-01'],
      ['2020-04-01', '2020-05-01'],
    ].map(
      ([from, to]) => `select set_config('lkp.from', '${from}', true), set_config('lkp.to', '${to}', true)`,
    ),
  },
];
