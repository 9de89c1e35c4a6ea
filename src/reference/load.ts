import { basename } from 'node:path';
import { crash } from '../crash.ts';
import { type Stored, storeBytes } from '../files.ts';
import { type Context, LkpError, nextChange } from '../job.ts';
import type { Sql, Table } from '../ports.ts';
import { dropLoad, findHeader, type Header, loadRows, missingFields, oneAtATime } from '../staging.ts';
import { KINDS, type Kind, type KindName, type Layout } from './kinds.ts';
import { explainReferenceRule } from './rejections.ts';
import { countEnding, markKnown, replaceKeys } from './replace.ts';
import { unzipOneCsv } from './unzip.ts';
import { restates, strangers } from './warnings.ts';

export interface LoadRejection {
  /** Physical row of the file, from 1. */
  readonly row: number;
  readonly rule: string;
  readonly reason: string;
  readonly hint: string;
  readonly seen: string | null;
}

/** What became of one reference file. lines_in = loaded + unchanged + rejected, in rows of the file. */
export interface LoadResult {
  readonly name: string;
  readonly sha256: string;
  readonly kind: KindName;
  /** `csv`, `xlsx`, `zip`, or `unknown` when the file could not be opened. */
  readonly format: string;
  readonly status: 'loaded' | 'duplicate' | 'refused';
  /** Why a file was refused, or which file a duplicate repeats. */
  readonly reason?: string;
  readonly lines_in: number;
  /** Rows that say something new. */
  readonly loaded: number;
  /** Rows that say nothing new. */
  readonly unchanged: number;
  readonly rejected: number;
  /** The first 20 rejected rows. */
  readonly rejections: LoadRejection[];
  /** Facts begun and ended; a row of ECB rates holds many. */
  readonly added: number;
  readonly ended: number;
  /** Rows whose partner is itself a location of a partner: loaded, and work for a person. */
  readonly below_locations: number;
  readonly warnings: string[];
}

/** Raised to leave a transaction whose work is not to be kept; carries what the work found. */
class Unkept extends Error {
  readonly result: LoadResult;
  constructor(result: LoadResult) {
    super('not kept');
    this.result = result;
  }
}

interface Received {
  readonly kind: KindName;
  readonly name: string;
  readonly stored: Stored;
  readonly dryRun: boolean;
}

/**
 * Loads one file of reference data (CSV, XLSX; for rates also the ECB's zip), wholly or not at all, in one
 * transaction: adds and replaces the keys that it names. Bad rows are rejected one by one. The same bytes once more,
 * when they have nothing to teach, are a no-op (`duplicate`); after a later file changed what they say, they
 * are loaded again. A file that cannot be read is a value (`refused`); LkpError means that nothing could be tried.
 * `dryRun` finds out the same and stores nothing.
 */
export async function loadReference(
  context: Context,
  kind: KindName,
  path: string,
  options: { readonly dryRun?: boolean } = {},
): Promise<LoadResult> {
  const stored = await storeBytes(context.settings.home, path);
  const received: Received = { kind, name: basename(path), stored, dryRun: options.dryRun === true };
  let keep = false;
  try {
    return await context.db.transaction(`load ${kind}`, async (tx) => {
      const result = await takeIn(tx, context, received);
      if (options.dryRun || result.status !== 'loaded') throw new Unkept(result);
      await stored.commit();
      crash('load-before-commit');
      keep = true;
      return result;
    });
  } catch (error) {
    if (error instanceof Unkept) return error.result;
    throw error;
  } finally {
    if (!keep) await stored.discard();
  }
}

async function takeIn(tx: Sql, context: Context, received: Received): Promise<LoadResult> {
  const { kind, name, stored } = received;
  await oneAtATime(tx);
  let format = 'unknown';
  try {
    const unzipped = kind === 'rates' ? await unzipOneCsv(stored.path, name) : undefined;
    try {
      const table = await context.tables.open(unzipped?.path ?? stored.path, { name });
      try {
        format = unzipped ? 'zip' : table.format;
        return await takeRows(tx, context, received, table, format);
      } finally {
        await table.close();
      }
    } finally {
      await unzipped?.remove();
    }
  } catch (error) {
    // What is wrong with the file itself may show only while it streams in; the transaction takes everything back.
    if (error instanceof LkpError && error.code === 'request')
      throw new Unkept(refused(received, format, error.message));
    throw error;
  }
}

