import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refresh as refreshJob } from '../jobs/refresh.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { WHOLE } from '../src/job.ts';
import { acceptGaps, type Gap, gapsOf } from '../src/kpi/completeness.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { lkp, type Ran } from './harness/lkp.ts';

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier,Seller identifier\n";

let it: TestContext;
beforeEach(async () => {
  it = await testContext();
});
afterEach(() => it.drop());

let made = 0;
/** Ingests a file of so many lines a seller, all of one month; `first` begins their line numbers. */
async function bring(month: string, sellers: Record<string, number>, first = 1): Promise<string> {
  made += 1;
  const name = `${month}-${made}.csv`;
  const rows = Object.entries(sellers).flatMap(([seller, lines]) =>
    Array.from(
      { length: lines },
      (_, index) =>
        `${seller}-${month},${month}-0${1 + (index % 9)},380,EUR,C100,${first + index},1,10.00,MOC-1,${seller}\n`,
    ),
  );
  const result = await ingestFile(it.context, await it.write(name, HEADER + rows.join('')));
  expect(result.status).toBe('ingested');
  return name;
}
const CYCLE = '2020-01';
const gaps = (cycle = CYCLE) => gapsOf(it.context, cycle);
const gap = (seller: string, lines: number, usual: number): Gap => ({
  source: 'marketplace',
  seller,
  month: '2019-12',
  lines,
  usual,
});

describe('what the newest month lacks', () => {
  test('a source that brought lines in each of the three months before, and none', async () => {
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 4, BETA: 2 });
    await bring('2019-12', { ACME: 4 });
    expect(await gaps()).toEqual([gap('BETA', 0, 2)]);
  });

  test('far less than usual is less than half of the median; half is not', async () => {
    for (const [month, lines] of [
      ['2019-06', 1],
      ['2019-07', 30],
      ['2019-08', 10],
      ['2019-09', 11],
      ['2019-10', 10],
      ['2019-11', 12],
    ] as const)
      await bring(month, { ACME: lines, BETA: lines });
    // 1, 10, 10, 11, 12, 30: the median is 10.5.
    await bring('2019-12', { ACME: 5, BETA: 6 });
    expect(await gaps()).toEqual([gap('ACME', 5, 10.5)]);
    const at = (percent: number) =>
      gapsOf(
        { ...it.context, settings: { ...it.context.settings, LKP_COMPLETENESS_PERCENT: percent } },
        CYCLE,
      );
    expect(await at(40)).toEqual([]);
    expect(await at(90)).toEqual([gap('ACME', 5, 10.5), gap('BETA', 6, 10.5)]);
    expect(await at(0)).toEqual([]);
  });

  test('months without lines are no part of what is usual, nor those before the six', async () => {
    await bring('2019-05', { ACME: 900 });
    await bring('2019-07', { ACME: 8 });
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 8 });
    await bring('2019-12', { ACME: 4 });
    expect(await gaps()).toEqual([]);
  });

  test('a source that missed one of the three months before is not expected; a new one neither', async () => {
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 2 });
    await bring('2019-09', { SOMETIMES: 9 });
    await bring('2019-11', { SOMETIMES: 9, NEW: 9 });
    await bring('2019-12', { ACME: 2 });
    expect(await gaps()).toEqual([]);
  });

  test('in a first month, nothing at all; one line is enough', async () => {
    expect(await gaps()).toEqual([{ source: '', seller: '', month: '2019-12', lines: 0, usual: 0 }]);
    await bring('2019-12', { ACME: 1 });
    expect(await gaps()).toEqual([]);
  });

  test('repeated lines count once, withdrawn ones no more, waiting ones do', async () => {
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 10 });
    const file = await bring('2019-12', { ACME: 4 });
    await bring('2019-12', { ACME: 3 });
    expect(await gaps()).toEqual([gap('ACME', 4, 10)]);
    await bring('2019-12', { ACME: 1 }, 5);
    expect(await gaps()).toEqual([]);
    await withdrawFile(it.context, file, 'wrong');
    // Three of its lines live on in the file that repeated them.
    expect(await gaps()).toEqual([gap('ACME', 4, 10)]);
    expect(await it.rows(`select lines from source_month where issue_month = '2019-12-01'`)).toEqual([
      { lines: 4 },
    ]);
    const other = `${HEADER}ACME-2019-12,2019-12-01,325,EUR,C100,5,1,99.00,MOC-1,ACME\n`;
    await ingestFile(it.context, await it.write('order.csv', other));
    expect(await gaps()).toEqual([gap('ACME', 4, 10)]);
    const waiting = `ACME-W,2019-12-01,386,EUR,C100,1,1,99.00,MOC-1,ACME\n`;
    await ingestFile(it.context, await it.write('waiting.csv', HEADER + waiting));
    expect(await gaps()).toEqual([]);
  });

  test('is counted again only where something changed', async () => {
    for (const month of ['2019-09', '2019-10', '2019-11', '2019-12']) await bring(month, { ACME: 3 });
    expect(await gaps()).toEqual([]);
    const built = () => it.rows('select issue_month, built_no from source_month_built order by 1');
    const before = await built();
    expect(before).toHaveLength(4);
    // A count that is trusted is not made again; that of a touched month is.
    await it.rows('update source_month set lines = 99');
    await bring('2019-12', { BETA: 1 });
    expect((await gaps()).map(({ lines, usual }) => ({ lines, usual }))).toEqual([{ lines: 3, usual: 99 }]);
    expect((await built()).slice(0, 3)).toEqual(before.slice(0, 3));
  });

  test('two looks at once do not disturb each other', async () => {
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 3 });
    const found = await Promise.all(Array.from({ length: 4 }, () => gaps()));
    expect(found).toEqual(Array.from({ length: 4 }, () => [gap('ACME', 0, 3)]));
  });
});

