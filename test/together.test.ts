import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptInStore } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { asTheyStand, type FileResult } from '../src/invoice/result.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { ingestTogether } from '../src/invoice/together.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';

const CASES = fileURLToPath(new URL('cases/', import.meta.url));
const UBL = readFileSync(join(CASES, 'einvoice/one-invoice/invoice.ubl.xml'), 'utf8');
const CII = readFileSync(join(CASES, 'einvoice/one-invoice/invoice.cii.xml'), 'utf8');

const numbered = (number: string, text = UBL): string => text.replace('E-1001', number);
const typed = (code: string, text: string): string =>
  text.replace('InvoiceTypeCode>380', `InvoiceTypeCode>${code}`);

/** Name -> content; the name says what there is to it. */
const FILES: ReadonlyArray<readonly [name: string, content: string]> = [
  ['01-plain.xml', numbered('E-1')],
  ['02-plain-cii.xml', numbered('E-2', CII)],
  ['03-credit.xml', typed('381', numbered('E-3'))],
  ['04-for-a-person.xml', typed('386', numbered('E-4'))],
  ['05-never-counts.xml', typed('325', numbered('E-5'))],
  ['06-again-in-cii.xml', numbered('E-1', CII)],
  ['07-same-bytes.xml', numbered('E-1')],
  ['08-corrected.xml', typed('384', numbered('E-6'))],
  ['09-not-xml.xml', 'Invoice number;E-7'],
  ['10-broken.xml', numbered('E-8').slice(0, -40)],
  ['11-sum-differs.xml', numbered('E-9').replace('135.50', '135.51')],
  ['12-currency-unknown.xml', numbered('E-10').replaceAll('EUR', 'EUX')],
  ['13-other-day.xml', numbered('E-2').replace('2019-05-02', '2019-06-02')],
  ['14-plain.xml', numbered('E-11')],
  ['15-line-twice.xml', numbered('E-12').replace('<cbc:ID>2</cbc:ID>', '<cbc:ID>1</cbc:ID>')],
  ['16-plain.xml', numbered('E-13')],
];

let together: TestContext;
let alone: TestContext;
beforeEach(async () => {
  [together, alone] = await Promise.all([testContext(), testContext()]);
  for (const { context } of [together, alone])
    for (const kind of ['partners', 'locations', 'customers', 'products'] as const)
      await loadReference(context, kind, join(CASES, `ingest/reference/${kind}.csv`));
});
afterEach(() => Promise.all([together.drop(), alone.drop()]));

const folderOf = async (it: TestContext): Promise<string> => {
  await mkdir(join(it.home, 'in'));
  for (const [name, content] of FILES) await it.write(join('in', name), content);
  return it.write('in/00-earlier.csv', 'x').then((path) => join(path, '..'));
};

/** Everything stored, by the names of files: ids and changes differ. */
const storedIn = async (it: TestContext) => ({
  lines: await it.rows(
    `select file.name, line.row_no, line.line_no, document.number, document.type_code, first.name as document_in,
            line.net_amount, line.ended_no is null as stands
     from line join file on file.id = line.file_id join document on document.id = line.document_id
     join file as first on first.id = document.file_id
     order by 1, 2, 3`,
  ),
  waiting: await it.rows(
    `select file.name, quarantine.row_no, quarantine.rule, quarantine.seen
     from quarantine join file on file.id = quarantine.file_id where quarantine.ended_no is null order by 1, 2`,
  ),
  rejected: await it.rows(
    'select file.name, rejection.row_no, rejection.rule from rejection join file on file.id = rejection.file_id order by 1, 2',
  ),
  repeated: await it.rows(
    `select file.name, duplicate.row_no, of_file.name as of, duplicate.of_row_no
     from duplicate join file on file.id = duplicate.file_id join file as of_file on of_file.id = duplicate.of_file_id
     order by 1, 2`,
  ),
  totals: await it.rows(
    `select file.name, file_total.issue_month, file_total.held, file_total.currency, sum(file_total.rows) as rows,
            sum(file_total.amount) as amount
     from file_total join file on file.id = file_total.file_id
     group by 1, 2, 3, 4 having sum(file_total.rows) <> 0 order by 1, 2, 3, 4`,
  ),
  read: await it.rows(
    `select file.name, file.physical_rows, file.lines_in, file.format, amount.currency, amount.rows, amount.amount
     from file left join file_amount_in as amount on amount.file_id = file.id
     where file.kind = 'invoices' order by 1, 5`,
  ),
});

