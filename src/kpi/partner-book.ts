import type { Block, Book, CellValue, Sheet, TableColumn } from '../ports.ts';
import { byMonth, type MonthCell } from './by-month-sheet.ts';
import { type Changed, changedSheet } from './changed-sheet.ts';
import { type Forecast, forecastSheet } from './forecast-sheet.ts';
import type { Renewed } from './level-rows.ts';
import type { Lineage } from './lineage.ts';
import { type ClassSum, classBlocks, selfCheckBlocks, sumPairs } from './partner-sums.ts';
import { notOfferedBlocks, renewalBlocks } from './renewal-sheets.ts';
import type { KpiLine, Outcome, Provenance, RowTotals, Sums, UncountedLine } from './report-data.ts';
import {
  about,
  kpiLines,
  type Lines,
  notCounted,
  onTheFace,
  partnerRows,
  revisionText,
  SAMPLE_WARNING,
  windowText,
} from './report-sheets.ts';

/** Everything that the workbook of one partner shows. */
export interface PartnerReport {
  readonly provenance: Provenance;
  /** The name is empty when only a location, a line or an enrolment names the partner. */
  readonly partner: { readonly mpnId: string; readonly name: string };
  /** The sites whose purchases count, as of the window's last day. */
  readonly locations: ReadonlyArray<{
    readonly mpnId: string;
    readonly name: string;
    readonly country: string;
  }>;
  readonly enrolments: readonly Enrolment[];
  /** True when any threshold, weight or cap that was used is a sample. */
  readonly sample: boolean;
  readonly lines: Lines<KpiLine>;
  readonly totals: Sums;
  /** From `grouping sets ((month, type), (month), (type), ())`: null means "all". Empty months may be absent. */
  readonly months: readonly MonthCell[];
  /** Absent in revisions that were frozen before forecasts were kept. */
  readonly forecast?: Forecast;
  readonly lineage: Lineage;
  /** By category, then class. */
  readonly classes: readonly ClassSum[];
  readonly notCounted: Lines<UncountedLine>;
  readonly balance: RowTotals;
  /** Of a restated revision. */
  readonly changed?: Changed;
}

/** One option that the partner is enrolled in, and how it stands. */
export interface Enrolment {
  /** `Learning Action Pack`, `Silver`, `Gold`. */
  readonly option: string;
  /** Null for the Action Pack, which hangs on the partner. */
  readonly competency: string | null;
  readonly anniversary: string;
  /** The level attained in this window; null when none is. */
  readonly level: string | null;
  /** Levels up to the option that cannot be reached here. */
  readonly notOffered?: readonly string[];
  readonly requirements: readonly Requirement[];
  /** Absent in revisions that were frozen before renewals were kept. */
  readonly renewed?: Renewed;
}

export interface Requirement {
  /** `Courseware KPI (Silver)`. */
  readonly name: string;
  /** Null when there is no data to judge by. */
  readonly figure: string | null;
  readonly threshold: string;
  /** `KPI`, `people`, `USD`, ...; a money unit shows two decimals. */
  readonly unit: string;
  readonly money?: boolean;
  /** figure / threshold as a decimal, not capped; null when it makes no sense. */
  readonly share: string | null;
  readonly outcome: Outcome;
  /** `sample`, or the title of the published source. */
  readonly source: string;
  /** KPI that lies above a cap and so is not in `figure`. */
  readonly aboveCap?: { readonly what: string; readonly figure: string; readonly cap: string };
}

/** The workbook of one partner, for support agents and for the partner itself. */
export function partnerBook(report: PartnerReport): Book {
  const { provenance, partner } = report;
  return {
    title: `Learning Partner KPIs, ${partner.name || 'name not known'} (${partner.mpnId}), cycle ${provenance.cycle}`,
    sheets: [
      summary(report),
      kpiLines(report.lines, report.totals, report.lineage),
      byMonth(provenance, report.months, report.lineage),
      ...(report.forecast
        ? [forecastSheet(report.forecast, provenance.reportingCurrency, report.sample)]
        : []),
      notCounted(report.notCounted),
      ...(report.changed === undefined ? [] : [changedSheet(report.changed)]),
      about(provenance, partnerRows(report.balance)),
    ],
  };
}

/** The level of each enrolment in one plain sentence. */
export function headline(enrolments: readonly Enrolment[]): string {
  if (enrolments.length === 0)
    return 'Not enrolled in a Learning option; the purchases below count once it is.';
  const levels = enrolments.map(({ level, competency, option }) =>
    level === option && competency === null ? level : `${level ?? 'none'} (${competency ?? option})`,
  );
  return `Level reached: ${levels.join(', ')}`;
}

