import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { openWorkbook, type WorkbookRow } from '../src/excel/read.ts';

/** Real files by others; absent on most machines. */
export const SHARED_DATA = join(import.meta.dirname, '../../shared/data');

/** Runs `work` in a folder of its own, which is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lkp-excel-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The rows of every sheet by our own reader, by sheet name. */
export async function readAll(path: string): Promise<Map<string, WorkbookRow[]>> {
  const book = await openWorkbook(path);
  try {
    const sheets = new Map<string, WorkbookRow[]>();
    for (const [index, { name }] of book.sheets.entries()) {
      const rows: WorkbookRow[] = [];
      for await (const row of book.rows(index)) rows.push(row);
      sheets.set(name, rows);
    }
    return sheets;
  } finally {
    book.close();
  }
}

const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (python) => spawnSync(python, ['-c', 'import openpyxl']).status === 0,
);
if (PYTHON === undefined)
  console.log('openpyxl is not installed: the second opinion on workbooks is skipped.');
export const hasOpenpyxl = PYTHON !== undefined;

/** One cell as openpyxl reads it: type (`n`, `s`, `d`, `f` for a formula), value, number format. */
export interface SecondOpinion {
  readonly [sheet: string]: {
    readonly cells: { readonly [reference: string]: readonly [type: string, value: string, format: string] };
    readonly freeze: string | null;
    readonly filter: string | null;
    readonly titles: string | null;
    readonly merged: number;
  };
}

const SCRIPT = `
import json, sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
out = {}
for s in book.worksheets:
    cells = {c.coordinate: [c.data_type, c.value.isoformat() if c.data_type == 'd' else str(c.value), c.number_format]
             for row in s.iter_rows() for c in row if c.value is not None}
    out[s.title] = dict(cells=cells, freeze=s.freeze_panes, filter=s.auto_filter.ref,
                        titles=s.print_title_rows, merged=len(s.merged_cells.ranges))
sys.stdout.buffer.write(json.dumps(out).encode())
`;

export function openpyxl(path: string): SecondOpinion {
  const run = spawnSync(PYTHON!, ['-W', 'ignore', '-c', SCRIPT, path], { encoding: 'utf8', maxBuffer: 1e9 });
  if (run.status !== 0) throw new Error(`openpyxl cannot read ${path}: ${run.stderr}`);
  return JSON.parse(run.stdout) as SecondOpinion;
}

export interface Part {
  readonly name: string;
  readonly text: string | Buffer;
  /** What the directory says instead of the truth. */
  readonly says?: { readonly size?: number; readonly crc?: number; readonly flags?: number };
}

/** A zip archive of these parts: small enough to be bent in every way that a test needs. */
export function zip(parts: readonly Part[]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, text, says } of parts) {
    const data = Buffer.from(text as string);
    const packed = deflateRawSync(data);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(says?.flags ?? 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(says?.crc ?? crc32(data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(says?.size ?? data.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const head = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name)]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, tail, Buffer.from(name)]),
    );
    bodies.push(head, packed);
    offset += head.length + packed.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(parts.length, 4);
  end.writeUInt16LE(parts.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, ...directory, Buffer.from('PK\x05\x06'), end]);
}

const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** The parts of a workbook with one sheet; `more` replaces or adds parts by name. */
export function workbookParts(sheetData: string, more: Readonly<Record<string, string>> = {}): Part[] {
  const parts: Record<string, string> = {
    '_rels/.rels': `<Relationships><Relationship Id="a" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml': `<workbook xmlns:r="${RELATIONS}"><sheets><sheet name="Lines" sheetId="1" r:id="r1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels':
      `<Relationships><Relationship Id="r1" Type="${RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>` +
      `<Relationship Id="r2" Type="${RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>` +
      `<Relationship Id="r3" Type="${RELATIONS}/styles" Target="styles.xml"/></Relationships>`,
    'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${sheetData}</sheetData></worksheet>`,
    ...more,
  };
  return Object.entries(parts).map(([name, text]) => ({ name, text }));
}
