import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import { readYaml } from '../yaml.ts';

const day = z.iso.date();
const source = z.string().min(1);

/** A rule set as written: what a unit is worth, and what a level asks for. Every number has its source, or `sample`. */
const shape = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens'),
  title: z.string().min(1),
  basis: z.enum(['published', 'sample']),
  /** By issue date for weights, by the window's last day for caps and levels; half-open. */
  valid_from: day,
  valid_to: day.optional(),
  weights: z.record(
    z.string().min(1),
    z.strictObject({
      category: z.string().min(1),
      weight: z.number().positive(),
      /** The most KPI of this class that counts in one window. */
      cap: z.number().positive().optional(),
      source,
    }),
  ),
  /** The highest level first. */
  levels: z
    .array(
      z.strictObject({
        level: z.string().min(1),
        learning_option: z.string().min(1),
        competency: z.string().default(''),
        requirements: z
          .array(
            z.strictObject({
              requirement: z.string().min(1),
              measure: z.enum(['kpi', 'revenue', 'mct', 'exam', 'survey-score', 'survey-count']),
              category: z.string().default(''),
              at_least: z.number().nonnegative(),
              source,
            }),
          )
          .min(1),
      }),
    )
    .min(1),
});

/** What contradicts itself is looked for only where each part is what it should be. */
const schema = shape.pipe(
  z.custom<z.infer<typeof shape>>().superRefine((rules, context) => {
    const wants = (ok: boolean, message: string) => ok || context.addIssue({ code: 'custom', message });
    wants(
      rules.valid_to === undefined || rules.valid_to > rules.valid_from,
      'valid_to must lie after valid_from',
    );
    const samples = [
      ...Object.entries(rules.weights).map(([name, weight]) => [name, weight.source] as const),
      ...rules.levels.flatMap(({ level, requirements }) =>
        requirements.map((asked) => [`${asked.requirement} of ${level}`, asked.source] as const),
      ),
    ].filter(([, source]) => source === 'sample');
    wants(
      rules.basis === 'sample' || samples.length === 0,
      `basis says published, and a sample is the source of ${samples.map(([name]) => name).join(', ')}; say basis: sample, or name the public source`,
    );
    const categories = new Set(Object.values(rules.weights).map(({ category }) => category));
    const seen = new Set<string>();
    for (const { level, competency, requirements } of rules.levels) {
      const key = JSON.stringify([level, competency]);
      wants(
        !seen.has(key),
        `the level ${level}${competency && ` of ${competency}`} stands twice; put all its requirements in one`,
      );
      seen.add(key);
      for (const { measure, category } of requirements) {
        if (measure === 'kpi')
          wants(
            categories.has(category),
            `${level} asks for KPI of the category "${category}", which no weight adds to`,
          );
      }
    }
  }),
);

export type RuleSet = z.infer<typeof schema>;

/** Reads a rule set. Throws LkpError('request') that says where it is wrong. */
export const parseRules = (text: string, shown: string): RuleSet =>
  readYaml(text, 'rule set', shown, schema, Object.keys(shape.shape));

export interface RuleSetInForce {
  readonly name: string;
  readonly title: string;
  readonly basis: string;
  readonly valid_from: string;
  readonly valid_to: string | null;
  readonly sha256: string;
}

/** The rule sets in force now, by validity. */
export const rulesInForce = (tx: Sql): Promise<RuleSetInForce[]> =>
  tx.rows(
    `select name, title, basis, valid_from, valid_to, sha256 from rule_set where ended_no is null order by valid_from`,
  );

/**
 * Puts a rule set in force in place of the one of the same name. Returns false when these very bytes are in force.
 * Throws LkpError('request') when its validity overlaps another one's.
 */
export async function useRules(
  context: Context,
  text: string,
  shown: string,
  reason?: string,
): Promise<boolean> {
  const rules = parseRules(text, shown);
  return context.db.transaction('rules use', async (tx) => {
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    return putInForce(tx, context, rules, text, reason);
  });
}

