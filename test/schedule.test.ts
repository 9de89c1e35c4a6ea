import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import { addDays, addMonths, instantOf } from '../src/calendar.ts';
import { LkpError } from '../src/job.ts';
import { dayOf, restOn, SHIFTS, shifted, WEEKDAYS } from '../src/schedule/dates.ts';
import { FILE_SHAPE, JOB_SHAPE, readScheduleFile } from '../src/schedule/file.ts';
import { readSchedule, type Schedule, scheduleOf } from '../src/schedule/schedule.ts';
import { calendarText } from '../src/show/calendar.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lkp-schedule-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

let files = 0;
/** The schedule of a file with these lines, and of a list of holidays beside it. */
async function read(lines: string, holidays?: string | Buffer, timeZone = 'UTC'): Promise<Schedule> {
  const folder = join(home, String(++files));
  await mkdir(folder);
  if (holidays !== undefined) await writeFile(join(folder, 'holidays.txt'), holidays);
  await writeFile(join(folder, 'schedule.yaml'), lines);
  return readSchedule({ LKP_TIME_ZONE: timeZone, LKP_SCHEDULE: undefined, home: folder }, JOBS);
}

async function refusal(lines: string, holidays?: string | Buffer): Promise<string> {
  const error: unknown = await read(lines, holidays).then(
    () => new Error('the schedule was taken'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof LkpError) || error.code !== 'request') throw error;
  return error.message;
}

const HOLIDAYS = 'working_days: { holidays: holidays.txt }\n';
const SHIFTED = `${HOLIDAYS}jobs: { ingest: { shift: next working day } }`;

