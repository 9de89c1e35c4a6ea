import { basename } from 'node:path';
import { crash } from '../crash.ts';
import { type Stored, storeBytes } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql, Table } from '../ports.ts';
import { copyRows, dropLoad, nameFields, oneAtATime, watchRows } from '../staging.ts';
import { AmountsIn, WATCHED } from './amounts.ts';
import { fieldExpression, type Reading, readingOf, statedReading } from './notation.ts';
import { hintsOf, openMatching } from './open.ts';
import { candidateProfiles, keepProfile, type Match, type Profile, ROW_FIELDS } from './profile.ts';
import { propose } from './propose.ts';
import { type FileResult, fileResult, refused } from './result.ts';
import { settle } from './settle.ts';
import { takeOffTotals } from './totals.ts';
import { verdictsOfRows, withVerdicts } from './verdicts.ts';

export interface IngestOptions {
  readonly profile?: string;
  readonly dryRun?: boolean;
}

/** Raised to leave a transaction whose work is not to be kept; carries what the work found. */
class Unkept extends Error {
  readonly result: FileResult;
  constructor(result: FileResult) {
    super('not kept');
    this.result = result;
  }
}

/**
 * Takes in one file of invoices, wholly or not at all, in one transaction: bytes to the content store, rows through
 * COPY unchanged, typing and validation set-based, conservation proven before the commit. A file that cannot be
 * taken in is a value (`refused`, with the reason), not an exception; LkpError means that nothing could be tried.
 */
export async function ingestFile(
  context: Context,
  path: string,
  options: IngestOptions = {},
): Promise<FileResult> {
  const profiles = await candidateProfiles(context.settings.profiles, options.profile);
  const stored = await storeBytes(context.settings.home, path);
  const name = basename(path);
  try {
    return await storing(context, [stored], async (tx) => {
      const found = await takeIn(tx, context, stored, name, profiles, options.dryRun ?? false);
      if (options.dryRun) throw new Unkept(await withVerdicts(context, stored.path, found));
      if (found.status !== 'ingested') throw new Unkept(found);
      return { result: found, kept: [stored] };
    });
  } catch (error) {
    if (error instanceof Unkept) return error.result;
    throw error;
  }
}

/**
 * Does `work` in one transaction. The bytes that it keeps get their place in the content store just before the commit; all
 * others are dropped.
 */
export async function storing<T>(
  context: Context,
  stored: readonly Stored[],
  work: (tx: Sql) => Promise<{ readonly result: T; readonly kept: readonly Stored[] }>,
): Promise<T> {
  let kept: readonly Stored[] = [];
  try {
    const result = await context.db.transaction('ingest', async (tx) => {
      const done = await work(tx);
      for (const one of done.kept) await one.commit();
      crash('ingest-before-commit');
      kept = done.kept;
      return done.result;
    });
    crash('ingest-committed');
    return result;
  } finally {
    for (const one of stored) if (!kept.includes(one)) await one.discard();
  }
}

async function takeIn(
  tx: Sql,
  context: Context,
  stored: Stored,
  name: string,
  profiles: Profile[],
  dryRun: boolean,
): Promise<FileResult> {
  await oneAtATime(tx);
  const known = await tx.maybe<{ id: number; name: string }>(
    `select id, name from file where sha256 = $1 and kind = 'invoices' and ended_no is null`,
    [stored.sha256],
  );
  if (known) {
    return duplicateOf(await fileResult(tx, context, known.id, known.name), name);
  }
  const opened = await openMatching(context, stored.path, name, profiles);
  if ('refused' in opened) {
    const proposal = opened.unknown ? await propose(tx, context, stored.path, name) : undefined;
    return {
      ...refused(name, stored.sha256, opened.format, opened.refused),
      ...(proposal ? { proposal } : {}),
    };
  }
  const { table, match } = opened;
  try {
    return await takeRows(tx, context, stored, name, table, match, dryRun);
  } catch (error) {
    // What is wrong with the file itself is found while it streams in; the caller takes everything back.
    if (error instanceof LkpError && error.code === 'request')
      return refused(name, stored.sha256, table.format, error.message);
    throw error;
  } finally {
    await table.close();
  }
}

