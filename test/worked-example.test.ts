import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { reportingWindow } from '../src/calendar.ts';
import { readSettings } from '../src/config.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import type { FileResult } from '../src/invoice/result.ts';
import type { Context } from '../src/job.ts';
import { type RefreshResult, refresh } from '../src/kpi/refresh.ts';
import { putShippedRulesInForce } from '../src/kpi/rules.ts';
import { KIND_NAMES } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { openCsv } from '../src/tabular/csv.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';
import { readTables, type TextTable } from './harness/printed-tables.ts';

/*
 * The worked example of docs/kpis.md: the case folder goes through the real subjects on a real database, and what they
 * compute must be what expected.json says and what the page prints, cell by cell.
 */
const CASE = fileURLToPath(new URL('./cases/kpi/worked-example/', import.meta.url));
const expected = JSON.parse(readFileSync(join(CASE, 'expected.json'), 'utf8')) as {
  readonly ingest: Readonly<Record<string, unknown>>;
  readonly cycles: Readonly<Record<string, unknown>>;
  readonly tables: Readonly<Record<string, TextTable>>;
};
const printed = readTables(readFileSync(new URL('../docs/kpis.md', import.meta.url), 'utf8'));

let fresh: Fresh;
let folder: string;
let context: Context;
const ingested: Record<string, FileResult> = {};
const refreshed: Record<string, RefreshResult> = {};
let again: RefreshResult;

