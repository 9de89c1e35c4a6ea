import { DRAWN } from './drawn-facts.ts';
import type { Look } from './looks.ts';

/*
 * Two sides of lines whose fields differ here and there, and what became of their rows: changes just before and just within the
 * two cut-offs, rows of other files and documents that came later. Two files each have a row of one number.
 */

const differs = (field: string): string =>
  `case when side = 'after' and pick(n || '${field}?', 6) = 0 then side else '' end || n || '${field}'`;
const one = (field: string, values: readonly string[]): string =>
  `(array[${values.join(', ')}])[1 + pick(${differs(field)}, ${values.length})]`;

const LINES = `
  insert into side_line
  select side, 1 + n % 8, n / 2, n, 'N' || n % 30, (array['invoice', 'credit note', 'corrected invoice'])[1 + pick(n || 'class', 3)],
         (array['1989-06-01', '1998-01-01', '2019-03-31', '2019-08-31', '2019-09-01', '2020-02-29', '2020-03-01', '2020-04-29', '2020-04-30', '2020-05-01']::date[])[1 + pick(n || 'day', 10)],
         'C' || n % 9, 'S' || n % 5, 1,
         ${one('counts', ['true', 'true', 'false'])}, ${one('waits', ["'counted'", "'counted'", "'quarantined'"])},
         ${one('rule', ['null', "'conflict'", "'other'"])}, ${one('by', ['null', "'X1'", "'X2'"])}, ${one('location', ["'L1'", "'L2'"])},
         ${one('partner', ["'P1'", "'P2'"])}, ${one('month', ["date '2020-01-01'", "'2020-02-01'"])}, ${one('type', ["'MOC'", "'Exam'"])},
         ${one('kind', ["'a'", "'b'"])}, ${one('weight', ['1', '2'])}, ${one('per', ['1', '3'])}, ${one('rate', ['null', '1.5', '2'])},
         ${one('units', ['1', '2'])}, ${one('kpi', ['1', '2'])}, ${one('revenue', ['null', '0', '5'])}
  from generate_series(1, 900) as n cross join unnest(array['before', 'after']) as side
  where pick(n || side || 'is', 5) > 0;

  -- 0: the row's own; 1 to 3: of another file, row or document, and later
  insert into line (document_id, line_no, version, file_id, row_no, issue_date, customer_number, sku, quantity, net_amount, currency, change_no, ended_no)
  select n + case other when 3 then 5000 else 0 end, '#' || other, 0, 1 + (n + case other when 1 then 1 else 0 end) % 8, n / 2 + case other when 2 then 5000 else 0 end,
         '2020-01-01', 'C', 'S', 1, 1, 'EUR',
         case when other > 0 then 16 + pick(n || 'other' || other, 3) else (array[5, 9, 10, 11, 12, 13, 14, 15, 20, 21])[1 + pick(n || 'came', 10)] end,
         case when other > 0 then (array[null, 19, 20])[1 + pick(n || 'went' || other, 3)] when pick(n || 'ends', 2) = 0 then 22 - pick(n || 'went', 9) end
  from generate_series(1, 900) as n cross join generate_series(0, 3) as other
  where pick(n || 'line' || other, 3) = 0;
  insert into quarantine (file_id, row_no, rule, cells, change_no, ended_no)
  select 1 + (n + case other when 1 then 1 else 0 end) % 8, n / 2 + case other when 2 then 5000 else 0 end, 'conflict', '{}',
         case when other > 0 then 16 + pick(n || 'q' || other, 2) else 5 + pick(n || 'q', 8) end, case when pick(n || 'qe' || other, 2) = 0 then 18 + pick(n || 'qn' || other, 4) end
  from generate_series(1, 900) as n cross join generate_series(0, 2) as other
  where pick(n || 'waited' || other, 5) = 0
  on conflict do nothing;
  insert into duplicate (file_id, row_no, of_file_id, of_row_no, document_number, customer_number, issue_date, currency, amount, change_no, ended_no,
                         document_id, line_no, sku, quantity, net_amount)
  select 1 + (n + case other when 1 then 1 else 0 end) % 8, n / 2 + case other when 2 then 5000 else 0 end, 1 + pick(n || 'of' || other, 6), n, 'N', 'C', '2020-01-01', 'EUR', 1,
         (array[5, 20, 21])[1 + pick(n || 'd' || other, 3)], (array[null, 10, 11, 30])[1 + pick(n || 'de' || other, 4)], n, '1', 'S', 1, 1
  from generate_series(1, 900) as n cross join generate_series(0, 2) as other
  where pick(n || 'repeats' || other, 4) = 0
  on conflict do nothing;
  insert into set_aside (file_id, row_no, held, rule, by_file_id, by_row_no, change_no)
  select 1 + pick(n || 'aside' || other, 6), n * 3 + other, 'superseded', (array['row-corrected', 'other-version-picked'])[1 + pick(n || 'why' || other, 2)],
         1 + (n + case other when 1 then 1 else 0 end) % 8, n / 2 + case other when 2 then 5000 else 0 end, 12
  from generate_series(1, 900) as n cross join generate_series(0, 2) as other
  where pick(n || 'corrects' || other, 4) = 0;

  -- the last day's rule set came with the earlier cut-off, and another one ended with it
  update rule_set set change_no = 10 where id in (16, 17);
  insert into rule_set (id, name, sha256, title, basis, valid_from, valid_to, body, change_no, ended_no, year_from, year_to) overriding system value
  values (19, 'ended', 's19', 't', 'sample', '2020-05-01', null, '', 3, 10, '1991-01-01', '1992-01-01'),
         (20, 'just now', 's20', 't', 'sample', '1980-01-01', '1990-01-01', '', 20, null, '1980-01-01', '1981-01-01')`;

export const LINE_LOOKS: readonly Look[] = [
  {
    file: 'marts/line_changes',
    first: ['marts/changes_begin'],
    settings: DRAWN,
    ground: [LINES],
    looks: [
      '',
      `select set_config('lkp.every_month', '1', true)`,
      `select set_config('lkp.since_no', '11', true), set_config('lkp.until_no', '21', true)`,
    ],
  },
];
