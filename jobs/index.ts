import type { Job } from '../src/job.ts';
import { directoryAssemble } from './directory-assemble.ts';
import { directorySubmit } from './directory-submit.ts';
import { ingest } from './ingest.ts';
import { refresh } from './refresh.ts';
import { report } from './report.ts';

/**
 * The calendar of a cycle, in order:
 *
 *   the 15th   ingest -> refresh -> report
 *   day 16     directory-assemble (after refresh)
 *   day 21     directory-submit, at the latest
 *   day 7 of the next month: the update is visible in the directory
 */
export const JOBS: readonly Job[] = [ingest, refresh, report, directoryAssemble, directorySubmit];
