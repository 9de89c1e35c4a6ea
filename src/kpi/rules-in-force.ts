import { createHash } from 'node:crypto';
import { type Context, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import { issueSpan, type RuleSet, yearSpan } from './rule-set.ts';

export interface RuleSetInForce {
  readonly name: string;
  readonly title: string;
  readonly basis: string;
  /** By issue date, half-open. */
  readonly valid_from: string;
  readonly valid_to: string | null;
  /** By a window's last day, half-open. */
  readonly year_from: string;
  readonly year_to: string | null;
  readonly sha256: string;
}

/** The rule sets in force now, by validity. */
export const rulesInForce = (tx: Sql): Promise<RuleSetInForce[]> =>
  tx.rows(
    `select name, title, basis, valid_from, valid_to, year_from, year_to, sha256
     from rule_set where ended_no is null order by valid_from, year_from`,
  );

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A rule set and the text that says it. */
export interface Written {
  readonly rules: RuleSet;
  readonly text: string;
}

/** Writes a rule set as the one in force of its name, from a change of its own on. */
export const putInForce = (
  tx: Sql,
  context: Context,
  rules: RuleSet,
  text: string,
  reason?: string,
): Promise<void> => putAllInForce(tx, context, [{ rules, text }], reason);

/**
 * Writes rule sets as those in force of their names, all from one change on, and marks the months whose lines they or the
 * ones before them weigh.
 */
export async function putAllInForce(
  tx: Sql,
  context: Context,
  sets: readonly Written[],
  reason?: string,
): Promise<void> {
  if (sets.length === 0) return;
  const change = await nextChange(tx, context, {
    kind: 'rules',
    ...(sets.length === 1
      ? { sha256: hashOf(sets[0]!.text) }
      : {
          asked: { rule_sets: sets.map(({ rules, text }) => ({ name: rules.name, sha256: hashOf(text) })) },
        }),
    ...(reason ? { reason } : {}),
  });
  await writeAll(tx, change, sets);
}

/** The same from a change that the caller brings. */
export async function writeAll(tx: Sql, change: string, sets: readonly Written[]): Promise<void> {
  const names = sets.map(({ rules }) => rules.name);
  // All end before one begins: they may have moved a border between them.
  await tx.rows('update rule_set set ended_no = $1 where name = any($2) and ended_no is null', [
    change,
    names,
  ]);
  for (const set of sets) await writeSet(tx, set, change);
  // Weights go by the issue date: every month with lines that these rule sets, old or new, may weigh.
  await tx.rows(
    `insert into month_touched (issue_month, change_no)
     select distinct customer_month.issue_month, $1::bigint
     from customer_month
     join rule_set on rule_set.name = any($2) and (rule_set.change_no = $1 or rule_set.ended_no = $1)
                  and customer_month.issue_month >= date_trunc('month', rule_set.valid_from::timestamp)::date
                  and customer_month.issue_month <  coalesce(rule_set.valid_to, 'infinity'::date)
     on conflict do nothing`,
    [change, names],
  );
}

async function writeSet(tx: Sql, { rules, text }: Written, change: string): Promise<void> {
  const [issued, year] = [issueSpan(rules), yearSpan(rules)];
  const { id } = await tx.one<{ id: number }>(
    `insert into rule_set (name, sha256, title, basis, valid_from, valid_to, year_from, year_to, zero_amount,
                           credit_month, rate_day, body, change_no)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id`,
    [
      rules.name,
      hashOf(text),
      rules.title,
      rules.basis,
      issued.from,
      issued.to ?? null,
      year.from,
      year.to ?? null,
      rules.zero_amount?.counts ?? 'units',
      rules.credits?.month ?? 'own',
      rules.exchange_rate?.day ?? 'issue-date',
      text,
      change,
    ],
  );
  await writeWeights(tx, id, rules);
  await writeLevels(tx, id, rules);
}

async function writeWeights(tx: Sql, id: number, rules: RuleSet): Promise<void> {
  const weights = Object.entries(rules.weights).map(([kpi_class, weight]) => ({ kpi_class, ...weight }));
  await tx.rows(
    `insert into rule_weight (rule_set_id, kpi_class, category, weight, per_units, cap, source, sample)
     select $1, kpi_class, category, weight, units, cap, source, source = 'sample'
     from jsonb_to_recordset($2) as weights (kpi_class text, category text, weight numeric, units numeric, cap numeric,
            source text)`,
    [id, JSON.stringify(weights)],
  );
}

async function writeLevels(tx: Sql, id: number, rules: RuleSet): Promise<void> {
  await tx.rows(
    `insert into rule_requirement (rule_set_id, level_rank, level, learning_option, competency, tier, position, requirement,
                                   measure, category, threshold, source, sample)
     select $1, level_rank, level, learning_option, competency, tier, position, requirement, measure, category, threshold,
            source, source = 'sample'
     from jsonb_to_recordset($2) as asked (level_rank int, level text, learning_option text, competency text, tier text,
            position int, requirement text, measure text, category text, threshold numeric, source text)`,
    [id, JSON.stringify(asked(rules))],
  );
  await tx.rows(
    `insert into rule_tier (rule_set_id, tier, country, source, sample)
     select $1, tier, unnest(countries), source, source = 'sample'
     from jsonb_to_recordset($2) as tiers (tier text, countries text[], source text)`,
    [id, JSON.stringify(rules.tiers)],
  );
  await tx.rows(
    `insert into rule_competency (rule_set_id, competency, level, source, sample)
     select $1, competency, unnest(offers), source, source = 'sample'
     from jsonb_to_recordset($2) as competencies (competency text, offers text[], source text)`,
    [id, JSON.stringify(rules.competencies)],
  );
  const waivers = rules.waivers.map((waiver, index) => ({ ...waiver, position: index + 1 }));
  await tx.rows(
    `insert into rule_waiver (rule_set_id, position, anniversary_from, anniversary_to, measures, except_competencies,
                              source, sample)
     select $1, position, anniversary_from, anniversary_to, coalesce(measures, '{}'), except_competencies, source,
            source = 'sample'
     from jsonb_to_recordset($2) as waivers (position int, anniversary_from date, anniversary_to date, measures text[],
            except_competencies text[], source text)`,
    [id, JSON.stringify(waivers)],
  );
}

/** A row for each requirement. A level's rank is its first place in the file; 1 is the highest. */
function asked(rules: RuleSet) {
  const ranks = [...new Set(rules.levels.map(({ level }) => level))];
  return rules.levels.flatMap(({ requirements, ...level }) =>
    requirements.map(({ at_least, ...requirement }, index) => ({
      ...level,
      level_rank: ranks.indexOf(level.level) + 1,
      position: index + 1,
      threshold: at_least,
      ...requirement,
    })),
  );
}