test('files that share a transaction become what they become one by one', async () => {
  const folder = await folderOf(together);
  const { files } = await ingestAll(together.context, [folder]);
  const others = await folderOf(alone);
  let single: FileResult[] = [];
  for (const name of readdirSync(others).sort())
    single.push(await ingestFile(alone.context, join(others, name)));
  single = await asTheyStand(alone.context, single);
  expect(await storedIn(together)).toEqual(await storedIn(alone));
  expect(files.map(({ rejects: _, ...file }) => file)).toEqual(single);
  // The bytes of each lie in the store, and no copy was left.
  for (const { status, sha256 } of files)
    if (status === 'ingested')
      expect(await keptInStore(together.home, sha256, 0)).toEqual({ state: 'whole' });
  expect(readdirSync(join(together.home, 'store', 'tmp'))).toEqual([]);
});

test('only what is plain goes together, and shares a change', async () => {
  const folder = await folderOf(together);
  const paths = FILES.map(([name]) => join(folder, name));
  const taken = await ingestTogether(together.context, paths, {});
  expect([...taken.keys()].map((path) => path.slice(folder.length + 1))).toEqual([
    '01-plain.xml',
    '02-plain-cii.xml',
    '03-credit.xml',
    '04-for-a-person.xml',
    '05-never-counts.xml',
    '11-sum-differs.xml',
    '12-currency-unknown.xml',
    '14-plain.xml',
    '16-plain.xml',
  ]);
  expect(await together.rows(`select reason from change where kind = 'ingest'`)).toEqual([
    { reason: '9 files together' },
  ]);
});

test.each<[what: string, files: Array<[name: string, content: string]>, taken: number]>([
  [
    'one that is plain',
    [
      ['1.xml', numbered('E-1')],
      ['2.xml', 'x'],
    ],
    0,
  ],
  [
    'two of one invoice',
    [
      ['1.xml', numbered('E-1')],
      ['2.xml', numbered('E-1', CII)],
    ],
    0,
  ],
  [
    'none that is whole',
    [
      ['1.xml', numbered('E-1').slice(0, -40)],
      ['2.xml', UBL.slice(0, -40)],
    ],
    0,
  ],
  [
    'two of the same bytes',
    [
      ['1.xml', numbered('E-1')],
      ['2.xml', numbered('E-1')],
    ],
    0,
  ],
  [
    'rows that are too many to hold',
    [
      ['1.xml', numbered('E-1')],
      [
        '2.xml',
        numbered(`E-${'2'.repeat(120_000)}`).replace(
          /(<cac:InvoiceLine>[\s\S]*?<\/cac:InvoiceLine>)/,
          '$1'.repeat(20),
        ),
      ],
    ],
    0,
  ],
])('%s: nothing goes together, nothing is left behind, and the next file is taken in', async (_what, files, count) => {
  for (const [name, content] of files) await together.write(name, content);
  const paths = files.map(([name]) => join(together.home, name));
  expect((await ingestTogether(together.context, paths, {})).size).toBe(count);
  expect(
    await together.rows(`select relname from pg_class where relname in ('document_gate', 'load', 'staged')`),
  ).toEqual([]);
  const next = await together.write('next.xml', numbered('E-99'));
  expect(await ingestFile(together.context, next)).toMatchObject({ status: 'ingested' });
});

test('known bytes are told so, and are not copied', async () => {
  const folder = await folderOf(together);
  await ingestAll(together.context, [folder]);
  const before = await together.rows('select count(*) from change');
  const again = await ingestTogether(
    together.context,
    FILES.map(([name]) => join(folder, name)),
    {},
  );
  expect(again.get(join(folder, '01-plain.xml'))).toMatchObject({
    name: '01-plain.xml',
    status: 'duplicate',
    reason: 'The same bytes were ingested before as 01-plain.xml; nothing was added.',
  });
  expect(again.size).toBe(14);
  expect(await together.rows('select count(*) from change')).toEqual(before);
});
