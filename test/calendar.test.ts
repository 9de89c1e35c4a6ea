import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JOBS } from '../jobs/index.ts';
import {
  addMonths,
  anniversaryAtHand,
  dayIn,
  endOfDay,
  isProvisional,
  lastDay,
  nextReminder,
  parseCycle,
  recurs,
  refreshDay,
  renewalDates,
  renewalWindow,
  reportingWindow,
  startOfDay,
  visibleBy,
} from '../src/calendar.ts';
import { scheduleOf } from '../src/schedule/schedule.ts';

const months = (from: string, to: string): string[] => {
  const found: string[] = [];
  for (let year = Number(from.slice(0, 4)), month = Number(from.slice(5)); ; month += 1) {
    if (month > 12) [year, month] = [year + 1, 1];
    const cycle = `${year}-${String(month).padStart(2, '0')}`;
    if (cycle > to) return found;
    found.push(cycle);
  }
};

const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

describe('the reporting window is the 12 completed months before the cycle', () => {
  test.each([
    ['2020-01', '2019-01-01', '2019-12-31'],
    ['2020-02', '2019-02-01', '2020-01-31'],
    ['2020-03', '2019-03-01', '2020-02-29'],
    ['2021-03', '2020-03-01', '2021-02-28'],
    ['2020-12', '2019-12-01', '2020-11-30'],
  ])('cycle %s shows %s to %s', (cycle, from, to) => {
    expect(reportingWindow(cycle)).toEqual({ from, to });
  });

  test('windows of one year to the next leave no day out and count none twice', () => {
    for (const cycle of months('2000-01', '2099-12')) {
      const { from, to } = reportingWindow(cycle);
      expect(nextDay(to)).toBe(`${cycle}-01`);
      expect(nextDay(reportingWindow(addMonths(cycle, -12)).to)).toBe(from);
    }
  });
});

describe('the renewal window is the 12 full months before the month of the anniversary', () => {
  test.each([
    ['2021-03-17', '2020-03-01', '2021-02-28'],
    ['2020-03-31', '2019-03-01', '2020-02-29'],
    ['2021-01-01', '2020-01-01', '2020-12-31'],
    ['2024-02-29', '2023-02-01', '2024-01-31'],
  ])('anniversary %s looks at %s to %s', (anniversary, from, to) => {
    expect(renewalWindow(anniversary)).toEqual({ from, to });
  });
});

