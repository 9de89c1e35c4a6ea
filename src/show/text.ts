import { readable } from '../money.ts';

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
