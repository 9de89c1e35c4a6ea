import type { App } from '../app.ts';
import { parseInstant } from '../calendar.ts';
import { LkpError } from '../job.ts';
import { acceptGaps, gapsOf, gapsText } from '../kpi/completeness.ts';
import { explain, type Question } from '../kpi/explain.ts';
import { type RefreshOptions, refresh } from '../kpi/refresh.ts';
import { writeReports } from '../kpi/report.ts';
import { planRules } from '../kpi/rules-plan.ts';
import { recordManual } from '../ledger.ts';
import { asKnownText, changesText } from '../show/changes.ts';
import { explainText } from '../show/invoice.ts';
import { refreshText } from '../show/refresh.ts';
import { needText } from '../written.ts';
import { CHANGES_COMMAND, pastOf } from './changes.ts';
import { cycleOf, type Definition, type Options, textOf, textsOf } from './command.ts';

/** KPIs: refresh a cycle, write its workbooks. */
export const KPI_COMMANDS: readonly Definition[] = [
  {
    usage: 'refresh <cycle>',
    description: 'recompute the KPIs of a cycle and write its reports',
    options: {
      '--plan': 'show what a refresh would change and write nothing',
      '--restate': 'write the next revision of a cycle that has one',
      '--accept-incomplete': 'wave the completeness gate through: the scheduled refresh goes on as well',
      '--reason <text>':
        'why it is restated (partners read it in "Changed since" of their workbooks), or goes on incomplete',
      '--as-of <instant>': 'compute as known at this instant, or at the end of this day',
      '--rules <files...>': 'with --plan: what these rule sets would change',
    },
    async act(app, [text], options) {
      const cycle = cycleOf(app, text);
      const how = refreshOptions(app, options);
      const rules = textsOf(options, 'rules');
      if (rules.length > 0) {
        refuseWithRules(options);
        const result = await planRules(app, cycle, await Promise.all(rules.map(readRules)));
        return {
          json: { ...result, gaps: [], gaps_accepted: [], reports: [] },
          text: [refreshText(result, 0), '', changesText(result.changes!, '')].join('\n'),
        };
      }
      if (options.acceptIncomplete && (how.plan || how.asOf !== undefined)) {
        throw new LkpError(
          'request',
          'A preview, or a refresh as of an earlier instant, decides nothing about what is missing now. Leave out --accept-incomplete, or --plan and --as-of.',
        );
      }
      const accepted = options.acceptIncomplete ? await acceptGaps(app, cycle, how.reason) : [];
      // What was known at an earlier instant is not judged by what is here now.
      const gaps = how.asOf === undefined ? await gapsOf(app, cycle) : [];
      const result = await refresh(app, cycle, how);
      const written = !how.plan && (result.outcome === 'refreshed' || result.outcome === 'unchanged');
      const reports = written ? (await writeReports(app, cycle)).files : [];
      const code = result.outcome === 'differs' ? 3 : 0;
      if (!how.plan) {
        const on = accepted.length > 0 ? `; accepted as incomplete: ${gapsText(accepted)}` : '';
        const says = `revision ${result.revision} ${result.outcome}${on}`;
        await recordManual(app, 'refresh', cycle, code === 3 ? 'asks' : 'done', says);
      }
      const parts = [refreshText(result, reports.length)];
      if (result.changes !== null)
        parts.push(
          '',
          changesText(
            result.changes,
            `lkp changes ${cycle}${result.outcome === 'refreshed' ? ` --to 'revision ${result.revision}'` : ''} --out changes.xlsx`,
          ),
        );
      if (accepted.length > 0) parts.push(`Accepted as incomplete: ${gapsText(accepted)}`);
      if (gaps.length > 0)
        parts.push(
          `Warning: the invoices do not look complete. ${gapsText(gaps)} The scheduled refresh waits for them, or for --accept-incomplete --reason '...'.`,
        );
      return { json: { ...result, gaps, gaps_accepted: accepted, reports }, text: parts.join('\n'), code };
    },
  },
  {
    usage: 'report <mpn-id|cycle> [cycle]',
    description: 'write the workbook of one partner (lkp report <mpn-id> <cycle>) or of the program',
    options: {
      '--program': 'the program workbook: lkp report --program <cycle>',
      '--out <file>': 'where it goes',
      '--revision <number>': 'an earlier revision',
      '--as-known-on <day>': 'not a revision: the figures as known at the end of a day, or at an instant',
    },
    async act(app, args, options) {
      if (args.length !== (options.program ? 1 : 2)) {
        throw new LkpError(
          'request',
          'A report needs a partner and a cycle (lkp report 1234567 2020-01), or --program and a cycle (lkp report --program 2020-01).',
        );
      }
      const [partner, cycleText] = options.program ? [undefined, args[0]] : args;
      const cycle = cycleOf(app, cycleText);
      const revision = textOf(options, 'revision');
      if (revision !== undefined && !/^[1-9]\d{0,5}$/.test(revision)) {
        throw new LkpError('request', `"${revision}" is not a revision. Revisions are 1, 2, 3, ...`);
      }
      const then = textOf(options, 'asKnownOn');
      if (then !== undefined && revision !== undefined) {
        throw new LkpError(
          'request',
          '--revision shows what was frozen, --as-known-on what was known on a day. Leave out one of them.',
        );
      }
      const asKnownOn = then === undefined ? undefined : pastOf(app, '--as-known-on', then);
      const out = textOf(options, 'out');
      const report = await writeReports(app, cycle, {
        only: partner === undefined ? 'program' : { partner },
        ...(revision === undefined ? {} : { revision: Number(revision) }),
        ...(asKnownOn === undefined ? {} : { asKnownOn }),
        ...(out === undefined ? {} : { out }),
      });
      const of =
        asKnownOn === undefined ? `of revision ${report.revision}` : `as known on ${asKnownOn.label}`;
      await recordManual(app, 'report', cycle, 'done', `${report.files.length} workbook ${of}`);
      const paths = report.files.map(({ path }) => path).join('\n');
      return {
        json: { cycle, as_known_on: asKnownOn?.label ?? null, ...report },
        text: asKnownOn === undefined ? paths : `${asKnownText(cycle, asKnownOn.label, report)}\n${paths}`,
      };
    },
  },
  CHANGES_COMMAND,
  {
    usage: 'explain [invoice-number]',
    description: 'where every row of an invoice went, or one row of a file (--file, --row)',
    options: { '--file <file>': 'the file, by name or sha256', '--row <number>': 'the row, from 1' },
    async act(app, [number], options) {
      const rows = await explain(app, questionOf(number, textOf(options, 'file'), textOf(options, 'row')));
      return { json: { rows }, text: explainText(rows) };
    },
  },
];

