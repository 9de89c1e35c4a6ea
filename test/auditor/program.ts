import { type Decimal, decimal } from './decimal.ts';

/** What a rule set says of a program year: who is asked what, and who is excused. Written from DOMAIN and docs/kpis.md. */

export interface Asked {
  readonly requirement: string;
  readonly measure: string;
  readonly category: string;
  readonly atLeast: Decimal;
  readonly source: string;
}

/** One entry under `levels:`. competency and tier '' = whoever has no entry of its own. */
export interface AskedLevel {
  readonly level: string;
  readonly learningOption: string;
  readonly competency: string;
  readonly tier: string;
  readonly requirements: readonly Asked[];
}

export interface Waiver {
  /** Half-open. */
  readonly from: string;
  readonly to: string;
  /** None named = all. */
  readonly measures: readonly string[];
  readonly except: readonly string[];
  readonly source: string;
}

export interface Program {
  /** By a window's last day: from this day up to, not including, `to`; '' = open. */
  readonly from: string;
  readonly to: string;
  readonly tierOf: ReadonlyMap<string, string>;
  /** Which levels each competency offers; empty = every competency offers every level. */
  readonly offers: ReadonlyMap<string, readonly string[]>;
  readonly levels: readonly AskedLevel[];
  readonly waivers: readonly Waiver[];
}

type Texts = Readonly<Record<string, string>>;

/** The parts of a rule set's YAML, every value still a text. */
export interface ProgramBody {
  readonly valid_from: string;
  readonly valid_to?: string;
  readonly program_year?: { readonly from: string; readonly to?: string };
  readonly tiers?: ReadonlyArray<{ readonly tier: string; readonly countries: readonly string[] }>;
  readonly competencies?: ReadonlyArray<{ readonly competency: string; readonly offers: readonly string[] }>;
  readonly levels: ReadonlyArray<{
    readonly level: string;
    readonly learning_option: string;
    readonly competency?: string;
    readonly tier?: string;
    readonly requirements: readonly Texts[];
  }>;
  readonly waivers?: ReadonlyArray<{
    readonly anniversary_from: string;
    readonly anniversary_to: string;
    readonly measures?: readonly string[];
    readonly except_competencies?: readonly string[];
    readonly source: string;
  }>;
}

export function programOf(body: ProgramBody): Program {
  const year = body.program_year ?? { from: body.valid_from, to: body.valid_to ?? '' };
  return {
    from: year.from,
    to: year.to ?? '',
    tierOf: new Map(
      (body.tiers ?? []).flatMap(({ tier, countries }) =>
        countries.map((country): [string, string] => [country, tier]),
      ),
    ),
    offers: new Map((body.competencies ?? []).map(({ competency, offers }) => [competency, offers])),
    levels: body.levels.map((level) => ({
      level: level.level,
      learningOption: level.learning_option,
      competency: level.competency ?? '',
      tier: level.tier ?? '',
      requirements: level.requirements.map(({ requirement, measure, category, at_least, source }) => ({
        requirement: requirement!,
        measure: measure!,
        category: category ?? '',
        atLeast: decimal(at_least!),
        source: source!,
      })),
    })),
    waivers: (body.waivers ?? []).map((waiver) => ({
      from: waiver.anniversary_from,
      to: waiver.anniversary_to,
      measures: waiver.measures ?? [],
      except: waiver.except_competencies ?? [],
      source: waiver.source,
    })),
  };
}
