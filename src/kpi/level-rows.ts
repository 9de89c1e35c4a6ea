import { addMonths } from '../calendar.ts';
import { difference } from '../money.ts';
import type { Sql } from '../ports.ts';
import type { Forecast, LevelAhead } from './forecast-sheet.ts';
import type { Requirement } from './partner-book.ts';
import type { Renewal } from './renewal-sheets.ts';
import type { Outcome } from './report-data.ts';
import type { Snapshot } from './report-rows.ts';
import { byPartner } from './report-rows.ts';

/** What the partners' workbooks show of levels: requirements, renewals and the forecast, read from the snapshot. */

export interface Level {
  readonly learning_option: string;
  readonly competency: string;
  readonly anniversary_date: string;
  readonly not_offered: readonly string[];
  readonly level: string;
}

export interface Asked {
  readonly competency: string;
  readonly level: string;
  readonly position: number;
  readonly requirement: string;
  readonly measure: string;
  readonly category: string;
  readonly figure: string | null;
  readonly threshold: string;
  readonly share: string | null;
  readonly outcome: Outcome;
  readonly source: string;
  readonly waiver: string;
  readonly above?: string | null;
  readonly cap?: string | null;
  readonly capped?: string | null;
}

const UNITS: Record<string, string> = {
  kpi: 'KPI',
  units: 'units',
  mct: 'people',
  exam: 'exams',
  'survey-score': 'points',
  'survey-count': 'surveys',
};

/** A requirement as the tables of *Summary* show it. */
export const requirementOf = (asked: Asked, currency: string): Requirement => ({
  name: `${asked.requirement} (${asked.level})`,
  figure: asked.figure,
  threshold: asked.threshold,
  unit: asked.measure === 'revenue' ? currency : (UNITS[asked.measure] ?? ''),
  money: asked.measure === 'revenue',
  share: asked.share,
  outcome: asked.outcome,
  source: asked.waiver === '' ? asked.source : `${asked.source}. Waived: ${asked.waiver}`,
  ...(asked.above == null ? {} : { aboveCap: { what: asked.capped!, figure: asked.above, cap: asked.cap! } }),
});

interface RenewalRow {
  readonly competency: string;
  readonly anniversary: string;
  readonly window_from: string;
  readonly window_to: string;
  readonly provisional: boolean;
  readonly first_reminder: string;
  readonly second_reminder: string;
  readonly grace_end: string;
  readonly rule_set: string;
  readonly level: string;
}

/** One enrolment's renewal and what it asks. */
export interface Renewed {
  readonly renewal: Renewal;
  readonly requirements: readonly Requirement[];
}

/** The renewals of some partners; what is returned picks those of one, by competency. */
export async function renewalsOf(
  tx: Sql,
  snapshot: Snapshot,
  partners: readonly string[],
): Promise<(partner: string) => ReadonlyMap<string, Renewed>> {
  const key = [partners, snapshot.cycle, snapshot.revision];
  const renewals = await byPartner<RenewalRow>(
    tx,
    `select partner_mpn_id as partner, competency, anniversary, window_from, window_to, provisional, first_reminder,
            second_reminder, grace_end, rule_set, level
     from snapshot_renewal where cycle = $2 and revision = $3 and partner_mpn_id = any($1)`,
    key,
  );
  const asked = await byPartner<Asked>(
    tx,
    `select partner_mpn_id as partner, competency, level, position, requirement, measure, category,
            trim_scale(figure)::text as figure, trim_scale(threshold)::text as threshold,
            case when threshold > 0 then round(figure / threshold, 6)::text end as share, outcome, source, waiver
     from snapshot_renewal_requirement where cycle = $2 and revision = $3 and partner_mpn_id = any($1)
     order by competency collate "C", level_rank, position`,
    key,
  );
  return (partner) =>
    new Map(
      renewals(partner).map((row): [string, Renewed] => [
        row.competency,
        {
          renewal: {
            anniversary: row.anniversary,
            window: { from: row.window_from, to: row.window_to },
            provisional: row.provisional,
            firstReminder: row.first_reminder,
            secondReminder: row.second_reminder,
            graceEnd: row.grace_end,
            ruleSet: row.rule_set,
            level: row.level === '' ? null : row.level,
            isReportingWindow: row.window_to === snapshot.window_to,
          },
          requirements: asked(partner)
            .filter(({ competency }) => competency === row.competency)
            .map((one) => requirementOf(one, snapshot.reporting_currency)),
        },
      ]),
    );
}

interface Ahead {
  readonly category: string;
  readonly ahead: string;
  readonly leaves_kpi: string;
  readonly leaves_revenue: string;
  readonly enters_kpi: string;
  readonly kpi_value: string;
  readonly counted: string;
  readonly units: string;
  readonly revenue: string;
}

