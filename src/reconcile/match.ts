import type { ClaimLine } from './answer.ts';
import { type Cause, rankOf } from './causes.ts';
import { agrees, type Figures, type Stated, speaksFor } from './compare.ts';
import { apart } from './figures.ts';
import { takeSums } from './sums.ts';

/** A claimed line with what it is matched by. */
export interface Claimed extends Stated {
  readonly line: ClaimLine;
  readonly month: string;
  readonly typeKey: string;
}

/** A line of the report. */
export interface Ours extends Figures {
  readonly kpiMonth: string;
  readonly typeKey: string;
}

/** A row that the report does not show, and the cause that it is. */
export interface Hidden extends Figures {
  readonly kpiMonth: string | null;
  readonly typeKey: string | null;
  readonly whose: 'own' | 'other' | '';
  readonly cause: Cause;
}

/**
 * What one invoice number's lines come to. A pair is one line each; a sum is one line on one side and what adds up to it
 * on the other; found: a claimed line and the row that explains why the report does not show it; twice: a claimed line
 * that is in the claim more often than in the report; alone: lines of one side with nothing on the other.
 */
export interface Matched<C, O, H> {
  readonly pairs: Array<{ readonly claimed: C; readonly ours: O }>;
  readonly sums: Array<{ readonly claimed: readonly C[]; readonly ours: readonly O[] }>;
  readonly found: Array<{ readonly claimed: C; readonly hidden: H }>;
  readonly twice: C[];
  readonly alone: { readonly claimed: C[]; readonly ours: O[] };
}

/** Above so many comparisons, lines of one key are paired in the order of their figures, not each with its nearest. */
const MOST_COMPARED = 250_000;

type Where = (
  claimed: Pick<Claimed, 'month' | 'typeKey'>,
  ours: Pick<Ours, 'kpiMonth' | 'typeKey'>,
) => boolean;

const sameType = (one: string, other: string | null): boolean => one === '' || one === other;
const inPlace: Where = (claimed, ours) =>
  claimed.month === ours.kpiMonth && sameType(claimed.typeKey, ours.typeKey);
const otherType: Where = (claimed, ours) => claimed.month === ours.kpiMonth;
const otherMonth: Where = (claimed, ours) => sameType(claimed.typeKey, ours.typeKey);
const elsewhere: Where = () => true;

/**
 * Matches the lines of one invoice number as multisets, in this order: the claim's own figures in the same month and type;
 * sums; the same figures under another month or type; a row outside the report with the same figures; the nearest figures
 * in the same month and type; a row outside the report that does not contradict the claim; a line claimed twice; any row
 * outside the report; the nearest under another type or month.
 */
export function matchInvoice<C extends Claimed, O extends Ours, H extends Hidden>(
  claimed: readonly C[],
  ours: readonly O[],
  hidden: readonly H[],
): Matched<C, O, H> {
  const left = { claimed: [...claimed], ours: [...ours], hidden: byRank(hidden) };
  const result: Matched<C, O, H> = { pairs: [], sums: [], found: [], twice: [], alone: left };
  const pair = (where: Where, isFit: (claimed: C, ours: O) => boolean): void => {
    result.pairs.push(...takePairs(left, where, isFit));
  };
  takeEqual(left, result);
  pair(inPlace, agrees);
  if (left.claimed.length === 0) return result;
  result.sums.push(...takeSums(left));
  for (const where of [otherMonth, otherType, elsewhere]) pair(where, isTelling);
  result.found.push(...takeHidden(left, isSameRow));
  takeNearest(left, result, inPlace);
  result.found.push(...takeHidden(left, (line, row) => !contradicts(line, row)));
  result.twice.push(...takeTwice(left.claimed, claimed));
  result.found.push(...takeHidden(left, () => true));
  for (const where of [otherType, otherMonth, elsewhere]) takeNearest(left, result, where);
  // What is left shares its invoice number with a row that explains another line already: it explains this one too.
  const rows = byRank(hidden).filter(({ cause }) => cause !== 'duplicate');
  const again = left.claimed.flatMap((line) => {
    const row = rows.find((one) => isPlausible(line, one));
    return row ? [{ claimed: line, hidden: row }] : [];
  });
  remove(
    left.claimed,
    again.map(({ claimed: line }) => line),
  );
  result.found.push(...again);
  return result;
}

