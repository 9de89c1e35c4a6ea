import { JOBS } from '../../jobs/index.ts';
import { candidateProfiles } from '../invoice/profile.ts';
import { rulesInForce } from '../kpi/rules-in-force.ts';
import { statusOf, statusText } from '../status.ts';
import { comingCycles, type Definition } from './command.ts';

/** How the month stands, and whether the software could run it. */
export const STATUS_COMMANDS: readonly Definition[] = [
  {
    usage: 'status',
    description: 'what is next, what is late, what waits for whom',
    async act(app) {
      const status = await statusOf(app, JOBS);
      return { json: status, text: statusText(status) };
    },
  },
  {
    usage: 'check',
    description: 'validate the whole configuration',
    async act(app) {
      const profiles = (await candidateProfiles(app.settings.profiles)).map(({ name }) => name);
      const sets = (await app.db.transaction('check', rulesInForce)).map(({ name }) => name);
      const { file } = app.schedule;
      const warnings = app.schedule.warnings(comingCycles(app));
      return {
        json: { valid: true, profiles, rule_sets: sets, schedule: file, warnings },
        text: [
          `The configuration is valid. Profiles: ${profiles.join(', ')}. Rule sets in force: ${sets.join(', ')}. Schedule: ${file ?? "the program's own"}.`,
          ...warnings,
        ].join('\n'),
      };
    },
  },
];
