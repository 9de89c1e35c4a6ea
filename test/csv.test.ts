import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropLoad, loadRows } from '../src/staging.ts';
import { type CsvHints, openCsv } from '../src/tabular/csv.ts';
import { formatOf } from '../src/tabular/format.ts';
import { cellsOf, type Dialect, RecordScanner } from '../src/tabular/records.ts';
import { type Fresh, freshDatabase } from './harness/database.ts';

let folder: string;
let fresh: Fresh;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-csv-'));
  fresh = await freshDatabase('empty');
});
afterAll(async () => {
  await fresh.drop();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, 'input.csv');
  await writeFile(path, content);
  return path;
}

type Cells = readonly string[];

/**
 * What PostgreSQL holds after COPY of the file, the header being the first row: cells by row, or the text of a row that
 * could not be split. Checks on the way that the left side of conservation saw the very same cells, and that a row
 * marked as bare has nothing to tidy.
 */
async function read(content: string | Uint8Array, hints: CsvHints & { headerRow?: number } = {}) {
  const table = await openCsv(await fileOf(content), 'input.csv', hints);
  const header = table.head[(hints.headerRow ?? 1) - 1]!;
  const columns = new Map(header.cells.map((_, index) => [`f${index}`, index]));
  const watched: Array<Cells | null> = [];
  const rows = await fresh.db.transaction('csv', async (tx) => {
    await loadRows(tx, table, { ...header, columns }, ['f0'], undefined, {
      fields: [...columns.keys()],
      row: (cells) => watched.push(cells === null ? null : [...cells]),
    });
    const found = await tx.rows<{
      row_no: number;
      ragged: string | null;
      bare: boolean | null;
      cells: Array<string | null>;
    }>(
      `select load_field.row_no, load_field.ragged, load.bare, load_field.cells
       from load_field join load on load.row_no = load_field.row_no order by load_field.row_no`,
    );
    await dropLoad(tx);
    return found;
  });
  const { counts, encoding, delimiter } = table;
  expect(counts.preamble + counts.header + counts.blank + counts.lines).toBe(counts.physical);
  expect(rows).toHaveLength(counts.lines);
  const cells = rows.map((row) => row.cells.map((cell) => cell ?? ''));
  for (const [index, { bare }] of rows.entries())
    if (bare) expect(cells[index]!.filter((cell) => !/^([!-~](.*[!-~])?)?$/su.test(cell))).toEqual([]);
  expect(watched).toEqual(rows.map((row, index) => (row.ragged === null ? cells[index] : null)));
  return {
    header: header.cells,
    rows: rows.map((row, index) => (row.ragged === null ? cells[index]! : { ragged: row.ragged })),
    at: rows.map((row) => row.row_no),
    bare: rows.map((row) => row.bare === true),
    counts,
    encoding,
    delimiter,
  };
}

const refusal = (content: string | Uint8Array, hints: CsvHints = {}): Promise<string> =>
  read(content, hints).then(
    () => Promise.reject(new Error('the file was read')),
    (error: Error) => error.message,
  );

test('rows without anything to tidy are marked, and no others', async () => {
  const rows = [
    '1,2',
    '1,',
    'a b,2',
    ' 1,2',
    '1 ,2',
    '1,2 ',
    '1,\u00a02',
    '1,2\u200b',
    'é,2',
    '"1",2',
    '\t1,2',
  ];
  const { bare } = await read(`a,b\r\n${rows.join('\r\n')}\r\n`);
  expect(bare).toEqual(rows.map((_, index) => index < 3));
});

