import { sweepInbox } from '../src/invoice/sweep.ts';
import type { Job } from '../src/job.ts';

/** So many files that were left alone are named in a sentence. */
const NAMED = 20;

export const ingest: Job = {
  name: 'ingest',
  why: 'takes in the invoices that lie in the inbox',
  reads: ['inbox folder', 'import profiles'],
  writes: ['file', 'document', 'line', 'rejection', 'duplicate', 'quarantine', 'content store'],
  after: [],
  when: { day: 15, why: 'mid-month' },
  async run(context, cycle) {
    const { files, left_alone, totals } = await sweepInbox(context);
    const refused = files.filter(({ status }) => status === 'refused');
    const { rejected, quarantined } = totals.dispositions;
    const says = `${files.length} files, ${totals.lines_in} lines in, ${rejected} rejected, ${quarantined} quarantined, ${refused.length} files refused`;
    // What waits for a person does not hold the month: the completeness gate before the refresh does that.
    if (left_alone.length === 0) return { outcome: 'done', says };
    const left = left_alone.slice(0, NAMED).map(({ name, reason }) => `${name}: ${reason}`);
    if (left_alone.length > NAMED) left.push(`And ${left_alone.length - NAMED} more.`);
    return {
      outcome: 'asks',
      says: `${says}; ${left_alone.length} left alone. ${left.join(' ')} When they are whole, or gone from the inbox, run lkp cycle ${cycle} again.`,
    };
  },
};
