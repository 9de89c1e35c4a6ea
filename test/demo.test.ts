import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../samples/generate.ts';
import { audit } from './auditor/audit.ts';
import { compare } from './auditor/compare.ts';
import { shippedRuleSets } from './auditor/rule-set.ts';
import { lkp, type Ran } from './harness/lkp.ts';
import { differences, hasSoffice, recalculate } from './recalculated.ts';

let folder: string;
let home: string;
let first: Ran;
let second: Ran;
let afterFirst: Map<string, string>;

/** Every file that the demo wrote for people, by its path, with the hash of its bytes. */
async function outputs(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const room of ['reports', 'outbox', 'store']) {
    const entries = await readdir(join(home, room), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(
        relative(home, path),
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      );
    }
  }
  return new Map([...found].sort());
}

const dataFolder = async (): Promise<string> =>
  (await readFile(join(home, 'pg.location'), 'utf8').catch(() => '')).trim() || join(home, 'pg');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-demo-'));
  await chmod(folder, 0o755);
  home = join(folder, 'home');
  first = await lkp(['demo', '--json'], { home });
  afterFirst = await outputs();
  second = await lkp(['demo'], { home });
}, 300_000);
afterAll(async () => {
  const data = await dataFolder();
  if (!data.startsWith(home)) await rm(join(data, '..', '..'), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
});

interface Demo {
  readonly refresh: Parameters<typeof compare>[1];
  readonly waiting: Record<string, number>;
  readonly directory: { entries: number; visible_by: string };
  readonly files: Array<{ path: string; sha256: string }>;
}

describe('npm run demo', () => {
  test('ends with 0 and one object, though it leaves work for a person', () => {
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
    const { waiting, directory } = first.json<Demo>();
    expect(waiting.quarantined_rows).toBeGreaterThan(0);
    expect(waiting.rejected_rows).toBeGreaterThan(0);
    expect(waiting.unmapped_rows).toBeGreaterThan(0);
    expect(directory.entries).toBeGreaterThan(0);
    expect(directory.visible_by).toBe('2020-06-07');
  });

  test('its figures are those of the auditor, who knows what the sample is made of', () => {
    const audited = audit(generate(), { cycle: '2020-05', ruleSet: shippedRuleSets() });
    expect(audited.lines_in).toBeGreaterThan(1000);
    expect(compare(audited, first.json<Demo>().refresh)).toEqual([]);
  });

  test('its files are where it says, with the bytes that it says', async () => {
    const { files } = first.json<Demo>();
    expect(files.map(({ path }) => path.split('.').at(-1))).toEqual(
      expect.arrayContaining(['xlsx', 'csv', 'json']),
    );
    for (const { path, sha256 } of files) expect(afterFirst.get(relative(home, path)), path).toBe(sha256);
    const named = new Set(files.map(({ path }) => relative(home, path)));
    expect([...afterFirst.keys()].filter((path) => !path.startsWith('store/') && !named.has(path))).toEqual(
      [],
    );
  });

  test('twice: the same files, the same bytes, nothing doubled, and a table for people', async () => {
    expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await outputs()).toEqual(afterFirst);
    const { refresh } = first.json<Demo>();
    expect(second.stdout).toContain('Cycle 2020-05, revision 1');
    expect(second.stdout.replaceAll(',', '')).toContain(String(refresh.conservation.lines_in));
  });

  test('leaves nothing running', async () => {
    const data = await dataFolder();
    expect(existsSync(join(data, 'PG_VERSION'))).toBe(true);
    expect(existsSync(join(data, 'postmaster.pid'))).toBe(false);
    const processes = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
    expect(processes.filter((line) => line.includes(folder) && !line.includes('ps -eo'))).toEqual([]);
  });

  test('is not for a database that others use', async () => {
    const ran = await lkp(['demo'], { home, env: { DATABASE_URL: 'postgres://somewhere/else' } });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toMatch(/^DATABASE_URL is set, and the demo would fill that database.*\n$/);
  });
});

const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import openpyxl']).status === 0,
);
if (!python) console.warn('no python3 with openpyxl: the workbooks are not opened by another reader');

test.skipIf(!python)(
  'its workbooks open in openpyxl: the sheets are there, and only sums of a partner are formulas',
  () => {
    const books = first
      .json<Demo>()
      .files.map(({ path }) => path)
      .filter((path) => path.endsWith('.xlsx'));
    const script = `
import json, sys, openpyxl
found = {}
for path in json.load(sys.stdin):
    book = openpyxl.load_workbook(path)
    formulas = [s.title for s in book for r in s.iter_rows() for c in r if c.data_type == 'f']
    found[path] = {'sheets': book.sheetnames, 'formulas': formulas, 'rows': sum(s.max_row for s in book)}
json.dump(found, sys.stdout)
`;
    const answer = execFileSync(python!, ['-c', script], {
      input: JSON.stringify(books),
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    const found: Record<string, { sheets: string[]; formulas: string[]; rows: number }> = JSON.parse(answer);
    expect(Object.keys(found)).toHaveLength(books.length);
    for (const [path, { sheets, formulas, rows }] of Object.entries(found)) {
      const partner = /\/partner-[^/]*\.xlsx$/.test(path);
      const sums = ['Summary', 'KPI lines', 'By month'];
      expect(
        formulas.filter((sheet) => !partner || !sums.includes(sheet)),
        path,
      ).toEqual([]);
      expect(rows, path).toBeGreaterThan(0);
      if (partner)
        expect(sheets, path).toEqual(
          expect.arrayContaining(['Summary', 'KPI lines', 'By month', 'Not counted', 'About']),
        );
    }
  },
);

test.skipIf(!hasSoffice)(
  'the formulas of its workbooks give in LibreOffice what they show',
  async () => {
    const books = first
      .json<Demo>()
      .files.map(({ path }) => path)
      .filter((path) => path.includes('partner-'));
    const copies = join(folder, 'recalculated');
    recalculate(books, copies);
    expect(books.length).toBeGreaterThan(5);
    for (const path of books) {
      const { computed, differ } = await differences(path, join(copies, basename(path)));
      expect(computed, path).toBeGreaterThan(10);
      expect(differ, path).toEqual([]);
    }
  },
  120_000,
);
