import { basename } from 'node:path';
import { type Stored, sha256Of, storeBytes } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { RowCounts, Sql, Table } from '../ports.ts';
import { copyRows, dropLoad, type Header, nameFields, oneAtATime, plain } from '../staging.ts';
import { type AmountIn, AmountsIn, WATCHED } from './amounts.ts';
import {
  duplicateOf,
  type IngestOptions,
  refuseUnknownCodes,
  type SameNumber,
  storedPlainly,
  storing,
  twoDays,
} from './ingest.ts';
import { fieldExpression, statedReading } from './notation.ts';
import { openMatching } from './open.ts';
import { candidateProfiles, keepProfile, type Profile, ROW_FIELDS } from './profile.ts';
import { type FileResult, fileResults } from './result.ts';

/** Bytes of rows that are held of one file, and of all together: each row repeats the head of its document. */
const MOST_OF_ONE = 2 << 20;
const MOST_OF_ALL = 64 << 20;

/** An e-invoice that was read: its rows, numbered on from those of the files before it. */
interface Read {
  readonly path: string;
  readonly name: string;
  readonly stored: Stored;
  readonly format: Table['format'];
  readonly profile: Profile;
  readonly header: Header;
  readonly counts: RowCounts;
  readonly amounts: readonly AmountIn[];
  readonly first: number;
  readonly last: number;
  readonly rows: readonly Uint8Array[];
}

/** These files are to be taken in alone. */
class Alone extends Error {
  readonly reads: readonly Read[];
  constructor(reads: readonly Read[]) {
    super('not together');
    this.reads = reads;
  }
}

type Results = Map<string, FileResult>;

/**
 * Takes in several small e-invoices in one transaction, as if they were one file that is then split: tables, plans and commit are
 * paid once, not for each (60 ms). Only what is plain goes together, and known bytes are told so. Whatever has anything to it is
 * left for `ingestFile`: another format, a refusal, a document that something else is said of. Returns path -> result of
 * the others.
 */
export async function ingestTogether(
  context: Context,
  paths: readonly string[],
  options: IngestOptions,
): Promise<Results> {
  const profiles = await candidateProfiles(context.settings.profiles, options.profile);
  const { known, unknown } = await knownOf(context, paths);
  let left = unknown;
  while (left.length > 1) {
    const stored = await storedOf(context, left);
    try {
      const taken = await storing(context, [...stored.values()], async (tx) => {
        const reads = await plainOnes(tx, context, stored, profiles);
        if (reads.length < 2) {
          await tx.rows('drop table if exists document_gate');
          return { result: [], kept: [] };
        }
        const results = await takeIn(tx, context, reads);
        return {
          result: reads.map(({ path }, index) => [path, results[index]!] as const),
          kept: reads.map((read) => read.stored),
        };
      });
      return new Map([...known, ...taken]);
    } catch (error) {
      if (error instanceof Alone) {
        const alone = new Set(error.reads.map(({ path }) => path));
        left = left.filter((path) => !alone.has(path));
      } else {
        // What is wrong with one of them is said of it when it is taken in alone.
        unlessRefused(error);
        return known;
      }
    }
  }
  return known;
}

/** What is known of the bytes of files already, and the files whose bytes are not: of equal ones the first. */
async function knownOf(
  context: Context,
  paths: readonly string[],
): Promise<{ known: Results; unknown: string[] }> {
  const hashes = new Map<string, string>();
  for (const path of paths) {
    const sha256 = await sha256Of(path).catch(unlessRefused);
    if (sha256) hashes.set(path, sha256);
  }
  const stored = await context.db.transaction('ingest', async (tx) => {
    const files = await tx.rows<{ id: number }>(
      `select id from file where sha256 = any($1) and kind = 'invoices' and ended_no is null order by id`,
      [[...new Set(hashes.values())]],
    );
    const ids = files.map(({ id }) => id);
    return ids.length === 0 ? [] : fileResults(tx, context, ids);
  });
  const results = new Map(stored.map((result) => [result.sha256, result]));
  const known: Results = new Map();
  const unknown = new Map<string, string>();
  for (const [path, sha256] of hashes) {
    const result = results.get(sha256);
    if (result) known.set(path, duplicateOf(result, basename(path)));
    else if (!unknown.has(sha256)) unknown.set(sha256, path);
  }
  return { known, unknown: [...unknown.values()] };
}

