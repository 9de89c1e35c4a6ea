import { LkpError } from '../job.ts';
import { within } from '../within.ts';

/** Connections that stand, those that do not, and how long that may take to tell. */

export const READY_WITHIN_MS = 10_000;
/** How long a connection may take to close before it is dropped. */
const CLOSE_WITHIN_MS = 3_000;

export interface Ends {
  close(force?: boolean): Promise<void>;
}

export const isConnectionLoss = (error: Error & { code?: string }): boolean =>
  /^(ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|57P0|08)/.test(error.code ?? '') ||
  /connection (is|was )?(closed|terminated)|terminated unexpectedly|max retries per request|timeout/i.test(
    error.message,
  );

/** Waits for a close; a service that is away never answers it, and then the connection is dropped. */
export async function dropped(closing: Promise<void> | undefined, worker: Ends | undefined): Promise<void> {
  if (!closing) return;
  await within(CLOSE_WITHIN_MS, closing).catch(() => void worker?.close(true).catch(() => undefined));
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
export async function ready(side: Connecting, place: string, onError: (error: Error) => void): Promise<void> {
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
    // Drops a connection that never stood; what it says on the way adds nothing to the cause.
    await within(CLOSE_WITHIN_MS, side.close()).catch(() => undefined);
    throw absent(error, place);
  } finally {
    clearTimeout(timer);
  }
}

export function absent(error: unknown, place: string): LkpError {
  const { message, code } = error as Error & { code?: string };
  return new LkpError(
    'machine',
    `The queue at ${place} does not answer (${message || code}). Start it or correct QUEUE_URL; ` +
      'without QUEUE_URL the database is the queue.',
    { cause: error },
  );
}

/** The address without its password. */
export function placeOf(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url);
  return `${protocol}//${decodeURIComponent(hostname)}${port && `:${port}`}${pathname}`;
}
