import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Draw, drawFrom } from '../../samples/random.ts';
import { type Part, workbookParts, zip } from '../excel-fixtures.ts';

/** A file that was whole once, and what was done to it. */
export interface Mutant {
  readonly seed: number;
  readonly name: string;
  readonly bytes: Buffer;
  /** What it was, and what was done, for a person. */
  readonly story: string;
  /** Physical rows, where what was done cannot have changed their number. */
  readonly rows?: number;
}

const shared = (path: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)));

/** The first documents of a sample month: header and 40 rows, none with quotes: their cells may change places. */
const TABLE = shared('samples/data/invoices/marketplace-2019-04.csv')
  .toString('utf8')
  .split('\n')
  .filter((line) => !line.includes('"'))
  .slice(0, 41)
  .map((line) => line.split(','));
const UBL = shared('test/cases/einvoice/one-invoice/invoice.ubl.xml').toString('utf8');
const CII = shared('test/cases/einvoice/one-invoice/invoice.cii.xml').toString('utf8');

const csv = (rows: readonly (readonly string[])[], mark = ','): string =>
  rows.map((row) => `${row.join(mark)}\n`).join('');

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);

/** The rows as a workbook as Excel saves one: shared strings, a style for days, numbers as numbers. */
function workbook(rows: readonly (readonly string[])[]): Part[] {
  const strings = [...new Set(rows.flat())];
  const places = new Map(strings.map((text, index) => [text, index]));
  const cells = rows.map(
    (row, at) =>
      `<row r="${at + 1}">${row
        .map((cell, column) => {
          const place = `r="${String.fromCharCode(65 + column)}${at + 1}"`;
          if (cell === '') return '';
          if (at > 0 && column === 1 && /^\d{4}-\d\d-\d\d$/.test(cell))
            return `<c ${place} s="1"><v>${Date.parse(cell) / 86_400_000 + 25_569}</v></c>`;
          if (at > 0 && column >= 7 && column <= 10 && /^-?\d+(\.\d+)?$/.test(cell))
            return `<c ${place}><v>${cell}</v></c>`;
          return `<c ${place} t="s"><v>${places.get(cell)}</v></c>`;
        })
        .join('')}</row>`,
  );
  return workbookParts(cells.join(''), {
    'xl/sharedStrings.xml': `<sst>${strings.map((text) => `<si><t>${escaped(text)}</t></si>`).join('')}</sst>`,
    'xl/styles.xml': '<styleSheet><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>',
  });
}

/** What people, exporters and attackers put into a cell. No line ends, quotes or separators: rows stay rows. */
const ODD = [
  '',
  ' ',
  '-',
  '0',
  '-0',
  '00012',
  '1e5',
  '1e400',
  '1E-400',
  'NaN',
  'Infinity',
  '-Infinity',
  '0x10',
  '1_000',
  '1 000',
  '1.2.3',
  '(12.50)',
  '£5',
  '12.50-',
  '99999999999999999999999999',
  '0.00000000000000000000000001',
  '-9223372036854775809',
  '31/02/2019',
  '2019-02-30',
  '2019-13-01',
  '0001-01-01',
  '9999-12-31',
  '10000-01-01',
  '-0044-03-15',
  '20190401',
  '43556',
  '1900-02-29',
  'infinity',
  'epoch',
  'now',
  'today',
  'null',
  'NULL',
  '\\N',
  '\\.',
  '#N/A',
  '#REF!',
  '=1+1',
  '@SUM(A1)',
  "'; drop table line; --",
  '$HOME',
  '%s%n',
  '../../x',
  '<b>',
  ']]>',
  '&amp;',
  '\u0000',
  '\u0001',
  '\u200b',
  '\ufeff',
  '\u202e',
  '\ud83d\ude00',
  '\u0130stanbul',
  '\uff11\uff12',
  'ß',
  '\u0301',
  '381',
  '384',
  '999',
  'XXX',
  'usd',
  'EURO',
  'x'.repeat(300),
  'x'.repeat(3000),
  'x'.repeat(40_000),
  '9'.repeat(200),
  `1.${'0'.repeat(200)}1`,
  `${'9'.repeat(40)}.99`,
]; // prettier-ignore

const KINDS = ['csv', 'utf16', 'xlsx', 'ubl', 'cii'] as const;

