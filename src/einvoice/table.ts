import type { RowCounts, Table } from '../ports.ts';
import { checkHead, OtherRoot, readHead, readLines, syntaxIn } from './document.ts';
import { openEncoded } from './encoding.ts';
import { CELLS, TOTALS_DIFFER } from './syntax.ts';

const FLUSH_CHARACTERS = 1 << 18;

/** What an XML document says it is, for a person who asks what became of it. */
export interface Identity {
  /** Local name of the root element. */
  readonly root: string;
  /** BT-3 as stated. */
  readonly type_code: string | null;
  /** BT-1. */
  readonly number: string | null;
  /** BT-5. */
  readonly currency: string | null;
  /** Document lines, sub-lines not counted. */
  readonly lines: number;
}

/**
 * Opens an e-invoice (UBL 2 Invoice or CreditNote, UN/CEFACT CII) as a table: its header names the canonical fields, and
 * row N is the document's line N, with the cells of the document's head in each. CII has its head behind the lines, so
 * `body` reads the document twice: for the head and the sums, and for the rows. Nothing of the lines is held.
 * Throws LkpError('request') for everything else, by what it is: here by its root element, in `body` for the rest.
 */
export async function openInvoice(path: string, name: string): Promise<Table> {
  const { format } = await syntaxIn(path, name);
  const { encoding } = await openEncoded(path, name);
  const counts: RowCounts = { physical: 0, preamble: 0, header: 0, blank: 0, lines: 0 };
  return {
    format,
    encoding,
    delimiter: ',',
    head: [{ row: 0, cells: [...CELLS, TOTALS_DIFFER] }],
    counts,
    body: (options) => body(path, name, counts, options),
    close: async () => undefined,
  };
}

/** What the document at `path` is; for one that is no invoice, its root alone. */
export async function identify(path: string, name: string): Promise<Identity> {
  const found = await readHead(path, name).catch((error: unknown) => {
    if (error instanceof OtherRoot) return error.root;
    throw error;
  });
  if (typeof found === 'string')
    return { root: found, type_code: null, number: null, currency: null, lines: 0 };
  const { syntax, cells, typeCode, lines } = found;
  return {
    root: syntax.root,
    type_code: typeCode || null,
    number: cells.invoice_number || null,
    currency: cells.currency || null,
    lines,
  };
}

async function* body(
  path: string,
  name: string,
  counts: RowCounts,
  { columns = [], watch, after = 0 }: Parameters<Table['body']>[0],
): AsyncGenerator<Uint8Array> {
  const head = await readHead(path, name);
  checkHead(head, name);
  // The document's head is what a header row is elsewhere.
  counts.header = 1;
  counts.physical = 1;
  let out = '';
  const reading = readLines(path, name, head, (line) => {
    counts.lines += 1;
    counts.physical += 1;
    const cells = [...CELLS.map((cell) => line[cell]), head.totalsDiffer];
    out += `${after + counts.lines},,${cells.map(quoted).join(',')}\n`;
    watch?.(
      columns.map((column) => cells[column] ?? ''),
      after + counts.lines,
    );
  });
  for await (const _ of reading) {
    if (out.length < FLUSH_CHARACTERS) continue;
    yield Buffer.from(out);
    out = '';
  }
  if (out !== '') yield Buffer.from(out);
}

const quoted = (cell: string): string => (cell === '' ? '' : `"${cell.replaceAll('"', '""')}"`);
