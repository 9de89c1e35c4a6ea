import {
  createPostgresBackend,
  type Job,
  Queue as RedisQueue,
  Worker as RedisWorker,
  withBackend,
} from 'bullmq';
import type { Message } from './queue.ts';
import { suitable } from './redis.ts';
import { READY_WITHIN_MS } from './standing.ts';

const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createPostgresBackend);

const NAME = 'lkp';
export const VERSION = 1;
/** With these a killed worker's message comes back after 15 s, measured; with the defaults after 60 s. */
const LOCK_MS = 15_000;
const STALLED_MS = 5_000;
/** How often a message may outlive its worker: deploys kill workers too. Our ledger counts the attempts. */
const STALLED_TIMES = 3;

/** A nudge, as every version sends it, or a heartbeat, which only asks whether somebody answers. */
export type Payload = { readonly v: typeof VERSION } & (Message | { readonly kind: 'heartbeat' });

export type Backend = ReturnType<typeof redis> | ReturnType<typeof postgres>;
export type Sender = ReturnType<Backend['queue']>;

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

export function redis(url: string) {
  return {
    suitable: (place: string) => suitable(url, place, READY_WITHIN_MS),
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

export function postgres(url: string) {
  const connection = {
    ...connectionOf(url),
    schema: 'bullmq',
    application_name: 'lkp queue',
    connectionTimeoutMillis: READY_WITHIN_MS,
  };
  return {
    // `openDatabase` looks at servers; a queue in another database than the ledger's needs no more than BullMQ checks.
    suitable: async (_place: string) => undefined,
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