/** Path -> copy in the store's own folder. What cannot be copied is heard of again from `ingestFile`. */
async function storedOf(context: Context, paths: readonly string[]): Promise<Map<string, Stored>> {
  const stored = new Map<string, Stored>();
  try {
    for (const path of paths) {
      const copy = await storeBytes(context.settings.home, path).catch(unlessRefused);
      if (copy) stored.set(path, copy);
    }
    return stored;
  } catch (error) {
    for (const copy of stored.values()) await copy.discard();
    throw error;
  }
}

function unlessRefused(error: unknown): undefined {
  if (error instanceof LkpError && error.code === 'request') return undefined;
  throw error;
}

/** Reads those that are e-invoices of one profile, and that name no invoice of one before. */
async function plainOnes(
  tx: Sql,
  context: Context,
  stored: ReadonlyMap<string, Stored>,
  profiles: Profile[],
): Promise<Read[]> {
  await oneAtATime(tx);
  const numbers = new Set<string>();
  const reads: Read[] = [];
  let gate: { readonly profile: Profile; readonly credits: ReadonlySet<string> } | undefined;
  let held = 0;
  for (const [path, copy] of stored) {
    if (held > MOST_OF_ALL) break;
    const name = basename(path);
    context.progress(`${name}: reading`);
    const opened = await openMatching(context, copy.path, name, profiles);
    if ('refused' in opened) continue;
    const { table, match } = opened;
    try {
      if (table.format !== 'ubl' && table.format !== 'cii') continue;
      const { profile, header } = match;
      gate ??= { profile, credits: await gateOf(tx, profile) };
      if (gate.profile !== profile) continue;
      const lacksCurrency = !header.columns.has('currency');
      const amounts = new AmountsIn(profile, statedReading(profile), gate.credits, lacksCurrency);
      const last = reads.at(-1)?.last ?? 0;
      const own = new Set<string>();
      const rows = await rowsOf(table, header, last, (cells) => {
        amounts.row(cells);
        own.add(plain(cells?.[0] ?? ''));
      }).catch(unlessRefused);
      const { counts, format } = table;
      if (!rows || counts.lines === 0 || [...own].some((number) => numbers.has(number))) continue;
      for (const number of own) numbers.add(number);
      for (const piece of rows) held += piece.length;
      reads.push({
        ...{ path, name, stored: copy, format, profile, header, counts, rows },
        ...{ amounts: amounts.totals(), first: last + 1, last: last + counts.lines },
      });
    } finally {
      await table.close();
    }
  }
  return reads;
}

/** Makes the document gate of the profile; returns the values whose amounts count negative. */
async function gateOf(tx: Sql, profile: Profile): Promise<ReadonlySet<string>> {
  await tx.file('staging/document_gate', { type_map: JSON.stringify(profile.document_type.map) });
  await refuseUnknownCodes(tx, profile);
  const credits = await tx.rows<{ value: string }>('select value from document_gate where amount_sign = -1');
  return new Set(credits.map(({ value }) => value));
}

/** The rows of a table; undefined when they are too many to hold. */
async function rowsOf(
  table: Table,
  { row, cells, columns }: Header,
  after: number,
  watch: (cells: readonly string[] | null) => void,
): Promise<Uint8Array[] | undefined> {
  const rows: Uint8Array[] = [];
  const watched = WATCHED.map((field) => columns.get(field) ?? -1);
  let held = 0;
  for await (const bytes of table.body({
    ...{ headerRow: row, width: cells.length, columns: watched, watch, after },
  })) {
    held += bytes.length;
    if (held > MOST_OF_ONE) return undefined;
    rows.push(bytes);
  }
  return rows;
}

