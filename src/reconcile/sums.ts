import { sum } from '../money.ts';
import { agrees, type Figures, type Stated } from './compare.ts';

type Line = Stated & { readonly month: string; readonly typeKey: string };
type OurLine = Figures & { readonly kpiMonth: string; readonly typeKey: string };

/**
 * Takes what adds up out of `left`: an invoice that the claim has as one line a month and type, or one line a month; or a
 * line of ours that it has in parts. Only all lines of a side together: any few of them would add up to something.
 */
export function takeSums<C extends Line, O extends OurLine>(left: {
  readonly claimed: C[];
  readonly ours: O[];
}): Array<{ claimed: C[]; ours: O[] }> {
  const keys: Array<(month: string, type: string) => string> = [
    (month, type) => `${month} ${type}`,
    (month) => month,
  ];
  return keys.flatMap((keyOf) => {
    const claimed = grouped(left.claimed, (line) => keyOf(line.month, line.typeKey));
    const ours = grouped(left.ours, (line) => keyOf(line.kpiMonth, line.typeKey));
    const found = [...claimed].flatMap(([key, lines]) => {
      const others = ours.get(key) ?? [];
      const isOneToMany = lines.length === 1 ? others.length > 1 : others.length === 1;
      return isOneToMany && agrees(statedTotal(lines), total(others))
        ? [{ claimed: lines, ours: others }]
        : [];
    });
    keep(left.claimed, new Set(found.flatMap((group) => group.claimed)));
    keep(left.ours, new Set(found.flatMap((group) => group.ours)));
    return found;
  });
}

function grouped<T>(lines: readonly T[], keyOf: (line: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const line of lines) {
    const group = groups.get(keyOf(line));
    if (group) group.push(line);
    else groups.set(keyOf(line), [line]);
  }
  return groups;
}

/** Leaves what is not taken. */
function keep<T>(list: T[], taken: ReadonlySet<T>): void {
  if (taken.size > 0) list.splice(0, list.length, ...list.filter((item) => !taken.has(item)));
}

/** Adds up; a figure that one of them lacks is lacking. */
export function total(lines: readonly Figures[]): Figures {
  const all = (name: keyof Figures): string | null => {
    const figures = lines.map((line) => line[name]).filter((figure) => figure !== null);
    return figures.length === lines.length ? sum(figures) : null;
  };
  return { units: all('units'), kpi: all('kpi'), revenue: all('revenue') };
}

function statedTotal(lines: readonly Stated[]): Stated {
  const digits = (name: keyof Figures): number => Math.min(...lines.map((line) => line.digits[name]));
  return {
    ...total(lines),
    digits: { units: digits('units'), kpi: digits('kpi'), revenue: digits('revenue') },
  };
}