beforeAll(async () => {
  fresh = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lkp-example-'));
  context = {
    db: fresh.db,
    tables: { open: (path, hints) => openCsv(path, hints?.name ?? path, hints) },
    workbooks: createWorkbooks(),
    settings: readSettings({ LKP_HOME: join(folder, 'home') }),
    schedule: scheduleOf('UTC', JOBS),
    now: () => '2024-07-15T08:00:00Z',
    progress: () => undefined,
  };
  await putShippedRulesInForce(context);
  for (const kind of KIND_NAMES.filter((name) => name !== 'listings')) {
    const loaded = await loadReference(context, kind, join(CASE, 'reference', `${kind}.csv`));
    expect(loaded).toMatchObject({ status: 'loaded', rejected: 0, warnings: [] });
  }
  const ingest = async (name: string) => {
    ingested[name] = await ingestFile(context, join(CASE, 'invoices', name));
  };
  await ingest('fy20.csv');
  for (const cycle of ['2020-05', '2020-06']) refreshed[cycle] = await refresh(context, cycle);
  await ingest('fy24.csv');
  refreshed['2024-07'] = await refresh(context, '2024-07');
  again = await refresh(context, '2020-05');
});
afterAll(async () => {
  await fresh.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Rows of a query whose columns are the headings of a table on the page. */
const rows = (text: string, ...parameters: string[]): Promise<TextTable> =>
  fresh.db.transaction('example', (tx) => tx.rows<Record<string, string>>(text, parameters));

/** The lines of fy20.csv step by step, and how cycle 2020-05 reads them: by the SQL that its report is made with. */
const lines = (): Promise<TextTable> =>
  fresh.db.transaction('example', async (tx) => {
    const window = reportingWindow('2020-05');
    const { cutoff } = await tx.one<{ cutoff: string }>(
      `select cutoff from snapshot where cycle = '2020-05' and revision = 1`,
    );
    await tx.file('marts/report', {
      cycle: '2020-05',
      revision: 1,
      partner: '',
      share: 1,
      shares: 1,
      cutoff,
      lookback: 7,
      reporting_currency: 'USD',
      window_from: window.from,
      window_to: window.to,
      cycle_start: '2020-05-01',
      from: '2019-04-01',
      to: '2020-06-01',
    });
    return tx.rows<Record<string, string>>(
      `select kpi_line.number as "Invoice", kpi_line.issue_date::text as "Issue date", kpi_line.sku as "SKU",
              trim_scale(kpi_line.quantity)::text as "Quantity",
              case document.unit_sign when -1 then '-1' else '+1' end as "Sign",
              trim_scale(product.units_per_sku)::text as "Units per SKU",
              trim_scale(kpi_line.units)::text as "Purchase units",
              trim_scale(kpi_line.weight)::text as "Weight",
              trim_scale(kpi_line.kpi_value)::text as "KPI value",
              to_char(kpi_line.amount, 'FM99999990.00') || ' ' || kpi_line.currency as "Amount",
              coalesce(trim_scale(rate.per_euro)::text, '') as "Rate",
              to_char(kpi_line.revenue, 'FM99999990.00') as "Revenue value (USD)",
              coalesce(report_uncounted.disposition,
                       case when kpi_line.class = 'credit note' then 'reversal' else 'counted' end) as "In cycle 2020-05"
       from kpi_line
       join document on document.number = kpi_line.number
       join product  on product.sku = kpi_line.sku
       left join rate on rate.currency = 'USD' and rate.rate_date = kpi_line.rate_date and kpi_line.currency = 'EUR'
       left join report_uncounted on report_uncounted.number = kpi_line.number
       left join report_line      on report_line.number = kpi_line.number
       where (report_line.number is null) <> (report_uncounted.number is null)
       order by kpi_line.issue_date`,
    );
  });

const cells = () =>
  rows(
    `select to_char(kpi_month, 'YYYY-MM') as "Month", location_mpn_id as "Location", omlp_type as "OMLP type",
            kpi_class as "KPI class", lines::text as "Lines", trim_scale(units)::text as "Purchase units",
            trim_scale(kpi_value)::text as "KPI value", to_char(revenue, 'FM99999990.00') as "Revenue value (USD)"
     from snapshot_cell where cycle = '2020-05' and revision = 1 order by kpi_month, location_mpn_id`,
  );

const classes = (cycle: string, partner: string) =>
  rows(
    `select category as "Category", kpi_class as "KPI class", trim_scale(units)::text as "Purchase units",
            trim_scale(kpi_value)::text as "KPI value", coalesce(trim_scale(cap)::text, 'none') as "Cap",
            trim_scale(counted)::text as "Counts", trim_scale(above_cap)::text as "Above the cap"
     from snapshot_class where cycle = $1 and revision = 1 and partner_mpn_id = $2
     order by category, kpi_class desc`,
    cycle,
    partner,
  );

const requirements = (cycle: string, partner: string) =>
  rows(
    `select level as "Level", requirement as "Requirement",
            case measure when 'revenue' then to_char(figure, 'FM99999990.00') else trim_scale(figure)::text end as "Figure",
            trim_scale(threshold)::text as "At least", outcome as "Outcome"
     from snapshot_requirement where cycle = $1 and revision = 1 and partner_mpn_id = $2
     order by level_rank, position`,
    cycle,
    partner,
  );

const levels = () =>
  rows(
    `select partner_mpn_id as "Partner", cycle as "Cycle", learning_option as "Enrolled in", level as "Level reached"
     from snapshot_level where (cycle, partner_mpn_id) in (('2020-05', '1000001'), ('2020-06', '1000001'), ('2024-07', '1000002'))
       and revision = 1
     order by cycle`,
  );

describe('the worked example', () => {
  test.each(['fy20.csv', 'fy24.csv'])('%s is taken in whole', (name) => {
    const { status, documents, lines_in, dispositions, amount_in, amounts } = ingested[name]!;
    expect({ status, documents, lines_in, dispositions, amount_in, amounts }).toEqual(expected.ingest[name]);
  });

  test.each(['2020-05', '2020-06', '2024-07'])('cycle %s', (cycle) => {
    const { differences, changes, ...result } = refreshed[cycle]!;
    expect({ differences, changes }).toEqual({ differences: [], changes: null });
    expect(result).toEqual(expected.cycles[cycle]);
  });

  test('a file of later months leaves the cycle unchanged', () => {
    expect(again).toMatchObject({ outcome: 'unchanged', revision: 1 });
  });

  test.each<[name: string, compute: () => Promise<TextTable>]>([
    ['lines', lines],
    ['cells', cells],
    ['sums', () => classes('2020-05', '1000001')],
    ['requirements', () => requirements('2020-05', '1000001')],
    ['cap sums', () => classes('2024-07', '1000002')],
    ['cap requirements', () => requirements('2024-07', '1000002')],
    ['levels', levels],
  ])('table "%s": computed = expected.json = printed in docs/kpis.md', async (name, compute) => {
    const computed = await compute();
    expect(computed).toEqual(expected.tables[name]);
    expect(printed.get(name), `docs/kpis.md has no table after <!-- ${name} -->`).toEqual(computed);
  });
});
