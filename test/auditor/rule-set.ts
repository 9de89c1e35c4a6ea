import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type Decimal, decimal } from './decimal.ts';
import { type Program, type ProgramBody, programOf } from './program.ts';

export interface Weight {
  readonly category: string;
  readonly weight: Decimal;
  /** So many purchase units earn `weight`. */
  readonly perUnits: Decimal;
  /** The most KPI of the class that counts in one window. */
  readonly cap: Decimal | undefined;
}

export interface Requirement {
  readonly measure: string;
  readonly category: string;
  readonly atLeast: Decimal;
}

export interface Level {
  readonly level: string;
  readonly learningOption: string;
  readonly requirements: readonly Requirement[];
}

export interface RuleSet {
  readonly name: string;
  /** Valid from this day up to, not including, `validTo`. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Whether a $0 line counts its units. */
  readonly zeroCounts: boolean;
  /** Whether a credit counts in the month of the invoice that it refers to. */
  readonly creditsGoBack: boolean;
  /** Whether a line is converted at the rate of its month's last day. */
  readonly ratesOfMonthEnd: boolean;
  /** By KPI class. */
  readonly weights: ReadonlyMap<string, Weight>;
  /** The highest first. */
  readonly levels: readonly Level[];
  /** What holds by a window's last day. */
  readonly program: Program;
}

type Texts = Record<string, string>;
interface Body {
  readonly name: string;
  readonly valid_from: string;
  readonly valid_to?: string;
  readonly zero_amount?: Texts;
  readonly credits?: Texts;
  readonly exchange_rate?: Texts;
  readonly weights: Record<string, Texts>;
  readonly levels: ReadonlyArray<{ level: string; learning_option: string; requirements: readonly Texts[] }>;
}

/** Reads a rule set's YAML; every value stays a text until it becomes an exact decimal. */
export function parseRuleSet(yaml: string): RuleSet {
  const body = parse(yaml, { schema: 'failsafe' }) as Body;
  const weights = Object.entries(body.weights).map(
    ([kpiClass, { category, weight, units, cap }]): [string, Weight] => [
      kpiClass,
      {
        category: category!,
        weight: decimal(weight!),
        perUnits: decimal(units ?? '1'),
        cap: cap === undefined ? undefined : decimal(cap),
      },
    ],
  );
  return {
    name: body.name,
    validFrom: body.valid_from,
    validTo: body.valid_to ?? '',
    zeroCounts: body.zero_amount?.counts !== 'nothing',
    creditsGoBack: body.credits?.month === 'original',
    ratesOfMonthEnd: body.exchange_rate?.day === 'month-end',
    program: programOf(body as unknown as ProgramBody),
    weights: new Map(weights),
    levels: body.levels.map(({ level, learning_option, requirements }) => ({
      level,
      learningOption: learning_option,
      requirements: requirements.map(({ measure, category, at_least }) => ({
        measure: measure!,
        category: category ?? '',
        atLeast: decimal(at_least!),
      })),
    })),
  };
}

export const readRuleSet = (path: string | URL): RuleSet => parseRuleSet(readFileSync(path, 'utf8'));

/** The rule sets that come with the software: sample Silver and Gold until 2023-07, then FY24. */
export const shippedRuleSets = (): RuleSet[] =>
  ['sample-silver-gold', 'fy24'].map((name) =>
    readRuleSet(new URL(`../../src/kpi/rules/${name}.yaml`, import.meta.url)),
  );
