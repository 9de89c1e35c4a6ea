import type { Look } from './looks.ts';

/*
 * What the views ask of a row: one that just fits, and one that just does not. Known at change 20: a row that came with it, one
 * that came a change later, one that ended with it, and one that ended a change later.
 */

export const KNOWN = `(values (1, 20, null), (2, 21, null), (3, 3, 20), (4, 3, 21)) as known (how, change_no, ended_no)`;

/** Rule sets in force one behind the other, on ten days of a month each: the first four on each of KNOWN, then one of the other policies, then one without an end. */
export const RULES = `
  insert into change (no, known_at, kind, actor)
  select no, timestamptz '2020-05-01 00:00Z' + no * interval '1 minute', 'load', 'somebody' from generate_series(3, 30) as no;
  delete from rule_waiver; delete from rule_competency; delete from rule_tier; delete from rule_requirement; delete from rule_weight; delete from rule_set;
  insert into file (id, sha256, kind, name, bytes, format, profile, profile_hash, physical_rows, blank_rows, preamble_rows, lines_in, change_no) overriding system value
  select id, 'sha' || id, 'invoices', 'file-' || id, 1, 'csv', 'p', 'p', 1, 0, 0, 1, 3 from generate_series(1, 3) as id;
  insert into rule_set (id, name, sha256, title, basis, valid_from, valid_to, year_from, year_to, body, change_no, ended_no, zero_amount, credit_month, rate_day) overriding system value
  select how, 'rules ' || how, 's', 't', 'sample', begins, ends, begins, ends, '', change_no, ended_no,
         case how when 5 then 'units' else 'nothing' end, case how when 5 then 'own' else 'original' end, case how when 5 then 'issue-date' else 'month-end' end
  from (select * from ${KNOWN} union all values (5, 3, null::int), (6, 3, null)) as all_of_them
  cross join lateral (select (date '2019-12-10' + how * interval '1 month')::date as begins) as beginning
  cross join lateral (select case when how < 6 then begins + 10 end as ends) as ending;
  insert into rule_weight (rule_set_id, kpi_class, category, weight, per_units, source, sample)
  select id, class, 'category ' || class, 2, case class when 'd' then 3 else 1 end, 'source', false from rule_set cross join unnest(array['a', 'd']) as class;`;

/** Documents of [id, class, number, day, number referred to, seller, source]. */
export const documents = (rows: string): string => `
  insert into document (id, class, number, issue_date, reference_number, seller, source, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
  select id, case class when 'i' then 'invoice' when 'c' then 'credit note' else 'corrected invoice' end, number, issued::date, reference, seller, source,
         '380', case class when 'c' then -1 else 1 end, case class when 'c' then -1 else 1 end, 0, true, 1, 3
  from (values ${rows}) as made (id, class, number, issued, reference, seller, source);`;

const M = `'S', 'marketplace'`;
/** What lets one stand on its own, by a person, on each of KNOWN: of documents `first` + 1 to `first` + 4. */
const decided = (first: number, verdict: string): string => `
  insert into decision (document_id, verdict, change_no, ended_no) select ${first} + how, '${verdict}', change_no, ended_no from ${KNOWN};`;

