import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import type { App } from '../src/app.ts';
import { addMonths, monthSpans } from '../src/calendar.ts';
import { readSettings } from '../src/config.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { latest, refresh } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';
import { parseRules } from '../src/kpi/rule-set.ts';
import { useRules } from '../src/kpi/rules.ts';
import { plan } from '../src/ledger.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';
import { calendarOf } from '../src/status.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { until } from './harness/until.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

let known: string;
let it: TestContext;
beforeAll(async () => {
  const first = await testContext();
  for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
    await loadReference(first.context, kind, join(REFERENCE, `${kind}.csv`));
  known = await first.keep();
});
beforeEach(async () => {
  it = await testContext({ from: known });
});
afterEach(() => it.drop());

let serial = 0;
/** Ingests lines of an invoice each: date, currency, amount. */
async function invoices(
  ...lines: ReadonlyArray<readonly [date: string, currency: string, amount: string]>
): Promise<void> {
  const rows = lines.map(
    ([date, currency, amount]) => `A-${++serial},${date},380,${currency},C100,1,1,${amount},MOC-1\n`,
  );
  const result = await ingestFile(it.context, await it.write(`${serial}.csv`, HEADER + rows.join('')));
  expect(result.dispositions.counted).toBe(lines.length);
}

async function load(kind: KindName, content: string): Promise<void> {
  expect(await loadReference(it.context, kind, await it.write(`${kind}.csv`, content))).toMatchObject({
    status: 'loaded',
    rejected: 0,
  });
}

/** 2019-05-03 is a Friday, 2019-05-06 a Monday. */
const ECB = `Date,USD,JPY,GBP,
2019-05-06,1.1200,124.00,0.8500,
2019-05-03,1.1000,N/A,0.8600,
2019-05-02,1.2000,125.00,0.8700,
`;

/** The revenue in the reporting currency of each line, by issue date; null = no rate. */
const revenues = async (context: App = it.context): Promise<Array<string | null>> =>
  (
    await context.db.transaction('revenue', async (tx) => {
      const { no } = await tx.one<{ no: string }>('select max(no) as no from change');
      await tx.set({
        cutoff: no,
        from: '2019-05-01',
        to: '2019-07-01',
        lookback: context.settings.LKP_RATE_LOOKBACK_DAYS,
        reporting_currency: context.settings.LKP_REPORTING_CURRENCY,
      });
      await tx.rows('set local enable_nestloop = off');
      return tx.rows<{ revenue: string | null }>(
        'select revenue::text from kpi_line order by issue_date, number',
      );
    })
  ).map(({ revenue }) => revenue);

