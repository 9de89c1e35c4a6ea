import { JOBS } from '../../jobs/index.ts';
import { openApp, stopServer } from '../app.ts';
import { meant, readSettings, testClock } from '../config.ts';
import { LkpError } from '../job.ts';
import { ROLES, type Role } from '../roles.ts';
import { serve } from '../serve.ts';
import { type Definition, progress } from './command.ts';

/** The running software: its processes and its database. */
export const SERVICE_COMMANDS: readonly Definition[] = [
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
      const stopped = await stopServer(readSettings().home);
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
    `"${text}" is not a role.${meant(text, ROLES, ' Did you mean')} Roles are ${ROLES.join(' and ')}; none is both.`,
  );
}
