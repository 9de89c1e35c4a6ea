import type { Job } from '../../src/job.ts';

/** A job of a test: due on the 15th, and done well at once, unless it is told otherwise. */
export const jobOf = (name: string, after: readonly string[] = [], more: Partial<Job> = {}): Job => ({
  name,
  why: 'a test asks for it',
  reads: [],
  writes: [],
  after,
  when: { day: 15, why: 'a test says so' },
  run: async () => ({ outcome: 'done', says: 'well' }),
  ...more,
});
