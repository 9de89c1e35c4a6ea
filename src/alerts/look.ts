import type { App } from '../app.ts';
import type { Job } from '../job.ts';
import { deliverAlerts, type Undelivered, undelivered } from './deliver.ts';
import type { Alert } from './kinds.ts';
import { openAlerts, raiseAlerts } from './raise.ts';

/** An alert as it is shown to people and programs. */
export type Shown = Omit<Alert, 'id' | 'key' | 'ended_at'>;

export interface Look {
  /** Raised by this look. */
  readonly new: readonly Shown[];
  /** Raised before, and not over. */
  readonly open: readonly Shown[];
  /** Targets that were tried in this look and could not be reached; nothing is lost, it is tried again. */
  readonly failed: ReadonlyArray<{ readonly target: string; readonly error: string }>;
  readonly undelivered: readonly Undelivered[];
}

export const shownOf = ({ kind, job, cycle, raised_at, says, next_step }: Alert): Shown => ({
  kind,
  job,
  cycle,
  raised_at,
  says,
  next_step,
});

/** Raises what is new, delivers what waits, and says what stands. Needs the database and nothing else. */
export async function lookForAlerts(
  app: Pick<App, 'db' | 'schedule' | 'now' | 'simulated' | 'targets'>,
  jobs: readonly Job[],
): Promise<Look> {
  const raised = await raiseAlerts(app, jobs);
  const deliveries = await deliverAlerts(app);
  return app.db.transaction('alerts', async (tx) => ({
    new: raised.map(shownOf),
    open: (await openAlerts(tx)).filter(({ id }) => !raised.some((one) => one.id === id)).map(shownOf),
    failed: deliveries.flatMap(({ target, error }) => (error === undefined ? [] : [{ target, error }])),
    undelivered: await undelivered(tx),
  }));
}
