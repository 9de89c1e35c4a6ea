import type { Block, CellValue, Sheet, TableColumn } from '../ports.ts';
import type { CellChange, Changes, LevelChange, LineChange } from './changes.ts';
import type { Lines } from './report-sheets.ts';

/** What a *Changed since* sheet shows: what one partner, or all of them, had before and has now, and why. */
export interface Changed {
  /** As in `revision 1`. */
  readonly since: string;
  /** What stands now, as in `Revision 2`. */
  readonly now: string;
  /** Why it was restated; null where nobody had to say. */
  readonly reason: string | null;
  /** Reporting currency before and now. */
  readonly currencies: readonly [before: string, after: string];
  readonly changes: Changes;
  readonly cells: readonly CellChange[];
  readonly lines: Lines<LineChange>;
  /** False in the workbook of one partner: the partner needs no column there. */
  readonly ofAll: boolean;
}

/** *Changed since*: the figures, the levels crossed, the causes, the months and the lines, before and after. */
export function changedSheet(changed: Changed): Sheet {
  const { since, now, reason, changes } = changed;
  return {
    name: 'Changed since',
    landscape: true,
    blocks: [
      { block: 'text', tone: 'title', text: `What changed since ${since}` },
      ...(reason === null
        ? []
        : [{ block: 'text', tone: 'heading', text: `${now} was written because: ${reason}` } as const]),
      {
        block: 'text',
        tone: 'plain',
        text: nothing(changes)
          ? `Nothing here differs from ${since}.`
          : changes.lines === 0
            ? 'No line changed: the levels follow what was loaded or put in force since (trainers, exams, surveys, enrolments, thresholds).'
            : 'Each line below counts otherwise than before, and says why. Together they are the whole difference in KPI and revenue.',
      },
      ...(nothing(changes)
        ? []
        : [
            ...figures(changed),
            ...levels(changed),
            ...causes(changed),
            ...cells(changed),
            ...lines(changed),
          ]),
    ],
  };
}

const nothing = ({ lines, cells, levels }: Changes): boolean => lines + cells + levels.length === 0;

/** The money columns say their currency once, or each its own where the setting changed. */
function money({ currencies: [before, after] }: Changed): readonly TableColumn[] {
  const change = before === after ? before : `${after} - ${before}`;
  return [
    { header: `Revenue before (${before})`, kind: 'money', width: 16 },
    { header: `Revenue now (${after})`, kind: 'money', width: 16 },
    { header: `Revenue change (${change})`, kind: 'money', width: 16 },
  ];
}

const KPI: readonly TableColumn[] = [
  { header: 'KPI before', kind: 'decimal', width: 12 },
  { header: 'KPI now', kind: 'decimal', width: 12 },
  { header: 'KPI change', kind: 'decimal', width: 12 },
];
const PARTNER: TableColumn = { header: 'Partner', kind: 'code', width: 20 };
const heading = (text: string): Block => ({ block: 'text', tone: 'heading', text });

type Sides = Pick<
  LineChange | CellChange | Changes,
  'kpi_before' | 'kpi_after' | 'kpi_change' | 'revenue_before' | 'revenue_after' | 'revenue_change'
>;
const sides = (of: Sides): CellValue[] => [
  of.kpi_before,
  of.kpi_after,
  of.kpi_change,
  of.revenue_before,
  of.revenue_after,
  of.revenue_change,
];

/** Only what changed adds up to something: the rows are not all that there is. */
const total = ({ kpi_change, revenue_change }: Changes): CellValue[] => [
  'Total',
  null,
  null,
  kpi_change,
  null,
  null,
  revenue_change,
];

function figures(changed: Changed): Block[] {
  return [
    heading('All in all'),
    {
      block: 'table',
      columns: [{ header: 'Lines that changed', kind: 'integer', width: 18 }, ...KPI, ...money(changed)],
      rows: [[changed.changes.lines, ...sides(changed.changes)]],
    },
  ];
}

/** A level as a person says it. */
export const levelText = (level: string | null): string =>
  level === null ? 'not enrolled' : level || 'none';

