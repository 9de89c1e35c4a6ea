import { pastAssembly } from '../src/directory/assemble.ts';
import { showDirectory } from '../src/directory/show.ts';
import { submitDirectory } from '../src/directory/submit.ts';
import { type Job, LkpError } from '../src/job.ts';

export const directorySubmit: Job = {
  name: 'directory-submit',
  why: 'writes the one submission of the month for the directory team',
  reads: ['directory_batch', 'directory_entry'],
  writes: ['directory_submission', 'directory_file', 'outbox folder'],
  after: ['directory-assemble'],
  when: {
    day: 'day 7 of the third week',
    // The program's, wherever a schedule file puts the day.
    deadline: { day: 'day 7 of the third week' },
    why: 'the end of the third week',
  },
  async run(context, cycle) {
    const past = await pastAssembly(context, cycle);
    if (past && !past.begun) return { outcome: 'done', says: past.says };
    const batch = await showDirectory(context, cycle);
    if (batch.entries + batch.removed === 0) {
      return {
        outcome: 'asks',
        says: `The batch of ${cycle} has no entries, and a cycle is submitted once. Load the listings, run lkp directory assemble ${cycle}, then lkp cycle ${cycle} again.`,
      };
    }
    try {
      const { status, entries, files } = await submitDirectory(context, cycle);
      return { outcome: 'done', says: `${status}: ${entries} entries, ${files.length} files` };
    } catch (error) {
      if (!(error instanceof LkpError) || error.code !== 'request') throw error;
      // Files of somebody else lie in the outbox: only a person can tell whether the directory team has them.
      const { state } = await showDirectory(context, cycle);
      if (state === 'unknown') return { outcome: 'asks', says: error.message };
      throw error;
    }
  },
};
