import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import type { FileResult } from '../src/invoice/result.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { sum } from '../src/money.ts';
import type { KindName } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { INVOICE_RULES } from '../src/rejections.ts';
import { type TestContext, testContext } from './harness/context.ts';

const CASES = fileURLToPath(new URL('cases/ingest/', import.meta.url));
const KINDS: readonly KindName[] = ['partners', 'locations', 'customers', 'products'];

let it: TestContext;
afterEach(async () => {
  await it?.drop();
});

/** A database of its own that knows the cases' partners, customer numbers and products. */
async function withReference(): Promise<void> {
  it = await testContext({ from: known });
}

let known: string;
beforeAll(async () => {
  it = await testContext();
  for (const kind of KINDS) {
    const { status, rejected } = await loadReference(
      it.context,
      kind,
      join(CASES, 'reference', `${kind}.csv`),
    );
    expect({ kind, status, rejected }).toEqual({ kind, status: 'loaded', rejected: 0 });
  }
  known = await it.keep();
});

/** What a case says of a file; what it leaves out is not looked at. Dispositions that are left out are 0. */
interface Wanted {
  readonly status?: string;
  readonly reason?: string;
  readonly documents?: number;
  readonly lines_in?: number;
  readonly dispositions?: Record<string, number>;
  readonly amount_in?: Record<string, string>;
  readonly amounts?: Record<string, Record<string, string>>;
  readonly amounts_unreadable?: number;
  readonly physical_rows?: object;
  /** File row -> rule of the catalogue, or `duplicate of <file> row <n>`; every row that has one. */
  readonly rules?: Record<string, string>;
  /** File row -> what was seen there. */
  readonly seen?: Record<string, string>;
  /** Text that each warning contains, in order. */
  readonly warnings?: string[];
}

interface Case {
  readonly shows: string;
  readonly files: Array<Wanted & { readonly file: string }>;
  /** What the files say once all were taken in. */
  readonly after?: Record<string, Wanted>;
}

/** Rows of a file that are more than plain lines, by number: the rule and what was seen. */
async function remarks(
  sha256: string,
): Promise<Array<{ row_no: number; rule: string; seen: string | null }>> {
  return it.context.db.transaction('remarks', async (tx) => {
    const { no } = await tx.one<{ no: string }>('select max(no) as no from change');
    await tx.set({
      cutoff: no,
      from: '2019-01-01',
      to: '2020-01-01',
      lookback: 7,
      reporting_currency: 'USD',
    });
    await tx.rows('set local enable_nestloop = off');
    return tx.rows(
      `select held.row_no, held.rule, held.seen
       from file
       join (
         select file_id, row_no, rule, seen from rejection where ended_no is null
         union all
         select duplicate.file_id, duplicate.row_no, 'duplicate of ' || of_file.name || ' row ' || duplicate.of_row_no, null
         from duplicate join file as of_file on of_file.id = duplicate.of_file_id where duplicate.ended_no is null
         union all
         select file_id, row_no, rule, seen from kpi_line where rule is not null
       ) as held on held.file_id = file.id
       where file.sha256 = $1 and file.kind = 'invoices'
       order by held.row_no`,
      [sha256],
    );
  });
}

const positive = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));

/** What must hold of every file, whatever is in it. */
async function expectBalanced(result: FileResult): Promise<void> {
  const counts = Object.values(result.dispositions).reduce((total, count) => total + count, 0);
  expect(counts, `${result.name}: rows`).toBe(result.lines_in);
  const currencies = new Set(Object.values(result.amounts).flatMap((amounts) => Object.keys(amounts ?? {})));
  for (const currency of new Set([...currencies, ...Object.keys(result.amount_in)])) {
    const kept = sum(Object.values(result.amounts).map((amounts) => amounts?.[currency] ?? '0'));
    expect(kept, `${result.name}: ${currency}`).toBe(result.amount_in[currency] ?? '0');
  }
  expect(await brokenFiles()).toEqual([]);
}

