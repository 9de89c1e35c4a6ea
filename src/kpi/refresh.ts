import { buildId } from '../build.ts';
import { addMonths, endOfDay, firstDay, refreshDay, reportingWindow, startOfDay } from '../calendar.ts';
import { nearest } from '../config.ts';
import { crash } from '../crash.ts';
import { CYCLE_DISPOSITIONS, type CycleDisposition } from '../dispositions.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import { shortest } from '../money.ts';
import type { Sql } from '../ports.ts';

export interface RefreshOptions {
  /** Shows what a refresh would change and writes nothing. */
  readonly plan?: boolean;
  /** Writes the next revision although the cycle has one; needs a reason. */
  readonly restate?: boolean;
  readonly reason?: string;
  /** Computes as known at this instant instead of now. */
  readonly asOf?: string;
}

/** A figure that differs between the last revision and now; or a setting, whose partner is empty. */
export interface Difference {
  readonly what: 'setting' | 'kpi' | 'revenue' | 'level' | 'cells';
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
}

/** Raised to leave the transaction when its work is not to be kept. */
class Unkept extends Error {
  readonly result: RefreshResult;
  constructor(result: RefreshResult) {
    super('not kept');
    this.result = result;
  }
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
    if (error instanceof Unkept) return error.result;
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
  await needCurrency(tx, currency);
  const window = reportingWindow(cycle);
  // Cells are shared by all cycles: two refreshes of different cycles must not rebuild the same months at once. The
  // cut-off is read under the lock: whoever waited for it must not take the cells back to an older one.
  await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.cells'))`);
  const cutoff = await cutOff(tx, options.asOf);
  const common = {
    cycle,
    cutoff,
    lookback: settings.LKP_RATE_LOOKBACK_DAYS,
    reporting_currency: currency,
    window_from: window.from,
    window_to: window.to,
    cycle_start: firstDay(cycle),
  };
  await tx.set(common);
  if (options.asOf) await rebuildAsOf(tx);
  else await rebuildStale(tx, context);
  crash('refresh-months-built');

  context.progress(`${cycle}: rolling up`);
  const [hash] = await tx.file<{ content_hash: string }>('marts/fresh');
  await needRules(tx, window.to);
  const broken = await tx.file('checks/conservation');
  if (broken.length > 0)
    throw new Error(`Cycle ${cycle} does not balance, nothing was written: ${JSON.stringify(broken)}`);

  const last = await lastRevision(tx, cycle);
  const changed = last ? settingsThatDiffer(last, settings) : [];
  const said = { cycle, currency, differences: changed };
  if (last && last.content_hash === hash!.content_hash && changed.length === 0)
    return summarise(tx, 'snapshot', { ...said, revision: last.revision, outcome: 'unchanged' });

  const revision = (last?.revision ?? 0) + 1;
  if (last) said.differences.push(...(await tx.file<Difference>('marts/diff', { revision: last.revision })));
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
    due_at: startOfDay(refreshDay(cycle), settings.LKP_TIME_ZONE),
    content_hash: hash!.content_hash,
    change_no: change,
    reason: options.reason ?? '',
    time_zone: settings.LKP_TIME_ZONE,
    build: await buildId(),
  });
  return summarise(tx, 'snapshot', { ...said, revision, outcome: 'refreshed' });
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
    `LKP_REPORTING_CURRENCY=${currency} is not a currency of ISO 4217. Did you mean ${nearest(currency, known)}? Correct the setting and repeat.`,
  );
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

/** The last change that the computation sees: the newest, or the newest known at an instant. */
async function cutOff(tx: Sql, asOf?: string): Promise<string> {
  const { no } = await tx.one<{ no: string | null }>(
    asOf === undefined
      ? 'select max(no) as no from change'
      : 'select max(no) as no from change where known_at <= $1',
    asOf === undefined ? [] : [asOf],
  );
  if (no === null) throw new LkpError('request', `Nothing was known yet on ${asOf}. Choose a later instant.`);
  return no;
}

/** Recomputes the months that changes touched since their cells were built, adjoining ones in one pass. */
async function rebuildStale(tx: Sql, context: Context): Promise<void> {
  const stale = await tx.file<{ issue_month: string }>('marts/stale_months');
  for (const { from, to } of spans(stale.map(({ issue_month }) => issue_month.slice(0, 7)))) {
    context.progress(`recomputing ${from} to ${addMonths(to, -1)}`);
    await tx.file('marts/months', { from: firstDay(from), to: firstDay(to) });
  }
}

/** Recomputes every month as of an earlier cut-off; the transaction is rolled back or the cells are marked stale. */
async function rebuildAsOf(tx: Sql): Promise<void> {
  const months = await tx.rows<{ issue_month: string }>(
    'select distinct issue_month from month_touched order by 1',
  );
  for (const { from, to } of spans(months.map(({ issue_month }) => issue_month.slice(0, 7)))) {
    await tx.file('marts/months', { from: firstDay(from), to: firstDay(to) });
  }
}

/** Adjoining months as half-open spans: ['2019-01','2019-02','2019-05'] -> 2019-01..2019-03, 2019-05..2019-06. */
export function spans(months: readonly string[]): Array<{ from: string; to: string }> {
  const found: Array<{ from: string; to: string }> = [];
  for (const month of months) {
    const last = found.at(-1);
    if (last && last.to === month) last.to = addMonths(month, 1);
    else found.push({ from: month, to: addMonths(month, 1) });
  }
  return found;
}

async function needRules(tx: Sql, windowTo: string): Promise<void> {
  const { covered } = await tx.one<{ covered: boolean }>(
    'select exists (select 1 from fresh_rule_set where decides_levels) as covered',
  );
  if (covered) return;
  const known = await tx.rows<{ name: string; valid_from: string; valid_to: string | null }>(
    'select name, valid_from, valid_to from rule_set where ended_no is null order by valid_from',
  );
  const list = known.map((set) => `${set.name} ${set.valid_from}..${set.valid_to ?? 'open'}`).join(', ');
  throw new LkpError(
    'request',
    `No rule set is in force on ${windowTo}, the last day of the reporting window (in force are: ${list}). Put one in force with lkp rules use FILE.`,
  );
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
    });
  });
}

interface Revision {
  readonly revision: number;
  readonly content_hash: string;
  readonly reporting_currency: string;
  readonly lookback: number;
}

const lastRevision = (tx: Sql, cycle: string): Promise<Revision | undefined> =>
  tx.maybe<Revision>(
    `select revision, content_hash, reporting_currency, lookback from snapshot
     where cycle = $1 order by revision desc limit 1`,
    [cycle],
  );

/** What a result says beside its figures. */
type Said = Pick<RefreshResult, 'cycle' | 'revision' | 'outcome' | 'currency' | 'differences'>;

/** The figures of a frozen revision (`snapshot`) or of what was just computed (`fresh`). */
async function summarise(tx: Sql, from: 'snapshot' | 'fresh', said: Said): Promise<RefreshResult> {
  const { cycle, revision, outcome, currency, differences } = said;
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
  };
}

/** The instants at which a cycle's refresh is due and late. */
export const refreshDue = (cycle: string, timeZone: string): { due: string; deadline: string } => ({
  due: startOfDay(refreshDay(cycle), timeZone),
  deadline: endOfDay(refreshDay(cycle), timeZone),
});
