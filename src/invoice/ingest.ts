import { basename } from 'node:path';
import { crash } from '../crash.ts';
import { type Stored, storeBytes } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql, Table } from '../ports.ts';
import { dropLoad, findHeader, loadRows } from '../staging.ts';
import { AmountsIn, WATCHED } from './amounts.ts';
import {
  CORRECTS,
  candidateProfiles,
  FIELD_NAMES,
  fieldExpression,
  fieldsOf,
  type Match,
  matchProfile,
  noMatch,
  notationOf,
  type Profile,
} from './profile.ts';
import { type FileResult, fileResult, refused } from './result.ts';
import { settle } from './settle.ts';

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
  let keep = false;
  try {
    const result = await context.db.transaction('ingest', async (tx) => {
      const found = await takeIn(tx, context, stored, name, profiles);
      if (options.dryRun || found.status !== 'ingested') throw new Unkept(found);
      await stored.commit();
      crash('ingest-before-commit');
      keep = true;
      return found;
    });
    crash('ingest-committed');
    return result;
  } catch (error) {
    if (error instanceof Unkept) return error.result;
    throw error;
  } finally {
    if (!keep) await stored.discard();
  }
}

async function takeIn(
  tx: Sql,
  context: Context,
  stored: Stored,
  name: string,
  profiles: Profile[],
): Promise<FileResult> {
  // One ingest at a time: what is known must not move between looking and inserting.
  await tx.rows(`select pg_advisory_xact_lock(hashtext('lkp.ingest'))`);
  const known = await tx.maybe<{ id: number; name: string; profile: string; format: string }>(
    `select id, name, profile, format from file where sha256 = $1 and kind = 'invoices' and ended_no is null`,
    [stored.sha256],
  );
  if (known) {
    return {
      ...(await fileResult(tx, context, known.id, name, stored.sha256)),
      status: 'duplicate',
      reason: `The same bytes were ingested before as ${known.name}; nothing was added.`,
    };
  }
  const opened = await openMatching(context, stored.path, name, profiles);
  if ('refused' in opened) return refused(name, stored.sha256, opened.format, opened.refused);
  const { table, match } = opened;
  try {
    return await takeRows(tx, context, stored, name, table, match);
  } catch (error) {
    // What is wrong with the file itself is found while it streams in; the transaction takes everything back.
    if (error instanceof LkpError && error.code === 'request')
      throw new Unkept(refused(name, stored.sha256, table.format, error.message));
    throw error;
  } finally {
    await table.close();
  }
}

type Opened =
  | { readonly table: Table; readonly match: Match }
  | { readonly refused: string; readonly format: string };

/**
 * Opens the file under each profile and takes the one that explains the most columns. What one profile makes of the
 * file (no such sheet, another encoding) says nothing about the others; it is told when none fits.
 */
async function openMatching(
  context: Context,
  path: string,
  name: string,
  profiles: Profile[],
): Promise<Opened> {
  const opened: Array<{ table: Table; match: Match }> = [];
  const unmatched: Table[] = [];
  const faults: string[] = [];
  for (const profile of profiles) {
    let table: Table | undefined;
    try {
      table = await context.tables.open(path, hintsOf(profile, name));
      const match = matchProfile(profile, table);
      if (match) opened.push({ table, match });
      else unmatched.push(table);
    } catch (error) {
      await table?.close();
      if (!(error instanceof LkpError && error.code === 'request')) throw error;
      faults.push(error.message);
    }
  }
  opened.sort((a, b) => b.match.header.columns.size - a.match.header.columns.size);
  const [best, second] = opened;
  const tie = best && second?.match.header.columns.size === best.match.header.columns.size;
  const unused = [...unmatched, ...opened.slice(tie ? 0 : 1).map(({ table }) => table)];
  await Promise.all(unused.map((table) => table.close()));
  if (tie) {
    const names = `${best.match.profile.name} and ${second!.match.profile.name}`;
    return {
      refused: `The profiles ${names} fit equally well. Name one with --profile.`,
      format: best.table.format,
    };
  }
  if (best) return best;
  const [table] = unmatched;
  // Every profile hears the same of a file that is no table at all.
  const refused = table && faults.length === 0 ? noMatch(profiles, table) : [...new Set(faults)].join(' ');
  return { refused, format: table?.format ?? 'unknown' };
}

