import { firstDay, monthSpans, reportingWindow } from '../calendar.ts';
import type { Sql } from '../ports.ts';

/** What a side of a comparison knew, and the settings that its money was computed with. */
export interface Side {
  readonly cutoff: string;
  readonly reporting_currency: string;
  readonly lookback: number;
}

/** Empty tables for the two sides; the caller fills in their cells and levels, `ofRevision` or `ofFresh`. */
export const beginComparison = async (tx: Sql): Promise<void> => {
  await tx.file('marts/changes_begin');
};

export type SideName = 'before' | 'after';

export const ofRevision = async (tx: Sql, side: SideName, cycle: string, revision: number): Promise<void> => {
  await tx.file('marts/side_of_revision', { side, cycle, revision });
};

/** From the tables of computeFresh. */
export const ofFresh = async (tx: Sql, side: SideName): Promise<void> => {
  await tx.file('marts/side_of_fresh', { side });
};

/** Compares the cells and levels of the two sides: makes cell_change and level_change. */
export const compareFigures = async (tx: Sql): Promise<void> => {
  await tx.file('marts/figure_changes');
};

/**
 * Compares the two sides of a cycle, their figures and line by line: makes line_change beside the tables of
 * compareFigures. Lines are read only of months that a change between the two cut-offs touched, and of locations whose
 * partner changed. Throws when the lines do not add up to the cells.
 */
export async function compareSides(
  tx: Sql,
  cycle: string,
  sides: Readonly<Record<SideName, Side>>,
): Promise<void> {
  const { before, after } = sides;
  const window = reportingWindow(cycle);
  const [since, until] = [before.cutoff, after.cutoff].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const otherSettings =
    before.reporting_currency !== after.reporting_currency || before.lookback !== after.lookback;
  await tx.set({
    since_no: since!,
    until_no: until!,
    every_month: otherSettings ? '1' : '',
    window_from: window.from,
    window_to: window.to,
    cycle_start: firstDay(cycle),
  });
  const months = await tx.file<{ month: string; whole: boolean }>('marts/changed_months');
  const { moved } = await tx.one<{ moved: string }>(`select current_setting('lkp.moved_customers') as moved`);
  for (const whole of [true, false]) {
    const some = months.filter((one) => one.whole === whole).map(({ month }) => month);
    for (const { from, to } of monthSpans(some)) {
      for (const side of ['before', 'after'] as const)
        await tx.file('marts/side_lines', {
          ...sides[side],
          side,
          from: firstDay(from),
          to: firstDay(to),
          customers: whole ? '' : moved,
        });
    }
  }
  await tx.set({ ...after, customers: '' });
  await tx.rows('analyze side_line');
  await tx.file('marts/line_changes');
  await compareFigures(tx);
  const broken = await tx.file('checks/changes_equal_cells');
  if (broken.length > 0)
    throw new Error(
      `The changed lines of ${cycle} do not add up to its changed cells: ${JSON.stringify(broken.slice(0, 3))}`,
    );
}
