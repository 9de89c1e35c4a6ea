import { meant } from '../config.ts';
import type { RuleSet } from './rule-set.ts';

/** A part of a rule set that contradicts another one, and where it stands. */
export interface Contradiction {
  readonly path: ReadonlyArray<string | number>;
  readonly message: string;
}

/** What is wrong with a rule set whose parts are each what they should be: seen and wanted, part by part. */
export const contradictions = (rules: RuleSet): Contradiction[] => [
  ...spans(rules),
  ...basis(rules),
  ...tiers(rules),
  ...competencies(rules),
  ...levels(rules),
  ...requirements(rules),
  ...waivers(rules),
];

/** The word that was probably meant, or those that there are. */
const instead = (word: string, known: readonly string[]): string =>
  known.length === 0 ? '' : meant(word, known, '; did you mean') || `; it has ${known.join(', ')}`;

function* spans({ valid_from, valid_to, program_year }: RuleSet): Generator<Contradiction> {
  if (valid_to !== undefined && valid_to <= valid_from)
    yield { path: ['valid_to'], message: `is ${valid_to} and must lie after valid_from (${valid_from})` };
  if (program_year?.to !== undefined && program_year.to <= program_year.from)
    yield {
      path: ['program_year', 'to'],
      message: `is ${program_year.to} and must lie after from (${program_year.from})`,
    };
}

/** Where each source stands, and of what. */
function* sources(rules: RuleSet): Generator<{ path: Array<string | number>; of: string; source: string }> {
  for (const name of ['zero_amount', 'credits', 'exchange_rate'] as const) {
    const policy = rules[name];
    if (policy) yield { path: [name, 'source'], of: name, source: policy.source };
  }
  for (const [name, { source }] of Object.entries(rules.weights))
    yield { path: ['weights', name, 'source'], of: name, source };
  for (const [index, { tier, source }] of rules.tiers.entries())
    yield { path: ['tiers', index, 'source'], of: `tier ${tier}`, source };
  for (const [index, { competency, source }] of rules.competencies.entries())
    yield { path: ['competencies', index, 'source'], of: competency, source };
  for (const [index, { level, requirements }] of rules.levels.entries())
    for (const [at, { requirement, source }] of requirements.entries())
      yield {
        path: ['levels', index, 'requirements', at, 'source'],
        of: `${requirement} of ${level}`,
        source,
      };
  for (const [index, { anniversary_from, source }] of rules.waivers.entries())
    yield { path: ['waivers', index, 'source'], of: `the waiver from ${anniversary_from}`, source };
}

function* basis(rules: RuleSet): Generator<Contradiction> {
  if (rules.basis === 'sample') return;
  const samples = [...sources(rules)].filter(({ source }) => source === 'sample');
  if (samples.length > 0)
    yield {
      path: ['basis'],
      message: `says published, and a sample is the source of ${samples.map(({ of }) => of).join(', ')}; say basis: sample, or name the public source`,
    };
}

/** Knows the codes of ISO 3166-1; `rules use` asks the database's list. */
const regions = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
const ALIASES: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR', XI: 'GB', '1A': 'XK' };
const isCountry = (code: string): boolean =>
  /^[A-Z]{2}$/.test(code) && ALIASES[code] === undefined && regions.of(code) !== undefined;

function* tiers(rules: RuleSet): Generator<Contradiction> {
  const held = new Map<string, string>();
  const names = new Set<string>();
  for (const [index, { tier, countries }] of rules.tiers.entries()) {
    if (names.has(tier))
      yield { path: ['tiers', index, 'tier'], message: `names ${tier} again; put all its countries in one` };
    names.add(tier);
    for (const [at, country] of countries.entries()) {
      const path = ['tiers', index, 'countries', at];
      if (!isCountry(country)) {
        const code = ALIASES[country.toUpperCase()] ?? country.toUpperCase();
        yield {
          path,
          message: `is ${country}, which is not a country of ISO 3166-1 in two capital letters${isCountry(code) ? `; did you mean ${code}?` : ', such as TR'}`,
        };
      } else if (held.has(country))
        yield {
          path,
          message: `puts ${country} in the tier ${tier}; it is in ${held.get(country)} already, and a country has one tier`,
        };
      held.set(country, tier);
    }
  }
}

