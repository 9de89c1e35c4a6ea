import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide, waitingRows } from '../src/invoice/quarantine.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { explain } from '../src/kpi/explain.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { parseRules } from '../src/kpi/rule-set.ts';
import { checkRules, exampleRules, useAllRules, useRules } from '../src/kpi/rules.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';

const REFERENCE = fileURLToPath(new URL('cases/ingest/reference/', import.meta.url));
const KINDS: readonly KindName[] = ['partners', 'locations', 'customers', 'products'];
const HEADER = `Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n`;

const GOOD = `name: own
title: A set of its own
basis: sample
valid_from: 2024-07-01
valid_to: 2025-07-01
weights:
  courseware-advanced: { category: courseware, weight: 1, source: sample }
tiers:
  - { tier: emerging, countries: [TR, IN], source: sample }
competencies:
  - { competency: Cloud Platform, offers: [One], source: sample }
levels:
  - level: One
    learning_option: One
    requirements:
      - { requirement: KPI, measure: kpi, category: courseware, at_least: 1, source: sample }
waivers:
  - { anniversary_from: 2021-01-01, anniversary_to: 2021-07-01, source: sample }
`;

describe('a rule set that is wrong says the line and what is wrong', () => {
  test('the set that the others differ from is right', () => {
    expect(parseRules(GOOD, 'x.yaml')).toMatchObject({ name: 'own', waivers: [{ except_competencies: [] }] });
  });

  test.each<[what: string, from: string, to: string, says: RegExp]>([
    ['a weight of 0', 'weight: 1', 'weight: 0', /line 7: .*weight is "0" and must be above 0/],
    ['a weight below 0', 'weight: 1', 'weight: -2', /line 7: .*weight is "-2" and must be above 0/],
    [
      'units of no whole number',
      'weight: 1',
      'weight: 1, units: 1.5',
      /line 7: .*units is "1.5" and must be/,
    ],
    [
      'a 30th of February',
      '2024-07-01',
      '2024-02-30',
      /line 4: valid_from is "2024-02-30", no day; one such as/,
    ],
    [
      'a setting like no other',
      'title:',
      'threshold: 5\ntitle:',
      /setting "threshold" \(docs\/cli\.md lists/,
    ],
    [
      'an unknown tag',
      'A set of its own',
      '!!js/function "function () {}"',
      /a tag that is not known, in line 2: text/,
    ],
    ['units of 0', 'weight: 1', 'weight: 1, units: 0', /line 7: .*units is "0" and must be/],
    [
      'a mistyped setting',
      'waivers:',
      'waiver:',
      /line 17: the file has the unknown setting "waiver" \(did you mean waivers\?\)/,
    ],
    [
      'a mistyped setting inside',
      'weight: 1',
      'wieght: 1',
      /line 7: .*unknown setting "wieght" \(did you mean weight\?\)/,
    ],
    [
      'an unknown measure',
      'measure: kpi',
      'measure: kpis',
      /line 16: .*measure is "kpis" and must be one of .*did you mean kpi\?/,
    ],
    [
      'a category that nothing adds to',
      'kpi, category: courseware',
      'kpi, category: corseware',
      /line 16: .*"corseware", which no weight adds to; did you mean courseware\?/,
    ],
    [
      'revenue of such a category',
      'kpi, category: courseware',
      'revenue, category: exam',
      /line 16: .*revenue of the category "exam", which no weight/,
    ],
    [
      'a category of exams passed',
      'kpi, category: courseware',
      'exam, category: courseware',
      /line 16: .*exam has no category/,
    ],
    [
      'an unknown competency of a level',
      'learning_option: One',
      'learning_option: One\n    competency: Cloud Platfrom',
      /line 15: .*Cloud Platfrom, which competencies does not list; did you mean Cloud Platform\?/,
    ],
    [
      'an unknown competency of a waiver',
      '2021-07-01, source',
      '2021-07-01, except_competencies: [Data], source',
      /line 18: .*is Data, which competencies does not list/,
    ],
    [
      'an offer of no level',
      'offers: [One]',
      'offers: [Two]',
      /line 11: .*is Two, a level for which this rule set asks nothing; it has One\./,
    ],
    [
      'an unknown tier',
      'learning_option: One',
      'learning_option: One\n    tier: emergin',
      /line 15: .*is emergin, which tiers does not list; did you mean emerging\?/,
    ],
    ['an unknown country', '[TR, IN]', '[TR, QQ]', /line 9: .*is QQ, which is not a country/],
    ['a country by another name', '[TR, IN]', '[TR, UK]', /line 9: .*is UK, .*did you mean GB\?/],
    [
      'a country twice',
      '[TR, IN]',
      '[TR, TR]',
      /line 9: .*puts TR in the tier emerging; it is in emerging already/,
    ],
    [
      'a waiver that ends before it begins',
      'anniversary_to: 2021-07-01',
      'anniversary_to: 2020-07-01',
      /line 18: .*is 2020-07-01 and must lie after anniversary_from/,
    ],
    [
      'two waivers of a day',
      'waivers:\n',
      'waivers:\n  - { anniversary_from: 2021-06-01, anniversary_to: 2021-08-01, source: sample }\n',
      /line 19: .*each anniversary date has one waiver/,
    ],
    [
      'a year that ends before it begins',
      'weights:',
      'program_year: { from: 2024-07-01, to: 2023-07-01 }\nweights:',
      /line 6: program_year\.to is 2023-07-01 and must lie after/,
    ],
    [
      'a sample among published numbers',
      'basis: sample',
      'basis: published',
      /line 3: basis says published, and a sample is the source of .*the waiver from 2021-01-01/,
    ],
    [
      'an unknown word of a policy',
      'weights:',
      'credits: { month: orginal, source: sample }\nweights:',
      /line 6: credits\.month is "orginal" .*did you mean original\?/,
    ],
    [
      'a policy without a source',
      'weights:',
      'zero_amount: { counts: nothing }\nweights:',
      /line 6: zero_amount\.source is missing/,
    ],
  ])('%s', (_what, from, to, says) => {
    const wrong = GOOD.replace(from, to);
    expect(wrong).not.toBe(GOOD);
    expect(() => parseRules(wrong, 'x.yaml')).toThrow(says);
  });

  test('every fault is named, in the order of the lines', () => {
    const wrong = GOOD.replace('weight: 1', 'weight: 0').replace('sample\nvalid', 'samples\nvalid');
    expect(() => parseRules(wrong, 'x.yaml')).toThrow(/line 3: .*; line 7: /);
  });
});

describe('several files', () => {
  const next = GOOD.replace('name: own', 'name: next').replaceAll(/2025-07-01|2024-07-01/g, (day) =>
    day === '2024-07-01' ? '2025-07-01' : '2026-07-01',
  );
  const check = (...texts: string[]) =>
    checkRules(texts.map((text, index) => ({ text, shown: `${index + 1}.yaml` })));

  test('that adjoin', async () => {
    expect(await check(GOOD, next)).toMatchObject([{ name: 'own' }, { name: 'next' }]);
  });
  test.each<[what: string, text: string, says: RegExp]>([
    [
      'overlap',
      next.replace('2025-07-01', '2025-06-01'),
      /line 4: The rule set (own|next) is valid .*overlaps/,
    ],
    [
      'a gap',
      next.replace('2025-07-01', '2025-08-01'),
      /2\.yaml line 4: No rule set is valid from 2025-07-01 to before 2025-08-01, between own and next/,
    ],
    [
      'a gap of years alone',
      next.replace('weights:', 'program_year: { from: 2025-09-01, to: 2026-07-01 }\nweights:'),
      /2\.yaml line 6: No rule set has a program year from 2025-07-01 to before 2025-09-01/,
    ],
    [
      'one name',
      next.replace('name: next', 'name: own'),
      /2\.yaml line 1: the rule set is called own like that of 1\.yaml/,
    ],
    ['both are wrong', next.replace('weight: 1', 'weight: 0'), /2\.yaml cannot be used: line 7/],
  ])('%s', async (_what, text, says) => {
    await expect(check(GOOD, text)).rejects.toThrow(says);
  });
});

let it: TestContext;
let known: string;
beforeAll(async () => {
  it = await testContext({ now: '2023-10-20T10:00:00.000Z' });
  for (const kind of KINDS) await loadReference(it.context, kind, join(REFERENCE, `${kind}.csv`));
  known = await it.keep();
});

describe('in force', () => {
  beforeEach(async () => {
    it = await testContext({ from: known, now: '2023-10-20T10:00:00.000Z' });
  });
  afterEach(() => it.drop());
  const body = async (name: string): Promise<string> =>
    (
      await it.rows<{ body: string }>('select body from rule_set where name = $1 and ended_no is null', [
        name,
      ])
    )[0]!.body;
  const withPolicies = async (...policies: string[]): Promise<void> => {
    const sample = await body('sample-silver-gold');
    await useRules(it.context, sample.replace('\nweights:', `\n${policies.join('\n')}\nweights:`), 'x.yaml');
  };
  let files = 0;
  const line = (
    number: string,
    date: string,
    type: string,
    units: number,
    amount: string,
    refers = '',
    currency = 'USD',
  ) => `${[number, date, type, currency, refers, 'C100', 1, units, amount, 'MOC-1'].join(',')}\n`;
  const take = async (...lines: string[]) =>
    ingestFile(it.context, await it.write(`${++files}.csv`, HEADER + lines.join('')));
  const cells = async (cycle: string): Promise<string[]> => {
    const { revision } = await refresh(it.context, cycle, { restate: true, reason: 'test' });
    const rows = await it.rows<{ cell: string }>(
      `select to_char(kpi_month, 'YYYY-MM') || ' ' || trim_scale(sum(units)) || ' ' || trim_scale(sum(kpi_value)) as cell
       from snapshot_cell where cycle = $1 and revision = $2 group by kpi_month order by 1`,
      [cycle, revision],
    );
    return rows.map(({ cell }) => cell);
  };

  test('a gap between two sets is refused, and left when it is said', async () => {
    const later = GOOD.replace('valid_from: 2024-07-01', 'valid_from: 2024-08-01');
    await expect(useRules(it.context, later, 'x.yaml')).rejects.toThrow(
      /x\.yaml line 4: No rule set is valid from 2024-07-01 to before 2024-08-01, between fy24 and own.*--leave-gap/,
    );
    const files = [{ text: later, shown: 'x.yaml' }];
    expect(await useAllRules(it.context, files, { leaveGap: true })).toEqual([true]);
    // Now it is there, and is no news.
    expect(await useRules(it.context, later.replace('title: A', 'title: The'), 'x.yaml')).toBe(true);
    await expect(
      it.context.db.transaction('check', (tx) => checkRules([{ text: later, shown: 'x.yaml' }], tx)),
    ).rejects.toThrow(/between fy24 and own/);
  });

  test('a border moves when both sets come together: the weights of 2010', async () => {
    const [example] = await exampleRules();
    const weights = { text: await readFile(example!.path, 'utf8'), shown: 'weights-2010.yaml' };
    await expect(useAllRules(it.context, [weights])).rejects.toThrow(/overlaps sample-silver-gold/);
    const later = (await body('sample-silver-gold')).replaceAll('2000-01-01', '2011-01-01');
    expect(await useAllRules(it.context, [weights, { text: later, shown: 'later.yaml' }])).toEqual([
      true,
      true,
    ]);
    const sets = await it.rows(
      `select name, valid_from, change_no = max(change_no) over () as newest from rule_set where ended_no is null order by 2`,
    );
    expect(sets).toMatchObject([
      { name: 'weights-2010', newest: true },
      { name: 'sample-silver-gold', valid_from: '2011-01-01', newest: true },
      { name: 'fy24' },
    ]);
    expect(await it.rows(`select weight, per_units from rule_weight where per_units <> 1`)).toEqual([
      { weight: '1', per_units: '3' },
    ]);
  });

  test('units: three thirds are one where it is held against a threshold', async () => {
    const sample = await body('sample-silver-gold');
    await useRules(it.context, sample.replace('weight: 2,', 'weight: 1, units: 3, cap: 1,'), 'x.yaml');
    await take(...['A', 'B', 'C', 'D'].map((number) => line(number, '2019-05-02', '380', 1, '10.00')));
    expect(await cells('2019-06')).toEqual(['2019-05 4 1.3333333332']);
    expect(await it.rows('select kpi_value, counted, above_cap from snapshot_class')).toEqual([
      { kpi_value: '1.3333333332', counted: '1', above_cap: '0.333333' },
    ]);
    const [row] = await explain(it.context, { number: 'A' });
    expect(row).toMatchObject({ weight: '1', per_units: '3', kpi_value: '0.3333333333' });
  });

  test('$0 lines count nothing where the rule set says so', async () => {
    await take(line('A', '2019-05-02', '380', 5, '0.00'), line('B', '2019-05-02', '380', 1, '10.00'));
    expect(await cells('2019-06')).toEqual(['2019-05 6 12']);
    await withPolicies('zero_amount: { counts: nothing, source: sample }');
    expect(await cells('2019-06')).toEqual(['2019-05 1 2']);
    const [row] = await explain(it.context, { number: 'A' });
    expect(row).toMatchObject({ disposition: 'no-kpi-value', rule: 'zero-amount' });
  });

  test('a line is converted at the rate of its month-end', async () => {
    await loadReference(
      it.context,
      'rates',
      await it.write('r.csv', 'Date,USD,\n2019-05-31,3,\n2019-05-02,2,\n'),
    );
    await take(line('A', '2019-05-02', '380', 1, '10.00', '', 'EUR'));
    const revenue = async () => (await refresh(it.context, '2019-06', { plan: true })).revenue_value;
    expect(await revenue()).toBe('20');
    await withPolicies('exchange_rate: { day: month-end, source: sample }');
    expect(await revenue()).toBe('30');
  });

  describe('a credit in the month of its invoice', () => {
    beforeEach(() => withPolicies('credits: { month: original, source: sample }'));
    const credit = (date = '2019-07-03', refers = 'A') => line('K', date, '381', 1, '10.00', refers);

    test('waits for it, is counted as waiting, and releases itself; withdrawn, it waits again', async () => {
      expect((await take(credit())).dispositions).toMatchObject({ quarantined: 1, reversal: 0 });
      expect(await waitingRows(it.context)).toMatchObject([{ number: 'K', rule: 'pending-reference' }]);
      const waits = await refresh(it.context, '2019-08');
      expect(waits.conservation.dispositions).toMatchObject({ quarantined: 1, reversal: 0 });
      const [row] = await explain(it.context, { number: 'K' });
      expect(row).toMatchObject({ disposition: 'quarantined', rule: 'pending-reference', cycles: null });

      await take(line('A', '2019-05-02', '380', 3, '30.00'));
      expect(await waitingRows(it.context)).toEqual([]);
      // Of its invoice's month, from its own issue month on.
      expect(await cells('2019-07')).toEqual(['2019-05 3 6']);
      expect(await cells('2019-08')).toEqual(['2019-05 2 4']);
      await withdrawFile(it.context, `${files}.csv`, 'the wrong one');
      expect(await cells('2019-08')).toEqual([]);
      expect(await waitingRows(it.context)).toMatchObject([{ number: 'K' }]);
    });

    test('counts in the month of the invoice that a corrected one replaces', async () => {
      await take(line('A', '2019-05-02', '380', 3, '30.00'));
      await take(line('C', '2019-06-02', '384', 2, '20.00', 'A'), credit('2019-07-03', 'C'));
      expect(await cells('2019-08')).toEqual(['2019-05 1 2']);
    });

    test('waits where its number means invoices of two months, or none is named', async () => {
      await take(line('A', '2019-05-02', '380', 3, '30.00'), line('A', '2019-06-02', '380', 3, '30.00'));
      await take(credit());
      await take(credit('2019-07-04', '').replace('K,', 'L,'));
      expect((await waitingRows(it.context)).map(({ number, rule }) => [number, rule])).toEqual([
        ['K', 'reference-ambiguous'],
        ['L', 'reference-missing'],
      ]);
    });

    test('a person may let it count in its own month, or refuse it, and take that back', async () => {
      await take(line('B', '2019-05-02', '380', 3, '30.00'), credit());
      expect(await cells('2019-08')).toEqual(['2019-05 3 6']);
      expect(await decide(it.context, 'K', 'release', { reason: 'seen' })).toMatchObject({
        moved: 1,
        waiting: 0,
      });
      expect(await cells('2019-08')).toEqual(['2019-05 3 6', '2019-07 -1 -2']);
      expect(await decide(it.context, 'K', 'reopen', { reason: 'no' })).toMatchObject({ waiting: 1 });
      expect(await cells('2019-08')).toEqual(['2019-05 3 6']);
      await decide(it.context, 'K', 'refuse', { reason: 'no' });
      expect(await waitingRows(it.context)).toEqual([]);
      const [row] = await explain(it.context, { number: 'K' });
      expect(row).toMatchObject({ disposition: 'rejected', rule: 'refused-by-decision' });
    });

    test('a folder of it has nothing to correct', async () => {
      const path = await it.write('folder/k.csv', HEADER + credit());
      const { files } = await ingestAll(it.context, [path], {});
      expect(files[0]).toMatchObject({ dispositions: { quarantined: 1 } });
      expect(files[0]).not.toHaveProperty('rejects');
    });
  });
});
