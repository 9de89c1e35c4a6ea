import type { App } from '../app.ts';
import { sharedNow } from '../clock.ts';
import type { Job } from '../job.ts';
import type { Sql } from '../ports.ts';
import { findings } from './findings.ts';
import type { Alert } from './kinds.ts';

const COLUMNS = 'id, key, kind, job, cycle, raised_at, ended_at, says, next_step';

/**
 * Looks at the ledger once and writes down what a person must be told and was not told yet, with a delivery for each
 * target; what is over is marked so. Any number of processes may look at once: each alert is returned to the one that
 * wrote it down. Needs the database and nothing else.
 */
export const raiseAlerts = (
  app: Pick<App, 'db' | 'schedule' | 'now' | 'simulated' | 'targets'>,
  jobs: readonly Job[],
): Promise<Alert[]> =>
  app.db.transaction('alerts', async (tx) => {
    const now = await sharedNow(tx, app);
    const found = await findings(tx, app, jobs, now);
    const given = JSON.stringify(found);
    const raised = await tx.rows<Alert>(
      `insert into alert (key, kind, job, cycle, says, next_step, raised_at, ended_at)
       select found.key, found.kind, found.job, found.cycle, found.says, found.next_step, $2,
              case when found.over then $2::timestamptz end
       from jsonb_to_recordset($1) as found (key text, kind text, job text, cycle text, says text, next_step text, over boolean)
       order by found.key collate "C"
       on conflict (key) do nothing
       returning ${COLUMNS}`,
      [given, now],
    );
    await tx.rows(
      `insert into alert_delivery (alert_id, target, next_at)
       select alert.id, target.name, $3
       from unnest($1::bigint[]) as alert (id)
       cross join unnest($2::text[]) as target (name)`,
      [raised.map(({ id }) => id), app.targets.map(({ name }) => name), now],
    );
    // What is so again under the same key is open again; nobody is told a second time.
    await tx.rows(
      `update alert set ended_at = case when found.key is null or found.over then $2::timestamptz end
       from alert as known
       left join jsonb_to_recordset($1) as found (key text, over boolean) on found.key = known.key
       where known.id = alert.id and (alert.ended_at is null) = (found.key is null or coalesce(found.over, false))`,
      [given, now],
    );
    const place = new Map(found.map(({ key }, index) => [key, index]));
    return raised.sort((one, other) => place.get(one.key)! - place.get(other.key)!);
  });

/** What a person was told and is not over, the newest first. */
export const openAlerts = (tx: Sql): Promise<Alert[]> =>
  tx.rows(`select ${COLUMNS} from alert where ended_at is null order by raised_at desc, cycle, id`);
