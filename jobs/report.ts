import type { Job } from '../src/job.ts';
import { refreshDue } from '../src/kpi/refresh.ts';
import { writeReports } from '../src/kpi/report.ts';

export const report: Job = {
  name: 'report',
  why: 'writes the Excel reports of the newest revision: one workbook a partner, one for the program',
  reads: ['snapshot', 'line as of its cut-off'],
  writes: ['reports folder'],
  after: ['refresh'],
  when: refreshDue,
  async run(context, cycle) {
    const { revision, files } = await writeReports(context, cycle);
    return { outcome: 'done', says: `${files.length} workbooks of revision ${revision}` };
  },
};
