import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { typed } from '../src/excel/cells.ts';
import { openParts } from '../src/excel/parts.ts';
import { createWorkbooks } from '../src/excel/write.ts';
import type { Block, Book, CellKind, CellValue, Sheet } from '../src/ports.ts';
import { hasOpenpyxl, inFolder, openpyxl, readAll, SHARED_DATA, sha256 } from './excel-fixtures.ts';

const workbooks = createWorkbooks();

function table(kinds: readonly CellKind[], rows: CellValue[][], more: object = {}): Block {
  return {
    block: 'table',
    columns: kinds.map((kind, index) => ({ header: `${kind} ${index}`, kind, width: 9 + index })),
    rows,
    ...more,
  };
}

function book(...sheets: Sheet[]): Book {
  return { title: 'Book & title', sheets };
}

/** Cells of the first sheet's data rows, after a round trip. */
async function roundTrip(kind: CellKind, values: CellValue[]): Promise<(string | null)[]> {
  return inFolder(async (folder) => {
    const path = join(folder, 'book.xlsx');
    // The second column keeps a row of an empty first cell.
    await workbooks.write(
      path,
      book({
        name: 'S',
        blocks: [
          table(
            [kind, 'text'],
            values.map((value) => [value, '.']),
          ),
        ],
      }),
    );
    const rows = (await readAll(path)).get('S')!;
    return rows.slice(1).map((row) => row.cells[0]!);
  });
}

describe('cells', () => {
  it.each([
    ['1200', 'decimal0'],
    ['12.50', 'decimal2'],
    ['-1.250', 'decimal3'],
    ['0.00', 'decimal2'],
    ['31/02', 'text'],
  ])('an amount written %s shows as many decimals: %s', (amount, look) => {
    expect(typed(amount, 'amount').look).toBe(look);
  });

  it('keep their type and their value', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const kinds: CellKind[] = [
        'text',
        'code',
        'integer',
        'ordinal',
        'decimal',
        'money',
        'percent',
        'date',
        'month',
      ];
      const row = ['İstanbul', '0012', '1200', '2019', '0.50', '-1234.5', '0.375', '2020-02-29', '2019-11'];
      await workbooks.write(path, book({ name: 'S', blocks: [table(kinds, [row])] }));
      const [, read] = (await readAll(path)).get('S')!;
      expect(read!.cells).toEqual([
        'İstanbul',
        '0012',
        '1200',
        '2019',
        '0.5',
        '-1234.5',
        '0.375',
        '2020-02-29',
        '2019-11-01',
      ]);
      if (!hasOpenpyxl) return;
      const { cells } = openpyxl(path).S!;
      expect(cells.B2).toEqual(['s', '0012', '@']);
      expect(cells.C2).toEqual(['n', '1200', '#,##0']);
      expect(cells.D2).toEqual(['n', '2019', '0']);
      expect(cells.E2).toEqual(['n', '0.5', '#,##0.0']);
      expect(cells.F2).toEqual(['n', '-1234.5', '#,##0.00']);
      expect(cells.H2).toEqual(['d', '2020-02-29T00:00:00', 'yyyy-mm-dd']);
      expect(cells.I2).toEqual(['d', '2019-11-01T00:00:00', 'yyyy-mm']);
    });
  });

  it('that do not read as their kind stay the text they are', async () => {
    expect(await roundTrip('date', ['31/02/2021', '2021-02-30', '1899-12-31', '9999-12-31'])).toEqual([
      '31/02/2021',
      '2021-02-30',
      '1899-12-31',
      '9999-12-31',
    ]);
    expect(await roundTrip('money', ['abc', '1,5', '1e5', '12.345', '1234567890123456.78', null])).toEqual([
      'abc',
      '1,5',
      '1e5',
      '12.345',
      '1234567890123456.78',
      null,
    ]);
  });

  it('show what a cell cannot hold, and keep what looks like an escape or outer white space', async () => {
    const hostile = [
      'a\u0000b',
      'lone \ud800 end',
      '_x0041_',
      ' 5512001',
      'line\r\nbreak',
      '\uffff',
      'x'.repeat(40_000),
    ];
    const read = await roundTrip('text', hostile);
    expect(read.slice(0, 6)).toEqual([
      'a\ufffdb',
      'lone \ufffd end',
      '_x0041_',
      ' 5512001',
      'line\nbreak',
      '\ufffd',
    ]);
    expect(read[6]).toHaveLength(32_767);
    expect(read[6]!.endsWith('x…')).toBe(true);
  });

  it('keep names of every script', async () => {
    const names = [
      'İstanbul Öğrenim Çözümleri',
      '東京ラーニング𠮷',
      'مركز الخليج للتدريب',
      '😀 & <b>"\'</b>',
    ];
    expect(await roundTrip('text', names)).toEqual(names);
  });
});

