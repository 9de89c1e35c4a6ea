import { join } from 'node:path';
import { storedPath, writeAtomically } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import type { CellValue, Sql, TableColumn } from '../ports.ts';
import { explainRule, INVOICE_RULES } from '../rejections.ts';
import { dropLoad, loadRows } from '../staging.ts';
import { hintsOf } from './open.ts';
import { CORRECTS_HEADERS, candidateProfiles, TOTALS_DIFFER } from './profile.ts';
import { type KnownFile, knownFile } from './withdraw.ts';

export interface Rejects {
  /** The file whose rows they are. */
  readonly name: string;
  readonly sha256: string;
  /** The workbook; nothing is written when there are no rows. */
  readonly path: string;
  readonly rows: number;
}

export interface RejectsOptions {
  /** Where the workbook goes; LKP_HOME/rejects when absent. */
  readonly out?: string;
  /** The profile that the file was ingested under, by name or path, where the profiles folder does not have it. */
  readonly profile?: string;
}

/** The columns that stand beside the source's own. The first two lead a corrected row back to its old one. */
const BESIDE: readonly TableColumn[] = [
  { header: CORRECTS_HEADERS.corrects_file, kind: 'code', width: 14 },
  { header: CORRECTS_HEADERS.corrects_row, kind: 'code', width: 9 },
  { header: 'lkp disposition', kind: 'text', width: 13 },
  { header: 'lkp rule', kind: 'text', width: 24 },
  { header: 'lkp reason', kind: 'text', width: 60, wrap: true },
  { header: 'lkp hint', kind: 'text', width: 60, wrap: true },
];

/**
 * Writes all rows of an ingested file that are rejected or wait for a person as a workbook in the file's own columns,
 * each with its rule, reason and hint: correct the cells and ingest it, and the old rows are superseded. The cells come
 * from the stored bytes, as they were. Throws LkpError('request') when the file or its profile is
 * not known.
 */
export async function writeRejects(
  context: Context,
  wanted: string,
  { out, profile }: RejectsOptions = {},
): Promise<Rejects> {
  return context.db.transaction('rejects', async (tx) => {
    const file = await knownFile(tx, wanted);
    const safe = file.name.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}._-]+/gu, '_');
    const path = out ?? join(context.settings.home, 'rejects', `${safe}-${file.sha256.slice(0, 12)}.xlsx`);
    const held = await tx.one<{ rows: number }>(`select count(*)::int as rows from (${HELD}) as held`, [
      file.id,
    ]);
    const found = { name: file.name, sha256: file.sha256, path, rows: held.rows };
    if (held.rows === 0) return found;
    const sheet = await loadAgain(tx, context, file, profile);
    await writeAtomically(path, async (temporary) => {
      await context.workbooks.write(temporary, {
        title: `Rows of ${file.name} to correct`,
        sheets: [
          {
            name: sheet.name,
            landscape: true,
            blocks: [
              { block: 'table', columns: sheet.columns, rows: rowsOf(tx, file, sheet.columns.length) },
            ],
          },
        ],
      });
    });
    await dropLoad(tx);
    return found;
  });
}

/** One row is one row of file $1 that is rejected or waits. */
const HELD = `select row_no, rule, seen from rejection where file_id = $1 and ended_no is null
  union all
  select row_no, rule, seen from quarantine where file_id = $1 and ended_no is null`;

/** Reads the stored bytes into `load` once more, as they were read when they came. */
async function loadAgain(
  tx: Sql,
  context: Context,
  file: KnownFile,
  asked: string | undefined,
): Promise<{ name: string; columns: TableColumn[] }> {
  const { header, profile: name } = await tx.one<{ header: string[]; profile: string }>(
    'select header, profile from file where id = $1',
    [file.id],
  );
  const profiles = await candidateProfiles(context.settings.profiles, asked);
  const profile = profiles.find((known) => known.name === name);
  if (!profile) {
    throw new LkpError(
      'request',
      `${file.name} was ingested under the profile ${name}, which is not among ${profiles.map((known) => known.name).join(', ')}. Put it into the profiles folder and repeat.`,
    );
  }
  const table = await context.tables.open(
    storedPath(context.settings.home, file.sha256),
    hintsOf(profile, file.name),
  );
  try {
    const at = table.head.find(({ cells }) => JSON.stringify(cells) === JSON.stringify(header));
    if (!at)
      throw new Error(`The header of ${file.name} (${file.sha256}) is not where it was when it was ingested`);
    await loadRows(tx, table, { row: at.row, cells: at.cells, columns: new Map() }, []);
  } finally {
    await table.close();
  }
  // What the reader said of the document is not the sender's, and comes last: the corrected rows say it no more.
  const own = header
    .filter((text) => text !== TOTALS_DIFFER.header)
    .map((text): TableColumn => ({ header: text, kind: 'text', width: 18 }));
  return { name: profile.sheet ?? 'Rows to correct', columns: [...own, ...BESIDE] };
}

async function* rowsOf(tx: Sql, file: KnownFile, width: number): AsyncGenerator<CellValue[]> {
  const batches = tx.stream<{ row_no: number; rule: string; seen: string | null; cells: string[] }>(
    `select held.row_no, held.rule, held.seen, load_field.cells
     from (${HELD}) as held
     join load_field on load_field.row_no = held.row_no
     order by held.row_no`,
    [file.id],
  );
  for await (const batch of batches) {
    for (const { row_no, rule, seen, cells } of batch) {
      const { reason, hint } = explainRule(rule, seen);
      // A ragged row is one text: it stands in the first cell.
      const own = Array.from({ length: width - BESIDE.length }, (_, index) => cells[index] ?? '');
      yield [
        ...own,
        file.sha256.slice(0, 12),
        String(row_no),
        INVOICE_RULES[rule]!.disposition,
        rule,
        reason,
        hint,
      ];
    }
  }
}
