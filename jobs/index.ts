import type { Job } from '../src/job.ts';
import { directoryAssemble } from './directory-assemble.ts';
import { directorySubmit } from './directory-submit.ts';
import { directoryVisible } from './directory-visible.ts';
import { housekeeping } from './housekeeping.ts';
import { ingest } from './ingest.ts';
import { refresh } from './refresh.ts';
import { report } from './report.ts';

/**
 * The calendar of a cycle, in order:
 *
 *   the 1st    housekeeping (waits for nothing, and nothing for it)
 *   the 15th   ingest -> refresh -> report
 *   day 16     directory-assemble (after refresh)
 *   day 21     directory-submit, at the latest
 *   day 7 of the next month: directory-visible (a person looks whether the directory shows it)
 *
 * Housekeeping stands last: who runs a whole cycle has its figures first.
 */
export const JOBS: readonly Job[] = [
  ingest,
  refresh,
  report,
  directoryAssemble,
  directorySubmit,
  directoryVisible,
  housekeeping,
];
