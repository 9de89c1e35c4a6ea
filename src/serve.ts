import { AlertWatch } from './alerts/watch.ts';
import type { App } from './app.ts';
import { startHeartbeat } from './heartbeat.ts';
import { type Job, LkpError } from './job.ts';
import { openLog } from './log.ts';
import type { Pages } from './pages.ts';
import { everyMinute } from './queue/alarm.ts';
import type { Queue } from './queue/queue.ts';
import { type Role, Scheduler, workOn } from './roles.ts';
import { endsWithin } from './within.ts';

/** How long a running attempt may take to end after the first signal. */
export const GRACE_MS = 60_000;
const CLOSE_WITHIN_MS = 5_000;

export interface ServeOptions {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
  readonly open: () => Promise<App>;
  /** Hears one plain line when everything stands. */
  readonly ready: (line: string) => void;
  readonly graceMs?: number;
}

/**
 * Plays roles until SIGTERM or SIGINT, then drains: takes nothing more, lets the running attempt end, closes. Throws
 * LkpError when a service is away at the start, or when the attempt outlives the grace time. A second signal ends the
 * process at once; the attempt is taken over as after any crash.
 */
export async function serve({ roles, jobs, open, ready, graceMs = GRACE_MS }: ServeOptions): Promise<void> {
  const app = await open();
  const log = openLog(app.settings);
  let queue: Queue | undefined;
  let pages: Pages | undefined;
  try {
    // First, so that who asks is told what is still missing.
    pages = await openPagesOf(app, roles);
    // Loaded for those who serve: every other command would wait 0.2 s for it.
    const { openQueue } = await import('./queue/queue.ts');
    queue = await openQueue(app.settings.QUEUE_URL ?? app.databaseUrl, {
      onError: (error) => log.warn(error.message),
      onBack: () => log.warn('the queue answers again'),
    });
    pages?.opened(queue);
    const alerts = new AlertWatch(app, jobs, log);
    const scheduler = roles.includes('scheduler')
      ? new Scheduler(app, queue, jobs, log, pages).start(() => alerts.wake())
      : undefined;
    const heartbeat = scheduler && startHeartbeat(app, queue, log);
    // Beside the scheduler, not through it: a look of its that hangs is something to tell.
    const alarm = scheduler && everyMinute(() => alerts.wake());
    // A scheduler in this process need not wait for its next look to see what became ready.
    if (roles.includes('worker')) await workOn(app, queue, jobs, log, () => scheduler?.wake(), pages);
    const signal = signalled();
    ready(`lkp ${roles.join(' and ')} ${roles.length === 1 ? 'is' : 'are'} ready (process ${process.pid}).`);
    const name = await signal.first;
    pages?.draining();
    heartbeat?.stop();
    log.info(`${name}: no new attempts; the running one may take ${graceMs / 1000} s`);
    signal.second.then((name) => {
      process.stderr.write(`A second ${name}: leaving at once. Another worker takes the attempt over.\n`);
      process.exit(1);
    });
    alarm?.stop();
    await scheduler?.stop();
    await alerts.stop();
    if (!(await endsWithin(graceMs, queue.close()))) {
      throw new LkpError(
        'machine',
        `An attempt did not end within ${graceMs / 1000} s of the signal, and was left. Another worker takes it over; lkp runs shows it.`,
      );
    }
  } finally {
    await endsWithin(CLOSE_WITHIN_MS, Promise.all([pages?.close(), app.close()]));
    // What is left (an attempt that was given up, a connection to a service that is away) must not hold the process.
    setTimeout(() => process.exit(), 1_000).unref();
  }
}

/** Loaded for those who are asked only. */
async function openPagesOf(app: App, roles: readonly Role[]): Promise<Pages | undefined> {
  const { LKP_HTTP } = app.settings;
  if (LKP_HTTP === undefined) return undefined;
  const { openPages } = await import('./pages.ts');
  return openPages(app, LKP_HTTP, roles);
}

function signalled(): { first: Promise<NodeJS.Signals>; second: Promise<NodeJS.Signals> } {
  let hear: Array<(name: NodeJS.Signals) => void> = [];
  const next = () => new Promise<NodeJS.Signals>((resolve) => hear.push(resolve));
  const [first, second] = [next(), next()];
  const listener = (name: NodeJS.Signals) => {
    const [resolve, ...later] = hear;
    hear = later;
    resolve?.(name);
  };
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return { first, second };
}
