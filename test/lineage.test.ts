import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openParts } from '../src/excel/parts.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import { above, formula, onEachPage, row, whole } from '../src/formula.ts';
import { type PartnerReport, partnerBook } from '../src/kpi/partner-book.ts';
import type { KpiLine } from '../src/kpi/report-data.ts';
import type { Block, Sheet } from '../src/ports.ts';
import { hasOpenpyxl, inFolder, openpyxl, readAll, zip } from './excel-fixtures.ts';
import { figuresOf, lines, partnerReport } from './fictional-reports.ts';
import { cellsIn, computedIn, differences, hasSoffice, recalculate, textOf } from './recalculated.ts';

/*
 * Lineage inside a partner's workbook: what its formulas give when somebody computes them must be what they show, and
 * an edited line must show. LibreOffice computes; Excel and it agree on the functions that are used.
 */
/** OMLP types and KPI classes that a criterion of SUMIFS would take for something else, or for each other. */
const HOSTILE = [
  ...[
    '<5',
    '>0',
    '<>',
    '=x',
    '=1+1',
    '*',
    '?',
    '~',
    '~*',
    'M?C',
    'MOC',
    'moc',
    'Moc',
    '5',
    '05',
    '5.0',
    '1e3',
  ],
  ...[
    'TRUE',
    'true',
    '2019-05',
    'May 5',
    '5%',
    '%',
    '-',
    '--1',
    '#N/A',
    '"',
    '""',
    'a"&B1',
    "'q",
    '$A$1',
    '{1}',
  ],
  ...[
    'x'.repeat(300),
    `${'x'.repeat(299)}X`,
    'Total',
    'eğitim',
    'EĞİTİM',
    'ラボ',
    'ﾗﾎﾞ',
    'line\nbreak',
    'a  b',
    'a b',
  ],
  // A cell cannot hold them: both are shown alike.
  ...['ctl\u0001', 'ctl\u0002'],
];

function reportOf(kpiLines: readonly KpiLine[]): PartnerReport {
  return { ...partnerReport(0), lines: kpiLines, ...figuresOf(kpiLines) };
}

const hostileLines = (): KpiLine[] =>
  lines(8 * HOSTILE.length).map((line, index) => ({
    ...line,
    omlpType: HOSTILE[index % HOSTILE.length]!,
    kpiClass: HOSTILE[(index * 3) % HOSTILE.length]!,
    kpiValue: index % 5 === 0 ? '0.3333333333' : index % 7 === 0 ? '0.1' : line.kpiValue,
    purchaseUnit: index % 4 === 0 ? '0.142857142857' : line.purchaseUnit,
  }));

/** A revenue that a cell holds as text. */
const longLines = (): KpiLine[] =>
  lines(20).map((line, index) => (index === 7 ? { ...line, revenueValue: '1234567890123456.78' } : line));

const BOOKS: Readonly<Record<string, { report: PartnerReport; maxRows?: number }>> = {
  plain: { report: reportOf(lines(120)) },
  hostile: { report: reportOf(hostileLines()) },
  pages: { report: reportOf(hostileLines()), maxRows: 160 },
  'one type': { report: reportOf(lines(100).map((line) => ({ ...line, omlpType: 'MOC' }))), maxRows: 101 },
  empty: { report: reportOf([]) },
  long: { report: reportOf(longLines()) },
};

/** The workbook with one part changed, and every result as it was before. */
async function edited(
  from: string,
  to: string,
  sheet: number,
  change: (xml: string) => string,
): Promise<void> {
  const parts = await openParts(from);
  try {
    const all = await Promise.all(
      parts.names.map(async (name) => {
        const text = await textOf(parts, name);
        return { name, text: name === `xl/worksheets/sheet${sheet}.xml` ? change(text) : text };
      }),
    );
    expect(all.map(({ text }) => text).join('')).not.toBe('');
    writeFileSync(to, zip(all.map((one) => ({ ...one, name: caseOf(one.name) }))));
  } finally {
    parts.close();
  }
}

/** Our reader hands out names in lower case; a package minds it. */
const caseOf = (name: string): string =>
  name
    .replace('[content_types]', '[Content_Types]')
    .replace('docprops', 'docProps')
    .replace('sharedstrings', 'sharedStrings');

