import { type Job, lateWords } from '../src/job.ts';
import { gapsOf, gateSays } from '../src/kpi/completeness.ts';
import { refresh as refreshCycle } from '../src/kpi/refresh.ts';

export const refresh: Job = {
  name: 'refresh',
  why: 'recomputes the KPIs over the previous 12 completed months and freezes them as a revision',
  reads: [
    'line',
    'document',
    'quarantine',
    'customer',
    'location',
    'product',
    'rate',
    'rule_set',
    'enrolment',
    'attainment',
  ],
  writes: ['source_month', 'month_cell', 'month_control', 'snapshot'],
  after: ['ingest'],
  when: { day: 15, why: 'mid-month' },
  async run(context, cycle, part) {
    const gaps = await gapsOf(context, cycle);
    if (gaps.length > 0) return { outcome: 'asks', says: gateSays(cycle, gaps) };
    const result = await refreshCycle(context, cycle, part);
    const says = `revision ${result.revision} ${result.outcome}: KPI ${result.kpi_value}, revenue ${result.revenue_value} ${result.currency}${lateWords(part)}`;
    return { outcome: result.outcome === 'differs' ? 'asks' : 'done', says };
  },
};
