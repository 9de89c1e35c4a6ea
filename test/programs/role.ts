/**
 * Plays the roles of argv with two jobs that a test holds by rows in its database: `first`, and `second` after it.
 * Everything else is as in `lkp start`.
 *   begun   one row for each time a process began a job (committed at once)
 *   effect  one row for each time a job had its effect (committed with the job)
 *   hold    a job waits while its row is there: `outside` before its transaction, `inside` within it, after its writes
 *   trouble a job fails this many times, in the way that `kind` says
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openApp } from '../../src/app.ts';
import { testClock } from '../../src/config.ts';
import { type Context, type Job, LkpError } from '../../src/job.ts';
import type { Sql } from '../../src/ports.ts';
import type { Role } from '../../src/roles.ts';
import { scheduleOf } from '../../src/schedule/schedule.ts';
import { GRACE_MS, serve } from '../../src/serve.ts';

async function released(
  select: (text: string, parameters: unknown[]) => Promise<object[]>,
  job: string,
  place: string,
) {
  while ((await select('select from hold where job = $1 and place = $2', [job, place])).length > 0)
    await sleep(20);
}

const inOne = (context: Context) => (text: string, parameters: unknown[]) =>
  context.db.transaction('look', (tx) => tx.rows(text, parameters));

const inside = (tx: Sql) => (text: string, parameters: unknown[]) => tx.rows(text, parameters);

const job = (name: string, after: string[]): Job => ({
  name,
  why: 'shows what becomes of a job',
  reads: ['hold', 'trouble'],
  writes: ['begun', 'effect'],
  after,
  when: { day: 15, why: 'a test says so' },
  async run(context, cycle) {
    const select = inOne(context);
    await select('insert into begun (job, cycle, pid) values ($1, $2, $3)', [name, cycle, process.pid]);
    const [trouble] = (await select(
      'update trouble set times = times - 1 where job = $1 and times > 0 returning kind',
      [name],
    )) as Array<{ kind: 'machine' | 'request' }>;
    if (trouble) throw new LkpError(trouble.kind, `${name} met its trouble.`);
    await released(select, name, 'outside');
    await context.db.transaction('effect', async (tx) => {
      // As a refresh does: whoever takes over needs the lock that a frozen one holds.
      await tx.rows('select pg_advisory_xact_lock(hashtext($1))', [name]);
      await tx.rows('insert into effect (job, cycle, pid) values ($1, $2, $3)', [name, cycle, process.pid]);
      await released(inside(tx), name, 'inside');
    });
    return { outcome: 'done', says: `${name} had its effect` };
  },
});

const JOBS = [job('first', []), job('second', ['first'])];
const now = testClock();
await serve({
  roles: process.argv.slice(2) as Role[],
  jobs: JOBS,
  open: async () => ({ ...(await openApp(now ? { now } : {})), schedule: scheduleOf('UTC', JOBS) }),
  ready: (line) => console.log(line),
  graceMs: Number(process.env.LKP_TEST_GRACE_MS ?? GRACE_MS),
}).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
