import { visibleBy } from '../calendar.ts';
import { type Batch, countsOf, type Entry } from './batch.ts';

/**
 * The machine-readable files of a submission, as text. They follow from the batch alone: no clock, host or path is in
 * them, so that the same batch always gives the same bytes.
 */

const CSV_COLUMNS = ['action', 'partner_mpn_id', 'name', 'country', 'url'] as const;

/**
 * Every entry of the batch and what becomes of it, `unchanged` ones too: the file serves as the update and as the whole
 * listing. RFC 4180 with every cell quoted, CRLF, UTF-8 without byte order mark. Cells are the partner's text to the
 * letter, also when it begins with = + - @: this file is for programs; who opens it in a spreadsheet should take the
 * XLSX, in which text cannot become a formula.
 */
export function csvOf(batch: Batch): string {
  const line = (cells: readonly string[]) =>
    `${cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')}\r\n`;
  return (
    line(CSV_COLUMNS) +
    batch.entries.map((entry) => line(CSV_COLUMNS.map((column) => entry[column]))).join('')
  );
}

const summary = (batch: Batch) => ({
  cycle: batch.cycle,
  visible_by: visibleBy(batch.cycle),
  compared_with: batch.comparedWith,
  counts: countsOf(batch.entries),
});

export function jsonOf(batch: Batch): string {
  const entry = ({ action, partner_mpn_id, name, country, url, was_name, was_url }: Entry) => ({
    action,
    partner_mpn_id,
    name,
    country,
    url,
    ...(action === 'changed' ? { was: { name: was_name, url: was_url } } : {}),
  });
  return `${JSON.stringify({ ...summary(batch), entries: batch.entries.map(entry) }, null, 2)}\n`;
}

export interface SubmittedFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Written last: who waits for the manifest finds the other files whole, and can check them. */
export function manifestOf(batch: Batch, files: readonly SubmittedFile[]): string {
  const listed = files.map(({ name, sha256, bytes }) => ({ name, sha256, bytes }));
  return `${JSON.stringify({ ...summary(batch), files: listed }, null, 2)}\n`;
}