describe('formulas', () => {
  const payloads = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://x")',
    '{=1}',
    ...shared(),
  ];

  it(`do not come from data (${payloads.length} strings)`, async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const rows = payloads.map((text) => [text, text, text]);
      await workbooks.write(path, book({ name: 'S', blocks: [table(['text', 'code', 'money'], rows)] }));
      const read = (await readAll(path)).get('S')!.slice(1);
      expect(read.map((row) => row.cells[0])).toEqual(payloads.map(held));
      const xml = await unzipped(path, 'xl/worksheets/sheet1.xml');
      expect(xml).not.toMatch(/<f[ />]/);
      expect(xml).not.toContain('<hyperlink');
      if (!hasOpenpyxl) return;
      // Columns A and B are text whatever they hold; C is money, where `-1` is a number and `=1` is not.
      const cells = Object.entries(openpyxl(path).S!.cells);
      const types = cells.filter(([reference]) => !reference.startsWith('C')).map(([, [type]]) => type);
      expect(cells.map(([, [type]]) => type)).not.toContain('f');
      expect(new Set(types)).toEqual(new Set(['s']));
    });
  });

  it('do not come from an object in place of a text', async () => {
    const formula = { formula: 'A1', result: 7 } as unknown as string;
    expect(await roundTrip('text', [{ value: formula, kind: 'text' }])).toEqual(['[object Object]']);
  });

  /** What Excel can hold of a text. */
  function held(text: string): string {
    return text
      .replace(/\r\n?/g, '\n')
      .replace(/(?![\t\n])\p{Cc}|\p{Surrogate}|\p{Noncharacter_Code_Point}/gu, '\ufffd');
  }

  function shared(): string[] {
    const blns = join(SHARED_DATA, 'csv/blns/blns.json');
    const injection = join(SHARED_DATA, 'csv/csv-injection/Intruder/csv-payload.txt');
    if (!existsSync(blns) || !existsSync(injection)) {
      console.log('../shared/data/csv is absent: the lists of hostile strings are skipped.');
      return [];
    }
    const texts = [
      ...(JSON.parse(readFileSync(blns, 'utf8')) as string[]),
      ...readFileSync(injection, 'utf8').split('\n'),
    ];
    return texts.filter((text) => text !== '');
  }
});

