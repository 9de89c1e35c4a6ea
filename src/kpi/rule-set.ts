import { z } from 'zod';
import { readYaml } from '../yaml.ts';
import { contradictions } from './contradictions.ts';

const day = z.iso.date();
const source = z.string().min(1);
const positive = z.number().positive();

export const MEASURES = ['kpi', 'units', 'revenue', 'mct', 'exam', 'survey-score', 'survey-count'] as const;

const weight = z.strictObject({
  category: z.string().min(1),
  weight: positive,
  /** So many purchase units earn `weight` KPI. */
  units: z.number().int().positive().max(1_000_000).default(1),
  /** The most KPI of this class that counts in one window. */
  cap: positive.optional(),
  source,
});

const requirement = z.strictObject({
  requirement: z.string().min(1),
  measure: z.enum(MEASURES),
  /** Of kpi, units and revenue; '' = all of them. KPI always has one. */
  category: z.string().default(''),
  at_least: z.number().nonnegative(),
  source,
});

/** A rule set as written: what a unit is worth, and what a level asks for. Every number has its source, or `sample`. */
const shape = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  title: z.string().min(1),
  basis: z.enum(['published', 'sample']),
  /** By issue date: weights, units, the $0 rule, credits, exchange rates. Half-open. */
  valid_from: day,
  valid_to: day.optional(),
  /** By the window's last day: caps, levels, tiers, competencies, waivers. Half-open. Absent: the same span. */
  program_year: z.strictObject({ from: day, to: day.optional() }).optional(),
  /** What a $0 line counts. */
  zero_amount: z.strictObject({ counts: z.enum(['units', 'nothing']), source }).optional(),
  /** The KPI month of a credit: its own, or that of the invoice that it refers to. */
  credits: z.strictObject({ month: z.enum(['own', 'original']), source }).optional(),
  /** The day whose exchange rate converts a line; month-end: the last day of its issue month. */
  exchange_rate: z.strictObject({ day: z.enum(['issue-date', 'month-end']), source }).optional(),
  weights: z.record(z.string().min(1), weight),
  /** A country in no tier is in tier ''. */
  tiers: z
    .array(z.strictObject({ tier: z.string().min(1), countries: z.array(z.string().min(1)).min(1), source }))
    .default([]),
  /** Which competencies offer which levels; empty: every competency offers every level. */
  competencies: z
    .array(
      z.strictObject({ competency: z.string().min(1), offers: z.array(z.string().min(1)).min(1), source }),
    )
    .default([]),
  /** The highest level first. None: a set of weights only. */
  levels: z.array(
    z.strictObject({
      level: z.string().min(1),
      learning_option: z.string().min(1),
      /** '' = every competency without requirements of its own. */
      competency: z.string().default(''),
      /** '' = every country whose tier has none of its own. */
      tier: z.string().default(''),
      requirements: z.array(requirement).min(1),
    }),
  ),
  /** Anniversary dates, half-open, that need not meet the measures (none named: all). */
  waivers: z
    .array(
      z.strictObject({
        anniversary_from: day,
        anniversary_to: day,
        measures: z.array(z.enum(MEASURES)).min(1).optional(),
        except_competencies: z.array(z.string().min(1)).default([]),
        source,
      }),
    )
    .default([]),
});

export type RuleSet = z.infer<typeof shape>;

/** What contradicts itself is looked for only where each part is what it should be. */
const schema = shape.pipe(
  z.custom<RuleSet>().superRefine((rules, context) => {
    for (const { path, message } of contradictions(rules))
      context.addIssue({ code: 'custom', path: [...path], message });
  }),
);

/** Every setting, for a mistyped one. */
const KEYS = [
  ...Object.keys(shape.shape),
  ...[
    'category',
    'weight',
    'units',
    'cap',
    'source',
    'from',
    'to',
    'counts',
    'month',
    'day',
    'tier',
    'countries',
  ],
  ...[
    'competency',
    'offers',
    'level',
    'learning_option',
    'requirements',
    'requirement',
    'measure',
    'at_least',
  ],
  ...['anniversary_from', 'anniversary_to', 'measures', 'except_competencies'],
];

/** Reads a rule set. Throws LkpError('request') that names each line and what is wrong with it. */
export const parseRules = (text: string, shown: string): RuleSet =>
  readYaml(text, 'rule set', shown, schema, KEYS);

export interface Span {
  readonly from: string;
  /** Undefined or null = open. */
  readonly to?: string | null | undefined;
}

/** By issue date. */
export const issueSpan = ({ valid_from, valid_to }: RuleSet): Span => ({ from: valid_from, to: valid_to });
/** By a window's last day. */
export const yearSpan = (rules: RuleSet): Span => rules.program_year ?? issueSpan(rules);

export const spanText = ({ from, to }: Span): string => `${from} to ${to ? `before ${to}` : 'open'}`;