async function takeRows(
  tx: Sql,
  context: Context,
  stored: Stored,
  name: string,
  table: Table,
  { profile, header }: Match,
  dryRun: boolean,
): Promise<FileResult> {
  await tx.file('staging/document_gate', { type_map: JSON.stringify(profile.document_type.map) });
  await refuseUnknownCodes(tx, profile);
  const credits = await tx.rows<{ value: string }>('select value from document_gate where amount_sign = -1');
  const amountsUnder = (reading: Reading) =>
    new AmountsIn(
      profile,
      reading,
      new Set(credits.map(({ value }) => value)),
      !header.columns.has('currency'),
    );
  const stated = statedReading(profile);
  let amounts = amountsUnder(stated);
  context.progress(`${name}: reading`);
  await copyRows(tx, table, header, {
    fields: WATCHED,
    row: (cells) => {
      amounts.row(cells);
      crash('ingest-mid-copy');
    },
  });
  const reading = await readingOf(tx, profile, header, table);
  await nameFields(tx, header, ROW_FIELDS, fieldExpression(profile, header, reading));
  // What the columns say is known once they are loaded: the bytes are then read under it anew.
  if (JSON.stringify(reading.numbers) !== JSON.stringify(stated.numbers)) {
    amounts = amountsUnder(reading);
    const again = await context.tables.open(stored.path, hintsOf(profile, name));
    try {
      await watchRows(again, header, { fields: WATCHED, row: (cells) => amounts.row(cells) });
    } finally {
      await again.close();
    }
  }
  const { counts } = table;
  const ownTotals = await takeOffTotals(tx, name, header, amounts);
  const lines = counts.lines - ownTotals.rows;
  if (lines === 0) {
    throw new LkpError(
      'request',
      `${name} has a header (row ${header.row}) and no rows below it. Get the file with its rows.`,
    );
  }
  context.progress(`${name}: checking ${lines} rows`);
  const numbered = header.columns.has('line_number');
  await tx.file('staging/lines', {
    source: profile.source,
    seller: profile.seller.trim().toUpperCase(),
    credits_negative: String(profile.credit_quantities === 'negative'),
    numbered: String(numbered),
  });
  const sameNumber = await tx.file<SameNumber>('staging/documents');

  context.progress(`${name}: storing`);
  await keepProfile(tx, profile);
  const change = await nextChange(tx, context, {
    kind: 'ingest',
    sha256: stored.sha256,
    asked: { files: [{ name, sha256: stored.sha256 }], profile: profile.hash },
  });
  const { id } = await tx.one<{ id: number }>(
    `insert into file (sha256, kind, name, bytes, format, profile, profile_hash, source,
                       physical_rows, blank_rows, preamble_rows, lines_in, change_no, numbered, header, total_rows)
     values ($1, 'invoices', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning id`,
    [
      stored.sha256,
      name,
      stored.bytes,
      table.format,
      profile.name,
      profile.hash,
      profile.source,
      counts.physical,
      counts.blank,
      counts.preamble,
      lines,
      change,
      numbered,
      header.cells,
      ownTotals.rows,
    ],
  );
  const totals = amounts.totals();
  await tx.rows(
    `insert into file_amount_in (file_id, currency, rows, amount)
     select $1, * from unnest($2::text[], $3::int[], $4::numeric[])`,
    [
      id,
      totals.map((total) => total.currency),
      totals.map((total) => total.rows),
      totals.map((total) => total.amount),
    ],
  );
  const strays = await storeLines(tx, id, change, header.columns.has('corrects_row'));
  const verdicts = dryRun ? { verdicts: await verdictsOfRows(tx, id) } : {};
  await tx.file('staging/store');
  await dropLoad(tx);
  await proveConservation(tx, id, name, counts);
  return {
    ...(await fileResult(tx, context, id, name)),
    ...verdicts,
    warnings: [
      ...ownTotals.warnings,
      ...twoDays(sameNumber),
      ...(strays.length > 0
        ? [
            `${strays.length} rows (the first is row ${strays[0]}) say which row they correct, but that row waits for nothing; they were taken as new rows.`,
          ]
        : []),
    ],
  };
}