describe('what a schedule file says', () => {
  test.each([
    ['the program itself', '', 'ingest', '2026-06', '2026-06-15T00:00 2026-06-15T23:59', 'mid-month'],
    [
      'the third week by days',
      '',
      'directory-assemble',
      '2026-12',
      '2026-12-16T00:00 2026-12-21T23:59',
      'day 2 of the third week (days 15-21)',
    ],
    [
      'its end, the deadline',
      '',
      'directory-submit',
      '2026-12',
      '2026-12-21T00:00 2026-12-21T23:59',
      'the end of the third week (days 15-21)',
    ],
    [
      'the third full week',
      'third_week: third full week',
      'directory-assemble',
      '2026-12',
      '2026-12-22T00:00 2026-12-27T23:59',
      'day 2 of the third week (days 21-27, the third full one)',
    ],
    [
      'its last day',
      'third_week: third full week',
      'directory-submit',
      '2026-12',
      '2026-12-27T00:00 2026-12-27T23:59',
      'the end of the third week (days 21-27, the third full one)',
    ],
    [
      'a month that begins on a Monday',
      'third_week: third full week',
      'directory-assemble',
      '2026-06',
      '2026-06-16T00:00 2026-06-21T23:59',
      'day 2 of the third week (days 15-21, the third full one)',
    ],
    [
      'another day and time',
      'jobs: { ingest: { day: 14, at: 06:30 } }',
      'ingest',
      '2026-06',
      '2026-06-14T06:30 2026-06-14T23:59',
      'day 14, by the schedule file',
    ],
    [
      'the last day',
      'jobs: { report: { day: last day } }',
      'report',
      '2028-02',
      '2028-02-29T00:00 2028-02-29T23:59',
      'last day, by the schedule file',
    ],
    [
      'a weekday by its place',
      'jobs: { refresh: { day: Third  Monday } }',
      'refresh',
      '2026-06',
      '2026-06-15T00:00 2026-06-15T23:59',
      'third monday, by the schedule file',
    ],
    [
      'the last of a weekday',
      'jobs: { report: { day: last friday } }',
      'report',
      '2026-07',
      '2026-07-31T00:00 2026-07-31T23:59',
      'last friday, by the schedule file',
    ],
    [
      'a shift over a weekend',
      'jobs: { ingest: { shift: next working day } }',
      'ingest',
      '2026-08',
      '2026-08-17T00:00 2026-08-17T23:59',
      'mid-month (day 15 is a Saturday, 16 a Sunday; the next working day)',
    ],
    [
      'a shift back',
      'jobs: { directory-submit: { shift: previous working day } }',
      'directory-submit',
      '2026-06',
      '2026-06-19T00:00 2026-06-21T23:59',
      'the end of the third week (days 15-21; day 21 is a Sunday, 20 a Saturday; the previous working day)',
    ],
    [
      'assembly is late at the end of the day of submission',
      'jobs: { directory-submit: { shift: previous working day } }',
      'directory-assemble',
      '2026-06',
      '2026-06-16T00:00 2026-06-19T23:59',
      'day 2 of the third week (days 15-21)',
    ],
    [
      'a shift over a holiday',
      SHIFTED,
      'ingest',
      '2026-06',
      '2026-06-16T00:00 2026-06-16T23:59',
      'mid-month (day 15 is Founding Day; the next working day)',
    ],
    [
      'what waits for it follows',
      SHIFTED,
      'refresh',
      '2026-08',
      '2026-08-17T00:00 2026-08-17T23:59',
      'as soon as ingest is due',
    ],
    [
      'assembly, too',
      SHIFTED,
      'directory-assemble',
      '2026-08',
      '2026-08-17T00:00 2026-08-21T23:59',
      'as soon as report is due'.replace('report', 'refresh'),
    ],
    [
      'a weekend of another land',
      'working_days: { weekend: [friday] }\njobs: { ingest: { shift: next working day } }',
      'ingest',
      '2026-05',
      '2026-05-16T00:00 2026-05-16T23:59',
      'mid-month (day 15 is a Friday; the next working day)',
    ],
    [
      'another deadline',
      'jobs: { refresh: { deadline: 18 } }',
      'refresh',
      '2026-06',
      '2026-06-15T00:00 2026-06-18T23:59',
      'mid-month',
    ],
    [
      'no deadline',
      'jobs: { report: { deadline: none } }',
      'report',
      '2026-06',
      '2026-06-15T00:00 ',
      'mid-month',
    ],
  ])('%s', async (_, lines, job, cycle, dates, why) => {
    const schedule = lines === '' ? scheduleOf('UTC', JOBS) : await read(lines, '2026-06-15 Founding Day\n');
    const { due, deadline = '', why: said } = schedule.dates(job, cycle);
    expect([`${due.slice(0, 16)} ${deadline.slice(0, 16)}`, said]).toEqual([dates, why]);
  });

  test('catch-up', async () => {
    const schedule = await read('jobs: { refresh: { catch_up: last, window_days: 31 } }');
    expect(schedule.catchUp('refresh')).toEqual({ policy: 'last', windowDays: 31 });
    expect(schedule.catchUp('report')).toEqual(scheduleOf('UTC', JOBS).catchUp('report'));
  });

  test('a time that the clocks skip is the end of the gap, one that they show twice the first; both are told', async () => {
    const spring = await read('jobs: { report: { day: 28, at: "02:30" } }', undefined, 'Europe/Madrid');
    expect(spring.dates('report', '2027-03')).toMatchObject({
      due: '2027-03-28T01:00:00.000Z',
      why: 'day 28, by the schedule file (02:30 is skipped by the clocks that day; the end of the gap)',
    });
    const autumn = await read(
      'jobs: { report: { day: last sunday, at: "02:30" } }',
      undefined,
      'Europe/Madrid',
    );
    expect(autumn.dates('report', '2027-10')).toMatchObject({
      due: '2027-10-31T00:30:00.000Z',
      why: 'last sunday, by the schedule file (02:30 comes twice that day; the first)',
    });
  });

  test('holidays of a year that is in no list are missed aloud, where a job is moved by them', async () => {
    const schedule = await read(SHIFTED, '2026-06-15 Founding Day\n');
    expect(schedule.warnings(['2026-12'])).toEqual([]);
    expect(schedule.warnings(['2026-12', '2027-01', '2027-02'])).toEqual([
      'Holidays are known until 2026 only: in 2027 days are moved for weekends alone. Add the holidays of each year to the holiday file.',
    ]);
    expect((await read(HOLIDAYS, '2026-06-15 Founding Day\n')).warnings(['2027-01'])).toEqual([]);
  });

  test('the file is the one that is named, else the one in LKP_HOME, else none', async () => {
    const named = join(ROOT, 'samples/schedule.yaml');
    const settings = { LKP_TIME_ZONE: 'America/Los_Angeles', LKP_SCHEDULE: named, home };
    const schedule = await readSchedule(settings, JOBS);
    expect(schedule.file).toBe(named);
    expect(schedule.dates('ingest', '2026-08').due).toBe('2026-08-17T13:00:00.000Z');
    expect(schedule.dates('directory-submit', '2026-06').why).toContain(
      'day 21 is a Sunday, 20 a Saturday, 19 Juneteenth; the previous',
    );
    expect((await readSchedule({ ...settings, LKP_SCHEDULE: undefined }, JOBS)).file).toBeNull();
    await expect(readSchedule({ ...settings, LKP_SCHEDULE: join(home, 'no.yaml') }, JOBS)).rejects.toThrow(
      /LKP_SCHEDULE names .*no\.yaml.*unset LKP_SCHEDULE/,
    );
  });
});