/** The forecast of some partners; what is returned makes that of one from its levels and what they ask. */
export async function forecastsOf(
  tx: Sql,
  snapshot: Snapshot,
  partners: readonly string[],
): Promise<(partner: string, levels: readonly Level[], asked: readonly Asked[]) => Forecast> {
  const rows = await byPartner<Ahead>(
    tx,
    `select partner_mpn_id as partner, category, ahead, trim_scale(leaves_kpi)::text as leaves_kpi,
            leaves_revenue::text, trim_scale(enters_kpi)::text as enters_kpi, trim_scale(kpi_value)::text as kpi_value,
            trim_scale(counted)::text as counted, trim_scale(units)::text as units, revenue::text
     from snapshot_forecast where cycle = $2 and revision = $3 and partner_mpn_id = any($1)`,
    [partners, snapshot.cycle, snapshot.revision],
  );
  const cycles = Array.from({ length: 12 }, (_, index) => addMonths(snapshot.cycle, index + 1));
  return (partner, levels, asked) => {
    const of = new Map(rows(partner).map((row) => [JSON.stringify([row.category, row.ahead]), row]));
    const at = (category: string, cycle: string): Ahead | undefined =>
      of.get(JSON.stringify([category, cycle]));
    return {
      months: cycles.map((cycle) => {
        const row = at('', cycle);
        return {
          cycle,
          leaving: addMonths(cycle, -13),
          leavesKpi: row?.leaves_kpi ?? '0',
          entersKpi: row?.enters_kpi ?? '0',
          kpiValue: row?.kpi_value ?? '0',
          leavesRevenue: row?.leaves_revenue ?? '0',
          revenue: row?.revenue ?? '0',
        };
      }),
      levels: together(
        levels.flatMap((level) =>
          aims(
            level,
            asked.filter(({ competency }) => competency === level.competency),
          ).map(({ aim, requirements }) => ahead(level, aim, requirements, cycles, at)),
        ),
      ),
    };
  };
}

type Aim = LevelAhead['aim'];

/** What keeps the level reached, and what the nearest one above it asks. Levels come highest first. */
function aims(
  { level }: Level,
  asked: readonly Asked[],
): Array<{ aim: Aim; requirements: readonly Asked[] }> {
  const names = [...new Set(asked.map((one) => one.level))];
  const reached = names.indexOf(level);
  const isReached = (name: string): boolean =>
    asked
      .filter((one) => one.level === name)
      .every(({ outcome }) => outcome === 'met' || outcome === 'waived');
  const next = names
    .slice(0, reached < 0 ? names.length : reached)
    .filter((name) => !isReached(name))
    .at(-1);
  const wanted: Array<readonly [Aim, string | undefined]> = [
    ['keep', reached < 0 ? undefined : level],
    ['reach', next],
  ];
  return wanted.flatMap(([aim, name]) =>
    name === undefined ? [] : [{ aim, requirements: asked.filter((one) => one.level === name) }],
  );
}

const SUMMED = { kpi: 'counted', units: 'units', revenue: 'revenue' } as const;
const isSummed = (measure: string): measure is keyof typeof SUMMED => measure in SUMMED;

function ahead(
  { competency, learning_option }: Level,
  aim: Aim,
  requirements: readonly Asked[],
  cycles: readonly string[],
  at: (category: string, cycle: string) => Ahead | undefined,
): LevelAhead {
  return {
    level: requirements[0]!.level,
    aim,
    of: [competency === '' ? learning_option : competency],
    requirements: requirements.flatMap(({ requirement, measure, category, threshold, outcome }) => {
      if (!isSummed(measure)) return [];
      return {
        name: outcome === 'waived' ? `${requirement} (waived now)` : requirement,
        threshold,
        money: measure === 'revenue',
        ahead: cycles.map((cycle) => {
          const counts = at(category, cycle)?.[SUMMED[measure]] ?? '0';
          const missing = difference(threshold, counts);
          return { counts, needed: missing.startsWith('-') ? '0' : missing };
        }),
      };
    }),
    others: requirements
      .filter(({ measure }) => !isSummed(measure))
      .map(
        ({ requirement, figure, threshold, outcome }) =>
          `${requirement} ${figure ?? 'not on record'} of ${threshold}, ${outcome}`,
      ),
  };
}

/** Competencies of which a level asks the same share one table. */
function together(levels: readonly LevelAhead[]): LevelAhead[] {
  const found = new Map<string, LevelAhead>();
  for (const { of, ...rest } of levels) {
    const key = JSON.stringify(rest);
    found.set(key, { ...rest, of: [...(found.get(key)?.of ?? []), ...of] });
  }
  return [...found.values()];
}
