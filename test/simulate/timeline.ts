import { JOBS } from '../../jobs/index.ts';
import { day, monthAfter } from '../../samples/months.ts';
import type { Schedule } from '../../src/schedule/schedule.ts';
import { type Fault, faultsOf } from './faults.ts';
import type { Story, StoryEvent } from './story.ts';

/** What people do on some days, whatever happens. */
type Chore = { readonly at: string } & { readonly what: 'answers' | 'decides' | 'restates' };
export type Event = StoryEvent | Fault | Chore;

const AROUND_DUE_MS = [-30_000, 0];

const chores = (cycle: string): Chore[] => [
  { at: `${day(cycle, 8)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 17)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 20)}T12:00:00.000Z`, what: 'decides' },
  { at: `${day(cycle, 20)}T12:00:00.000Z`, what: 'answers' },
  { at: `${day(cycle, 24)}T12:00:00.000Z`, what: 'restates' },
  { at: `${day(cycle, 24)}T12:00:00.000Z`, what: 'answers' },
];

/** The instants of a month at which something happens, each with what happens then: events, and what is due by a schedule. */
export class Timeline {
  readonly #cycle: string;
  readonly #events: readonly Event[];
  readonly #end: number;
  #now: number;

  constructor(story: Story, seed: number, index: number) {
    const cycle = story.cycles[index]!;
    const [first, end] = [cycle, monthAfter(cycle, 1)].map((month) => `${month}-01T00:00:00.000Z`);
    this.#cycle = cycle;
    this.#events = [
      ...story.events.filter(({ at }) => at >= first! && at < end!),
      ...faultsOf(seed, cycle, index),
      ...chores(cycle),
    ];
    this.#now = Date.parse(first!) - 1;
    this.#end = Date.parse(end!);
  }

  /** The next instant; undefined when the month is over. The schedule may be another one each time. */
  next(schedule: Schedule): { readonly at: number; readonly events: readonly Event[] } | undefined {
    const dues = [-1, 0, 1].flatMap((months) =>
      JOBS.map(({ name }) => Date.parse(schedule.dates(name, monthAfter(this.#cycle, months)).due)),
    );
    const at = Math.min(
      ...[
        ...dues.flatMap((due) => AROUND_DUE_MS.map((around) => due + around)),
        ...this.#events.map((event) => Date.parse(event.at)),
      ].filter((instant) => instant > this.#now),
    );
    if (at >= this.#end) return undefined;
    this.#now = at;
    return { at, events: this.#events.filter((event) => Date.parse(event.at) === at) };
  }
}