async function takeRows(
  tx: Sql,
  context: Context,
  received: Received,
  table: Table,
  format: string,
): Promise<LoadResult> {
  const { name, stored, dryRun } = received;
  const kind: Kind = KINDS[received.kind];
  const { layout, header } = findLayout(kind, table, name);
  await loadRows(
    tx,
    table,
    header,
    layout.fields.map((field) => field.name),
  );
  const { counts } = table;
  if (counts.lines === 0) {
    throw new LkpError(
      'request',
      `${name} has a header (row ${header.row}) and no rows below it. Get the file with its rows.`,
    );
  }
  const warnings = await stage(tx, kind, layout, header);
  await markKnown(tx, kind);
  const [found] = await tx.file<{ rejected: number; unchanged: number; loaded: number; added: number }>(
    'staging/reference_counts',
  );
  const { rejected, unchanged, loaded, added } = found!;
  if (rejected + unchanged + loaded !== counts.lines) {
    throw new Error(
      `${name}: ${counts.lines} rows in, but ${loaded} loaded, ${unchanged} unchanged and ${rejected} rejected`,
    );
  }
  const ended = await countEnding(tx, kind);
  const strange = await strangers(tx, kind);
  warnings.push(...strange.warnings);
  if (kind.hierarchy) warnings.push(...(await restates(tx, dryRun)));
  const result: LoadResult = {
    name,
    sha256: stored.sha256,
    kind: received.kind,
    format,
    status: 'loaded',
    lines_in: counts.lines,
    loaded,
    unchanged,
    rejected,
    added,
    ended,
    below_locations: strange.belowLocations,
    rejections: await firstRejections(tx),
    warnings,
  };
  const before = await tx.maybe<{ id: number; name: string }>(
    'select id, name from file where sha256 = $1 and kind = $2 and ended_no is null',
    [stored.sha256, received.kind],
  );
  if (before && added === 0 && ended === 0) {
    return {
      ...result,
      status: 'duplicate',
      reason: `The same bytes were loaded before as ${before.name}, and what they say still holds; nothing was changed.`,
    };
  }
  await store(tx, context, received, kind, layout, format, counts, before?.id);
  await dropLoad(tx);
  return result;
}

/** A file of another kind may have every column that is asked for; loaded, it would replace what it does not mean. */
function refuseOtherKind(kind: Kind, table: Table, header: Header, name: string): void {
  for (const [other, { layouts }] of Object.entries<Kind>(KINDS)) {
    if (KINDS[other as KindName] === kind) continue;
    const better = layouts.some(({ fields }) => {
      const found = findHeaderQuietly(table, fields);
      return found !== undefined && found.row === header.row && found.columns.size > header.columns.size;
    });
    if (better) {
      throw new LkpError(
        'request',
        `${name} looks like ${other}: its header (row ${header.row}) has more of their columns. Load it with lkp load ${other}, or leave out the columns that are not meant.`,
      );
    }
  }
}

/** A header in which two columns answer to one field of another kind is no header of that kind. */
function findHeaderQuietly(table: Table, fields: Layout['fields']): Header | undefined {
  try {
    return findHeader(table.head, fields);
  } catch (error) {
    if (error instanceof LkpError) return undefined;
    throw error;
  }
}

/** The first layout of the kind whose header is in the file. Throws LkpError('request') that names what is missing. */
function findLayout(kind: Kind, table: Table, name: string): { layout: Layout; header: Header } {
  for (const layout of kind.layouts) {
    const header = findHeader(table.head, layout.fields);
    if (header && (layout.columns === undefined || layout.columns(header))) {
      refuseOtherKind(kind, table, header, name);
      return { layout, header };
    }
  }
  if (table.head.every(({ cells }) => cells.every((cell) => cell.trim() === ''))) {
    throw new LkpError('request', `${name} has no rows: it is empty or blank. Get the file with its rows.`);
  }
  const [layout] = kind.layouts;
  const near = missingFields(table.head, layout!.fields);
  const wanted = layout!.fields.map((field) => (field.required ? field.name : `[${field.name}]`)).join(', ');
  throw new LkpError(
    'request',
    `${name} has no header of ${kind.title} in its first ${table.head.length} rows. The nearest is row ${near.row}, which lacks ${near.missing.join(', ') || 'columns headed by currency codes'}. Wanted: ${wanted} (those in brackets may be left out).`,
  );
}