describe('exchange rates', () => {
  test('the day itself; on a weekend the Friday before; not beyond the look-back', async () => {
    await load('rates', ECB);
    await invoices(
      ['2019-05-01', 'EUR', '100.00'], // before the first rate
      ['2019-05-02', 'EUR', '100.00'],
      ['2019-05-03', 'EUR', '100.00'],
      ['2019-05-04', 'EUR', '100.00'], // Saturday
      ['2019-05-05', 'EUR', '100.00'], // Sunday
      ['2019-05-06', 'EUR', '100.00'],
      ['2019-05-13', 'EUR', '100.00'], // seven days after the last rate
      ['2019-05-14', 'EUR', '100.00'], // eight
    );
    expect(await revenues()).toEqual([
      null,
      '120.00',
      '110.00',
      '110.00',
      '110.00',
      '112.00',
      '112.00',
      null,
    ]);
    const result = await refresh(it.context, '2019-12');
    // A line without a rate counts; its revenue is nothing, and the number of such lines is said.
    expect(result).toMatchObject({ kpi_value: '16', revenue_value: '674', no_rate_lines: 2 });
    expect(result.conservation.dispositions.counted).toBe(8);
  });

  test('the look-back is a setting', async () => {
    await it.drop();
    it = await testContext({ from: known, settings: { LKP_RATE_LOOKBACK_DAYS: '1' } });
    await load('rates', ECB);
    await invoices(['2019-05-03', 'EUR', '1'], ['2019-05-04', 'EUR', '1'], ['2019-05-05', 'EUR', '1']);
    expect(await revenues()).toEqual(['1.10', '1.10', null]);
  });

  test('crosses over the euro; a day without a quotation takes the one before', async () => {
    await load('rates', ECB);
    await invoices(
      ['2019-05-02', 'GBP', '87.00'],
      ['2019-05-03', 'JPY', '12500'],
      ['2019-05-06', 'USD', '0.01'],
    );
    // 87 / 0.87 x 1.2; 12500 / 125 (of the 2nd) x 1.1; a dollar is a dollar.
    expect(await revenues()).toEqual(['120.00', '110.00', '0.01']);
  });

  test('the reporting currency needs no rate for its own lines', async () => {
    await invoices(['2019-05-02', 'USD', '5.00']);
    expect(await revenues()).toEqual(['5.00']);
  });

  test('a manual rate wins over the ECB of the same day, and serves what the ECB lacks', async () => {
    await load('rates', ECB);
    await load('rates', 'currency,rate_date,per_euro\nUSD,2019-05-03,2.0000\nKWD,2019-05-02,0.4\n');
    await invoices(
      ['2019-05-02', 'KWD', '4.000'],
      ['2019-05-03', 'EUR', '100.00'],
      ['2019-05-06', 'EUR', '100.00'],
    );
    expect(await revenues()).toEqual(['12.00', '200.00', '112.00']);
  });

  test('a preview of a restatement is refused: one writes nothing, the other a revision', async () => {
    await expect(
      refresh(it.context, '2019-12', { plan: true, restate: true, reason: 'rates' }),
    ).rejects.toThrow(/--plan writes nothing.*Leave out one of them/);
  });

  test('a rate that arrives late changes the cells of its days, and no others', async () => {
    await invoices(['2019-05-02', 'EUR', '100.00'], ['2019-06-03', 'EUR', '100.00']);
    expect((await refresh(it.context, '2019-12')).no_rate_lines).toBe(2);
    await load('rates', ECB);
    const result = await refresh(it.context, '2019-12', { restate: true, reason: 'rates' });
    expect(result).toMatchObject({ revenue_value: '120', no_rate_lines: 1, revision: 2 });
  });

  test.each([
    ['JPY', ['13000.00', '12345.68'], ['13542', '12860']],
    ['KWD', ['100.000', '33.333'], ['33.333', '11.111']],
  ])('revenue is rounded once a line, to the minor unit of %s', async (currency, amounts, rounded) => {
    await it.drop();
    it = await testContext({ from: known, settings: { LKP_REPORTING_CURRENCY: currency } });
    await load('rates', ECB);
    await load('rates', 'currency,rate_date,per_euro\nKWD,2019-05-02,0.4\n');
    // 125 JPY and 0.4 KWD for 1.2 USD.
    await invoices(
      ...amounts.map(
        (amount) => ['2019-05-02', 'USD', String(Number(amount) / (currency === 'JPY' ? 100 : 1))] as const,
      ),
    );
    expect(await revenues()).toEqual(rounded);
  });

  test('a line in the reporting currency keeps its minor unit on a day without a rate', async () => {
    await it.drop();
    it = await testContext({ from: known, settings: { LKP_REPORTING_CURRENCY: 'KWD' } });
    await invoices(['2019-05-02', 'KWD', '1.235']);
    expect(await revenues()).toEqual(['1.235']);
  });

  test('half a unit goes away from zero, on both sides', async () => {
    await load('rates', 'currency,rate_date,per_euro\nUSD,2019-05-02,1\n');
    await invoices(
      ['2019-05-02', 'EUR', '0.005'],
      ['2019-05-02', 'EUR', '-0.005'],
      ['2019-05-02', 'EUR', '0.0049'],
    );
    expect((await revenues()).sort()).toEqual(['-0.01', '0.00', '0.01']);
    // Three lines of 0.0049 are three times nothing: sums add what was rounded.
    await invoices(['2019-05-02', 'EUR', '0.0049'], ['2019-05-02', 'EUR', '0.0049']);
    expect((await refresh(it.context, '2019-12')).revenue_value).toBe('0');
  });
});

