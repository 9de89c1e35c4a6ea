import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { drop, type Judged, judge, prepare, type Server, told } from './fuzz/check.ts';
import { mutantOf } from './fuzz/mutate.ts';

/** `npm run fuzz -- --files 10000` takes thousands of others. */
const FILES = 150;
const FIRST_SEED = 1;

let server: Server;
let prepared: string;
beforeAll(async () => {
  const { url, run } = inject('server');
  server = { url, template: `${run}_template` };
  prepared = await prepare(server);
});
afterAll(() => drop(server, prepared));

test('a seed is a file', () => {
  for (const seed of [1, 2, 3, 4, 5]) expect(mutantOf(seed)).toEqual(mutantOf(seed));
  const stories = Array.from({ length: 200 }, (_, seed) => mutantOf(seed).story);
  for (const what of [
    /^csv/,
    /^utf16/,
    /^xlsx/,
    /^ubl/,
    /^cii/,
    /swapped/,
    /ends after/,
    /flipped/,
    /another file/,
  ])
    expect(stories.filter((story) => what.test(story)).length, String(what)).toBeGreaterThan(3);
});

test(`${FILES} broken files each end ingested, rejected, quarantined or refused, with a reason`, async () => {
  const ends = new Map<string, number>();
  const wrong: Judged[] = [];
  for await (const judged of judge(server, prepared, FIRST_SEED, FILES)) {
    ends.set(judged.end ?? 'broke', (ends.get(judged.end ?? 'broke') ?? 0) + 1);
    if (judged.wrong.length > 0) wrong.push(judged);
  }
  expect(wrong.map(told)).toEqual([]);
  for (const end of ['with rejected rows', 'with quarantined rows', 'refused'])
    expect(ends.get(end) ?? 0, end).toBeGreaterThan(10);
}, 240_000);
