import { JOBS } from '../../jobs/index.ts';
import { openApp } from '../app.ts';
import { addMonths, parseCycle } from '../calendar.ts';
import { nearest, readSettings, testClock } from '../config.ts';
import { stopEmbedded } from '../db/embedded.ts';
import { demo, demoText } from '../demo.ts';
import { candidateProfiles } from '../invoice/profile.ts';
import { LkpError } from '../job.ts';
import { rulesInForce } from '../kpi/rules-in-force.ts';
import { nameOf } from '../ledger.ts';
import { runMonth } from '../month.ts';
import { ROLES, type Role } from '../roles.ts';
import { serve } from '../serve.ts';
import { table } from '../show.ts';
import { calendarOf, runsOf, stateText, statusOf, statusText } from '../status.ts';
import { cycleOf, type Definition, progress, today } from './command.ts';

/** The month as a whole, and the state of the software itself. */
export const MONTH_COMMANDS: readonly Definition[] = [
  {
    usage: 'demo',
    description: 'a whole month on sample files with the embedded database',
    async offline() {
      const result = await demo({ progress });
      return { json: result, text: demoText(result) };
    },
  },
  {
    usage: 'status',
    description: 'what is next, what is late, what waits for whom',
    async act(app) {
      const status = await statusOf(app, JOBS);
      return { json: status, text: statusText(status) };
    },
  },
  {
    usage: 'cycle <cycle>',
    description: 'run the jobs of a cycle that are due, through the queue',
    options: { '--all': 'also the jobs that fall due later in the month' },
    async act(app, [text], options) {
      const cycle = cycleOf(app, text);
      const occurrences = await runMonth(app, cycle, {
        reason: cycle === today(app).slice(0, 7) ? 'manual' : 'backfill',
        until: options.all ? 'everything' : app.now(),
        onState: (occurrence) => {
          const { state, says } = occurrence;
          progress(`${nameOf(occurrence)}: ${state}${says ? ` (${says})` : ''}`);
        },
      });
      const failed = occurrences.find(({ state }) => state === 'failed');
      if (failed) {
        throw new LkpError(
          'machine',
          `The job ${failed.job} of ${cycle} failed: ${failed.says} Repair it and run lkp cycle ${cycle} again; what is done stays done.`,
        );
      }
      const rows = occurrences.map((occurrence) => {
        const { state, says, due_at } = occurrence;
        return [nameOf(occurrence), state, says ?? `due ${due_at}`];
      });
      return {
        json: { cycle, occurrences },
        text: table(['job', 'state', 'says'], rows),
        code: occurrences.some(({ state }) => state === 'waiting') ? 3 : 0,
      };
    },
  },
  {
    usage: 'calendar [cycle]',
    description: 'the dates of the coming twelve months, or of one cycle',
    async act(app, [text]) {
      const coming = Array.from({ length: 12 }, (_, index) => addMonths(today(app).slice(0, 7), index));
      const calendar = await calendarOf(app, JOBS, text === undefined ? coming : [parseCycle(text)]);
      const rows = calendar.cycles.flatMap(({ cycle, occurrences }) =>
        occurrences.map((occurrence) => [
          cycle,
          occurrence.job,
          occurrence.due_at,
          occurrence.deadline ?? '',
          stateText(occurrence),
          occurrence.why,
        ]),
      );
      return { json: calendar, text: table(['cycle', 'job', 'due', 'deadline', 'state', 'why'], rows) };
    },
  },
  {
    usage: 'runs [cycle]',
    description: 'what was tried, and how it ended',
    async act(app, [text]) {
      const runs = await runsOf(app, text === undefined ? undefined : parseCycle(text));
      const rows = runs.map((run) => [
        run.started_at.slice(0, 19),
        nameOf(run),
        run.cycle ?? '',
        String(run.attempt),
        run.reason,
        run.actor,
        run.outcome ?? 'running',
        run.says ?? '',
      ]);
      const header = ['started (UTC)', 'job', 'cycle', 'attempt', 'reason', 'by', 'outcome', 'says'];
      return { json: { runs }, text: runs.length === 0 ? 'Nothing has run yet.' : table(header, rows) };
    },
  },
  {
    usage: 'check',
    description: 'validate the whole configuration',
    async act(app) {
      const profiles = (await candidateProfiles(app.settings.profiles)).map(({ name }) => name);
      const sets = (await app.db.transaction('check', rulesInForce)).map(({ name }) => name);
      return {
        json: { valid: true, profiles, rule_sets: sets },
        text: `The configuration is valid. Profiles: ${profiles.join(', ')}. Rule sets in force: ${sets.join(', ')}.`,
      };
    },
  },
  {
    usage: 'migrate',
    description: 'bring the database to this version',
    // Opening the application migrates.
    async act() {
      return { json: { migrated: true }, text: 'The database is up to date.' };
    },
  },
  {
    usage: 'start [roles...]',
    description: `run until a signal: ${ROLES.join(', ')}; all of them in one process when none is named`,
    async offline(given, options) {
      const roles = given.length === 0 ? [...ROLES] : [...new Set(given.map(roleOf))];
      const now = testClock();
      await serve({
        roles,
        jobs: JOBS,
        open: () => openApp({ progress, ...(now ? { now } : {}) }),
        ready: (line) => (options.json ? process.stderr : process.stdout).write(`${line}\n`),
      });
      return { json: { stopped: roles }, text: 'Stopped.' };
    },
  },
  {
    usage: 'stop',
    description: 'end the embedded server',
    async offline() {
      const stopped = await stopEmbedded(readSettings().home);
      return {
        json: { stopped },
        text: stopped ? 'The embedded server is stopped.' : 'No embedded server is running here.',
      };
    },
  },
];

function roleOf(text: string): Role {
  const role = ROLES.find((known) => known === text);
  if (role) return role;
  throw new LkpError(
    'request',
    `"${text}" is not a role. Did you mean ${nearest(text, ROLES)}? Roles are ${ROLES.join(' and ')}; none is both.`,
  );
}
