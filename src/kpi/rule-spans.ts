import { type Span, spanText } from './rule-set.ts';

/** A rule set among others, by the two ways in which it holds. */
export interface Holding {
  readonly name: string;
  /** By issue date. */
  readonly issued: Span;
  /** By a window's last day. */
  readonly year: Span;
  /** Where its file says so, for a message: `x.yaml line 6`; absent of one that is in force already. */
  readonly at?: (by: By) => string;
}

export type By = 'issued' | 'year';

export interface SpanFault {
  readonly kind: 'overlap' | 'gap';
  readonly by: By;
  /** The days in question, half-open. */
  readonly days: Span;
  /** Seen, wanted and the next step, as whole sentences. */
  readonly message: string;
}

const HAS: Readonly<Record<By, string>> = { issued: 'is valid', year: 'has the program year' };
const GOES: Readonly<Record<By, string>> = {
  issued: 'lines issued then earn nothing',
  year: 'cycles whose window ends then are refused',
};
const ends = ({ to }: Span): string => to ?? '9999-12-31';

/** Every two sets that hold on one day, and every day between two sets that has none: by issue date, by program year. */
export const spanFaults = (sets: readonly Holding[]): SpanFault[] =>
  (['issued', 'year'] as const).flatMap((by) => [...overlaps(sets, by), ...gaps(sets, by)]);

const where = (set: Holding, by: By): string => (set.at ? `${set.at(by)}: ` : '');

function* overlaps(sets: readonly Holding[], by: By): Generator<SpanFault> {
  for (const [index, one] of sets.entries()) {
    for (const other of sets.slice(index + 1)) {
      if (one[by].from >= ends(other[by]) || other[by].from >= ends(one[by])) continue;
      // The one that comes with a file is the one to change.
      const [mine, theirs] = one.at || !other.at ? [one, other] : [other, one];
      const from = one[by].from > other[by].from ? one[by].from : other[by].from;
      const to = ends(one[by]) < ends(other[by]) ? one[by].to : other[by].to;
      yield {
        kind: 'overlap',
        by,
        days: { from, to },
        message: `${where(mine, by)}The rule set ${mine.name} ${HAS[by]} ${spanText(mine[by])}, which overlaps ${theirs.name} (${spanText(theirs[by])}). Change one of the two, so that each day has one rule set.`,
      };
    }
  }
}

function* gaps(sets: readonly Holding[], by: By): Generator<SpanFault> {
  const inOrder = [...sets].sort((one, other) => (one[by].from < other[by].from ? -1 : 1));
  let last: Holding | undefined;
  for (const set of inOrder) {
    if (last && ends(last[by]) < set[by].from) {
      const days = { from: ends(last[by]), to: set[by].from };
      const mine = set.at || !last.at ? set : last;
      yield {
        kind: 'gap',
        by,
        days,
        message: `${where(mine, by)}No rule set ${by === 'issued' ? 'is valid' : 'has a program year'} from ${days.from} to before ${days.to}, between ${last.name} and ${set.name}: ${GOES[by]}. Let the two adjoin, or name a rule set for these days as well.`,
      };
    }
    if (!last || ends(set[by]) > ends(last[by])) last = set;
  }
}

/** The gaps of `after` that `before` did not have. */
export function newGaps(before: readonly Holding[], after: readonly Holding[]): SpanFault[] {
  const known = spanFaults(before).filter(({ kind }) => kind === 'gap');
  return spanFaults(after).filter(
    ({ kind, by, days }) =>
      kind === 'gap' &&
      !known.some((gap) => gap.by === by && gap.days.from <= days.from && ends(gap.days) >= ends(days)),
  );
}
