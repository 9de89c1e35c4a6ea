import type { Look } from './looks.ts';

/*
 * Documents that are settled, with what files say of them. The files are those of the drawn facts, of which the 7th is withdrawn;
 * the change in hand is the 60th. A row's number is ten times its document's and its own.
 */

/** Documents of May 2019. One that refers to something, be it to '', is a corrected invoice. */
export const documents = (values: string): string => `
  insert into document (id, source, seller, class, number, issue_date, type_code, unit_sign, amount_sign, treatment, reference_number, numbered, file_id, change_no)
  select id, 'marketplace', 'S', case when refers is null then 'invoice' else 'corrected invoice' end, number, date '2019-05-01' + day,
         case when refers is null then '380' else '384' end, 1, 1, case when refers is null then 0 else 4 end, nullif(refers, ''), true, 1, 5
  from (values ${values}) as given (id, number, day, refers);`;

/** Rows that files say of a document; versions count what they say under one number. */
export const lines = (values: string): string => `
  insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
  select document_id, line_no, row_number() over (partition by document_id, line_no order by nth) - 1, file_id, document_id * 10 + nth, '2019-05-02',
         'C', 'S', 1, net, 'EUR', 5
  from (select listed.*, row_number() over (partition by document_id order by place) as nth
        from (select given.*, row_number() over () as place from (values ${values}) as given (document_id, file_id, line_no, net)) as listed) as rows;`;

export const duplicates = (values: string): string => `
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no,
                         document_id, line_no, sku, quantity, net_amount)
  select file_id, row_no, 1, 1, 'N', 'C', '2019-05-02', 'EUR', 10, change_no, ended_no::bigint, document_id, '1', 'S', 1, 10
  from (values ${values}) as given (document_id, file_id, row_no, change_no, ended_no);`;

export const decisions = (values: string): string => `
  insert into decision (document_id, file_id, row_no, verdict, change_no, ended_no)
  select document_id, file_id, row_no, verdict, 10, ended_no
  from (values (0, null::int, null::int, 'counts', null::int), ${values}) as given (document_id, file_id, row_no, verdict, ended_no) where document_id > 0;`;

const headers = (values: string): string => `
  insert into other_header (file_id, row_no, type_code, unit_sign, treatment) select file_id, row_no, '388', 1, treatment
  from (values ${values}) as given (file_id, row_no, treatment);`;

/** The third and the sixth file give no line numbers, nor did the one that is withdrawn. */
const UNNUMBERED = 'update file set numbered = id not in (3, 6, 7);';

/*
 * 1: compared by number, although what is withdrawn gave none. 2, 3: equal rows, whose headers treat them alike. 4: one row waits by
 * another rule. 5, 6, 7: what one says here the other says there. 8, 9: the first file says nothing of it, or of one line. 10, 14: totals.
 * 11: contradicts itself. 13: waits by its type. 15 to 18: said without line numbers too, of which the 15th's row came back corrected. 20 to 24:
 * credits, of which 22 has its invoice, 23 has rows that wait, and 24 is of another month. 25 is nobody's business.
 */
