import { expect, inject, test } from 'vitest';
import { DISPOSITIONS } from '../samples/truth.ts';
import { judge } from './auditor/rows.ts';
import { shippedRuleSets } from './auditor/rule-set.ts';
import { RULES } from './auditor/rules.ts';
import { failuresOf, monthsOf, regressions, told } from './property/check.ts';
import { monthOf, referenceOf, stepsOf, worldOf } from './property/month.ts';

/** `npm run property` looks at other months, and at thousands of them. */
const MONTHS = 100;
const FIRST_SEED = 1;

test('a seed is a month, and the months hold what they are made for', () => {
  expect(monthOf(3)).toEqual(monthOf(3));
  const months = monthsOf(FIRST_SEED, MONTHS);
  const found = new Map<string, number>();
  const worlds = [0, 1].map((which) =>
    worldOf(referenceOf(months.map(({ id }) => id)), stepsOf(months, which as 0 | 1)),
  );
  for (const world of worlds) {
    const rows = judge(world.reference, world.files, shippedRuleSets(), RULES, {
      visibleUntil: '2023-09-30',
    });
    for (const { disposition, why, treatment } of rows) {
      const isCorrection = treatment.documentClass === 'corrected invoice';
      for (const name of [disposition, why, isCorrection ? `${disposition} correction` : ''])
        found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  for (const name of [
    ...DISPOSITIONS,
    ...[
      'conflict',
      'type',
      'reference-missing',
      'pending-reference',
      'reference-ambiguous',
      'corrected-twice',
    ],
    ...['counted correction', 'superseded correction'],
  ])
    expect(found.get(name) ?? 0, name).toBeGreaterThanOrEqual(5);
});

test(`${MONTHS} small months are what the auditor says, however they arrive`, async () => {
  const { url, run } = inject('server');
  const server = { url, template: `${run}_template` };
  for await (const failure of failuresOf(server, [...regressions(), ...monthsOf(FIRST_SEED, MONTHS)]))
    expect.fail(told(failure));
}, 180_000);
