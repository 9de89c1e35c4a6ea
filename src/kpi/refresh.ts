import { buildId } from '../build.ts';
import { addMonths } from '../calendar.ts';
import { crash } from '../crash.ts';
import { CYCLE_DISPOSITIONS, type CycleDisposition } from '../dispositions.ts';
import { type Context, LkpError, nextChange, Unkept } from '../job.ts';
import { shortest } from '../money.ts';
import type { Sql } from '../ports.ts';
import { type Changes, changesOf, FIRST_LINES } from './changes.ts';
import { beginComparison, compareSides, ofFresh, ofRevision, type Side } from './compare.ts';
import { dueOf } from './due.ts';
import { computeFresh, contentHash, cutOff, takeCells } from './fresh.ts';

export interface RefreshOptions {
  /** Shows what a refresh would change and writes nothing. */
  readonly plan?: boolean;
  /** Writes the next revision although the cycle has one; needs a reason. */
  readonly restate?: boolean;
  readonly reason?: string;
  /** Computes as known at this instant instead of now. */
  readonly asOf?: string;
  /** The last change that it is to know, instead of the newest: what an earlier attempt of the same run began with. */
  readonly cutoff?: string;
  /** How late the calendar began it, in words; kept with the revision. */
  readonly lateBy?: string;
}

/** A figure that differs between the last revision and now; or a setting, whose partner is empty. */
export interface Difference {
  readonly what: 'setting' | 'kpi' | 'revenue' | 'level' | 'renewal' | 'requirement' | 'cells';
  readonly partner: string;
  readonly before: string;
  readonly after: string;
}

export interface RefreshResult {
  readonly cycle: string;
  readonly revision: number;
  /** `refreshed`: a new revision; `unchanged`; `differs`: facts changed, nothing written; `planned`: a preview. */
  readonly outcome: 'refreshed' | 'unchanged' | 'differs' | 'planned';
  /** The first and the last month, `YYYY-MM`. */
  readonly window: { readonly from: string; readonly to: string };
  readonly locations: number;
  readonly partners: number;
  /** Decimal string, before caps. */
  readonly kpi_value: string;
  /** Decimal string in `currency`. */
  readonly revenue_value: string;
  readonly currency: string;
  /** Lines of the window that no exchange rate could convert; they count, without revenue. */
  readonly no_rate_lines: number;
  readonly conservation: {
    readonly lines_in: number;
    readonly dispositions: Record<CycleDisposition, number>;
  };
  readonly differences: Difference[];
  /** Against the last revision: partners, cells, levels crossed, and lines with their causes; null without one. */
  readonly changes: Changes | null;
  /** The rule sets that were tried, by name; absent where none was. */
  readonly rules?: readonly string[];
  /** Days that would have no rule set, so that `lkp rules use` refuses them: a sentence each; absent without `rules`. */
  readonly rule_gaps?: readonly string[];
}

/**
 * Recomputes a cycle's KPIs over the previous 12 completed months and freezes them as a revision. A first refresh
 * takes cut-off = now. A later one compares: equal -> `unchanged`; different -> `differs`, nothing written, unless
 * `restate` asks for the next revision. One transaction; cells are recomputed only for months that changed.
 */
export async function refresh(
  context: Context,
  cycle: string,
  options: RefreshOptions = {},
): Promise<RefreshResult> {
  if (options.plan && options.restate) {
    throw new LkpError(
      'request',
      `--plan writes nothing, and --restate writes the next revision of ${cycle}. Leave out one of them.`,
    );
  }
  if (options.restate && !options.reason) {
    throw new LkpError('request', `A restatement of ${cycle} needs a reason. Repeat with --reason 'why'.`);
  }
  try {
    return await context.db.transaction(`refresh ${cycle}`, async (tx) => {
      const lock = await tx.one<{ mine: boolean }>(
        `select pg_try_advisory_xact_lock(hashtext('lkp.refresh'), hashtext($1)) as mine`,
        [cycle],
      );
      if (!lock.mine)
        throw new LkpError(
          'machine',
          `Another refresh of ${cycle} is running. Wait for it to end (lkp runs ${cycle} shows it), then repeat.`,
        );
      const result = await compute(tx, context, cycle, options);
      if (result.outcome === 'planned') throw new Unkept(result);
      crash('refresh-before-commit');
      return result;
    });
  } catch (error) {
    if (error instanceof Unkept) return error.result as RefreshResult;
    throw error;
  }
}

async function compute(
  tx: Sql,
  context: Context,
  cycle: string,
  options: RefreshOptions,
): Promise<RefreshResult> {
  const { settings } = context;
  const currency = settings.LKP_REPORTING_CURRENCY;
  await takeCells(tx);
  const cutoff = options.cutoff ?? (await cutOff(tx, options.asOf));
  const content_hash = await computeFresh(tx, context, cycle, cutoff);

  const last = await lastRevision(tx, cycle);
  const changed = last ? settingsThatDiffer(last, settings) : [];
  const said: { -readonly [K in 'cycle' | 'currency' | 'differences' | 'changes']: RefreshResult[K] } = {
    cycle,
    currency,
    differences: changed,
    changes: null,
  };
  const alike = last?.content_version === 1 ? await contentHash(tx, 1) : content_hash;
  if (last && last.content_hash === alike && changed.length === 0)
    return summarise(tx, 'snapshot', { ...said, revision: last.revision, outcome: 'unchanged' });

  const revision = (last?.revision ?? 0) + 1;
  if (last) {
    said.differences.push(...(await tx.file<Difference>('marts/diff', { revision: last.revision })));
    said.changes = await changesSince(tx, cycle, last, {
      cutoff,
      reporting_currency: currency,
      lookback: settings.LKP_RATE_LOOKBACK_DAYS,
    });
  }
  if (last && !options.restate && !options.plan)
    return summarise(tx, 'fresh', { ...said, revision: last.revision, outcome: 'differs' });
  if (options.plan) return summarise(tx, 'fresh', { ...said, revision, outcome: 'planned' });
  const change = last
    ? await nextChange(tx, context, {
        kind: 'restate',
        ...(options.reason ? { reason: options.reason } : {}),
      })
    : '';
  crash('refresh-before-freeze');
  await tx.file('marts/freeze', {
    revision,
    due_at: await dueOf(tx, context, cycle),
    content_hash,
    change_no: change,
    reason: options.reason ?? '',
    time_zone: settings.LKP_TIME_ZONE,
    build: await buildId(),
    late_by: options.lateBy ?? null,
  });
  return summarise(tx, 'snapshot', { ...said, revision, outcome: 'refreshed' });
}

