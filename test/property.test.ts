import { expect, inject, test } from 'vitest';
import { DISPOSITIONS } from '../samples/truth.ts';
import { audit, auditLevels } from './auditor/audit.ts';
import { times } from './auditor/decimal.ts';
import { judge } from './auditor/rows.ts';
import { RULES } from './auditor/rules.ts';
import { failuresOf, monthsOf, regressions, told } from './property/check.ts';
import { CYCLES, monthOf, referenceOf, stepsOf, worldOf } from './property/month.ts';
import { programOf } from './property/program.ts';
import { RULE_SETS } from './property/standing.ts';

/** `npm run property` looks at other months, and at thousands of them. */
const MONTHS = 100;
/** So many of them are played here; `npm run property` plays thousands. */
const PLAYED = 60;
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

test('under rules that vary, the months hold what each policy changes', () => {
  const months = monthsOf(FIRST_SEED, MONTHS);
  const world = worldOf(referenceOf(months), stepsOf(months, 0));
  const { ruleSets } = programOf('varied');
  const seen = (rules: typeof RULES) =>
    judge(world.reference, world.files, ruleSets, rules, { visibleUntil: '2023-09-30' });
  const rows = seen(RULES);
  const withZeros = seen({ ...RULES, zeroCountsAnyway: true });
  const credits = rows.filter(({ treatment }) => treatment.isCredit);
  const found = {
    'in the month of their invoice': credits.filter(
      ({ disposition, countsOn, date }) =>
        disposition === 'reversal' && countsOn.slice(0, 7) !== date.slice(0, 7),
    ),
    'without an invoice': credits.filter(({ why }) => why === 'pending-reference'),
    'without a reference': credits.filter(({ why }) => why === 'reference-missing'),
    'with several invoices': credits.filter(({ why }) => why === 'reference-ambiguous'),
    'of no amount': rows.filter(({ disposition }, index) => disposition !== withZeros[index]!.disposition),
  };
  for (const [name, group] of Object.entries(found))
    expect(group.length, `lines ${name}`).toBeGreaterThanOrEqual(3);
  for (const cycle of CYCLES) {
    const { kpi_value, revenue_value, classes } = audit(world, { cycle, ruleSet: ruleSets });
    const changed = {
      'thirds without an end': { kpiOf: (units, weight) => times(units, weight) },
      'month-end rates': { rateDay: (day) => day },
    } satisfies Record<string, Partial<typeof RULES>>;
    const [thirds, rates] = Object.values(changed).map((broken) =>
      audit(world, { cycle, ruleSet: ruleSets }, { ...RULES, ...broken }),
    );
    expect(thirds!.kpi_value).not.toBe(kpi_value);
    expect(rates!.revenue_value).not.toBe(revenue_value);
    expect(classes.some(({ kpi_value, counted }) => kpi_value !== counted)).toBe(true);
  }
});

test(`${PLAYED / 2} small months under rules that vary are what the auditor says`, async () => {
  const { url, run } = inject('server');
  const server = { url, template: `${run}_template`, program: 'varied' as const };
  for await (const failure of failuresOf(server, monthsOf(FIRST_SEED, PLAYED / 2)))
    expect.fail(told(failure));
}, 180_000);

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

test(`${PLAYED} small months are what the auditor says, however they arrive`, async () => {
  const { url, run } = inject('server');
  const server = { url, template: `${run}_template` };
  for await (const failure of failuresOf(server, [...regressions(), ...monthsOf(FIRST_SEED, PLAYED)]))
    expect.fail(told(failure));
}, 180_000);
