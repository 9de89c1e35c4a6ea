import { afterAll, beforeAll, expect, test } from 'vitest';
import { addDays, anniversaryAtHand, isProvisional, renewalDates, renewalWindow } from '../src/calendar.ts';
import { renewalOf } from './auditor/renewals.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';

/** The calendar, the database and the auditor each find the anniversary at hand: three ways to one day. */

let fresh: Fresh;
beforeAll(async () => {
  fresh = await freshDatabase();
});
afterAll(() => fresh.drop());

const CYCLES = ['2020-01', '2020-03', '2021-02', '2021-03', '2023-12', '2024-03'];
const SINCE = ['2015-06-30', '2020-02-28', '2021-03-01'];

test('every day of two years, in cycles around new years and ends of February', async () => {
  const days: string[] = [];
  for (let day = '2019-03-01'; day < '2021-03-01'; day = addDays(day, 1)) days.push(day);
  const rows = await fresh.db.transaction('dates', (tx) =>
    tx.rows<{ day: string; cycle: string; since: string; anniversary: string }>(
      `select days.day::date::text as day, cycles.cycle, since.since,
              anniversary_at_hand(days.day::date, (cycles.cycle || '-01')::date, since.since::date)::text as anniversary
       from unnest($1::text[]) as days (day), unnest($2::text[]) as cycles (cycle), unnest($3::text[]) as since (since)`,
      [days, CYCLES, SINCE],
    ),
  );
  expect(rows).toHaveLength(days.length * CYCLES.length * SINCE.length);
  for (const { day, cycle, since, anniversary } of rows) {
    const said = `${day}, cycle ${cycle}, enrolled from ${since}`;
    if (anniversaryAtHand(day, cycle, since) !== anniversary) expect.fail(`${said}: ${anniversary}`);
  }
  // The auditor walks day by day: some of them.
  for (const { day, cycle, since } of rows.filter((_, index) => index % 13 === 0)) {
    const anniversary = anniversaryAtHand(day, cycle, since);
    const enrolment = { anniversary_date: day, valid_from: since, valid_to: '' };
    const { from, to } = renewalWindow(anniversary);
    expect(
      renewalOf({ ...enrolment, partner_mpn_id: '', learning_option: '', competency: '' }, cycle),
    ).toEqual({
      anniversary,
      from,
      to,
      provisional: isProvisional(anniversary, cycle),
      ...renewalDates(anniversary),
    });
  }
});
