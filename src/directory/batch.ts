import type { Sql } from '../ports.ts';

export type Action = 'added' | 'changed' | 'removed' | 'unchanged';

/** One partner in one country. A removed entry carries what was last shown. */
export interface Entry {
  readonly action: Action;
  readonly partner_mpn_id: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly country_name: string;
  readonly name: string;
  readonly url: string;
  /** What the batch before showed; null where it showed nothing. */
  readonly was_name: string | null;
  readonly was_url: string | null;
}

/** The batch of a cycle, its entries by partner and country in code point order. */
export interface Batch {
  readonly cycle: string;
  readonly state: 'assembled' | 'submitted';
  /** The change up to which it knows the facts. */
  readonly cutoff: string;
  /** The submitted cycle that it was compared with; null for the first batch. */
  readonly comparedWith: string | null;
  readonly entries: readonly Entry[];
}

export interface Counts {
  /** Entries that the directory lists after the update: added, changed and unchanged. */
  readonly entries: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
}

export async function readBatch(tx: Sql, cycle: string): Promise<Batch | undefined> {
  const batch = await tx.maybe<{ state: Batch['state']; cutoff: string; compared_with: string | null }>(
    'select state, cutoff, compared_with from directory_batch where cycle = $1',
    [cycle],
  );
  if (!batch) return undefined;
  const entries = await tx.file<Entry>('marts/directory_batch_rows', { cycle });
  return { cycle, state: batch.state, cutoff: batch.cutoff, comparedWith: batch.compared_with, entries };
}

export function countsOf(entries: readonly Entry[]): Counts {
  const by = (action: Action) => entries.filter((entry) => entry.action === action).length;
  const removed = by('removed');
  return {
    entries: entries.length - removed,
    added: by('added'),
    changed: by('changed'),
    removed,
    unchanged: by('unchanged'),
  };
}

/** The last submitted cycle before this one. */
export async function lastSubmitted(tx: Sql, cycle: string): Promise<string | null> {
  const { last } = await tx.one<{ last: string | null }>(
    `select max(cycle collate "C") as last from directory_batch where state = 'submitted' and cycle collate "C" < $1`,
    [cycle],
  );
  return last;
}

/** The first later cycle whose submission has begun. */
export async function laterSubmission(tx: Sql, cycle: string): Promise<string | null> {
  const { later } = await tx.one<{ later: string | null }>(
    'select min(cycle collate "C") as later from directory_submission where cycle collate "C" > $1',
    [cycle],
  );
  return later;
}

/** Why an older batch is neither assembled nor submitted. */
export const tookBack = (cycle: string, later: string): string =>
  `The directory batch of ${later} is submitted already; an older one (${cycle}) would take the directory back`;

/** One at a time assembles or submits; released at the end of the transaction. */
export async function lockDirectory(tx: Sql): Promise<void> {
  await tx.rows("select pg_advisory_xact_lock(hashtext('lkp.directory'))");
}