describe('sheets', () => {
  it('go on under their own header past the limit, and nothing is cut', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const rows = Array.from({ length: 24 }, (_, index): CellValue[] => [`line ${index}`, index]);
      const blocks: Block[] = [table(['text', 'integer'], rows, { totals: ['Total', '276'] })];
      const wrote = await createWorkbooks({ maxRows: 10 }).write(path, book({ name: 'KPI lines', blocks }));
      expect(wrote).toEqual({ rows: 24 });
      const sheets = await readAll(path);
      expect([...sheets.keys()]).toEqual(['KPI lines', 'KPI lines (2)', 'KPI lines (3)']);
      const data = [...sheets.values()].flatMap((all) => {
        expect(all[0]!.cells).toEqual(['text 0', 'integer 1']);
        expect(all.length).toBeLessThanOrEqual(10);
        return all.slice(1).map((row) => row.cells);
      });
      expect(data).toEqual([...rows.map(([name, index]) => [name, String(index)]), ['Total', '276']]);
      if (!hasOpenpyxl) return;
      const seen = openpyxl(path);
      expect(Object.values(seen).map(({ filter, freeze, titles }) => [filter, freeze, titles])).toEqual([
        ['A1:B10', 'A2', '$1:$1'],
        ['A1:B10', 'A2', '$1:$1'],
        ['A1:B7', 'A2', '$1:$1'], // the totals row is not filtered away
      ]);
    });
  });

  it('freeze the header under a text', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const warning: Block = { block: 'text', text: 'SAMPLE', tone: 'warning' };
      await workbooks.write(path, book({ name: 'S', blocks: [warning, table(['text'], [['a']])] }));
      expect((await readAll(path)).get('S')!.map(({ row }) => row)).toEqual([1, 3, 4]);
      if (hasOpenpyxl)
        expect(openpyxl(path).S).toMatchObject({ freeze: 'A4', filter: 'A3:A4', titles: '$3:$3' });
    });
  });

  it.skipIf(!hasOpenpyxl)('with more than one table have no filter', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      await workbooks.write(
        path,
        book({ name: 'S', blocks: [table(['text'], [['a']]), table(['text'], [['b']])] }),
      );
      expect(openpyxl(path).S).toMatchObject({ freeze: null, filter: null, titles: null });
    });
  });

  it('get valid and unique names', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'book.xlsx');
      const wanted = ['History', "'a/b'", 'x'.repeat(40), 'X'.repeat(40), '', 'KPI: [all]?*\\'];
      const blocks: Block[] = [table(['text'], [['a']])];
      await workbooks.write(path, book(...wanted.map((name) => ({ name, blocks }))));
      const names = [...(await readAll(path)).keys()];
      expect(names).toEqual([
        'History sheet',
        '’a b’',
        'x'.repeat(31),
        `${'X'.repeat(27)} (2)`,
        'Sheet',
        'KPI all',
      ]);
      if (hasOpenpyxl) expect(Object.keys(openpyxl(path))).toEqual(names);
    });
  });

  it('without which no workbook opens are asked for', async () => {
    await inFolder(async (folder) => {
      await expect(workbooks.write(join(folder, 'none.xlsx'), book())).rejects.toThrow('has no sheet');
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});

describe('bytes', () => {
  const sheets: Sheet[] = [
    {
      name: 'S',
      blocks: [
        {
          block: 'pairs',
          pairs: [
            ['Due', '2020-05-15', 'date'],
            ['MPN ID', '0551200', 'code'],
          ],
        },
        {
          block: 'table',
          columns: [{ header: 'Share', kind: 'percent', width: 10, bar: true }],
          rows: Array.from({ length: 5000 }, (_, index) => [`0.${index}`]),
        },
      ],
    },
  ];

  it('are the same years later', async () => {
    await inFolder(async (folder) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      try {
        vi.setSystemTime('2020-05-15T09:00:00Z');
        await workbooks.write(join(folder, 'one.xlsx'), book(...sheets));
        vi.setSystemTime('2031-12-31T23:59:59Z');
        await workbooks.write(join(folder, 'two.xlsx'), book(...sheets));
      } finally {
        vi.useRealTimers();
      }
      expect(sha256(join(folder, 'one.xlsx'))).toBe(sha256(join(folder, 'two.xlsx')));
    });
  });

  it('are the same in every time zone', async () => {
    await inFolder(async (folder) => {
      const script = join(folder, 'write.mts');
      const source = join(import.meta.dirname, '../src/excel/write.ts');
      writeFileSync(
        script,
        `import { createWorkbooks } from ${JSON.stringify(source)};
         await createWorkbooks().write(process.argv[2], ${JSON.stringify(book(...sheets))});`,
      );
      const hashes = ['Pacific/Kiritimati', 'America/Los_Angeles'].map((TZ, index) => {
        const path = join(folder, `${index}.xlsx`);
        const run = spawnSync(process.execPath, ['--import', 'tsx', script, path], {
          cwd: join(import.meta.dirname, '..'),
          env: { ...process.env, TZ },
          encoding: 'utf8',
        });
        expect(run.stderr.replace(/^.*warn.*$/gim, '').trim()).toBe('');
        return sha256(path);
      });
      expect(hashes[0]).toBe(hashes[1]);
    });
  }, 30_000);
});

describe('failures', () => {
  it('of the path reject and leave nothing', async () => {
    await inFolder(async (folder) => {
      const rows = Array.from({ length: 10 }, () => ['a']);
      const path = join(folder, 'absent', 'book.xlsx');
      await expect(
        workbooks.write(path, book({ name: 'S', blocks: [table(['text'], rows)] })),
      ).rejects.toThrow('ENOENT');
      expect(readdirSync(folder)).toEqual([]);
    });
  });

  it.skipIf(!existsSync('/dev/full'))(
    'of the disk end the rows and reject',
    async () => {
      let ended = false;
      async function* endless(): AsyncGenerator<CellValue[]> {
        try {
          for (let index = 0; ; index += 1) yield [`${index} ${Math.imul(index, 2_654_435_761)}`];
        } finally {
          ended = true;
        }
      }
      const sheet: Sheet = {
        name: 'S',
        blocks: [{ ...(table(['text'], []) as Extract<Block, { block: 'table' }>), rows: endless() }],
      };
      await expect(workbooks.write('/dev/full', book(sheet))).rejects.toThrow('ENOSPC');
      expect(ended).toBe(true);
      expect(existsSync('/dev/full')).toBe(true);
    },
    20_000,
  );

  it('of the rows reject with their own error and leave no half file', async () => {
    await inFolder(async (folder) => {
      async function* broken(): AsyncGenerator<CellValue[]> {
        for (let index = 0; index < 50_000; index += 1) yield [`row ${index}`];
        throw new Error('the cursor was lost');
      }
      const sheet: Sheet = {
        name: 'S',
        blocks: [{ ...(table(['text'], []) as Extract<Block, { block: 'table' }>), rows: broken() }],
      };
      await expect(workbooks.write(join(folder, 'half.xlsx'), book(sheet))).rejects.toThrow(
        'the cursor was lost',
      );
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});

/** One part of the package, as text. */
async function unzipped(path: string, name: string): Promise<string> {
  const parts = await openParts(path);
  try {
    let text = '';
    for await (const piece of parts.text(name)) text += piece;
    return text;
  } finally {
    parts.close();
  }
}
