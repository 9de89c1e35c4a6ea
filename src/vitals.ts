import type { App } from './app.ts';
import { waitingCredits } from './invoice/waiting-credits.ts';
import type { Occurrence } from './ledger.ts';
import type { Database } from './ports.ts';

/** What the database says of the running software: the pulse for readiness, the figures for metrics. */

/** The round trip of the heartbeat, and what keeps workers from answering it. Ages in seconds, by the server's clock. */
export interface Pulse {
  /** Since the last answer; null before the first one. */
  readonly answered: number | null;
  readonly answered_by: string | null;
  /** How long one has waited for its answer; null when none waits. */
  readonly waits: number | null;
  /** Attempts that give signs of life. */
  readonly running: number;
}

/** One cheap query. */
export async function pulseOf(db: Database): Promise<Pulse> {
  const [pulse] = await db.transaction('ready', (tx) =>
    tx.rows<{ answered: string | null; answered_by: string | null; waits: string | null; running: number }>(
      `select extract(epoch from now() - heartbeat.answered_at)::text as answered, heartbeat.answered_by,
              case when heartbeat.answered_at >= heartbeat.sent_at then null
                   else extract(epoch from now() - heartbeat.sent_at)::text end as waits,
              (select count(*)::int from occurrence where state = 'running' and lease_until > now()) as running
       from (select) as always
       left join heartbeat on true`,
    ),
  );
  const { answered, answered_by, waits, running } = pulse!;
  return { answered: numberOf(answered), answered_by, waits: numberOf(waits), running };
}

const numberOf = (text: string | null): number | null => (text === null ? null : Number(text));

export interface Figures {
  readonly occurrences: Readonly<Record<Occurrence['state'], number>>;
  /** The newest success of each job of the calendar. `at` in seconds since 1970; its age by the server's clock. */
  readonly successes: ReadonlyArray<{ job: string; at: number; age: number }>;
  /** Of each job, the deadline of its oldest cycle that is still to be done; `remaining` seconds by the application's clock. */
  readonly deadlines: ReadonlyArray<{ job: string; cycle: string; remaining: number }>;
  readonly paused: boolean;
  readonly undelivered: number;
  /** Seconds since the last heartbeat was answered; null before the first one. */
  readonly roundTrip: number | null;
}

const STATES = { due: 0, enqueued: 0, running: 0, done: 0, failed: 0, waiting: 0, missed: 0, cancelled: 0 };

/** What the calendar has come to, in four cheap queries. */
export const figuresOf = (db: Database, now: App['now']): Promise<Figures> =>
  db.transaction('metrics', async (tx) => {
    const states = await tx.rows<{ state: Occurrence['state']; count: number }>(
      'select state, count(*)::int as count from occurrence group by state',
    );
    const successes = await tx.rows<{ job: string; at: string; age: string }>(
      `select job, extract(epoch from max(ended_at))::text as at, extract(epoch from now() - max(ended_at))::text as age
       from run
       where occurrence_id is not null and outcome in ('done', 'asks') group by job order by job`,
    );
    const deadlines = await tx.rows<{ job: string; cycle: string; remaining: string }>(
      `select distinct on (job) job, cycle, extract(epoch from deadline - $1::timestamptz)::text as remaining
       from occurrence
       where state not in ('done', 'missed', 'cancelled') and deadline is not null order by job, deadline, id`,
      [now()],
    );
    const counts = await tx.one<{
      paused: boolean;
      undelivered: number;
      round_trip: string | null;
    }>(
      `select exists (select from pause where resumed_at is null) as paused,
              (select count(*)::int from alert_delivery
               where delivered_at is null and next_at < 'infinity') as undelivered,
              (select extract(epoch from now() - answered_at)::text from heartbeat) as round_trip`,
    );
    return {
      occurrences: { ...STATES, ...Object.fromEntries(states.map(({ state, count }) => [state, count])) },
      successes: successes.map(({ job, at, age }) => ({ job, at: Number(at), age: Number(age) })),
      deadlines: deadlines.map((row) => ({ ...row, remaining: Number(row.remaining) })),
      paused: counts.paused,
      undelivered: counts.undelivered,
      roundTrip: numberOf(counts.round_trip),
    };
  });

/** Rows of source data that wait for a person: not a cheap question. */
export interface RowsWaiting {
  readonly quarantined: number;
  readonly rejected: number;
}

export const rowsWaitingOf = (db: Database): Promise<RowsWaiting> =>
  db.transaction('rows waiting', async (tx) => {
    const { quarantined, rejected } = await tx.one<RowsWaiting>(
      `select (select count(*)::int from quarantine where ended_no is null)
            + (select count(*)::int from rejection where ended_no is null and held = 'quarantined') as quarantined,
              (select count(*)::int from rejection where ended_no is null and held = 'rejected') as rejected`,
    );
    return { quarantined: quarantined + (await waitingCredits(tx)), rejected };
  });