describe('an anniversary date recurs every year', () => {
  test.each([
    ['2021-03-17', 2022, '2022-03-17'],
    ['2020-02-29', 2021, '2021-02-28'],
    ['2020-02-29', 2024, '2024-02-29'],
    ['2019-02-28', 2020, '2020-02-28'],
    ['2021-12-31', 1999, '1999-12-31'],
  ])('%s in %s is %s', (day, year, expected) => {
    expect(recurs(day, year)).toBe(expected);
  });

  test('reminders 15 days before and 23 after, 30 days of grace', () => {
    expect(renewalDates('2021-03-17')).toEqual({
      firstReminder: '2021-03-02',
      secondReminder: '2021-04-09',
      graceEnd: '2021-04-16',
    });
    expect(renewalDates('2021-02-28')).toEqual({
      firstReminder: '2021-02-13',
      secondReminder: '2021-03-23',
      graceEnd: '2021-03-30',
    });
    expect(renewalDates('2020-01-10')).toEqual({
      firstReminder: '2019-12-26',
      secondReminder: '2020-02-02',
      graceEnd: '2020-02-09',
    });
  });

  test.each([
    // Its grace ends on 16 April: April still looks at it, May at the next one.
    ['2021-03-17', '2021-02', '2015-01-01', '2021-03-17', true],
    ['2021-03-17', '2021-03', '2015-01-01', '2021-03-17', false],
    ['2021-03-17', '2021-04', '2015-01-01', '2021-03-17', false],
    ['2021-03-17', '2021-05', '2015-01-01', '2022-03-17', true],
    // The date on the enrolment is one of the recurrences, not the first.
    ['2021-03-17', '2019-01', '2015-01-01', '2019-03-17', true],
    // Grace that ends on the first day of the cycle.
    ['2019-12-02', '2020-01', '2015-01-01', '2019-12-02', false],
    ['2019-12-01', '2020-01', '2015-01-01', '2020-12-01', true],
    ['2020-02-29', '2021-03', '2015-01-01', '2021-02-28', false],
    ['2020-02-29', '2023-11', '2015-01-01', '2024-02-29', true],
    // 30 January is still at hand in March: its window ended two months before the cycle's.
    ['2021-01-30', '2021-03', '2015-01-01', '2021-01-30', false],
    // Enrolled on an anniversary, or after it: the first one is a year later.
    ['2021-03-17', '2021-03', '2021-03-17', '2022-03-17', true],
    ['2021-03-17', '2021-04', '2021-03-16', '2021-03-17', false],
  ])('of %s, cycle %s of an enrolment from %s looks at %s', (date, cycle, from, expected, provisional) => {
    expect(anniversaryAtHand(date, cycle, from)).toBe(expected);
    expect(isProvisional(expected, cycle)).toBe(provisional);
  });

  test('the next reminder counts from the day of the refresh on', () => {
    expect(nextReminder('2021-03-17', '2021-02')).toEqual({ what: 'first reminder', on: '2021-03-02' });
    expect(nextReminder('2021-03-17', '2021-03')).toEqual({ what: 'second reminder', on: '2021-04-09' });
    expect(nextReminder('2021-03-17', '2021-04')).toEqual({ what: 'grace ends', on: '2021-04-16' });
    expect(nextReminder('2021-01-10', '2021-02')).toBeUndefined();
  });

  test('every day is at hand from the month after the last grace to the month of its own', () => {
    for (let day = '2019-12-15'; day < '2021-03-15'; day = nextDay(day)) {
      const found = months('2018-10', '2022-01').filter(
        (cycle) => anniversaryAtHand(day, cycle, '2000-01-01') === day,
      );
      const graceMonth = (year: number): string => renewalDates(recurs(day, year)).graceEnd.slice(0, 7);
      const year = Number(day.slice(0, 4));
      expect(found, day).toEqual(months(addMonths(graceMonth(year - 1), 1), graceMonth(year)));
    }
  });
});

test('months are added across years, forth and back', () => {
  expect(addMonths('2020-01', -1)).toBe('2019-12');
  expect(addMonths('2019-12', 1)).toBe('2020-01');
  expect(addMonths('2020-01', -12)).toBe('2019-01');
  expect(addMonths('2020-05', 0)).toBe('2020-05');
  const all = months('2000-01', '2040-12');
  const place = fc.integer({ min: 0, max: all.length - 1 });
  fc.assert(
    fc.property(place, place, (from, to) => {
      expect(addMonths(all[from]!, to - from)).toBe(all[to]);
    }),
  );
});

test('the last day of a month is followed by the first of the next', () => {
  for (const cycle of months('2000-01', '2099-11')) {
    expect(nextDay(lastDay(cycle))).toBe(`${addMonths(cycle, 1)}-01`);
  }
  expect(lastDay('2000-02')).toBe('2000-02-29');
  expect(lastDay('2020-02')).toBe('2020-02-29');
});

test('the dates of the program: the 15th, day 7 of the next month', () => {
  expect(refreshDay('2020-12')).toBe('2020-12-15');
  expect(visibleBy('2020-12')).toBe('2021-01-07');
});

