import type { App } from './app.ts';
import type { Log } from './log.ts';
import type { Sql } from './ports.ts';

/** So far apart, the clocks of this machine and of the database are worth a line; and so far, nobody knows which is right. */
const WORTH_A_LINE_MS = 5_000;
const NOT_TRUSTED_MS = 86_400_000;

/** Now, in UTC, by the database's clock, so that all who look agree; or by a simulation's own. */
export const sharedNow = async (tx: Sql, app: Pick<App, 'now' | 'simulated'>): Promise<string> =>
  app.simulated ? app.now() : (await tx.one<{ now: string }>('select clock_timestamp() as now')).now;

/**
 * The clock that the calendar goes by: the database's, so that all schedulers agree and a jump of this machine's clock
 * changes nothing; or a simulation's own. Tells each trouble once, and its end.
 */
export class CalendarClock {
  readonly #app: Pick<App, 'now' | 'simulated'>;
  readonly #log: Log;
  #trouble: 'none' | 'apart' | 'not trusted' = 'none';

  constructor(app: Pick<App, 'now' | 'simulated'>, log: Log) {
    this.#app = app;
    this.#log = log;
  }

  /** Now, in UTC; undefined while the clocks are more than a day apart, when nothing may be decided by either. */
  async read(tx: Sql): Promise<string | undefined> {
    if (this.#app.simulated) return this.#app.now();
    const before = Date.parse(this.#app.now());
    const { now } = await tx.one<{ now: string }>('select clock_timestamp() as now');
    const after = Date.parse(this.#app.now());
    // The answer was made some time between asking and hearing.
    const apart = Math.max(before - Date.parse(now), Date.parse(now) - after);
    this.#tell(apart);
    return apart > NOT_TRUSTED_MS ? undefined : now;
  }

  #tell(apart: number): void {
    const trouble = apart > NOT_TRUSTED_MS ? 'not trusted' : apart > WORTH_A_LINE_MS ? 'apart' : 'none';
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    const seconds = Math.round(apart / 1000);
    if (trouble === 'not trusted')
      this.#log.error(
        `the clocks of this machine and of the database are ${seconds} s apart: the calendar plans and sends nothing until they agree. Set both by NTP`,
      );
    else if (trouble === 'apart')
      this.#log.warn(
        `the clocks of this machine and of the database are ${seconds} s apart; the calendar goes by the database's. Set both by NTP`,
      );
    else this.#log.warn('the clocks of this machine and of the database agree again');
  }
}
