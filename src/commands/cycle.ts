import type { App } from '../app.ts';
import { needData, ONLY, type Only, parseRange, type Range, type RangeAsked, runRange } from '../backfill.ts';
import { planRange } from '../backfill-plan.ts';
import { meant } from '../config.ts';
import { LkpError } from '../job.ts';
import { nameOf } from '../ledger.ts';
import { rangePlanText, rangeRunText } from '../show/backfill.ts';
import { table } from '../show/text.ts';
import { type Definition, progress, type Result, textOf, today } from './command.ts';

/** The jobs of one cycle, or of each cycle of a range. */
export const CYCLE_COMMAND: Definition = {
  usage: 'cycle <cycle>',
  description:
    'run the jobs of a cycle, or of each of a range (2019-01..2020-03), that are due, through the queue',
  options: {
    '--only <what>': 'missing (never begun, missed, not planned) or failed (failed, cancelled)',
    '--all': 'also the jobs that fall due later in the month',
    '--dry-run': 'say which jobs would run, and which cells and files would change; write nothing',
  },
  async act(app, [text = ''], options) {
    const day = today(app);
    const only = onlyOf(textOf(options, 'only'));
    const asked: RangeAsked = {
      until: options.all ? 'everything' : app.now(),
      dryRun: options.dryRun === true,
      ...(only ? { only } : {}),
    };
    const range = parseRange(text, day, asked);
    await needData(app, range, day, asked);
    if (options.dryRun === true) {
      const plan = await planRange(app, range, asked);
      return { json: { dry_run: true, ...range, only: only ?? null, ...plan }, text: rangePlanText(plan) };
    }
    return run(app, range, { ...asked, today: day }, text.includes('..'));
  },
};

async function run(
  app: App,
  range: Range,
  asked: RangeAsked & { readonly today: string },
  isRange: boolean,
): Promise<Result> {
  const ran = await runRange(app, range, {
    ...asked,
    onState: (occurrence) => {
      const { cycle, state, says } = occurrence;
      progress(`${cycle} ${nameOf(occurrence)}: ${state}${says ? ` (${says})` : ''}`);
    },
  });
  const code = ran.cycles.some(({ outcome }) => outcome === 'waiting') ? 3 : 0;
  if (isRange) return { json: { ...range, only: asked.only ?? null, ...ran }, text: rangeRunText(ran), code };
  const { cycle, outcome, occurrences } = ran.cycles[0]!;
  const rows = occurrences.map((one) => [nameOf(one), one.state, one.says ?? `due ${one.due_at}`]);
  return {
    json: { cycle, occurrences },
    text: outcome === 'nothing to do' ? `${cycle}: ${outcome}.` : table(['job', 'state', 'says'], rows),
    code,
  };
}

function onlyOf(text: string | undefined): Only | undefined {
  const only = ONLY.find((known) => known === text);
  if (only || text === undefined) return only;
  throw new LkpError(
    'request',
    `--only ${text} is not known.${meant(text, ONLY, ' Did you mean')} It is missing (never begun, missed or not planned) or failed (failed or cancelled).`,
  );
}