const UNDECIDED = [
  UNNUMBERED,
  documents(
    `${[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18].map((id) => `(${id}, 'N${id}', ${id === 13 ? 70 : id}, null)`)}, (20, 'K20', 20, ''), (21, 'K21', 21, 'none'),
     (22, 'K22', 22, 'N5'), (23, 'K23', 23, ''), (24, 'K24', 40, ''), (25, 'K25', 100, '')`,
  ),
  `update document set treatment = 2 where id = 13;
   update document set class = 'credit note', type_code = '381', treatment = 0, unit_sign = -1, amount_sign = -1 where id >= 20;`,
  lines(
    `(1, 1, '1', 10), (1, 2, '1', 20), (1, 1, '2', 10), (1, 2, '2', 10), (1, 7, '3', 10), (2, 1, '1', 10), (2, 2, '1', 10), (3, 1, '1', 10), (3, 2, '1', 10),
     (4, 1, '1', 10), (4, 2, '1', 20), (5, 1, '1', 10), (5, 2, '1', 20), (6, 1, '1', 20), (6, 2, '1', 10), (7, 1, '1', 10), (7, 2, '1', 20), (7, 1, '2', 20),
     (7, 2, '2', 10), (8, 2, '1', 10), (8, 4, '1', 20), (9, 1, '1', 10), (9, 2, '1', 20), (9, 2, '2', 10), (9, 4, '2', 20), (10, 1, '1', 10), (10, 1, '2', 20),
     (11, 1, '1', 10), (11, 2, '2', 20), (13, 1, '1', 10), (14, 1, '1', 10), (14, 1, '2', 20), (20, 1, '1', 10), (21, 1, '1', 10), (22, 1, '1', 10), (23, 1, '1', 10),
     (24, 1, '1', 10), ${[15, 16, 17, 18].map((id) => `(${id}, 1, '1', 10), (${id}, 2, '1', 20), (${id}, 1, '2', 10), (${id}, 2, '2', 10), (${id}, 3, '#1', 10)`)}`,
  ),
  // what waits now counted before
  `insert into set_aside (file_id, row_no, held, rule, change_no, ended_no)
   values (3, 155, 'superseded', 'row-corrected', 5, null), (4, 165, 'superseded', 'row-corrected', 5, null), (3, 175, 'superseded', 'other-version-picked', 5, null),
          (3, 185, 'superseded', 'row-corrected', 5, 10);
   update line set ended_no = 15 where file_id in (3, 7);
   insert into line select document_id, line_no, 9, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, 3, 5 from line where row_no = 52;`,
  // of the second one's first row; of another file's row, and of another row of the file
  headers('(1, 21, 0), (4, 32, 1), (2, 999, 1), (2, 112, 1)'),
  `insert into quarantine (file_id, row_no, rule, cells, change_no)
   select file_id, row_no, case row_no when 42 then 'document-type-unknown' when 101 then 'totals-differ' when 102 then 'document-type-unknown'
                           when 131 then 'document-type-for-a-person' when 141 then 'totals-differ' when 231 then 'document-type-unknown' else 'conflict' end, '{}', 5
   from line where document_id not in (20, 21, 22, 24) and ended_no is null;
   insert into quarantine (file_id, row_no, rule, cells, change_no, ended_no) values (4, 52, 'conflict', '{}', 5, null), (2, 62, 'conflict', '{}', 3, 4);`,
  decisions(
    `(1, null, null, 'totals', null), (5, 1, 51, 'superseded', 20), (999, null, null, 'counts', null)`,
  ),
].join('\n');

const verdict = (name: string, file: string): string =>
  `select set_config('lkp.verdict', '${name}', true), set_config('lkp.file_id', '${file}', true)`;

const DECIDE: Look = {
  file: 'staging/decide',
  settings: {
    documents: '1,2,3,4,5,6,7,8,9,10,11,13,14,15,16,17,18,20,21,22,23,24',
    change_no: 60,
    cutoff: 60,
    from: '-infinity',
    to: 'infinity',
  },
  ground: [UNDECIDED],
  looks: [
    verdict('release', '1'),
    verdict('release', ''),
    verdict('refuse', '1'),
    verdict('refuse', ''),
    verdict('reopen', ''),
  ],
};

/*
 * What corrected invoices refer to. 1 to 4: an invoice, also of the same day. 5 to 7: of another source, of another seller. 8 to 10: a
 * chain. 12 to 21: is said no more, or stands beside. 22 to 29: a person decided about it. 30 to 32: two of a number. 33 to 42: one that
 * waits, and what a person decided about it. 43 to 51: what stands of one beside. 52 to 59: chains in which two want one, or one two.
 * 60 to 65: totals that differ.
 */