function levels({ changes, ofAll }: Changed): Block[] {
  if (changes.levels.length === 0)
    return [heading('Levels crossed'), { block: 'text', tone: 'plain', text: 'No level changed.' }];
  const row = ({ partner, competency, window, before, after }: LevelChange): CellValue[] => [
    levelText(before),
    levelText(after),
    window,
    competency || 'the whole partner',
    ...(ofAll ? [partner] : []),
  ];
  return [
    heading('Levels crossed'),
    {
      block: 'table',
      columns: [
        { header: 'Level before', kind: 'text', width: 18 },
        { header: 'Level now', kind: 'text', width: 18 },
        { header: 'Window', kind: 'text', width: 12 },
        { header: 'Competency', kind: 'text', width: 16, wrap: true },
        ...(ofAll ? [PARTNER] : []),
      ],
      rows: changes.levels.map(row),
    },
  ];
}

function causes({ changes, currencies: [before, after] }: Changed): Block[] {
  if (changes.causes.length === 0) return [];
  const currency = before === after ? after : `${after} - ${before}`;
  return [
    heading('Why'),
    {
      block: 'table',
      columns: [
        { header: 'Cause', kind: 'text', width: 18 },
        { header: 'Lines', kind: 'integer', width: 10 },
        { header: 'KPI change', kind: 'decimal', width: 12 },
        { header: `Revenue change (${currency})`, kind: 'money', width: 16 },
      ],
      rows: changes.causes.map(({ cause, lines, kpi_change, revenue_change }) => [
        cause,
        lines,
        kpi_change,
        revenue_change,
      ]),
      totals: ['Total', changes.lines, changes.kpi_change, changes.revenue_change],
    },
  ];
}

function cells(changed: Changed): Block[] {
  if (changed.cells.length === 0) return [];
  return [
    heading('By month and OMLP type'),
    {
      block: 'table',
      columns: [
        { header: 'Month', kind: 'month', width: 18 },
        ...KPI,
        ...money(changed),
        { header: 'OMLP type', kind: 'text', width: 18 },
        ...(changed.ofAll ? [PARTNER] : []),
      ],
      rows: changed.cells.map((cell) => [
        cell.month,
        ...sides(cell),
        cell.omlp_type,
        ...(changed.ofAll ? [cell.partner || 'no partner'] : []),
      ]),
      totals: total(changed.changes),
    },
  ];
}

function lines(changed: Changed): Block[] {
  if (changed.changes.lines === 0) return [];
  return [
    heading('Line by line'),
    {
      block: 'table',
      columns: [
        { header: 'Cause', kind: 'text', width: 18 },
        ...KPI,
        ...money(changed),
        { header: 'OMLP type', kind: 'text', width: 18 },
        ...(changed.ofAll ? [PARTNER] : []),
        { header: 'Month', kind: 'month', width: 12 },
        { header: 'Invoice #', kind: 'code', width: 17 },
        { header: 'What happened', kind: 'text', width: 62, wrap: true },
        { header: 'Issue date', kind: 'date', width: 12 },
        { header: 'SKU', kind: 'code', width: 17 },
        { header: 'Location', kind: 'code', width: 18 },
        { header: 'Units before', kind: 'decimal', width: 10 },
        { header: 'Units now', kind: 'decimal', width: 10 },
        { header: 'File', kind: 'text', width: 38 },
        { header: 'Row', kind: 'ordinal', width: 8 },
      ],
      rows: rowsOf(changed),
      totals: total(changed.changes),
    },
  ];
}

/** What it was and what it is, where they differ. */
function both(before: string | null, after: string | null): string | null {
  if (before === null || after === null || before === after) return after ?? before;
  return `${before || 'none'} → ${after || 'none'}`;
}

async function* rowsOf({ lines: all, ofAll }: Changed): AsyncGenerator<CellValue[]> {
  for await (const line of all) {
    yield [
      line.cause,
      ...sides(line),
      both(line.omlp_type_before, line.omlp_type_after),
      ...(ofAll ? [both(line.partner_before, line.partner_after) || 'no partner'] : []),
      both(line.month_before, line.month_after),
      line.invoice,
      line.says,
      line.issue_date,
      line.sku,
      both(line.location_before, line.location_after),
      line.units_before,
      line.units_after,
      line.file,
      line.row_no,
    ];
  }
}