test('the jobs of a cycle fall due in order, each before its deadline, those before it no later', () => {
  for (const cycle of months('2024-01', '2035-12')) {
    for (const zone of ['UTC', 'America/Los_Angeles', 'Pacific/Kiritimati']) {
      const schedule = scheduleOf(zone, JOBS);
      const dates = new Map(JOBS.map((job) => [job.name, schedule.dates(job.name, cycle)]));
      for (const job of JOBS) {
        const { due, deadline } = dates.get(job.name)!;
        expect(deadline === undefined || due < deadline, `${job.name} ${cycle}`).toBe(true);
        for (const before of job.after) expect(dates.get(before)!.due <= due).toBe(true);
      }
    }
  }
});

describe('a day in a time zone', () => {
  test.each([
    ['2020-01-15', 'UTC', '2020-01-15T00:00:00.000Z'],
    ['2020-01-15', 'Europe/Madrid', '2020-01-14T23:00:00.000Z'],
    ['2020-07-15', 'Europe/Madrid', '2020-07-14T22:00:00.000Z'],
    ['2020-01-15', 'America/New_York', '2020-01-15T05:00:00.000Z'],
    ['2020-01-15', 'Asia/Kathmandu', '2020-01-14T18:15:00.000Z'],
    ['2020-01-15', 'Pacific/Kiritimati', '2020-01-14T10:00:00.000Z'],
    // The day of a clock change, and midnights that do not exist.
    ['2020-03-29', 'Europe/Madrid', '2020-03-28T23:00:00.000Z'],
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['2020-03-29', 'Asia/Beirut', '2020-03-28T22:00:00.000Z'],
  ])('%s in %s begins at %s', (day, zone, instant) => {
    expect(startOfDay(day, zone)).toBe(instant);
  });

  // Independent of the code under test: only what Intl says about an instant and the one before it.
  test('the 15th of each month 2024 to 2035 begins at one instant in every zone of the world', () => {
    const zones = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];
    expect(zones.length).toBeGreaterThan(400);
    for (const timeZone of zones) {
      const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
      for (const cycle of months('2024-01', '2035-12')) {
        const start = Date.parse(startOfDay(`${cycle}-15`, timeZone));
        const says = `${timeZone} ${cycle}`;
        if (format.format(start) !== `${cycle}-15`) expect.fail(`${says}: starts on ${format.format(start)}`);
        if (format.format(start - 1) !== `${cycle}-14`)
          expect.fail(`${says}: ${format.format(start - 1)} just before`);
      }
    }
  });

  test('days end a second before the next one begins, and every instant of a day is in it', () => {
    for (const zone of [
      'UTC',
      'Europe/Madrid',
      'America/Sao_Paulo',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    ]) {
      for (let day = '2018-10-01'; day < '2019-04-15'; day = nextDay(day)) {
        const end = endOfDay(day, zone);
        expect(Date.parse(end)).toBe(Date.parse(startOfDay(nextDay(day), zone)) - 1000);
        expect(dayIn(startOfDay(day, zone), zone)).toBe(day);
        expect(dayIn(end, zone)).toBe(day);
      }
    }
  });
});

describe('a cycle as a person types it', () => {
  test('a month up to the current one is taken', () => {
    expect(parseCycle('2020-01', '2020-01-15')).toBe('2020-01');
    expect(parseCycle('2019-12', '2020-01-15')).toBe('2019-12');
    expect(parseCycle('2030-01')).toBe('2030-01');
  });
  test.each([
    '',
    '2020',
    '2020-1',
    '2020-13',
    '2020-00',
    '20-01',
    '2020/01',
    '2020-01-15',
    ' 2020-01',
    '２０２０-01',
  ])('"%s" is not a cycle', (text) => {
    expect(() => parseCycle(text)).toThrow(/is not a cycle.*YYYY-MM/);
  });
  test('a month to come is refused with the newest that can run', () => {
    expect(() => parseCycle('2020-02', '2020-01-31')).toThrow(/future.*2020-01\.$/);
  });
  test('a mistyped century is refused', () => {
    expect(() => parseCycle('1020-01')).toThrow(/outside/);
    expect(() => parseCycle('2100-01')).toThrow(/outside/);
  });
});
