import { createHash } from 'node:crypto';
import type { App } from '../app.ts';
import { sharedNow } from '../clock.ts';
import type { Notice, Sql, Target } from '../ports.ts';
import { within } from '../within.ts';
import { type Alert, headlineOf } from './kinds.ts';

/** After the first failure, the second, ...; the last one for all that follow. */
const WAIT_MINUTES = [1, 5, 15, 60];
/** So long after an alert was raised it is still tried; then it is given up, and stands in `lkp status`. */
const GIVE_UP_DAYS = 3;
/** How long one sending may take, and how long nobody else takes the delivery meanwhile. */
const SEND_WITHIN_MS = 60_000;
const LEASE = '2 minutes';
/** A target that fails so often in a row is left alone until the next look. */
const FAILURES = 3;

/** What one look did for a target. `error`: why it did not take the last one that it refused. */
export interface Delivered {
  readonly target: string;
  readonly delivered: number;
  readonly error?: string;
}

type Clocked = 'db' | 'now' | 'simulated';

interface Claimed extends Alert {
  readonly attempts: number;
}

/**
 * Sends what waits to be delivered and may be tried at `app.now()`, to every target at once. Each delivery is claimed in
 * a transaction of its own, sent outside of any, then marked; who dies in between leaves it to be sent again under the
 * same id. Throws only when the database cannot be reached.
 */
export async function deliverAlerts(app: Pick<App, Clocked | 'targets'>): Promise<Delivered[]> {
  if (app.targets.length === 0) return [];
  const { installation } = await app.db.transaction('alerts', (tx) =>
    tx.one<{ installation: string }>(
      `select concat_ws(' ', current_database(), (select min(known_at) from change)) as installation`,
    ),
  );
  return Promise.all(app.targets.map((target) => deliverTo(app, target, installation)));
}

async function deliverTo(app: Pick<App, Clocked>, target: Target, installation: string): Promise<Delivered> {
  let delivered = 0;
  let failures = 0;
  let error: string | undefined;
  while (failures < FAILURES) {
    const claimed = await app.db.transaction('deliver', async (tx) =>
      claim(tx, target.name, await sharedNow(tx, app)),
    );
    if (!claimed) break;
    try {
      await within(
        SEND_WITHIN_MS,
        target.send(noticeOf(claimed, installation)),
        `it did not take the message within ${SEND_WITHIN_MS / 1000} s`,
      );
      await app.db.transaction('deliver', async (tx) =>
        delivery(tx, claimed, target.name, await sharedNow(tx, app)),
      );
      delivered += 1;
    } catch (cause) {
      failures += 1;
      error = cause instanceof Error ? cause.message : String(cause);
      await app.db.transaction('deliver', async (tx) =>
        failure(tx, claimed, target.name, await sharedNow(tx, app), error as string),
      );
    }
  }
  return { target: target.name, delivered, ...(error === undefined ? {} : { error }) };
}

const claim = (tx: Sql, target: string, now: string): Promise<Claimed | undefined> =>
  tx.maybe<Claimed>(
    `with claimed as (
       update alert_delivery set attempts = attempts + 1, next_at = $2::timestamptz + interval '${LEASE}'
       where target = $1 and alert_id = (
         select alert_id from alert_delivery
         where target = $1 and delivered_at is null and next_at <= $2
         order by next_at, alert_id limit 1 for update skip locked)
       returning alert_id, attempts
     )
     select alert.*, claimed.attempts from claimed join alert on alert.id = claimed.alert_id`,
    [target, now],
  );

const delivery = (tx: Sql, { id }: Claimed, target: string, now: string): Promise<unknown> =>
  tx.rows(
    'update alert_delivery set delivered_at = $3, last_error = null where alert_id = $1 and target = $2 and delivered_at is null',
    [id, target, now],
  );

/** Written by whoever still holds the delivery. */
const failure = (
  tx: Sql,
  { id, attempts, raised_at }: Claimed,
  target: string,
  now: string,
  error: string,
): Promise<unknown> => {
  const minutes = WAIT_MINUTES[Math.min(attempts, WAIT_MINUTES.length) - 1];
  return tx.rows(
    `update alert_delivery
     set last_error = $5,
         next_at = case when $6::timestamptz + make_interval(days => $7) <= $4::timestamptz then 'infinity'
                        else $4::timestamptz + make_interval(mins => $8) end
     where alert_id = $1 and target = $2 and attempts = $3 and delivered_at is null`,
    [id, target, attempts, now, error, raised_at, GIVE_UP_DAYS, minutes],
  );
};

function noticeOf(alert: Alert, installation: string): Notice {
  const { key, kind, job, cycle, raised_at, ended_at, says, next_step } = alert;
  const hash = createHash('sha256').update([installation, key, raised_at].join('\n')).digest('hex');
  return {
    id: `lkp.${kind}.${hash.slice(0, 32)}`,
    headline: headlineOf(alert),
    kind,
    job,
    cycle,
    raised_at,
    ended_at,
    says,
    next_step,
  };
}

/** A target that has not taken all that it should know. */
export interface Undelivered {
  readonly target: string;
  readonly alerts: number;
  /** When the oldest of them was raised. */
  readonly since: string;
  readonly last_error: string | null;
  /** The next try; null: given up. */
  readonly next_at: string | null;
}

/** Targets that failed: what they are still to get, and what was given up and is not over. */
export const undelivered = (tx: Sql): Promise<Undelivered[]> =>
  tx.rows(
    `select delivery.target, count(*)::int as alerts, min(alert.raised_at) as since,
            (array_agg(delivery.last_error order by delivery.next_at, alert.id)
               filter (where delivery.last_error is not null))[1] as last_error,
            nullif(min(delivery.next_at), 'infinity') as next_at
     from alert_delivery as delivery
     join alert on alert.id = delivery.alert_id
     where delivery.delivered_at is null and (delivery.next_at < 'infinity' or alert.ended_at is null)
     group by delivery.target
     having count(delivery.last_error) > 0
     order by delivery.target collate "C"`,
  );
