import { ingestAll } from '../src/invoice/sweep.ts';
import type { Job } from '../src/job.ts';
import { refreshDue } from '../src/kpi/refresh.ts';

export const ingest: Job = {
  name: 'ingest',
  why: 'takes in the invoices that lie in the inbox',
  reads: ['inbox folder', 'import profiles'],
  writes: ['file', 'document', 'line', 'rejection', 'duplicate', 'quarantine', 'content store'],
  after: [],
  when: refreshDue,
  async run(context) {
    const { files, totals } = await ingestAll(context, [context.settings.inbox], { mayBeEmpty: true });
    const refused = files.filter(({ status }) => status === 'refused');
    const { rejected, quarantined } = totals.dispositions;
    const says = `${files.length} files, ${totals.lines_in} lines in, ${rejected} rejected, ${quarantined} quarantined, ${refused.length} files refused`;
    // What waits for a person does not hold the month: the completeness gate before the refresh does that.
    return { outcome: 'done', says };
  },
};