const REFERRING = [
  documents(
    `(1, 'A', 1, null), (2, 'A1', 9, 'A'), (3, 'B', 9, null), (4, 'B1', 9, 'B'), (5, 'D', 1, null), (6, 'D1', 9, 'D'), (7, 'D', 2, null),
     (8, 'E', 1, null), (9, 'E1', 9, 'E'), (10, 'E2', 19, 'E1'), (12, 'F', 1, null), (13, 'F1', 9, 'F'), (14, 'G', 1, null), (15, 'G1', 9, 'G'),
     (16, 'H', 1, null), (17, 'H1', 9, 'H'), (18, 'J', 1, null), (19, 'J1', 9, 'J'), (20, 'K', 1, null), (21, 'K1', 9, 'K'),
     (22, 'L', 1, null), (23, 'L1', 9, 'L'), (24, 'M', 1, null), (25, 'M1', 9, 'M'), (26, 'N', 1, null), (27, 'N1', 9, 'N'), (28, 'O', 1, null), (29, 'O1', 9, 'O'),
     (30, 'P', 1, null), (31, 'P', 2, null), (32, 'P1', 9, 'P'), (33, 'Q', 1, ''), (34, 'Q1', 9, 'Q'), (35, 'R', 1, ''), (36, 'R1', 9, 'R'),
     (37, 'S', 1, ''), (38, 'S1', 9, 'S'), (39, 'T', 1, ''), (40, 'T1', 9, 'T'), (41, 'U', 1, ''), (42, 'U1', 9, 'U'),
     (43, 'V0', 1, null), (44, 'V', 2, 'V0'), (45, 'V1', 9, 'V'), (46, 'W', 2, 'W0'), (47, 'W1', 9, 'W'), (48, 'X', 2, 'X0'), (49, 'X1', 9, 'X'),
     (50, 'Y', 2, 'Y0'), (51, 'Y1', 9, 'Y'), (52, 'Z', 1, null), (53, 'Z1', 9, 'Z'), (54, 'Z2', 19, 'Z1'), (55, 'Z3', 19, 'Z1'),
     (56, 'ZA', 1, null), (57, 'ZB', 9, 'ZA'), (58, 'ZB', 1, null), (59, 'ZC', 19, 'ZB'),
     (60, 'DA', 1, null), (61, 'DB', 1, null), (62, 'DC', 1, null), (63, 'DD', 1, null), (64, 'DE', 1, null), (65, 'DE1', 9, 'DE')`,
  ),
  `update document set source = 'certification-provider' where id = 5; update document set seller = 'other' where id = 7;
   create temporary table unsettled on commit drop as
   select id as document_id from document where id not in (16, 18, 20, 43, 44, 48, 50);
   insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
   select id, '1', case when id in (12, 18) then 7 when id > 63 then 2 else 1 end, id * 10 + 1, issue_date, 'C', 'S', 1, 10, 'EUR', 5 from document where id <> 20;
   insert into set_aside (file_id, row_no, held, rule, change_no) values (1, 141, 'superseded', 'row-corrected', 5);
   insert into correction (document_id, replaces_id, change_no, ended_no) values (44, 43, 5, null), (46, 901, 5, null), (50, 902, 5, 10);
   insert into document_doubt (document_id, file_id, seen)
   values (60, 1, 'h'), (61, 1, 'g'), (62, 7, 'f'), (63, 2, 'e'), (64, 4, 'a'), (65, 2, 'd');`,
  decisions(
    `(22, null, null, 'rejected', null), (24, 1, 241, 'rejected', null), (26, null, null, 'counts', null), (28, null, null, 'rejected', 20),
     (35, null, null, 'counts', null), (37, 1, 371, 'counts', null), (39, null, null, 'totals', null), (41, null, null, 'counts', 20), (61, null, null, 'totals', null)`,
  ),
].join('\n');

const REPLACES: Look = {
  file: 'staging/replaces',
  facts: REFERRING,
  first: ['staging/said'],
  settings: { change_no: 60 },
  ground: [],
  looks: [''],
};

/*
 * What is said several times. 1, 2: put aside otherwise than by picking another one, and a row of another document. 3, 4: a row twice
 * in a file, that one and those two are in another file. 5, 6: equal documents. 7: contradicts itself and counts. 8 to 10: stored otherwise.
 * 11 to 13: one part of another one, beside a third, or of one that is put aside. 14: another row of a file is put aside.
 */
const SAYING = [
  UNNUMBERED,
  documents(`${Array.from({ length: 14 }, (_, index) => `(${index + 1}, 'N${index + 1}', 1, null)`)}`),
  lines(
    `(1, 1, '1', 10), (1, 2, '1', 20), (2, 1, '1', 10), (2, 2, '1', 20), (3, 1, '1', 10), (3, 1, '1', 10), (3, 3, '#1', 10), (3, 3, '#2', 20),
     (4, 1, '1', 10), (4, 1, '1', 10), (4, 3, '#1', 10), (4, 3, '#2', 10), (4, 3, '#3', 20), (5, 3, '#1', 10), (5, 6, '#1', 10), (5, 6, '#2', 20),
     (6, 3, '#1', 10), (6, 6, '#1', 10), (6, 6, '#2', 20), (7, 1, '1', 10), (7, 2, '2', 20), (8, 1, '2', 10), (9, 1, '2', 10), (10, 1, '1', 10),
     (11, 3, '#1', 10), (11, 6, '#1', 10), (12, 1, '1', 20), (12, 1, '2', 30), (12, 3, '#1', 10), (12, 6, '#1', 10), (13, 3, '#1', 10), (13, 6, '#1', 10),
     (13, 6, '#2', 20), (14, 1, '1', 10), (14, 2, '1', 20), (14, 1, '2', 30)`,
  ),
  headers('(2, 72, 1)'),
  duplicates('(8, 1, 85, 5, null), (9, 1, 95, 5, null), (999, 1, 101, 5, null)'),
  `insert into quarantine (file_id, row_no, rule, cells, change_no) values (1, 85, 'conflict', '{}', 5);
   insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
   values (999, '1', 1, 95, '2019-05-02', 'C', 'S', 1, 10, 'EUR', 5);
   create temporary table unsettled on commit drop as select id as document_id from document;`,
  decisions(
    `(1, 2, 12, 'counts', null), (999, 2, 22, 'superseded', null), (7, null, null, 'counts', null), (13, 6, 132, 'superseded', null), (13, 6, 133, 'superseded', null), (14, 1, 143, 'superseded', null)`,
  ),
].join('\n');