function questionOf(number: string | undefined, file: string | undefined, row: string | undefined): Question {
  if (number !== undefined && file === undefined && row === undefined) return { number };
  if (number === undefined && file !== undefined && /^[1-9]\d{0,8}$/.test(row ?? ''))
    return { file, row: Number(row) };
  throw new LkpError(
    'request',
    'Say what to explain: lkp explain <invoice-number>, or lkp explain --file <file> --row <number>.',
  );
}

/** Rules are tried over the facts of a revision, or of now, and never written. */
function refuseWithRules(options: Options): void {
  const other = ['restate', 'acceptIncomplete', 'asOf'].find((name) => options[name] !== undefined);
  if (options.plan && other === undefined) return;
  throw new LkpError(
    'request',
    'Rule sets are only tried: lkp refresh 2020-05 --plan --rules FILE, without --restate, --as-of or --accept-incomplete. To put one in force: lkp rules use FILE.',
  );
}

const readRules = async (shown: string) => ({ shown, text: await needText(shown, 'rule set', shown) });

function refreshOptions(app: App, options: Options): RefreshOptions {
  const reason = textOf(options, 'reason');
  const asOf = textOf(options, 'asOf');
  return {
    plan: options.plan === true,
    restate: options.restate === true,
    ...(reason === undefined ? {} : { reason }),
    ...(asOf === undefined ? {} : { asOf: parseInstant(asOf, app.settings.LKP_TIME_ZONE) }),
  };
}
