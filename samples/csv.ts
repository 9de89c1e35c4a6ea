/** One CSV record (RFC 4180 quoting, LF): a cell is quoted when it holds a comma, a quote or a line break. */
export const csvRecord = (cells: readonly string[]): string =>
  `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\n`;

/** A CSV file of uniform records, the first one's keys being the header. */
export function csvTable(rows: readonly object[], columns: readonly string[]): string {
  const lines = rows.map((row) =>
    csvRecord(columns.map((column) => String((row as Record<string, string>)[column]))),
  );
  return csvRecord(columns) + lines.join('');
}
