import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What the ledger says, in the shape of src/vitals.ts. */
export interface Figures {
  readonly occurrences: Readonly<Record<string, number>>;
  readonly successes: ReadonlyArray<{ readonly job: string; readonly at: number; readonly age: number }>;
  readonly deadlines: ReadonlyArray<{
    readonly job: string;
    readonly cycle: string;
    readonly remaining: number;
  }>;
  readonly paused: boolean;
  readonly undelivered: number;
  readonly roundTrip: number | null;
}

/** What a process knows at a scrape. What is undefined could not be had, and is left out: nothing old is told as new. */
export interface Known {
  readonly databaseUp: boolean;
  readonly queueUp: boolean;
  readonly figures: Figures | undefined;
  readonly rows: { readonly quarantined: number; readonly rejected: number } | undefined;
}

/** A refresh of a small month takes 1 s, of 10 million lines many minutes. */
const DURATIONS_S = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 7200];

/** The metrics of one process. docs/operating.md has a table of those that begin with lkp_; a test compares the two. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers: [this.#registry] });

  readonly #databaseUp = this.#gauge(
    'lkp_database_up',
    '1 when the database has just answered this process.',
  );
  readonly #queueUp = this.#gauge('lkp_queue_up', '1 when the queue answered this process at the last look.');
  readonly #roundTrip = this.#gauge(
    'lkp_queue_round_trip_age_seconds',
    'Seconds since a worker answered a heartbeat on the queue.',
  );
  readonly #successAt = this.#gauge(
    'lkp_job_last_success_timestamp_seconds',
    'When a job of the calendar last ended well, in seconds since 1970.',
    ['job'],
  );
  readonly #successAge = this.#gauge(
    'lkp_job_last_success_age_seconds',
    'Seconds since a job of the calendar last ended well.',
    ['job'],
  );
  readonly #remaining = this.#gauge(
    'lkp_job_deadline_remaining_seconds',
    'Seconds until the deadline of the oldest cycle that a job has still to do; negative when overdue.',
    ['job', 'cycle'],
  );
  readonly #occurrences = this.#gauge('lkp_occurrences', 'Jobs of cycles in the ledger, by state.', [
    'state',
  ]);
  readonly #rows = this.#gauge('lkp_rows_waiting', 'Rows of source data that wait for a person.', ['what']);
  readonly #paused = this.#gauge('lkp_calendar_paused', '1 while the calendar is paused.');
  readonly #undelivered = this.#gauge('lkp_alerts_undelivered', 'Alerts still on their way to a target.');
  readonly #duration = new Histogram({
    name: 'lkp_run_duration_seconds',
    help: 'How long the attempts of this process took.',
    labelNames: ['job'],
    buckets: DURATIONS_S,
    registers: [this.#registry],
  });
  readonly #attempts = new Counter({
    name: 'lkp_attempts_total',
    help: 'Attempts that ended in this process.',
    labelNames: ['job', 'outcome'],
    registers: [this.#registry],
  });

  constructor(version: string) {
    this.#gauge('lkp_build_info', 'Always 1; says which version runs.', ['version']).set({ version }, 1);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** An attempt of a job began; the returned function hears how it ended. */
  begun(job: string): (outcome: string) => void {
    const end = this.#duration.startTimer({ job });
    return (outcome) => {
      end();
      this.#attempts.inc({ job, outcome });
    };
  }

  /** All of them, in the text format of Prometheus. */
  async text({ databaseUp, queueUp, figures, rows }: Known): Promise<string> {
    this.#databaseUp.set(databaseUp ? 1 : 0);
    this.#queueUp.set(queueUp ? 1 : 0);
    for (const gauge of [this.#successAt, this.#successAge, this.#remaining, this.#occurrences, this.#rows])
      gauge.reset();
    for (const gauge of [this.#roundTrip, this.#paused, this.#undelivered]) gauge.remove();
    if (figures) this.#tell(figures);
    for (const [what, count] of Object.entries(rows ?? {})) this.#rows.set({ what }, count);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #tell(figures: Figures): void {
    for (const [state, count] of Object.entries(figures.occurrences)) this.#occurrences.set({ state }, count);
    for (const { job, at, age } of figures.successes) {
      this.#successAt.set({ job }, at);
      this.#successAge.set({ job }, age);
    }
    for (const { job, cycle, remaining } of figures.deadlines) this.#remaining.set({ job, cycle }, remaining);
    this.#paused.set(figures.paused ? 1 : 0);
    this.#undelivered.set(figures.undelivered);
    if (figures.roundTrip !== null) this.#roundTrip.set(figures.roundTrip);
  }
}
