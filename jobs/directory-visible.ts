import { visibility } from '../src/directory/confirm.ts';
import type { Job } from '../src/job.ts';

export const directoryVisible: Job = {
  name: 'directory-visible',
  why: 'asks whether the submission is visible in the directory',
  reads: ['directory_submission', 'directory_confirmation'],
  writes: [],
  after: ['directory-submit'],
  when: { day: 7, month: 'next', why: 'the end of the first week of the next month' },
  async run(context, cycle) {
    const { awaited, says } = await visibility(context, cycle);
    return { outcome: awaited ? 'asks' : 'done', says };
  },
};