/** Types and checks the rows into `staged_reference`; returns warnings about columns that were left out. */
async function stage(tx: Sql, kind: Kind, layout: Layout, header: Header): Promise<string[]> {
  const warnings: string[] = [];
  if (layout.dated) await tx.file('staging/reference_rows');
  if (layout.columns) {
    const known = await tx.rows<{ code: string }>("select code from currency where code <> 'EUR'");
    const codes = new Set(known.map(({ code }) => code));
    const found = [...layout.columns(header)!];
    const twice = found.find(([, code], index) => found.findIndex(([, other]) => other === code) < index);
    if (twice) {
      throw new LkpError(
        'request',
        `In the header (row ${header.row}) two columns are headed ${twice[1]}. One column for each currency is wanted: rename or remove one.`,
      );
    }
    const strange = found.filter(([, code]) => !codes.has(code)).map(([, code]) => code);
    if (strange.length === found.length) {
      throw new LkpError(
        'request',
        `The header (row ${header.row}) names no currency that we know (${strange.join(', ')}). Give each column its ISO 4217 code.`,
      );
    }
    if (strange.length > 0)
      warnings.push(`Left out: ${strange.join(', ')}. No such currency in ISO 4217, or the euro itself.`);
    await tx.set({
      columns: JSON.stringify(Object.fromEntries(found.filter(([, code]) => codes.has(code)))),
    });
  }
  await tx.file(`staging/${layout.script}`);
  if (kind.hierarchy) await tx.file('staging/reference_loops');
  await tx.file('staging/reference_conflicts');
  return warnings;
}

async function firstRejections(tx: Sql): Promise<LoadRejection[]> {
  const rows = await tx.rows<{ row_no: number; rule: string; seen: string | null }>(
    `select distinct on (row_no) row_no, rule, seen from staged_reference where rule is not null
     order by row_no, seen collate "C" limit 20`,
  );
  return rows.map(({ row_no, rule, seen }) => ({
    row: row_no,
    rule,
    ...explainReferenceRule(rule, seen),
    seen,
  }));
}

/** Writes everything down under one change, taken as late as possible. */
async function store(
  tx: Sql,
  context: Context,
  { kind: kindName, name, stored }: Received,
  kind: Kind,
  layout: Layout,
  format: string,
  counts: Table['counts'],
  earlier: number | undefined,
): Promise<void> {
  const change = await nextChange(tx, context, {
    kind: `load ${kindName}`,
    sha256: stored.sha256,
    asked: { files: [{ name, sha256: stored.sha256 }] },
  });
  if (earlier !== undefined) {
    // The same bytes are current once; their rejected rows are listed once, too.
    await tx.rows('update file set ended_no = $1 where id = $2', [change, earlier]);
    await tx.rows('update rejection set ended_no = $1 where file_id = $2 and ended_no is null', [
      change,
      earlier,
    ]);
  }
  const { id } = await tx.one<{ id: number }>(
    `insert into file (sha256, kind, name, bytes, format, profile, profile_hash, physical_rows, blank_rows, preamble_rows,
                       lines_in, change_no)
     values ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11) returning id`,
    [
      stored.sha256,
      kindName,
      name,
      stored.bytes,
      format,
      layout.name,
      counts.physical,
      counts.blank,
      counts.preamble,
      counts.lines,
      change,
    ],
  );
  await tx.file('staging/reference_rejections', { file_id: id, change_no: change });
  await replaceKeys(tx, kind, id, change);
  if (kind.touches)
    await tx.file(`staging/${kind.touches}`, { lookback: context.settings.LKP_RATE_LOOKBACK_DAYS });
}

const refused = ({ kind, name, stored }: Received, format: string, reason: string): LoadResult => ({
  name,
  sha256: stored.sha256,
  kind,
  format,
  status: 'refused',
  reason,
  lines_in: 0,
  loaded: 0,
  unchanged: 0,
  rejected: 0,
  added: 0,
  ended: 0,
  below_locations: 0,
  rejections: [],
  warnings: [],
});
