import type { Block, CellValue } from '../ports.ts';

/** How an enrolment stands over the renewal window of the anniversary at hand. */
export interface Renewal {
  readonly anniversary: string;
  /** First and last day. */
  readonly window: { readonly from: string; readonly to: string };
  /** The window has not ended; it is judged on the last day of the reporting window. */
  readonly provisional: boolean;
  readonly firstReminder: string;
  readonly secondReminder: string;
  readonly graceEnd: string;
  /** Empty: none is in force on the day that decides. */
  readonly ruleSet: string;
  /** The level reached over the window; null when none is. */
  readonly level: string | null;
  /** The window is the reporting window: the requirements are those of the cycle. */
  readonly isReportingWindow: boolean;
}

/** The block of one enrolment's renewal; `requirements` is its table, undefined when nothing is asked. */
export function renewalBlocks(renewal: Renewal, of: string, requirements: Block | undefined): Block[] {
  const { anniversary, window, firstReminder, secondReminder, graceEnd, level } = renewal;
  return [
    { block: 'text', tone: 'heading', text: `${of}: renewal on ${anniversary}` },
    {
      block: 'pairs',
      pairs: [
        ['Anniversary at hand', anniversary, 'date'],
        ['Renewal window', `${window.from} to ${window.to}`, 'text'],
        ['Status', statusOf(renewal), 'text'],
        ['Level over this window', level ?? 'none', 'text'],
        ['First reminder', firstReminder, 'date'],
        ['Second reminder', secondReminder, 'date'],
        ['Grace ends', graceEnd, 'date'],
      ],
    },
    ...(renewal.isReportingWindow
      ? [plain('The renewal window is the reporting window: its requirements are those above.')]
      : requirements
        ? [requirements]
        : [plain('Nothing is asked over this window.')]),
  ];
}

const plain = (text: string): Block => ({ block: 'text', tone: 'plain', text });

function statusOf({ provisional, ruleSet, window }: Renewal): CellValue {
  if (ruleSet === '') return 'no rule set is in force on the day that decides';
  return provisional
    ? `provisional: the window ends on ${window.to}, and its figures still move`
    : 'final: the window has ended';
}

/** Levels that are not asked although the option would include them, in one sentence; none when all are. */
export const notOfferedBlocks = (levels: readonly string[]): Block[] =>
  levels.length === 0
    ? []
    : [
        plain(
          `Not offered here: ${levels.join(', ')}. The competency does not offer it, or the rule set asks nothing for it in the partner's country; it is not asked and cannot be reached.`,
        ),
      ];
