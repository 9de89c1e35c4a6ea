import type { Job } from '../src/job.ts';
import { keepHouse } from '../src/keeping/house.ts';

export const housekeeping: Job = {
  name: 'housekeeping',
  why: 'removes what nothing refers to any more, and reads every stored file',
  reads: ['content store', 'file'],
  writes: ['run', 'alert', 'half-written files', 'left-over files'],
  after: [],
  when: { day: 1, why: 'the first of the month', catchUp: { policy: 'last' } },
  run: (context, cycle) => keepHouse(context, cycle),
};
