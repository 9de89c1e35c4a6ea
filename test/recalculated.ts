import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openParts, type Parts } from '../src/excel/parts.ts';
import { readAll } from './excel-fixtures.ts';

/* Workbooks with formulas: what stands in them, and what LibreOffice computes. */

export const hasSoffice = spawnSync('soffice', ['--version']).status === 0;
if (!hasSoffice) console.log('soffice (LibreOffice Calc) is not installed: formulas are not recalculated.');

export interface Computed {
  readonly sheet: string;
  readonly cell: string;
  readonly formula: string;
  readonly shows: string;
}

export async function textOf(parts: Parts, name: string): Promise<string> {
  let text = '';
  for await (const piece of parts.text(name)) text += piece;
  return text;
}

/** The cells of a written workbook that have a formula, with what they show. */
export async function computedIn(path: string): Promise<Computed[]> {
  const parts = await openParts(path);
  try {
    const part = (name: string) => textOf(parts, name);
    const names = [...(await part('xl/workbook.xml')).matchAll(/<sheet [^>]*?name="([^"]*)"/g)];
    const sheets = names.map(async ([, sheet], index) =>
      [
        ...(await part(`xl/worksheets/sheet${index + 1}.xml`)).matchAll(
          /<c r="([A-Z]+\d+)"[^>]*><f>(.*?)<\/f><v>(.*?)<\/v>/g,
        ),
      ].map(([, cell = '', text = '', shows = '']) => ({
        sheet: sheet!,
        cell,
        formula: unmarked(text),
        shows: unmarked(shows),
      })),
    );
    return (await Promise.all(sheets)).flat();
  } finally {
    parts.close();
  }
}

/** Sheet and cell -> what stands there, by our own reader. */
export async function cellsIn(path: string): Promise<(sheet: string, cell: string) => string | null> {
  const sheets = await readAll(path);
  return (sheet, cell) => {
    const [, column = '', number] = /^([A-Z]+)(\d+)$/.exec(cell)!;
    const index = [...column].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
    return sheets.get(sheet)?.find((found) => found.row === Number(number))?.cells[index] ?? null;
  };
}

/** Twelve digits: the sum of doubles differs from the exact one in the last of fifteen. */
const rounded = (value: string | null): string | null =>
  value !== null && /^-?\d+(\.\d+)?$/.test(value) ? Number(value).toPrecision(12) : value;

const unmarked = (xml: string): string =>
  xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/**
 * What LibreOffice makes of workbooks when it computes every formula anew, whatever result stands beside it: into
 * `folder`, under the same names.
 */
export function recalculate(paths: readonly string[], folder: string): void {
  const profile = join(folder, 'profile');
  mkdirSync(join(profile, 'user'), { recursive: true });
  writeFileSync(
    join(profile, 'user', 'registrymodifications.xcu'),
    `<?xml version="1.0" encoding="UTF-8"?>
    <oor:items xmlns:oor="http://openoffice.org/2001/registry">
    <item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
    </oor:items>`,
  );
  const run = spawnSync(
    'soffice',
    [
      `-env:UserInstallation=${pathToFileURL(profile).href}`,
      ...['--headless', '--convert-to', 'xlsx', '--outdir', folder, ...paths],
    ],
    { encoding: 'utf8', timeout: 110_000 },
  );
  if (run.status !== 0) throw new Error(`soffice failed: ${run.stderr}`);
}

/** The computed cells of a workbook that show something else in its recalculated copy, and how many there are in all. */
export async function differences(
  path: string,
  copy: string,
): Promise<{ computed: number; differ: Array<Computed & { gives: string | null }> }> {
  const computed = await computedIn(path);
  const found = await cellsIn(copy);
  const given = computed.map((one) => ({ ...one, gives: found(one.sheet, one.cell) }));
  return {
    computed: computed.length,
    differ: given.filter(({ shows, gives }) => rounded(gives) !== rounded(shows)),
  };
}
