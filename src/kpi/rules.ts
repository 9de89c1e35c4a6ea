import { readdir, readFile } from 'node:fs/promises';
import { type Context, LkpError } from '../job.ts';
import { issueSpan, parseRules, type Span, spanText, yearSpan } from './rule-set.ts';
import { hashOf, putInForce, type RuleSetInForce, rulesInForce } from './rules-in-force.ts';

/**
 * Puts a rule set in force in place of the one of the same name. Returns false when these very bytes are in force.
 * Throws LkpError('request') when its validity or its program year overlaps another one's.
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
    const current = await rulesInForce(tx);
    if (current.some((set) => set.name === rules.name && set.sha256 === hashOf(text))) return false;
    const others = current.filter((set) => set.name !== rules.name);
    refuseOverlap(rules.name, 'is valid', issueSpan(rules), others, ({ valid_from, valid_to }) => ({
      from: valid_from,
      to: valid_to,
    }));
    refuseOverlap(rules.name, 'has the program year', yearSpan(rules), others, ({ year_from, year_to }) => ({
      from: year_from,
      to: year_to,
    }));
    await putInForce(tx, context, rules, text, reason);
    return true;
  });
}

const overlaps = (one: Span, other: Span): boolean =>
  one.from < (other.to ?? '9999') && other.from < (one.to ?? '9999');

function refuseOverlap(
  name: string,
  has: string,
  span: Span,
  others: readonly RuleSetInForce[],
  spanOf: (set: RuleSetInForce) => Span,
): void {
  const other = others.find((set) => overlaps(span, spanOf(set)));
  if (!other) return;
  throw new LkpError(
    'request',
    `The rule set ${name} ${has} ${spanText(span)}, which overlaps ${other.name} (${spanText(spanOf(other))}). Change one of the two, so that each day has one rule set.`,
  );
}

const SHIPPED = new URL('./rules/', import.meta.url);

/** A new database starts with the rule sets that we ship; afterwards only `lkp rules use` changes them. */
export async function putShippedRulesInForce(context: Context): Promise<void> {
  await context.db.transaction('rules', async (tx) => {
    const { empty } = await tx.one<{ empty: boolean }>('select not exists (select 1 from rule_set) as empty');
    if (!empty) return;
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    const names = (await readdir(SHIPPED)).filter((name) => name.endsWith('.yaml')).sort();
    for (const name of names) {
      const text = await readFile(new URL(name, SHIPPED), 'utf8');
      await putInForce(tx, context, parseRules(text, name), text, 'shipped');
    }
  });
}