describe('the gate before a scheduled refresh', () => {
  const run = () => refreshJob.run(it.context, CYCLE, WHOLE);
  const command = (...args: string[]): Promise<Ran> =>
    lkp(args, {
      home: it.home,
      env: { DATABASE_URL: it.url, LKP_INBOX_STABLE_SECONDS: '0', LKP_ACTOR: 'Ada' },
    });

  beforeEach(async () => {
    for (const month of ['2019-09', '2019-10', '2019-11']) await bring(month, { ACME: 10, BETA: 6 });
  });

  test('a normal month passes', async () => {
    await bring('2019-12', { ACME: 8, BETA: 7 });
    expect(await run()).toMatchObject({ outcome: 'done', says: expect.stringContaining('revision 1') });
  });

  test('an incomplete one stops it, by name of source, seller, month and counts; nothing is frozen', async () => {
    await bring('2019-12', { ACME: 2 });
    const { outcome, says } = await run();
    expect(outcome).toBe('asks');
    expect(says).toContain(
      'marketplace, seller ACME: 2 of usually 10 lines of 2019-12; marketplace, seller BETA: 0 of usually 6 lines of 2019-12.',
    );
    expect(says).toContain(`lkp refresh ${CYCLE} --accept-incomplete --reason '...'`);
    expect(await it.rows('select from snapshot')).toEqual([]);
    // It passes by itself once the rest is here.
    await bring('2019-12', { ACME: 3, BETA: 6 }, 3);
    expect(await run()).toMatchObject({ outcome: 'done' });
  });

  test('a person waves it through with a reason; what is missing beyond that stops it again', async () => {
    const file = await bring('2019-12', { BETA: 6 });
    await expect(acceptGaps(it.context, CYCLE, '  ')).rejects.toThrow(/needs a reason/);
    expect(await acceptGaps(it.context, CYCLE, 'ACME sold nothing')).toEqual([gap('ACME', 0, 10)]);
    expect(await run()).toMatchObject({ outcome: 'done' });
    expect(await acceptGaps(it.context, CYCLE, 'again')).toEqual([]);
    expect(await it.rows(`select reason from change where kind = 'accept-incomplete'`)).toEqual([
      { reason: 'ACME sold nothing' },
    ]);
    // Another source is missing now: nobody agreed to that.
    await withdrawFile(it.context, file, 'wrong');
    expect(await gaps()).toEqual([gap('BETA', 0, 6)]);
    expect(await run()).toMatchObject({ outcome: 'asks' });
    // Nor is it agreed for another cycle.
    await bring('2020-01', { BETA: 6 });
    expect((await gaps('2020-02')).length).toBe(0);
    expect((await gaps('2019-12')).length).toBe(0);
  });

  test('fewer lines than were agreed to are a gap again', async () => {
    await bring('2019-12', { BETA: 6 });
    const file = await bring('2019-12', { ACME: 3 });
    expect(await acceptGaps(it.context, CYCLE, 'a quiet month')).toEqual([gap('ACME', 3, 10)]);
    expect(await gaps()).toEqual([]);
    await withdrawFile(it.context, file, 'wrong');
    expect(await gaps()).toEqual([gap('ACME', 0, 10)]);
  });

  test('on the command line: cycle stops with 3, refresh by hand warns, accepted it goes on', {
    timeout: 120_000,
  }, async () => {
    await bring('2019-12', { ACME: 10, BETA: 1 });
    interface Answer {
      readonly occurrences: Array<{ job: string; state: string; says: string }>;
    }
    const refreshOf = (ran: Ran) => ran.json<Answer>().occurrences.find(({ job }) => job === 'refresh')!;
    const stopped = await command('cycle', CYCLE, '--json');
    expect(stopped.code, stopped.stderr).toBe(3);
    expect(refreshOf(stopped)).toMatchObject({
      state: 'waiting',
      says: expect.stringContaining('BETA: 1 of usually 6 lines'),
    });

    const warned = await command('refresh', CYCLE);
    expect(warned.code, warned.stderr).toBe(0);
    expect(warned.stdout).toMatch(/^Warning: .*marketplace, seller BETA: 1 of usually 6 lines of 2019-12\./m);
    expect(refreshOf(await command('cycle', CYCLE, '--json')).state).toBe('waiting');

    const unreasoned = await command('refresh', CYCLE, '--accept-incomplete');
    expect([unreasoned.code, unreasoned.stderr]).toEqual([2, expect.stringContaining('--reason')]);
    const preview = await command('refresh', CYCLE, '--accept-incomplete', '--plan', '--reason', 'x');
    expect(preview.code).toBe(2);
    const accepted = await command(
      'refresh',
      CYCLE,
      '--accept-incomplete',
      '--reason',
      'BETA closed',
      '--json',
    );
    expect(accepted.code, accepted.stderr).toBe(0);
    expect(accepted.json()).toMatchObject({ gaps: [], gaps_accepted: [gap('BETA', 1, 6)] });
    expect(await it.rows(`select actor, reason from change where kind = 'accept-incomplete'`)).toEqual([
      { actor: 'Ada', reason: 'BETA closed' },
    ]);
    expect(refreshOf(await command('cycle', CYCLE, '--json')).state).toBe('done');
  });
});
