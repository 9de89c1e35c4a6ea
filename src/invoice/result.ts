import { DISPOSITIONS, type Disposition } from '../dispositions.ts';
import type { Context } from '../job.ts';
import { shortest, sum } from '../money.ts';
import type { Sql } from '../ports.ts';
import type { Proposal } from './propose.ts';
import type { Verdict } from './verdicts.ts';

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
    /** The publisher's own totals, below the lines. */
    readonly totals: number;
  };
  readonly warnings: string[];
  /** Of a dry run: what would become of each document, in the file's order. */
  readonly verdicts?: readonly Verdict[];
  /** A profile for a file that none reads. */
  readonly proposal?: Proposal;
  /** The workbook of the rows to correct, where there are any. */
  readonly rejects?: string;
}

export interface IngestTotals {
  readonly lines_in: number;
  readonly dispositions: Record<Disposition, number>;
  readonly amount_in: Amounts;
  readonly amounts: Partial<Record<Disposition, Amounts>>;
}

/** Files whose results are told by one query. */
const TOLD_TOGETHER = 500;

/** Results of an earlier moment, with what their files' rows are now. */
export async function asTheyStand(context: Context, results: readonly FileResult[]): Promise<FileResult[]> {
  const now = new Map<string, FileResult>();
  const hashes = [
    ...new Set(results.flatMap(({ status, sha256 }) => (status === 'refused' ? [] : [sha256]))),
  ];
  for (let first = 0; first < hashes.length; first += TOLD_TOGETHER) {
    const some = hashes.slice(first, first + TOLD_TOGETHER);
    await context.db.transaction('ingest', async (tx) => {
      const files = await tx.rows<{ id: number }>(
        `select id from file where sha256 = any($1) and kind = 'invoices' and ended_no is null`,
        [some],
      );
      if (files.length === 0) return;
      const found = await fileResults(
        tx,
        context,
        files.map(({ id }) => id),
      );
      for (const result of found) now.set(result.sha256, result);
    });
  }
  return results.map((result) => {
    const { name, status, warnings, reason } = result;
    const stands = now.get(result.sha256);
    return stands
      ? { ...stands, name, status, warnings, ...(reason === undefined ? {} : { reason }) }
      : result;
  });
}

interface Held {
  readonly disposition: Disposition;
  readonly currency: string | null;
  readonly rows: string;
  readonly amount: string | null;
}

/** What became of a stored file's rows, as of now; named as the file in hand is. */
export async function fileResult(tx: Sql, context: Context, id: number, name: string): Promise<FileResult> {
  const held = await tx.file<Held>('staging/file_dispositions', { file_id: id, ...rates(context) });
  const [result] = await told(tx, [id], () => held);
  return { ...result!, name };
}

/** What became of the rows of several small files, as of now, in the order of their ids. */
export async function fileResults(tx: Sql, context: Context, ids: readonly number[]): Promise<FileResult[]> {
  const rows = await tx.file<Held & { file_id: number }>('staging/files_dispositions', {
    file_ids: ids.join(','),
    first_file: Math.min(...ids),
    last_file: Math.max(...ids),
    ...rates(context),
  });
  const held = new Map<number, Held[]>(ids.map((id) => [id, []]));
  for (const row of rows) held.get(row.file_id)!.push(row);
  return told(tx, ids, (id) => held.get(id)!);
}

const rates = ({ settings }: Context) => ({
  lookback: settings.LKP_RATE_LOOKBACK_DAYS,
  reporting_currency: settings.LKP_REPORTING_CURRENCY,
});

async function told(
  tx: Sql,
  ids: readonly number[],
  held: (id: number) => readonly Held[],
): Promise<FileResult[]> {
  const files = await tx.rows<{
    id: number;
    name: string;
    sha256: string;
    format: string;
    profile: string;
    lines_in: number;
    physical_rows: number;
    blank_rows: number;
    preamble_rows: number;
    total_rows: number;
    documents: string;
    amounts_in: ReadonlyArray<{ currency: string | null; rows: number; amount: string | null }>;
  }>(
    `select file.id, file.name, file.sha256, file.format, file.profile, file.lines_in, file.physical_rows, file.blank_rows,
            file.preamble_rows, file.total_rows,
            (select count(*) from document where document.file_id = file.id) as documents,
            (select coalesce(json_agg(json_build_object('currency', currency, 'rows', rows, 'amount', amount::text)
                                      order by currency collate "C"), '[]')
             from file_amount_in where file_amount_in.file_id = file.id) as amounts_in
     from file where file.id = any($1) order by file.id`,
    [ids],
  );
  return files.map((file) => ({
    name: file.name,
    sha256: file.sha256,
    format: file.format,
    profile: file.profile,
    status: 'ingested',
    documents: Number(file.documents),
    lines_in: file.lines_in,
    ...gather(held(file.id)),
    amount_in: Object.fromEntries(
      file.amounts_in.flatMap(({ currency, amount }) =>
        currency === null ? [] : [[currency, shortest(amount!)]],
      ),
    ),
    amounts_unreadable: file.amounts_in.find(({ currency }) => currency === null)?.rows ?? 0,
    physical_rows: {
      preamble: file.preamble_rows,
      header: 1,
      blank: file.blank_rows,
      lines: file.lines_in,
      totals: file.total_rows,
    },
    warnings: [],
  }));
}

function gather(rows: readonly Held[]) {
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

/** A file that stored nothing, and why. */
export function refused(name: string, sha256: string, format: string, reason: string): FileResult {
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
    physical_rows: { preamble: 0, header: 0, blank: 0, lines: 0, totals: 0 },
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
