import {
  createPostgresBackend,
  type Job,
  Queue as RedisQueue,
  Worker as RedisWorker,
  withBackend,
} from 'bullmq';
import { LkpError } from '../job.ts';

const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createPostgresBackend);

const NAME = 'lkp';
const VERSION = 1;
const READY_WITHIN_MS = 10_000;
/** With these a killed worker's message comes back after 15 s, measured; with the defaults after 60 s. */
const LOCK_MS = 15_000;
const STALLED_MS = 5_000;
/** How often a message may outlive its worker: deploys kill workers too. Our ledger counts the attempts. */
const STALLED_TIMES = 3;

/** What travels: ids only. The ledger in the database has the facts. */
interface Payload {
  readonly v: typeof VERSION;
  readonly occurrence: string;
  readonly attempt: number;
}

/** Does what the ledger says about `occurrence`. `signal` aborts when another worker may have taken the message over. */
export type Handler = (occurrence: string, attempt: number, signal: AbortSignal) => Promise<void>;

/** A nudge to do an occurrence now. Losing every message loses nothing: the scheduler sends them again. */
export interface Queue {
  /** Sends a nudge; a no-op while the same one (occurrence and attempt) is still waiting or being worked on. */
  send(occurrence: string, attempt: number): Promise<void>;
  /** Hands each message to `handler`, `concurrency` at a time. A handler that throws is told to `onError`, not retried. */
  work(handler: Handler, options: { readonly concurrency: number }): Promise<Working>;
  /** Ends the workers (see Working.close), then the connections. Leaves nothing open. */
  close(): Promise<void>;
}

export interface Working {
  /** Takes no more messages and waits for the handlers that run. */
  close(): Promise<void>;
}

export interface Options {
  /** Hears of failed messages and lost connections. A lost connection is tried again by itself. */
  onError(error: Error): void;
}

/**
 * Opens the queue at `url`: `redis://` or `rediss://` for Redis or Valkey, `postgres://` for the schema `bullmq` of
 * that database, which is made or brought up to date here. Throws LkpError('machine') when it is not there within 10 s.
 */
export async function openQueue(url: string, { onError }: Options): Promise<Queue> {
  const backend = /^rediss?:/.test(url) ? redis(url) : postgres(url);
  const queue = backend.queue();
  await ready(queue, url, onError);
  const workers = new Set<Working>();
  return {
    send: async (occurrence, attempt) => {
      const payload: Payload = { v: VERSION, occurrence, attempt };
      // Nothing is kept of a message that is done with: its id must be free when the ledger sends it again.
      await queue.add('occurrence', payload, {
        jobId: `o${occurrence}-a${attempt}`,
        attempts: 1,
        removeOnComplete: true,
        removeOnFail: true,
      });
    },
    work: async (handler, { concurrency }) => {
      const worker = backend.worker((job, _token, signal) => handled(job, handler, signal), concurrency);
      worker.on('failed', (job, error) => onError(failedMessage(job, error)));
      // Without this a handler whose message was given to another worker would run on beside it.
      worker.on('lockRenewalFailed', (ids) => {
        for (const id of ids) worker.cancelJob(id, 'its lock was lost; another worker may have it');
      });
      await ready(worker, url, onError);
      worker.run().catch(onError);
      const working = { close: () => worker.close() };
      workers.add(working);
      return working;
    },
    close: async () => {
      await Promise.all([...workers].map((working) => working.close()));
      await queue.close();
    },
  };
}

type Processor = (
  job: Job<Payload>,
  token: string | undefined,
  signal: AbortSignal | undefined,
) => Promise<void>;

const ATTENTION = {
  lockDuration: LOCK_MS,
  stalledInterval: STALLED_MS,
  maxStalledCount: STALLED_TIMES,
  // We start it once its connection stands: a worker made while the server is away never recovers.
  autorun: false,
} as const;

function redis(url: string) {
  return {
    // Whoever sends would rather hear that Redis is away than wait: the ledger sends again.
    queue: () => new RedisQueue<Payload>(NAME, { connection: { url, maxRetriesPerRequest: 1 } }),
    worker: (processor: Processor, concurrency: number) =>
      new RedisWorker<Payload>(NAME, processor, {
        ...ATTENTION,
        concurrency,
        connection: { url, maxRetriesPerRequest: null },
      }),
  };
}

function postgres(url: string) {
  const connection = {
    ...connectionOf(url),
    schema: 'bullmq',
    application_name: 'lkp queue',
    connectionTimeoutMillis: READY_WITHIN_MS,
  };
  return {
    queue: () => new PostgresQueue<Payload>(NAME, { connection: { ...connection, max: 2, migrate: true } }),
    worker: (processor: Processor, concurrency: number) =>
      new PostgresWorker<Payload>(NAME, processor, {
        ...ATTENTION,
        concurrency,
        connection: { ...connection, max: 3 },
      }),
  };
}

/** BullMQ names its schema in `options`, which a URL's own `options` would replace: they go beside it. */
function connectionOf(url: string): { connectionString: string; options?: string } {
  const parsed = new URL(url);
  const options = parsed.searchParams.get('options');
  parsed.searchParams.delete('options');
  return { connectionString: parsed.href, ...(options && { options }) };
}

async function handled(job: Job<Payload>, handler: Handler, signal: AbortSignal | undefined): Promise<void> {
  const { v, occurrence, attempt } = job.data;
  if (v !== VERSION || typeof occurrence !== 'string' || typeof attempt !== 'number') {
    throw new Error(
      `not a message of this version (v ${JSON.stringify(v)}, wanted ${VERSION}): run the same lkp version everywhere; ` +
        'the scheduler sends it again',
    );
  }
  await handler(occurrence, attempt, signal ?? new AbortController().signal);
}

function failedMessage(job: { id?: string } | undefined, cause: Error): Error {
  return new Error(`message ${job?.id ?? 'of a worker that died'}: ${cause.message}`, { cause });
}

interface Connecting {
  on(event: 'error', listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * A connection that is not there at the start is not waited for: neither backend would ever say so. From then on its
 * errors go to `onError`.
 */
async function ready(side: Connecting, url: string, onError: (error: Error) => void): Promise<void> {
  let stands = false;
  let last: Error | undefined;
  side.on('error', (error) => {
    if (stands) onError(error);
    else last = error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(last ?? new Error(`nothing for ${READY_WITHIN_MS / 1000} s`)),
      READY_WITHIN_MS,
    );
  });
  try {
    await Promise.race([side.waitUntilReady(), late]);
    stands = true;
  } catch (error) {
    const cause = error as Error & { code?: string };
    // Drops a connection that never stood; what it says on the way adds nothing to the cause.
    await Promise.allSettled([side.close()]);
    throw new LkpError(
      'machine',
      `The queue at ${placeOf(url)} does not answer (${cause.message || cause.code}). Start it or correct QUEUE_URL; ` +
        'without QUEUE_URL the database is the queue.',
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** The address without its password. */
function placeOf(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url);
  return `${protocol}//${decodeURIComponent(hostname)}${port && `:${port}`}${pathname}`;
}
