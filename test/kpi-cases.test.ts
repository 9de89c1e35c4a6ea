import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { readSettings } from '../src/config.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import type { Context } from '../src/job.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { putShippedRulesInForce, useRules } from '../src/kpi/rules.ts';
import { KIND_NAMES } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { openCsv } from '../src/tabular/csv.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';
import { readTables, type TextTable } from './harness/printed-tables.ts';

/*
 * The stories of docs/kpis.md: each folder of test/cases/kpi with a story.json goes through the real subjects on a
 * database of its own. What they compute must be what the story says, and what the page prints, cell by cell.
 */
interface TableOf {
  readonly shows: string;
  /** Only rows with these cells. */
  readonly where?: Readonly<Record<string, string>>;
  readonly rows: TextTable;
}

interface Story {
  readonly what: string;
  /** Rule sets in force, by their path from the repository's root; those we ship when absent. */
  readonly rules?: readonly string[];
  readonly cycles: readonly string[];
  readonly tables: Readonly<Record<string, TableOf>>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CASES = join(ROOT, 'test/cases/kpi');
const stories = readdirSync(CASES)
  .filter((name) => existsSync(join(CASES, name, 'story.json')))
  .sort();
const printed = readTables(readFileSync(join(ROOT, 'docs/kpis.md'), 'utf8'));

const FIGURE = (of: string) =>
  `case ${of}.measure when 'revenue' then to_char(${of}.figure, 'FM99999990.00')
                      else coalesce(trim_scale(${of}.figure)::text, '') end`;

/** What a table of a story can show: a query over all its cycles. */
const SHOWS: Readonly<Record<string, string>> = {
  classes: `
    select cycle as "Cycle", partner_mpn_id as "Partner", kpi_class as "KPI class",
           trim_scale(units)::text as "Purchase units", trim_scale(kpi_value)::text as "KPI value",
           coalesce(trim_scale(cap)::text, 'none') as "Cap", trim_scale(counted)::text as "Counts",
           trim_scale(above_cap)::text as "Above the cap"
    from snapshot_class order by cycle, partner_mpn_id, category, kpi_class`,
  requirements: `
    select asked.cycle as "Cycle", asked.competency as "Competency", asked.level as "Level",
           asked.requirement as "Requirement", ${FIGURE('asked')} as "Figure",
           trim_scale(asked.threshold)::text as "At least", asked.outcome as "Outcome"
    from snapshot_requirement as asked order by cycle, partner_mpn_id, competency, level_rank, position`,
  levels: `
    select cycle as "Cycle", competency as "Competency", learning_option as "Enrolled in",
           coalesce(nullif(level, ''), 'none') as "Level reached",
           coalesce(nullif(array_to_string(not_offered, ', '), ''), 'none') as "Not offered"
    from snapshot_level order by cycle, partner_mpn_id, competency`,
  renewals: `
    select cycle as "Cycle", competency as "Competency", anniversary::text as "Anniversary",
           window_from || ' to ' || window_to as "Renewal window",
           case when provisional then 'provisional' else 'final' end as "Status",
           coalesce(nullif(level, ''), 'none') as "Level over it",
           first_reminder::text as "First reminder", second_reminder::text as "Second reminder",
           grace_end::text as "Grace ends"
    from snapshot_renewal order by cycle, partner_mpn_id, competency`,
  'renewal requirements': `
    select asked.cycle as "Cycle", asked.competency as "Competency", asked.level as "Level",
           asked.requirement as "Requirement", ${FIGURE('asked')} as "Figure",
           trim_scale(asked.threshold)::text as "At least", asked.outcome as "Outcome"
    from snapshot_renewal_requirement as asked order by cycle, partner_mpn_id, competency, level_rank, position`,
  forecast: `
    select cycle as "As of", ahead as "Cycle", trim_scale(leaves_kpi)::text as "KPI that leaves",
           trim_scale(enters_kpi)::text as "KPI that comes in", trim_scale(kpi_value)::text as "KPI value then",
           trim_scale(counted)::text as "Counts"
    from snapshot_forecast where category = '' order by cycle, partner_mpn_id, ahead`,
};

test('there are stories', () => {
  expect(stories.length).toBeGreaterThanOrEqual(4);
});

describe.each(stories)('%s', (name) => {
  const folder = join(CASES, name);
  const story = JSON.parse(readFileSync(join(folder, 'story.json'), 'utf8')) as Story;
  let fresh: Fresh;
  let home: string;

  beforeAll(async () => {
    fresh = await freshDatabase();
    home = await mkdtemp(join(tmpdir(), 'lkp-story-'));
    const context: Context = {
      db: fresh.db,
      tables: { open: (path, hints) => openCsv(path, hints?.name ?? path, hints) },
      workbooks: createWorkbooks(),
      settings: readSettings({ LKP_HOME: join(home, 'home') }),
      schedule: scheduleOf('UTC', JOBS),
      now: () => '2024-12-15T08:00:00Z',
      progress: () => undefined,
    };
    for (const path of story.rules ?? [])
      await useRules(context, readFileSync(join(ROOT, path), 'utf8'), path);
    if (!story.rules) await putShippedRulesInForce(context);
    for (const kind of KIND_NAMES) {
      const path = join(folder, `${kind}.csv`);
      if (existsSync(path))
        expect(await loadReference(context, kind, path)).toMatchObject({ status: 'loaded', rejected: 0 });
    }
    expect(await ingestFile(context, join(folder, 'invoices.csv'))).toMatchObject({ status: 'ingested' });
    for (const cycle of story.cycles)
      expect(await refresh(context, cycle)).toMatchObject({ outcome: 'refreshed' });
  });
  afterAll(async () => {
    await fresh.drop();
    await rm(home, { recursive: true, force: true });
  });

  test.each(Object.entries(story.tables))('%s: computed = story.json = docs/kpis.md', async (table, of) => {
    const computed = await fresh.db.transaction('story', (tx) =>
      tx.rows<Record<string, string>>(SHOWS[of.shows]!),
    );
    // A table shows some columns of some rows: those that its story names.
    const columns = Object.keys(of.rows[0]!);
    const wanted = Object.entries(of.where ?? {});
    const some = computed
      .filter((row) => wanted.every(([column, cell]) => row[column] === cell))
      .map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
    expect(some).toEqual(of.rows);
    expect(printed.get(table), `docs/kpis.md has no table after <!-- ${table} -->`).toEqual(of.rows);
  });
});
