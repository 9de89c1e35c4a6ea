import { JOBS } from '../../jobs/index.ts';
import { lookForAlerts } from '../alerts/look.ts';
import { candidateProfiles } from '../invoice/profile.ts';
import { rulesInForce } from '../kpi/rules-in-force.ts';
import { alertText, statusText } from '../show/status.ts';
import { statusOf } from '../status.ts';
import { comingCycles, type Definition } from './command.ts';

/** How the month stands, and whether the software could run it. */
export const STATUS_COMMANDS: readonly Definition[] = [
  {
    usage: 'status',
    description: 'what is next, what is late, what waits for whom',
    options: {
      '--alert':
        'raise and deliver the alerts that are new, and print them; for a cron: it needs only the database',
    },
    async act(app, _args, options) {
      if (options.alert === true) {
        const look = await lookForAlerts(app, JOBS);
        const code = look.failed.length > 0 ? 1 : look.new.length > 0 ? 3 : 0;
        return { json: look, text: alertText(look, app.schedule.timeZone), code };
      }
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
      const targets = app.targets.map(({ name }) => name);
      return {
        json: {
          valid: true,
          profiles,
          rule_sets: sets,
          schedule: file,
          warnings,
          alert_targets: targets,
        },
        text: [
          `The configuration is valid. Profiles: ${profiles.join(', ')}. Rule sets in force: ${sets.join(', ')}. Schedule: ${file ?? "the program's own"}. Alerts go to: ${targets.join(', ') || 'nobody (LKP_ALERT_EMAIL, LKP_ALERT_WEBHOOK)'}.`,
          ...warnings,
        ].join('\n'),
      };
    },
  },
];