describe('what is refused, by name and line', () => {
  const of = (day: string) => `jobs:\n  refresh:\n    day: ${day}`;
  test.each([
    ['jobs:\n  refesh: { day: 15 }', 'line 2: jobs has the unknown setting "refesh" (did you mean refresh?)'],
    [
      'jobs:\n  refresh: { dai: 15 }',
      'line 2: jobs.refresh has the unknown setting "dai" (did you mean day?)',
    ],
    [
      'time_zone: UTC',
      'line 1: time_zone is no setting of this file; the time zone is the setting LKP_TIME_ZONE',
    ],
    ['# none yet', 'settings such as "jobs: ..." were wanted'],
    ['jobs: [refresh]', 'line 1: jobs must be settings, a line each'],
    ['weekend: [monday]', 'line 1: the file has the unknown setting "weekend" (it belongs in another part)'],
    ['jobs: {}\n---\njobs: {}', 'holds several documents; leave one'],
    [`third_week: ${'x'.repeat(5000)}`, `is "${'x'.repeat(57)}..." and must be one of`],
    ['third_week: weeks', 'line 1: third_week is "weeks" and must be one of days 15-21, third full week'],
    ['working_days: { weekend: [funday] }', 'is "funday" and must be one of sunday'],
    [of('0'), 'line 3: jobs.refresh.day is 0; a day from 1 to 28, last day,'],
    [of('15.5'), 'jobs.refresh.day is 15.5; a day from 1 to 28'],
    [
      of('29'),
      'line 3: jobs.refresh.day is 29, a day that not every month has: in such a month it could never fire; write last day',
    ],
    [of('31'), 'is 31, a day that not every month has'],
    [
      of('fifth friday'),
      'not every month has one: in such a month it could never fire; write last in place of fifth',
    ],
    [of("'*'"), 'is "*", which is cron text, which one engine reads otherwise than the next'],
    [of("'*/5 * * * *'"), 'is cron text'],
    [of("'@monthly'"), 'is cron text'],
    [of("'0 6 15 * *'"), 'is cron text'],
    ["jobs:\n  refresh: '0 6 15 * MON'", 'line 2: jobs.refresh is "0 6 15 * MON", which is cron text'],
    ['jobs: { refresh: { cron: 0 6 15 * * } }', 'jobs.refresh.cron is no setting: a job is due once a month'],
    ['jobs: { refresh: { every: day } }', 'jobs.refresh.every is no setting: a job is due once a month'],
    [of('[15, 16]'), 'line 3: jobs.refresh.day is a list, and a job is due once a month'],
    [of('15, 16'), 'names several days, and a job is due once a month'],
    [of('15-21'), 'names several days'],
    [of('every 2 weeks'), 'would be due at an interval, not on a date'],
    [of('daily'), 'would be due at an interval'],
    [of('24h'), 'would be due at an interval'],
    [
      of('mondays'),
      'would be due each week, and a job is due once a month; write which one, such as first monday',
    ],
    [of('last working day'), 'write a day, such as last day, and shift: previous working day'],
    [of('third mondy'), 'is no day (did you mean third monday?)'],
    [of('{ a: 1 }'), 'jobs.refresh.day is no day'],
    [
      'jobs: { refresh: { at: 25:00 } }',
      'jobs.refresh.at is "25:00"; a time from "00:00" to "23:59" was wanted',
    ],
    ['jobs: { refresh: { at: 6:00 } }', 'jobs.refresh.at is "6:00"'],
    ['jobs: { refresh: { at: 6 } }', 'jobs.refresh.at is 6;'],
    ['jobs: { refresh: { shift: forward } }', 'must be one of next working day, previous working day, none'],
    ['jobs: { refresh: { catch_up: yes } }', 'is "yes" and must be one of none, last, all'],
    ['jobs: { refresh: { window_days: 0 } }', 'must be at least 1'],
    ['jobs: { refresh: { deadline: 30 } }', 'jobs.refresh.deadline is 30, a day that not every month has'],
    [`working_days: { weekend: [${WEEKDAYS.join(', ')}] }`, 'leaves no working day in the week'],
    [
      'jobs: { refresh: { day: 14 } }',
      'line 1: refresh is due on 2024-01-14 00:00, before ingest (2024-01-15 00:00), for which it waits; give refresh a later day or time, or ingest an earlier one (cycle 2024-01, and 335 others)',
    ],
    ['jobs: { directory-assemble: { day: 21, at: 10:00 } }', ''],
    [
      'jobs: { directory-assemble: { day: 22 } }',
      'directory-submit is due on 2024-01-22 (as soon as directory-assemble is due), after its deadline 2024-01-21',
    ],
    [
      'jobs: { directory-assemble: { day: 21, at: 10:00 }, directory-submit: { at: 09:00 } }',
      'directory-submit is due on 2024-01-21 09:00, before directory-assemble (2024-01-21 10:00)',
    ],
    [
      'jobs: { directory-submit: { day: 22 } }',
      'directory-submit is due on 2024-01-22 (day 22, by the schedule file), after its deadline 2024-01-21; give it an earlier day',
    ],
    [
      'jobs: { directory-submit: { shift: next working day } }',
      'directory-submit is due on 2024-01-22 (the end of the third week; days 15-21; day 21 is a Sunday; the next working day), after its deadline 2024-01-21',
    ],
    [
      'jobs: { report: { day: last day, shift: next working day } }',
      'jobs.report.shift: 2024-03-31 is no working day, and its month has no next working day (cycle 2024-03, and 95 others)',
    ],
    [
      'jobs: { ingest: { shift: next working day, deadline: 16 } }',
      'ingest is due on 2024-06-17 (mid-month; day 15 is a Saturday, 16 a Sunday; the next working day), after its deadline 2024-06-16',
    ],
    ['[]', 'cannot be used'],
    ['jobs: { refresh: {}, refresh: {} }', 'is not YAML'],
    ['jobs: \0', 'is no UTF-8 text (it holds NUL bytes)'],
  ])('%s', async (lines, says) => {
    if (says === '') await read(lines);
    else expect(await refusal(lines)).toContain(says);
  });

  test.each([
    [
      'a day that does not exist',
      '# ours\n2026-02-30 Feast\n',
      'holidays.txt line 2: there is no day 2026-02-30; a day and its name were wanted',
    ],
    ['nonsense', '2026-12-25 Christmas Day\nxmas\n', 'holidays.txt line 2: "xmas" is no holiday'],
    [
      'dates as others write them',
      '25/12/2026 Christmas Day\n',
      'line 1: "25/12/2026 Christmas Day" is no holiday',
    ],
    [
      'a day twice',
      '2026-12-25 Christmas Day\n\n2026-12-25 Navidad\n',
      'line 3: 2026-12-25 stands on line 1 already',
    ],
    [
      'a year mistyped',
      '2206-12-25 Christmas Day\n',
      'line 1: 2206-12-25 lies outside 2000-01-01 to 2100-01-31, the days this calendar knows; check the year',
    ],
    ['no day', '# none yet\n', 'holidays.txt holds no holiday'],
    [
      'UTF-16',
      Buffer.from('2026-12-25 x\n', 'utf16le'),
      'is no UTF-8 text (it holds NUL bytes). Save it as UTF-8',
    ],
    ['Latin-1', Buffer.from('2026-12-25 Noël\n', 'latin1'), 'is no UTF-8 text. Save it as UTF-8'],
    ['another file', Buffer.alloc(2 << 20, 'x'), 'has 2097152 bytes'],
    ['no file', undefined, 'cannot be read (ENOENT). Check the path'],
    [
      'a month of holidays',
      Array.from({ length: 16 }, (_, index) => `2026-12-${index + 15} Break`)
        .concat('2026-12-31 Break')
        .join('\n'),
      'jobs.ingest.shift: 2026-12-15 is no working day, and its month has no next working day (cycle 2026-12)',
    ],
  ])('a list of holidays with %s', async (_, holidays, says) => {
    expect(await refusal(SHIFTED, holidays)).toContain(says);
  });

  test('all faults at once', async () => {
    const both = await refusal(
      `${HOLIDAYS}jobs:\n  refresh: { day: 14 }\n  directory-submit: { day: 22 }`,
      'xmas',
    );
    for (const part of ['holidays.txt line 1', 'line 3: refresh is due', 'line 4: directory-submit is due'])
      expect(both).toContain(part);
    const shape = await refusal('third_week: x\njobs:\n  refresh: { day: 31, at: 7 }\n  report: { dai: 1 }');
    for (const part of [
      'line 1: third_week',
      'line 3: jobs.refresh.day',
      'line 3: jobs.refresh.at',
      'line 4: jobs.report',
    ])
      expect(shape).toContain(part);
  });
});

