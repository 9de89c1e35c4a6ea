import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { parseRuleSet, type RuleSet } from '../auditor/rule-set.ts';
import { RULE_SETS, RULE_TEXTS } from './standing.ts';

/** The rules that months are played under. */
export interface Program {
  /** What the auditor reads. */
  readonly ruleSets: readonly RuleSet[];
  /** What the engine puts in force first. */
  readonly texts: readonly string[];
}

const shipped = (name: string): Record<string, unknown> =>
  parse(readFileSync(new URL(`../../src/kpi/rules/${name}.yaml`, import.meta.url), 'utf8'));
const asked = { source: 'sample' };
const weightsOf = (units: number) => ({
  'courseware-fundamentals': { category: 'courseware', weight: 1, units, cap: 60, ...asked },
  'courseware-advanced': { category: 'courseware', weight: 2, units, ...asked },
  'exam-fundamentals': { category: 'exam', weight: 0.7, units, ...asked },
});

/** Each policy with and without the others, so that a window holds several and a credit and its invoice differ. */
const varied = (): Program => {
  const sample = shipped('sample-silver-gold');
  const fy24 = shipped('fy24');
  const policies = {
    zero_amount: { counts: 'nothing', ...asked },
    credits: { month: 'original', ...asked },
    exchange_rate: { day: 'month-end', ...asked },
  };
  const span = (valid_from: string, valid_to: string) => ({
    valid_from,
    valid_to,
    program_year: { from: valid_from, to: valid_to },
  });
  const { zero_amount, credits, exchange_rate } = policies;
  const sets = [
    { ...sample, ...span('2000-01-01', '2022-07-01'), zero_amount },
    {
      ...sample,
      name: 'all-of-them',
      ...span('2022-07-01', '2023-03-01'),
      ...policies,
      weights: weightsOf(3),
    },
    // Levels by another year than weights: the window that ends on 2023-06-30 is judged by the next set.
    {
      ...sample,
      name: 'month-end',
      ...span('2023-03-01', '2023-07-01'),
      program_year: { from: '2023-03-01', to: '2023-06-15' },
      exchange_rate,
      credits,
    },
    {
      ...fy24,
      basis: 'sample',
      ...span('2023-07-01', '2024-07-01'),
      program_year: { from: '2023-06-15', to: '2024-07-01' },
      credits,
      weights: { ...weightsOf(7), 'exam-advanced': { category: 'exam', weight: 1, ...asked } },
    },
  ];
  const texts = sets.map((set) => stringify(set));
  return { ruleSets: texts.map(parseRuleSet), texts };
};

/** `levels`: tiers, offers and waivers; `varied`: the policies of lines. */
const PROGRAMS = {
  levels: (): Program => ({ ruleSets: RULE_SETS, texts: RULE_TEXTS }),
  varied,
} as const;
export type ProgramName = keyof typeof PROGRAMS;
export const isProgram = (name: string): name is ProgramName => name in PROGRAMS;

const made = new Map<ProgramName, Program>();
export function programOf(name: ProgramName = 'levels'): Program {
  const program = made.get(name) ?? PROGRAMS[name]();
  made.set(name, program);
  return program;
}
