import type { Enrolment, Reference } from '../../samples/truth.ts';
import { add, compareDecimals, type Decimal, decimal, quotient, text, ZERO } from './decimal.ts';
import type { Asked, AskedLevel, Program } from './program.ts';
import { holds } from './rows.ts';
import type { RuleSet } from './rule-set.ts';

/**
 * The auditor's levels: written from DOMAIN and docs/kpis.md, not from the SQL. One enrolment, one window, one day on
 * which it is judged, and the lines that count in it.
 */

/** What a line adds to a partner's figures. */
export interface Bought {
  readonly partner: string;
  readonly kpiClass: string;
  readonly units: Decimal;
  readonly kpi: Decimal;
  /** Undefined = no rate. */
  readonly revenue: Decimal | undefined;
}

/** As a row of `snapshot_requirement` and of `snapshot_renewal_requirement`. */
export interface JudgedRequirement {
  readonly partner_mpn_id: string;
  readonly competency: string;
  readonly level: string;
  readonly position: number;
  readonly requirement: string;
  readonly measure: string;
  readonly category: string;
  readonly figure: string | null;
  readonly threshold: string;
  readonly outcome: 'met' | 'waived' | 'no data' | 'not met';
  readonly waiver: string;
}

/** How an enrolment stands over one window. */
export interface Judgement {
  readonly level: string;
  readonly tier: string;
  readonly notOffered: readonly string[];
  readonly requirements: readonly JudgedRequirement[];
}

export interface Evaluated {
  readonly reference: Reference;
  readonly ruleSet: RuleSet | undefined;
  /** The day whose countries, trainers, exams and surveys count. */
  readonly judgedOn: string;
  /** The lines of the window, of all partners. */
  readonly lines: readonly Bought[];
}

const sum = (values: readonly Decimal[]): Decimal => values.reduce(add, ZERO);
const ONE = decimal('1');
const toSixDecimals = (value: Decimal): Decimal => quotient(value, ONE, 6);

/** `Learning Action Pack` is `Action Pack`, in whatever case. */
const plainOption = (option: string): string => option.toLowerCase().replace(/^learning\s+/, '');
const isPartners = ({ learningOption }: AskedLevel): boolean => plainOption(learningOption) === 'action pack';

/** The rule set whose program year holds a day. */
export const programOn = (ruleSets: readonly RuleSet[], day: string): RuleSet | undefined =>
  ruleSets.find(({ program: { from, to } }) => holds({ valid_from: from, valid_to: to }, day));

/** What a partner bought of a category ('' = all of them), under the caps. */
export function boughtOf(
  ruleSet: RuleSet | undefined,
  lines: readonly Bought[],
  partner: string,
  category: string,
): { readonly kpi: Decimal; readonly counted: Decimal; readonly units: Decimal; readonly revenue: Decimal } {
  const classes = new Map<string, Bought[]>();
  for (const line of lines) {
    if (line.partner !== partner) continue;
    if (category !== '' && ruleSet?.weights.get(line.kpiClass)?.category !== category) continue;
    classes.set(line.kpiClass, [...(classes.get(line.kpiClass) ?? []), line]);
  }
  const counted = [...classes].map(([kpiClass, own]) => {
    const kpi = toSixDecimals(sum(own.map((line) => line.kpi)));
    const cap = ruleSet?.weights.get(kpiClass)?.cap;
    return cap !== undefined && compareDecimals(kpi, cap) > 0 ? cap : kpi;
  });
  const all = [...classes.values()].flat();
  return {
    kpi: sum(all.map((line) => line.kpi)),
    counted: sum(counted),
    units: toSixDecimals(sum(all.map((line) => line.units))),
    revenue: sum(all.map((line) => line.revenue ?? ZERO)),
  };
}

/** What is on record of trainers, exams or surveys. */
function onRecord(
  { reference, judgedOn }: Evaluated,
  { partner_mpn_id }: Enrolment,
  measure: string,
  competency: string | undefined,
): Decimal | undefined {
  const values = reference.attainments
    .filter((one) => one.partner_mpn_id === partner_mpn_id && one.measure === measure && holds(one, judgedOn))
    .filter((one) => competency === undefined || one.competency === competency)
    .map(({ value }) => decimal(value))
    .sort(compareDecimals);
  return values.at(-1);
}