const CREDITS = [
  RULES,
  documents(`
    (1, 'i', 'plain', '2019-11-05', null, ${M}), (2, 'i', 'twice', '2019-10-05', null, ${M}), (3, 'i', 'twice', '2019-10-25', null, ${M}),
    (4, 'i', 'two months', '2019-10-05', null, ${M}), (5, 'i', 'two months', '2019-09-05', null, ${M}),
    (6, 'i', 'of that day', '2020-06-20', null, ${M}), (7, 'i', 'younger', '2020-06-21', null, ${M}),
    (8, 'c', 'a credit', '2019-08-05', null, ${M}), (9, 'i', 'seller', '2019-08-05', null, 'another', 'marketplace'),
    (10, 'i', 'source', '2019-08-05', null, 'S', 'certification-provider'), (11, 'i', 'no line', '2019-08-05', null, ${M}),
    (12, 'x', 'replaces', '2020-06-01', 'plain', ${M}), (13, 'x', 'replaces too', '2020-06-01', 'replaces', ${M}),
    (14, 'x', 'alone', '2020-06-02', 'nowhere', ${M}), (15, 'x', 'file', '2020-06-02', 'nowhere', ${M}), (16, 'x', 'refused', '2020-06-02', 'nowhere', ${M})`),
  // Documents of KNOWN: those whose lines do (21 to 24), 384s that a person lets stand (31 to 34), credits that a person lets have their own month (41 to 44).
  `insert into document select id, source, seller, class, 'line ' || id, issue_date, type_code, unit_sign, amount_sign, treatment, null, numbered, file_id, change_no
   from (select 20 + how as id from ${KNOWN}) as hows cross join (select source, seller, class, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no from document where document.id = 1) as like_it;
   insert into document select id, source, seller, class, 'stands ' || id, issue_date, type_code, unit_sign, amount_sign, treatment, 'nowhere', numbered, file_id, change_no
   from (select 30 + how as id from ${KNOWN}) as hows cross join (select source, seller, class, issue_date, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no from document where document.id = 14) as like_it;
   insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no, ended_no)
   select id, '1', 0, 1, id, issue_date, 'C', 'P', 1, 1, 'EUR', coalesce(known.change_no, 3), ended_no
   from document left join ${KNOWN} on 20 + how = id where number <> 'no line';`,
  decided(30, 'counts'),
  `insert into decision (document_id, file_id, row_no, verdict, change_no) values (15, 1, 1, 'counts', 3), (8, null, null, 'counts', 3), (16, null, null, 'rejected', 3);
   insert into correction (document_id, replaces_id, change_no, ended_no) values (12, 1, 3, null), (13, 12, 3, null);
   -- one credit for each of those numbers; and one to the plain invoice on the borders of each rule set
   insert into document (id, class, number, issue_date, reference_number, seller, source, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
   select 100 + row_number() over (order by number), 'credit note', 'credit to ' || number, '2020-06-20', number, 'S', 'marketplace', '381', -1, -1, 0, true, 1, 3
   from (select distinct number from document union values ('nowhere'), ('')) as numbers;
   insert into document (id, class, number, issue_date, reference_number, seller, source, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
   select 200 + row_number() over (order by day), 'credit note', 'credit on ' || day, day, 'plain', 'S', 'marketplace', '381', -1, -1, 0, true, 1, 3
   from rule_set cross join unnest(array[-1, 0, 9, 10]) as after cross join lateral (select valid_from + after as day) as on_day;
   insert into document (id, class, number, issue_date, reference_number, seller, source, type_code, unit_sign, amount_sign, treatment, numbered, file_id, change_no)
   select 40 + nth, 'credit note', 'credit ' || nth, '2020-06-20', case when nth < 6 then 'plain' end, 'S', 'marketplace', '381', -1, -1, 0, true, 1, 3 from generate_series(1, 6) as nth;
   insert into decision (document_id, verdict, change_no) values (45, 'counts', 3);`,
  decided(40, 'own-month'),
];

