import { afterEach, beforeEach, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import { contentHash } from '../src/kpi/fresh.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { readAll } from './excel-fixtures.ts';
import { type TestContext, testContext } from './harness/context.ts';

/** What a revision keeps of levels, and what a second refresh makes of it. The figures themselves: the auditor's. */

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

let it: TestContext;
beforeEach(async () => {
  it = await testContext();
  await load('partners', 'mpn_id,name,country\n1,Example,US\n');
  await load('locations', 'location_mpn_id,partner_mpn_id,name,country\n2,1,Example,US\n');
  await load('customers', 'customer_number,location_mpn_id\nC1,2\n');
  await load(
    'products',
    'sku,name,omlp_type,kpi_class,units_per_sku\nADV-1,Advanced,MOC,courseware-advanced,1\n',
  );
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date,valid_from\n1,Silver,Cloud Platform,2021-03-17,2018-03-17\n',
  );
  await load('attainments', 'partner_mpn_id,competency,measure,value\n1,,mct,1\n1,,exam,1\n');
  await bought('A-1', '2021-02-10', 100);
});
afterEach(() => it.drop());

async function load(kind: KindName, content: string): Promise<void> {
  expect(await loadReference(it.context, kind, await it.write(`${kind}.csv`, content))).toMatchObject({
    status: 'loaded',
    rejected: 0,
  });
}

async function bought(number: string, date: string, units: number): Promise<void> {
  const path = await it.write(
    `${number}.csv`,
    `${HEADER}${number},${date},380,USD,C1,1,${units},10.00,ADV-1\n`,
  );
  expect((await ingestFile(it.context, path)).dispositions.counted).toBe(1);
}

const rows = <T extends object>(text: string): Promise<T[]> =>
  it.context.db.transaction('look', (tx) => tx.rows<T>(text));

test('an invoice that is not yet visible is in the forecast alone, and is no difference', async () => {
  await refresh(it.context, '2021-03');
  await bought('A-2', '2021-03-20', 7);
  expect(await refresh(it.context, '2021-03')).toMatchObject({ outcome: 'unchanged', revision: 1 });
  await refresh(it.context, '2021-03', { restate: true, reason: 'nothing to restate' });
  expect(await rows('select max(revision) as revision from snapshot')).toEqual([{ revision: 1 }]);
  await refresh(it.context, '2021-04');
  const ahead = await rows<object>(
    `select cycle, ahead, trim_scale(kpi_value)::text as kpi_value from snapshot_forecast
     where category = '' and ahead = '2021-05' order by cycle`,
  );
  expect(ahead).toEqual([
    { cycle: '2021-03', ahead: '2021-05', kpi_value: '200' },
    { cycle: '2021-04', ahead: '2021-05', kpi_value: '214' },
  ]);
});

test('a renewal that moves is a difference although the window of the cycle does not', async () => {
  await refresh(it.context, '2021-04');
  await load(
    'enrolments',
    'partner_mpn_id,learning_option,competency,anniversary_date,valid_from\n1,Silver,Cloud Platform,2021-06-17,2018-03-17\n',
  );
  expect(await refresh(it.context, '2021-04')).toMatchObject({ outcome: 'differs' });
});

test('a revision of before renewals is compared by what it said, and its workbook says no more', async () => {
  await refresh(it.context, '2021-03');
  const hash = await it.context.db.transaction('hash', async (tx) => {
    await tx.rows(`create temporary table fresh_cell on commit drop as select * from snapshot_cell`);
    for (const table of ['class', 'level', 'requirement', 'renewal', 'renewal_requirement'])
      await tx.rows(
        `create temporary table fresh_${table} on commit drop as select * from snapshot_${table}`,
      );
    return contentHash(tx, 1);
  });
  await it.context.db.transaction('as before', async (tx) => {
    for (const table of ['snapshot', 'snapshot_renewal', 'snapshot_renewal_requirement', 'snapshot_forecast'])
      await tx.rows(`alter table ${table} disable trigger final`);
    for (const table of ['renewal', 'renewal_requirement', 'forecast'])
      await tx.rows(`delete from snapshot_${table}`);
    await tx.rows('update snapshot set content_version = 1, content_hash = $1', [hash]);
  });
  expect(await refresh(it.context, '2021-03')).toMatchObject({ outcome: 'unchanged' });
  const { files } = await writeReports(it.context, '2021-03', { only: { partner: '1' } });
  const sheets = await readAll(files[0]!.path);
  expect([...sheets.keys()]).not.toContain('Forecast');
  await bought('A-3', '2021-01-10', 1);
  expect(await refresh(it.context, '2021-03')).toMatchObject({ outcome: 'differs' });
});

test('the tables of levels are frozen like the others', async () => {
  await refresh(it.context, '2021-03');
  for (const table of ['snapshot_renewal', 'snapshot_renewal_requirement', 'snapshot_forecast'])
    await expect(rows(`delete from ${table}`)).rejects.toThrow(/final revision never changes/);
});
