import { readable } from '../money.ts';
import type { Block, CellValue, Sheet } from '../ports.ts';
import { SAMPLE_WARNING } from './report-sheets.ts';

/** The 12 cycles to come from known invoices only, as a partner's workbook shows them. */
export interface Forecast {
  readonly months: readonly ForecastMonth[];
  /** The levels asked for: those to keep, and the next ones to reach. */
  readonly levels: readonly LevelAhead[];
}

export interface ForecastMonth {
  readonly cycle: string;
  /** The month that the window of the cycle before still had. */
  readonly leaving: string;
  readonly leavesKpi: string;
  readonly entersKpi: string;
  readonly kpiValue: string;
  readonly leavesRevenue: string;
  readonly revenue: string;
}

export interface LevelAhead {
  readonly level: string;
  readonly aim: 'keep' | 'reach';
  /** The competencies, or the option that hangs on the partner. */
  readonly of: readonly string[];
  /** What falls out of the window with time: KPI, units, revenue. */
  readonly requirements: ReadonlyArray<{
    readonly name: string;
    readonly threshold: string;
    readonly money: boolean;
    /** One a month of the forecast. */
    readonly ahead: ReadonlyArray<{ readonly counts: string; readonly needed: string }>;
  }>;
  /** What does not: `Microsoft Certified Trainers: 2 of 2, met`. */
  readonly others: readonly string[];
}

/** *Forecast*: what leaves the window, then one table a level asked for. */
export function forecastSheet({ months, levels }: Forecast, currency: string, sample: boolean): Sheet {
  const warning: Block[] = sample ? [{ block: 'text', tone: 'warning', text: SAMPLE_WARNING }] : [];
  return {
    name: 'Forecast',
    landscape: true,
    blocks: [
      ...warning,
      { block: 'text', tone: 'heading', text: 'What leaves the window in the next 12 cycles' },
      {
        block: 'text',
        tone: 'plain',
        text: 'From known invoices only, with the rule set, caps and locations of this cycle: how it would stand if nothing more were bought. Invoices that are known and not yet visible come in with the cycle that shows them.',
      },
      leaving(months, currency),
      ...levels.flatMap((level) => levelBlocks(level, months)),
    ],
  };
}

const leaving = (months: readonly ForecastMonth[], currency: string): Block => ({
  block: 'table',
  columns: [
    { header: 'Cycle', kind: 'month', width: 11 },
    { header: 'Month that leaves', kind: 'month', width: 12 },
    { header: 'KPI that leaves', kind: 'decimal', width: 15 },
    { header: 'KPI that comes in', kind: 'decimal', width: 15 },
    { header: 'KPI value then', kind: 'decimal', width: 15 },
    { header: `Revenue that leaves (${currency})`, kind: 'money', width: 18 },
    { header: `Revenue then (${currency})`, kind: 'money', width: 18 },
  ],
  rows: months.map((month) => [
    month.cycle,
    month.leaving,
    month.leavesKpi,
    month.entersKpi,
    month.kpiValue,
    month.leavesRevenue,
    month.revenue,
  ]),
});

function levelBlocks({ level, aim, of, requirements, others }: LevelAhead, months: readonly ForecastMonth[]) {
  const blocks: Block[] = [{ block: 'text', tone: 'heading', text: `To ${aim} ${level}: ${of.join(', ')}` }];
  if (requirements.length > 0)
    blocks.push({
      block: 'table',
      columns: [
        { header: 'Cycle', kind: 'month', width: 11 },
        { header: 'Known invoices', kind: 'text', width: 12 },
        ...requirements.flatMap(({ name, threshold, money }) => {
          const kind = money ? ('money' as const) : ('decimal' as const);
          return [
            { header: `${name}: counts`, kind, width: 15 },
            { header: `Still needed of ${readable(threshold, 0)}`, kind, width: 15 },
          ];
        }),
      ],
      rows: months.map(({ cycle }, index): CellValue[] => {
        const ahead = requirements.map((requirement) => requirement.ahead[index]!);
        const isEnough = ahead.every(({ needed }) => !/[1-9]/.test(needed));
        return [
          cycle,
          isEnough ? 'enough' : 'not enough',
          ...ahead.flatMap(({ counts, needed }) => [counts, needed]),
        ];
      }),
      tint: { column: 1, tones: { enough: 'good', 'not enough': 'bad' } },
    });
  if (others.length > 0)
    blocks.push({
      block: 'text',
      tone: 'note',
      text: `Does not leave with time, as it stands now: ${others.join('; ')}.`,
    });
  return blocks;
}