describe('a formula', () => {
  const table = (rows: Extract<Block, { block: 'table' }>['rows'], more: object = {}): Block => ({
    block: 'table',
    columns: [
      { header: 'a', kind: 'decimal', width: 10 },
      { header: 'b', kind: 'decimal', width: 10 },
    ],
    rows,
    ...more,
  });
  const written = (sheets: Sheet[], maxRows = 5) =>
    inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      await createWorkbooks({ maxRows }).write(path, { title: 'Formulas', sheets });
      return { computed: await computedIn(path), second: hasOpenpyxl ? openpyxl(path) : undefined };
    });
  const sums = (rows: number, text = onEachPage({ name: 'L', rows }, formula`SUM(${whole(1)})`)): Sheet => ({
    name: 'S',
    blocks: [table([[1, { value: '10', kind: 'decimal', formula: text }]])],
  });
  const long = (rows: number): Sheet => ({
    name: 'L',
    blocks: [
      table(
        Array.from({ length: rows }, (_, index) => [index, '1']),
        { totals: ['Total', rows] },
      ),
    ],
  });

  it('refers to every page of a sheet that is written after it', async () => {
    const { computed, second } = await written([sums(10), long(10)]);
    const expected = "SUM('L'!$B:$B)+SUM('L (2)'!$B:$B)+SUM('L (3)'!$B:$B)";
    expect(computed).toEqual([{ sheet: 'S', cell: 'B2', formula: expected, shows: '10' }]);
    if (second !== undefined) expect(second.S!.cells.B2).toEqual(['f', `=${expected}`, '#,##0']);
  });

  it('does not refer to a last page of nothing but totals', async () => {
    const { computed } = await written([sums(8), long(8)]);
    expect(computed[0]!.formula).toBe("SUM('L'!$B:$B)+SUM('L (2)'!$B:$B)");
  });

  it('is refused when the sheet has other rows than it says', async () => {
    await expect(written([sums(9), long(10)])).rejects.toThrow(/refer to 9 rows of the sheet L .*other ones/);
    await expect(written([sums(9)])).rejects.toThrow(/refer to 9 rows/);
    await expect(written([long(9), { ...sums(9), name: 'L' }])).rejects.toThrow(/refer to 9 rows/);
  });

  it('follows its own row, header and rows above', async () => {
    const twice = { value: '2', kind: 'decimal', formula: formula`2*${row(0)}` } as const;
    const total = { value: '4', kind: 'decimal', formula: formula`SUM(${above(1)})` } as const;
    const { computed } = await written(
      [
        {
          name: 'S',
          blocks: [
            { block: 'text', text: 'x', tone: 'plain' },
            table(
              [
                [1, twice],
                [1, twice],
              ],
              { totals: ['', total] },
            ),
          ],
        },
      ],
      9,
    );
    expect(computed.map(({ cell, formula: text }) => [cell, text])).toEqual([
      ['B4', '2*$A4'],
      ['B5', '2*$A5'],
      ['B6', 'SUM(B4:B5)'],
    ]);
  });

  it('never reaches over the end of a page', async () => {
    for (const text of [formula`SUM(${above(1)})`, formula`SUM(${above(1, 3)})`]) {
      const total = { value: '6', kind: 'decimal', formula: text } as const;
      const sheet = (rows: number): Sheet => ({
        ...long(rows),
        blocks: [table(Array(rows).fill([1, 1]), { totals: ['', total] })],
      });
      expect((await written([sheet(3)])).computed[0]!.formula).toBe('SUM(B2:B4)');
      await expect(written([sheet(6)])).rejects.toThrow(/on the page before/);
    }
  });

  it('is none when an object from data says that it is one', async () => {
    const forged = JSON.parse('{"value":"7","kind":"decimal","formula":{"pieces":["1+1"]},"alarm":0}');
    const { computed, second } = await written([{ name: 'S', blocks: [table([[forged, forged]])] }]);
    expect(computed).toEqual([]);
    if (second !== undefined) expect(second.S!.cells.A2).toEqual(['n', '7', '#,##0']);
  });

  it('without a result is refused', async () => {
    const none = { value: null, kind: 'decimal', formula: formula`1+1` } as const;
    await expect(written([{ name: 'S', blocks: [table([[1, none]])] }])).rejects.toThrow(/no result/);
  });
});

