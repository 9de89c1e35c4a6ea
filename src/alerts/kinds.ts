import type { Notice } from '../ports.ts';

/** What people are told of, once each. docs/cli.md has the same table; a test holds the two to each other. */
export const ALERT_KINDS = {
  failed: {
    level: 'error',
    headline: (job, cycle) => `${job} of ${cycle} failed`,
  },
  'missed-deadline': {
    level: 'error',
    headline: (job, cycle) => `${job} of ${cycle} missed its deadline`,
  },
  missed: {
    level: 'error',
    headline: (_, cycle) => `${cycle} was missed`,
  },
  waiting: {
    level: 'warn',
    headline: (job, cycle) => `${job} of ${cycle} waits for a decision`,
  },
  incomplete: {
    level: 'warn',
    headline: (job, cycle) => `${job} of ${cycle} stopped: invoices are missing`,
  },
  quarantined: {
    level: 'warn',
    headline: (_, cycle) => `rows wait for a decision in ${cycle}`,
  },
  late: {
    level: 'warn',
    headline: (job, cycle) => `${job} of ${cycle} ran late`,
  },
  paused: {
    level: 'warn',
    headline: () => 'the calendar is paused and work is due',
  },
} as const satisfies Record<
  string,
  {
    /** Of the one line in the log. Rows that were handled as they should be are no errors. */
    readonly level: 'error' | 'warn';
    readonly headline: (job: string | null, cycle: string | null) => string;
  }
>;

export type AlertKind = keyof typeof ALERT_KINDS;

/** What is told, as it stands in the ledger. */
export interface Alert extends Omit<Notice, 'id' | 'headline' | 'kind'> {
  readonly id: string;
  /** What it is about: nothing is told twice under one key. */
  readonly key: string;
  readonly kind: AlertKind;
}

/** `refresh of 2026-05 failed`. */
export const headlineOf = ({ kind, job, cycle }: Pick<Alert, 'kind' | 'job' | 'cycle'>): string =>
  ALERT_KINDS[kind].headline(job, cycle);
