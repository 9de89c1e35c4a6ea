import type { App } from './app.ts';
import type { Log } from './log.ts';
import type { Queue } from './queue/queue.ts';

/** How often a scheduler asks. */
const EVERY_MS = 15_000;

/**
 * Sends a heartbeat over the queue that jobs take, at once and every 15 s, until stopped; a worker answers it. What cannot
 * be sent is sent the next time: the look of the scheduler says that a service is away, and readiness shows it.
 */
export function startHeartbeat(app: App, queue: Queue, log: Log): { stop(): void } {
  let asking = false;
  const beat = async () => {
    if (asking) return;
    asking = true;
    await ask(app, queue).catch((error: Error) => log.debug(`no heartbeat could be sent: ${error.message}`));
    asking = false;
  };
  void beat();
  const timer = setInterval(() => void beat(), EVERY_MS);
  return { stop: () => clearInterval(timer) };
}

/** `sent_at` stays while an older one waits for its answer: it says since when. */
async function ask(app: App, queue: Queue): Promise<void> {
  await app.db.transaction('heartbeat', (tx) =>
    tx.rows(
      `insert into heartbeat (sent_at) values (clock_timestamp())
       on conflict (only_row) do update set sent_at = excluded.sent_at
       where heartbeat.answered_at >= heartbeat.sent_at`,
    ),
  );
  await queue.sendHeartbeat();
}

/** Answers one: this worker takes messages from the queue, and can write to the database. */
export async function answer(app: Pick<App, 'db'>): Promise<void> {
  await app.db.transaction('heartbeat', (tx) =>
    tx.rows('update heartbeat set answered_at = clock_timestamp(), answered_by = $1', [
      `worker ${process.pid}`,
    ]),
  );
}
