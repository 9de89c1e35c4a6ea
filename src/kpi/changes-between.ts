import { writeAtomically } from '../files.ts';
import { type Context, LkpError, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { AsKnownOn } from './as-known.ts';
import { changedSheet } from './changed-sheet.ts';
import { type Changes, cellsChanged, changesOf, linesChanged } from './changes.ts';
import { beginComparison, compareSides, ofFresh, ofRevision, type Side, type SideName } from './compare.ts';
import { computeFresh, cutOff, dropFresh, takeCells } from './fresh.ts';

/** One end of a comparison: a frozen revision, or what was known at a moment. */
export type Point = { readonly revision: number } | AsKnownOn;

export interface ChangesReport extends Changes {
  readonly cycle: string;
  /** `revision 1`, `2020-05-20` or `now`, and when the last thing was learned that it knows. */
  readonly from: { readonly what: string; readonly known_at: string; readonly currency: string };
  readonly to: { readonly what: string; readonly known_at: string; readonly currency: string };
  /** Null: all partners. */
  readonly partner: string | null;
  /** The workbook with all lines, when one was asked for. */
  readonly out: { readonly path: string; readonly sha256: string } | null;
}

interface Asked {
  /** Absent: the revision before `to`, or the newest one. */
  readonly from?: Point;
  /** Absent: what is known now. */
  readonly to?: Point;
  readonly partner?: string;
  /** So many lines are returned; the workbook has all. */
  readonly first: number;
  readonly out?: string;
}

/**
 * What a cycle's figures differ by between two points, line by line. Nothing is kept: a moment is computed in a transaction
 * that is rolled back. Throws LkpError('request') for a point that does not exist, or a partner that nobody knows.
 */
export async function changesBetween(context: Context, cycle: string, asked: Asked): Promise<ChangesReport> {
  return onlyAsked(context, `changes ${cycle}`, async (tx) => {
    const to = asked.to ?? { instant: context.now(), label: 'now' };
    const from = asked.from ?? (await pointBefore(tx, cycle, to));
    const { partner = '' } = asked;
    if (partner !== '') await needPartner(tx, partner);
    await takeCells(tx);
    await beginComparison(tx);
    const before = await fill(tx, context, cycle, 'before', from);
    const after = await fill(tx, context, cycle, 'after', to);
    await compareSides(tx, cycle, { before, after });
    return {
      cycle,
      from: await saying(tx, from, before),
      to: await saying(tx, to, after),
      partner: partner || null,
      ...(await changesOf(tx, asked.first, partner)),
      out:
        asked.out === undefined
          ? null
          : await writeBook(tx, context, cycle, asked.out, { from, to, before, after, partner }),
    };
  });
}

const nameOf = (point: Point): string => ('revision' in point ? `revision ${point.revision}` : point.label);

async function saying(tx: Sql, point: Point, side: Side): Promise<ChangesReport['from']> {
  const { known_at } = await tx.one<{ known_at: string }>('select known_at from change where no = $1', [
    side.cutoff,
  ]);
  return { what: nameOf(point), known_at, currency: side.reporting_currency };
}

/** What to compare with when nobody said: the revision before, or the newest. */
async function pointBefore(tx: Sql, cycle: string, to: Point): Promise<Point> {
  if ('revision' in to) {
    if (to.revision > 1) return { revision: to.revision - 1 };
    throw new LkpError(
      'request',
      `Revision 1 of ${cycle} is its first: there is nothing before it. Say --from with a day, such as --from 2020-05-20.`,
    );
  }
  const { newest } = await tx.one<{ newest: number | null }>(
    'select max(revision) as newest from snapshot where cycle = $1',
    [cycle],
  );
  if (newest !== null) return { revision: newest };
  throw new LkpError(
    'request',
    `Cycle ${cycle} has no revision to compare with. Say --from with a day, such as --from 2020-05-20, or run lkp refresh ${cycle} first.`,
  );
}

async function needPartner(tx: Sql, partner: string): Promise<void> {
  const { known } = await tx.one<{ known: boolean }>(
    `select exists (select from partner where mpn_id = $1)
         or exists (select from location where partner_mpn_id = $1)
         or exists (select from enrolment where partner_mpn_id = $1) as known`,
    [partner],
  );
  if (known) return;
  throw new LkpError(
    'request',
    `No partner with the MPN ID ${partner} was ever loaded. Check the ID, or load it with lkp load partners.`,
  );
}

async function fill(tx: Sql, context: Context, cycle: string, side: SideName, point: Point): Promise<Side> {
  if ('revision' in point) {
    const found = await tx.maybe<Side>(
      'select cutoff, reporting_currency, lookback from snapshot where cycle = $1 and revision = $2',
      [cycle, point.revision],
    );
    if (!found)
      throw new LkpError(
        'request',
        `Cycle ${cycle} has no revision ${point.revision}. lkp runs ${cycle} shows which were written.`,
      );
    await ofRevision(tx, side, cycle, point.revision);
    return found;
  }
  const cutoff = await cutOff(tx, point.instant);
  await computeFresh(tx, context, cycle, cutoff);
  await ofFresh(tx, side);
  await dropFresh(tx);
  const { LKP_REPORTING_CURRENCY, LKP_RATE_LOOKBACK_DAYS } = context.settings;
  return { cutoff, reporting_currency: LKP_REPORTING_CURRENCY, lookback: LKP_RATE_LOOKBACK_DAYS };
}

/** All lines, in one sheet as restated workbooks have it. */
async function writeBook(
  tx: Sql,
  context: Context,
  cycle: string,
  path: string,
  asked: { from: Point; to: Point; before: Side; after: Side; partner: string },
): Promise<{ path: string; sha256: string }> {
  const { from, to, before, after, partner } = asked;
  const sheet = changedSheet({
    since: `${nameOf(from)}, until ${nameOf(to)}`,
    now: '',
    reason: null,
    currencies: [before.reporting_currency, after.reporting_currency],
    changes: await changesOf(tx, 0, partner),
    cells: await cellsChanged(tx, partner),
    lines: linesChanged(tx, partner),
    ofAll: partner === '',
  });
  const title = `Cycle ${cycle}${partner && `, partner ${partner}`}: ${nameOf(from)} to ${nameOf(to)}`;
  const { sha256 } = await writeAtomically(path, async (temporary) => {
    await context.workbooks.write(temporary, { title, sheets: [sheet] });
  });
  return { path, sha256 };
}