test('a shifted day is a working day, the nearest in its direction, of the same month', () => {
  const day = fc.integer({ min: 0, max: 730 }).map((days) => addDays('2026-01-01', days));
  const weekend = fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { maxLength: 6 });
  fc.assert(
    fc.property(
      day,
      weekend,
      fc.array(day, { maxLength: 300 }),
      fc.constantFrom(...SHIFTS),
      (from, rest, off, shift) => {
        const working = { weekend: new Set(rest), holidays: new Map(off.map((one) => [one, 'off'])) };
        const step = shift === 'next working day' ? 1 : -1;
        const month = Array.from({ length: 31 }, (_, index) => addDays(from, index * step));
        const wanted = month.find(
          (one) => one.slice(0, 7) === from.slice(0, 7) && restOn(one, working) === undefined,
        );
        const found = shifted(from, shift, working);
        expect(found?.day).toBe(wanted);
        if (found)
          expect(found.passed).toHaveLength(Math.abs(Date.parse(found.day) - Date.parse(from)) / 86_400_000);
      },
    ),
  );
});

test('the third full week is the third of those weeks from Monday to Sunday that lie wholly in the month', () => {
  for (let month = '2024-01'; month <= '2051-12'; month = addMonths(month, 1)) {
    const full = Array.from({ length: 31 }, (_, index) => addDays(`${month}-01`, index)).filter(
      (day) => new Date(day).getUTCDay() === 1 && addDays(day, 6).startsWith(month) && day.startsWith(month),
    );
    expect(dayOf('day 1 of the third week', month, 'third full week')).toBe(full[2]);
  }
});

