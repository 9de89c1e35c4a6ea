import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until the answer is truthy, and returns it; throws after `within` milliseconds. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  within = 20_000,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer as Exclude<T, undefined | null | false | 0 | ''>;
    if (Date.now() > deadline) throw new Error(`waited ${within} ms in vain until ${what}`);
    await sleep(10);
  }
}