function* competencies(rules: RuleSet): Generator<Contradiction> {
  const known = [...new Set(rules.levels.map(({ level }) => level))];
  const seen = new Set<string>();
  for (const [index, { competency, offers }] of rules.competencies.entries()) {
    if (seen.has(competency))
      yield {
        path: ['competencies', index, 'competency'],
        message: `names ${competency} again; put all its levels in one`,
      };
    seen.add(competency);
    for (const [at, level] of offers.entries()) {
      const path = ['competencies', index, 'offers', at];
      if (!known.includes(level))
        yield {
          path,
          message: `is ${level}, a level for which this rule set asks nothing${instead(level, known)}`,
        };
      else if (offers.indexOf(level) < at) yield { path, message: `is ${level} again` };
    }
  }
}

/** Levels stand once for each competency and tier, both of which must be known. */
function* levels(rules: RuleSet): Generator<Contradiction> {
  const tierNames = rules.tiers.map(({ tier }) => tier);
  const seen = new Set<string>();
  for (const [index, { level, competency, tier }] of rules.levels.entries()) {
    const key = JSON.stringify([level, competency, tier]);
    const whose = `${level}${competency && ` of ${competency}`}${tier && ` in the tier ${tier}`}`;
    if (seen.has(key))
      yield {
        path: ['levels', index, 'level'],
        message: `the level ${whose} stands twice; put all its requirements in one`,
      };
    seen.add(key);
    if (tier !== '' && !tierNames.includes(tier))
      yield {
        path: ['levels', index, 'tier'],
        message: `is ${tier}, which tiers does not list${instead(tier, tierNames)}`,
      };
    yield* offered(rules, competency, ['levels', index, 'competency']);
    const offer = rules.competencies.find((entry) => entry.competency === competency);
    if (offer && !offer.offers.includes(level))
      yield {
        path: ['levels', index, 'level'],
        message: `asks for ${level} of ${competency}, which offers only ${offer.offers.join(', ')}`,
      };
  }
}

/** Where the competencies are listed, one that is named elsewhere must be among them. */
function* offered(
  rules: RuleSet,
  competency: string,
  path: Array<string | number>,
): Generator<Contradiction> {
  const known = rules.competencies.map((entry) => entry.competency);
  if (competency !== '' && known.length > 0 && !known.includes(competency))
    yield {
      path,
      message: `is ${competency}, which competencies does not list${instead(competency, known)}`,
    };
}

/** The measures that are summed over lines, and so by category. */
const SUMMED: readonly string[] = ['kpi', 'units', 'revenue'];

function* requirements(rules: RuleSet): Generator<Contradiction> {
  const categories = [...new Set(Object.values(rules.weights).map(({ category }) => category))];
  for (const [index, { level, requirements: asked }] of rules.levels.entries()) {
    for (const [at, { measure, category }] of asked.entries()) {
      const path = ['levels', index, 'requirements', at, 'category'];
      if (
        SUMMED.includes(measure) &&
        !categories.includes(category) &&
        (category !== '' || measure === 'kpi')
      )
        yield {
          path,
          message: `${level} asks for ${measure === 'kpi' ? 'KPI' : measure} of the category "${category}", which no weight adds to${instead(category, categories)}`,
        };
      if (!SUMMED.includes(measure) && category !== '')
        yield { path, message: `is "${category}", and ${measure} has no category; remove it` };
    }
  }
}

function* waivers(rules: RuleSet): Generator<Contradiction> {
  for (const [index, waiver] of rules.waivers.entries()) {
    const { anniversary_from: from, anniversary_to: to, except_competencies: except } = waiver;
    if (to <= from)
      yield {
        path: ['waivers', index, 'anniversary_to'],
        message: `is ${to} and must lie after anniversary_from (${from})`,
      };
    for (const [at, competency] of except.entries())
      yield* offered(rules, competency, ['waivers', index, 'except_competencies', at]);
    const other = rules.waivers
      .slice(0, index)
      .find((earlier) => earlier.anniversary_from < to && from < earlier.anniversary_to);
    if (other)
      yield {
        path: ['waivers', index, 'anniversary_from'],
        message: `is ${from}; the waiver of ${other.anniversary_from} to before ${other.anniversary_to} holds then already, and each anniversary date has one waiver`,
      };
  }
}