describe("a partner's workbook", () => {
  it('has formulas where it adds up lines, and nowhere else', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const hostile = hostileLines().map((line) => ({ ...line, invoice: '=1+1', file: '=A1', note: '+A1' }));
      await createWorkbooks().write(path, partnerBook(reportOf(hostile)));
      const computed = await computedIn(path);
      expect([...new Set(computed.map(({ sheet }) => sheet))]).toEqual(['Summary', 'KPI lines', 'By month']);
      expect(computed.filter(({ sheet }) => sheet === 'KPI lines').map(({ formula: text }) => text)).toEqual(
        ['D', 'F', 'G'].map((column) => `SUM('KPI lines'!$${column}$2:$${column}$${hostile.length + 1})`),
      );
      // No word of a type, a class or an invoice is in a formula: only our own words and references are.
      const texts = computed.map(({ formula: text }) => text.replace(/"[^"]*"/g, '""'));
      const words = new Set(texts.join(' ').match(/[A-Za-z]{2,}/g));
      expect([...words].filter((word) => /[a-z]/.test(word)).sort()).toEqual(['KPI', 'lines'].slice(1));
      const quotes = computed.flatMap(({ formula: text }) => text.match(/"[^"]*"/g) ?? []);
      expect([...new Set(quotes)].sort()).toEqual([
        '"="',
        '">0"',
        '"CHANGED"',
        expect.stringMatching(/^"CHANGED: the lines/),
        expect.stringMatching(/^"The lines of this workbook add up/),
        '"agrees"',
      ]);
    });
  });

  it('says of a figure too long for a cell that it is not checked, and checks the others', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      await createWorkbooks().write(path, partnerBook(BOOKS.long!.report));
      const summary = (await readAll(path)).get('Summary')!.map(({ cells }) => cells);
      const verdicts = summary.filter((cells) => ['agrees', 'too long'].includes(cells[3] ?? ''));
      expect(verdicts.map(([label, , , verdict]) => [label, verdict])).toEqual([
        ['KPI lines', 'agrees'],
        ['KPI value in the window', 'agrees'],
        ['Purchase units', 'agrees'],
        ['Revenue value (USD)', 'too long'],
      ]);
      expect((await computedIn(path)).map(({ formula: text }) => text).join()).not.toContain('$G');
    });
  });
});

describe.skipIf(!hasSoffice)('recalculated in LibreOffice', () => {
  /** Each a change of one cell of one line, its old results kept. */
  const EDITS: Readonly<Record<string, (xml: string) => string>> = {
    'KPI value': (xml) => xml.replace(/(<c r="F5"[^>]*><v>)[^<]*/, '$1' + '99.5'),
    revenue: (xml) => xml.replace(/(<c r="G9"[^>]*><v>)[^<]*/, '$1' + '0.01'),
    units: (xml) => xml.replace(/(<c r="D9"[^>]*><v>)[^<]*/, '$1' + '77'),
    month: (xml) =>
      xml.replace(/(<c r="A9"[^>]*><v>)([^<]*)/, (_, head, was) => `${head}${(Number(was) % 12) + 1}`),
    'a line gone': (xml) => xml.replace(/<row r="9".*?<\/row>/, ''),
    'a text in place of a number': (xml) => xml.replace(/(<c r="F5"[^>]*)><v>[^<]*/, '$1 t="str"><v>many'),
    'a line added below': (xml) =>
      xml.replace('</sheetData>', '<row r="130"><c r="A130"><v>5</v></c></row></sheetData>'),
  };
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lkp-lineage-'));
    for (const [name, { report, maxRows }] of Object.entries(BOOKS))
      await createWorkbooks(maxRows === undefined ? {} : { maxRows }).write(
        join(folder, `${name}.xlsx`),
        partnerBook(report),
      );
    for (const [name, change] of Object.entries(EDITS))
      await edited(join(folder, 'plain.xlsx'), join(folder, `edit ${name}.xlsx`), 2, change);
    const names = [...Object.keys(BOOKS), ...Object.keys(EDITS).map((name) => `edit ${name}`)];
    recalculate(
      names.map((name) => join(folder, `${name}.xlsx`)),
      join(folder, 'out'),
    );
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true }));

  it.each(Object.keys(BOOKS))('%s: every formula gives what it shows', async (name) => {
    const copy = join(folder, 'out', `${name}.xlsx`);
    const { computed, differ } = await differences(join(folder, `${name}.xlsx`), copy);
    expect(computed).toBeGreaterThan(name === 'empty' ? 10 : 100);
    expect(differ).toEqual([]);
  });

  it.each(Object.keys(EDITS))('an edited line shows in the self-check: %s', async (name) => {
    const before = await cellsIn(join(folder, 'plain.xlsx'));
    const after = await cellsIn(join(folder, 'out', `edit ${name}.xlsx`));
    expect(before('Summary', 'B11')).toMatch(/^The lines of this workbook add up/);
    expect((await cellsIn(join(folder, `edit ${name}.xlsx`)))('Summary', 'B11')).toBe(
      before('Summary', 'B11'),
    );
    expect(after('Summary', 'B11')).toMatch(/^CHANGED: /);
  });
});
