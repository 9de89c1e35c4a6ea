import { expect, inject, test } from 'vitest';
import { DISPOSITIONS } from '../samples/truth.ts';
import { auditLevels } from './auditor/audit.ts';
import { judge } from './auditor/rows.ts';
import { RULES } from './auditor/rules.ts';
import { failuresOf, monthsOf, regressions, told } from './property/check.ts';
import { CYCLES, monthOf, referenceOf, stepsOf, worldOf } from './property/month.ts';
import { RULE_SETS } from './property/standing.ts';

/** `npm run property` looks at other months, and at thousands of them. */
const MONTHS = 100;
const FIRST_SEED = 1;

test('a seed is a month, and the months hold what they are made for', () => {
  expect(monthOf(3)).toEqual(monthOf(3));
  const months = monthsOf(FIRST_SEED, MONTHS);
  const found = new Map<string, number>();
  const worlds = [0, 1].map((which) => worldOf(referenceOf(months), stepsOf(months, which as 0 | 1)));
  for (const world of worlds) {
    const rows = judge(world.reference, world.files, RULE_SETS, RULES, {
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

test('the months hold every outcome, level, offer, tier and waiver, on windows that ended and that did not', () => {
  const months = monthsOf(FIRST_SEED, MONTHS);
  const world = worldOf(referenceOf(months), stepsOf(months, 0));
  const found = new Map<string, number>();
  const count = (name: string) => found.set(name, (found.get(name) ?? 0) + 1);
  for (const cycle of CYCLES) {
    const { renewals, renewalRequirements, forecast } = auditLevels(world, { cycle, ruleSet: RULE_SETS });
    for (const { outcome, measure } of renewalRequirements) [outcome, measure].forEach(count);
    for (const renewal of renewals) {
      count(`level ${renewal.level}`);
      count(renewal.provisional === 'true' ? 'provisional' : 'final');
      count(`tier ${renewal.tier}`);
      if (renewal.not_offered !== '') count('not offered');
      if (renewal.window_to < RULES.window(cycle).to) count('earlier window');
    }
    for (const { leaves_kpi, enters_kpi } of forecast) {
      if (/[1-9]/.test(leaves_kpi)) count('leaves');
      if (/[1-9]/.test(enters_kpi)) count('enters');
    }
  }
  for (const name of [
    ...['met', 'not met', 'waived', 'no data', 'kpi', 'units', 'revenue', 'mct', 'exam', 'survey-score'],
    ...[
      'level Gold',
      'level Silver',
      'level Action Pack',
      'level ',
      'provisional',
      'final',
      'earlier window',
    ],
    ...['tier emerging', 'tier small', 'tier ', 'not offered', 'leaves', 'enters'],
  ])
    expect(found.get(name) ?? 0, name).toBeGreaterThanOrEqual(5);
});

test(`${MONTHS} small months are what the auditor says, however they arrive`, async () => {
  const { url, run } = inject('server');
  const server = { url, template: `${run}_template` };
  for await (const failure of failuresOf(server, [...regressions(), ...monthsOf(FIRST_SEED, MONTHS)]))
    expect.fail(told(failure));
}, 180_000);
