import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CAGE } from '../src/excel/cage.ts';
import { openSheet } from '../src/excel/table.ts';
import { LkpError } from '../src/job.ts';
import { inFolder, type Part, workbookParts, zip } from './excel-fixtures.ts';
import { launch } from './harness/lkp.ts';
import { until } from './harness/until.ts';

const LINUX = existsSync('/proc/self/status');
const usual = { ...CAGE };
afterEach(() => void Object.assign(CAGE, usual));

const cell = (text: string): string => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
const row = (...texts: string[]): string => `<row>${texts.map(cell).join('')}</row>`;
const rows = (count: number, text = 'a course with a name'): string =>
  row('one', 'two') + Array.from({ length: count }, (_, index) => row(`${text} ${index}`, '2')).join('');

const book = <T>(parts: readonly Part[], work: (path: string) => Promise<T>): Promise<T> =>
  inFolder(async (folder) => {
    const path = join(folder, 'book.xlsx');
    writeFileSync(path, zip(parts));
    return work(path);
  });

/** Reads a sheet to its end, as a COPY would. */
async function read(
  path: string,
  hints: Parameters<typeof openSheet>[1] = {},
  between: () => unknown = () => 0,
): Promise<{ text: string; lines: number }> {
  const table = await openSheet(path, { name: 'book.xlsx', ...hints });
  let text = '';
  for await (const piece of table.body({ headerRow: 1, width: 2 })) {
    text += Buffer.from(piece).toString('utf8');
    await between();
  }
  return { text, lines: table.counts.lines };
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LkpError);
  expect((error as LkpError).code).toBe('request');
  return (error as LkpError).message;
};

/** The processes below one that read workbooks. */
function readersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('excel/reader.ts') &&
          readFileSync(`/proc/${name}/status`, 'latin1').includes(`PPid:\t${parent}\n`)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

beforeAll(() => book(workbookParts(rows(1)), async (path) => void (await read(path))));

describe('a workbook that would take too much is refused, and the next one is read', () => {
  const fine = () => book(workbookParts(rows(3)), async (path) => expect((await read(path)).lines).toBe(3));

  test('a bomb of a gigabyte, before a process reads it', async () => {
    const [sheet] = workbookParts(rows(1)).slice(-1);
    await book(
      [...workbookParts(rows(1)).slice(0, -1), { ...sheet!, says: { size: 1_000_000_000 } }],
      async (path) => {
        const before = process.memoryUsage.rss();
        expect(await refusal(read(path))).toMatch(/^book\.xlsx: The workbook unpacks to more than 950 MB/);
        expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
      },
    );
    await fine();
  });

  test.runIf(LINUX)('memory outside the heap', async () => {
    CAGE.resident = 40;
    const said = await refusal(book(workbookParts(rows(300_000)), (path) => read(path)));
    expect(said).toMatch(/too large to read: reading it takes more than 40 MB/);
    Object.assign(CAGE, usual);
    await fine();
  });

  test.runIf(LINUX)('silence', async () => {
    CAGE.silent = 1;
    const stop = () => readersOf(process.pid).forEach((pid) => void process.kill(pid, 'SIGSTOP'));
    const said = await refusal(book(workbookParts(rows(200_000)), (path) => read(path, {}, stop)));
    expect(said).toMatch(/took longer than 1 seconds over one piece/);
    Object.assign(CAGE, usual);
    await fine();
  });

  test('time', async () => {
    CAGE.waiting = 0.3;
    const said = await refusal(book(workbookParts(rows(400_000)), (path) => read(path)));
    expect(said).toMatch(/took longer than 0\.3 seconds to read/);
    Object.assign(CAGE, usual);
    await fine();
  });

  test.runIf(LINUX)('a reader that is killed', async () => {
    const kill = () => readersOf(process.pid).forEach((pid) => void process.kill(pid, 'SIGKILL'));
    const said = await refusal(book(workbookParts(rows(200_000)), (path) => read(path, {}, kill)));
    expect(said).toMatch(/its reader was ended from outside \(SIGKILL\)/);
    await fine();
  });

  test.each<[what: string, sheet: string, more: Record<string, string>, says: RegExp]>([
    ['one text of two million characters', row('x'.repeat(2 << 20)), {}, /characters in one piece/],
    [
      'a row of many long texts',
      `<row>${`<c t="s"><v>0</v></c>`.repeat(100)}</row>`,
      { 'xl/sharedStrings.xml': `<sst><si><t>${'x'.repeat(100_000)}</t></si></sst>` },
      /characters in row 1/,
    ],
  ])('%s', async (_what, sheet, more, says) => {
    expect(await refusal(book(workbookParts(sheet, more), (path) => read(path)))).toMatch(says);
    await fine();
  });

  test('texts that are many but small are held; too many are not', async () => {
    const texts = Array.from({ length: 1_000_000 }, (_, index) => `<si><t>course ${index}</t></si>`).join('');
    const parts = (sheet: string) => workbookParts(sheet, { 'xl/sharedStrings.xml': `<sst>${texts}</sst>` });
    const sheet = `${row('one', 'two')}<row><c t="s"><v>999999</v></c></row>`;
    expect((await book(parts(sheet), (path) => read(path))).text).toBe('2,,"course 999999",\n');
    const most = `<sst>${'<si/>'.repeat(5_000_001)}</sst>`;
    const full = workbookParts(sheet, { 'xl/sharedStrings.xml': most });
    expect(await refusal(book(full, (path) => read(path)))).toMatch(/times its size|5000001 different texts/);
    await fine();
  });

  test.runIf(LINUX)('a heap that is full', async () => {
    for (const pid of readersOf(process.pid)) process.kill(pid, 'SIGKILL');
    await until('they are gone', () => readersOf(process.pid).length === 0, 5_000);
    CAGE.heap = 40;
    const texts = Array.from({ length: 1_000_000 }, (_, index) => `<si><t>course ${index}</t></si>`).join('');
    const parts = workbookParts(row('one'), { 'xl/sharedStrings.xml': `<sst>${texts}</sst>` });
    expect(await refusal(book(parts, (path) => read(path)))).toMatch(/reading it takes more than 40 MB/);
    Object.assign(CAGE, usual);
    await fine();
  });
});

