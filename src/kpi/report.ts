import { join } from 'node:path';
import { buildId } from '../build.ts';
import { addMonths, firstDay } from '../calendar.ts';
import { crash } from '../crash.ts';
import { writeAtomically } from '../files.ts';
import { type Context, LkpError, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import { type AsKnownOn, freezeAsKnown } from './as-known.ts';
import type { Changed } from './changed-sheet.ts';
import { cellsChanged, changesOf, linesChanged } from './changes.ts';
import { beginComparison, compareSides, ofRevision, type Side } from './compare.ts';
import { partnerBook } from './partner-book.ts';
import { partnerReports, partnersOf } from './partner-rows.ts';
import { programBook } from './program-book.ts';
import type { RuleSetUse } from './report-data.ts';
import { programReport, type Shared, type Snapshot } from './report-rows.ts';

export interface ReportFile {
  readonly path: string;
  readonly sha256: string;
}

export interface ReportOptions {
  /** The newest when absent. */
  readonly revision?: number;
  /** Not a revision, but what the cycle was as known then: computed, written as workbooks, and not kept. */
  readonly asKnownOn?: AsKnownOn;
  /** Only this partner's workbook, only the program's, or only the partners' of one share (from 1); all when absent. */
  readonly only?:
    | { readonly partner: string }
    | { readonly share: number; readonly shares: number }
    | 'program';
  /** Where the one workbook goes; the cycle's folder under LKP_HOME/reports when absent. */
  readonly out?: string;
}

/** A figure of the report on the terminal: the KPI and revenue in the window, and the levels. */
export interface ReportFigures {
  readonly kpi_value: string;
  readonly revenue_value: string;
  readonly currency: string;
  /** `known_at` of the last change that was seen. */
  readonly known_at: string;
  /** Level '' = none. */
  readonly levels: ReadonlyArray<{
    readonly partner: string;
    readonly learning_option: string;
    readonly competency: string;
    readonly level: string;
  }>;
}

export interface Reported {
  readonly revision: number;
  readonly figures: ReportFigures;
  readonly files: ReportFile[];
}

/**
 * Writes the Excel reports of a revision: one workbook a partner, one for the program. Detail lines are read as of
 * the revision's cut-off, and must add up to its frozen cells. Same revision, same bytes. With `asKnownOn` the figures of
 * that moment are frozen as revision 0 of a transaction that is rolled back, so that they come from the same rows.
 */
export async function writeReports(
  context: Context,
  cycle: string,
  options: ReportOptions = {},
): Promise<Reported> {
  const { asKnownOn } = options;
  if (asKnownOn === undefined)
    return context.db.transaction(`report ${cycle}`, async (tx) =>
      write(tx, context, await findSnapshot(tx, cycle, options.revision), options),
    );
  return onlyAsked(context, `report ${cycle} as known on ${asKnownOn.label}`, async (tx) => {
    await freezeAsKnown(tx, context, cycle, asKnownOn.instant);
    return write(tx, context, await findSnapshot(tx, cycle, 0), options);
  });
}

async function write(
  tx: Sql,
  context: Context,
  snapshot: Snapshot,
  options: ReportOptions,
): Promise<Reported> {
  const { cycle } = snapshot;
  const { only, asKnownOn } = options;
  const previous = await compareWithPrevious(tx, snapshot);
  await prepare(tx, snapshot, only);
  const shared: Shared = {
    ...(await sharedProvenance(tx, snapshot)),
    ...(asKnownOn === undefined ? {} : { asKnownOn: asKnownOn.label }),
  };
  const folder = join(context.settings.home, 'reports', cycle, folderOf(snapshot, asKnownOn));
  const files: ReportFile[] = [];
  const written: WrittenBook[] = [];
  const writeBook = async (name: string, book: Parameters<Context['workbooks']['write']>[1]) => {
    const path = options.out ?? join(folder, name);
    const { sha256, bytes } = await writeAtomically(path, async (temporary) => {
      await context.workbooks.write(temporary, book);
    });
    files.push({ path, sha256 });
    written.push({ name, sha256, bytes });
    crash('report-between-workbooks');
  };
  if (only !== 'program') {
    const partners = await partnersOf(tx);
    if (only && 'partner' in only && partners.length === 0) throw unknown(only.partner, snapshot);
    for await (const report of partnerReports(tx, snapshot, shared, partners)) {
      const { mpnId, name } = report.partner;
      context.progress(`workbook ${files.length + 1} of ${partners.length}: ${name || mpnId}`);
      await writeBook(
        partnerFile(mpnId),
        partnerBook({ ...report, ...(await changedOf(tx, snapshot, previous, mpnId)) }),
      );
    }
  }
  if (only === undefined || only === 'program') {
    context.progress('the program workbook');
    const report = await programReport(tx, snapshot, shared);
    await writeBook(
      programFile(cycle),
      programBook({ ...report, ...(await changedOf(tx, snapshot, previous)) }),
    );
  }
  // One that was asked for elsewhere, or of what was never a revision, is nobody's to look after.
  if (options.out === undefined && asKnownOn === undefined) await record(tx, snapshot, written);
  return { revision: snapshot.revision, figures: await figuresOf(tx, snapshot, only), files };
}

interface WrittenBook {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Writes down which bytes were written: `lkp verify` compares them with those that lie there. */
async function record(tx: Sql, { cycle, revision }: Snapshot, books: readonly WrittenBook[]): Promise<void> {
  await tx.rows(
    `insert into report_file (cycle, revision, name, sha256, bytes, build)
     select $1, $2, book.name, book.sha256, book.bytes, $3
     from jsonb_to_recordset($4) as book (name text, sha256 text, bytes bigint)
     order by book.name collate "C"
     on conflict (cycle, revision, name) do update
     set sha256 = excluded.sha256, bytes = excluded.bytes, build = excluded.build`,
    [cycle, revision, await buildId(), JSON.stringify(books)],
  );
}

/** Where the workbooks of a revision are. */
export const reportFolder = (home: string, cycle: string, revision: number): string =>
  join(home, 'reports', cycle, `revision-${revision}`);

const folderOf = ({ revision }: Snapshot, asKnownOn?: AsKnownOn): string =>
  asKnownOn === undefined ? `revision-${revision}` : `as-known-on-${asKnownOn.label.replaceAll(':', '-')}`;

/** A restated revision says what changed since the one before it. */
async function compareWithPrevious(tx: Sql, snapshot: Snapshot): Promise<Snapshot | undefined> {
  if (snapshot.revision < 2) return undefined;
  const previous = await findSnapshot(tx, snapshot.cycle, snapshot.revision - 1);
  await beginComparison(tx);
  await ofRevision(tx, 'before', snapshot.cycle, previous.revision);
  await ofRevision(tx, 'after', snapshot.cycle, snapshot.revision);
  await compareSides(tx, snapshot.cycle, { before: sideOf(previous), after: sideOf(snapshot) });
  return previous;
}

const sideOf = ({ cutoff, reporting_currency, lookback }: Snapshot): Side => ({
  cutoff,
  reporting_currency,
  lookback,
});

async function changedOf(
  tx: Sql,
  snapshot: Snapshot,
  previous: Snapshot | undefined,
  partner = '',
): Promise<{ changed?: Changed }> {
  if (previous === undefined) return {};
  return {
    changed: {
      since: `revision ${previous.revision}`,
      now: `Revision ${snapshot.revision}`,
      reason: snapshot.reason,
      currencies: [previous.reporting_currency, snapshot.reporting_currency],
      changes: await changesOf(tx, 0, partner),
      cells: await cellsChanged(tx, partner),
      lines: linesChanged(tx, partner),
      ofAll: partner === '',
    },
  };
}

async function figuresOf(tx: Sql, snapshot: Snapshot, only: ReportOptions['only']): Promise<ReportFigures> {
  const partner = typeof only === 'object' && 'partner' in only ? only.partner : '';
  const key = [snapshot.cycle, snapshot.revision, partner];
  const figures = await tx.one<{ kpi_value: string; revenue_value: string }>(
    `select trim_scale(coalesce(sum(kpi_value), 0))::text as kpi_value, trim_scale(coalesce(sum(revenue), 0))::text as revenue_value
     from snapshot_cell where cycle = $1 and revision = $2 and $3 in ('', partner_mpn_id)`,
    key,
  );
  const levels = await tx.rows<ReportFigures['levels'][number]>(
    `select partner_mpn_id as partner, learning_option, competency, level from snapshot_level
     where cycle = $1 and revision = $2 and $3 in ('', partner_mpn_id)
     order by partner_mpn_id collate "C", competency collate "C"`,
    key,
  );
  return { ...figures, currency: snapshot.reporting_currency, known_at: snapshot.known_at, levels };
}

/** The file name of a partner's workbook. The loader takes no other MPN ID; a path is made of nothing else. */
function partnerFile(mpnId: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(mpnId))
    throw new Error(`no file is named by the MPN ID ${JSON.stringify(mpnId)}`);
  return `partner-${mpnId}.xlsx`;
}

const programFile = (cycle: string): string => `program-${cycle}.xlsx`;

/** What the workbooks of a revision are called whose partners are these. */
export const bookNames = (cycle: string, partners: ReadonlyArray<{ readonly mpnId: string }>): string[] => [
  ...partners.map(({ mpnId }) => partnerFile(mpnId)),
  programFile(cycle),
];

const unknown = (partner: string, snapshot: Snapshot): LkpError =>
  new LkpError(
    'request',
    `No partner with the MPN ID ${partner} was valid on ${snapshot.window_to} or has a row in cycle ${snapshot.cycle}. Check the ID, or load it with lkp load partners.`,
  );

/** A revision, or the newest. Throws LkpError('request') when there is none. */
export async function findSnapshot(tx: Sql, cycle: string, revision?: number): Promise<Snapshot> {
  const snapshots = await tx.rows<Snapshot>(
    `select cycle, revision, cutoff, known_at, due_at, window_from, window_to, reporting_currency, lookback, reason,
            content_version, late_by
     from snapshot where cycle = $1 order by revision desc`,
    [cycle],
  );
  const found =
    revision === undefined ? snapshots[0] : snapshots.find((snapshot) => snapshot.revision === revision);
  if (found) return found;
  throw new LkpError(
    'request',
    snapshots.length === 0
      ? `Cycle ${cycle} has not been refreshed. Run lkp refresh ${cycle} first.`
      : `Cycle ${cycle} has no revision ${revision}; it has ${snapshots
          .map((snapshot) => snapshot.revision)
          .reverse()
          .join(', ')}.`,
  );
}

/** Makes the temporary tables that reports are read from, of all partners or only of some. */
export async function prepare(tx: Sql, snapshot: Snapshot, only: ReportOptions['only']): Promise<void> {
  const { newest } = await tx.one<{ newest: string }>(
    `select coalesce(max(issue_month), $1::date)::text as newest from month_touched`,
    [firstDay(snapshot.cycle)],
  );
  const [last = snapshot.cycle] = [snapshot.cycle, newest.slice(0, 7)].sort().reverse();
  await tx.file('marts/report', {
    partner: '',
    share: 1,
    shares: 1,
    ...(typeof only === 'object' ? only : {}),
    cycle: snapshot.cycle,
    revision: snapshot.revision,
    cutoff: snapshot.cutoff,
    lookback: snapshot.lookback,
    reporting_currency: snapshot.reporting_currency,
    window_from: snapshot.window_from,
    window_to: snapshot.window_to,
    cycle_start: firstDay(snapshot.cycle),
    from: firstDay(addMonths(snapshot.window_from.slice(0, 7), -1)),
    to: firstDay(addMonths(last, 1)),
  });
  const broken = await tx.file('checks/report_equals_snapshot');
  if (broken.length > 0) {
    throw new Error(
      `The lines of ${snapshot.cycle} revision ${snapshot.revision} do not add up to its frozen cells: ${JSON.stringify(broken.slice(0, 3))}`,
    );
  }
}

async function sharedProvenance(tx: Sql, snapshot: Snapshot): Promise<Shared> {
  const key = [snapshot.cycle, snapshot.revision];
  const sets = await tx.rows<{
    name: string;
    title: string;
    sha256: string;
    basis: string;
    valid_from: string;
    valid_to: string | null;
  }>(
    `select name, title, sha256, basis, valid_from, valid_to from snapshot_rule_set
     where cycle = $1 and revision = $2 order by valid_from`,
    key,
  );
  const { sample } = await tx.one<{ sample: boolean }>(
    `select exists (select 1 from snapshot_requirement where cycle = $1 and revision = $2 and sample)
         or exists (select 1 from snapshot_renewal_requirement where cycle = $1 and revision = $2 and sample)
         or exists (select 1 from snapshot_class where cycle = $1 and revision = $2 and sample)
         or exists (select 1 from snapshot_rule_set where cycle = $1 and revision = $2 and basis = 'sample') as sample`,
    key,
  );
  const ruleSets: RuleSetUse[] = sets.map((set) => ({
    name: set.name,
    validFrom: set.valid_from,
    validTo: set.valid_to,
    sha256: set.sha256,
    source: set.basis === 'sample' ? 'sample' : set.title,
  }));
  return {
    cycle: snapshot.cycle,
    revision: snapshot.revision,
    window: { from: snapshot.window_from.slice(0, 7), to: snapshot.window_to.slice(0, 7) },
    due: snapshot.due_at,
    ...(snapshot.late_by !== null && { lateBy: snapshot.late_by }),
    knownAt: snapshot.known_at,
    reportingCurrency: snapshot.reporting_currency,
    ruleSets,
    sample,
  };
}
