import { LkpError } from './job.ts';
import type { Table, Tables } from './ports.ts';

/** Encodings that a file without a mark may have when it is not UTF-8, the most usual first. */
const ENCODINGS = ['windows-1252', 'windows-1254', 'shift_jis'] as const;

/** A table that was opened, in which encoding if it had to be guessed, and what was found in its head. */
export interface OpenedTable<T> {
  readonly table: Table;
  readonly encoding: string | undefined;
  readonly found: T;
}

/**
 * Opens a file as it is; a CSV that is neither marked nor UTF-8, in the encoding under which `look` scores its head
 * highest. Undefined when `look` finds nothing, or the file cannot be opened at all. The caller closes the table.
 */
export async function openBest<T>(
  tables: Tables,
  path: string,
  hints: NonNullable<Parameters<Tables['open']>[1]>,
  look: (table: Table) => { readonly found: T; readonly score: number } | undefined,
): Promise<OpenedTable<T> | undefined> {
  let best: (OpenedTable<T> & { readonly score: number }) | undefined;
  for (const encoding of [undefined, ...ENCODINGS]) {
    const table = await tables
      .open(path, { ...hints, ...(encoding ? { encoding } : {}) })
      .catch((error: unknown) => {
        if (error instanceof LkpError && error.code === 'request') return undefined;
        throw error;
      });
    if (!table) continue;
    const seen = look(table);
    if (seen && seen.score > (best?.score ?? 0)) {
      await best?.table.close();
      best = { table, encoding, ...seen };
    } else await table.close();
    // What opens as it is needs no guess.
    if (encoding === undefined) break;
  }
  return best;
}