describe.runIf(LINUX)('processes', () => {
  test('one reader serves file after file', async () => {
    await book(workbookParts(rows(2)), (path) => read(path));
    const [first, ...others] = readersOf(process.pid);
    expect(others).toEqual([]);
    await book(workbookParts(rows(2)), (path) => read(path));
    expect(readersOf(process.pid)).toEqual([first]);
  });

  test('a killed worker leaves none behind', () =>
    book(workbookParts(rows(2)), async (path) => {
      const child = launch(['test/programs/workbook-user.ts', path]);
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const [reader] = readersOf(child.pid!);
      expect(reader).toBeGreaterThan(0);
      child.kill('SIGKILL');
      await until('the reader is gone', () => !existsSync(`/proc/${reader}`), 5_000);
    }));
});

describe('which sheet', () => {
  const sheets = (...given: Array<[name: string, state: string, data: string]>): Part[] =>
    workbookParts('', {
      'xl/workbook.xml': `<workbook xmlns:r="r"><sheets>${given.map(([name, state], index) => `<sheet name="${name}" sheetId="${index + 1}" state="${state}" r:id="s${index}"/>`).join('')}</sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': `<Relationships>${given.map((_, index) => `<Relationship Id="s${index}" Type="x/worksheet" Target="worksheets/s${index}.xml"/>`).join('')}</Relationships>`,
      ...Object.fromEntries(
        given.map(([, , data], index) => [
          `xl/worksheets/s${index}.xml`,
          `<worksheet><sheetData>${data}</sheetData></worksheet>`,
        ]),
      ),
    });
  const fits = (head: ReadonlyArray<{ readonly cells: readonly string[] }>) =>
    head.some(({ cells }) => cells.includes('wanted'));
  const lines = (value: string) => row('wanted', 'two') + row(value, '2');

  test.each<[what: string, parts: Part[], hints: Parameters<typeof openSheet>[1], text: string]>([
    [
      'the one that is named, hidden or not',
      sheets(['A', 'visible', lines('a')], ['B', 'hidden', lines('b')]),
      { sheet: 'B' },
      '2,,"b","2"\n',
    ],
    [
      'the one whose head fits',
      sheets(
        ['Cover', 'visible', row('Dear all')],
        ['B', 'visible', lines('b')],
        ['C', 'hidden', lines('c')],
      ),
      { fits },
      '2,,"b","2"\n',
    ],
    [
      'the first that is visible and not empty',
      sheets(['A', 'hidden', lines('a')], ['B', 'visible', ''], ['C', 'visible', lines('c')]),
      {},
      '2,,"c","2"\n',
    ],
  ])('%s', async (_what, parts, hints, text) => {
    expect((await book(parts, (path) => read(path, hints))).text).toBe(text);
  });

  test('a header of two rows, merged over both where it has one name', async () => {
    const parts = workbookParts('', {
      'xl/worksheets/sheet1.xml':
        `<worksheet><sheetData><row r="1"/><row r="2">${cell('Number')}${cell('Amounts')}</row>` +
        `<row r="3"><c r="B3" t="inlineStr"><is><t>net</t></is></c><c r="C3" t="inlineStr"><is><t>tax</t></is></c></row>` +
        `<row r="4">${cell('A-1')}${cell('10')}${cell('2')}</row></sheetData>` +
        '<mergeCells count="2"><mergeCell ref="A2:A3"/><mergeCell ref="B2:C2"/></mergeCells></worksheet>',
    });
    const table = await book(parts, (path) =>
      openSheet(path, {
        name: 'book.xlsx',
        fits: (head) => head.some(({ cells }) => cells.includes('Number') && cells.includes('net')),
      }),
    );
    expect(table.head[2]).toEqual({ row: 3, cells: ['Number', 'net', 'tax'] });
  });

  test.each<[what: string, parts: Part[], hints: Parameters<typeof openSheet>[1], says: RegExp]>([
    [
      'two that fit',
      sheets(['A', 'visible', lines('a')], ['B', 'visible', lines('b')]),
      { fits },
      /The sheets "A", "B" of the workbook all have the header/,
    ],
    [
      'none of that name',
      sheets(['A', 'visible', lines('a')]),
      { sheet: 'B' },
      /no sheet "B" \(it has "A"\)/,
    ],
    ['none that is visible', sheets(['A', 'veryHidden', lines('a')]), {}, /no visible sheet \(it has "A"\)/],
    [
      'none with anything in it',
      sheets(['A', 'visible', ''], ['B', 'visible', '<row/>']),
      {},
      /sheets "A", "B" are empty/,
    ],
  ])('refused: %s', async (_what, parts, hints, says) => {
    expect(await refusal(book(parts, (path) => read(path, hints)))).toMatch(says);
  });
});
