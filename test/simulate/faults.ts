import { day, monthAfter } from '../../samples/months.ts';
import { type Draw, drawFrom } from '../../samples/random.ts';
import { hashOf } from './troubles.ts';

/** What befalls the installation, by seed, month by month. `next` things happen when the next jobs are sent. */
export const MISHAPS = [
  'messages lost',
  'sessions ended',
  'queue away',
  'workers restarted',
  'worker killed',
] as const;
export type Mishap = (typeof MISHAPS)[number];

export type Fault = { readonly at: string } & (
  | { readonly what: 'schedulers stop' | 'pause' | 'resume' | 'cancel' }
  | { readonly what: 'schedulers start'; readonly fast: readonly number[] }
  | { readonly what: 'next'; readonly mishap: Mishap }
  | { readonly what: 'zone'; readonly zone: string }
  /** The clock reads so many minutes more for a while, or fewer. */
  | { readonly what: 'clock jumps'; readonly minutes: number }
);

const ZONES = [
  'UTC',
  'Asia/Tokyo',
  'America/Los_Angeles',
  'Europe/Madrid',
  'Pacific/Auckland',
  'America/Sao_Paulo',
];
const HOUR = 3_600_000;
const MOST_FAST_MS = 60_000;
const KILL_EVERY = 5;

/** The faults of a cycle's month. */
export function faultsOf(seed: number, cycle: string, index: number): Fault[] {
  const draw = drawFrom(hashOf(`${seed} faults ${cycle}`));
  const hour = (date: string): string => `${date}T${String(draw.integer(0, 23)).padStart(2, '0')}:17:00.000Z`;
  const faults: Fault[] = [];
  const [start] = [hour(day(cycle, 1))];
  faults.push({ at: start, what: 'schedulers start', fast: clocksOf(draw) });

  if (draw.chance(1, 2)) {
    // Over the 15th, the 16th or the 21st; sometimes over all of them.
    const at = Date.parse(hour(day(cycle, draw.integer(5, 21))));
    const hours = draw.chance(1, 3) ? draw.integer(24 * 4, 24 * 10) : draw.integer(3, 40);
    faults.push({ at: new Date(at).toISOString(), what: 'schedulers stop' });
    faults.push({
      at: new Date(at + hours * HOUR).toISOString(),
      what: 'schedulers start',
      fast: clocksOf(draw),
    });
  } else if (draw.chance(1, 3)) {
    const [from, to] = [draw.integer(12, 16), draw.integer(17, 23)];
    faults.push({ at: hour(day(cycle, from)), what: 'pause' }, { at: hour(day(cycle, to)), what: 'resume' });
  }
  if (draw.chance(1, 6)) faults.push({ at: hour(day(cycle, 15)), what: 'cancel' });
  if (draw.chance(2, 3)) {
    const dates = [13, 15, 20].filter(() => draw.chance(1, 2));
    for (const date of dates)
      faults.push({ at: hour(day(cycle, date)), what: 'next', mishap: draw.pick(MISHAPS.slice(0, -1)) });
  }
  if (index % KILL_EVERY === 2)
    faults.push({ at: hour(day(cycle, draw.pick([13, 15, 20]))), what: 'next', mishap: 'worker killed' });
  if (draw.chance(1, 5))
    faults.push({ at: hour(day(cycle, draw.pick([1, 14, 15]))), what: 'zone', zone: draw.pick(ZONES) });
  if (draw.chance(1, 2)) {
    const minutes = draw.chance(1, 2) ? -draw.integer(5, 60) : draw.integer(60, 360);
    faults.push({ at: hour(day(cycle, draw.pick([14, 15, 16, 21]))), what: 'clock jumps', minutes });
  }
  const end = `${monthAfter(cycle, 1)}-01T00:00:00.000Z`;
  // An outage at the end of a month ends with the next one's start.
  return faults.filter(({ at }) => at < end);
}

/** One to three schedulers with clocks up to a minute wrong. */
const clocksOf = (draw: Draw): number[] =>
  Array.from({ length: draw.integer(1, 3) }, (_, index) =>
    index === 0 ? 0 : draw.integer(-MOST_FAST_MS, MOST_FAST_MS),
  );