/** The mutant of a seed: the same one every time, on every machine. */
export function mutantOf(seed: number): Mutant {
  const draw = drawFrom(Math.imul(seed, 0x9e3779b1) >>> 0);
  const kind = draw.pick(KINDS);
  const done: string[] = [];
  const table = TABLE.map((row) => [...row]);
  let keepsRows = kind !== 'ubl' && kind !== 'cii';
  const texts: Record<'ubl' | 'cii', string> = { ubl: UBL, cii: CII };
  // Cells first: most of these files are whole, and wrong in what they say.
  if (draw.chance(2, 3)) {
    for (let times = draw.integer(1, 4); times > 0; times--) {
      if (kind === 'ubl' || kind === 'cii') texts[kind] = otherText(texts[kind], draw, done);
      else otherCell(table, draw, done);
    }
  }
  let parts = kind === 'xlsx' ? workbook(table) : [];
  if (kind === 'xlsx' && draw.chance(1, 2)) {
    keepsRows = false;
    const at = draw.integer(0, parts.length - 1);
    parts = parts.map((part, index) =>
      index === at
        ? { ...part, text: broken(Buffer.from(part.text as string), draw, done, part.name) }
        : part,
    );
  }
  let bytes: Buffer = {
    csv: () => Buffer.from(csv(table)),
    utf16: () => Buffer.from(`\ufeff${csv(table, '\t')}`, 'utf16le'),
    xlsx: () => zip(parts),
    ubl: () => Buffer.from(texts.ubl),
    cii: () => Buffer.from(texts.cii),
  }[kind]();
  if (done.length === 0 || draw.chance(1, 4)) {
    keepsRows = false;
    bytes = broken(bytes, draw, done, 'the file');
  }
  const ending = kind === 'xlsx' ? 'xlsx' : kind === 'ubl' || kind === 'cii' ? 'xml' : 'csv';
  return {
    seed,
    name: `${seed}.${ending}`,
    bytes,
    story: `${kind}: ${done.join('; ')}`,
    ...(keepsRows ? { rows: table.length } : {}),
  };
}

function otherCell(table: string[][], draw: Draw, done: string[]): void {
  const row = draw.integer(draw.chance(1, 20) ? 0 : 1, table.length - 1);
  const column = draw.integer(0, table[row]!.length - 1);
  if (draw.chance(1, 2)) {
    const [toRow, toColumn] = [draw.integer(1, table.length - 1), draw.integer(0, table[row]!.length - 1)];
    [table[row]![column], table[toRow]![toColumn]] = [table[toRow]![toColumn]!, table[row]![column]!];
    done.push(`cells ${row}/${column} and ${toRow}/${toColumn} swapped`);
    return;
  }
  table[row]![column] = draw.pick(ODD);
  done.push(`cell ${row}/${column} is ${JSON.stringify(table[row]![column]).slice(0, 40)}`);
}

/** Another text between two tags; the rest of the document stays as it is. */
function otherText(xml: string, draw: Draw, done: string[]): string {
  const texts = [...xml.matchAll(/>([^<>]*\S[^<>]*)</g)];
  const { 0: whole, index } = draw.pick(texts);
  const other = draw.chance(1, 2) ? draw.pick(texts)[1]! : escaped(draw.pick(ODD));
  done.push(`the text ${whole.slice(0, 40)} is ${JSON.stringify(other).slice(0, 40)}`);
  return `${xml.slice(0, index)}>${other}<${xml.slice(index + whole.length)}`;
}

/** Cuts, flips and splices bytes. */
function broken(given: Buffer, draw: Draw, done: string[], what: string): Buffer {
  const at = () => draw.integer(0, Math.max(0, given.length - 1));
  switch (draw.integer(1, 5)) {
    case 1: {
      const end = at();
      done.push(`${what} ends after ${end} of ${given.length} bytes`);
      return given.subarray(0, end);
    }
    case 2: {
      const [a, b] = [at(), at()].sort((one, other) => one - other) as [number, number];
      done.push(`bytes ${a} to ${b} of ${what} are missing`);
      return Buffer.concat([given.subarray(0, a), given.subarray(b)]);
    }
    case 3: {
      const [from, to, length] = [at(), at(), draw.integer(1, 400)];
      done.push(`${length} bytes of ${what} from ${from} stand at ${to} once more`);
      return Buffer.concat([given.subarray(0, to), given.subarray(from, from + length), given.subarray(to)]);
    }
    case 4: {
      const other = draw.pick([csv(TABLE), UBL, CII]);
      const [from, to, length] = [draw.integer(0, other.length - 1), at(), draw.integer(1, 400)];
      done.push(`${length} bytes of another file stand at ${to} of ${what}`);
      return Buffer.concat([
        given.subarray(0, to),
        Buffer.from(other.slice(from, from + length)),
        given.subarray(to),
      ]);
    }
    default: {
      const bent = Buffer.from(given);
      const places: number[] = [];
      for (let times = draw.integer(1, 8); times > 0 && bent.length > 0; times--) {
        const place = at();
        bent[place]! ^= 1 << draw.integer(0, 7);
        places.push(place);
      }
      done.push(`bits flipped in bytes ${places.join(', ')} of ${what}`);
      return bent;
    }
  }
}
