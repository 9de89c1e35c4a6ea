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
export async function fileResult(
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
    total_rows: number;
    documents: string;
  }>(
    `select format, profile, lines_in, physical_rows, blank_rows, preamble_rows, total_rows,
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
      totals: file.total_rows,
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