interface Left<C, O, H> {
  readonly claimed: C[];
  readonly ours: O[];
  readonly hidden: H[];
}

const byRank = <H extends Hidden>(hidden: readonly H[]): H[] =>
  [...hidden].sort((a, b) => rankOf(a.cause) - rankOf(b.cause));

function remove<T>(list: T[], gone: readonly T[]): void {
  if (gone.length === 0) return;
  const set = new Set(gone);
  list.splice(0, list.length, ...list.filter((item) => !set.has(item)));
}

/** Equal in everything that is stated, by text: a claim of thousands of lines under one number costs no more than others. */
function takeEqual<C extends Claimed, O extends Ours, H>(
  left: Left<C, O, H>,
  result: Matched<C, O, H>,
): void {
  const textOf = (month: string, type: string, { units, kpi, revenue }: Figures): string =>
    [month, type, units, kpi, revenue].join(' ');
  const waiting = new Map<string, O[]>();
  for (const line of left.ours) {
    const text = textOf(line.kpiMonth, line.typeKey, line);
    const equal = waiting.get(text);
    if (equal) equal.push(line);
    else waiting.set(text, [line]);
  }
  const pairs = left.claimed.flatMap((claimed) => {
    const ours = waiting.get(textOf(claimed.month, claimed.typeKey, claimed))?.shift();
    return ours ? [{ claimed, ours }] : [];
  });
  settle(left, result, pairs);
}

function settle<C extends Claimed, O extends Ours, H>(
  left: Left<C, O, H>,
  result: Matched<C, O, H>,
  pairs: ReadonlyArray<{ readonly claimed: C; readonly ours: O }>,
): void {
  remove(
    left.claimed,
    pairs.map(({ claimed }) => claimed),
  );
  remove(
    left.ours,
    pairs.map(({ ours }) => ours),
  );
  result.pairs.push(...pairs);
}

/** Pairs of what fits, each line once, in the order of both. */
function takePairs<C extends Claimed, O extends Ours>(
  left: Left<C, O, unknown>,
  where: Where,
  isFit: (claimed: C, ours: O) => boolean,
): Array<{ claimed: C; ours: O }> {
  if (left.claimed.length * left.ours.length > MOST_COMPARED) return [];
  const pairs: Array<{ claimed: C; ours: O }> = [];
  for (const claimed of left.claimed) {
    const at = left.ours.findIndex((ours) => where(claimed, ours) && isFit(claimed, ours));
    if (at >= 0) pairs.push({ claimed, ours: left.ours.splice(at, 1)[0]! });
  }
  remove(
    left.claimed,
    pairs.map(({ claimed }) => claimed),
  );
  return pairs;
}

/** Figures that can tell one line of an invoice from another: the same, and not all of them 0 or left empty. */
const isTelling = (claimed: Claimed, ours: Ours): boolean =>
  agrees(claimed, ours) &&
  [claimed.units, claimed.kpi, claimed.revenue].some((figure) => figure !== null && figure !== '0');

/** Two lines of a claim that say the same, as far as both say it. */
const isTwin = (one: Claimed, other: Claimed): boolean =>
  one.month === other.month &&
  one.typeKey === other.typeKey &&
  (['units', 'kpi', 'revenue'] as const).every(
    (name) => one[name] === null || other[name] === null || one[name] === other[name],
  );