describe('settings that change what a figure means', () => {
  const reopened = (settings: Record<string, string>): App => ({
    ...it.context,
    settings: readSettings({ LKP_HOME: it.home, DATABASE_URL: it.url, ...settings }),
  });

  test('another reporting currency is not a label on the old figures', async () => {
    await load('rates', ECB);
    await invoices(['2019-05-02', 'EUR', '100.00']);
    expect(await refresh(it.context, '2019-11')).toMatchObject({ revenue_value: '120', currency: 'USD' });
    expect(await refresh(reopened({ LKP_REPORTING_CURRENCY: 'EUR' }), '2019-12')).toMatchObject({
      revenue_value: '100',
      currency: 'EUR',
    });
  });

  test('another look-back is used for months that were computed before', async () => {
    await load('rates', ECB);
    await invoices(['2019-05-05', 'EUR', '100.00']);
    expect(await refresh(it.context, '2019-11')).toMatchObject({ revenue_value: '110' });
    expect(await refresh(reopened({ LKP_RATE_LOOKBACK_DAYS: '1' }), '2019-12')).toMatchObject({
      no_rate_lines: 1,
    });
  });

  test('a cycle that has a revision differs, by the name of the setting; restated, each revision keeps its own', async () => {
    await load('rates', ECB);
    await invoices(['2019-05-05', 'EUR', '100.00']);
    await refresh(it.context, '2019-12');
    const other = reopened({ LKP_REPORTING_CURRENCY: 'EUR', LKP_RATE_LOOKBACK_DAYS: '1' });
    const differs = await refresh(other, '2019-12');
    expect(differs).toMatchObject({ outcome: 'differs', revision: 1, currency: 'EUR' });
    expect(differs.differences.slice(0, 2)).toEqual([
      {
        what: 'setting',
        partner: '',
        before: 'LKP_REPORTING_CURRENCY=USD',
        after: 'LKP_REPORTING_CURRENCY=EUR',
      },
      { what: 'setting', partner: '', before: 'LKP_RATE_LOOKBACK_DAYS=7', after: 'LKP_RATE_LOOKBACK_DAYS=1' },
    ]);
    // What was frozen is still told, and shown, in the currency and by the rates of then.
    expect(await latest(other, '2019-12')).toMatchObject({ currency: 'USD', revenue_value: '110' });
    expect((await writeReports(other, '2019-12')).revision).toBe(1);
    const restated = await refresh(other, '2019-12', { restate: true, reason: 'we report in euros' });
    expect(restated).toMatchObject({
      outcome: 'refreshed',
      revision: 2,
      currency: 'EUR',
      revenue_value: '100',
    });
    expect((await writeReports(it.context, '2019-12')).revision).toBe(2);
    expect((await writeReports(it.context, '2019-12', { revision: 1 })).revision).toBe(1);
    expect(await refresh(other, '2019-12')).toMatchObject({ outcome: 'unchanged', revision: 2 });
  });

  test('another setting alone differs, where no figure does', async () => {
    await invoices(['2019-05-05', 'USD', '5.00']);
    await refresh(it.context, '2019-12');
    const { outcome, differences } = await refresh(reopened({ LKP_RATE_LOOKBACK_DAYS: '8' }), '2019-12');
    expect(outcome).toBe('differs');
    expect(differences.map(({ what }) => what)).toEqual(['setting']);
    expect(await refresh(it.context, '2019-12')).toMatchObject({ outcome: 'unchanged' });
  });

  test('a mistyped reporting currency is refused with the one that was meant', async () => {
    await expect(refresh(reopened({ LKP_REPORTING_CURRENCY: 'USB' }), '2019-12')).rejects.toThrow(
      /LKP_REPORTING_CURRENCY=USB .* Did you mean USD\?/,
    );
  });

  test('a reporting currency that ISO 4217 does not know is refused, not reported as no rate', async () => {
    await invoices(['2019-05-05', 'EUR', '100.00']);
    await expect(refresh(reopened({ LKP_REPORTING_CURRENCY: 'XQX' }), '2019-12')).rejects.toMatchObject({
      name: 'LkpError',
      code: 'request',
      message: expect.stringContaining('XQX'),
    });
  });
});

