import { afterAll, beforeAll, expect, test } from 'vitest';
import { runsOf, timelineOf } from '../src/runs.ts';
import { duration, timelineText } from '../src/show/runs.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { jobOf } from './harness/job.ts';

const JOBS = [
  jobOf('first', []),
  jobOf('second', ['first']),
  jobOf('third', ['second']),
  jobOf('fourth', ['third']),
];
const LONG = `It failed because ${'of one thing and another, '.repeat(20)}and so on.`;

let it: TestContext;
beforeAll(async () => {
  it = await testContext({ now: '2020-05-20T00:00:00Z' });
  await it.rows(
    `insert into occurrence (job, cycle, part, parts, due_at, state, attempt, says)
     values ('first', '2020-05', 1, 1, '2020-05-15', 'done', 2, 'well'),
            ('second', '2020-05', 1, 1, '2020-05-16', 'waiting', 1, 'somebody must look'),
            ('third', '2020-05', 1, 2, '2020-05-16', 'due', 0, null),
            ('third', '2020-05', 2, 2, '2020-05-16', 'due', 0, null),
            ('fourth', '2020-05', 1, 1, '2020-05-17', 'missed', 0, 'Nobody did it in its time.')`,
  );
  await it.rows(
    `insert into run (occurrence_id, job, cycle, attempt, reason, actor, started_at, ended_at, outcome, says, late_by)
     values (1, 'first', '2020-05', 1, 'scheduled', 'operations', '2020-05-15 00:00:01', '2020-05-15 00:01:06', 'failed', $1, null),
            (1, 'first', '2020-05', 2, 'scheduled', 'operations', '2020-05-15 03:00:01', '2020-05-15 05:10:30.5', 'done', 'well', 'PT3H1S'),
            (2, 'second', '2020-05', 1, 'catch-up', 'operations', '2020-05-18 06:00:00', '2020-05-18 06:00:00.25', 'asks', 'somebody must look', 'P2DT6H'),
            (null, 'correct', '2020-05', 1, 'manual', 'anna', '2020-05-18 06:00:30', '2020-05-18 06:00:30', 'done', 'corrected', null)`,
    [LONG],
  );
  await it.rows(
    `insert into pause (paused_at, paused_by, reason, resumed_at, resumed_by, resume_reason)
     values ('2020-05-15 12:00', 'anna', 'the senders are late', '2020-05-18 05:59', 'bert', 'they sent'),
            ('2020-01-01', 'anna', 'long before', '2020-01-02', 'anna', 'over')`,
  );
});
afterAll(() => it.drop());

test('a cycle is told in the order of time: attempts, what they waited for, pauses, and what is still open', async () => {
  const text = timelineText(await timelineOf(it.context, JOBS, '2020-05'));
  const lines = text.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  // The text of the failure gets three lines.
  const long = lines.findIndex((line) => line.includes('It failed because'));
  expect(lines[long + 2]).toMatch(/^ {21}.*\.\.\.$/);
  lines.splice(long, 3, '=..................  (long)');
  expect(lines.join('\n')).toBe(
    `
2020-05: 1 of 5 done; 4 runs, 2 h 11 min of work. Times are UTC.

begun (UTC)          due               took         job                 try  reason     by          outcome    late by
-------------------  ----------------  -----------  ------------------  ---  ---------  ----------  ---------  --------
2020-05-15 00:00:01  2020-05-15 00:00  1 min 5 s    first               1    scheduled  operations  failed
=..................  (long)
                     ... 2 h 58 min: first failed, and waits for its next attempt
2020-05-15 03:00:01  2020-05-15 00:00  2 h 10 min   first               2    scheduled  operations  done       3 h
==.................  well
2020-05-15 12:00:00  the calendar was paused by anna: the senders are late
2020-05-18 05:59:00  resumed by bert: they sent
                     ... 3 d: second waits for its day, and begins 2 d 6 h later
2020-05-18 06:00:00  2020-05-16 00:00  0.3 s        second              1    catch-up   operations  asks       2 d 6 h
..................=  somebody must look
2020-05-18 06:00:30                    < 0.1 s      correct             1    manual     anna        done
..................=  corrected

second, due 2020-05-16 00:00: waits for a person
third (2 of 2 parts), due 2020-05-16 00:00: waits for second (waiting)
fourth, due 2020-05-17 00:00: missed: Nobody did it in its time.`.trim(),
  );
});

test('a program reads when each was due, how late it began and how long it took', async () => {
  const runs = await runsOf(it.context, '2020-05');
  expect(runs.map(({ job, due_at, late_by, seconds }) => ({ job, due_at, late_by, seconds }))).toEqual([
    { job: 'correct', due_at: null, late_by: null, seconds: 0 },
    { job: 'second', due_at: '2020-05-16T00:00:00Z', late_by: 'P2DT6H', seconds: 0.25 },
    { job: 'first', due_at: '2020-05-15T00:00:00Z', late_by: 'PT3H1S', seconds: 7829.5 },
    { job: 'first', due_at: '2020-05-15T00:00:00Z', late_by: null, seconds: 65 },
  ]);
});

test('a cycle of which nothing is known says so', async () => {
  expect(timelineText(await timelineOf(it.context, JOBS, '2019-01'))).toBe(
    'Nothing of 2019-01 is planned or has run yet.',
  );
});

test.each([
  [0, '< 0.1 s'],
  [0.44, '0.4 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min'],
  [65, '1 min 5 s'],
  [3599.6, '1 h'],
  [7800, '2 h 10 min'],
  [273_600, '3 d 4 h'],
])('%d s is told as %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
