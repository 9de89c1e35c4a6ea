import { counted, readable } from '../money.ts';
import type { AnswerReport } from '../reconcile/answer-book.ts';
import { differenceText, headline } from '../reconcile/answer-book.ts';
import { partOf, partsOf } from '../reconcile/answer-sums.ts';
import { entryOf } from '../reconcile/causes.ts';
import { cut } from '../reconcile/claim-headers.ts';
import { cannotBeRead } from '../reconcile/claim-lines.ts';
import { acceptedIn } from '../reconcile/evidence.ts';
import { count, oneLine, table } from './text.ts';

type Written = AnswerReport & { readonly path: string; readonly sha256: string };

/** So many lines are named in text; `--json` and the workbook have all. */
const NAMED = 20;

/** An answer for the agent: the gap and its causes, what only the house may know, and where the workbook is. */
export function reconcileText({ answer, claim, evidence, path }: Written): string {
  const { totals, months, currency, partner } = answer;
  const sums = partsOf(months);
  const named = (what: string): string[] =>
    sums.map(([word], index) => (index === 0 ? `${what} ${word}` : word));
  const parts = [
    `${oneLine(claim.name)}: ${counted(claim.lines.length, 'claimed line')} of ${partner.mpnId}${partner.name ? ` ${oneLine(partner.name)}` : ''} against cycle ${answer.cycle}, revision ${answer.revision}.`,
    headline(answer),
    differenceText(answer),
    '',
    table(
      ['month', ...named('KPI'), ...named(currency)],
      [...months, { month: 'total', ...totals }].map(({ month, kpi, revenue }) => [
        month,
        ...sums.map(([, part]) => readable(kpi[part], 0)),
        ...sums.map(([, part]) => readable(revenue[part])),
      ]),
    ),
    '',
    table(
      ['cause', 'lines', 'KPI difference', `${currency} difference`],
      [
        ...totals.lines.map(({ cause, lines }) => [
          entryOf(cause).title,
          count(lines),
          readable(partOf(totals.kpi, cause), 0),
          readable(partOf(totals.revenue, cause)),
        ]),
        [
          'difference',
          count(totals.lines.reduce((sum, { lines }) => sum + lines, 0)),
          readable(totals.kpi.gap, 0),
          readable(totals.revenue.gap),
        ],
      ],
    ),
    '',
  ];
  const open = answer.lines.filter(({ support }) => support !== null);
  for (const { claimed, cause, support } of open.slice(0, NAMED))
    parts.push(
      `For you only: row ${claimed?.row ?? '-'}, ${oneLine(claimed?.invoice ?? '')}, ${entryOf(cause).title}: ${oneLine(support!)}`,
    );
  if (open.length > NAMED) parts.push(`and ${open.length - NAMED} more (--json)`);
  for (const cell of claim.unreadable.slice(0, NAMED))
    parts.push(`Row ${cell.row}, ${cell.field}: ${oneLine(cannotBeRead(cell))}.`);
  if (claim.unreadable.length > NAMED) parts.push(`and ${claim.unreadable.length - NAMED} more (--json)`);
  for (const { row, what, seen } of claim.leftOut.filter((one) => one.what !== 'blank').slice(0, NAMED))
    parts.push(`Row ${row} is no line (${what}): ${oneLine(seen)}`);
  if (claim.ignored.length > 0)
    parts.push(`Columns that were not looked at: ${cut(claim.ignored.map(oneLine).join(', '), 500)}`);
  for (const file of evidence)
    parts.push(
      file.refused === undefined
        ? `${oneLine(file.file)} passes the gate: ${acceptedIn(file)} of ${file.documents.length} documents. ${file.isKnown ? 'Its bytes were ingested before.' : 'Nothing was stored.'}`
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
