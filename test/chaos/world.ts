import { generate, generateLarge } from '../../samples/generate.ts';
import { monthAfter } from '../../samples/months.ts';
import type { InvoiceFile, InvoiceRow, World } from '../../samples/truth.ts';

/** What a cycle brings: new files for the inbox. */
export interface Round {
  readonly cycle: string;
  readonly files: readonly InvoiceFile[];
  /** Everything known once the round's files are in: what the auditor is asked about. */
  readonly world: World;
}

export const ROUNDS = 12;
const FIRST_CYCLE = '2019-06';
const SHAPE = { partners: 5, locations: 9, from: '2019-04', months: 14 } as const;
/** 300 rows of 4 KB: a file of more than a megabyte that costs the database no more than a small one. */
const BULK_ROWS = 300;
const PAD = 'x'.repeat(4_200);
const ITEM = 11;

/** A small world that arrives in twelve cycles: each brings a month with its oddities and one file above a megabyte. */
export function roundsOf(seed: number): { readonly reference: World['reference']; readonly rounds: Round[] } {
  const shape = { ...SHAPE, seed };
  const { reference: drawn, files } = generate(shape);
  // One request more in every cycle, from the first one on: there is always something to submit.
  const listings = drawn.listings.map((listing, index) => {
    const asked = `${monthAfter(FIRST_CYCLE, index - 1)}-02`;
    return { ...listing, requested_on: asked, valid_from: asked, valid_to: '' };
  });
  const reference = { ...drawn, listings };
  const large = generateLarge({ ...shape, lines: BULK_ROWS * ROUNDS }).files[0]!.rows;
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const months =
      round === 0 ? [0, 2] : round === ROUNDS - 1 ? [round + 1, files.length] : [round + 1, round + 2];
    const brought = [
      bulk(round, large.slice(round * BULK_ROWS, (round + 1) * BULK_ROWS)),
      ...files.slice(...months),
    ];
    const known = [...rounds.flatMap((earlier) => earlier.files), ...brought];
    rounds.push({
      cycle: monthAfter(FIRST_CYCLE, round),
      files: brought,
      world: { reference, files: known },
    });
  }
  return { reference, rounds };
}

const bulk = (round: number, rows: readonly InvoiceRow[]): InvoiceFile => ({
  name: `bulk-${String(round + 1).padStart(2, '0')}.csv`,
  format: 'csv',
  rows: rows.map((row, index) => ({
    ...row,
    row: index + 2,
    cells: row.cells.map((cell, column) => (column === ITEM ? `${cell} ${PAD}` : cell)),
  })),
});