/** What a profile says of the form of its files. */
export function hintsOf(
  profile: Profile,
  name: string,
): NonNullable<Parameters<Context['tables']['open']>[1]> {
  const { delimiter, encoding, sheet } = profile;
  const notation = notationOf(profile);
  return {
    name,
    fits: (head) => findHeader(head, fieldsOf(profile)) !== undefined,
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(sheet === undefined ? {} : { sheet }),
    ...(notation === undefined ? {} : { notation }),
  };
}

async function takeRows(
  tx: Sql,
  context: Context,
  stored: Stored,
  name: string,
  table: Table,
  { profile, header }: Match,
): Promise<FileResult> {
  await tx.file('staging/document_gate', { type_map: JSON.stringify(profile.document_type.map) });
  await refuseUnknownCodes(tx, profile);
  const credits = await tx.rows<{ value: string }>('select value from document_gate where amount_sign = -1');
  const amounts = new AmountsIn(
    profile,
    new Set(credits.map(({ value }) => value)),
    !header.columns.has('currency'),
  );
  context.progress(`${name}: reading`);
  await loadRows(tx, table, header, [...FIELD_NAMES, ...CORRECTS], fieldExpression(profile, header), {
    fields: WATCHED,
    row: (cells) => {
      amounts.row(cells);
      crash('ingest-mid-copy');
    },
  });
  const { counts } = table;
  if (counts.lines === 0) {
    throw new LkpError(
      'request',
      `${name} has a header (row ${header.row}) and no rows below it. Get the file with its rows.`,
    );
  }
  context.progress(`${name}: checking ${counts.lines} rows`);
  const numbered = header.columns.has('line_number');
  await tx.file('staging/lines', {
    source: profile.source,
    seller: profile.seller.trim().toUpperCase(),
    credits_negative: String(profile.credit_quantities === 'negative'),
    numbered: String(numbered),
  });
  const sameNumber = await tx.file<{ number: string; issue_date: string; other_date: string }>(
    'staging/documents',
  );

  context.progress(`${name}: storing`);
  const change = await nextChange(tx, context, { kind: 'ingest', sha256: stored.sha256 });
  const { id } = await tx.one<{ id: number }>(
    `insert into file (sha256, kind, name, bytes, format, profile, profile_hash, source,
                       physical_rows, blank_rows, preamble_rows, lines_in, change_no, numbered, header)
     values ($1, 'invoices', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`,
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
      counts.lines,
      change,
      numbered,
      header.cells,
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
  await tx.file('staging/store');
  await dropLoad(tx);
  await proveConservation(tx, id, name, counts);
  return {
    ...(await fileResult(tx, context, id, name, stored.sha256)),
    warnings: [
      ...sameNumber.map(
        ({ number, issue_date, other_date }) =>
          `Invoice ${number} of ${issue_date} has the same number as one of ${other_date}; both are kept as two documents.`,
      ),
      ...(strays.length > 0
        ? [
            `${strays.length} rows (the first is row ${strays[0]}) say which row they correct, but that row waits for nothing; they were taken as new rows.`,
          ]
        : []),
    ],
  };
}

/** A profile that maps a value to no code of UNTDID 1001 would let its documents wait for ever. */
async function refuseUnknownCodes(tx: Sql, { name, document_type }: Profile): Promise<void> {
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
async function storedPlainly(tx: Sql): Promise<boolean> {
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
  const broken = await tx.file('checks/file_conservation', { file_id: fileId });
  if (broken.length > 0)
    throw new Error(`${name} does not balance, nothing was stored: ${JSON.stringify(broken)}`);
}
