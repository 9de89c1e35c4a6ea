import { crashAt } from './config.ts';

/**
 * The places where a test may end this process with SIGKILL, as a power cut would, and what must hold afterwards. Each
 * is one line `crash('name')` in the file named here; test/chaos.test.ts holds list and code equal, and hits every one.
 */
export const CRASH_POINTS = {
  'load-before-commit': {
    where: 'src/reference/load.ts',
    holds: 'nothing of the reference file is known; the same command again loads it',
  },
  'look-taken': {
    where: 'src/roles.ts',
    holds: 'the occurrence is `enqueued` and no message says so; a minute later it is sent again',
  },
  'attempt-begun': {
    where: 'src/ledger/attempt.ts',
    holds: 'the occurrence is taken over under the next attempt when its lease is over',
  },
  'store-first-mb': {
    where: 'src/files.ts',
    holds: 'the half copy is never taken for a stored file; the original is still in the inbox',
  },
  'ingest-mid-copy': {
    where: 'src/invoice/ingest.ts',
    holds: 'no row of the file is known',
  },
  'store-copied': {
    where: 'src/files.ts',
    holds: 'no row of the file is known; the copy is a left-over without a name',
  },
  'store-renamed': {
    where: 'src/files.ts',
    holds: 'the bytes lie under their hash, and no row of the file is known yet',
  },
  'ingest-before-commit': {
    where: 'src/invoice/ingest.ts',
    holds: 'no row of the file is known; the next sweep takes it in',
  },
  'ingest-committed': {
    where: 'src/invoice/ingest.ts',
    holds: 'every row of the file is known once; the next sweep finds it a duplicate',
  },
  'refresh-months-built': {
    where: 'src/kpi/fresh.ts',
    holds: 'cells and revisions are as before; the months are still stale',
  },
  'refresh-before-freeze': {
    where: 'src/kpi/refresh.ts',
    holds: 'no new revision is visible',
  },
  'refresh-before-commit': {
    where: 'src/kpi/refresh.ts',
    holds: 'no new revision is visible, whole or half',
  },
  'report-mid-workbook': {
    where: 'src/kpi/report-rows.ts',
    holds: 'the half workbook has no name that a person sees',
  },
  'output-written': {
    where: 'src/files.ts',
    holds: 'the file under its name is the old one or absent',
  },
  'output-renamed': {
    where: 'src/files.ts',
    holds: 'the file under its name is whole; writing it again gives the same bytes',
  },
  'report-between-workbooks': {
    where: 'src/kpi/report.ts',
    holds: 'each workbook is whole or absent; the next attempt writes all of them to the same bytes',
  },
  'submit-intent': {
    where: 'src/directory/submit.ts',
    holds: 'the cycle is `sending`, the outbox is empty; the next attempt finishes it',
  },
  'submit-between-files': {
    where: 'src/directory/submit.ts',
    holds: 'nothing lies in the outbox under a name that a person sees',
  },
  'submit-before-manifest': {
    where: 'src/directory/submit.ts',
    holds: 'nothing lies in the outbox under a name that a person sees',
  },
  'submit-between-renames': {
    where: 'src/directory/submit.ts',
    holds: 'what lies in the outbox is whole; the next attempt adds the rest and overwrites nothing',
  },
  'submit-renamed': {
    where: 'src/directory/submit.ts',
    holds: 'all files are there; the next attempt finds them its own and marks the cycle submitted',
  },
  'prune-recorded': {
    where: 'src/keeping/prune.ts',
    holds: 'what is to go is written down and lies there still; the same command again deletes it',
  },
  'attempt-before-end': {
    where: 'src/ledger/attempt.ts',
    holds: 'the work is done and the ledger does not know: the next attempt has no further effect',
  },
} as const satisfies Record<string, { readonly where: string; readonly holds: string }>;

export type CrashPoint = keyof typeof CRASH_POINTS;

const asked = crashAt();
let passes = asked?.pass ?? 0;

/** Ends the process when this is the point and the pass that a test asked for. Otherwise nothing happens. */
export function crash(point: CrashPoint): void {
  if (asked === undefined || asked.point !== point) return;
  passes -= 1;
  if (passes === 0) process.kill(process.pid, 'SIGKILL');
}