/** What is different from a revision: its figures against those just computed, and the lines that made them so. */
async function changesSince(tx: Sql, cycle: string, last: Revision, now: Side): Promise<Changes> {
  await beginComparison(tx);
  await ofRevision(tx, 'before', cycle, last.revision);
  await ofFresh(tx, 'after');
  const { cutoff, reporting_currency, lookback } = last;
  await compareSides(tx, cycle, { before: { cutoff, reporting_currency, lookback }, after: now });
  return changesOf(tx, FIRST_LINES);
}

/** A revision keeps its settings: figures under others are not the same figures, even where they are equal. */
function settingsThatDiffer(last: Revision, settings: Context['settings']): Difference[] {
  const { LKP_REPORTING_CURRENCY, LKP_RATE_LOOKBACK_DAYS } = settings;
  const pairs = [
    ['LKP_REPORTING_CURRENCY', last.reporting_currency, LKP_REPORTING_CURRENCY],
    ['LKP_RATE_LOOKBACK_DAYS', String(last.lookback), String(LKP_RATE_LOOKBACK_DAYS)],
  ] as const;
  return pairs
    .filter(([, before, after]) => before !== after)
    .map(([name, before, after]) => ({
      what: 'setting',
      partner: '',
      before: `${name}=${before}`,
      after: `${name}=${after}`,
    }));
}

/** What the newest revision of a cycle says. Throws LkpError('request') when there is none. */
export async function latest(context: Context, cycle: string): Promise<RefreshResult> {
  return context.db.transaction('latest', async (tx) => {
    const last = await lastRevision(tx, cycle);
    if (!last)
      throw new LkpError('request', `Cycle ${cycle} has not been refreshed. Run lkp refresh ${cycle} first.`);
    return summarise(tx, 'snapshot', {
      cycle,
      revision: last.revision,
      outcome: 'unchanged',
      currency: last.reporting_currency,
      differences: [],
      changes: null,
    });
  });
}

export interface Revision extends Side {
  readonly revision: number;
  readonly content_hash: string;
  readonly content_version: number;
}

export const lastRevision = (tx: Sql, cycle: string): Promise<Revision | undefined> =>
  tx.maybe<Revision>(
    `select revision, content_hash, content_version, cutoff, reporting_currency, lookback from snapshot
     where cycle = $1 order by revision desc limit 1`,
    [cycle],
  );

/** What a result says beside its figures. */
type Said = Pick<
  RefreshResult,
  'cycle' | 'revision' | 'outcome' | 'currency' | 'differences' | 'changes' | 'rules' | 'rule_gaps'
>;

/** The figures of a frozen revision (`snapshot`) or of what was just computed (`fresh`). */
export async function summarise(tx: Sql, from: 'snapshot' | 'fresh', said: Said): Promise<RefreshResult> {
  const { cycle, revision, outcome, currency, differences, changes, rules, rule_gaps } = said;
  const where = from === 'snapshot' ? 'where cycle = $1 and revision = $2' : '';
  const key = from === 'snapshot' ? [cycle, revision] : [];
  const figures = await tx.one<{
    locations: string;
    partners: string;
    kpi_value: string;
    revenue: string;
    no_rate_lines: string;
  }>(
    `select count(distinct location_mpn_id) as locations,
            count(distinct nullif(partner_mpn_id, '')) as partners,
            coalesce(sum(kpi_value), 0) as kpi_value, coalesce(sum(revenue), 0) as revenue,
            coalesce(sum(no_rate_lines), 0) as no_rate_lines
     from ${from}_cell ${where}`,
    key,
  );
  const rows = await tx.rows<{ disposition: CycleDisposition; rows: string }>(
    `select disposition, sum(rows) as rows from ${from}_control ${where} group by 1`,
    key,
  );
  const dispositions = Object.fromEntries(CYCLE_DISPOSITIONS.map((word) => [word, 0])) as Record<
    CycleDisposition,
    number
  >;
  for (const row of rows) dispositions[row.disposition] = Number(row.rows);
  return {
    cycle,
    revision,
    outcome,
    window: { from: addMonths(cycle, -12), to: addMonths(cycle, -1) },
    locations: Number(figures.locations),
    partners: Number(figures.partners),
    kpi_value: shortest(figures.kpi_value),
    revenue_value: shortest(figures.revenue),
    currency,
    no_rate_lines: Number(figures.no_rate_lines),
    conservation: {
      lines_in: Object.values(dispositions).reduce((total, count) => total + count, 0),
      dispositions,
    },
    differences,
    changes,
    ...(rules === undefined ? {} : { rules }),
    ...(rule_gaps === undefined ? {} : { rule_gaps }),
  };
}
