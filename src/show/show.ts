import type { BatchView } from '../directory/show.ts';
import type { Proposal } from '../invoice/propose.ts';
import type { Waiting } from '../invoice/quarantine.ts';
import type { IngestReport } from '../invoice/sweep.ts';
import type { Verified } from '../keeping/store.ts';
import type { Explained } from '../kpi/explain.ts';
import type { RefreshResult } from '../kpi/refresh.ts';
import { readable } from '../money.ts';
import type { VerifiedCycle } from '../proof/verify.ts';
import type { LoadResult } from '../reference/load.ts';

/** Results as text for people: plain words, aligned columns, nothing that a pipe could choke on. */

/** Control characters but line ends and tabs, and the marks that turn the direction of text. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

/**
 * Text as a terminal may see it: a name or a cell that came from outside cannot move the cursor, ring, or turn what
 * stands beside it around. Written as JSON would, so that an object stays the same object.
 */
export const printable = (text: string): string =>
  text.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The same on one line: a name may hold a line end. */
export const oneLine = (text: string): string =>
  printable(text.replaceAll('\t', ' ').replaceAll('\n', '\\n'));

/** Rows under a header; columns of numbers stand right. */
export function table(header: readonly string[], given: ReadonlyArray<readonly string[]>): string {
  const rows = given.map((row) => row.map(oneLine));
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const numeric = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^-?[\d,.]*$/.test(row[column] ?? '')),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** Text broken between words: no line is wider than its width, but for a wider word. */
export function linesOf(text: string, widthOf: (line: number) => number): string[] {
  const lines = [''];
  for (const word of oneLine(text).split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= widthOf(lines.length - 1))
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export const count = (number: number): string => readable(String(number), 0);

/** `3 rejected, 2 quarantined`: the dispositions that have rows. */
export const dispositionsText = (dispositions: Readonly<Record<string, number>>): string =>
  Object.entries(dispositions)
    .filter(([, rows]) => rows > 0)
    .map(([word, rows]) => `${count(rows)} ${word}`)
    .join(', ') || 'no rows';

export const amountsText = (amounts: Readonly<Record<string, string>>): string =>
  Object.entries(amounts)
    .map(([currency, amount]) => `${readable(amount)} ${currency}`)
    .join(', ') || 'none';

export function ingestText({ files, left_alone, totals }: IngestReport, dryRun: boolean): string {
  const parts = [
    table(
      ['file', 'status', 'profile', 'lines in', 'what became of them'],
      files.map((file) => [
        file.name,
        file.status,
        file.profile ?? '',
        count(file.lines_in),
        file.status === 'refused' ? '' : dispositionsText(file.dispositions),
      ]),
    ),
    '',
    `lines in: ${count(totals.lines_in)} = ${dispositionsText(totals.dispositions)}`,
    `amount in: ${amountsText(totals.amount_in)}`,
  ];
  for (const file of files) {
    const name = oneLine(file.name);
    if (file.reason) parts.push(`${name}: ${oneLine(file.reason)}`);
    if (file.proposal) parts.push(proposalText(name, file.proposal));
    for (const warning of file.warnings) parts.push(`${name}: ${oneLine(warning)}`);
    if (file.rejects) parts.push(`${name}: the rows to correct are in ${file.rejects}`);
  }
  for (const { name, reason } of left_alone) parts.push(`${oneLine(name)} was left alone. ${reason}`);
  if (dryRun) parts.push('This was a dry run: nothing was stored.');
  return parts.join('\n');
}

/** The profile to save, the rows as it would read them, and what it could not read. */
function proposalText(name: string, { profile, header_row, rows, not_read }: Proposal): string {
  const fields = Object.keys(rows[0] ?? {});
  return [
    `A profile for ${name}, by its header in row ${header_row}. Complete what begins with "# ?", save it as a .yaml file in the profiles folder, and ingest the file again:`,
    '',
    profile.trimEnd().replace(/^/gm, '    '),
    '',
    ...(rows.length > 0
      ? [
          'Its first rows, as that profile reads them:',
          table(
            fields,
            rows.map((row) => fields.map((field) => String(row[field]))),
          ),
        ]
      : []),
    ...not_read.map((text) => `Not read: ${text}`),
    '',
  ].join('\n');
}

export function waitingText(waiting: readonly Waiting[]): string {
  if (waiting.length === 0) return 'Nothing waits for a decision.';
  return [
    table(
      ['invoice', 'date', 'line', 'file', 'row', 'amount', '', 'why it waits'],
      waiting.map((row) => [
        row.number ?? '',
        row.issue_date ?? '',
        row.line_no ?? '',
        row.file,
        String(row.row_no),
        row.amount === null ? '' : readable(row.amount),
        row.currency ?? '',
        `${row.reason} ${row.hint}`,
      ]),
    ),
    '',
    'Decide with lkp quarantine release|refuse <invoice> --reason ..., of several versions with --file.',
  ].join('\n');
}

/** A paragraph a row: where it stands, what it is and why, whose it is, what it is worth, where it shows. */
export function explainText(rows: readonly Explained[]): string {
  return rows.map(explainedRow).join('\n\n');
}

function explainedRow(row: Explained): string {
  const facts: Array<readonly [string, string | null]> = [
    [
      'document',
      row.class === null
        ? null
        : `${row.class} ${row.number} of ${row.issue_date}, type ${row.type_code}, line ${row.line_no}`,
    ],
    [
      'became',
      `${row.disposition}${row.rule === null ? '' : ` (${row.rule})`}: ${row.reason}${row.hint ? ` ${row.hint}` : ''}`,
    ],
    ['looks like', row.near_misses],
    [
      'customer',
      row.location_mpn_id === null
        ? row.customer_number
        : `${row.customer_number} -> location ${row.location_mpn_id} (${row.customer_valid})`,
    ],
    [
      'partner',
      row.partner_mpn_id === null
        ? null
        : `${row.partner_mpn_id}${row.partner_name ? ` ${row.partner_name}` : ''} (${row.location_valid})`,
    ],
    [
      'product',
      row.omlp_type === null ? row.sku : `${row.sku}: ${row.omlp_type}, ${row.kpi_class || 'no KPI class'}`,
    ],
    [
      'KPI value',
      row.kpi_value === null
        ? null
        : `${row.units} units x ${row.weight}${row.per_units === '1' ? '' : ` / ${row.per_units}`} (${row.rule_set}) = ${row.kpi_value}`,
    ],
    [
      'revenue',
      row.amount === null
        ? null
        : `${readable(row.amount)} ${row.currency}${
            row.location_mpn_id === null
              ? ''
              : row.revenue === null
                ? `; no rate to ${row.reporting_currency}`
                : ` = ${readable(row.revenue)} ${row.reporting_currency}${row.rate_date ? ` (${row.rate_origin} rate of ${row.rate_date})` : ''}`
          }`,
    ],
    [
      'counts in',
      row.cycles === null
        ? null
        : `the cycles ${row.cycles.from} to ${row.cycles.to}; first shown on ${row.cycles.first_shown}`,
    ],
    [
      'shown in',
      row.shown_in.length === 0
        ? null
        : row.shown_in.map(({ cycle, revision }) => `${cycle} revision ${revision}`).join(', '),
    ],
  ];
  return [
    `${oneLine(row.file)}, row ${row.row_no}`,
    ...facts.flatMap(([name, text]) => (text ? [`  ${name.padEnd(10)}  ${text}`] : [])),
  ].join('\n');
}

export function loadText(results: readonly LoadResult[]): string {
  const parts = [
    table(
      ['file', 'status', 'rows in', 'loaded', 'unchanged', 'rejected'],
      results.map((result) => [
        result.name,
        result.status,
        count(result.lines_in),
        count(result.loaded),
        count(result.unchanged),
        count(result.rejected),
      ]),
    ),
  ];
  for (const result of results) {
    const name = oneLine(result.name);
    if (result.reason) parts.push(`${name}: ${oneLine(result.reason)}`);
    for (const { row, reason, hint } of result.rejections)
      parts.push(`${name}, row ${row}: ${oneLine(reason)} ${hint}`);
    for (const warning of result.warnings) parts.push(`${name}: ${oneLine(warning)}`);
  }
  return parts.join('\n');
}

const OUTCOMES: Record<RefreshResult['outcome'], (result: RefreshResult) => string> = {
  refreshed: ({ cycle, revision }) => `Cycle ${cycle} is refreshed: revision ${revision}.`,
  unchanged: ({ cycle, revision }) => `Cycle ${cycle} is unchanged: revision ${revision} stands.`,
  planned: ({ cycle, revision, rules }) =>
    rules === undefined
      ? `A preview of cycle ${cycle}, revision ${revision}; nothing was written.`
      : `What cycle ${cycle} would be under ${rules.join(', ')}, against ${revision === 0 ? 'what is known now' : `revision ${revision} and its facts`}; nothing was written.`,
  differs: ({ cycle, revision, differences }) =>
    `The facts behind cycle ${cycle} changed since revision ${revision} (${differences.length} figures); nothing was written. ` +
    `To write revision ${revision + 1}: lkp refresh ${cycle} --restate --reason '...'`,
};

export function refreshText(result: RefreshResult, files: number): string {
  const parts = [
    OUTCOMES[result.outcome](result),
    `window: ${result.window.from} to ${result.window.to}`,
    `KPI value ${readable(result.kpi_value, 0)}, revenue ${readable(result.revenue_value)} ${result.currency}, ${count(result.partners)} partners, ${count(result.locations)} locations`,
    `lines in: ${count(result.conservation.lines_in)} = ${dispositionsText(result.conservation.dispositions)}`,
  ];
  if (result.no_rate_lines > 0)
    parts.push(
      `${count(result.no_rate_lines)} lines count without revenue: no exchange rate is known for them.`,
    );
  if (files > 0) parts.push(`${count(files)} workbooks written`);
  if (result.differences.length > 0) {
    // The sums of all partners go before the cells that they are made of.
    const [sums, cells] = [false, true].map((wanted) =>
      result.differences.filter(({ what }) => (what === 'cells') === wanted),
    );
    parts.push(
      '',
      table(
        ['partner', 'figure', 'before', 'after'],
        [...sums!, ...cells!]
          .slice(0, 50)
          .map(({ partner, what, before, after }) => [partner, what, before, after]),
      ),
    );
    if (result.differences.length > 50) parts.push(`and ${count(result.differences.length - 50)} more`);
  }
  return parts.join('\n');
}

type DirectoryCounts = {
  readonly cycle: string;
  readonly entries: number;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
};

export const directoryText = ({ cycle, entries, added, changed, removed }: DirectoryCounts): string =>
  `Directory batch of ${cycle}: ${count(entries)} entries listed; ${count(added)} added, ${count(changed)} changed, ${count(removed)} removed.`;

export function batchText(batch: BatchView): string {
  if (batch.state === 'not-assembled')
    return `The batch of ${batch.cycle} is not assembled yet. Run lkp directory assemble ${batch.cycle}.`;
  return [
    directoryText(batch),
    `State: ${batch.state}; visible by ${batch.visible_by}${batch.compared_with ? `; compared with ${batch.compared_with}` : ''}.`,
    ...seenText(batch),
    '',
    table(
      ['partner', 'action', 'country', 'name', 'URL'],
      batch.list.map((entry) => [entry.partner_mpn_id, entry.action, entry.country, entry.name, entry.url]),
    ),
  ].join('\n');
}

function seenText({ state, confirmed, reopened }: BatchView): string[] {
  if (state !== 'submitted') return [];
  if (!confirmed) return ['In the directory: awaited; nobody has confirmed it yet.'];
  const entries = reopened.map(({ partner_mpn_id, country }) => `${partner_mpn_id}/${country}`);
  return [
    `In the directory: confirmed by ${confirmed.by} on ${confirmed.at.slice(0, 10)}${entries.length > 0 ? `, but for ${entries.join(', ')}, submitted again with the next batch` : ''}.`,
  ];
}

/** So many damaged or left-over files are named in text; `--json` has all. */
const NAMED_FILES = 50;

export function verifyText({ files, bytes, damaged, pruned, left_over }: Verified): string {
  const parts = [
    `${count(files)} stored files (${count(bytes)} bytes) were read: ${damaged.length === 0 ? 'all are whole' : `${count(damaged.length)} ${damaged.length === 1 ? 'is' : 'are'} damaged`}.`,
  ];
  for (const one of damaged.slice(0, NAMED_FILES)) {
    const cycles = one.cycles.length === 0 ? '' : ` Rows of it are in ${one.cycles.join(', ')}.`;
    parts.push(
      `${one.names.map(oneLine).join(', ')} (${one.kinds.join(', ')}, sha256 ${one.sha256}): ${one.reason}${cycles}`,
    );
  }
  if (damaged.length > NAMED_FILES) parts.push(`and ${count(damaged.length - NAMED_FILES)} more`);
  if (damaged.length > 0)
    parts.push(
      'What was computed from them stands: their rows are in the database. Only the evidence is lost.',
    );
  for (const { files: gone, on, by, reason } of pruned)
    parts.push(
      oneLine(`Of them ${count(gone)} are not there: pruned on ${on.slice(0, 10)} by ${by}: ${reason}.`),
    );
  if (left_over.length > 0) {
    parts.push(
      `${count(left_over.length)} left-over: no file that was taken in has these bytes. An ingest that runs now, or one that was killed, leaves such a file; it does no harm.`,
      ...left_over.slice(0, NAMED_FILES).map((path) => `  ${oneLine(path)}`),
    );
    if (left_over.length > NAMED_FILES) parts.push(`  and ${count(left_over.length - NAMED_FILES)} more`);
  }
  return parts.join('\n');
}

/** The outcome of a verification, what is wrong, what to know, and where its bundle is. */
export function verifiedText(
  {
    cycle,
    outcome,
    revisions,
    changes,
    files,
    bytes,
    rows,
    workbooks,
    submission_files,
    problems,
    notes,
  }: VerifiedCycle,
  bundle: { readonly path: string; readonly sha256: string; readonly bytes: number } | null,
  unpacked: boolean,
): string {
  const of = `Cycle ${cycle}, ${revisions.length === 1 ? 'revision' : 'revisions'} ${revisions.map(({ revision }) => revision).join(', ')}`;
  const from = `${count(changes)} changes with ${count(files)} files (${count(bytes)} bytes)`;
  const parts = [
    {
      proven: `${of}: proven. Derived anew from ${from}; equal are ${count(rows)} rows, ${count(workbooks)} workbooks and ${count(submission_files)} files of the submission.`,
      'not proven': `${of}: not proven, ${count(problems.length)} ${problems.length === 1 ? 'problem' : 'problems'}.`,
      pruned: `${of}: cannot be derived anew, because stored files were pruned. Its ${count(rows)} frozen rows follow from the facts on record.`,
    }[outcome],
    ...problems.map(({ what, thing, reason }) => oneLine(`${what}: ${thing}: ${reason}`)),
    ...notes.slice(0, NAMED_FILES).map((note) => oneLine(`Note: ${note}`)),
  ];
  if (notes.length > NAMED_FILES) parts.push(`and ${count(notes.length - NAMED_FILES)} notes more`);
  if (bundle) parts.push(`${bundle.path} (${count(bundle.bytes)} bytes, sha256 ${bundle.sha256})`);
  if (unpacked) parts.push('No bundle was written: only a proven cycle is packed.');
  return parts.join('\n');
}
