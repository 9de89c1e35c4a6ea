import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql } from '../ports.ts';
import { oneAtATime } from '../staging.ts';
import { settle } from './settle.ts';

export interface KnownFile {
  readonly id: number;
  readonly name: string;
  readonly sha256: string;
  readonly lines_in: number;
}

/** The one file of invoices that stands under a name or the beginning of its sha256. Throws LkpError('request') otherwise. */
export async function knownFile(tx: Sql, wanted: string): Promise<KnownFile> {
  const found = await tx.rows<KnownFile>(
    `select id, name, sha256, lines_in from file
     where kind = 'invoices' and ended_no is null
       and (name = $1 or length($1) >= 6 and starts_with(sha256, lower($1)))
     order by id`,
    [wanted],
  );
  const [file, second] = found;
  if (file && !second) return file;
  throw new LkpError(
    'request',
    file
      ? `${found.length} files are called ${wanted}. Name one by the beginning of its sha256: ${found.map(({ sha256 }) => sha256.slice(0, 12)).join(', ')}.`
      : `No file ${wanted} was ingested, or it was withdrawn. Name one as lkp ingest did, or by the first letters of its sha256.`,
  );
}

export interface Withdrawn {
  readonly name: string;
  readonly sha256: string;
  /** Rows of the file, all of which are superseded now. */
  readonly lines: number;
  /** Rows of other files that took a place of theirs. */
  readonly took_their_place: number;
}

/**
 * Withdraws a wrong file, in one transaction: all its rows are superseded; what was a duplicate only of them takes their
 * place; what they had corrected stands again. The bytes stay, and may be ingested again.
 */
export async function withdrawFile(context: Context, wanted: string, reason: string): Promise<Withdrawn> {
  return context.db.transaction('withdraw', async (tx) => {
    await oneAtATime(tx);
    const file = await knownFile(tx, wanted);
    const change = await nextChange(tx, context, { kind: 'withdraw', sha256: file.sha256, reason });
    await tx.file('staging/withdraw', { file_id: file.id, change_no: change });
    await settle(tx, change, file.id);
    const { lines } = await tx.one<{ lines: string }>(
      'select count(*) as lines from line where change_no = $1',
      [change],
    );
    return {
      name: file.name,
      sha256: file.sha256,
      lines: file.lines_in,
      took_their_place: Number(lines),
    };
  });
}