describe('every time zone of the world, 2024 to 2035', () => {
  const FROM = Date.parse('2023-12-01T00:00:00Z');
  const TO = Date.parse('2036-03-01T00:00:00Z');
  const MINUTE = 60_000;
  /** From when on which offset is in force: as Intl says it, found by bisection; independent of the code under test. */
  type Clock = Array<{ readonly from: number; readonly offset: number }>;
  const clocks = new Map<string, { clock: Clock; zones: string[] }>();

  function clockOf(timeZone: string): Clock {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    const offsetAt = (instant: number): number => {
      const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?$/.exec(format.format(instant))!;
      return sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * MINUTE;
    };
    const clock = [{ from: FROM, offset: offsetAt(FROM) }];
    for (let at = FROM; at < TO; at += 7 * 1440 * MINUTE) {
      const next = at + 7 * 1440 * MINUTE;
      const offset = offsetAt(next);
      if (offset === clock.at(-1)!.offset) continue;
      let [low, high] = [at, next];
      while (high - low > MINUTE) {
        const middle = low + Math.floor((high - low) / MINUTE / 2) * MINUTE;
        if (offsetAt(middle) === offset) high = middle;
        else low = middle;
      }
      clock.push({ from: high, offset });
    }
    return clock;
  }

  /** The instants at which a clock shows a local time; where it skips it, the change that skips it. */
  function shownAt(clock: Clock, wall: number): number[] {
    const until = (index: number) => clock[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    const shown = clock.flatMap(({ from, offset }, index) =>
      wall - offset >= from && wall - offset < until(index) ? [wall - offset] : [],
    );
    if (shown.length > 0) return shown;
    return clock.flatMap(({ from, offset }, index) =>
      index > 0 && wall >= from + clock[index - 1]!.offset && wall < from + offset ? [from] : [],
    );
  }

  beforeAll(() => {
    for (const zone of ['UTC', ...Intl.supportedValuesOf('timeZone')]) {
      const clock = clockOf(zone);
      const known = clocks.get(JSON.stringify(clock));
      if (known) known.zones.push(zone);
      else clocks.set(JSON.stringify(clock), { clock, zones: [zone] });
    }
  });

  test('each job has exactly one due instant in each cycle, on its day', async () => {
    const path = join(home, 'zones.yaml');
    await writeFile(
      path,
      'jobs: { ingest: { at: "02:30", shift: next working day }, report: { day: last sunday, at: "00:30" } }',
    );
    const { changed, plan } = await readScheduleFile(path, JOBS);
    const schedules = [
      (zone: string) => scheduleOf(zone, JOBS),
      (zone: string) => scheduleOf(zone, changed, plan),
    ];
    const cycles = Array.from({ length: 144 }, (_, index) => addMonths('2024-01', index));
    // In UTC the local time is the instant itself.
    const walls = schedules.map((of) =>
      JOBS.map(({ name }) => cycles.map((cycle) => Date.parse(of('UTC').dates(name, cycle).due))),
    );
    let zones = 0;
    for (const { clock, zones: alike } of clocks.values()) {
      zones += alike.length;
      for (const [which, of] of schedules.entries()) {
        const schedule = of(alike[0]!);
        for (const [place, { name }] of JOBS.entries()) {
          if (which === 1 && !plan.fixed.has(name)) continue;
          let last = '';
          for (const [index, cycle] of cycles.entries()) {
            const { due } = schedule.dates(name, cycle);
            const [first] = shownAt(clock, walls[which]![place]![index]!);
            if (Date.parse(due) !== first || due <= last) expect.fail(`${alike[0]} ${name} ${cycle}: ${due}`);
            last = due;
          }
        }
      }
    }
    expect(zones).toBeGreaterThan(400);
  });

  test('on each day on which clocks change: what they skip, what they show twice, and around it', () => {
    let changes = 0;
    for (const { clock, zones } of clocks.values())
      for (const [index, { from, offset }] of clock.entries()) {
        if (index === 0) continue;
        changes += 1;
        const before = clock[index - 1]!.offset;
        const [low, high] = [from + Math.min(before, offset), from + Math.max(before, offset)];
        for (const wall of [
          low - MINUTE,
          low,
          (low + high) / 2,
          high - MINUTE,
          high,
          low - (low % 86_400_000),
        ]) {
          const local = new Date(Math.floor(wall / MINUTE) * MINUTE).toISOString();
          const shown = shownAt(clock, Date.parse(local));
          const { instant, times } = instantOf(local.slice(0, 10), local.slice(11, 16), zones[0]!);
          const skipped = before < offset && wall >= low && wall < high;
          if (Date.parse(instant) !== shown[0] || times !== (skipped ? 0 : shown.length))
            expect.fail(
              `${zones[0]} ${local}: ${instant} (${times} times), not ${shown.map((one) => new Date(one).toISOString())}`,
            );
        }
      }
    expect(changes).toBeGreaterThan(500);
  });
});

test('as text it fits a terminal, under a heading for each cycle; UTC alone has one column of dates', async () => {
  const text = async (timeZone: string): Promise<string[]> => {
    const schedule = await read(SHIFTED, '2027-02-15 Founding Day', timeZone);
    const cycles = ['2027-02', '2027-05'].map((cycle) => ({
      cycle,
      occurrences: JOBS.map(({ name }) => {
        const { due, deadline, why } = schedule.dates(name, cycle);
        return { job: name, due_at: due, ...(deadline && { deadline }), state: 'not due', why };
      }),
    }));
    return calendarText(cycles, timeZone).split('\n');
  };
  const lines = await text('Europe/Madrid');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120);
  expect(lines.filter((line) => /^\d/.test(line))).toEqual(['2027-02', '2027-05']);
  expect(
    lines
      .find((line) => line.startsWith('  ingest'))!
      .split(/ {2,}/)
      .slice(1, 6),
  ).toEqual(['ingest', 'Tue 16 Feb 2027 00:00', '15 Feb 23:00', 'Tue 16 Feb 23:59', 'not due']);
  const [header, , , utc] = await text('UTC');
  expect(header).toContain('due (UTC)');
  expect(utc).toContain('Tue 16 Feb 2027 00:00  Tue 16 Feb 23:59  not due');
});

test('docs/cli.md has every setting of the file, and shows the sample as it is', async () => {
  const page = await readFile(join(ROOT, 'docs/cli.md'), 'utf8');
  const text = page.slice(page.indexOf('\n## The schedule file\n'), page.indexOf('\n## Settings\n'));
  const listed = [...text.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, name]) => name);
  const working = Object.keys(FILE_SHAPE.working_days.def.innerType.shape).map(
    (key) => `working_days.${key}`,
  );
  expect(listed).toEqual([...working, 'third_week', ...Object.keys(JOB_SHAPE).map((key) => `jobs.${key}`)]);
  expect(text).toContain(
    `\`\`\`yaml\n${(await readFile(join(ROOT, 'samples/schedule.yaml'), 'utf8')).trimEnd()}\n\`\`\``,
  );
});
