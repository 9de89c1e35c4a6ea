import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unreadable } from '../src/excel/read.ts';
import { decimalText, formatOf, numberText } from '../src/excel/values.ts';
import { LkpError } from '../src/job.ts';
import { NO_STORED_VALUE } from '../src/notation.ts';
import { inFolder, type Part, readAll, SHARED_DATA, workbookParts, zip } from './excel-fixtures.ts';

/** The rows of a workbook with these parts. */
async function rowsOf(parts: readonly Part[] | Buffer): Promise<unknown[]> {
  return inFolder(async (folder) => {
    const path = join(folder, 'book.xlsx');
    writeFileSync(path, Buffer.isBuffer(parts) ? parts : zip(parts as Part[]));
    return [...(await readAll(path)).values()].flat().map(({ row, cells }) => [row, ...cells]);
  });
}

const STYLES =
  '<styleSheet><numFmts><numFmt numFmtId="170" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts>' +
  '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="21"/></cellXfs></styleSheet>';

describe('cells', () => {
  it('read as what Excel shows', async () => {
    const strings =
      '<sst><si><t>plain</t></si><si><r><t>İstan</t></r><r><rPr><b/></rPr><t>bul</t></r></si>' +
      '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si><si><t>a_x000D_b _x005F_x0041_</t></si></sst>';
    const sheet =
      '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="s"><v>2</v></c><c r="E2" t="s"><v>3</v></c></row>' +
      '<row r="5"><c r="A5" t="inlineStr"><is><r><t>in</t></r><r><t xml:space="preserve">line </t></r></is></c><c r="B5" t="b"><v>1</v></c>' +
      '<c r="C5" t="e"><v>#N/A</v></c><c r="D5" t="str"><f>A1</f><v>stored</v></c><c r="E5"><f>SUM(A1)</f></c><c r="F5"><f>1/4</f><v>0.25</v></c></row>' +
      '<row r="6"><c r="A6" s="1"><v>43831</v></c><c r="B6" s="2"><v>43831.75</v></c><c r="C6" s="3"><v>0.5</v></c><c r="D6"><v>0.30000000000000004</v></c><c r="E6" s="1"/></row>';
    expect(
      await rowsOf(workbookParts(sheet, { 'xl/sharedStrings.xml': strings, 'xl/styles.xml': STYLES })),
    ).toEqual([
      [2, 'plain', null, 'İstanbul', '東京', 'a\rb _x0041_'],
      [5, 'inline ', 'TRUE', '#N/A', 'stored', NO_STORED_VALUE, '0.25'],
      [6, '2020-01-01', '2020-01-01 18:00:00', '12:00:00', '0.3'],
    ]);
    expect(['#N/A', NO_STORED_VALUE, 'stored', null].map(unreadable)).toEqual([true, true, false, false]);
  });

  it('without references follow one another, under any prefix', async () => {
    const parts = workbookParts('', {
      'xl/workbook.xml':
        '<x:workbook xmlns:x="m" xmlns:d="r"><x:sheets><x:sheet name="Lines" sheetId="1" d:id="r1" state="hidden"/></x:sheets></x:workbook>',
      'xl/worksheets/sheet1.xml':
        '<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c><x:v>1</x:v></x:c><x:c/><x:c><x:v>2</x:v></x:c></x:row><x:row/><x:row><x:c><x:v>3</x:v></x:c></x:row></x:sheetData></x:worksheet>',
    });
    expect(await rowsOf(parts)).toEqual([
      [1, '1', null, '2'],
      [3, '3'],
    ]);
  });

  it('count their days from 1904 where the workbook says so', async () => {
    const sheet = '<row><c s="1"><v>42369</v></c><c s="1"><v>0</v></c><c><v>42369</v></c></row>';
    const parts = workbookParts(sheet, {
      'xl/workbook.xml':
        '<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet name="Lines" sheetId="1" r:id="r1"/></sheets></workbook>',
      'xl/styles.xml': STYLES,
    });
    expect(await rowsOf(parts)).toEqual([[1, '2020-01-01', '1904-01-01', '42369']]);
  });

  it('of a part whose name differs by case or begins with a slash are found', async () => {
    const parts = workbookParts('<row><c><v>1</v></c></row>').map((part) =>
      part.name === 'xl/worksheets/sheet1.xml' ? { ...part, name: '/xl\\worksheets/Sheet1.xml' } : part,
    );
    expect(await rowsOf(parts)).toEqual([[1, '1']]);
  });

  it('keep multi-byte text whole across the pieces of a stream', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `${'x'.repeat(index % 7)}ş東😀${index}`);
    const sheet = names.map((name) => `<row><c t="inlineStr"><is><t>${name}</t></is></c></row>`).join('');
    expect((await rowsOf(workbookParts(sheet))).map((row) => (row as string[])[1])).toEqual(names);
  });
});

