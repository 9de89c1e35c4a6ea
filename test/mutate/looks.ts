import type { App } from '../../src/app.ts';
import { doingOf, textOf } from './statements.ts';
import { seen } from './trial.ts';

/*
 * Files of SQL that are asked by themselves, of facts that are put there for them, in transactions that are given up. The checks
 * find nothing as long as the rest of the SQL is right; and a batch is always assembled as known now.
 */

export interface Look {
  /** As `marts/months`. */
  readonly file: string;
  /** The state that it looks at; `drawn` when absent. */
  readonly from?: string;
  /** Of a view or a function: what is asked of it, in the place of the file. */
  readonly asks?: readonly string[];
  /** Makes what those files read. */
  readonly facts?: string;
  /** Files that come before it. */
  readonly first?: readonly string[];
  readonly settings: Readonly<Record<string, string | number>>;
  /** Makes what the file reads. */
  readonly ground: readonly string[];
  /** What is different in each look. */
  readonly looks: readonly string[];
}

const CYCLE = '2020-05';

const LOOKS: readonly Look[] = [
  {
    file: 'checks/conservation',
    settings: { cutoff: 1_000_000 },
    ground: [
      `create temporary table fresh_control on commit drop as
       select 'counted' as disposition, coalesce(currency, '') as currency, sum(rows) as rows, coalesce(sum(amount), 0) as amount
       from file_amount_in group by 2`,
    ],
    looks: [
      '',
      `update fresh_control set rows = rows + 1 where currency = 'EUR'`,
      `update fresh_control set amount = amount + 0.01 where currency = 'EUR'`,
      `update fresh_control set rows = rows + 1 where currency = ''`,
      `delete from fresh_control where currency = 'USD'`,
      `insert into fresh_control values ('counted', 'ZZZ', 1, 0)`,
      // A file that came after the cut-off is not in the figures.
      ...[0, 1].map(
        (before) =>
          `select set_config('lkp.cutoff', (max(change_no) - ${before})::text, true) from file where kind = 'invoices'`,
      ),
    ],
  },
  {
    file: 'checks/file_conservation',
    settings: {},
    ground: [
      `select set_config('lkp.file_ids', string_agg(id::text, ','), true)
       from (select id from file where kind = 'invoices' and id < (select max(id) from file where kind = 'invoices')) as all_but_one`,
    ],
    looks: [
      '',
      ...['rows = rows + 1', 'amount = amount + 0.01'].flatMap((change) =>
        ['min', 'max'].map(
          (which) =>
            `update file_total set ${change} where ctid = (
               select ctid from file_total
               where file_id = (select ${which}(id) from file where kind = 'invoices') and currency is not null
               order by issue_month, held, currency limit 1)`,
        ),
      ),
      `update file_total set rows = rows + 1 where currency is null`,
      `delete from file_total where currency = 'USD'`,
      `insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
       select min(id), '2019-04-01', 'line', 'XXX', 1, 0, 1 from file where kind = 'invoices'`,
      `insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
       select min(id), '2019-04-01', 'line', 'XXX', 0, 1, 1 from file where kind = 'invoices'`,
      `insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
       select min(id), '2019-04-01', 'line', 'XXX', 0, 0, 1 from file where kind = 'invoices'`,
    ],
  },
  {
    file: 'checks/report_equals_snapshot',
    settings: { cycle: CYCLE, revision: 1 },
    ground: [
      // A second revision, whose cells are not the first one's.
      `insert into snapshot overriding system value
       select again.* from snapshot
       cross join lateral jsonb_populate_record(
         null::snapshot, to_jsonb(snapshot) || jsonb_build_object('revision', 2, 'made_no', snapshot.made_no + 1000)) as again
       where snapshot.cycle = '${CYCLE}'`,
      `insert into snapshot_cell select again.* from snapshot_cell
       cross join lateral jsonb_populate_record(null::snapshot_cell, to_jsonb(snapshot_cell) || '{"revision": 2}') as again
       where snapshot_cell.cycle = '${CYCLE}'`,
      `create temporary table wanted on commit drop as
       select distinct partner_mpn_id as mpn_id from snapshot_cell where cycle = '${CYCLE}' and partner_mpn_id <> '4100118'`,
      `create temporary table report_line on commit drop as
       select partner_mpn_id, case when nth = 1 then kpi_value else 0 end::text as kpi_value,
              case when nth = 1 then revenue else 0 end::text as revenue
       from (select partner_mpn_id, sum(lines) as lines, sum(kpi_value) as kpi_value, sum(revenue) as revenue
             from snapshot_cell
             where cycle = '${CYCLE}' and revision = 1 and partner_mpn_id in (select mpn_id from wanted)
             group by 1) as cells
       cross join lateral generate_series(1, lines) as nth`,
    ],
    looks: [
      '',
      `delete from report_line where ctid = (select ctid from report_line where kpi_value = '0' limit 1)`,
      `update report_line set kpi_value = '0.5' where ctid = (select ctid from report_line where kpi_value = '0' limit 1)`,
      `update report_line set revenue = '0.01' where ctid = (select ctid from report_line where revenue = '0' limit 1)`,
      `update report_line set revenue = null where revenue = '0'`,
      `update report_line set revenue = null where partner_mpn_id = '4100101'`,
      `delete from report_line where partner_mpn_id = '4100101'`,
      `insert into report_line values ('P', '0', '0')`,
    ],
  },
  {
    file: 'checks/completeness',
    settings: { cycle: '2020-07', newest: '2020-06-01', completeness_percent: 50 },
    ground: [
      'delete from source_month',
      // A brings half of what is usual, B less, C nothing, D less than ever; E was not here for long; F is new.
      `insert into source_month (source, seller, issue_month, lines)
       select seen.source, seen.seller, month::date, seen.lines[nth]
       from (values ('marketplace', 'A', array[1, 100, 10, 12, 11, 10, 9, 5]), ('marketplace', 'B', array[1, 9, 10, 12, 11, 10, 9, 4]),
                    ('marketplace', 'C', array[8, 8, 8, 8, 8, 8, 8, 0]), ('certification-provider', 'C', array[20, 20, 20, 20, 20, 20, 20, 20]),
                    ('marketplace', 'D', array[0, 0, 30, 40, 10, 10, 10, 7]), ('marketplace', 'E', array[0, 0, 0, 0, 0, 30, 30, 1]),
                    ('marketplace', 'F', array[0, 0, 0, 0, 0, 0, 0, 1]), ('marketplace', 'H', array[10, 10, 10, 10, 10, 10, 10, 5]), ('marketplace', 'G', array[0, 0, 0, 0, 3, 2, 1, 0]))
            as seen (source, seller, lines)
       cross join lateral generate_series(timestamp '2019-11-01', timestamp '2020-06-01', interval '1 month') with ordinality as months (month, nth)
       where seen.lines[nth] > 0`,
      `insert into source_month (source, seller, issue_month, lines) values ('marketplace', 'C', '2020-07-01', 1), ('marketplace', 'A', '2020-07-01', 900)`,
    ],
    looks: [
      '',
      `insert into accepted_gap (cycle, source, seller, lines, usual, change_no) values ('2020-07', 'marketplace', 'B', 4, 10, 1)`,
      `insert into accepted_gap (cycle, source, seller, lines, usual, change_no) values ('2020-07', 'marketplace', 'B', 5, 10, 1)`,
      `insert into accepted_gap (cycle, source, seller, lines, usual, change_no) values ('2020-07', 'marketplace', 'B', 3, 10, 1)`,
      `insert into accepted_gap (cycle, source, seller, lines, usual, change_no) values ('2020-07', 'certification-provider', 'C', 0, 10, 1)`,
      `insert into accepted_gap (cycle, source, seller, lines, usual, change_no) values ('2020-06', 'marketplace', 'C', 0, 8, 1)`,
      `select set_config('lkp.completeness_percent', '0', true)`,
      `select set_config('lkp.newest', '2020-07-01', true)`,
      `select set_config('lkp.newest', '2020-08-01', true)`,
      `delete from source_month where issue_month < '2020-06-01'`,
      `delete from source_month where issue_month = '2020-06-01' or issue_month < '2020-04-01'`,
      'delete from source_month',
    ],
  },
  ...['enrolments', 'requests'].map((what) => ({
    file: `marts/directory_${what}`,
    settings: { day: '2020-04-15', deadline: '2020-04-15' },
    ground: [],
    looks: ['D1', 'D2', 'D3', 'D4', 'D8'].flatMap((partner) =>
      ['min', 'max'].map(
        (which) =>
          `select set_config('lkp.partner', '${partner}', true),
                  set_config('lkp.cutoff', ${which}(change_no)::text, true)
           from ${what === 'requests' ? 'listing' : 'enrolment'} where partner_mpn_id = '${partner}' and ended_no is null`,
      ),
    ),
  })),
  {
    file: 'marts/directory_entries',
    settings: { cycle: '2020-06', day: '2020-04-15', deadline: '2020-04-15', compared_with: '2020-03' },
    ground: [
      `insert into directory_batch (cycle, state, cutoff, compared_with, change_no) values ('2020-06', 'assembled', 1, '2020-03', 1)`,
    ],
    // As known at the last changes one by one.
    looks: Array.from(
      { length: 14 },
      (_, index) => `select set_config('lkp.cutoff', (max(no) - ${index})::text, true) from change`,
    ),
  },
];

class GivenUp extends Error {}

/** The looks above at these files. */
export const looksOf = (...files: string[]): Look[] => LOOKS.filter(({ file }) => files.includes(file));

/** Asks each file in each of its looks; `answered` hears what it returns and writes, as one text. */
export async function lookAt(
  app: App,
  looks: readonly Look[],
  answered?: (file: string, answer: string) => void,
): Promise<void> {
  for (const { file, facts = '', first = [], settings, ground, looks: different, asks } of looks)
    for (const each of different)
      await app.db
        .transaction('look', async (tx) => {
          await tx.set(settings);
          if (facts) await tx.rows(facts);
          for (const name of first) await tx.file(name);
          for (const statement of [...ground, each]) if (statement) await tx.rows(statement);
          for (const text of asks ?? [textOf(`sql/${file}.sql`)]) {
            const run = () => (asks ? tx.rows(text) : tx.file(file));
            if (answered) answered(file, await seen(tx, { doing: doingOf(text), run }));
            else await run();
          }
          throw new GivenUp();
        })
        .catch((error: unknown) => {
          if (!(error instanceof GivenUp)) throw error;
        });
}
