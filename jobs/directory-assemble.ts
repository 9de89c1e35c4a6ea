import { assembleDirectory, isSubmitted } from '../src/directory/assemble.ts';
import type { Job } from '../src/job.ts';

export const directoryAssemble: Job = {
  name: 'directory-assemble',
  why: 'assembles the directory batch from the listings of eligible partners',
  reads: ['listing', 'enrolment', 'snapshot', 'the last submitted batch'],
  writes: ['directory_batch', 'directory_entry'],
  after: ['refresh'],
  when: {
    day: 'day 2 of the third week',
    deadline: { job: 'directory-submit' },
    why: 'day 2 of the third week',
  },
  async run(context, cycle) {
    if (await isSubmitted(context, cycle))
      return { outcome: 'done', says: 'already submitted; nothing to assemble' };
    const batch = await assembleDirectory(context, cycle);
    return {
      outcome: 'done',
      says: `${batch.entries} entries: ${batch.added} added, ${batch.changed} changed, ${batch.removed} removed`,
    };
  },
};
