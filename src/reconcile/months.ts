import { difference, sum } from '../money.ts';
import type { ClaimLine, Gap, MonthAnswer } from './answer.ts';
import { CAUSES, type Cause } from './causes.ts';
import type { Settled } from './lines.ts';

/** What a month's claimed lines state and what the report shows in it, counted apart from the answer's lines. */
export interface MonthFigures {
  readonly month: string;
  readonly claimed: readonly ClaimLine[];
  readonly ours: ReadonlyArray<{ readonly kpi: string | null; readonly revenue: string | null }>;
}

/**
 * The gap of every claimed month by cause. Claimed and ours are summed from the claim and from the report, the causes
 * from the answer's lines: two ways that must meet exactly. Throws where they do not.
 */
export function monthsOf(figures: readonly MonthFigures[], settled: readonly Settled[]): MonthAnswer[] {
  const byMonth = new Map<string, Settled[]>(figures.map(({ month }) => [month, []]));
  for (const line of settled) {
    const lines = byMonth.get(line.answer.month);
    if (!lines)
      throw new Error(`an answer line is of month ${line.answer.month}, which the claim does not name`);
    lines.push(line);
  }
  return figures.map((month) => ({ month: month.month, ...answered(month, byMonth.get(month.month)!) }));
}

function answered(
  { month, claimed, ours }: MonthFigures,
  settled: readonly Settled[],
): Omit<MonthAnswer, 'month'> {
  const gap = (
    stated: readonly (string | null)[],
    shown: readonly (string | null)[],
    of: 'kpi' | 'revenue',
  ): Gap => {
    const parts = {
      claimed: sum(stated.filter((figure) => figure !== null)),
      notStated: sum(settled.map(({ notStated }) => notStated[of])),
      ours: sum(shown.map((figure) => figure ?? '0')),
    };
    const whole = difference(sum([parts.claimed, parts.notStated]), parts.ours);
    const name = of === 'kpi' ? 'kpiGap' : 'revenueGap';
    const byCause = causesOf(settled, (lines) => sum(lines.map(({ answer }) => answer[name])))
      .map(([cause, value]) => ({ cause, gap: value }))
      .filter((entry) => entry.gap !== '0');
    const explained = sum(byCause.map((entry) => entry.gap));
    if (explained !== whole)
      throw new Error(`the causes of ${month} add up to ${explained} in ${of}, and the gap is ${whole}`);
    return { ...parts, gap: whole, byCause, unexplained: unexplainedIn(byCause) };
  };
  return {
    kpi: gap(
      claimed.map(({ kpiValue }) => kpiValue),
      ours.map(({ kpi }) => kpi),
      'kpi',
    ),
    revenue: gap(
      claimed.map(({ revenueValue }) => revenueValue),
      ours.map(({ revenue }) => revenue),
      'revenue',
    ),
    lines: causesOf(settled, (lines) => lines.length).map(([cause, lines]) => ({ cause, lines })),
  };
}

const unexplainedIn = (byCause: Gap['byCause']): string =>
  byCause.find(({ cause }) => cause === 'unexplained')?.gap ?? '0';

/** The causes that occur, in the order of the catalogue, each with what its lines come to. */
function causesOf<T>(
  settled: readonly Settled[],
  made: (lines: readonly Settled[]) => T,
): Array<readonly [Cause, T]> {
  const groups = new Map<Cause, Settled[]>();
  for (const line of settled) {
    const group = groups.get(line.answer.cause);
    if (group) group.push(line);
    else groups.set(line.answer.cause, [line]);
  }
  return CAUSES.flatMap(({ cause }) => {
    const lines = groups.get(cause);
    return lines ? [[cause, made(lines)] as const] : [];
  });
}

/** All months together. */
export function totalOf(months: readonly MonthAnswer[]): Omit<MonthAnswer, 'month'> {
  const gap = (of: 'kpi' | 'revenue'): Gap => {
    const all = months.map((month) => month[of]);
    const byCause = CAUSES.flatMap(({ cause }) => {
      const gaps = all.flatMap((month) => month.byCause.filter((entry) => entry.cause === cause));
      const added = sum(gaps.map((entry) => entry.gap));
      return added === '0' ? [] : [{ cause, gap: added }];
    });
    return {
      claimed: sum(all.map((month) => month.claimed)),
      notStated: sum(all.map((month) => month.notStated)),
      ours: sum(all.map((month) => month.ours)),
      gap: sum(all.map((month) => month.gap)),
      byCause,
      unexplained: sum(all.map((month) => month.unexplained)),
    };
  };
  const lines = CAUSES.flatMap(({ cause }) => {
    const counts = months.flatMap((month) => month.lines.filter((entry) => entry.cause === cause));
    return counts.length === 0
      ? []
      : [{ cause, lines: counts.reduce((added, entry) => added + entry.lines, 0) }];
  });
  return { kpi: gap('kpi'), revenue: gap('revenue'), lines };
}
