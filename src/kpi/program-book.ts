import type { Block, Book, CellValue, Sheet, TableColumn } from '../ports.ts';
import { type Changed, changedSheet } from './changed-sheet.ts';
import type { Balance, KpiLine, Provenance, Sums, UncountedLine } from './report-data.ts';
import {
  about,
  control,
  inputFiles,
  type Lines,
  type OfPartner,
  onTheFace,
  programKpiLines,
  programNotCounted,
  SAMPLE_WARNING,
} from './report-sheets.ts';

/** Everything that the program's workbook shows, for operations. */
export interface ProgramReport {
  readonly provenance: Provenance;
  /** True when any threshold, weight or cap that was used is a sample. */
  readonly sample: boolean;
  /** One a partner and enrolment; a partner without enrolment has one with `option` null. */
  readonly standings: Lines<Standing>;
  readonly lines: Lines<KpiLine & OfPartner>;
  readonly totals: Sums;
  readonly notCounted: Lines<UncountedLine & OfPartner>;
  readonly balance: Balance;
  /** Of a restated revision. */
  readonly changed?: Changed;
}

/** Where a partner stands in one enrolment. */
export interface Standing {
  readonly mpnId: string;
  readonly name: string;
  readonly country: string;
  readonly option: string | null;
  readonly competency: string | null;
  readonly anniversary: string | null;
  readonly level: string | null;
  readonly kpiValue: string;
  readonly revenue: string;
  /** The nearest level not yet reached and the KPI still missing for it; null when nothing is left to reach. */
  readonly next: {
    readonly level: string;
    readonly missingKpi: string;
    readonly otherUnmet: readonly string[];
  } | null;
  /** The last cycle's figures; null when the partner was not in it. */
  readonly before: { readonly level: string | null; readonly kpiChange: string } | null;
  /** Over the window of the anniversary at hand; null without enrolment, and in revisions of before it was kept. */
  readonly renewal: {
    readonly anniversary: string;
    readonly level: string | null;
    readonly provisional: boolean;
    /** Null when reminders and grace are past by the day of the refresh. */
    readonly next: { readonly what: string; readonly on: string } | null;
  } | null;
  /** KPI of known invoices that leaves the window with the next cycle; null in revisions of before it was kept. */
  readonly leavesNext: string | null;
}

/** The workbook of the whole program in one cycle. */
export function programBook(report: ProgramReport): Book {
  const { provenance } = report;
  const sheets: Sheet[] = [
    partners(report),
    programKpiLines(report.lines, report.totals),
    programNotCounted(report.notCounted),
    ...(report.changed === undefined ? [] : [changedSheet(report.changed)]),
    controlSheet(report),
    about(provenance, report.sample ? [{ block: 'text', tone: 'warning', text: SAMPLE_WARNING }] : []),
  ];
  return { title: `Learning Partner KPIs, the program, cycle ${provenance.cycle}`, sheets };
}

function partnerColumns(currency: string): readonly TableColumn[] {
  return [
    { header: 'Partner MPN ID', kind: 'code', width: 12 },
    { header: 'Partner name', kind: 'text', width: 28, wrap: true },
    { header: 'Country', kind: 'text', width: 10 },
    { header: 'Learning option', kind: 'text', width: 19 },
    { header: 'Competency', kind: 'text', width: 27, wrap: true },
    { header: 'Anniversary', kind: 'date', width: 13 },
    { header: 'Level reached', kind: 'text', width: 19 },
    { header: 'KPI value', kind: 'decimal', width: 11 },
    { header: `Revenue value (${currency})`, kind: 'money', width: 15 },
    { header: 'KPI to next level', kind: 'decimal', width: 11 },
    { header: 'Distance to the next level', kind: 'text', width: 36, wrap: true },
    { header: 'KPI change', kind: 'decimal', width: 11 },
    { header: 'Level change', kind: 'text', width: 22, wrap: true },
    { header: 'Renewal', kind: 'date', width: 13 },
    { header: 'Renewal level', kind: 'text', width: 24, wrap: true },
    { header: 'Next reminder', kind: 'text', width: 28, wrap: true },
    { header: 'KPI that leaves next month', kind: 'decimal', width: 13 },
  ];
}

/** *Partners*: the sheet that operations opens first, so the sample warning stands on it. */
function partners({ provenance, standings, sample }: ProgramReport): Sheet {
  const table: Block = {
    block: 'table',
    columns: partnerColumns(provenance.reportingCurrency),
    rows: standingRows(standings),
    tint: { column: 6, tones: { none: 'bad' } },
  };
  const warning: Block[] = sample ? [{ block: 'text', tone: 'warning', text: SAMPLE_WARNING }] : [];
  return { name: 'Partners', landscape: true, blocks: [...onTheFace(provenance), ...warning, table] };
}

async function* standingRows(standings: Lines<Standing>): AsyncGenerator<CellValue[]> {
  for await (const standing of standings) {
    const { mpnId, name, country, option, competency, anniversary, level, kpiValue, revenue, next, before } =
      standing;
    const enrolled = [
      option ?? 'not enrolled',
      competency,
      anniversary,
      option === null ? null : (level ?? 'none'),
    ];
    const ahead = [next?.missingKpi ?? null, distance(standing)];
    yield [
      mpnId,
      name,
      country,
      ...enrolled,
      kpiValue,
      revenue,
      ...ahead,
      before?.kpiChange ?? null,
      levelChange(standing),
      standing.renewal?.anniversary ?? null,
      renewalLevel(standing),
      reminder(standing),
      standing.leavesNext,
    ];
  }
}

/** What is missing for the next level, in words. */
export function distance({ option, level, next }: Standing): string | null {
  if (option === null) return null;
  if (next === null && level === null) return 'the rule set does not know this option';
  if (next === null) return 'highest level of this option reached';
  const missing = [...(/[1-9]/.test(next.missingKpi) ? [`${next.missingKpi} KPI`] : []), ...next.otherUnmet];
  return missing.length === 0
    ? `${next.level}: nothing is missing`
    : `${next.level} needs ${missing.join(', ')}`;
}

/** The level over the renewal window, in words. */
export function renewalLevel({ renewal }: Standing): string | null {
  if (renewal === null) return null;
  return `${renewal.level ?? 'none'}${renewal.provisional ? ' (provisional)' : ''}`;
}

const reminder = ({ renewal }: Standing): string | null =>
  renewal === null ? null : renewal.next === null ? 'none' : `${renewal.next.on} ${renewal.next.what}`;

/** How the level moved since the last cycle, in words. */
export function levelChange({ option, level, before }: Standing): string | null {
  if (option === null) return null;
  if (before === null) return 'new in this cycle';
  if (before.level === level) return 'unchanged';
  return `${before.level ?? 'none'} → ${level ?? 'none'}`;
}

/** *Control*: does everything add up, and from which files. */
function controlSheet({ provenance, balance }: ProgramReport): Sheet {
  return { name: 'Control', landscape: true, blocks: [...control(balance), ...inputFiles(provenance)] };
}
