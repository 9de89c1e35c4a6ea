import type { Look } from './looks.ts';

/** Bytes and workbooks on both sides of each border; a name says what is particular. */
const KEPT_AND_NOT = `
  insert into change (no, known_at, kind, actor)
  values (11, '2020-02-01 00:00Z', 'ingest', 'a'), (12, '2020-02-29 23:59Z', 'ingest', 'a'), (13, '2020-03-01 00:00Z', 'ingest', 'a'), (14, '2020-03-02 00:00Z', 'prune', 'a');
  insert into file (sha256, kind, name, bytes, format, profile, profile_hash, physical_rows, blank_rows, preamble_rows, lines_in, change_no, ended_no)
  select sha256, kind, coalesce(name, sha256), 1000 + row_number() over (), 'csv', 'p', 'p', 1, 0, 0, 1, change_no, ended_no
  from (values ('old', 'invoices', null, 11, null), ('reference', 'customers', null, 11, null), ('just before', 'invoices', null, 12, null),
               ('as it began', 'invoices', null, 13, null), ('later', 'invoices', null, 14, null),
               ('floor', 'invoices', null, 11, null), ('below the floor', 'invoices', null, 11, null), ('undated', 'invoices', null, 11, null),
               ('waits', 'invoices', null, 11, null), ('waited', 'invoices', null, 11, null), ('withdrawn', 'invoices', null, 11, 12),
               ('rejected', 'invoices', null, 11, null), ('corrected', 'invoices', null, 11, null), ('rejected and withdrawn', 'invoices', null, 11, 12),
               ('twice', 'invoices', 'b', 11, 12), ('twice', 'invoices', 'a', 12, null), ('again', 'invoices', null, 11, 12), ('again', 'invoices', null, 13, null),
               ('gone', 'invoices', null, 11, null), ('gone and back', 'invoices', null, 11, 12), ('gone and back', 'invoices', null, 12, null),
               ('gone as it came', 'invoices', null, 12, null), ('a workbook', 'invoices', null, 11, null))
       as files (sha256, kind, name, change_no, ended_no);
  insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
  select file.id, month, 'line', 'EUR', 1, 1, 11
  from (values ('floor', date '2019-01-01'), ('below the floor', '2018-12-01'), ('undated', null)) as totals (name, month) join file using (name);
  insert into quarantine (file_id, row_no, rule, cells, change_no, ended_no)
  select file.id, 1, 'conflict', '{}', 11, waits.ended_no from (values ('waits', null), ('waited', 12), ('withdrawn', null)) as waits (name, ended_no) join file using (name);
  insert into rejection (file_id, row_no, rule, cells, change_no, ended_no)
  select file.id, 1, 'r', '{}', 11, waits.ended_no
  from (values ('rejected', null), ('corrected', 12), ('rejected and withdrawn', null)) as waits (name, ended_no) join file using (name);

  insert into snapshot (cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, content_hash)
  select cycle, revision, 11, '2020-05-01Z', '2020-05-01Z', '2019-05-01', '2020-04-30', 'EUR', 10, 'h'
  from unnest(array['2020-01', '2020-02', '2020-03', '2020-04']) as cycle cross join generate_series(1, 2) as revision;
  insert into report_file (cycle, revision, name, sha256, bytes, build)
  select cycle, revision, name, cycle || revision || name, row_number() over (), 'b' from snapshot cross join unnest(array['p.xlsx', 'q.xlsx', 'r.xlsx']) as name;
  insert into pruned (kind, sha256, name, cycle, change_no)
  values ('bytes', 'gone', 'gone', null, 12), ('bytes', 'gone and back', 'x', null, 11), ('bytes', 'gone and back', 'x', null, 12), ('bytes', 'gone as it came', 'x', null, 12),
         ('workbook', 'a workbook', 'x', '2019-01', 14), ('workbook', 'x', 'revision-1/p.xlsx', '2020-01', 14), ('bytes', 'x', 'revision-2/q.xlsx', '2020-02', 14)`;

