import { addMonths, firstDay, monthSpans, reportingWindow } from '../calendar.ts';
import { meant } from '../config.ts';
import { crash } from '../crash.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';

/**
 * What a cycle's figures are as known at a cut-off, computed into the temporary tables fresh_* of the transaction
 * (sql/marts/windows.sql and what comes after it): for a refresh, which may freeze them, and for whoever only asks.
 */

/** Cells are shared by all cycles: two computations must not rebuild the same months at once. Held to the end. */
export async function takeCells(tx: Sql): Promise<void> {
  // The cut-off is read under the lock: whoever waited for it must not take the cells back to an older one.
  await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.cells'))`);
}

/**
 * Computes a cycle as known at `cutoff`, after takeCells. Returns the hash over what a person reads as a result. Months
 * whose cells say something else are rebuilt: they stay so when the transaction commits, and are rebuilt again when
 * somebody asks at another cut-off.
 */
export async function computeFresh(
  tx: Sql,
  context: Context,
  cycle: string,
  cutoff: string,
): Promise<string> {
  const { settings } = context;
  await needCurrency(tx, settings.LKP_REPORTING_CURRENCY);
  const window = reportingWindow(cycle);
  await tx.set({
    cycle,
    cutoff,
    lookback: settings.LKP_RATE_LOOKBACK_DAYS,
    reporting_currency: settings.LKP_REPORTING_CURRENCY,
    window_from: window.from,
    window_to: window.to,
    cycle_start: firstDay(cycle),
  });
  await rebuildStale(tx, context);
  crash('refresh-months-built');

  context.progress(`${cycle}: rolling up`);
  await tx.file('marts/windows');
  await needRules(tx, window.to);
  await tx.file('marts/fresh');
  await tx.file('marts/levels');
  await tx.file('marts/forecast');
  const broken = await tx.file('checks/conservation');
  if (broken.length > 0)
    throw new Error(`Cycle ${cycle} does not balance, nothing was written: ${JSON.stringify(broken)}`);
  return contentHash(tx);
}

/**
 * The hash over what computeFresh computed. Version 1 is what revisions said before renewals were kept: one of those is
 * compared by it, so that an upgrade alone makes no cycle differ.
 */
export async function contentHash(tx: Sql, version: 1 | 2 = 2): Promise<string> {
  const [hash] = await tx.file<{ content_hash: string }>('marts/content_hash', { content_version: version });
  return hash!.content_hash;
}

/** Takes the tables of computeFresh away, so that it can be asked again in the same transaction. */
export async function dropFresh(tx: Sql): Promise<void> {
  const tables = await tx.rows<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = pg_my_temp_schema() and relkind = 'r' and relname like 'fresh_%'`,
  );
  if (tables.length > 0)
    await tx.rows(`drop table ${tables.map(({ name }) => `pg_temp.${name}`).join(', ')}`);
}

/** Cells say nothing without their currency: one that nobody knows would leave all revenue empty. */
async function needCurrency(tx: Sql, currency: string): Promise<void> {
  // Those in use first: of equally near codes the first one is meant.
  const rows = await tx.rows<{ code: string }>(
    'select code from currency order by valid_to is not null, code',
  );
  const known = rows.map(({ code }) => code);
  if (known.includes(currency)) return;
  throw new LkpError(
    'request',
    `LKP_REPORTING_CURRENCY=${currency} is not a currency of ISO 4217.${meant(currency, known, ' Did you mean')} Correct the setting and repeat.`,
  );
}

/** The last change that the computation sees: the newest, or the newest known at an instant. */
export async function cutOff(tx: Sql, asOf?: string): Promise<string> {
  const { no } = await tx.one<{ no: string | null }>(
    asOf === undefined
      ? 'select max(no) as no from change'
      : 'select max(no) as no from change where known_at <= $1',
    asOf === undefined ? [] : [asOf],
  );
  if (no === null) throw new LkpError('request', `Nothing was known yet on ${asOf}. Choose a later instant.`);
  return no;
}

/** Recomputes the months whose cells do not say what was known at the cut-off, adjoining ones in one pass. */
async function rebuildStale(tx: Sql, context: Context): Promise<void> {
  const stale = await tx.file<{ issue_month: string }>('marts/stale_months');
  for (const { from, to } of monthSpans(stale.map(({ issue_month }) => issue_month.slice(0, 7)))) {
    context.progress(`recomputing ${from} to ${addMonths(to, -1)}`);
    await tx.file('marts/months', { from: firstDay(from), to: firstDay(to) });
  }
}

async function needRules(tx: Sql, windowTo: string): Promise<void> {
  const { covered } = await tx.one<{ covered: boolean }>(
    'select exists (select 1 from fresh_rule_set where decides_levels) as covered',
  );
  if (covered) return;
  const known = await tx.rows<{ name: string; year_from: string; year_to: string | null }>(
    'select name, year_from, year_to from fresh_known_rules order by year_from',
  );
  const list = known.map((set) => `${set.name} ${set.year_from}..${set.year_to ?? 'open'}`).join(', ');
  throw new LkpError(
    'request',
    `No rule set is in force on ${windowTo}, the last day of the reporting window (program years: ${list || 'none'}). Put one in force with lkp rules use FILE.`,
  );
}
