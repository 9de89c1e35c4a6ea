import type { Proposal } from '../invoice/propose.ts';
import type { Waiting } from '../invoice/quarantine.ts';
import type { IngestReport } from '../invoice/sweep.ts';
import type { Explained } from '../kpi/explain.ts';
import { readable } from '../money.ts';
import { amountsText, count, dispositionsText, oneLine, table } from './text.ts';

/* What became of files and rows, what waits, and why a line counts or not. */

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
