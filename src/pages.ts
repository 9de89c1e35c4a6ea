import type { App } from './app.ts';
import { VERSION } from './config.ts';
import { openDatabase } from './db/connection.ts';
import type { Queue } from './queue/queue.ts';
import { readinessOf } from './readiness.ts';
import type { Role, Watch } from './roles.ts';
import { figuresOf, pulseOf, rowsWaitingOf } from './vitals.ts';
import { asked, Since } from './web/answer.ts';
import { Metrics } from './web/metrics.ts';
import { jsonPage, openWeb } from './web/server.ts';

/** Connections of their own: a job may hold every other one for minutes. One for readiness, one for metrics. */
const CONNECTIONS = { connections: 2, answerWithinMs: 1_500 };
/** For how long an answer is told again. */
const PULSE_MS = 1_000;
const FIGURES_MS = 2_000;
const ROWS_MS = 60_000;

/** What a process says about itself over HTTP, and how it hears of it. */
export interface Pages extends Watch {
  /** The queue is open. */
  opened(queue: Pick<Queue, 'stands'>): void;
  /** The process was told to end. */
  draining(): void;
  close(): Promise<void>;
}

/** Answers /health, /ready and /metrics at `place` until closed. Throws LkpError('machine') when it cannot be had. */
export async function openPages(app: App, place: string, roles: readonly Role[]): Promise<Pages> {
  const db = await openDatabase(app.databaseUrl, CONNECTIONS);
  const metrics = new Metrics(VERSION);
  const look = new Since();
  let queue: Pick<Queue, 'stands'> | undefined;
  let drains = false;
  let attempts = 0;
  const pulse = asked(() => pulseOf(db), PULSE_MS);
  const figures = asked(() => figuresOf(db, app.now), FIGURES_MS);
  const rows = asked(() => rowsWaitingOf(app.db), ROWS_MS);
  const ready = async () => {
    const verdict = readinessOf({
      roles,
      draining: drains,
      queueStands: queue?.stands(),
      looked: look.seconds(),
      attempting: attempts > 0,
      pulse: await pulse(),
    });
    return jsonPage(verdict.ready ? 200 : 503, verdict);
  };
  const health = () =>
    jsonPage(200, {
      roles,
      version: VERSION,
      uptime_seconds: Math.round(process.uptime()),
      draining: drains,
    });
  const scrape = async () => {
    const [beat, counted, waiting] = await Promise.all([pulse(), figures(), rows()]);
    const body = await metrics.text({
      databaseUp: 'found' in beat,
      queueUp: queue?.stands() ?? false,
      figures: 'found' in counted ? counted.found : undefined,
      rows: 'found' in waiting ? waiting.found : undefined,
    });
    return { status: 200, type: metrics.contentType, body };
  };
  const web = await openWeb(place, { '/health': health, '/ready': ready, '/metrics': scrape }).catch(
    async (error: unknown) => {
      await db.close();
      throw error;
    },
  );
  return {
    opened: (opened) => {
      queue = opened;
    },
    draining: () => {
      drains = true;
    },
    looked: () => look.happened(),
    begun: (job) => {
      const tell = metrics.begun(job);
      attempts += 1;
      return (ended) => {
        attempts -= 1;
        tell(ended);
      };
    },
    close: async () => {
      await web.close();
      await db.close();
    },
  };
}
