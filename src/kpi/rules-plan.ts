import { addMonths, firstDay } from '../calendar.ts';
import { type Context, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import { freezeAside } from './as-known.ts';
import { type Changes, figuresChanged } from './changes.ts';
import { beginComparison, compareFigures, ofFresh, ofRevision } from './compare.ts';
import { computeFresh, cutOff, dropFresh, takeCells } from './fresh.ts';
import { type Difference, lastRevision, type RefreshResult, summarise } from './refresh.ts';
import { type RulesFile, readBeside } from './rules.ts';
import { hashOf, type RuleSetInForce, writeAll } from './rules-in-force.ts';

/** The change that brings rules that are only tried: before the first one, so that every cut-off sees it. Never stored. */
const TRIED = '0';

/**
 * What a cycle would be under other rule sets, over the same facts: those of its newest revision, or of now when it has
 * none. Each set takes the place of the one of its name. Only months of the windows whose lines they weigh are computed
 * anew, and everything is rolled back, cells too. Throws LkpError('request') as `lkp rules use` would, but for days that
 * would have no rule set: they are in `rule_gaps`.
 */
export async function planRules(
  context: Context,
  cycle: string,
  files: readonly RulesFile[],
): Promise<RefreshResult> {
  return onlyAsked(context, `refresh ${cycle} under other rules`, async (tx) => {
    await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.rules'))`);
    await takeCells(tx);
    const last = await lastRevision(tx, cycle);
    const cutoff = last?.cutoff ?? (await cutOff(tx));
    // The facts and the settings of the revision: what is left to differ are the rules.
    const then = last
      ? {
          ...context,
          settings: {
            ...context.settings,
            LKP_REPORTING_CURRENCY: last.reporting_currency,
            LKP_RATE_LOOKBACK_DAYS: last.lookback,
          },
        }
      : context;
    const revision = last?.revision ?? 0;
    if (!last) {
      await freezeAside(tx, then, cycle, await computeFresh(tx, then, cycle, cutoff));
      await dropFresh(tx);
    }
    await beginComparison(tx);
    await ofRevision(tx, 'before', cycle, revision);
    const tried = await tryRules(tx, then, cycle, cutoff, files);
    await computeFresh(tx, then, cycle, cutoff);
    await ofFresh(tx, 'after');
    await compareFigures(tx);
    return summarise(tx, 'fresh', {
      cycle,
      revision,
      outcome: 'planned',
      currency: then.settings.LKP_REPORTING_CURRENCY,
      differences: await tx.file<Difference>('marts/diff', { revision }),
      changes: await withoutLines(tx),
      ...tried,
    });
  });
}

/** Every line of a touched class would be listed, each with the same cause: its cells say as much. */
const withoutLines = async (tx: Sql): Promise<Changes> => ({
  ...(await figuresChanged(tx)),
  lines: 0,
  causes: [],
  first: [],
});

/** Puts rule sets in force as if they always had been, and leaves the months that they weigh to be rebuilt. */
async function tryRules(
  tx: Sql,
  context: Context,
  cycle: string,
  cutoff: string,
  files: readonly RulesFile[],
): Promise<{ rules: string[]; rule_gaps: string[] }> {
  const current = await tx.rows<RuleSetInForce>(
    `select name, title, basis, valid_from, valid_to, year_from, year_to, sha256
     from rule_set where change_no <= $1 and (ended_no is null or ended_no > $1) order by valid_from, year_from`,
    [cutoff],
  );
  const { sets, gaps } = await readBeside(tx, files, current);
  const names = sets.map(({ rules }) => rules.name);
  await tx.rows(
    `insert into change (no, known_at, kind, sha256, actor) values ($1, $2, 'rules tried', $3, $4)`,
    [TRIED, context.now(), hashOf(sets.map(({ text }) => text).join()), context.settings.LKP_ACTOR],
  );
  // Those in their place, and those that the cut-off does not see, are out of force.
  await tx.rows('update rule_set set ended_no = $1 where change_no > $2 or name = any($3)', [
    TRIED,
    cutoff,
    names,
  ]);
  await writeAll(tx, TRIED, sets);
  // Renewal windows begin up to a month before the cycle's, and what is known of later months makes the forecast.
  await tx.rows(
    `delete from month_built using month_touched
     where month_touched.issue_month = month_built.issue_month and month_touched.change_no = $1
       and month_built.issue_month >= $2`,
    [TRIED, firstDay(addMonths(cycle, -13))],
  );
  return { rules: names, rule_gaps: gaps };
}
