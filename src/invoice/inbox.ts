import { relative } from 'node:path';
import { sha256Of } from '../files.ts';
import type { Context } from '../job.ts';
import { look } from './sweep.ts';

/** The files of the inbox whose bytes were not taken in yet, by their paths in it: what an ingest would look into. */
export async function newInInbox(context: Context): Promise<string[]> {
  const { inbox } = context.settings;
  const { looks } = await look(inbox);
  const found: string[] = [];
  for (const path of looks.keys()) {
    const sha256 = await sha256Of(path);
    const known = await context.db.transaction('inbox', (tx) =>
      tx.maybe(`select from file where sha256 = $1 and kind = 'invoices' and ended_no is null limit 1`, [
        sha256,
      ]),
    );
    if (!known) found.push(relative(inbox, path));
  }
  return found;
}