function figureOf(
  evaluated: Evaluated,
  enrolment: Enrolment,
  level: AskedLevel,
  asked: Asked,
): Decimal | undefined {
  const { measure, category } = asked;
  const { counted, units, revenue } = boughtOf(
    evaluated.ruleSet,
    evaluated.lines,
    enrolment.partner_mpn_id,
    category,
  );
  if (measure === 'kpi') return counted;
  if (measure === 'units') return units;
  if (measure === 'revenue') return revenue;
  const whole = onRecord(evaluated, enrolment, measure, '');
  if (isPartners(level)) return whole ?? onRecord(evaluated, enrolment, measure, undefined);
  return onRecord(evaluated, enrolment, measure, enrolment.competency) ?? whole;
}

/** The entry that applies: of the competency before the general one, of the tier before that of every country. */
function entryOf(
  { levels }: Program,
  name: string,
  competency: string,
  tier: string,
): AskedLevel | undefined {
  const of = (wantedCompetency: string, wantedTier: string): AskedLevel | undefined =>
    levels.find(
      (entry) => entry.level === name && entry.competency === wantedCompetency && entry.tier === wantedTier,
    );
  const general = of('', tier) ?? of('', '');
  return general && isPartners(general) ? general : (of(competency, tier) ?? of(competency, '') ?? general);
}

/** One enrolment over one window; `anniversary` is the one at hand. */
export function judgeEnrolment(evaluated: Evaluated, enrolment: Enrolment, anniversary: string): Judgement {
  const { reference, ruleSet, judgedOn } = evaluated;
  const { partner_mpn_id, competency, learning_option } = enrolment;
  if (!ruleSet) return { level: '', tier: '', notOffered: [], requirements: [] };
  const { program } = ruleSet;
  const country = reference.partners.find(
    (partner) => partner.mpn_id === partner_mpn_id && holds(partner, judgedOn),
  )?.country;
  const tier = program.tierOf.get(country ?? '') ?? '';
  const names = [...new Set(program.levels.map(({ level }) => level))];
  const option = names.findIndex((name) =>
    program.levels.some(
      (entry) => entry.level === name && plainOption(entry.learningOption) === plainOption(learning_option),
    ),
  );
  if (option < 0) return { level: '', tier, notOffered: [], requirements: [] };

  const waiver = program.waivers.find(
    ({ from, to, except }) =>
      // The Action Pack is no competency.
      competency !== '' && anniversary >= from && anniversary < to && !except.includes(competency),
  );
  const requirements: JudgedRequirement[] = [];
  const notOffered: string[] = [];
  let reached = '';
  for (const [rank, name] of names.entries()) {
    const isHeld = rank >= option;
    if (competency === '' && !isHeld) continue;
    const entry = entryOf(program, name, competency, tier);
    const isOffered =
      competency === '' ||
      program.offers.size === 0 ||
      program.offers.get(competency)?.includes(name) === true ||
      program.levels.some((other) => other.level === name && isPartners(other));
    if (!entry || !isOffered) {
      if (isHeld) notOffered.push(name);
      continue;
    }
    const judged = entry.requirements.map((asked, index): JudgedRequirement => {
      const figure = figureOf(evaluated, enrolment, entry, asked);
      const excuse =
        isHeld && waiver && (waiver.measures.length === 0 || waiver.measures.includes(asked.measure))
          ? waiver
          : undefined;
      const isMet = figure !== undefined && compareDecimals(figure, asked.atLeast) >= 0;
      const outcome = isMet ? 'met' : excuse ? 'waived' : figure === undefined ? 'no data' : 'not met';
      return {
        ...{ partner_mpn_id, competency, level: name, position: index + 1 },
        ...{ requirement: asked.requirement, measure: asked.measure, category: asked.category },
        figure: figure === undefined ? null : text(figure),
        threshold: text(asked.atLeast),
        outcome,
        waiver: outcome === 'waived' ? excuse!.source : '',
      };
    });
    requirements.push(...judged);
    const isReached = judged.every(({ outcome }) => outcome === 'met' || outcome === 'waived');
    if (isHeld && reached === '' && isReached) reached = name;
  }
  return { level: reached, tier, notOffered, requirements };
}
