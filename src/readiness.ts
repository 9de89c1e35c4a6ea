import type { Role } from './roles.ts';
import type { Pulse } from './vitals.ts';

/** How long ago the scheduler may have looked for the last time, and a worker have answered. */
const LOOKED_WITHIN_S = 15;
const ANSWERED_WITHIN_S = 60;

export interface Check {
  readonly name: 'process' | 'database' | 'queue' | 'scheduler' | 'round trip';
  readonly ok: boolean;
  readonly why: string;
  /** Only of a check that is not ok. */
  readonly what_to_do?: string;
}

/** What a process knows about itself and heard from the database. */
export interface Facts {
  readonly roles: readonly Role[];
  readonly draining: boolean;
  /** undefined: it is not open yet. */
  readonly queueStands: boolean | undefined;
  /** Seconds since a look of the scheduler succeeded; undefined: never. */
  readonly looked: number | undefined;
  /** An attempt is running in this process. */
  readonly attempting: boolean;
  readonly pulse: { readonly found: Pulse } | { readonly missing: string };
}

/** Whether a process does its work, check by check; it is ready when all are ok. */
export function readinessOf(facts: Facts): { ready: boolean; checks: Check[] } {
  const checks = [
    ...(facts.draining ? [DRAINS] : []),
    database(facts),
    queue(facts),
    ...(facts.roles.includes('scheduler') ? [scheduler(facts)] : []),
    roundTrip(facts),
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

const DRAINS: Check = {
  name: 'process',
  ok: false,
  why: 'it was told to end, and begins nothing more',
  what_to_do: 'wait until it has ended',
};

const database = ({ pulse }: Facts): Check =>
  'found' in pulse
    ? { name: 'database', ok: true, why: 'it answers' }
    : {
        name: 'database',
        ok: false,
        why: pulse.missing,
        what_to_do: 'see that PostgreSQL runs and can be reached; lkp goes on by itself when it is back',
      };

const queue = ({ queueStands }: Facts): Check =>
  queueStands
    ? { name: 'queue', ok: true, why: 'it answers' }
    : {
        name: 'queue',
        ok: false,
        why: queueStands === undefined ? 'it is not open yet' : 'it does not answer',
        what_to_do:
          'see that what QUEUE_URL names runs and can be reached; lkp goes on by itself when it is back',
      };

function scheduler({ looked }: Facts): Check {
  const why = looked === undefined ? 'it has not looked yet' : `it looked ${ago(looked)}`;
  return looked !== undefined && looked <= LOOKED_WITHIN_S
    ? { name: 'scheduler', ok: true, why }
    : {
        name: 'scheduler',
        ok: false,
        why: `${why}; every 2 s is wanted`,
        what_to_do: 'see its log: it names what is away; if that answers, restart this process',
      };
}

/** A worker does one job at a time: while it is at work it answers nothing, for as long as it holds the job's lease. */
function roundTrip({ roles, attempting, pulse }: Facts): Check {
  const name = 'round trip';
  const not = (why: string, what_to_do: string): Check => ({ name, ok: false, why, what_to_do });
  if (!('found' in pulse))
    return not('not known while the database does not answer', 'see the check database');
  const { answered, answered_by, waits, running } = pulse.found;
  const last = answered === null ? 'no worker has answered yet' : `${answered_by} answered ${ago(answered)}`;
  if (answered !== null && answered <= ANSWERED_WITHIN_S) return { name, ok: true, why: last };
  if (running > 0 && (attempting || !roles.includes('worker')))
    return {
      name,
      ok: true,
      why: `busy: ${running === 1 ? '1 attempt is' : `${running} attempts are`} running; ${last}`,
    };
  if (waits === null)
    return not(`no heartbeat waits on the queue; ${last}`, 'see that a scheduler runs (lkp start scheduler)');
  return not(
    `a heartbeat has waited ${Math.round(waits)} s on the queue; ${last}`,
    'start a worker (lkp start worker), or see the log of this one; if it says nothing, restart it',
  );
}

const ago = (seconds: number): string => `${Math.round(seconds)} s ago`;