describe('rows of a CSV file', () => {
  test.each<[what: string, content: string, rows: Array<Cells | { ragged: string }>]>([
    [
      'plain',
      'a,b\n1,2\n3,4\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'CRLF',
      'a,b\r\n1,2\r\n3,4\r\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'CR alone',
      'a,b\r1,2\r3,4\r',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'LF and CRLF mixed',
      'a,b\n1,2\r\n3,4\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    ['quotes', 'a,b\n"1","2"\n', [['1', '2']]],
    ['a delimiter in quotes', 'a,b\n"1,5",2\n', [['1,5', '2']]],
    [
      'a line break in quotes',
      'a,b\n"1\n5",2\n3,4\n',
      [
        ['1\n5', '2'],
        ['3', '4'],
      ],
    ],
    ['a CRLF in quotes', 'a,b\r\n"1\r\n5",2\r\n', [['1\r\n5', '2']]],
    ['a CR in quotes where CR ends rows', 'a,b\r"1\r5",2\r', [['1\r5', '2']]],
    ['doubled quotes', 'a,b\n"say ""hi""",""""\n', [['say "hi"', '"']]],
    ['a quote inside a cell', 'a,b\n5" disk,6\'2"\n', [['5" disk', '6\'2"']]],
    ['a quote inside a cell of several', 'a,b\nx"y,"1,5"\n', [['x"y', '1,5']]],
    ['empty cells and empty quotes', 'a,b,c\n,"",x\n', [['', '', 'x']]],
    [
      'a backslash is a backslash',
      'a,b\n\\N,\\.\n\\,x\n',
      [
        ['\\N', '\\.'],
        ['\\', 'x'],
      ],
    ],
    ['a cell that would end a COPY', 'a\n\\.\nx\n', [['\\.'], ['x']]],
    ['white space stays as it is', 'a,b\n 1 ,\t2\n', [[' 1 ', '\t2']]],
    ['other scripts', 'ad,名\nÖğrenim,富士見\n', [['Öğrenim', '富士見']]],
    ['too few cells', 'a,b,c\n1,2\n3,4,5\n', [{ ragged: '1,2' }, ['3', '4', '5']]],
    ['too many cells', 'a,b\n1,2,3\n4,5\n', [{ ragged: '1,2,3' }, ['4', '5']]],
    [
      'empty cells too many',
      'a,b\n1,2,,\n3,4, ,""\n',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    ['empty cells too many beside quotes', 'a,b\n"1,""5",2,,\n', [['1,"5', '2']]],
    ['text behind a closing quote', 'a,b\n"1"x,2\n3,4\n', [{ ragged: '"1"x,2' }, ['3', '4']]],
    ['a space behind a closing quote', 'a,b\n"1" ,2\n', [{ ragged: '"1" ,2' }]],
    ['a NUL', 'a,b\n1\0,2\n3,4\n', [{ ragged: '1\u2400,2' }, ['3', '4']]],
    ['a NUL in quotes', 'a,b\n"1\0",2\n', [{ ragged: '"1\u2400",2' }]],
    ['a CR in the middle of a row', 'a,b\n1\r2,3\n4,5\n', [{ ragged: '1\r2,3' }, ['4', '5']]],
    ['one column', 'a\n1\n2\n', [['1'], ['2']]],
    ['white space after the last row', 'a,b\n1,2\n  ', [['1', '2']]],
  ])('%s', async (_what, content, rows) => {
    expect((await read(content)).rows).toEqual(rows);
  });

  test('blank rows are counted apart, and rows keep their physical number', async () => {
    const { rows, at, counts } = await read('a,b\n\n1,2\n,\n  , \n"",""\r\n3,4\n\n');
    expect(rows).toEqual([
      ['1', '2'],
      ['3', '4'],
    ]);
    expect(at).toEqual([3, 7]);
    expect(counts).toEqual({ physical: 8, preamble: 0, header: 1, blank: 5, lines: 2 });
  });

  test('rows above the header are the preamble, blank ones included', async () => {
    const { rows, counts } = await read('Invoices of May,\n\n,\na,b\n1,2\n', { headerRow: 4 });
    expect(rows).toEqual([['1', '2']]);
    expect(counts).toEqual({ physical: 5, preamble: 3, header: 1, blank: 0, lines: 1 });
  });

  test('a row of physical lines counts once, however many line breaks its cells hold', async () => {
    const { at } = await read('a,b\n"1\n\n\n",2\n3,4\n');
    expect(at).toEqual([2, 3]);
  });

  test('wide and long: a thousand columns, a cell of half a megabyte', async () => {
    const header = Array.from({ length: 1000 }, (_, index) => `c${index}`).join(',');
    const row = Array.from({ length: 1000 }, (_, index) => String(index));
    expect((await read(`${header}\n${row.join(',')}\n`)).rows).toEqual([row]);
    const long = 'x'.repeat(1 << 19);
    expect((await read(`a,b\n${long},2\n`)).rows).toEqual([[long, '2']]);
  });
});

describe('the delimiter', () => {
  test.each([
    ['comma', 'a,b\n1,2\n', ','],
    ['semicolon, with decimal commas', 'a;b\n1,5;2,5\n', ';'],
    ['tab', 'a\tb\n1\t2\n', '\t'],
    ['bar', 'a|b\n1|2\n', '|'],
    [
      'the one that splits most rows, under a preamble',
      'Report, made, by, hand\n\na;b\n1;2\n3;4\n5;6\n',
      ';',
    ],
    ['not one inside quotes', 'a;b\n"1,2,3";4\n"5,6,7";8\n', ';'],
  ])('%s', async (_what, content, delimiter) => {
    expect((await openCsv(await fileOf(content), 'input.csv')).delimiter).toBe(delimiter);
  });

  test('a sep= line says it, and is preamble', async () => {
    const { delimiter, rows, counts } = await read('sep=|\na,x|b,y\n1,1|2,2\n', { headerRow: 2 });
    expect(delimiter).toBe('|');
    expect(rows).toEqual([['1,1', '2,2']]);
    expect(counts.preamble).toBe(1);
  });

  test.each(['"sep=;"\r\n', 'sep=;\r', '\ufeffsep=;\n'])('a sep= line as it is found: %j', async (line) => {
    const end = line.endsWith('\r') ? '\r' : '\n';
    const { delimiter, rows } = await read(`${line}a,x;b,y${end}1,1;2,2${end}`, { headerRow: 2 });
    expect(delimiter).toBe(';');
    expect(rows).toEqual([['1,1', '2,2']]);
  });

  test('the profile says it before the file does', async () => {
    expect((await openCsv(await fileOf('a,b\n1,2\n'), 'input.csv', { delimiter: ';' })).delimiter).toBe(';');
  });

  test.each([
    'sep=§\na§b\n1§2\n',
    'sep="\na"b\n1"2\n',
    'sep=€\na€b\n1€2\n',
  ])('one that cannot be a delimiter does no harm: %j', async (content) => {
    const outcome = await read(content, { headerRow: 2 }).then(
      () => 'read',
      (error: Error) => error.name,
    );
    expect(outcome).toMatch(/^(read|LkpError)$/);
  });
});

describe('the encoding', () => {
  const wanted = [['Öğrenim €5', '富']];
  const utf16 = (text: string, big: boolean): Buffer => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return big ? bytes.swap16() : bytes;
  };
  const text = 'ä,b\nÖğrenim €5,富\n';

  test.each([
    ['UTF-8', Buffer.from(text), 'utf-8'],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`), 'utf-8'],
    ['UTF-16, small end first', utf16(text, false), 'utf-16le'],
    ['UTF-16, big end first', utf16(text, true), 'utf-16be'],
  ])('%s', async (_what, bytes, encoding) => {
    const found = await read(bytes);
    expect(found.header).toEqual(['ä', 'b']);
    expect(found.rows).toEqual(wanted);
    expect(found.encoding).toBe(encoding);
  });

  test('windows-1252, when the profile says so', async () => {
    const bytes = Buffer.from('a,b\nGr\xfc\xdfe \x80,2\n', 'latin1');
    expect((await read(bytes, { encoding: 'windows-1252' })).rows).toEqual([['Grüße €', '2']]);
  });

  test.each<[encoding: string, bytes: Buffer, cell: string]>([
    ['windows-1254', Buffer.from('\xdd\xfe \xc7\xf0\xfd \x80', 'latin1'), 'İş Çğı €'],
    ['ISO-8859-9', Buffer.from('\xdd\xfe \xc7\xf0\xfd', 'latin1'), 'İş Çğı'],
    ['CP932', Buffer.from('90bf8b818f918160837d83438ca98740', 'hex'), '請求書～マイ見①'],
    ['shift_jis', Buffer.from('b1c05c', 'hex'), 'ｱﾀ\\'],
    ['utf-16le', Buffer.from('Ö富', 'utf16le'), 'Ö富'],
  ])('%s, when the profile says so', async (encoding, bytes, cell) => {
    const wide = encoding === 'utf-16le' ? 'utf16le' : 'latin1';
    const file = Buffer.concat([Buffer.from('a,b\n', wide), bytes, Buffer.from(',2\n', wide)]);
    expect((await read(file, { encoding })).rows).toEqual([[cell, '2']]);
  });

  test.each<[encoding: string, bytes: string, at: number]>([
    ['windows-1252', '78819d', 1],
    ['windows-1254', '788e', 1],
    ['ISO-8859-9', '78dd80', 2],
    ['CP932', '90bf8120', 2],
    ['CP932', '8180fd', 2],
    ['utf-16le', '0a4e00d80a4e', 2],
  ])('%s with bytes that stand for nothing (%s): the offset of the first one', async (encoding, bytes, at) => {
    const wide = encoding === 'utf-16le' ? 'utf16le' : 'latin1';
    for (const rows of [1, 200_000]) {
      const head = Buffer.from(`a,b\n${'1,2345678\n'.repeat(rows)}x`, wide);
      const file = Buffer.concat([head, Buffer.from(bytes, 'hex'), Buffer.from(',2\n', wide)]);
      expect(await refusal(file, { encoding })).toMatch(
        new RegExp(`^input\\.csv is not (windows|iso|shift|utf).*offset ${head.length + at} `),
      );
    }
  });

  test.each([false, true])('UTF-16 without a byte order mark is seen by its empty bytes', async (big) => {
    const bytes = utf16('請求書番号,発行日\n富,2\n', big).subarray(2);
    const found = await read(bytes);
    expect(found.encoding).toBe(big ? 'utf-16be' : 'utf-16le');
    expect(found.rows).toEqual([['富', '2']]);
  });

  test('a byte order mark wins over the profile', async () => {
    expect((await read(Buffer.from('\ufeffa,b\nü,2\n'), { encoding: 'windows-1252' })).rows).toEqual([
      ['ü', '2'],
    ]);
  });

  test('bytes that are not UTF-8 refuse the file with the offset of the first one', async () => {
    const head = 'a,b\nü,2\n';
    const bytes = Buffer.concat([Buffer.from(head), Buffer.from('x\xfcy,2\n1,2\n', 'latin1')]);
    const offset = Buffer.byteLength(head) + 1;
    expect(await refusal(bytes)).toMatch(
      new RegExp(`^input\\.csv is not utf-8: .*offset ${offset} .*windows-1252`),
    );
  });

  test('the offset is that of the file, also behind a byte order mark', async () => {
    const head = '\ufeffa,b\n1,2\n';
    const bytes = Buffer.concat([Buffer.from(head), Buffer.from('x\xfcy,2\n', 'latin1')]);
    expect(await refusal(bytes)).toContain(`offset ${Buffer.byteLength(head) + 1} `);
  });

  test('the offset is that of the file, also far behind its first chunk', async () => {
    const head = `a,b\n${'ü234567,9\n'.repeat(150_000)}`;
    const bytes = Buffer.concat([Buffer.from(head), Buffer.from('xy\xfc,2\n1,2\n', 'latin1')]);
    expect(await refusal(bytes)).toContain(`offset ${Buffer.byteLength(head) + 2} `);
  });

  test('a character cut at the end of the file is no UTF-8 either', async () => {
    const bytes = Buffer.from('a,b\n1,"2"\n3,ü').subarray(0, -1);
    expect(await refusal(bytes)).toMatch(/input\.csv (is not utf-8|ends in the middle of row 3)/);
  });

  test('UTF-16 with an odd byte is refused', async () => {
    expect(await refusal(utf16('a,b\n1,2\n', false).subarray(0, -1))).toMatch(/^input\.csv is not utf-16le/);
  });

  test('an encoding that nobody knows is refused by name', async () => {
    expect(await refusal('a,b\n', { encoding: 'klingon' })).toMatch(/"klingon".*is not known/);
  });
});

describe('a file that was cut', () => {
  test('inside a quoted cell: says where it begins', async () => {
    expect(await refusal('a,b\n1,2\n3,"4\n5,6\n')).toMatch(/^input\.csv ends inside a quoted cell .* row 3:/);
  });
  test('inside a row: says which', async () => {
    expect(await refusal('a,b\n1,2\n3,4')).toMatch(
      /^input\.csv ends in the middle of row 3, without a line end/,
    );
  });
  test('a quote that opens early and swallows the file is refused, and not kept in memory whole', async () => {
    expect(await refusal(`a,b\n"1,2\n${'3,4\n'.repeat(400_000)}`)).toMatch(/quote/);
  });

  // A last cell `250.75` cut to `250.7` reads well; so does `"say ""hi"""` cut behind any of its inner quotes.
  test.each([
    ['plain cells', '1,Alpha,250.75'],
    ['a quoted last cell', '1,Alpha,"250.75"'],
    ['quotes doubled in the last cell', '1,Alpha,"The ""best"" course"'],
    ['a line break and other scripts in the last cell', '1,Alpha,"日本\n語"'],
    ['an empty last cell', '1,Alpha,'],
    ['all quoted', '"1","A ""b"" c",""'],
  ])('at any byte of its last two rows: refused, or exactly the whole rows (%s)', async (_what, row) => {
    for (const lineEnd of ['\n', '\r\n']) {
      const head = `id,name,last${lineEnd}0,Zero,0.00${lineEnd}`;
      const bytes = Buffer.from(`${head}${row}${lineEnd}${row.replace('1', '2')}${lineEnd}`);
      const whole = (await read(bytes)).rows;
      for (let length = Buffer.byteLength(head); length < bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        const outcome = await read(cut).then(
          ({ rows }) => rows,
          ({ name }: Error) => name,
        );
        if (outcome === 'LkpError') continue;
        expect(outcome, JSON.stringify(cut.toString())).toEqual(whole.slice(0, outcome.length));
      }
    }
  });
});

describe('the border between two chunks of 1 MB', () => {
  const CHUNK = 1 << 20;
  const row = '"q ""x"", 日\r\n本",5" disk,é,,"end"\r\n';
  const cells = ['q "x", 日\r\n本', '5" disk', 'é', '', 'end'];
  const header = 'a,b,c,d,e\r\n';

  test('may fall on any byte of a row', async () => {
    const bytes = Buffer.from(row);
    for (let inside = 0; inside <= bytes.length; inside++) {
      const filler = CHUNK - inside - header.length - ',,,,\r\n'.length;
      const found = await read(
        Buffer.concat([Buffer.from(`${header}${'x'.repeat(filler)},,,,\r\n`), bytes, bytes]),
      );
      expect(found.rows.slice(1), `border at byte ${inside}`).toEqual([cells, cells]);
    }
  });

  test('may cut a character of UTF-16', async () => {
    for (let inside = 0; inside < 12; inside++) {
      const filler = (CHUNK >> 1) - inside - 1 - 'a,b\n,\n'.length;
      const text = `\ufeffa,b\n${'x'.repeat(filler)},\n😀😀,😀\n`;
      const found = await read(Buffer.from(text, 'utf16le'));
      expect(found.rows[1]).toEqual(['😀😀', '😀']);
    }
  });
});

/** A record as a person would split it, one character at a time. */
interface Split {
  cells: string[];
  blank: boolean;
  malformed: boolean;
  /** Ended by a line end. */
  ended: boolean;
  isQuoteOpen: boolean;
}

function naive(text: string): Split[] {
  const records: Split[] = [];
  for (let at = 0; at < text.length; ) {
    const record: Split = { cells: [], blank: true, malformed: false, ended: false, isQuoteOpen: false };
    for (let more = true; more; ) {
      let cell = '';
      if (text[at] === '"') {
        let closed = false;
        for (at += 1; at < text.length && !closed; at += 1) {
          if (text[at] !== '"') cell += text[at];
          else if (text[at + 1] === '"') {
            cell += '"';
            at += 1;
          } else closed = true;
        }
        record.isQuoteOpen ||= !closed;
        if (closed && at < text.length && !',\r\n'.includes(text[at]!)) record.malformed = true;
      }
      while (at < text.length && text[at] !== ',' && text[at] !== '\n') {
        const isLineEnd = text[at] === '\r' && (text[at + 1] === '\n' || at + 1 === text.length);
        if (text[at] === '\r' && !isLineEnd) record.malformed = true;
        if (!isLineEnd) cell += text[at];
        at += 1;
      }
      if (cell.includes('\0')) record.malformed = true;
      if ([...cell].some((character) => character > ' ')) record.blank = false;
      record.cells.push(cell);
      more = text[at] === ',';
      if (more) at += 1;
    }
    record.ended = text[at] === '\n';
    at += 1;
    if (record.malformed) record.blank = false;
    records.push(record);
  }
  return records;
}

describe('the scanner', () => {
  const DIALECT: Dialect = { delimiter: 0x2c, lineEnd: 'lf' };
  const text = fc
    .array(fc.constantFrom('a', '"', '""', ',', '\n', '\r\n', '\r', ' ', 'é', '日', '\0', '"x"', '","'), {
      maxLength: 40,
    })
    .map((parts) => parts.join(''));

  test('splits as a naive parser does, wherever the bytes are divided', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 8 }), (content, borders) => {
        const bytes = Buffer.from(content);
        const ends = [...new Set([...borders.filter((border) => border < bytes.length), bytes.length])];
        const found: Array<Omit<Split, 'ended' | 'isQuoteOpen'> & { watched: string[] }> = [];
        const scanner = new RecordScanner(DIALECT, [0, 2, 1]);
        let carry = Buffer.alloc(0);
        let from = 0;
        for (const end of ends.sort((a, b) => a - b)) {
          const chunk = Buffer.concat([carry, bytes.subarray(from, end)]);
          const used = scanner.scan(chunk, end === bytes.length, (record) => {
            const { blank, malformed, watched } = record;
            found.push({ cells: cellsOf(chunk, record, DIALECT), blank, malformed, watched: [...watched] });
            return true;
          });
          carry = chunk.subarray(used);
          from = end;
        }
        const wanted = naive(content);
        expect(found).toHaveLength(wanted.length);
        wanted.forEach((record, index) => {
          const split = found[index]!;
          // What an open quote or a malformed row splits into is nobody's business: the file or row is refused.
          if (record.isQuoteOpen) return;
          expect({ blank: split.blank, malformed: split.malformed }).toEqual({
            blank: record.blank,
            malformed: record.malformed,
          });
          if (record.malformed) return;
          expect(split.cells).toEqual(record.cells);
          if (!split.blank)
            expect(split.watched).toEqual([0, 2, 1].map((column) => record.cells[column] ?? ''));
        });
      }),
      { numRuns: 3000 },
    );
  });

  test('stops where it is told to', () => {
    const bytes = Buffer.from('1\n2\n3\n');
    let records = 0;
    const used = new RecordScanner(DIALECT).scan(bytes, true, () => ++records < 2);
    expect([records, used]).toEqual([2, 4]);
  });
});