test('an edited schedule or another time zone does not move what has begun: its due instant stays', async () => {
  await invoices(['2019-05-03', 'USD', '100']);
  const cycles = ['2019-11', '2019-12', '2020-01'];
  const dueAts = () =>
    it.rows<{ cycle: string; due_at: string }>('select cycle, due_at from snapshot order by cycle, revision');
  // The first has a revision, the second is planned, the third is neither.
  await refresh(it.context, cycles[0]!);
  await it.context.db.transaction('plan', (tx) => plan(tx, JOBS, cycles[1]!, it.context.schedule));
  const madrid = { ...it.context, schedule: scheduleOf('Europe/Madrid', JOBS) };
  await invoices(['2019-05-03', 'USD', '100']);
  await refresh(madrid, cycles[0]!, { restate: true, reason: 'late' });
  for (const cycle of cycles.slice(1)) await refresh(madrid, cycle);
  expect((await dueAts()).map(({ due_at }) => due_at)).toEqual([
    '2019-11-15T00:00:00Z',
    '2019-11-15T00:00:00Z',
    '2019-12-15T00:00:00Z',
    '2020-01-14T23:00:00Z',
  ]);
  const calendar = await calendarOf(madrid, JOBS, cycles.slice(1));
  expect(calendar.cycles.map(({ occurrences: [first] }) => [first!.due_at, first!.why])).toEqual([
    ['2019-12-15T00:00:00Z', 'planned so before the schedule or the time zone changed'],
    ['2020-01-14T23:00:00.000Z', 'mid-month'],
  ]);
});

describe('rule sets', () => {
  const SET = `name: only-2030
title: A set of its own
basis: sample
valid_from: 2030-01-01
weights:
  courseware-advanced: { category: courseware, weight: 1, source: sample }
levels:
  - level: One
    learning_option: One
    requirements:
      - { requirement: KPI, measure: kpi, category: courseware, at_least: 1, source: sample }
`;

  test('a window whose last day no rule set covers is refused, and nothing is written', async () => {
    await invoices(['2019-05-02', 'USD', '5.00']);
    const { window_to } = { window_to: '2024-12-31' };
    await expect(refresh(it.context, '2025-01')).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(
        new RegExp(`No rule set is in force on ${window_to}.*fy24 2023-07-01.*lkp rules use`),
      ),
    });
    expect(await it.rows('select * from snapshot')).toEqual([]);
    expect(await it.rows('select * from month_cell')).toEqual([]);
  });

  test('one for each day: an overlapping set is refused by both names', async () => {
    await expect(useRules(it.context, SET.replace('2030-01-01', '2024-01-01'), 'x.yaml')).rejects.toThrow(
      /only-2030.*overlaps fy24/,
    );
    const adjoining = SET.replace('2030-01-01', '2024-07-01');
    expect(await useRules(it.context, adjoining, 'x.yaml')).toBe(true);
    expect(await useRules(it.context, adjoining, 'x.yaml')).toBe(false);
  });

  test('the weight goes by the issue date', async () => {
    // FY24 begins on 2023-07-01: an advanced unit weighs 2 before it (sample) and 1 from it on.
    await invoices(['2023-06-30', 'USD', '1.00'], ['2023-07-01', 'USD', '1.00']);
    expect((await refresh(it.context, '2024-01')).kpi_value).toBe('3');
  });

  test.each<[what: string, text: string, says: RegExp]>([
    ['no YAML', 'name: [', /x\.yaml is not YAML/],
    [
      'a weight of nothing',
      SET.replace('weight: 1', 'weight: 0'),
      /x\.yaml cannot be used: line \d+: weights\.courseware-advanced\.weight/,
    ],
    ['a number without a source', SET.replace('weight: 1, source: sample', 'weight: 1'), /source/],
    [
      'a category that nothing adds to',
      SET.replace('measure: kpi, category: courseware', 'measure: kpi, category: cours'),
      /no weight adds to/,
    ],
    ['a word that nobody knows', `${SET}cap: 3\n`, /cap/],
    [
      'an end before its beginning',
      SET.replace('2030-01-01', '2030-01-01\nvalid_to: 2029-01-01'),
      /valid_to is 2029-01-01 and must lie after valid_from/,
    ],
    ['a level twice', `${SET}${SET.slice(SET.indexOf('  - level'))}`, /the level One stands twice/],
    [
      'a sample among published numbers',
      SET.replace('basis: sample', 'basis: published'),
      /basis says published.*courseware-advanced, KPI of One/,
    ],
    ['a day that does not exist', SET.replace('2030-01-01', '2030-02-30'), /valid_from/],
    ['nothing', '', /x\.yaml cannot be used/],
  ])('%s is refused with the place of the fault', (_what, text, says) => {
    expect(() => parseRules(text, 'x.yaml')).toThrow(says);
  });
});