/** The result of a file whose bytes are known as `known`. */
export const duplicateOf = (known: FileResult, name: string): FileResult => ({
  ...known,
  name,
  status: 'duplicate',
  reason: `The same bytes were ingested before as ${known.name}; nothing was added.`,
});

export interface SameNumber {
  readonly number: string;
  readonly issue_date: string;
  readonly other_date: string;
  /** Of the new document, in the file. */
  readonly first_row: number;
}

/** A file that repeats the numbers of another year would have no end of warnings. */
const MOST_WARNINGS = 20;

export const twoDays = (found: readonly SameNumber[]): string[] =>
  found
    .slice(0, MOST_WARNINGS)
    .map(
      ({ number, issue_date, other_date }) =>
        `Invoice ${number} of ${issue_date} has the same number as one of ${other_date}; both are kept as two documents.`,
    );

/** A profile that maps a value to no code of UNTDID 1001 would let its documents wait for ever. */
export async function refuseUnknownCodes(tx: Sql, { name, document_type }: Profile): Promise<void> {
  const strangers = await tx.rows<{ code: string }>(
    'select code from unnest($1::text[]) as mapped (code) where code not in (select code from document_type)',
    [Object.values(document_type.map)],
  );
  if (strangers.length > 0) {
    const codes = strangers.map(({ code }) => `"${code}"`).join(', ');
    throw new LkpError(
      'request',
      `The profile ${name} maps document types to ${codes}, which UNTDID 1001 does not know. Map them to codes such as 380 or 381.`,
    );
  }
}

/**
 * Stores the documents and lines of a file. A document of which nothing else is said is stored as it stands; the others,
 * and those whose waiting rows came back corrected, are settled as a whole. Returns the rows that say they correct
 * another one, and do not.
 */
async function storeLines(tx: Sql, fileId: number, change: string, corrects: boolean): Promise<number[]> {
  await tx.file('staging/store_documents', { file_id: fileId, change_no: change });
  if (!(await storedPlainly(tx))) {
    await tx.file('staging/twice');
    await tx.file('staging/store_plain');
  }
  const [settles] = await tx.file<{ documents: number }>('staging/unsettled');
  const strays = corrects ? await tx.file<{ row_no: number }>('staging/corrected_rows') : [];
  if (settles!.documents > 0 || corrects) {
    await settle(tx, change, fileId);
    await tx.rows(
      `update quarantine set cells = load_field.cells
       from load_field
       where quarantine.file_id = $1 and quarantine.change_no = $2 and load_field.row_no = quarantine.row_no`,
      [fileId, change],
    );
  }
  return strays.map((stray) => stray.row_no);
}

/** False, and nothing stored, when a key is twice in the file. */
export async function storedPlainly(tx: Sql): Promise<boolean> {
  await tx.rows('savepoint plain');
  try {
    await tx.file('staging/store_plain');
    await tx.rows('release savepoint plain');
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    await tx.rows('rollback to savepoint plain');
    return false;
  }
}

const UNIQUE_VIOLATION = '23505';

/** Stops the run when the rows or the money of a file do not balance: two paths that share nothing must agree. */
async function proveConservation(
  tx: Sql,
  fileId: number,
  name: string,
  counts: Table['counts'],
): Promise<void> {
  const added = counts.preamble + counts.header + counts.blank + counts.lines;
  if (added !== counts.physical)
    throw new Error(`${name}: ${counts.physical} physical rows, but ${added} are accounted for`);
  const broken = await tx.file('checks/file_conservation', { file_ids: fileId });
  if (broken.length > 0)
    throw new Error(`${name} does not balance, nothing was stored: ${JSON.stringify(broken)}`);
}
