/** Rows of heading -> cell. */
export type TextTable = ReadonlyArray<Readonly<Record<string, string>>>;

/** The tables of a page that stand after `<!-- name -->`, as rows of heading -> cell. */
export function readTables(page: string): ReadonlyMap<string, TextTable> {
  const cellsOf = (row: string) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
  return new Map(
    [...page.matchAll(/<!-- (.+) -->\n\n((?:\|.*\|\n)+)/g)].map(([, name = '', text = '']) => {
      const [header = '', , ...body] = text.trimEnd().split('\n');
      const headings = cellsOf(header);
      return [
        name,
        body.map((row) =>
          Object.fromEntries(cellsOf(row).map((cell, index) => [headings[index] ?? '', cell])),
        ),
      ];
    }),
  );
}
