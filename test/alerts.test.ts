import { rm, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { JOBS as ALL } from '../jobs/index.ts';
import { deliverAlerts } from '../src/alerts/deliver.ts';
import { type Look, lookForAlerts } from '../src/alerts/look.ts';
import { raiseAlerts } from '../src/alerts/raise.ts';
import { AlertWatch } from '../src/alerts/watch.ts';
import { type App, targetsOf } from '../src/app.ts';
import { addMonths } from '../src/calendar.ts';
import { readSettings } from '../src/config.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { decide } from '../src/invoice/quarantine.ts';
import { gateSays } from '../src/kpi/completeness.ts';
import { plan } from '../src/ledger.ts';
import type { Log } from '../src/log.ts';
import { statusText } from '../src/show/status.ts';
import { statusOf } from '../src/status.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { launch, lkp } from './harness/lkp.ts';
import { type MailServer, mailServer, type Webhook, webhookReceiver } from './harness/receivers.ts';

const CYCLE = '2020-05';
const ENDINGS: Array<() => Promise<unknown>> = [];
/** Also the instant of the installation. */
let clock = '2020-05-10T08:00:00.000Z';
/** The month itself: what is due on the 1st, and on the 7th of the next month, would be told beside it. */
const JOBS = ALL.filter(({ name }) => name !== 'housekeeping' && name !== 'directory-visible');

let it: TestContext;
/** It, with the targets of the test. */
let app: App;

const tell = (settings: Record<string, string>): void => {
  app = { ...it.context, targets: targetsOf(readSettings(settings)) };
};

beforeAll(async () => {
  it = await testContext({ now: () => clock });
});
afterAll(() => it.drop());
beforeEach(async () => {
  clock = '2020-05-10T08:00:00.000Z';
  app = it.context;
  await it.rows('truncate alert, alert_delivery, run, occurrence, pause');
});
afterEach(async () => {
  for (const end of ENDINGS.splice(0)) await end();
});

const planned = (cycle = CYCLE, by: 'calendar' | 'person' = 'calendar') =>
  it.context.db.transaction('plan', (tx) => plan(tx, JOBS, cycle, it.context.schedule, by));
const later = (minutes: number) => {
  clock = new Date(Date.parse(clock) + minutes * 60_000).toISOString();
};
const raise = () => raiseAlerts(app, JOBS);
const raised = async () => (await raise()).map(({ key }) => key);
const open = () =>
  it
    .rows<{ key: string }>('select key from alert where ended_at is null order by key')
    .then((rows) => rows.map(({ key }) => key));
/** Sets occurrences of a job, as an attempt that ended would. */
const set = (job: string, to: string) => it.rows(`update occurrence set ${to} where job = $1`, [job]);
const done = (...jobs: string[]) =>
  it.rows(`update occurrence set state = 'done' where job = any($1)`, [jobs]);

async function mail(port?: number): Promise<MailServer> {
  const server = await mailServer(port);
  ENDINGS.push(() => server.close());
  return server;
}
async function webhook(port?: number): Promise<Webhook> {
  const receiver = await webhookReceiver(port);
  ENDINGS.push(() => receiver.close());
  return receiver;
}

describe('what is told, and when it is over', () => {
  test('a new installation, whatever the day, is told nothing', async () => {
    clock = '2020-06-25T00:00:00.000Z';
    expect(await raise()).toEqual([]);
  });

  test('what was due before the installation is done late, and nobody is to blame', async () => {
    await it.context.db.transaction('plan', (tx) => plan(tx, ALL, CYCLE, it.context.schedule, 'calendar'));
    expect(await raiseAlerts(app, ALL)).toEqual([]);
    await set('housekeeping', "state = 'done', late_by = interval '9 days'");
    expect(await raiseAlerts(app, ALL)).toEqual([]);
  });

  test('before anything is late, and when all is done, nothing', async () => {
    await planned();
    expect(await raise()).toEqual([]);
    await it.rows("update occurrence set state = 'done'");
    clock = '2020-05-31T00:00:00.000Z';
    expect(await raise()).toEqual([]);
  });

  test('a failed step, once for a series of attempts; not one that is tried again by itself', async () => {
    await planned();
    await done('ingest');
    await set('refresh', "state = 'failed', attempt = 1, says = 'Disk full.', lease_until = now()");
    expect(await raise()).toEqual([]);
    await set('refresh', 'attempt = 8, lease_until = null');
    expect(await raise()).toMatchObject([
      {
        kind: 'failed',
        job: 'refresh',
        cycle: CYCLE,
        says: 'refresh of 2020-05 failed, and no further attempt comes by itself. Disk full.',
        next_step: expect.stringContaining('lkp cycle 2020-05'),
      },
    ]);
    expect(await raise()).toEqual([]);
    await set('refresh', "state = 'running', attempt = 9");
    expect([await raised(), await open()]).toEqual([[], []]);
    await set('refresh', "state = 'failed'");
    expect(await raised()).toEqual(['failed refresh 2020-05 part 1 attempt 9']);
  });

  test('the parts of a job that fail together are one', async () => {
    await planned();
    await it.rows(`update occurrence set state = 'failed', attempt = 8 where job = 'report' and part > 2`);
    expect(await raised()).toEqual(['failed report 2020-05 part 3 attempt 8']);
    await set('report', "state = 'failed', attempt = 8");
    await it.rows(
      `insert into run (occurrence_id, job, cycle, attempt, reason, actor, ended_at, outcome)
       select id, job, cycle, 8, 'scheduled', 'test', now() + make_interval(secs => abs(part - 3)), 'failed'
       from occurrence where job = 'report'`,
    );
    expect(await raised()).toEqual([]);
  });

  test('a deadline that passed, of each job; over when it is done', async () => {
    await planned();
    await done('ingest');
    clock = '2020-05-15T23:59:58.000Z';
    expect(await raise()).toEqual([]);
    clock = '2020-05-16T00:00:00.000Z';
    expect(await raise()).toMatchObject([
      {
        key: 'missed-deadline refresh 2020-05',
        says: 'refresh of 2020-05 is not done; its deadline was 2020-05-15 23:59 (UTC).',
      },
      { key: 'missed-deadline report 2020-05' },
    ]);
    await done('refresh');
    expect([await raised(), await open()]).toEqual([[], ['missed-deadline report 2020-05']]);
    await set('report', "state = 'cancelled'");
    expect([await raised(), await open()]).toEqual([[], []]);
  });

  test('a deadline of a cycle that nobody planned, once the ledger has begun', async () => {
    await planned('2020-04');
    await it.rows("update occurrence set state = 'done'");
    clock = '2020-05-16T00:00:00.000Z';
    expect(await raise()).toMatchObject([
      { key: 'missed-deadline ingest 2020-05', next_step: expect.stringContaining('lkp start') },
      { key: 'missed-deadline refresh 2020-05' },
      { key: 'missed-deadline report 2020-05' },
    ]);
    clock = '2020-06-16T00:00:00.000Z';
    expect(await raised()).toEqual([
      'missed-deadline directory-assemble 2020-05',
      'missed-deadline directory-submit 2020-05',
      'missed-deadline ingest 2020-06',
      'missed-deadline refresh 2020-06',
      'missed-deadline report 2020-06',
    ]);
    // A scheduler comes back, plans what there is, and nothing is told twice.
    await planned('2020-06');
    await planned('2020-05');
    expect(await raised()).toEqual([]);
  });

  test('history that somebody asks for has no deadlines', async () => {
    await planned('2019-01', 'person');
    await planned('2020-04', 'person');
    expect(await raise()).toEqual([]);
  });

  test('what was missed by policy, once a cycle', async () => {
    await planned();
    clock = '2020-07-02T00:00:00.000Z';
    await it.rows("update occurrence set state = 'missed', says = 'A newer cycle is due.'");
    expect((await raise()).filter(({ cycle }) => cycle === CYCLE)).toMatchObject([
      {
        key: 'missed 2020-05',
        says: expect.stringMatching(/ingest, refresh, report.*A newer cycle is due\./),
      },
    ]);
    await done('ingest');
    expect(await raised()).toEqual([]);
    await it.rows("update occurrence set state = 'done'");
    await raise();
    expect(await open()).not.toContain('missed 2020-05');
  });

  test('a decision, once for what is asked; a stopped completeness gate by its own name', async () => {
    await planned();
    await done('ingest');
    const gap = { source: 'marketplace', seller: 'ACME', month: '2020-04', lines: 0, usual: 9 };
    const stop = () =>
      it.rows(`update occurrence set state = 'waiting', says = $1 where job = 'refresh'`, [
        gateSays(CYCLE, [gap]),
      ]);
    await stop();
    const [gate, ...more] = await raise();
    expect([gate, more]).toMatchObject([
      {
        kind: 'incomplete',
        job: 'refresh',
        says: expect.stringContaining('seller ACME: 0 of usually 9'),
        next_step: expect.stringContaining('--accept-incomplete'),
      },
      [],
    ]);
    await set('refresh', "state = 'running'");
    expect([await raised(), await open()]).toEqual([[], []]);
    // Asked again in the same words: open again, and nobody is told twice.
    await stop();
    expect([await raised(), await open()]).toEqual([[], [gate!.key]]);
    await set('refresh', "says = 'The facts changed.'");
    expect(await raise()).toMatchObject([
      { kind: 'waiting', says: expect.stringContaining('The facts changed.') },
    ]);
  });

  test('rows that wait for a decision, once a cycle with their count; rejected rows alarm nobody', async () => {
    await planned();
    const bring = async (name: string, ...rows: string[]) => {
      const head =
        "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier,Seller identifier";
      const { dispositions } = await ingestFile(
        it.context,
        await it.write(name, [head, ...rows, ''].join('\n')),
      );
      return dispositions;
    };
    await done('ingest');
    expect(await bring('bad.csv', 'A,2020-04-31,380,EUR,C1,1,1,5.00,S,ACME')).toMatchObject({ rejected: 1 });
    expect(await raise()).toEqual([]);
    // A prepayment: only a person can tell whether it counts.
    const waits = (number: string) =>
      bring(`${number}.csv`, `${number},2020-04-02,386,EUR,C1,1,1,5.00,S,ACME`);
    expect(await waits('B')).toMatchObject({ quarantined: 1 });
    await set('ingest', "state = 'running'");
    expect(await raise()).toEqual([]);
    await done('ingest');
    expect(await raise()).toMatchObject([
      {
        key: 'quarantined 2020-05',
        says: expect.stringContaining('; 1 row waits for a decision'),
        next_step: expect.stringContaining('lkp quarantine list'),
      },
    ]);
    await waits('C');
    expect(await raise()).toEqual([]);
    for (const number of ['B', 'C']) await decide(it.context, number, 'refuse', { reason: 'no sale' });
    expect([await raised(), await open()]).toEqual([[], []]);
  });

  test('a late run, told of the first in its cycle, over at once when it is done', async () => {
    await planned();
    await set('ingest', "state = 'done', late_by = interval '3 days 2 hours'");
    await set('refresh', "state = 'running', late_by = interval '3 days 2 hours'");
    expect(await raise()).toMatchObject([
      {
        key: 'late ingest 2020-05',
        says: expect.stringContaining('began 3 days'),
        ended_at: '2020-05-10T08:00:00Z',
      },
    ]);
    expect([await raised(), await open()]).toEqual([[], []]);
  });

  test('a pause in which something became due, once a pause', async () => {
    await planned();
    await it.rows("insert into pause (paused_at, paused_by, reason) values ($1, 'Ada', 'moving house')", [
      clock,
    ]);
    expect(await raise()).toEqual([]);
    clock = '2020-05-15T00:00:00.000Z';
    expect(await raise()).toMatchObject([
      {
        kind: 'paused',
        job: 'ingest',
        says: expect.stringMatching(/^Ada paused .*moving house.*ingest of 2020-05/),
        next_step: expect.stringContaining('lkp resume'),
      },
    ]);
    await it.rows("update pause set resumed_at = $1, resumed_by = 'Ada'", [clock]);
    expect([await raised(), await open()]).toEqual([[], []]);
  });

  test('a pause holds nothing back that waits for a person anyhow', async () => {
    await planned();
    await done('ingest');
    await set('refresh', "state = 'waiting', says = 'Which one?'");
    await raise();
    await it.rows("insert into pause (paused_at, paused_by, reason) values ($1, 'Ada', 'moving house')", [
      clock,
    ]);
    clock = '2020-05-15T12:00:00.000Z';
    expect(await raise()).toEqual([]);
  });
});

/** Two alerts: a refresh that failed, and one that waits. */
async function trouble(): Promise<void> {
  await planned();
  await done('ingest');
  await set('refresh', "state = 'failed', attempt = 8, says = 'Disk full.'");
  await set('directory-assemble', "state = 'waiting', says = 'Which one?'");
}

describe('delivery', () => {
  /** A fresh application that tells both an address (or two) and a webhook. */
  async function both(to = 'ada@example.com'): Promise<{ box: MailServer; hook: Webhook }> {
    const [box, hook] = [await mail(), await webhook()];
    tell({
      LKP_SMTP_URL: `smtp://bo:pass%2Fword@127.0.0.1:${box.port}`,
      LKP_ALERT_FROM: 'LKP <lkp@example.com>',
      LKP_ALERT_EMAIL: to,
      LKP_ALERT_WEBHOOK: `http://hook:s3cret@127.0.0.1:${hook.port}/services/T0KEN`,
    });
    return { box, hook };
  }
  const deliveries = () =>
    it.rows<{ target: string; attempts: number; next_at: string; last_error: string | null }>(
      'select target, attempts, next_at, last_error from alert_delivery where delivered_at is null order by target, alert_id',
    );

  test('five who look at once raise each alert once and deliver it once to each target', async () => {
    const { box, hook } = await both('ada@example.com, bo@example.com');
    await trouble();
    const looks = await Promise.all(Array.from({ length: 5 }, () => lookForAlerts(app, JOBS)));
    expect(
      looks
        .flatMap((look) => look.new)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['failed', 'waiting']);
    expect(box.mails.map(({ to }) => to.join()).sort()).toEqual([
      'ada@example.com',
      'ada@example.com',
      'bo@example.com',
      'bo@example.com',
    ]);
    expect(hook.posted).toHaveLength(2);
    const letter = box.mails.find(({ headers }) => headers.subject === '[lkp] refresh of 2020-05 failed')!;
    expect(letter).toMatchObject({
      from: 'lkp@example.com',
      headers: {
        from: 'LKP <lkp@example.com>',
        'message-id': expect.stringMatching(/^<lkp\.failed\.[0-9a-f]{32}@example\.com>$/),
      },
    });
    expect(letter.body).toMatch(/Disk full\.\n\nWhat to do: Repair .*lkp cycle 2020-05/s);
    const post = hook.posted.find(({ body }) => body.kind === 'failed')!;
    expect(post).toMatchObject({
      path: '/services/T0KEN',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from('hook:s3cret').toString('base64')}`,
        'idempotency-key': /lkp\.failed\.\w+/.exec(letter.headers['message-id']!)![0],
      },
      body: { kind: 'failed', job: 'refresh', cycle: CYCLE, raised_at: '2020-05-10T08:00:00Z' },
    });
    expect(Object.keys(post.body).sort()).toEqual([
      'cycle',
      'job',
      'kind',
      'next_step',
      'raised_at',
      'says',
      'text',
    ]);
    expect(post.body.text).toMatch(/^\[lkp\] refresh of 2020-05 failed\n.*\nWhat to do: /);
    expect(box.said).toContain(`AUTH PLAIN ${Buffer.from('\0bo\0pass/word').toString('base64')}`);
    expect(await deliveries()).toEqual([]);
    await deliverAlerts(app);
    expect([box.mails.length, hook.posted.length]).toEqual([4, 2]);
  });

  test('a target that is down is tried again after 1, 5, 15, 60 minutes, is seen, and gets it when it is back', async () => {
    const { box, hook } = await both();
    await box.close();
    await planned();
    await set('ingest', "state = 'waiting', says = 'Which one?'");
    await raise();
    const began = clock;
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(await deliverAlerts(app)).toMatchObject([
        { target: 'e-mail to ada@example.com', delivered: 0, error: expect.stringContaining('ECONNREFUSED') },
        { target: 'webhook', delivered: attempt === 1 ? 1 : 0 },
      ]);
      const [waiting] = await deliveries();
      expect(waiting).toMatchObject({ attempts: attempt });
      waits.push((Date.parse(waiting!.next_at) - Date.parse(clock)) / 60_000);
      // Nothing is tried before its time.
      expect((await deliverAlerts(app))[0]).toEqual({
        target: 'e-mail to ada@example.com',
        delivered: 0,
      });
      clock = waiting!.next_at;
    }
    expect(waits).toEqual([1, 5, 15, 60, 60]);
    expect(hook.posted).toHaveLength(1);
    const status = await statusOf(it.context, JOBS);
    expect(status.undelivered).toEqual([
      {
        target: 'e-mail to ada@example.com',
        alerts: 1,
        since: began.replace('.000', ''),
        last_error: expect.stringContaining('ECONNREFUSED'),
        next_at: expect.stringMatching(/^2020-05-10T/),
      },
    ]);
    expect(statusText(status)).toMatch(
      /could not be delivered:\n {2}e-mail to ada@example\.com: 1 alert since 2020-05-10 08:00/,
    );
    const back = await mail(box.port);
    // What is over by then is told all the same, and says so.
    await done('ingest');
    await raise();
    expect((await deliverAlerts(app))[0]).toMatchObject({ delivered: 1 });
    expect(back.mails.map(({ body }) => body)).toEqual([
      expect.stringMatching(/^This is over by now\.\n\ningest of/),
    ]);
    expect((await statusOf(it.context, JOBS)).undelivered).toEqual([]);
  });

  test('after three days it is given up, and stays visible while the alert is open', async () => {
    const { hook } = await both();
    hook.answer = () => ({ status: 500 });
    await planned();
    await set('ingest', "state = 'waiting', says = 'Which one?'");
    await raise();
    await deliverAlerts(app);
    later(3 * 24 * 60);
    await deliverAlerts(app);
    later(24 * 60);
    await deliverAlerts(app);
    expect(hook.posted).toHaveLength(2);
    const [gone] = (await statusOf(it.context, JOBS)).undelivered;
    expect(gone).toMatchObject({
      target: 'webhook',
      last_error: `the receiver at 127.0.0.1:${hook.port} answered 500`,
      next_at: null,
    });
    await done('ingest');
    await raise();
    expect((await statusOf(it.context, JOBS)).undelivered).toEqual([]);
  });

  test('redirects, a receiver that breaks off, a mail that is refused: each is a failure in words, without a secret', async () => {
    const { box, hook } = await both();
    box.refuse = '550 no such user; you said pass/word';
    await planned();
    await set('ingest', "state = 'waiting', says = 'Which one?'");
    await raise();
    const other = await webhook();
    const errors: string[] = [];
    for (const answer of [
      { status: 302, headers: { Location: `http://127.0.0.1:${other.port}/` } },
      'nothing',
    ] as const) {
      hook.answer = () => answer;
      errors.push(...(await deliverAlerts(app)).map(({ error = '' }) => error));
      later(24 * 60);
    }
    expect(errors).toEqual([
      expect.stringContaining('550 no such user; you said ***'),
      expect.stringContaining('answered 302, and redirects are not followed'),
      expect.stringContaining('550'),
      expect.stringContaining('fetch failed'),
    ]);
    expect(other.posted).toEqual([]);
    const said = JSON.stringify([
      await statusOf(it.context, JOBS),
      await it.rows('select * from alert_delivery'),
    ]);
    for (const secret of ['pass/word', 'pass%2Fword', 's3cret', 'T0KEN']) expect(said).not.toContain(secret);
    hook.answer = () => ({ status: 200 });
    box.refuse = undefined;
    await deliverAlerts(app);
    expect(new Set(hook.posted.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(await deliveries()).toEqual([]);
  });

  test('a target that is named later gets what is new, not history', async () => {
    await trouble();
    await raise();
    const hook = await webhook();
    tell({ LKP_ALERT_WEBHOOK: `http://127.0.0.1:${hook.port}/` });
    await lookForAlerts(app, JOBS);
    expect(hook.posted).toEqual([]);
    await set('report', "state = 'waiting', says = 'What now?'");
    await lookForAlerts(app, JOBS);
    expect(hook.posted.map(({ body }) => body.job)).toEqual(['report']);
  });

  test('killed after it was sent and before that is written down, it comes again under the same id', async () => {
    const hook = await webhook();
    const env = { DATABASE_URL: it.url, LKP_ALERT_WEBHOOK: `http://127.0.0.1:${hook.port}/` };
    // The process goes by the machine's clock.
    clock = new Date().toISOString();
    await planned(addMonths(clock.slice(0, 7), 1));
    await set('refresh', "state = 'failed', attempt = 8, says = 'Disk full.'");
    const child = launch(['src/cli.ts', 'status', '--alert'], { home: it.home, env });
    hook.answer = () => {
      child.kill('SIGKILL');
      return 'nothing';
    };
    await new Promise((resolve) => child.once('close', resolve));
    hook.answer = () => ({ status: 200 });
    tell({ LKP_ALERT_WEBHOOK: env.LKP_ALERT_WEBHOOK });
    clock = new Date().toISOString();
    await deliverAlerts(app);
    expect(hook.posted, 'the claim of the dead one holds for a while').toHaveLength(1);
    later(2);
    await deliverAlerts(app);
    const [sent, again] = hook.posted.map(({ headers, body }) => [headers['idempotency-key'], body]);
    expect(again).toEqual(sent);
    expect(await deliveries()).toEqual([]);
  });
});

test('beside a scheduler: a line for each alert by whoever raised it, one for each outage of a target', async () => {
  const hook = await webhook();
  tell({ LKP_ALERT_WEBHOOK: `http://127.0.0.1:${hook.port}/` });
  const lines: string[] = [];
  const line = (level: string) => (fields: unknown, text?: string) =>
    void lines.push(`${level} ${text ?? String(fields)}`);
  const log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  } as Log;
  await trouble();
  const look = async (watch: AlertWatch) => {
    watch.wake();
    await watch.stop();
    return lines.splice(0).sort();
  };
  const [one, other] = [new AlertWatch(app, JOBS, log), new AlertWatch(app, JOBS, log)];
  hook.answer = () => ({ status: 503 });
  one.wake();
  other.wake();
  await Promise.all([one.stop(), other.stop()]);
  expect(
    lines
      .splice(0)
      .filter((text) => !/alerts do not reach webhook/.test(text))
      .sort(),
  ).toEqual([
    expect.stringMatching(/^error refresh of 2020-05 failed.* Disk full\. Repair/),
    expect.stringMatching(/^warn directory-assemble of 2020-05 stopped and waits for a person\. Which one\?/),
  ]);
  later(24 * 60);
  await look(one);
  later(24 * 60);
  expect(await look(one), 'an outage is one line').toEqual([]);
  hook.answer = () => ({ status: 200 });
  later(24 * 60);
  expect(await look(one)).toEqual(['warn alerts reach webhook again']);
  expect(new Set(hook.posted.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  // Neither a look that fails nor one that hangs is anybody else's trouble.
  const broken = { ...app, db: { ...app.db, transaction: () => Promise.reject(new Error('away')) } };
  expect(await look(new AlertWatch(broken, JOBS, log))).toEqual([
    'warn alerts do not reach the database (away); it is tried again, lkp status shows what waits',
  ]);
});

describe('on the command line', () => {
  const CLOSED = 'http://u:s3cret@127.0.0.1:59999/T0KEN';
  const run = (args: string[], env: Record<string, string> = {}) =>
    lkp(args, { home: it.home, env: { DATABASE_URL: it.url, ...env } });

  test('lkp status --alert: with no scheduler and no queue a deadline is told once; then it prints nothing', async () => {
    // On the machine's clock: of the last 45 days at least one 15th is over, and nobody planned its month.
    await planned();
    await it.rows("update occurrence set state = 'done'");
    const env = { QUEUE_URL: 'redis://127.0.0.1:59999', LKP_ALERT_WEBHOOK: CLOSED };
    const first = await run(['status', '--alert'], env);
    expect(first.stdout).toMatch(/^New alerts:\n {2}ingest of \d{4}-\d\d missed its deadline\n/);
    expect(first.stdout).toMatch(/Not delivered:\n {2}webhook: fetch failed: .*ECONNREFUSED/);
    expect([first.code, first.stderr]).toEqual([1, '']);
    expect(await run(['status', '--alert'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    // What is stored cannot be read: a file stands in its place.
    await rm(`${it.home}/store`, { recursive: true, force: true });
    await writeFile(`${it.home}/store`, 'no folder');
    const status = await run(['status'], env);
    expect([status.code, status.stderr]).toEqual([0, '']);
    for (const line of status.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(status.stdout).toMatch(/Late:\n.*\n.*\n {2}ingest +\d{4}-\d\d +\d{4}-\d\d-15 23:59 +not run/);
    expect(first.stdout + status.stdout).not.toMatch(/s3cret|T0KEN/);
    await set('ingest', "state = 'failed', attempt = 8, says = 'Disk full.'");
    const json = await run(['status', '--alert', '--json']);
    expect([json.code, json.stderr]).toEqual([3, '']);
    expect(json.json<Look>()).toMatchObject({
      new: [{ kind: 'failed', job: 'ingest' }],
      open: expect.arrayContaining([expect.objectContaining({ kind: 'missed-deadline', job: 'ingest' })]),
      failed: [],
    });
  });
});
