import type { Settings } from './config.ts';
import type { Database, Sql, Tables, Workbooks } from './ports.ts';
import type { When } from './schedule/dates.ts';
import type { Schedule } from './schedule/schedule.ts';

/**
 * A failure that a person can act on. The message says what was seen, what was wanted and what to do next.
 * `machine`: repair the machine and repeat (exit 1). `request`: change the command or configuration (exit 2).
 */
export class LkpError extends Error {
  override readonly name = 'LkpError';
  readonly code: 'machine' | 'request';
  constructor(code: 'machine' | 'request', message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Raised to leave a transaction whose work is not to be kept; carries what the work found. */
export class Unkept extends Error {
  readonly result: unknown;
  constructor(result: unknown) {
    super('not kept');
    this.result = result;
  }
}

/** Runs `work` in a transaction that is always rolled back, and returns what it found. */
export async function onlyAsked<T>(
  context: Pick<Context, 'db'>,
  name: string,
  work: (tx: Sql) => Promise<T>,
): Promise<T> {
  try {
    return await context.db.transaction(name, async (tx): Promise<T> => {
      throw new Unkept(await work(tx));
    });
  } catch (error) {
    if (error instanceof Unkept) return error.result as T;
    throw error;
  }
}

/** What every subject is handed. `app.ts` builds it; nothing else does. */
export interface Context {
  readonly db: Database;
  readonly tables: Tables;
  readonly workbooks: Workbooks;
  readonly settings: Settings;
  /** When jobs are due. */
  readonly schedule: Schedule;
  /** The clock, as an ISO 8601 instant in UTC. A simulation passes its own. */
  readonly now: () => string;
  /** Whether `now` is a simulation's. Where it is not, the calendar goes by the database's clock. */
  readonly simulated?: boolean;
  /** Tells a person at a terminal how far long work has come; silent in a pipe. */
  readonly progress: (text: string) => void;
}

/** How a job ended: `done`, or `asks` when it is done and left work for a person (exit 3). */
export type Outcome = 'done' | 'asks';

/** Which part of a job's run: from 1, of so many. 1 of 1 is the whole. */
export interface Part {
  readonly part: number;
  readonly parts: number;
  /** How late the calendar began it, in words: `3 days`. Absent: in time, or asked for by a person. */
  readonly lateBy?: string;
  /** The last change that it is to know: an attempt that repeats another one knows what that one knew. Absent: the newest. */
  readonly cutoff?: string;
}

export const WHOLE: Part = { part: 1, parts: 1 };

/** The end of what a job says, when it is late. */
export const lateWords = ({ lateBy }: Part): string => (lateBy === undefined ? '' : `; late by ${lateBy}`);

/** The smallest step of the month. */
export interface Job {
  readonly name: string;
  /** One sentence for the reader of `lkp calendar`. */
  readonly why: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  /** Jobs of the same cycle that must be done before, with all their parts. */
  readonly after: readonly string[];
  /** The day of a cycle on which it is due, unless the schedule file says otherwise. */
  readonly when: When;
  /** How many parts a cycle's run has that workers may share; 1 when absent. */
  readonly parts?: number;
  readonly run: (
    context: Context,
    cycle: string,
    part: Part,
  ) => Promise<{ readonly outcome: Outcome; readonly says: string }>;
}

/**
 * Takes the next change number. Call it as late in the transaction as the facts allow: it holds the counter's
 * row lock until commit, which is what keeps numbers in commit order. `asked` is what else it takes to do it again.
 */
export async function nextChange(
  tx: Sql,
  context: Pick<Context, 'now' | 'settings'>,
  change: { kind: string; sha256?: string; reason?: string; asked?: object },
): Promise<string> {
  await tx.set({ now: context.now() });
  const { no } = await tx.one<{ no: string }>('select next_change($1, $2, $3, $4, $5) as no', [
    change.kind,
    change.sha256 ?? null,
    context.settings.LKP_ACTOR,
    change.reason ?? null,
    change.asked === undefined ? null : JSON.stringify(change.asked),
  ]);
  return no;
}