const PRUNABLE: Look = {
  file: 'marts/prunable',
  from: '',
  settings: { before: '2020-03', before_instant: '2020-03-01 00:00Z', floor: '2019-01-01' },
  ground: [KEPT_AND_NOT],
  looks: [
    '',
    // Everything came later: no bytes.
    `select set_config('lkp.before_instant', '2020-02-01 00:00Z', true)`,
    // No workbook either; and nothing ever went.
    `select set_config('lkp.before_instant', '2020-02-01 00:00Z', true), set_config('lkp.before', '2020-01', true)`,
    'delete from pruned',
  ],
};

/** Requests whose days meet the deadline and the day of the directory, and what is known of them the cut-off. */
const REQUESTS: Look = {
  file: 'marts/directory_requests',
  settings: { partner: 'P', day: '2020-04-15', deadline: '2020-03-31', cutoff: 20 },
  ground: [
    `insert into listing (partner_mpn_id, country, name, url, requested_on, file_id, row_no, valid_from, valid_to, change_no, ended_no)
     select partner, country, partner || country || valid_from, 'https://p.example', requested_on, 1, 1, valid_from, valid_to, change_no, ended_no
     from (values ('P', 'AT', date '2019-01-01', date '2020-01-01', date '2020-04-14', 3, null), ('P', 'AT', '2020-01-01', '2020-04-14', '2020-04-15', 20, null),
                  ('P', 'AT', '2020-03-30', '2020-04-15', '2020-04-16', 21, null), ('P', 'AT', '2020-03-31', '2020-04-16', null, 21, null),
                  ('P', 'DE', '2020-04-01', '2019-01-01', null, 20, null), ('P', 'DE', '2020-01-01', '2019-01-01', null, 3, 20), ('P', 'FR', '2020-03-31', '2020-03-31', null, 3, null),
                  ('P', 'IT', '2020-01-01', '2020-04-01', null, 3, null), ('Q', 'AT', '2020-01-01', '2020-01-01', null, 3, null))
          as listings (partner, country, requested_on, valid_from, valid_to, change_no, ended_no)`,
  ],
  looks: ['', `select set_config('lkp.cutoff', '', true)`],
};

/** What was read of files 1 and 2 is what is stored of them, until one of them is changed. */
const BALANCE: Look = {
  file: 'checks/file_conservation',
  settings: { file_ids: '1,2' },
  ground: [
    `delete from file_total;
     insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
     select id, month, held, currency, rows, amount, 3
     from generate_series(1, 3) as id
     cross join (values (date '2020-01-01', 'line', 'EUR', 3, 5.00), ('2020-02-01', 'line', 'EUR', 1, 1), ('2020-01-01', 'duplicate', 'USD', 1, 2), (null, 'rejected', null, 2, null),
                        -- came and went
                        ('2020-01-01', 'line', 'JPY', 1, 7), ('2020-01-01', 'line', 'JPY', -1, -7)) as totals (month, held, currency, rows, amount);
     insert into file_amount_in (file_id, currency, rows, amount)
     select id, currency, rows, amount from generate_series(1, 2) as id cross join (values ('EUR', 4, 6.0), ('USD', 1, 2), (null, 2, null)) as read (currency, rows, amount)`,
  ],
  looks: [
    '',
    ...['currency is null', `currency = 'USD'`, `currency = 'JPY' and rows = 1`].flatMap((which) => [
      `update file_total set rows = rows + 1 where file_id = 2 and ${which}`,
      `update file_total set amount = coalesce(amount, 0) + 0.01 where file_id = 2 and ${which}`,
      `delete from file_total where file_id = 1 and ${which}`,
    ]),
    // Unknown of another file than these.
    `update file_amount_in set rows = 9 where file_id = 1; select set_config('lkp.file_ids', '2', true)`,
    `select set_config('lkp.file_ids', '1,2,3', true)`,
  ],
};

export const OTHER_REPORT_LOOKS: readonly Look[] = [PRUNABLE, REQUESTS, BALANCE];
