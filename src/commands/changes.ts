import type { App } from '../app.ts';
import { dayIn, parseInstant } from '../calendar.ts';
import { LkpError } from '../job.ts';
import type { AsKnownOn } from '../kpi/as-known.ts';
import { changesBetween, type Point } from '../kpi/changes-between.ts';
import { changesReportText } from '../show/changes.ts';
import { cycleOf, type Definition, textOf } from './command.ts';

/** So many lines are printed where nobody says how many. */
const LINES = 50;

/** What changed in a cycle between two revisions or days, line by line. */
export const CHANGES_COMMAND: Definition = {
  usage: 'changes <cycle>',
  description: 'what changed between two revisions or days, line by line, each with its cause',
  options: {
    '--from <point>': "a revision ('revision 1'), a day, an instant; the newest revision by default",
    '--to <point>': 'the same; now by default',
    '--partner <mpn-id>': 'only this partner',
    '--lines <number>': `print so many lines, ${LINES} by default`,
    '--out <file>': 'a workbook with all lines',
  },
  async act(app, [text], options) {
    const cycle = cycleOf(app, text);
    const [from, to] = [textOf(options, 'from'), textOf(options, 'to')];
    const [partner, out] = [textOf(options, 'partner'), textOf(options, 'out')];
    const report = await changesBetween(app, cycle, {
      ...(from === undefined ? {} : { from: pointOf(app, '--from', from) }),
      ...(to === undefined ? {} : { to: pointOf(app, '--to', to) }),
      ...(partner === undefined ? {} : { partner }),
      ...(out === undefined ? {} : { out }),
      first: linesOf(textOf(options, 'lines')),
    });
    return { json: report, text: changesReportText(report) };
  },
};

function pointOf(app: App, option: string, text: string): Point {
  const [, revision] = /^revision[ -]?([1-9]\d{0,5})$/i.exec(text.trim()) ?? [];
  if (revision !== undefined) return { revision: Number(revision) };
  if (text === 'now') return { instant: app.now(), label: 'now' };
  if (/^\d{1,6}$/.test(text))
    throw new LkpError(
      'request',
      `${option} ${text} is neither a day nor a revision. Write a revision as 'revision ${text}', a day as 2020-05-20.`,
    );
  return pastOf(app, option, text);
}

/** A moment that has been. Throws LkpError('request') for one that lies ahead: nobody knows yet what will be known. */
export function pastOf(app: App, option: string, text: string): AsKnownOn {
  const { LKP_TIME_ZONE } = app.settings;
  const instant = parseInstant(text, LKP_TIME_ZONE);
  const isDay = text.length === 10;
  const ahead = isDay ? text > dayIn(app.now(), LKP_TIME_ZONE) : instant > app.now();
  if (!ahead) return { instant, label: isDay ? text : instant };
  throw new LkpError(
    'request',
    `${option} ${text} lies in the future (it is ${app.now()}): nobody knows yet what will be known then. Choose a day up to today.`,
  );
}

function linesOf(text: string | undefined): number {
  if (text === undefined) return LINES;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new LkpError(
    'request',
    `--lines ${text} is not a number of lines. Write a whole number up to 999999; --out writes all of them.`,
  );
}