/** What checks/file_conservation finds, over every file of invoices. */
const brokenFiles = (): Promise<object[]> =>
  it.context.db.transaction('check', async (tx) => {
    const files = await tx.rows<{ id: number }>(`select id from file where kind = 'invoices'`);
    const broken = [];
    for (const { id } of files) broken.push(...(await tx.file('checks/file_conservation', { file_ids: id })));
    return broken;
  });

async function expectWanted(wanted: Wanted, found: FileResult): Promise<void> {
  const {
    dispositions,
    rules,
    seen,
    warnings,
    reason,
    file: _file,
    ...plain
  } = wanted as Case['files'][number];
  expect(found).toMatchObject(plain);
  if (wanted.amount_in) expect(found.amount_in).toEqual(wanted.amount_in);
  if (wanted.amounts) expect(found.amounts).toEqual(wanted.amounts);
  if (reason) expect(found.reason).toContain(reason);
  if (dispositions) {
    const named = Object.fromEntries(
      Object.entries(found.dispositions).filter(([word, count]) => count !== 0 || word in dispositions),
    );
    // `counted: 0` says only that nothing of the file counts.
    if (dispositions.counted === 0) expect(named.counted).toBe(0);
    else expect(positive(named)).toEqual(dispositions);
  }
  if (warnings) {
    expect(found.warnings).toHaveLength(warnings.length);
    warnings.forEach((warning, index) => {
      expect(found.warnings[index]).toContain(warning);
    });
  }
  if (rules || seen) {
    const said = await remarks(found.sha256);
    if (rules) expect(Object.fromEntries(said.map(({ row_no, rule }) => [row_no, rule]))).toEqual(rules);
    for (const [row, text] of Object.entries(seen ?? {}))
      expect(said.find(({ row_no }) => row_no === Number(row))?.seen, `row ${row}`).toBe(text);
    for (const { rule } of said)
      expect(rule.startsWith('duplicate of ') || rule in INVOICE_RULES, `${rule} is in the catalogue`).toBe(
        true,
      );
  }
  await expectBalanced(found);
}

describe('test/cases/ingest', () => {
  const stories = readdirSync(CASES).filter((name) => existsSync(join(CASES, name, 'expected.json')));

  test.each(stories)('%s', async (story) => {
    const { files, after = {} }: Case = JSON.parse(readFileSync(join(CASES, story, 'expected.json'), 'utf8'));
    await withReference();
    const profile = join(CASES, story, 'profile.yaml');
    const options = existsSync(profile) ? { profile } : {};
    const take = (file: string) => ingestFile(it.context, join(CASES, story, file), options);
    for (const wanted of files) await expectWanted(wanted, await take(wanted.file));
    for (const [file, wanted] of Object.entries(after)) {
      // The same bytes again say how the file stands now.
      await expectWanted({ status: 'duplicate', ...wanted }, await take(file));
    }
  });

  test('each story is a folder with an input, what is expected, and one sentence on what it shows', () => {
    expect(stories.length).toBeGreaterThan(25);
    for (const story of stories) {
      const { shows, files }: Case = JSON.parse(readFileSync(join(CASES, story, 'expected.json'), 'utf8'));
      expect(shows, story).toMatch(/\w.*\.$/);
      for (const { file } of files)
        expect(existsSync(join(CASES, story, file)), `${story}/${file}`).toBe(true);
      for (const file of readdirSync(join(CASES, story)))
        expect(['expected.json', 'profile.yaml', ...files.map((wanted) => wanted.file)]).toContain(file);
    }
  });
});

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";
const UNNUMBERED =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

/** Rows of every table that holds facts or results, as text, in a fixed order. */
async function tableCounts(): Promise<Record<string, number>> {
  const tables = await it.rows<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of tables) {
    const [found] = await it.rows<{ n: number }>(`select count(*)::int as n from "${name}"`);
    counts[name] = found!.n;
  }
  return counts;
}

