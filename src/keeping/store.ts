import { keptInStore, namesInStore, storedPath } from '../files.ts';
import type { Context } from '../job.ts';
import type { Sql } from '../ports.ts';

/** A file that was taken in and whose bytes the store does not have any more as they came. */
export interface Damaged {
  readonly sha256: string;
  /** What its senders called it; data, never a path. */
  readonly names: string[];
  /** `invoices`, or kinds of reference data. */
  readonly kinds: string[];
  readonly state: 'missing' | 'truncated' | 'altered' | 'unreadable';
  /** What was seen, what was wanted and the next step. */
  readonly reason: string;
  /** Cycles with a revision that knew the file and whose window holds rows of it; empty for reference data. */
  readonly cycles: string[];
}

/** Bytes that one change took away on purpose: they are gone, and nothing is wrong. */
export interface PrunedBytes {
  /** How many different files. */
  readonly files: number;
  readonly on: string;
  readonly by: string;
  readonly reason: string;
}

export interface Verified {
  /** Different files that were taken in, and their bytes together as they came. */
  readonly files: number;
  readonly bytes: number;
  readonly damaged: Damaged[];
  readonly pruned: PrunedBytes[];
  /** What lies in the store and no file that was taken in has. */
  readonly left_over: string[];
}

interface Taken {
  readonly sha256: string;
  /** The change that pruned its bytes after they came last. */
  readonly pruned_no: string | null;
  readonly bytes: number;
  readonly names: string[];
  readonly kinds: string[];
  readonly ids: number[];
}

/** Files are asked for so many at a time: no transaction stays open while they are read. */
const PAGE = 1_000;

/**
 * Reads every file of the content store to its end and compares it with what the database says was taken in (invoices and
 * reference data, withdrawn ones too). Damage is a value. Throws LkpError('machine') when the store's folder cannot be read.
 */
export async function verifyStore(context: Context): Promise<Verified> {
  const { home } = context.settings;
  const damaged: Damaged[] = [];
  const pruned = new Map<string, number>();
  let files = 0;
  let bytes = 0;
  for (let page = await takenAfter(context, ''); page.length > 0; ) {
    for (const taken of page) {
      context.progress(`file ${files + 1}: ${taken.names[0]}`);
      const found = await damageOf(home, taken);
      if (found?.state === 'missing' && taken.pruned_no !== null)
        pruned.set(taken.pruned_no, (pruned.get(taken.pruned_no) ?? 0) + 1);
      else if (found) damaged.push({ ...found, cycles: await cyclesOf(context, taken.ids) });
      files += 1;
      bytes += taken.bytes;
    }
    page = await takenAfter(context, page.at(-1)!.sha256);
  }
  return {
    files,
    bytes,
    damaged,
    pruned: await prunings(context, pruned),
    left_over: await leftOvers(context),
  };
}

const takenAfter = (context: Context, sha256: string): Promise<Taken[]> =>
  context.db.transaction('verify', async (tx) => {
    const rows = await tx.rows<Omit<Taken, 'bytes'> & { bytes: string }>(
      `select sha256, max(bytes) as bytes, array_agg(distinct name collate "C") as names,
              array_agg(distinct kind collate "C") as kinds,
              array_agg(id) as ids,
              (select max(pruned.change_no) from pruned
               where pruned.kind = 'bytes' and pruned.sha256 = file.sha256
                 and pruned.change_no > max(file.change_no)) as pruned_no
       from file where sha256 collate "C" > $1
       group by sha256 order by sha256 collate "C" limit ${PAGE}`,
      [sha256],
    );
    return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
  });

async function damageOf(home: string, taken: Taken): Promise<Omit<Damaged, 'cycles'> | undefined> {
  const { sha256, bytes, names, kinds } = taken;
  const kept = await keptInStore(home, sha256, bytes);
  if (kept.state === 'whole') return undefined;
  const seen = {
    missing: () => 'its bytes are not in the store.',
    truncated: () => `only ${'bytes' in kept ? kept.bytes : 0} of its ${bytes} bytes are in the store.`,
    altered: () => 'its bytes in the store are not those that came: their sha256 is another one.',
    unreadable: () => ('why' in kept ? kept.why : ''),
  }[kept.state]();
  return {
    sha256,
    names,
    kinds,
    state: kept.state,
    reason: `${seen} Put a copy with this sha256, from a back-up or from its sender, at ${storedPath(home, sha256)}, and run lkp verify again.`,
  };
}

const cyclesOf = (context: Context, ids: readonly number[]): Promise<string[]> =>
  context.db.transaction('verify', async (tx) => {
    const rows = await tx.rows<{ cycle: string }>(
      `select distinct snapshot.cycle
       from file
       join file_total on file_total.file_id = file.id
       join snapshot   on snapshot.cutoff >= file.change_no
                      and file_total.issue_month >= snapshot.window_from and file_total.issue_month <= snapshot.window_to
       where file.id = any($1)
       order by snapshot.cycle`,
      [ids],
    );
    return rows.map(({ cycle }) => cycle);
  });

const prunings = (context: Context, files: ReadonlyMap<string, number>): Promise<PrunedBytes[]> =>
  context.db.transaction('verify', async (tx) => {
    const changes = await tx.rows<{ no: string; on: string; by: string; reason: string }>(
      `select no, known_at as on, actor as by, coalesce(reason, '') as reason from change where no = any($1) order by no`,
      [[...files.keys()]],
    );
    return changes.map(({ no, ...pruning }) => ({ files: files.get(no)!, ...pruning }));
  });

/** Looked for last: what an ingest stored meanwhile has its row by then, or is about to. */
async function leftOvers(context: Context): Promise<string[]> {
  const found: string[] = [];
  for await (const paths of namesInStore(context.settings.home))
    found.push(...(await context.db.transaction('verify', (tx) => unknownOf(tx, paths))));
  return found;
}

/** Of these paths in the store, those whose bytes no file that was taken in has. */
export async function unknownOf(tx: Sql, paths: readonly string[]): Promise<string[]> {
  const unknown = await tx.rows<{ path: string }>(
    `select path from unnest($1::text[]) with ordinality as stored (path, place)
     where not exists (select from file
                       where file.sha256 collate "C" = substr(stored.path, 4)
                         and stored.path = left(file.sha256, 2) || '/' || file.sha256)
     order by place`,
    [paths],
  );
  return unknown.map(({ path }) => path);
}
