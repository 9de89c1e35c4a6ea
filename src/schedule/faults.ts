import { addMonths } from '../calendar.ts';
import { type LocalDates, NoWorkingDay } from './dates.ts';
import { localDatesOf, type Plan, type Planned } from './plan.ts';

/** What is wrong with a schedule in some month: found now, not in that month. */

/** Where in the file, and what. */
export interface Fault {
  readonly place: readonly string[];
  readonly says: string;
}

/** In 28 years every date falls on every weekday: 2024 to 2051, and whatever other years holidays are listed for. */
const FROM = 2024;
const YEARS = 28;

/** Each fault once, with the first cycle that shows it and how many more do. */
export function faultsOf(jobs: readonly Planned[], plan: Plan): Fault[] {
  const found = new Map<string, { place: readonly string[]; cycle: string; says: string; more: number }>();
  for (const cycle of cyclesFor(plan))
    for (const { place, says, kind } of faultsIn(jobs, plan, cycle)) {
      const known = found.get(kind);
      if (known) known.more += 1;
      else found.set(kind, { place, cycle, says, more: 0 });
    }
  return [...found.values()].map(({ place, cycle, says, more }) => ({
    place,
    says: `${says} (cycle ${cycle}${more > 0 ? `, and ${more} ${more === 1 ? 'other' : 'others'}` : ''})`,
  }));
}

function cyclesFor({ working }: Plan): string[] {
  const years = new Set(Array.from({ length: YEARS }, (_, index) => FROM + index));
  for (const day of working.holidays.keys()) years.add(Number(day.slice(0, 4)));
  return [...years].flatMap((year) =>
    Array.from({ length: 12 }, (_, month) => addMonths(`${String(year).padStart(4, '0')}-01`, month)),
  );
}

function* faultsIn(
  jobs: readonly Planned[],
  plan: Plan,
  cycle: string,
): Generator<Fault & { readonly kind: string }> {
  const local = localDatesOf(jobs, plan);
  const dates = new Map<string, LocalDates>();
  for (const { name } of jobs) {
    try {
      dates.set(name, local(name, cycle));
    } catch (error) {
      if (!(error instanceof NoWorkingDay)) throw error;
      // Jobs that wait for it are of no use either; one of them says it.
      if (!plan.fixed.has(name)) continue;
      yield {
        kind: `${name} shift`,
        place: ['jobs', name, 'shift'],
        says: `jobs.${name}.shift: ${error.message}`,
      };
    }
  }
  for (const { name, after } of jobs) {
    const mine = dates.get(name);
    if (!mine) continue;
    if (mine.deadline !== undefined && mine.day > mine.deadline)
      yield {
        kind: `${name} deadline`,
        place: ['jobs', name],
        says: `${name} is due on ${mine.day}${saidOf(mine)}, after its deadline ${mine.deadline}; give it an earlier day, the other shift, or a later deadline`,
      };
    for (const before of after) {
      const first = dates.get(before);
      if (!first || momentOf(first) <= momentOf(mine)) continue;
      yield {
        kind: `${name} after ${before}`,
        place: ['jobs', name],
        says: `${name} is due on ${momentOf(mine)}, before ${before} (${momentOf(first)}), for which it waits; give ${name} a later day or time, or ${before} an earlier one`,
      };
    }
  }
}

const momentOf = ({ day, at }: LocalDates): string => `${day} ${at}`;
const saidOf = ({ why, notes }: LocalDates): string => ` (${[why, ...notes].join('; ')})`;