const stored = async (): Promise<string[]> =>
  existsSync(join(it.home, 'store'))
    ? (await readdir(join(it.home, 'store'), { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    : [];

describe('the order in which files arrive changes nothing', () => {
  const permutations = <T>(items: readonly T[]): T[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item, index) =>
          permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
        );

  async function outcome(files: ReadonlyArray<readonly [name: string, content: string]>) {
    await withReference();
    try {
      const paths: string[] = [];
      for (const [name, content] of files) paths.push(await it.write(name, content));
      await ingestAll(it.context, paths);
      const { conservation, kpi_value, revenue_value } = await refresh(it.context, '2019-12');
      const amounts = await it.rows(
        'select disposition, currency, rows, trim_scale(amount)::text as amount from snapshot_control order by 1, 2',
      );
      const cells = await it.rows(
        `select location_mpn_id, kpi_month, omlp_type, kpi_class, lines, trim_scale(units)::text as units, trim_scale(kpi_value)::text as kpi
         from snapshot_cell order by 1, 2, 3, 4`,
      );
      expect(await brokenFiles()).toEqual([]);
      return { conservation, amounts, kpi_value, revenue_value, cells };
    } finally {
      await it.drop();
    }
  }

  async function expectOneOutcome(files: ReadonlyArray<readonly [name: string, content: string]>) {
    // Of 24 orders every other: each file comes first, and last, in some of them.
    const orders = permutations(files);
    const [first, ...others] =
      orders.length > 6 ? orders.filter((_, nth) => (nth + Math.floor(nth / 6)) % 2 === 0) : orders;
    const wanted = await outcome(first!);
    for (const order of others) {
      expect(await outcome(order), order.map(([name]) => name).join(', ')).toEqual(wanted);
    }
    return wanted;
  }

  test('four files with repeats, a conflict, a credit and a split document', async () => {
    const line = (
      number: string,
      code: string,
      place: string,
      quantity: string,
      net: string,
      customer = 'C100',
    ) => `${number},2019-05-02,${code},EUR,${customer},${place},${quantity},${net},MOC-1\n`;
    const { conservation } = await expectOneOutcome([
      ['a.csv', `${HEADER}${line('A-1', '380', '1', '5', '50')}${line('A-2', '380', '1', '1', '10')}`],
      ['b.csv', `${HEADER}${line('A-1', '380', '1', '5', '50.00')}${line('A-1', '380', '2', '1', '9.99')}`],
      ['c.csv', `${HEADER}${line('A-2', '380', '1', '1', '11')}${line('A-1', '381', '1', '2', '20')}`],
      ['d.csv', `${HEADER}${line('A-2', '380', '1', '1', '11')}${line('A-3', '380', '1', '1', '7', 'C999')}`],
    ]);
    expect(positive(conservation.dispositions)).toEqual({
      counted: 2,
      duplicate: 2,
      quarantined: 2,
      reversal: 1,
      unmapped: 1,
    });
  }, 180_000);

  test('documents without line numbers: equal, subset, superset', async () => {
    const line = (quantity: string) => `B-1,2019-05-02,380,EUR,C100,${quantity},10.00,MOC-1\n`;
    const { conservation } = await expectOneOutcome([
      ['a.csv', `${UNNUMBERED}${line('1')}${line('1')}`],
      ['b.csv', `${UNNUMBERED}${line('1')}${line('1')}${line('2')}`],
      ['c.csv', `${UNNUMBERED}${line('1')}`],
    ]);
    expect(positive(conservation.dispositions)).toEqual({ counted: 3, duplicate: 3 });
  }, 120_000);

  /** What counts in each order; which rows wait and which repeat may depend on it, the KPI may not. */
  async function kpiInEachOrder(files: ReadonlyArray<readonly [name: string, content: string]>) {
    const found = [];
    for (const order of permutations(files)) {
      const { conservation, kpi_value, cells } = await outcome(order);
      const { counted } = conservation.dispositions;
      found.push({ order: order.map(([name]) => name).join(', '), counted, kpi_value, cells });
    }
    return found;
  }

  test('while two versions of a document without line numbers exclude each other, nothing of it counts', async () => {
    const line = (quantity: string) => `B-1,2019-05-02,380,EUR,C100,${quantity},10.00,MOC-1\n`;
    const found = await kpiInEachOrder([
      ['a.csv', `${UNNUMBERED}${line('1')}${line('2')}`],
      ['b.csv', `${UNNUMBERED}${line('1')}${line('3')}`],
      ['c.csv', `${UNNUMBERED}${line('1')}${line('2')}${line('4')}`],
    ]);
    expect(found).toEqual(found.map(({ order }) => ({ order, counted: 0, kpi_value: '0', cells: [] })));
  }, 120_000);

  test('the same document with and without line numbers gives one KPI value', async () => {
    const found = await kpiInEachOrder([
      ['a.csv', `${HEADER}B-1,2019-05-02,380,EUR,C100,1,1,10.00,MOC-1\n`],
      ['b.csv', `${UNNUMBERED}B-1,2019-05-02,380,EUR,C100,1,10.00,MOC-1\n`],
    ]);
    expect(found[1]).toEqual({ ...found[0], order: found[1]!.order });
  }, 120_000);
});

describe('conservation', () => {
  const FILE = `${HEADER}A-1,2019-05-02,380,EUR,C100,1,2,20.00,MOC-1\nA-1,2019-05-02,380,EUR,C100,2,x,20.00,MOC-1\n`;

  // Each is a way in which the tables could lie about the file; the check must see it.
  test.each([
    ['a line is gone', 'delete from line where line_no = $1', ['1']],
    ['a line changed its amount', 'update line set net_amount = net_amount + 0.01 where line_no = $1', ['1']],
    ['a line turned its sign', 'update document set amount_sign = -amount_sign where number = $1', ['A-1']],
    ['a rejection is gone', 'delete from rejection where row_no = $1', [3]],
    [
      'a row is there twice',
      `insert into rejection (file_id, row_no, rule, cells, change_no)
       select file_id, row_no + $1, rule, cells, change_no from rejection`,
      [100],
    ],
  ])('sees that %s', async (_what, lie, parameters) => {
    await withReference();
    await ingestFile(it.context, await it.write('a.csv', FILE));
    const recount = `insert into file_total (file_id, issue_month, held, currency, rows, amount, change_no)
       select file_id, issue_month, held, currency, rows, amount, change_no from recounted`;
    await it.context.db
      .transaction('lie', async (tx) => {
        const { id } = await tx.one<{ id: number }>(`select id from file where kind = 'invoices'`);
        expect(await tx.file('checks/file_conservation', { file_ids: id })).toEqual([]);
        await tx.rows(lie, parameters);
        // The right side is counted from what is stored, as store.sql does.
        await tx.rows(
          `create temporary table recounted on commit drop as
           select line.file_id, date '2019-05-01' as issue_month, 'line' as held, line.currency, count(*) as rows,
                  sum(line.net_amount * document.amount_sign) as amount, line.change_no
           from line join document on document.id = line.document_id group by 1, 2, 4, 7
           union all
           select file_id, null, 'rejected', currency, count(*), sum(amount), change_no
           from rejection group by file_id, currency, change_no`,
        );
        await tx.rows('delete from file_total');
        await tx.rows(recount);
        expect(await tx.file('checks/file_conservation', { file_ids: id })).not.toEqual([]);
        throw new Error('rolled back');
      })
      .catch((error: Error) => expect(error.message).toBe('rolled back'));
    expect(await brokenFiles()).toEqual([]);
  });

  test.each([
    ['rows', 'update file_total set rows = rows + 1 where held = $1', 'line'],
    ['money', 'update file_total set amount = amount + 0.01 where held = $1', 'line'],
    ['a total', 'delete from file_total where held = $1', 'rejected'],
    ['a currency', `update file_total set currency = 'USD' where held = $1`, 'line'],
  ])('sees stored totals that were tampered with (%s), and stops a refresh', async (_what, lie, held) => {
    await withReference();
    await ingestFile(it.context, await it.write('a.csv', FILE));
    await it.rows(lie, [held]);
    expect(await brokenFiles()).not.toEqual([]);
    if (held === 'rejected') {
      await expect(refresh(it.context, '2019-12')).rejects.toThrow('does not balance');
      expect(await it.rows('select * from snapshot')).toEqual([]);
    }
  });

  test('a refresh stops when a line of the window is gone behind its back', async () => {
    await withReference();
    await ingestFile(it.context, await it.write('a.csv', FILE));
    await it.rows('delete from line');
    await expect(refresh(it.context, '2019-12')).rejects.toThrow('does not balance');
    expect(await it.rows('select * from snapshot')).toEqual([]);
  });

  // Whatever a cell holds, the two sides read it alike: a file that does not balance could never be taken in.
  const odd = fc.oneof(
    fc.constantFrom(
      ...[
        '',
        ' ',
        '1',
        '-1',
        '+1',
        '1.',
        '.5',
        '-.5',
        '-',
        '.',
        '-.',
        '--1',
        '1-',
        '1-2',
        '1.2.3',
        '1e3',
        'NaN',
        '0x10',
      ],
      ...[
        '1_000',
        '1,000',
        '1 000',
        '007',
        '-0',
        '0.000',
        '9'.repeat(24),
        `0.${'9'.repeat(22)}`,
        '9'.repeat(25),
        '١٢',
      ],
      ...[
        '2019-05-02',
        '380',
        '381',
        '384',
        '325',
        '83',
        'EUR',
        'eur',
        'Eur',
        'XXX',
        'EURO',
        'uß',
        'ﬀr',
        'ıſk',
        'constructor',
      ],
      ...['"', 'a"b', ',', '\n', '\r\n', '\\N', '\\.', '=1+1', '\u0000', '\u0085', '\u2028'],
    ),
    fc
      .tuple(
        fc.constantFrom(
          '',
          ' ',
          '\t',
          '\u00a0',
          '\u2009',
          '\u3000',
          '\u200b',
          '\ufeff',
          '\u1680',
          '\u205f',
          '\u0085',
        ),
        fc.constantFrom('1', '-2.50', '380', '381', 'EUR', '2019-05-02', 'C100', 'A-1'),
        fc.constantFrom('', ' ', '\u00a0', '\u2003', '\u200b', '\u2028', '\u180e'),
      )
      .map((parts) => parts.join('')),
  );
  const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
  const plainRow = ['A-1', '2019-05-02', '380', 'EUR', 'C100', '1', '2', '20.00', 'MOC-1'];

  test('holds whatever stands in the cells', async () => {
    await withReference();
    const row = fc
      .tuple(fc.nat({ max: 1_000_000 }), fc.array(fc.tuple(fc.nat({ max: 8 }), odd), { maxLength: 3 }))
      .map(([serial, changes]) => {
        const cells = [`A-${serial}`, ...plainRow.slice(1)];
        for (const [column, value] of changes) cells[column] = value;
        return cells;
      });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
        const content = HEADER + rows.map((cells) => `${cells.map(quoted).join(',')}\n`).join('');
        const result = await ingestFile(it.context, await it.write('odd.csv', content), { dryRun: true });
        expect(result.lines_in).toBeGreaterThan(0);
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test.each<[what: string, profile: string, content: string]>([
    [
      'white space that only one side might trim',
      '',
      `${HEADER}A-1,2019-05-02,380,EUR,C100,1,2,20.00\u2009,MOC-1\n`,
    ],
    [
      'a currency that grows when it is put in upper case',
      '',
      `${HEADER}A-1,2019-05-02,380,uß,C100,1,2,20.00,MOC-1\n`,
    ],
    [
      'a suffix that is cut off numbers',
      'strip_suffix: { quantity: " pcs" }',
      'No,Date,Customer,Qty,Price,Cur\nA-1,2019-05-02,C100,2 pcs,10,EUR\n',
    ],
    [
      'a suffix that is cut off the document type',
      'strip_suffix: { type_code: "*" }',
      'No,Date,Customer,Qty,Price,Cur,Type\nA-1,2019-05-02,C100,2,10,EUR,381*\n',
    ],
    [
      'a currency column that a file may lack, with a constant',
      'optional: [currency, type_code]',
      'No,Date,Customer,Qty,Price\nA-1,2019-05-02,C100,2,10\n',
    ],
    [
      'a code of UNTDID 1001 that the profile maps to another one',
      'document_type: { map: { "380": "381" } }',
      'No,Date,Customer,Qty,Price,Cur,Type\nA-1,2019-05-02,C100,2,10,EUR,380\n',
    ],
    [
      'a decimal point where the profile has a comma, and spaces between groups',
      'number_format: { decimal: ",", group: " " }',
      'No,Date,Customer,Qty,Price,Cur\nA-1,2019-05-02,C100,2,1.5,EUR\n',
    ],
    [
      'a decimal point where the profile has a comma, and nothing between groups',
      'number_format: { decimal: ",", group: "" }',
      'No,Date,Customer,Qty,Price,Cur\nA-1,2019-05-02,C100,2,1.5,EUR\n',
    ],
  ])('holds for %s', async (_what, setting, content) => {
    await withReference();
    const optional = setting.startsWith('optional') ? '' : 'optional: [type_code]\n';
    const profile = setting
      ? {
          profile: await it.write(
            'profile.yaml',
            `name: odd\nseller: shop\ncurrency: EUR\ndefault_product: MOC-1\n${optional}${setting}
columns: { invoice_number: [No], issue_date: [Date], customer_number: [Customer], quantity: [Qty], price: [Price], currency: [Cur], type_code: [Type] }\n`,
          ),
        }
      : {};
    const result = await ingestFile(it.context, await it.write('a.csv', content), profile);
    expect(result).toMatchObject({ status: 'ingested', lines_in: 1 });
    await expectBalanced(result);
  });
});

describe('wholly or not at all', () => {
  const GOOD = `${HEADER}A-1,2019-05-02,380,EUR,C100,1,2,20.00,MOC-1\n`;

  test('a dry run says the same and stores nothing', async () => {
    await withReference();
    const path = await it.write('a.csv', `${GOOD}A-2,2019-05-02,380,EUR,C999,1,x,20.00,MOC-1\n`);
    const before = { tables: await tableCounts(), files: await stored() };
    const tried = await ingestFile(it.context, path, { dryRun: true });
    expect({ tables: await tableCounts(), files: await stored() }).toEqual(before);
    const { verdicts, ...says } = tried;
    expect(verdicts!.map(({ verdict }) => verdict)).toEqual(['accept', 'refuse']);
    expect(says).toEqual(await ingestFile(it.context, path));
    expect(await stored()).toContain(tried.sha256);
  });

  test.each([
    ['cut in its last row', `${GOOD}A-2,2019-05-02,380,EUR`, 'middle of row 3'],
    ['not UTF-8 in its last row', Buffer.from(`${GOOD}\xfc,,,,,,,,\n`, 'latin1'), 'not utf-8'],
    ['with no header', 'a,b\n1,2\n', 'No header was found'],
    ['with no rows', HEADER, 'no rows below it'],
    [
      'with two columns of one name',
      GOOD.replaceAll(/$/gm, ',x').replace(',x', ',invoice NUMBER'),
      'both mean invoice_number',
    ],
    ['of another kind', '%PDF-1.7', 'a PDF document'],
    ['without bytes', '', 'has no bytes'],
  ])('a file %s is refused and leaves nothing', async (_what, content, reason) => {
    await withReference();
    const before = { tables: await tableCounts(), files: await stored() };
    const path = await it.write('bad.csv', content);
    const result = await ingestFile(it.context, path);
    expect(result).toMatchObject({
      name: 'bad.csv',
      status: 'refused',
      lines_in: 0,
      documents: 0,
      amount_in: {},
    });
    expect(result.reason).toContain(reason);
    expect({ tables: await tableCounts(), files: await stored() }).toEqual(before);
    // Corrected, it may come again under its name.
    expect(await ingestFile(it.context, await it.write('bad.csv', GOOD))).toMatchObject({
      status: 'ingested',
    });
  });

  test('what breaks in the middle leaves nothing either', async () => {
    await withReference();
    const before = { tables: await tableCounts(), files: await stored() };
    await it.rows('alter table file_total add constraint broken check (rows < 0) not valid');
    await expect(ingestFile(it.context, await it.write('a.csv', GOOD))).rejects.toThrow();
    expect({ tables: await tableCounts(), files: await stored() }).toEqual(before);
  });

  test('cells that no index takes cost their row, not the file', async () => {
    await withReference();
    const header = GOOD.slice(0, GOOD.indexOf('\n'));
    // What repeats itself is stored shorter, and would pass.
    const long = (of: string) => of + randomBytes(9000).toString('base64url');
    const wide = () => String.fromCodePoint(...Array.from({ length: 500 }, () => 0x4e00 + randomInt(20_000)));
    const row = (number: string, customer: string, seller: string) =>
      `${number},2019-05-02,380,EUR,${customer},1,2,20.00,MOC-1,${seller}\n`;
    const path = await it.write(
      'a.csv',
      `${header},Seller identifier\n${row('A-1', long('C'), 'S')}${row(wide(), 'C100', wide())}${row('A-3', 'C100', 'S')}`,
    );
    expect(await ingestFile(it.context, path)).toMatchObject({ dispositions: { rejected: 2, counted: 1 } });
  });

  test('in a folder, names that begin with a dot or end in .part are not looked at', async () => {
    await withReference();
    await it.write('in/.hidden.csv', GOOD);
    await it.write('in/later.csv.part', GOOD);
    await it.write('in/deep/a.csv', GOOD);
    const { files } = await ingestAll(it.context, [join(await it.write('in/x.txt', 'a'), '..')]);
    expect(files.map(({ name, status }) => [name, status])).toEqual([
      ['a.csv', 'ingested'],
      ['x.txt', 'refused'],
    ]);
  });

  test('two ingests of one file at once: one takes it in, the other says so', async () => {
    await withReference();
    const path = await it.write('a.csv', GOOD);
    const results = await Promise.all([1, 2, 3].map(() => ingestFile(it.context, path)));
    expect(results.map(({ status }) => status).sort()).toEqual(['duplicate', 'duplicate', 'ingested']);
    expect((await tableCounts()).line).toBe(1);
  });
});

describe('each stage can run twice and gives equal rows', () => {
  const FILE = `${HEADER}A-1,2019-05-02,380,EUR,C100,1,2,20.00,MOC-1
A-1,2019-05-02,380,EUR,C100,1,2,20.00,MOC-1
A-1,2019-05-02,381,EUR,C200,2,1,10.00,MOC-1
A-2,2019-06-02,380,EUR,C999,1,1,10.00,MOC-1
A-3,2019-06-02,325,EUR,C100,1,1,10.00,MOC-1
A-4,2019-06-02,326,EUR,C100,1,1,10.00,MOC-1
`;
  const snapshotOf = async (names: readonly string[]) => {
    const found: Record<string, object[]> = {};
    for (const name of names)
      found[name] = await it.rows(`select t.*::text as row from ${name} as t order by 1`);
    return found;
  };

  test('ingest', async () => {
    const facts = [
      'document',
      'line',
      'rejection',
      'duplicate',
      'quarantine',
      'file_total',
      'file_amount_in',
    ];
    await withReference();
    const path = await it.write('a.csv', FILE);
    await ingestFile(it.context, path);
    const once = await snapshotOf([...facts, 'file', 'change']);
    expect(once.line).toHaveLength(4);
    await ingestFile(it.context, path);
    expect(await snapshotOf([...facts, 'file', 'change'])).toEqual(once);
    // And on a database that never saw it, the same facts.
    await it.drop();
    await withReference();
    await ingestFile(it.context, await it.write('a.csv', FILE));
    expect(await snapshotOf(facts)).toEqual(Object.fromEntries(facts.map((name) => [name, once[name]])));
  });

  test('monthly cells and snapshots', async () => {
    const results = [
      'month_cell',
      'month_control',
      'snapshot_cell',
      'snapshot_control',
      'snapshot_level',
      'snapshot',
    ];
    await withReference();
    await ingestFile(it.context, await it.write('a.csv', FILE));
    await refresh(it.context, '2019-12');
    const once = await snapshotOf(results);
    expect(once.month_cell!.length).toBeGreaterThan(1);
    await it.rows('delete from month_built');
    expect((await refresh(it.context, '2019-12')).outcome).toBe('unchanged');
    expect(await snapshotOf(results)).toEqual(once);
  });
});

describe('the real retail files, read with the profile that we ship', () => {
  const sample = fileURLToPath(new URL('../../shared/data/invoices/online-retail-sample/', import.meta.url));
  if (!existsSync(sample)) {
    console.warn('no ../shared/data: the online-retail sample is not tested');
    test.skip('the files are not here', () => undefined);
    return;
  }
  const profile = fileURLToPath(new URL('../samples/profiles/online-retail.yaml', import.meta.url));
  const files = readdirSync(sample)
    .filter((name) => name.endsWith('.csv'))
    .sort();

  async function taken(names: readonly string[]) {
    const paths = names.map((name) => join(sample, name));
    const report = await ingestAll(it.context, paths, { profile });
    const cells = await refresh(it.context, '2011-12').then(({ kpi_value, conservation }) => ({
      kpi_value,
      conservation,
    }));
    return { report, cells };
  }

  test('every row has a disposition, and the amounts are the published ones', async () => {
    it = await testContext();
    const first = await taken(files);
    const { totals } = first.report;
    expect(totals.lines_in).toBe(7438);
    expect(Object.values(totals.dispositions).reduce((total, count) => total + count, 0)).toBe(7438);
    expect(totals.amount_in).toEqual({ GBP: '100870.65' });
    // The three A rows ("Adjust bad debt") wait for a person.
    expect(totals.dispositions.quarantined).toBe(3);
    expect(totals.amounts.quarantined).toEqual({ GBP: '-11062.06' });
    expect(sum(Object.values(totals.amounts).map((amounts) => amounts?.GBP ?? '0'))).toBe('100870.65');
    const credits = await it.rows<{ n: number; positive: number; amount: string }>(
      `select count(*)::int as n, count(*) filter (where line.quantity > 0)::int as positive,
              sum(line.net_amount * document.amount_sign)::text as amount
       from line join document on document.id = line.document_id where document.class = 'credit note'`,
    );
    expect(credits[0]!.n).toBeGreaterThan(0);
    expect(Number(credits[0]!.amount)).toBeLessThan(0);
    expect(credits[0]!.positive).toBe(credits[0]!.n);

    const again = await taken(files);
    expect(again.report.files.map(({ status }) => status)).toEqual(files.map(() => 'duplicate'));
    expect(again.report.totals).toEqual(totals);
    expect(again.cells).toEqual(first.cells);

    await it.drop();
    it = await testContext();
    const reversed = await taken([...files].reverse());
    expect(reversed.report.totals).toEqual(totals);
    expect(reversed.cells).toEqual(first.cells);
  }, 120_000);

  test('KPI values too do not depend on the order, once customers and products are known', async () => {
    const figures = [];
    for (const order of [files, [...files].reverse()]) {
      it = await testContext();
      const ids = new Set<string>();
      const skus = new Set<string>();
      for (const name of files) {
        for (const row of readFileSync(join(sample, name), 'utf8').split('\n').slice(1)) {
          ids.add(/,(\d+)\.0,[^,]*$/.exec(row)?.[1] ?? '');
          skus.add(row.split(',')[1]?.toUpperCase() ?? '');
        }
      }
      const listed = [...ids].filter(Boolean);
      await loadReference(
        it.context,
        'customers',
        await it.write(
          'customers.csv',
          `customer_number,location_mpn_id\n${listed.map((id) => `${id},5${id}\n`).join('')}`,
        ),
      );
      await loadReference(
        it.context,
        'products',
        await it.write(
          'products.csv',
          `sku,omlp_type,kpi_class,units_per_sku\n${[...skus]
            .filter(Boolean)
            .map((sku) => `${sku},MOC,courseware-advanced,1\n`)
            .join('')}`,
        ),
      );
      const { report, cells } = await taken(order);
      expect(Number(cells.kpi_value)).toBeGreaterThan(0);
      figures.push({ totals: report.totals, cells });
      await it.drop();
    }
    expect(figures[1]).toEqual(figures[0]);
  }, 120_000);
});