async function putInForce(
  tx: Sql,
  context: Context,
  rules: RuleSet,
  text: string,
  reason?: string,
): Promise<boolean> {
  const sha256 = createHash('sha256').update(text).digest('hex');
  const current = await rulesInForce(tx);
  if (current.some((set) => set.name === rules.name && set.sha256 === sha256)) return false;
  const overlapping = current.find(
    (set) =>
      set.name !== rules.name &&
      set.valid_from < (rules.valid_to ?? '9999') &&
      rules.valid_from < (set.valid_to ?? '9999'),
  );
  if (overlapping) {
    throw new LkpError(
      'request',
      `The rule set ${rules.name} is valid ${span(rules)}, which overlaps ${overlapping.name} (${span(overlapping)}). Change one of the two, so that each day has one rule set.`,
    );
  }
  const change = await nextChange(tx, context, { kind: 'rules', sha256, ...(reason ? { reason } : {}) });
  await tx.rows('update rule_set set ended_no = $1 where name = $2 and ended_no is null', [
    change,
    rules.name,
  ]);
  const { id } = await tx.one<{ id: number }>(
    `insert into rule_set (name, sha256, title, basis, valid_from, valid_to, body, change_no)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
    [rules.name, sha256, rules.title, rules.basis, rules.valid_from, rules.valid_to ?? null, text, change],
  );
  await tx.rows(
    `insert into rule_weight (rule_set_id, kpi_class, category, weight, cap, source, sample)
     select $1, kpi_class, category, weight, cap, source, source = 'sample'
     from jsonb_to_recordset($2) as weights (kpi_class text, category text, weight numeric, cap numeric, source text)`,
    [
      id,
      JSON.stringify(Object.entries(rules.weights).map(([kpi_class, weight]) => ({ kpi_class, ...weight }))),
    ],
  );
  await tx.rows(
    `insert into rule_requirement (rule_set_id, level_rank, level, learning_option, competency, position, requirement,
                                   measure, category, threshold, source, sample)
     select $1, level_rank, level, learning_option, competency, position, requirement, measure, category, threshold,
            source, source = 'sample'
     from jsonb_to_recordset($2) as asked (level_rank int, level text, learning_option text, competency text, position int,
            requirement text, measure text, category text, threshold numeric, source text)`,
    [id, JSON.stringify(asked(rules))],
  );
  // Weights go by the issue date: every month with lines that this rule set, old or new, may weigh.
  await tx.rows(
    `insert into month_touched (issue_month, change_no)
     select distinct customer_month.issue_month, $1::bigint
     from customer_month
     join rule_set on rule_set.name = $2 and (rule_set.change_no = $1 or rule_set.ended_no = $1)
                  and customer_month.issue_month >= date_trunc('month', rule_set.valid_from::timestamp)::date
                  and customer_month.issue_month <  coalesce(rule_set.valid_to, 'infinity'::date)
     on conflict do nothing`,
    [change, rules.name],
  );
  return true;
}

function asked(rules: RuleSet) {
  const ranks = [...new Set(rules.levels.map(({ level }) => level))];
  return rules.levels.flatMap(({ level, learning_option, competency, requirements }) =>
    requirements.map(({ at_least, ...requirement }, index) => ({
      level_rank: ranks.indexOf(level) + 1,
      level,
      learning_option,
      competency,
      position: index + 1,
      threshold: at_least,
      ...requirement,
    })),
  );
}

const span = ({
  valid_from,
  valid_to,
}: {
  valid_from: string;
  valid_to?: string | null | undefined;
}): string => `${valid_from} to ${valid_to ? `before ${valid_to}` : 'open'}`;

const SHIPPED = new URL('./rules/', import.meta.url);

/** A new database starts with the rule sets that we ship; afterwards only `lkp rules use` changes them. */
export async function putShippedRulesInForce(context: Context): Promise<void> {
  await context.db.transaction('rules', async (tx) => {
    const { empty } = await tx.one<{ empty: boolean }>('select not exists (select 1 from rule_set) as empty');
    if (!empty) return;
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    for (const name of (await readdir(SHIPPED)).sort()) {
      const text = await readFile(new URL(name, SHIPPED), 'utf8');
      await putInForce(tx, context, parseRules(text, name), text, 'shipped');
    }
  });
}