async function takeIn(tx: Sql, context: Context, reads: readonly Read[]): Promise<FileResult[]> {
  const { profile, header, format } = reads[0]!;
  const numbered = header.columns.has('line_number');
  await copyRows(tx, asOneTable(reads, format), header);
  const reading = statedReading(profile);
  await nameFields(tx, header, ROW_FIELDS, fieldExpression(profile, header, reading));
  await tx.file('staging/lines', {
    source: profile.source,
    seller: profile.seller.trim().toUpperCase(),
    credits_negative: String(profile.credit_quantities === 'negative'),
    numbered: String(numbered),
  });
  const sameNumber = await tx.file<SameNumber>('staging/documents');
  await onlyPlain(tx, reads);

  context.progress(`${reads.length} files: storing`);
  const reason = `${reads.length} files together`;
  await keepProfile(tx, profile);
  const change = await nextChange(tx, context, {
    kind: 'ingest',
    reason,
    asked: {
      files: reads.map(({ name, stored }) => ({ name, sha256: stored.sha256 })),
      profile: profile.hash,
    },
  });
  const files = await filesOf(tx, reads, change, numbered);
  const first = files[0]!;
  await tx.file('staging/store_documents', { file_id: first, change_no: change });
  if (!(await storedPlainly(tx))) {
    await tx.file('staging/twice');
    await onlyPlain(tx, reads);
  }
  await tx.file('staging/store');
  await dropLoad(tx);
  await tx.rows(
    `create temporary table part on commit drop as
     select * from unnest($1::int[], $2::int[], $3::int[]) as part (file_id, first_no, last_no)`,
    [files, reads.map((read) => read.first), reads.map(({ last }) => last)],
  );
  await tx.file('staging/split');
  const broken = await tx.file('checks/file_conservation', { file_ids: files.join(',') });
  if (broken.length > 0)
    throw new Error(`Files do not balance, nothing was stored: ${JSON.stringify(broken.slice(0, 3))}`);
  const results = await fileResults(tx, context, files);
  return results.map((result, index) => {
    const { first: from, last: to } = reads[index]!;
    return {
      ...result,
      warnings: twoDays(sameNumber.filter(({ first_row: row }) => row >= from && row <= to)),
    };
  });
}

const asOneTable = (reads: readonly Read[], format: Table['format']): Table => ({
  format,
  encoding: '',
  delimiter: ',',
  head: [],
  counts: { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 },
  async *body() {
    for (const { rows } of reads) yield* rows;
  },
  close: async () => undefined,
});

/** A file with a document of which something else is said, by another of these files too, is settled with that, alone. */
async function onlyPlain(tx: Sql, reads: readonly Read[]): Promise<void> {
  const documents = await tx.rows<{ first_row: number; last_row: number; settles: boolean }>(
    `select staged_document.first_row, max(staged.row_no) as last_row, staged_document.settles
     from staged_document
     join staged using (number, issue_date, class, seller)
     where staged.rule is null
     group by staged_document.first_row, staged_document.settles`,
  );
  const alone = reads.filter(({ first, last }) => {
    const holds = (row: number): boolean => row >= first && row <= last;
    return documents.some(
      ({ first_row, last_row, settles }) =>
        (settles && holds(first_row)) || (!holds(first_row) && holds(last_row)),
    );
  });
  if (alone.length > 0) throw new Alone(alone);
}

/** Stores the files, and what their bytes say; returns their ids in order. */
async function filesOf(
  tx: Sql,
  reads: readonly Read[],
  change: string,
  numbered: boolean,
): Promise<number[]> {
  const { profile, header } = reads[0]!;
  const of = <T>(value: (read: Read) => T): T[] => reads.map(value);
  const stored = await tx.rows<{ id: number; sha256: string }>(
    `insert into file (sha256, kind, name, bytes, format, profile, profile_hash, source,
                       physical_rows, blank_rows, preamble_rows, lines_in, change_no, numbered, header)
     select given.sha256, 'invoices', given.name, given.bytes, given.format, $6, $7, $8,
            given.physical, given.blank, given.preamble, given.lines, $9, $10, $11
     from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $12::int[], $13::int[], $14::int[])
          with ordinality as given (sha256, name, bytes, format, physical, blank, preamble, lines, place)
     order by given.place
     returning id, sha256`,
    [
      of((read) => read.stored.sha256),
      of(({ name }) => name),
      of((read) => read.stored.bytes),
      of(({ format }) => format),
      of(({ counts }) => counts.physical),
      ...[profile.name, profile.hash, profile.source, change, numbered, header.cells],
      of(({ counts }) => counts.blank),
      of(({ counts }) => counts.preamble),
      of(({ counts }) => counts.lines),
    ],
  );
  const ids = new Map(stored.map(({ id, sha256 }) => [sha256, id]));
  const files = of((read) => ids.get(read.stored.sha256)!);
  const totals = reads.flatMap(({ amounts }, index) =>
    amounts.map((amount) => ({ file: files[index], ...amount })),
  );
  await tx.rows(
    `insert into file_amount_in (file_id, currency, rows, amount)
     select * from unnest($1::int[], $2::text[], $3::int[], $4::numeric[])`,
    [
      totals.map(({ file }) => file),
      totals.map(({ currency }) => currency),
      totals.map(({ rows }) => rows),
      totals.map(({ amount }) => amount),
    ],
  );
  return files;
}
