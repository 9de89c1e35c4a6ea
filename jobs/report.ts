import { type Job, lateWords } from '../src/job.ts';
import { writeReports } from '../src/kpi/report.ts';

/**
 * Part 1 writes the program's workbook, each other part those of a share of the partners. Five, because the program's
 * workbook takes about as long as a quarter of all others: two workers end together, and the preparation, which each
 * part makes for its own partners, is made twice in all (decision 0012).
 */
const PARTS = 5;

export const report: Job = {
  name: 'report',
  why: 'writes the Excel reports of the newest revision: one workbook a partner, one for the program',
  reads: ['snapshot', 'line as of its cut-off'],
  writes: ['reports folder'],
  after: ['refresh'],
  when: { day: 15, why: 'mid-month' },
  parts: PARTS,
  async run(context, cycle, which) {
    const { part, parts } = which;
    const only = part === 1 ? 'program' : { share: part - 1, shares: parts - 1 };
    const { revision, files } = await writeReports(context, cycle, parts === 1 ? {} : { only });
    return {
      outcome: 'done',
      says: `${files.length} ${files.length === 1 ? 'workbook' : 'workbooks'} of revision ${revision}${lateWords(which)}`,
    };
  },
};