describe('two refreshes at once', () => {
  test('of one cycle: one runs, the other says so', async () => {
    await invoices(['2019-05-02', 'USD', '5.00']);
    let held: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => {
      held = resolve;
    });
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The first one stands in the middle of its work, its locks taken, until the second one has answered.
    const waiting: App = {
      ...it.context,
      db: {
        ...it.context.db,
        transaction: (name, work) =>
          it.context.db.transaction(name, async (tx) => {
            const result = await work(tx);
            held?.();
            await gate;
            return result;
          }),
      },
    };
    const first = refresh(waiting, '2019-12');
    await reached;
    await expect(refresh(it.context, '2019-12')).rejects.toMatchObject({
      code: 'machine',
      message: expect.stringMatching(/Another refresh of 2019-12 is running/),
    });
    release?.();
    expect(await first).toMatchObject({ outcome: 'refreshed', revision: 1 });
    expect(await refresh(it.context, '2019-12')).toMatchObject({ outcome: 'unchanged', revision: 1 });
  });

  test('of different cycles: both run, and their figures are those of one after the other', async () => {
    await invoices(
      ['2019-05-02', 'USD', '5.00'],
      ['2019-06-02', 'USD', '6.00'],
      ['2020-01-02', 'USD', '7.00'],
    );
    const cycles = ['2019-12', '2020-01', '2020-02', '2020-03'];
    const results = await Promise.all(cycles.map((cycle) => refresh(it.context, cycle)));
    expect(results.map(({ revenue_value }) => revenue_value)).toEqual(['11', '11', '18', '18']);
  });

  test('the cut-off is read when its turn has come: what arrived while it waited is seen', async () => {
    await invoices(['2019-05-02', 'USD', '5.00']);
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let held: (() => void) | undefined;
    const locked = new Promise<void>((resolve) => {
      held = resolve;
    });
    const holder = it.context.db.transaction('holder', async (tx) => {
      await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.cells'))`);
      held?.();
      await gate;
    });
    await locked;
    const waiting = refresh(it.context, '2019-12');
    await until('it waits', async () => {
      const rows = await it.rows(`select from pg_locks where locktype = 'advisory' and not granted`);
      return rows.length > 0;
    });
    await invoices(['2019-05-02', 'USD', '6.00']);
    release?.();
    await holder;
    expect(await waiting).toMatchObject({ revenue_value: '11' });
  });

  test('while files arrive: no refresh fails, and each is that of some moment', async () => {
    await invoices(['2019-05-02', 'USD', '1.00']);
    const cycles = Array.from({ length: 6 }, (_, index) => addMonths('2019-11', index));
    const arriving = (async () => {
      for (let file = 0; file < 6; file++) await invoices(['2019-05-02', 'USD', '1.00']);
    })();
    const results = [];
    for (const pair of [cycles.slice(0, 2), cycles.slice(2, 4), cycles.slice(4)])
      results.push(...(await Promise.all(pair.map((cycle) => refresh(it.context, cycle)))));
    await arriving;
    for (const { revenue_value, conservation } of results)
      expect(conservation.lines_in).toBe(Number(revenue_value));
  });
});

test('adjoining months are recomputed in one pass', () => {
  expect(monthSpans(['2019-11', '2019-12', '2020-01', '2020-03'])).toEqual([
    { from: '2019-11', to: '2020-02' },
    { from: '2020-03', to: '2020-04' },
  ]);
  expect(monthSpans([])).toEqual([]);
  const place = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(fc.uniqueArray(place), (places) => {
      const months = places.map((index) => addMonths('2018-01', index)).sort();
      const covered = monthSpans(months).flatMap(({ from, to }) => {
        const inside = [];
        for (let month = from; month < to; month = addMonths(month, 1)) inside.push(month);
        return inside;
      });
      expect(covered).toEqual(months);
    }),
  );
});
