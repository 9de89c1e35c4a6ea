import { readable } from '../money.ts';
import type { AnswerReport } from '../reconcile/answer-book.ts';
import { differenceText, headline } from '../reconcile/answer-book.ts';
import { entryOf } from '../reconcile/causes.ts';
import { acceptedIn } from '../reconcile/evidence.ts';
import { oneLine, table } from './text.ts';

type Written = AnswerReport & { readonly path: string; readonly sha256: string };

/** So many lines are named in text; `--json` and the workbook have all. */
const NAMED = 20;

/** An answer for the agent: the gap and its causes, what only the house may know, and where the workbook is. */
export function reconcileText({ answer, claim, evidence, path }: Written): string {
  const { totals, months, currency, partner } = answer;
  const parts = [
    `${oneLine(claim.name)}: ${claim.lines.length} claimed lines of ${partner.mpnId}${partner.name ? ` ${oneLine(partner.name)}` : ''} against cycle ${answer.cycle}, revision ${answer.revision}.`,
    headline(answer),
    differenceText(answer),
    '',
    table(
      [
        'month',
        'KPI claimed',
        'in the report',
        'difference',
        `${currency} claimed`,
        'in the report',
        'difference',
      ],
      [...months, { month: 'total', ...totals }].map(({ month, kpi, revenue }) => [
        month,
        ...[kpi.claimed, kpi.ours, kpi.gap].map((text) => readable(text, 0)),
        ...[revenue.claimed, revenue.ours, revenue.gap].map((text) => readable(text)),
      ]),
    ),
    '',
    table(
      ['cause', 'lines', 'KPI difference', `${currency} difference`],
      totals.lines.map(({ cause, lines }) => [
        entryOf(cause).title,
        String(lines),
        readable(totals.kpi.byCause.find((part) => part.cause === cause)?.gap ?? '0', 0),
        readable(totals.revenue.byCause.find((part) => part.cause === cause)?.gap ?? '0'),
      ]),
    ),
    '',
  ];
  const open = answer.lines.filter(({ support }) => support !== null);
  for (const { claimed, cause, support } of open.slice(0, NAMED))
    parts.push(
      `For you only: row ${claimed?.row ?? '-'}, ${oneLine(claimed?.invoice ?? '')}, ${entryOf(cause).title}: ${oneLine(support!)}`,
    );
  if (open.length > NAMED) parts.push(`and ${open.length - NAMED} more (--json)`);
  for (const { row, field, seen, wanted } of claim.unreadable.slice(0, NAMED))
    parts.push(`Row ${row}, ${field}: "${oneLine(seen)}" cannot be read; wanted is ${oneLine(wanted)}.`);
  if (claim.unreadable.length > NAMED) parts.push(`and ${claim.unreadable.length - NAMED} more (--json)`);
  for (const { row, what, seen } of claim.leftOut.filter((one) => one.what !== 'blank').slice(0, NAMED))
    parts.push(`Row ${row} is no line (${what}): ${oneLine(seen)}`);
  if (claim.ignored.length > 0)
    parts.push(`Columns that were not looked at: ${claim.ignored.map(oneLine).join(', ').slice(0, 500)}`);
  for (const file of evidence)
    parts.push(
      file.refused === undefined
        ? `${oneLine(file.file)} passes the gate: ${acceptedIn(file)} of ${file.documents.length} documents. Nothing was stored.`
        : `Refused as evidence: ${oneLine(file.refused)}`,
    );
  parts.push(`The answer to send is ${path}`);
  return parts.join('\n');
}

/** The same as data. `support` of a line is for the house, never for the partner. */
export function reconcileJson({ answer, claim, evidence, path, sha256 }: Written): object {
  const { name, lines, leftOut, unreadable, ignored, named, currencies } = claim;
  return snaked({
    ...answer,
    claim: {
      name,
      sha256: claim.sha256,
      lines: lines.length,
      leftOut,
      unreadable,
      ignored,
      named,
      currencies,
    },
    evidence,
    path,
    sha256,
  });
}

/** `kpiGap` -> `kpi_gap`: the names of all keys, as `--json` writes them. */
function snaked<T>(value: T): T extends object ? object : T;
function snaked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snaked);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snaked(inner),
    ]),
  );
}
