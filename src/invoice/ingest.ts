import { basename } from 'node:path';
import { crash } from '../crash.ts';
import { type Stored, storeBytes } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import { shortest, sum } from '../money.ts';
import type { Sql, Table } from '../ports.ts';
import { dropLoad, loadRows } from '../staging.ts';
import { AmountsIn, WATCHED } from './amounts.ts';
import {
  candidateProfiles,
  FIELD_NAMES,
  fieldExpression,
  type Match,
  matchProfile,
  noMatch,
  notationOf,
  type Profile,
} from './profile.ts';

/** The eight dispositions of a row, in the order in which the first that applies wins. */
export const DISPOSITIONS = [
  'superseded',
  'rejected',
  'duplicate',
  'quarantined',
  'unmapped',
  'no-kpi-value',
  'reversal',
  'counted',
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** Decimal strings by ISO 4217 code. */
export type Amounts = Record<string, string>;

/** What became of one file. Amounts are signed effects of all rows whose amount can be read. */
export interface FileResult {
  readonly name: string;
  readonly sha256: string;
  readonly format: string;
  readonly profile: string | null;
  readonly status: 'ingested' | 'duplicate' | 'refused';
  /** Why a file was refused, or which file a duplicate repeats. */
  readonly reason?: string;
  readonly documents: number;
  readonly lines_in: number;
  readonly dispositions: Record<Disposition, number>;
  readonly amount_in: Amounts;
  readonly amounts: Partial<Record<Disposition, Amounts>>;
  /** Rows whose amount or currency cannot be read; they are in no amount. */
  readonly amounts_unreadable: number;
  readonly physical_rows: {
    readonly preamble: number;
    readonly header: number;
    readonly blank: number;
    readonly lines: number;
  };
  readonly warnings: string[];
}

export interface IngestTotals {
  readonly lines_in: number;
  readonly dispositions: Record<Disposition, number>;
  readonly amount_in: Amounts;
  readonly amounts: Partial<Record<Disposition, Amounts>>;
}

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

function hintsOf(profile: Profile, name: string): NonNullable<Parameters<Context['tables']['open']>[1]> {
  const { delimiter, encoding, sheet } = profile;
  const notation = notationOf(profile);
  return {
    name,
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
  await loadRows(tx, table, header, FIELD_NAMES, fieldExpression(profile, header), {
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
                       physical_rows, blank_rows, preamble_rows, lines_in, change_no)
     values ($1, 'invoices', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id`,
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
  await storeLines(tx, id, change);
  await tx.file('staging/store');
  await dropLoad(tx);
  await proveConservation(tx, id, name, counts);
  return {
    ...(await fileResult(tx, context, id, name, stored.sha256)),
    warnings: sameNumber.map(
      ({ number, issue_date, other_date }) =>
        `Invoice ${number} of ${issue_date} has the same number as one of ${other_date}; both are kept as two documents.`,
    ),
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
 * Stores the documents and lines of a file. What touches no known document is tried as it stands; when a key is twice
 * in the file after all, or a known document is touched, its rows are first held against what is known.
 */
async function storeLines(tx: Sql, fileId: number, change: string): Promise<void> {
  await tx.file('staging/store_documents', { file_id: fileId, change_no: change });
  const [collisions] = await tx.file<{ collides: boolean }>('staging/collisions');
  if (!collisions!.collides && (await storedPlainly(tx))) return;
  await tx.file('staging/classify');
  await tx.file('staging/store_classified');
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

/** A result of an earlier moment, with what its file's rows are now. */
export async function asItStands(context: Context, result: FileResult): Promise<FileResult> {
  if (result.status === 'refused') return result;
  return context.db.transaction('ingest', async (tx) => {
    const { id } = await tx.one<{ id: number }>(
      `select id from file where sha256 = $1 and kind = 'invoices' and ended_no is null`,
      [result.sha256],
    );
    const { status, warnings } = result;
    const now = await fileResult(tx, context, id, result.name, result.sha256);
    return { ...now, status, warnings, ...(result.reason === undefined ? {} : { reason: result.reason }) };
  });
}

/** What became of a stored file's rows, as of now. */
async function fileResult(
  tx: Sql,
  context: Context,
  id: number,
  name: string,
  sha256: string,
): Promise<FileResult> {
  const file = await tx.one<{
    format: string;
    profile: string;
    lines_in: number;
    physical_rows: number;
    blank_rows: number;
    preamble_rows: number;
    documents: string;
  }>(
    `select format, profile, lines_in, physical_rows, blank_rows, preamble_rows,
            (select count(*) from document where document.file_id = file.id) as documents
     from file where id = $1`,
    [id],
  );
  const amountsIn = await tx.rows<{ currency: string | null; rows: number; amount: string | null }>(
    'select currency, rows, amount from file_amount_in where file_id = $1 order by currency collate "C"',
    [id],
  );
  const rows = await tx.file<{
    disposition: Disposition;
    currency: string | null;
    rows: string;
    amount: string | null;
  }>('staging/file_dispositions', {
    file_id: id,
    lookback: context.settings.LKP_RATE_LOOKBACK_DAYS,
    reporting_currency: context.settings.LKP_REPORTING_CURRENCY,
  });
  return {
    name,
    sha256,
    format: file.format,
    profile: file.profile,
    status: 'ingested',
    documents: Number(file.documents),
    lines_in: file.lines_in,
    ...gather(rows),
    amount_in: Object.fromEntries(
      amountsIn.flatMap(({ currency, amount }) => (currency === null ? [] : [[currency, shortest(amount!)]])),
    ),
    amounts_unreadable: amountsIn.find(({ currency }) => currency === null)?.rows ?? 0,
    physical_rows: {
      preamble: file.preamble_rows,
      header: 1,
      blank: file.blank_rows,
      lines: file.lines_in,
    },
    warnings: [],
  };
}

function gather(
  rows: ReadonlyArray<{
    disposition: Disposition;
    currency: string | null;
    rows: string;
    amount: string | null;
  }>,
) {
  const dispositions = none();
  const amounts: Partial<Record<Disposition, Amounts>> = {};
  for (const { disposition, currency, rows: count, amount } of rows) {
    dispositions[disposition] += Number(count);
    if (currency === null) continue;
    amounts[disposition] ??= {};
    amounts[disposition][currency] = shortest(amount!);
  }
  return { dispositions, amounts };
}

const none = (): Record<Disposition, number> =>
  Object.fromEntries(DISPOSITIONS.map((disposition) => [disposition, 0])) as Record<Disposition, number>;

function refused(name: string, sha256: string, format: string, reason: string): FileResult {
  return {
    name,
    sha256,
    format,
    profile: null,
    status: 'refused',
    reason,
    documents: 0,
    lines_in: 0,
    dispositions: none(),
    amount_in: {},
    amounts: {},
    amounts_unreadable: 0,
    physical_rows: { preamble: 0, header: 0, blank: 0, lines: 0 },
    warnings: [],
  };
}

/** The totals over files, the same bytes counted once; amounts by currency are exact sums. */
export function totalsOf(results: readonly FileResult[]): IngestTotals {
  const files = [...new Map(results.map((result) => [result.sha256, result])).values()];
  const dispositions = none();
  for (const file of files) for (const word of DISPOSITIONS) dispositions[word] += file.dispositions[word];
  const amounts: Partial<Record<Disposition, Amounts>> = {};
  for (const word of DISPOSITIONS) {
    const total = addUp(files.map((file) => file.amounts[word] ?? {}));
    if (Object.keys(total).length > 0) amounts[word] = total;
  }
  return {
    lines_in: files.reduce((lines, file) => lines + file.lines_in, 0),
    dispositions,
    amount_in: addUp(files.map((file) => file.amount_in)),
    amounts,
  };
}

function addUp(parts: readonly Amounts[]): Amounts {
  const currencies = [...new Set(parts.flatMap((part) => Object.keys(part)))].sort();
  return Object.fromEntries(
    currencies.map((currency) => [
      currency,
      sum(parts.flatMap((part) => (part[currency] === undefined ? [] : [part[currency]]))),
    ]),
  );
}