/** An original for each credit, in a year of its own: a pair that should not be there is another one. */
const FOLLOWED = [
  RULES,
  documents(`
    (1, 'i', 'before', '2001-01-15', null, ${M}), (2, 'c', 'K1', '2020-01-09', 'before', ${M}),
    (3, 'i', 'first day', '2002-01-15', null, ${M}), (4, 'c', 'K2', '2020-01-10', 'first day', ${M}),
    (5, 'i', 'last day', '2003-01-15', null, ${M}), (6, 'c', 'K3', '2020-01-19', 'last day', ${M}),
    (7, 'i', 'too late', '2004-01-15', null, ${M}), (8, 'c', 'K4', '2020-01-20', 'too late', ${M}),
    (9, 'i', 'other rules', '2005-01-15', null, ${M}), (10, 'c', 'K5', '2020-05-15', 'other rules', ${M}),
    (11, 'i', 'seller', '2006-01-15', null, 'another', 'marketplace'), (12, 'c', 'K6', '2020-07-01', 'seller', ${M}),
    (13, 'i', 'source', '2007-01-15', null, 'S', 'certification-provider'), (14, 'c', 'K7', '2020-08-01', 'source', ${M}),
    (15, 'c', 'a credit', '2008-01-15', null, ${M}), (16, 'c', 'K8', '2020-09-01', 'a credit', ${M}),
    (17, 'i', 'that day', '2020-10-05', null, ${M}), (18, 'c', 'K9', '2020-10-05', 'that day', ${M}),
    (19, 'i', 'younger', '2021-12-01', null, ${M}), (20, 'c', 'K10', '2020-11-01', 'younger', ${M}),
    (21, 'i', 'no credit', '2020-12-01', 'first day', ${M}),
    (22, 'x', 'corrects', '2002-01-20', 'long ago', ${M}), (23, 'i', 'long ago', '1995-01-15', null, ${M}),
    (24, 'x', 'corrects another', '2002-02-20', 'long before', ${M}), (25, 'i', 'long before', '1996-01-15', null, ${M})`),
  `insert into correction (document_id, replaces_id, change_no, ended_no) values (22, 23, 3, null), (24, 25, 30, null)`,
];

const view = (
  file: string,
  ground: readonly string[],
  settings: Look['settings'],
  looks: readonly string[] = [''],
): Look => {
  const name = file.slice(3);
  return {
    file: `marts/${file}`,
    from: '',
    settings: { cutoff: 20, ...settings },
    ground,
    looks,
    asks: [`select ${name}::text as row from ${name} order by 1`],
  };
};
const HALF_YEAR = { from: '2020-01-01', to: '2020-07-01' };

export const VIEW_LOOKS: readonly Look[] = [
  view(
    '10_day_rate',
    [
      RULES,
      // B is just young enough on the first day, C too old; of E only the next month has one; F has two of one day, G a next one.
      `insert into rate (currency, rate_date, origin, per_euro, file_id, row_no, change_no, ended_no)
       select 'A' || how, date '2020-02-15', 'ecb', how, 1, 1, change_no, ended_no from ${KNOWN}
       union all
       select currency, day::date, origin, rate, 1, 1, 3, null
       from (values ('B', '2020-01-31', 'ecb', 1), ('C', '2020-01-30', 'ecb', 2), ('D', '2020-02-27', 'ecb', 3), ('E', '2020-03-01', 'ecb', 4), ('F', '2020-02-15', 'ecb', 5),
                    ('F', '2020-02-15', 'manual', 6), ('G', '2020-02-12', 'ecb', 7), ('G', '2020-02-14', 'ecb', 8), ('H', '2020-02-29', 'ecb', 9)) as rates (currency, day, origin, rate)`,
    ],
    { from: '2020-02-10', to: '2020-03-01', lookback: 10 },
    ['', `select set_config('lkp.to', '2020-02-20', true)`],
  ),
  view('12_rate_day', [RULES], HALF_YEAR, ['', `select set_config('lkp.from', '2020-06-20', true)`]),
  view(
    '15_correction_chain',
    [
      documents(
        Array.from(
          { length: 12 },
          (_, n) => `(${n + 1}, 'x', 'N${n + 1}', '2020-${String(n + 1).padStart(2, '0')}-05', null, ${M})`,
        ).join(', '),
      ),
      // Of each of KNOWN: one that a standing one goes on from, the other way round, and one by itself.
      `insert into change (no, known_at, kind, actor) select no, '2020-05-01', 'load', 'somebody' from generate_series(3, 30) as no;
       insert into correction (document_id, replaces_id, change_no, ended_no)
       select how * 3 - 1, how * 3 - 2, change_no, ended_no from ${KNOWN} union all select how * 3, how * 3 - 1, 3, null from ${KNOWN}`,
    ],
    {},
    [
      '',
      'update correction set change_no = 4, ended_no = null where change_no = 3 and ended_no is null and document_id in (3, 9); delete from correction where document_id = 6',
    ],
  ),
  view('17_credit_month', CREDITS, HALF_YEAR),
  view('18_month_follows', FOLLOWED, {}),
  view('20_day_weight', [RULES], { from: '2020-01-15', to: '2020-06-20' }),
];