describe('numbers', () => {
  it.each([
    ['100', '100'],
    ['10.50', '10.50'],
    ['-0.5', '-0.5'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1E3', '1000'],
    ['1.5e-7', '0.00000015'],
    ['-1.234E+2', '-123.4'],
    ['0.30000000000000004', '0.3'],
    ['1234.5600000000001', '1234.56'],
    ['0.99999999999999989', '1'],
    ['9999999999999999.5', '10000000000000000'],
    ['12345678901234567', '12345678901234567'],
    ['1.2345678901234568E+16', '12345678901234600'],
    ['0E0', '0'],
    ['abc', 'abc'],
    ['1E9999', '1E9999'],
    ['', ''],
    ['-', '-'],
  ])('%s reads as %s', (written, text) => {
    expect(decimalText(written)).toBe(text);
  });

  it.each([
    ['1', 'date', false, '1900-01-01'],
    ['59', 'date', false, '1900-02-28'],
    ['60', 'date', false, '60'],
    ['61', 'date', false, '1900-03-01'],
    ['0', 'date', false, '0'],
    ['-1', 'date', false, '-1'],
    ['2958465', 'date', false, '9999-12-31'],
    ['2958466', 'date', false, '2958466'],
    ['0', 'date', true, '1904-01-01'],
    ['42369', 'date', true, '2020-01-01'],
    ['43830.99999999', 'datetime', false, '2020-01-01'],
    ['43831.000011574', 'datetime', false, '2020-01-01 00:00:01'],
  ] as const)('%s as %s (1904: %s) reads as %s', (written, format, date1904, text) => {
    expect(numberText(written, format, date1904)).toBe(text);
  });

  it.each([
    ['General', 'number'],
    ['#,##0.00;[Red]-#,##0.00', 'number'],
    ['0.00E+00', 'number'],
    ['"dozen" 0', 'number'],
    ['[h]:mm:ss', 'number'],
    ['0_d', 'number'],
    ['[$-409]d-mmm-yy;@', 'date'],
    ['yyyy-mm', 'date'],
    ['mmm', 'date'],
    ['h:mm AM/PM', 'time'],
    ['mm:ss', 'time'],
    ['dd/mm/yyyy\\ hh:mm', 'datetime'],
  ])('the format %s makes a %s', (code, format) => {
    expect(formatOf(code)).toBe(format);
  });
});

describe('files that are no readable workbook are refused with what to do', () => {
  const good = zip(workbookParts('<row><c><v>1</v></c></row>'));
  const bent = (says: Part['says'], text?: string): Part[] =>
    workbookParts('<row><c><v>1</v></c></row>').map((part) =>
      part.name.endsWith('sheet1.xml')
        ? { ...part, ...(says ? { says } : {}), ...(text === undefined ? {} : { text }) }
        : part,
    );
  const ole = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]);
  const cell = (reference: string): string => `<row><c r="${reference}"><v>1</v></c></row>`;

  const cases: [string, Part[] | Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /is empty/],
    ['a CSV', Buffer.from('a,b\n1,2\n'), /not an \.xlsx workbook/],
    ['an old .xls', ole, /old Excel workbook/],
    ['encrypted', Buffer.concat([ole, Buffer.from('EncryptedPackage', 'utf16le')]), /password/],
    ['cut in the middle', good.subarray(0, good.length / 2), /cut off or damaged/],
    ['cut before the end', good.subarray(0, good.length - 30), /cut off or damaged/],
    ['a flipped bit', bent({ crc: 1 }), /checksum/],
    ['a size that lies low', bent({ size: 10 }), /damaged/],
    ['a size that lies high', bent({ size: 5_000 }), /damaged/],
    ['a size too large', bent({ size: 900_000_000 }), /too large/],
    ['a bomb', bent(undefined, ' '.repeat(20_000_000)), /times its size/],
    ['an encrypted part', bent({ flags: 1 }), /encrypted/],
    [
      'two parts of one name',
      [...bent(undefined), { name: 'XL/Worksheets/sheet1.xml', text: '' }],
      /two parts named/,
    ],
    [
      'too many parts',
      Array.from({ length: 10_001 }, (_, index) => ({ name: `${index}`, text: '' })),
      /10001 parts/,
    ],
    [
      'names that are too long',
      Array.from({ length: 200 }, (_, index) => ({ name: `${index}`.padEnd(60_000, 'x'), text: '' })),
      /names of the workbook's parts/,
    ],
    ['a zip of something else', [{ name: 'readme.txt', text: 'hello' }], /without a workbook/],
    ['a binary workbook', [{ name: 'xl/workbook.bin', text: '' }], /xlsb/],
    [
      'OpenDocument',
      [
        { name: 'mimetype', text: '' },
        { name: 'content.xml', text: '' },
      ],
      /OpenDocument/,
    ],
    [
      'no worksheet',
      workbookParts('', { 'xl/workbook.xml': '<workbook><sheets/></workbook>' }),
      /no worksheet/,
    ],
    ['a missing part', workbookParts('').filter(({ name }) => !name.endsWith('sheet1.xml')), /not in it/],
    ['XML that ends early', bent(undefined, '<worksheet><sheetData><row>'), /not well-formed/],
    ['a DOCTYPE', bent(undefined, '<!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'), /DOCTYPE/],
    ['deep nesting', bent(undefined, '<a>'.repeat(1_000_000)), /too deeply/],
    [
      'bytes that are no UTF-8',
      [
        ...bent(undefined).slice(0, -1),
        { name: 'xl/worksheets/sheet1.xml', text: Buffer.from([0x3c, 0x61, 0xff, 0x3e]) },
      ],
      /damaged/,
    ],
    ['a text that is not there', workbookParts('<row><c t="s"><v>7</v></c></row>'), /text number 7/],
    ['a column out of reach', workbookParts(cell('XFD1')), /column 16384/],
    ['a cell with no address', workbookParts(cell('1A')), /a cell named/],
    ['a row out of reach', workbookParts('<row r="1048577"/>'), /row 1048577/],
    ['rows out of order', workbookParts('<row r="2"/><row r="1"/>'), /row 1 after row 2/],
    [
      'cells out of order',
      workbookParts('<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'),
      /out of order/,
    ],
  ];

  it.each(cases)('%s', async (_, file, message) => {
    const error = await rowsOf(file).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LkpError);
    expect((error as LkpError).code).toBe('request');
    expect((error as LkpError).message).toMatch(message);
  });

  it('every single cut of a workbook', async () => {
    for (let length = 0; length < good.length; length += 7) {
      await expect(rowsOf(good.subarray(0, length)), `${length} bytes`).rejects.toBeInstanceOf(LkpError);
    }
  });
});

const REAL = join(SHARED_DATA, 'xlsx');
if (!existsSync(REAL)) console.log('../shared/data/xlsx is absent: real workbooks are skipped.');

describe.skipIf(!existsSync(REAL))('real workbooks', () => {
  it('each open or are refused, and none hangs', async () => {
    const files = readdirSync(REAL, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.xls[xm]$/.test(name),
    );
    const refused: string[] = [];
    for (const file of files) {
      await readAll(join(REAL, file)).catch((error: unknown) => {
        if (!(error instanceof LkpError))
          throw new Error(`${file} was not refused but broke`, { cause: error });
        refused.push(file);
      });
    }
    expect(files.length).toBeGreaterThan(150);
    // A broken XML, a package without a workbook part, and the lock file of an open workbook.
    expect(refused.length).toBe(3);
  }, 60_000);
});