/** What is left of the claim that says the same as a line which has been matched. */
function takeTwice<C extends Claimed>(left: C[], claimed: readonly C[]): C[] {
  const open = new Set(left);
  const settled = claimed.filter((line) => !open.has(line));
  const twice = left.filter((line) => settled.some((other) => isTwin(line, other)));
  remove(left, twice);
  return twice;
}

const contradicts = (claimed: Claimed, row: Hidden): boolean =>
  (['units', 'kpi', 'revenue'] as const).some((name) => claimed[name] !== null && row[name] !== null) &&
  !speaksFor(claimed, row);

/** A row outside the report that says what the claim says, as far as it says anything. */
const isSameRow = (claimed: Claimed, hidden: Hidden): boolean =>
  speaksFor(claimed, hidden) && sameType(claimed.typeKey, hidden.typeKey ?? claimed.typeKey);

/** One row outside the report for each claimed line, those of the same month first, then by precedence. */
function takeHidden<C extends Claimed, H extends Hidden>(
  left: Left<C, unknown, H>,
  isFit: (claimed: C, hidden: H) => boolean,
): Array<{ claimed: C; hidden: H }> {
  const found: Array<{ claimed: C; hidden: H }> = [];
  for (const claimed of left.claimed) {
    const fits = left.hidden.filter(
      (hidden) => hidden.cause !== 'duplicate' && isFit(claimed, hidden) && isPlausible(claimed, hidden),
    );
    const hidden = fits.find(({ kpiMonth }) => kpiMonth === claimed.month) ?? fits[0];
    if (!hidden) continue;
    left.hidden.splice(left.hidden.indexOf(hidden), 1);
    found.push({ claimed, hidden });
  }
  remove(
    left.claimed,
    found.map(({ claimed }) => claimed),
  );
  return found;
}

/** Invoice numbers are not unique: another partner's row explains a line only where its month or its figures are the claim's. */
const isPlausible = (claimed: Claimed, hidden: Hidden): boolean =>
  hidden.whose !== 'other' || hidden.kpiMonth === claimed.month || isSameRow(claimed, hidden);

/** The nearest by KPI value, then revenue, then units, until one side is used up. */
function takeNearest<C extends Claimed, O extends Ours, H>(
  left: Left<C, O, H>,
  result: Matched<C, O, H>,
  where: Where,
): void {
  if (left.claimed.length * left.ours.length > MOST_COMPARED) {
    settle(left, result, inOrder(left, where));
    return;
  }
  const distances = left.claimed.flatMap((claimed, index) =>
    left.ours
      .filter((ours) => where(claimed, ours))
      .map((ours) => ({
        claimed,
        ours,
        index,
        by: [
          apart(claimed.kpi, ours.kpi),
          apart(claimed.revenue, ours.revenue),
          apart(claimed.units, ours.units),
        ] as const,
      })),
  );
  distances.sort((a, b) => order(a.by, b.by) || a.index - b.index);
  const taken = new Set<C | O>();
  const pairs = distances.filter(({ claimed, ours }) => {
    if (taken.has(claimed) || taken.has(ours)) return false;
    taken.add(claimed);
    taken.add(ours);
    return true;
  });
  settle(left, result, pairs);
}

function order(one: readonly bigint[], other: readonly bigint[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : one[at]! < other[at]! ? -1 : 1;
}

/** Thousands of lines under one number that all differ: the n-th of a month and type beside the n-th. */
function inOrder<C extends Claimed, O extends Ours>(
  left: Left<C, O, unknown>,
  where: Where,
): Array<{ claimed: C; ours: O }> {
  if (where !== inPlace) return [];
  const waiting = new Map<string, O[]>();
  for (const ours of left.ours) {
    const key = `${ours.kpiMonth} ${ours.typeKey}`;
    waiting.set(key, [...(waiting.get(key) ?? []), ours]);
  }
  return left.claimed.flatMap((claimed) => {
    const ours = waiting.get(`${claimed.month} ${claimed.typeKey}`)?.shift();
    return ours ? [{ claimed, ours }] : [];
  });
}
