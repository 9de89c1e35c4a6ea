import type { Job } from 'bullmq';
import { LkpError } from '../job.ts';
import { within } from '../within.ts';
import { type Backend, type Payload, postgres, redis, type Sender, VERSION } from './backends.ts';
import { absent, dropped, type Ends, isConnectionLoss, placeOf, ready } from './standing.ts';

/** How often the connections are looked after, and how long an answer may take. */
const BEAT_MS = 5_000;
const ANSWER_WITHIN_MS = 5_000;
/** A worker that leaves waiting messages alone for so many looks in a row has gone deaf. */
const DEAF_AFTER_BEATS = 3;

/** A nudge: look at `occurrence`, of which `attempt` attempts were made. The ledger in the database has the facts. */
export interface Message {
  readonly occurrence: string;
  readonly attempt: number;
  /** Why and for whom it was sent; recorded with the run. */
  readonly reason: string;
  readonly actor: string;
}

/** Does what the ledger says. `signal` aborts when another worker may have taken the message over. */
export type Handler = (message: Message, signal: AbortSignal) => Promise<void>;

export interface WorkOptions {
  readonly concurrency: number;
  /** Answers a heartbeat. */
  readonly heartbeat?: () => Promise<void>;
}

/** Losing every message loses nothing: the scheduler sends them again. */
export interface Queue {
  /** Sends a nudge; a no-op while the same one (occurrence and attempt) is still waiting or being worked on. */
  send(message: Message): Promise<void>;
  /** Asks whoever works for a sign of life, before all that waits; a no-op while the last one still waits. */
  sendHeartbeat(): Promise<void>;
  /**
   * Hands each message to `handler`, `concurrency` at a time; a heartbeat counts as one. A handler that throws is told to
   * `onError`, not retried.
   */
  work(handler: Handler, options: WorkOptions): Promise<void>;
  /** Whether the connections stood at the last look at them, at most 10 s ago. */
  stands(): boolean;
  /** Takes no more messages, waits for the handlers that run, then ends the connections. Leaves nothing open. */
  close(): Promise<void>;
}

export interface Options {
  /** Hears of failed messages and lost connections. A lost connection is tried again by itself. */
  onError(error: Error): void;
  /** Hears that a lost connection stands again. */
  onBack?(): void;
}

/**
 * Opens the queue at `url`: `redis://` or `rediss://` for Redis or Valkey, `postgres://` for the schema `bullmq` of
 * that database, which is made or brought up to date here. Throws LkpError: `machine` when it is not there within
 * 10 s, `request` when it is a Redis that cannot be trusted with messages.
 */
export async function openQueue(url: string, options: Options): Promise<Queue> {
  const queue = new LookedAfter(url, options);
  await queue.open();
  return queue;
}

/** A worker of BullMQ and what it has done, so that a deaf one can be told from an idle one. */
interface Crew {
  readonly handler: Handler;
  readonly concurrency: number;
  readonly heartbeat: () => Promise<void>;
  worker: Ends | undefined;
  readonly busy: Set<Promise<void>>;
  taken: number;
  takenBefore: number;
  idleBeats: number;
}

/**
 * BullMQ's connections, replaced when they were lost. BullMQ finds its way back after a refused or reset connection. After
 * one that goes silent (a firewall that forgets it) it does not on Redis, and takes 55 s on PostgreSQL, measured; and a
 * PostgreSQL side built while its server is away goes on with `isRunning()` true and does nothing. So a beat asks how
 * many messages wait. Without an answer the service is away, and everything is built anew until that succeeds. When
 * messages wait and a free worker takes none, that worker is built anew.
 */
class LookedAfter implements Queue {
  readonly #url: string;
  readonly #options: Options;
  readonly #backend: Backend;
  readonly #crews: Crew[] = [];
  #sender: Sender | undefined;
  #beat: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #away = false;
  #closed: Promise<void> | undefined;

  constructor(url: string, options: Options) {
    this.#url = url;
    this.#options = options;
    this.#backend = /^rediss?:/.test(url) ? redis(url) : postgres(url);
  }

