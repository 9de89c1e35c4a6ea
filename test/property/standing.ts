import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Attainment, Enrolment } from '../../samples/truth.ts';
import { parseRuleSet, type RuleSet } from '../auditor/rule-set.ts';

/** How the partners of a month stand: where they are, what they are enrolled in, and what is on record of them. */

const FILES = ['until-2023-07.yaml', 'from-2023-07.yaml'];

/** The rule sets of the months: their text, for the engine, and what the auditor reads in it. */
export const RULE_TEXTS: readonly string[] = FILES.map((name) =>
  readFileSync(new URL(`rules/${name}`, import.meta.url), 'utf8'),
);
export const RULE_SETS: readonly RuleSet[] = RULE_TEXTS.map(parseRuleSet);

const COUNTRIES = ['US', 'TR', 'IN', 'EE'] as const;
const OPTIONS = ['Gold', 'Silver', 'Learning Action Pack', 'action pack', 'Platinum'] as const;
const COMPETENCIES = ['Cloud Platform', 'Data Platform', 'Cloud Business Applications', 'Windows'] as const;
/** On both sides of the ends of grace, of windows, of waivers and of February. */
const ANNIVERSARIES = [
  '2023-05-31',
  '2023-06-01',
  '2020-06-02',
  '2019-07-15',
  '2024-02-29',
  '2020-01-31',
  '2018-09-01',
  '2021-08-31',
  '2022-10-05',
  '2023-12-31',
  '2022-08-01',
] as const;
/** Long ago, and so late that the anniversary at hand is next year's. */
const SINCE = ['2015-01-01', '2023-06-15'] as const;
const MEASURES = ['mct', 'exam', 'survey-score'] as const;
const always = { valid_from: '2015-01-01', valid_to: '' };

const place = (list: readonly unknown[]) => fc.nat({ max: list.length - 1 });

const standing = fc.record({
  countries: fc.tuple(place(COUNTRIES), place(COUNTRIES)),
  // The second country is of the second cycle's window, and not yet of one that ended a month before it.
  moves: fc.nat({ max: 3 }).map((drawn) => drawn === 0),
  enrolments: fc.array(
    fc.record({
      partner: fc.nat({ max: 1 }),
      option: fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(0, 1) },
        { weight: 1, arbitrary: place(OPTIONS) },
      ),
      competency: place(COMPETENCIES),
      anniversary: place(ANNIVERSARIES),
      since: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
    }),
    { minLength: 1, maxLength: 5, size: 'max' },
  ),
  attainments: fc.array(
    fc.record({
      partner: fc.nat({ max: 1 }),
      measure: place(MEASURES),
      /** -1 = the whole partner's. */
      competency: fc.integer({ min: -1, max: COMPETENCIES.length - 1 }),
      value: fc.nat({ max: 3 }),
      /** Only on record from the last days of the second cycle's window on. */
      late: fc.nat({ max: 4 }).map((drawn) => drawn === 0),
    }),
    { maxLength: 8, size: 'max' },
  ),
});

export interface Standing {
  readonly countries: ReadonlyArray<{
    readonly country: string;
    readonly valid_from: string;
    readonly valid_to: string;
    readonly partner: string;
  }>;
  readonly enrolments: readonly Enrolment[];
  readonly attainments: readonly Attainment[];
}

/** How the two partners of a month stand, by its number. */
export function standingOf(seed: number, partners: readonly [string, string]): Standing {
  const drawn = fc.sample(standing, { seed, numRuns: 1 })[0]!;
  const once = <T>(list: readonly T[], key: (one: T) => string): T[] => [
    ...new Map(list.map((one) => [key(one), one])).values(),
  ];
  const enrolments = drawn.enrolments.map(
    ({ partner, option, competency, anniversary, since }): Enrolment => {
      const learning_option = OPTIONS[option]!;
      return {
        partner_mpn_id: partners[partner]!,
        learning_option,
        // The Action Pack hangs on the partner.
        competency: /action pack/i.test(learning_option) ? '' : COMPETENCIES[competency]!,
        anniversary_date: ANNIVERSARIES[anniversary]!,
        valid_from: SINCE[since]!,
        valid_to: '',
      };
    },
  );
  const attainments = drawn.attainments.map(
    ({ partner, measure, competency, value, late }): Attainment => ({
      partner_mpn_id: partners[partner]!,
      competency: competency < 0 ? '' : COMPETENCIES[competency]!,
      measure: MEASURES[measure]!,
      value: measure === 2 ? `${value + 2}.25` : String(value),
      ...always,
      ...(late ? { valid_from: '2023-09-20' } : {}),
    }),
  );
  return {
    countries: partners.flatMap((partner, index) => {
      const country = COUNTRIES[drawn.countries[index]!]!;
      const moved = COUNTRIES[(drawn.countries[index]! + 1) % COUNTRIES.length]!;
      return drawn.moves
        ? [
            { partner, country, ...always, valid_to: '2023-09-10' },
            { partner, country: moved, ...always, valid_from: '2023-09-10' },
          ]
        : [{ partner, country, ...always }];
    }),
    enrolments: once(enrolments, (one) => JSON.stringify([one.partner_mpn_id, one.competency])),
    attainments: once(attainments, (one) =>
      JSON.stringify([one.partner_mpn_id, one.competency, one.measure]),
    ),
  };
}