describe('csv-spectrum, whose every file has an oracle', () => {
  const spectrum = new URL('../../shared/data/csv/csv-spectrum/', import.meta.url);
  if (!existsSync(spectrum)) {
    console.warn('no ../shared/data: the csv-spectrum files are not tested');
    test.skip('the files are not here', () => undefined);
    return;
  }
  test.each(readdirSync(new URL('csvs/', spectrum)).sort())('%s', async (name) => {
    const oracle = JSON.parse(
      readFileSync(new URL(`json/${name.replace('.csv', '.json')}`, spectrum), 'utf8'),
    );
    let bytes = readFileSync(new URL(`csvs/${name}`, spectrum));
    if (!/["\n]$/.test(bytes.toString())) {
      expect(await refusal(bytes)).toContain('without a line end');
      bytes = Buffer.concat([bytes, Buffer.from('\n')]);
    }
    const { header, rows } = await read(bytes);
    const found = rows.map((cells) =>
      Object.fromEntries(header.map((key, index) => [key, (cells as Cells)[index]])),
    );
    expect(found).toEqual(asHere(oracle));
  });

  /** The copies of file and oracle here differ in line ends; one oracle is no list and has another phone number. */
  function asHere(oracle: Array<Record<string, string>> | Record<string, string>): unknown {
    const text = JSON.stringify([oracle].flat()).replaceAll('\\r\\n', '\\n');
    return JSON.parse(text.replace('1234567890', '2095257564'));
  }
});

describe('what is no table is refused by name', () => {
  test.each<[content: string | Buffer, format: unknown]>([
    ['%PDF-1.7\n...', { refused: 'a PDF document' }],
    ['<!DOCTYPE html><html></html>', { refused: 'an HTML page' }],
    ['\ufeff\n <HTML>', { refused: 'an HTML page' }],
    ['<?xml version="1.0"?><Invoice/>', 'xml'],
    [Buffer.from('\ufeff<?xml version="1.0"?><Invoice/>', 'utf16le'), 'xml'],
    [Buffer.from('a;b\n', 'utf16le'), 'text'],
    ['{"a": 1}', { refused: 'a JSON document' }],
    ['[{"a": 1}]', { refused: 'a JSON document' }],
    [Buffer.from('d0cf11e0a1b11ae1', 'hex'), { refused: 'an old Excel workbook (.xls) or another OLE file' }],
    [Buffer.from('1f8b0800', 'hex'), { refused: 'a gzip archive' }],
    ['', { refused: 'empty: it has no bytes' }],
    [Buffer.from('504b0304', 'hex'), 'zip'],
    ['a,b\n', 'text'],
  ])('%j', async (content, format) => {
    expect(await formatOf(await fileOf(content))).toEqual(format);
  });
});