const SETTLE: Look = {
  file: 'staging/settle',
  facts: SAYING,
  first: ['staging/said', 'staging/replaces'],
  settings: { change_no: 60 },
  ground: [],
  looks: [''],
};

/** Rows that moved, and beside each what is stored of something else; a 384 that now replaces, and those that hang on it or did. */
const MOVED = [
  `insert into fate (document_id, file_id, row_no, line_no, numbered, issue_date, customer_number, sku, quantity, net_amount, currency, type_code, unit_sign, treatment,
                     amount, number, was_held, held, rule)
   select n, 1, n * 10 + 1, '9', true, '2019-05-02', 'C', 'S', 1, 10, 'EUR', '380', 1, 0, n, 'N' || n, was_held, held, case when held <> 'line' then 'some' end
   from unnest(array['duplicate', 'line', 'line', 'line', 'duplicate', 'duplicate', 'line', 'superseded'],
               array['superseded', 'superseded', 'quarantined', 'superseded', 'line', 'line', 'superseded', 'line', 'line']) with ordinality as rows (was_held, held, n);`,
  lines(`(1, 1, '1', 10), (4, 1, '1', 10)`),
  `insert into line (document_id, line_no, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no)
   values (999, '1', 1, 21, '2019-05-02', 'C', 'S', 1, 10, 'EUR', 5);
   insert into line select document_id, line_no, 1, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, 3, 5 from line where row_no = 41;
   insert into quarantine (file_id, row_no, rule, cells, change_no) values (1, 21, 'conflict', '{}', 5);`,
  duplicates(
    '(4, 1, 41, 5, null), (999, 1, 51, 5, null), (5, 1, 52, 5, null), (6, 1, 61, 5, 10), (6, 1, 61, 20, null)',
  ),
  `insert into set_aside (file_id, row_no, held, rule, change_no) values (1, 71, 'superseded', 'row-corrected', 5), (2, 81, 'superseded', 'row-corrected', 5);
   insert into set_aside (file_id, row_no, held, rule, change_no, ended_no) values (1, 81, 'superseded', 'row-corrected', 5, 10);
   insert into settled_document (document_id) values (50);
   insert into settled_correction (document_id, replaces_id) values (50, 51);
   insert into correction (document_id, replaces_id, change_no, ended_no) values (52, 50, 5, null), (53, 50, 5, 10), (54, 99, 5, null);`,
].join('\n');

const STORE_SETTLED: Look = {
  file: 'staging/store_settled',
  facts: `create temporary table unsettled (document_id bigint) on commit drop;
          ${documents(`(50, 'A1', 1, ''), (52, 'A2', 70, ''), (53, 'A3', 100, ''), (54, 'A4', 130, ''), ${[1, 2, 3, 4, 5, 6, 7, 8].map((id) => `(${id}, 'N${id}', 1, null)`)}`)}`,
  first: ['staging/said', 'staging/replaces', 'staging/settle'],
  settings: { change_no: 60, file_id: '' },
  ground: [MOVED],
  looks: [''],
};

/** The first file corrected rows of others: one whose correction was itself taken back, one that was rejected twice, two of one number. */
const CORRECTED = [
  `insert into set_aside (file_id, row_no, held, rule, by_file_id, by_row_no, issue_date, currency, amount, change_no, ended_no)
   select file_id, row_no, 'superseded', 'row-corrected', 1, 1, '2019-05-02', 'EUR', file_id, 8, ended_no
   from (values (2, 11, null::int), (2, 21, 20), (2, 51, null), (4, 51, null)) as given (file_id, row_no, ended_no);
   insert into rejection (file_id, row_no, rule, cells, issue_date, currency, amount, change_no, ended_no)
   select file_id, row_no, rule, '{}', '2019-05-02', 'EUR', file_id, change_no, ended_no
   from (values (2, 51, 'ambiguous-date', 5, 7), (2, 51, 'bad-date', 7, 8), (4, 51, 'bad-date', 5, 8)) as given (file_id, row_no, rule, change_no, ended_no);`,
  lines(`(2, 2, '1', 10)`),
  duplicates('(6, 1, 61, 5, 10), (3, 2, 11, 5, null), (4, 4, 11, 5, null), (5, 2, 12, 5, null)'),
].join('\n');

const WITHDRAW: Look = {
  file: 'staging/withdraw',
  settings: { change_no: 60, file_id: 1 },
  ground: [CORRECTED],
  looks: [''],
};

export const SETTLE_LOOKS: readonly Look[] = [DECIDE, REPLACES, SETTLE, STORE_SETTLED, WITHDRAW];
