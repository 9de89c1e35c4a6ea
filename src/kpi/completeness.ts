import { addMonths, firstDay } from '../calendar.ts';
import { type Context, LkpError, nextChange, onlyAsked } from '../job.ts';
import type { Sql } from '../ports.ts';

/** How many months before the newest one say what is usual. */
const LOOK_BACK = 6;
/** So many gaps are named in a sentence. */
const NAMED = 20;

/** A source that brought nothing, or far less than usual, for the newest month of a cycle's window. */
export interface Gap {
  /** Purchase channel and seller; both empty where nothing at all came. */
  readonly source: string;
  readonly seller: string;
  /** The newest month, `YYYY-MM`. */
  readonly month: string;
  /** Lines that came for it. */
  readonly lines: number;
  /** The median of the months before. */
  readonly usual: number;
}

/**
 * The completeness gate (DESIGN, section 6): the expected sources that brought nothing for the newest month of the
 * cycle's window, or less than LKP_COMPLETENESS_PERCENT of what is usual, apart from those that a person waved through;
 * the largest gap first. Lines are counted again only in months that a change touched.
 */
export const gapsOf = (context: Context, cycle: string): Promise<Gap[]> =>
  context.db.transaction('completeness', (tx) => findGaps(tx, context, cycle));

/** The same, and not even what was counted is kept. */
export const gapsForeseen = (context: Context, cycle: string): Promise<Gap[]> =>
  onlyAsked(context, 'completeness', (tx) => findGaps(tx, context, cycle));

/**
 * A person waves a cycle's gaps through, with a reason: they are written down as a change, and the gate lets the cycle
 * pass as long as no source brings less still. Returns them; nothing is written where there are none.
 */
export async function acceptGaps(
  context: Context,
  cycle: string,
  reason: string | undefined,
): Promise<Gap[]> {
  if (!reason?.trim()) {
    throw new LkpError(
      'request',
      `To go on with an incomplete ${addMonths(cycle, -1)} needs a reason. Repeat with --reason 'why'; LKP_ACTOR says who.`,
    );
  }
  return context.db.transaction('completeness', async (tx) => {
    const gaps = await findGaps(tx, context, cycle);
    if (gaps.length === 0) return gaps;
    await writeDown(tx, context, { cycle, gaps }, reason);
    return gaps;
  });
}

/** Gaps that a person accepted for a cycle; the change was told all of it, so that it can be done again. */
export interface Accepted {
  readonly cycle: string;
  readonly gaps: readonly Pick<Gap, 'source' | 'seller' | 'lines' | 'usual'>[];
}

export async function writeDown(
  tx: Sql,
  context: Context,
  { cycle, gaps }: Accepted,
  reason: string,
): Promise<void> {
  const asked: Accepted = {
    cycle,
    gaps: gaps.map(({ source, seller, lines, usual }) => ({ source, seller, lines, usual })),
  };
  const change = await nextChange(tx, context, { kind: 'accept-incomplete', reason, asked });
  await tx.rows(
    `insert into accepted_gap (cycle, source, seller, lines, usual, change_no)
     select $1, gap.source, gap.seller, gap.lines, gap.usual, $3
     from jsonb_to_recordset($2) as gap (source text, seller text, lines int, usual numeric)`,
    [cycle, JSON.stringify(asked.gaps), change],
  );
}

async function findGaps(tx: Sql, context: Context, cycle: string): Promise<Gap[]> {
  const month = addMonths(cycle, -1);
  // One count at a time: two would write the same months.
  await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.sources'))`);
  await tx.file('marts/source_months', {
    month_from: firstDay(addMonths(month, -LOOK_BACK)),
    month_before: firstDay(cycle),
  });
  const rows = await tx.file<Omit<Gap, 'month' | 'usual'> & { usual: string }>('checks/completeness', {
    cycle,
    newest: firstDay(month),
    completeness_percent: context.settings.LKP_COMPLETENESS_PERCENT,
  });
  return rows.map(({ source, seller, lines, usual }) => ({
    source,
    seller,
    month,
    lines,
    usual: Number(usual),
  }));
}

/** `marketplace, seller ACME: 0 of usually 120 lines of 2020-04; ...` */
export function gapsText(gaps: readonly Gap[]): string {
  const named = gaps
    .slice(0, NAMED)
    .map(({ source, seller, month, lines, usual }) =>
      source === ''
        ? `No invoice of ${month} is here`
        : `${source}, seller ${seller}: ${lines} of usually ${usual} lines of ${month}`,
    );
  if (gaps.length > NAMED) named.push(`and ${gaps.length - NAMED} sources more`);
  return `${named.join('; ')}.`;
}

const gateBegins = (cycle: string): string => `The invoices of ${addMonths(cycle, -1)} do not look complete.`;

/** Whether it was the gate that said this, of a refresh that waits. */
export const isGate = (cycle: string, says: string): boolean => says.startsWith(gateBegins(cycle));

/** What the gate says to the person who must decide. */
export const gateSays = (cycle: string, gaps: readonly Gap[]): string =>
  `${gateBegins(cycle)} ${gapsText(gaps)} ` +
  `Ingest what is missing and run lkp cycle ${cycle} again; or, to go on without it, lkp refresh ${cycle} --accept-incomplete --reason '...', then lkp cycle ${cycle}.`;
