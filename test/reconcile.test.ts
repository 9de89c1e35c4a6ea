import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { testContext } from './harness/context.ts';
import { draw, failuresOf, partnersOf, takeIn, told } from './reconcile/check.ts';
import { OF_THE_CLAIM, OF_THE_DATA } from './reconcile/world.ts';

/** `npm run claims` looks at other claims, and at hundreds of them. */
const CLAIMS = 20;
const FIRST_SEED = 1;

test(`${CLAIMS} claims with 0 to 12 faults: each is found, its cause is the planted one, and the causes add up`, async () => {
  const partners = partnersOf(FIRST_SEED, CLAIMS);
  const { drawn, cells } = draw(partners);
  const held = await testContext({ now: '2023-10-20T10:00:00.000Z' });
  try {
    await takeIn(held.context, dirname(await held.write('here', '')), partners);
    for await (const failure of failuresOf(held.context, drawn, cells)) expect.fail(told(failure));
  } finally {
    await held.drop();
  }
  const planted = new Set(drawn.flatMap(({ faults }) => faults));
  expect([...OF_THE_CLAIM, ...OF_THE_DATA].filter((fault) => !planted.has(fault))).toEqual([]);
}, 60_000);