const REQUIREMENT_COLUMNS: readonly TableColumn[] = [
  { header: 'Requirement', kind: 'text', width: 46, wrap: true },
  { header: 'Figure', kind: 'decimal', width: 15 },
  { header: 'Threshold', kind: 'decimal', width: 15 },
  { header: 'Unit', kind: 'text', width: 10 },
  { header: 'Share', kind: 'percent', width: 16, bar: true },
  { header: 'Outcome', kind: 'text', width: 13 },
  { header: 'Source of the threshold', kind: 'text', width: 42, wrap: true },
];

function summary(report: PartnerReport): Sheet {
  const { provenance, partner, enrolments, locations, sample, totals, lineage, classes } = report;
  const { cycle, window, reportingCurrency, ruleSets } = provenance;
  const warning: Block[] = sample ? [{ block: 'text', tone: 'warning', text: SAMPLE_WARNING }] : [];
  return {
    name: 'Summary',
    landscape: true,
    blocks: [
      { block: 'text', tone: 'title', text: partner.name || `Partner ${partner.mpnId}` },
      { block: 'text', tone: 'heading', text: headline(enrolments) },
      ...onTheFace(provenance),
      ...warning,
      {
        block: 'pairs',
        pairs: [
          ['MPN ID', partner.mpnId, 'code'],
          ['Cycle', `${cycle}, ${revisionText(provenance)}`, 'text'],
          ['Reporting window', windowText(window), 'text'],
          ...sumPairs(totals, report.months, lineage, reportingCurrency),
          ['Rule sets used', ruleSets.map((rules) => rules.name).join(', '), 'text'],
        ],
      },
      ...enrolments.flatMap(enrolmentBlocks),
      ...classBlocks(classes, lineage),
      ...selfCheckBlocks(totals, lineage, reportingCurrency),
      ...locationBlocks(locations),
    ],
  };
}

const OUTCOME_TONES = {
  met: 'good',
  'not met': 'bad',
  waived: 'quiet',
  'no data': 'quiet',
  'not counted': 'quiet',
} as const;

const UNKNOWN_OPTION =
  'The rule set does not know this Learning option, so no level can be reached. Correct the enrolment, or the rule set.';

function enrolmentBlocks(enrolment: Enrolment): Block[] {
  const { option, competency, anniversary, level, requirements, notOffered = [], renewed } = enrolment;
  const asked = requirementTable(requirements);
  const unknown: Block[] =
    notOffered.length > 0 ? [] : [{ block: 'text', tone: 'warning', text: UNKNOWN_OPTION }];
  return [
    { block: 'text', tone: 'heading', text: competency === null ? option : `${competency}: ${option}` },
    {
      block: 'pairs',
      pairs: [
        ['Level reached', level ?? 'none', 'text'],
        ['Anniversary date', anniversary, 'date'],
      ],
    },
    ...notOfferedBlocks(notOffered),
    ...(asked ? [asked] : unknown),
    ...(renewed
      ? renewalBlocks(renewed.renewal, competency ?? option, requirementTable(renewed.requirements))
      : []),
  ];
}

const requirementTable = (requirements: readonly Requirement[]): Block | undefined =>
  requirements.length === 0
    ? undefined
    : {
        block: 'table',
        columns: REQUIREMENT_COLUMNS,
        rows: requirements.flatMap(requirementRows),
        tint: { column: 5, tones: OUTCOME_TONES },
      };

function requirementRows(requirement: Requirement): CellValue[][] {
  const { name, figure, threshold, unit, share, outcome, source, aboveCap } = requirement;
  const kind = requirement.money === true ? 'money' : 'decimal';
  const row = [
    name,
    { value: figure, kind },
    { value: threshold, kind },
    unit,
    shown(share),
    outcome,
    source,
  ] as const;
  if (aboveCap === undefined) return [[...row]];
  const over = `${aboveCap.what}: above the cap of ${aboveCap.cap}`;
  return [[...row], [over, { value: aboveCap.figure, kind }, null, unit, null, 'not counted', source]];
}

/**
 * A share as its bar shows it: from 0 to 1, and cut, not rounded, to a tenth of a percent, so that 99.96 % never
 * reads as 100.0 % beside "not met".
 */
export function shown(share: string | null): string | null {
  if (share === null) return null;
  if (share.startsWith('-')) return '0';
  const [whole = '0', fraction = ''] = share.split('.');
  return /[1-9]/.test(whole) ? '1' : `0.${fraction.slice(0, 3).padEnd(3, '0')}`;
}

function locationBlocks(locations: PartnerReport['locations']): Block[] {
  if (locations.length === 0) return [];
  return [
    { block: 'text', tone: 'heading', text: 'Locations whose purchases count' },
    {
      block: 'table',
      columns: [
        { header: 'Name', kind: 'text', width: 46, wrap: true },
        { header: 'MPN ID', kind: 'code', width: 15 },
        { header: 'Country', kind: 'text', width: 15 },
      ],
      rows: locations.map(({ name, mpnId, country }) => [name, mpnId, country]),
    },
  ];
}