  async open(): Promise<void> {
    await this.#connect();
    this.#beat = setInterval(() => {
      this.#beating = this.#beating.then(() => this.#lookAfter());
    }, BEAT_MS);
  }

  async send(message: Message): Promise<void> {
    const { occurrence, attempt, reason, actor } = message;
    const payload: Payload = { v: VERSION, occurrence, attempt, reason, actor };
    await within(
      ANSWER_WITHIN_MS,
      this.#sender!.add('occurrence', payload, { ...ONCE, jobId: `o${occurrence}-a${attempt}` }),
    );
  }

  async sendHeartbeat(): Promise<void> {
    await within(
      ANSWER_WITHIN_MS,
      this.#sender!.add(
        'heartbeat',
        { v: VERSION, kind: 'heartbeat' },
        { ...ONCE, jobId: 'heartbeat', lifo: true },
      ),
    );
  }

  stands(): boolean {
    return !this.#away && !this.#closed;
  }

  async work(
    handler: Handler,
    { concurrency, heartbeat = async () => undefined }: WorkOptions,
  ): Promise<void> {
    const crew: Crew = {
      handler,
      concurrency,
      heartbeat,
      worker: undefined,
      busy: new Set(),
      taken: 0,
      takenBefore: 0,
      idleBeats: 0,
    };
    await this.#hire(crew);
    this.#crews.push(crew);
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      clearInterval(this.#beat);
      await this.#beating;
      // Close first (it takes no more), then wait for the handlers here: those of replaced workers count too.
      const closing = this.#crews.map(({ worker }) => worker?.close());
      await Promise.all(this.#crews.flatMap(({ busy }) => [...busy]));
      await Promise.all(closing.map((closed, index) => dropped(closed, this.#crews[index]!.worker)));
      await dropped(this.#sender?.close(), undefined);
    })();
    return this.#closed;
  }

  async #connect(): Promise<void> {
    const place = placeOf(this.#url);
    await this.#backend.suitable(place).catch((error: unknown) => {
      throw error instanceof LkpError ? error : absent(error, place);
    });
    const sender = this.#backend.queue();
    await ready(sender, place, (error) => this.#heard(error));
    this.#sender = sender;
  }

  async #hire(crew: Crew): Promise<void> {
    const worker = this.#backend.worker((job, _token, signal) => {
      const work = handled(job, crew, signal);
      // How it failed is said where the queue says it (`failed`); here it only counts as busy until then.
      const settled = work.catch(() => undefined).finally(() => crew.busy.delete(settled));
      crew.busy.add(settled);
      crew.taken += 1;
      return work;
    }, crew.concurrency);
    worker.on('failed', (job, error) => this.#options.onError(failedMessage(job, error)));
    // Without this a handler whose message was given to another worker would run on beside it.
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, 'its lock was lost; another worker may have it');
    });
    await ready(worker, placeOf(this.#url), (error) => this.#heard(error));
    worker.run().catch((error: Error) => this.#heard(error));
    const old = crew.worker;
    crew.worker = worker;
    crew.idleBeats = 0;
    // Its running handlers go on; the ledger's fence holds them, not BullMQ's lock. It is given up because it is deaf: that
    // it cannot be closed properly is no news.
    void old?.close().catch(() => undefined);
  }

  async #lookAfter(): Promise<void> {
    try {
      if (this.#away) {
        // Not over the old connections: one that was lost in silence never answers again.
        await this.#rebuild();
        this.#away = false;
        this.#options.onBack?.();
        return;
      }
      const waiting = await within(ANSWER_WITHIN_MS, this.#sender!.getWaitingCount());
      for (const crew of this.#crews) if (isDeaf(crew, waiting)) await this.#hire(crew);
    } catch (error) {
      if (!this.#away) this.#options.onError(absent(error, placeOf(this.#url)));
      this.#away = true;
    }
  }

  async #rebuild(): Promise<void> {
    const old = this.#sender;
    await this.#connect();
    // Its connection is the one that was lost.
    void old?.close().catch(() => undefined);
    for (const crew of this.#crews) await this.#hire(crew);
  }

  /** One voice for one outage: the beat tells it, and BullMQ's many errors on the way add nothing. */
  #heard(error: Error): void {
    if (this.#away || this.#closed || isConnectionLoss(error)) return;
    this.#options.onError(error);
  }
}

function isDeaf(crew: Crew, waiting: number): boolean {
  const idle = waiting > 0 && crew.busy.size < crew.concurrency && crew.taken === crew.takenBefore;
  crew.takenBefore = crew.taken;
  crew.idleBeats = idle ? crew.idleBeats + 1 : 0;
  return crew.idleBeats >= DEAF_AFTER_BEATS;
}

/** Nothing is kept of a message that is done with: its id must be free when it is sent again. */
const ONCE = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

async function handled(
  job: Job<Payload>,
  { handler, heartbeat }: Crew,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { v, kind, occurrence, attempt, reason, actor }: Partial<Message> & { v: unknown; kind?: string } =
    job.data;
  if (v === VERSION && kind === 'heartbeat') return heartbeat();
  const whole =
    typeof occurrence === 'string' &&
    typeof attempt === 'number' &&
    typeof reason === 'string' &&
    typeof actor === 'string';
  if (v !== VERSION || !whole) {
    throw new Error(
      `not a message of this version (v ${JSON.stringify(v)}, wanted ${VERSION}): run the same lkp version everywhere; ` +
        'the scheduler sends it again',
    );
  }
  await handler({ occurrence, attempt, reason, actor }, signal ?? new AbortController().signal);
}

function failedMessage(job: { id?: string } | undefined, cause: Error): Error {
  return new Error(`message ${job?.id ?? 'of a worker that died'}: ${cause.message}`, { cause });
}
