import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshDatabase } from './harness/database.ts';
import { faultsOf, MISHAPS } from './simulate/faults.ts';
import { Simulation } from './simulate/simulation.ts';
import { storyOf } from './simulate/story.ts';

/** `npm run simulate` plays 24 of them, on both queues. */
const MONTHS = 2;
const SEED = 5;

test('a seed is a story, and two years of it hold what they are made for', async () => {
  const story = await storyOf(SEED, 24);
  expect(await storyOf(SEED, 24)).toEqual(story);
  const found = new Set<string>(story.events.map(({ what }) => what));
  for (const event of story.events) {
    if (event.what !== 'deliver') continue;
    const { arriving, file, name } = event.delivery;
    found.add(arriving ?? (file ? 'whole' : 'no invoice'));
    if (name.startsWith('copy-of-')) found.add('copy');
    if (name.startsWith('corrected-')) found.add('contradicted');
    if (name.startsWith('marketplace-') && name.slice(12, 19) < event.at.slice(0, 7)) found.add('late');
  }
  for (const fault of story.cycles.flatMap((cycle, index) => faultsOf(SEED, cycle, index)))
    found.add(fault.what === 'next' ? fault.mishap : fault.what);
  expect([...found]).toEqual(
    expect.arrayContaining([
      ...[
        'grows',
        'part',
        'whole',
        'no invoice',
        'copy',
        'contradicted',
        'late',
        'withdraw',
        'load',
        'complete',
      ],
      ...MISHAPS,
      ...['schedulers stop', 'schedulers start', 'pause', 'resume', 'zone', 'clock jumps'],
    ]),
  );
});

test(`${MONTHS} months with outages and late, half and corrected files keep every promise`, async () => {
  const fresh = await freshDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'lkp-simulate-'));
  const simulation = await Simulation.open({ databaseUrl: fresh.url, folder }, SEED, MONTHS);
  try {
    await simulation.play(() => undefined);
    const { violations, months, revisions, checks, digest } = simulation.figures;
    expect(violations).toEqual([]);
    expect({ months, digest }).toEqual({ months: MONTHS, digest: expect.stringMatching(/^[\da-f]{64}$/) });
    // A simulation in which nothing happens would keep every promise.
    expect(revisions).toBeGreaterThanOrEqual(MONTHS);
    expect(checks).toBeGreaterThan(100);
  } finally {
    await simulation.close();
    await fresh.drop();
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
