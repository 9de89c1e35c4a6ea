import { link, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../src/app.ts';
import type { Options } from '../src/commands/command.ts';
import { RECONCILE_COMMANDS } from '../src/commands/reconcile.ts';
import { ingestAll } from '../src/invoice/sweep.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { sum } from '../src/money.ts';
import type { Answer } from '../src/reconcile/answer.ts';
import { answerBook } from '../src/reconcile/answer-book.ts';
import { MEANINGS } from '../src/reconcile/answer-sheets.ts';
import { CAUSES } from '../src/reconcile/causes.ts';
import type { ReadClaim } from '../src/reconcile/claim.ts';
import { KIND_NAMES } from '../src/reference/kinds.ts';
import { loadReference } from '../src/reference/load.ts';
import { hasOpenpyxl, openpyxl, readAll } from './excel-fixtures.ts';
import { type TestContext, testContext } from './harness/context.ts';

const SAMPLES = fileURLToPath(new URL('../samples/data/', import.meta.url));
const [command] = RECONCILE_COMMANDS;
const PARTNER = '4100101';
const CYCLE = '2020-05';
const INVOICE =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

/** Five files of the sample month; the partner is one of its own, CM100200 its customer number. */
let it: TestContext;
beforeAll(async () => {
  it = await testContext({ now: '2020-05-21T10:00:00.000Z' });
  for (const [kind, name] of [
    ...KIND_NAMES.filter((kind) => !kind.startsWith('rates')).map((kind) => [kind, `${kind}.csv`] as const),
    ['rates', 'eurofxref-2019-04-2020-05.csv'] as const,
  ])
    await loadReference(it.context, kind, join(SAMPLES, 'reference', name));
  const invoices = [
    'marketplace-2019-04',
    'marketplace-2019-05',
    'marketplace-2019-08',
    'marketplace-2020-05',
    'order-confirmation',
  ];
  await ingestAll(
    it.context,
    invoices.map((name) => join(SAMPLES, 'invoices', `${name}.csv`)),
  );
  await refresh(it.context, CYCLE);
}, 120_000);
afterAll(() => it.drop());

interface Found {
  readonly path: string;
  readonly lines: ReadonlyArray<{
    cause: string;
    says: string;
    support: string | null;
    kpi_gap: string;
    revenue_gap: string;
  }>;
  readonly totals: Answer['totals'];
  readonly evidence: ReadonlyArray<{
    file: string;
    refused?: string;
    documents: ReadonlyArray<{ treatment: string; lines: number }>;
  }>;
}
const run = async (file: string, options: Options = {}) => {
  const given = { partner: PARTNER, cycle: CYCLE, ...options };
  const { json, text, code } = await command!.act!(it.context as App, [file], given);
  return { found: json as Found, text, code };
};
let serial = 0;
const claim = (rows: string, name = `claim-${++serial}.csv`) =>
  it.write(name, `Month,Year,OMLP type,Purchase unit,Invoice #,KPI value,Revenue value\n${rows}`);

/** A fault a line, and what it is found to be. */
const LINES: ReadonlyArray<readonly [line: string, cause: string]> = [
  ['5,2019,MOC,2,CM-201905-9003,4,80.00', 'matched'],
  ['5,2019,MOC,10,CM-201905-0024,20,"1,199.60"', 'other-unit'],
  ['5,2019,MOC,7,CM-201905-0049,14,279.93', 'other-weight'],
  ['5,2019,Labs Online,8,CM-201905-0049,16,"1,324.00"', 'other-type'],
  ['8,2019,MOC,4,CM-201905-0049,8,533.32', 'other-month'],
  ['5,2019,MOC,2,CM-201905-9010,4,92.50', 'unexplained'],
  ['5,2019,MOC,5,CM-201905-0999,10,500.00', 'not-received'],
  ['5,2019,MOC,5,,10,500.00', 'no-invoice-number'],
  ['5,2020,MOC,2,CM-202005-9005,4,80.00', 'not-yet-visible'],
  ['4,2019,MOC,20,CM-201904-0018,40,"3,549.00"', 'outside-window'],
  // Another partner's order confirmation: not even that is told.
  ['5,2019,MOC,4,231-202001-1,4,10.00', 'not-received'],
  ['8,2019,MOC,2,CM-201908-9043,4,80.00', 'quarantined'],
  ['5,2019,MOC,2,CM-201905-9012,4,80.00', 'other-customer-number'],
  ['5,2019,MOC,2,CM-201905-9018,4,80.00', 'no-kpi-value'],
  ['5,2019,MOC,2,CM-201905-0001,1,77.77', 'other-partner'],
  ['5,2019,MOC,2,CM-201905-9003,4,80.00', 'duplicate'],
];

describe('on the sample month', () => {
  test('each fault of a claim is told by its cause, the causes add up, and all of it is in the workbook', async () => {
    const { found, text, code } = await run(await claim(LINES.map(([line]) => `${line}\n`).join('')));
    expect(found.lines.slice(0, LINES.length).map(({ cause }) => cause)).toEqual(
      LINES.map(([, cause]) => cause),
    );
    for (const [figure, gaps] of [
      [found.totals.kpi, found.lines.map((line) => line.kpi_gap)],
      [found.totals.revenue, found.lines.map((line) => line.revenue_gap)],
    ] as const)
      expect(sum(gaps)).toBe(figure.gap);
    expect(code).toBe(3);
    expect(text).toContain(found.path);
    const sheets = await readAll(found.path);
    expect([...sheets.keys()]).toEqual(['Summary', 'Causes', 'Evidence lines', 'Evidence files', 'Words']);
    const causes = sheets
      .get('Causes')!
      .slice(1, -1)
      .map(({ cells }) => cells[8]);
    expect(new Set(causes)).toEqual(
      new Set(found.lines.map(({ cause }) => CAUSES.find((entry) => entry.cause === cause)!.title)),
    );
    expect(causes).toHaveLength(found.lines.length);
    if (hasOpenpyxl) {
      const { cells } = openpyxl(found.path).Causes!;
      expect(Object.values(cells).filter(([type]) => type === 'f')).toEqual([]);
      expect(cells[`L${found.lines.length + 2}`]?.[1]).toBe(found.totals.kpi.gap);
    }
  }, 60_000);

  test("of a line that is another partner's nothing is in the workbook but what the claim says", async () => {
    const { found } = await run(await claim('5,2019,MOC,2,CM-201905-0001,1,77.77\n'));
    const [line] = found.lines;
    expect(line).toMatchObject({ cause: 'other-partner', ours: null });
    const owner = /location (\S+), which belongs to partner (\S+) /.exec(line!.support!)!;
    const [known] = await it.rows<{ name: string }>('select name from partner where mpn_id = $1', [owner[2]]);
    const written = JSON.stringify([...(await readAll(found.path))]);
    expect(written).toContain('Not issued to you');
    const evidence = (await readAll(found.path)).get('Evidence lines')!.slice(1);
    expect(evidence.filter(({ cells }) => cells[0] !== 'not claimed')).toEqual([]);
    // Its invoice: customer number, location, partner, amounts.
    for (const secret of ['CM100207', owner[1]!, owner[2]!, known!.name, '1566', '1961.85'])
      expect(written, secret).not.toContain(secret);
  });

  test('the same claim twice gives the same bytes, and changes nothing that is known', async () => {
    const file = await claim('5,2019,MOC,2,CM-201905-9003,4,80.00\n');
    const evidence = [
      await it.write('proof.csv', `${INVOICE}CM-1,2019-05-20,380,USD,CM100200,1,5,500.00,AZ-103T00\n`),
    ];
    const known = () =>
      it.rows(
        'select (select count(*) from change) as changes, (select count(*) from file) as files, (select count(*) from line) as lines',
      );
    const before = await known();
    const first = await readFile((await run(file, { evidence })).found.path);
    expect(first.equals(await readFile((await run(file, { evidence })).found.path))).toBe(true);
    expect(await known()).toEqual(before);
    const runs = await it.rows(
      `select outcome, cycle from run where job = 'reconcile' order by id desc limit 1`,
    );
    expect(runs).toMatchObject([{ cycle: CYCLE }]);
  });

  test('a claim that agrees asks nobody: exit 0', async () => {
    const { text, code } = await run(await claim('5,2019,MOC,2,CM-201905-9003,4,80.00\n'));
    expect(code).toBe(0);
    expect(text).toContain('Matched');
  });

  test('a figure that could not be compared is not called as claimed, and the sums show it', async () => {
    const given = await run(
      await claim('5,2019,MOC,2,CM-201905-9003,4,1.234\n5,2019,MOC,2,CM-201905-9003,4,2.345\n'),
    );
    expect(given.text).not.toMatch(/as claimed|are the same/);
    expect(given.text).toMatch(/month +KPI claimed +not compared +in the report +difference/);
    expect(given.text).toContain('2 figures could not be read or were left empty, and were not compared.');
    expect(given.found.lines[0]).toMatchObject({
      cause: 'matched',
      says: 'Invoice CM-201905-9003 is in the report with the figures that were compared. The revenue of the claimed line was left empty or cannot be read, and was not compared.',
    });
    const [summary] = [(await readAll(given.found.path)).get('Summary')];
    expect(JSON.stringify(summary)).toContain('8 KPI and no readable figure of revenue');
    expect(JSON.stringify(summary)).not.toContain('as claimed');
  });

  test('a line without any figure is found, and says that it was not compared', async () => {
    const { found, text } = await run(
      await claim('5,2019,MOC,,CM-201905-9003,,\nMarzo,2019,MOC,1,A-1,1,1\n'),
    );
    expect(found.lines[0]!.says).toMatch(
      /^Invoice CM-201905-9003 is in the report\. The purchase units, KPI value and revenue of the claimed line were left empty/,
    );
    expect(text).toContain(
      'The line that could be read is in the report. 3 figures could not be read or were left empty, and were not compared. 1 more row of the file cannot be answered',
    );
    expect(text).toContain('1 claimed line of');
  });

  test('one line of several is told as that line, and one claimed line as one', async () => {
    const { found, text } = await run(await claim('5,2019,MOC,10,CM-201905-0024,20,"1,199.60"\n'));
    expect(found.lines[0]!.says).toBe(
      'The line of SKU AZ-103T00 on invoice CM-201905-0024 holds 8 purchase units; the claim says 10.',
    );
    expect(text).toContain('The line that you claimed is not in the report as claimed.');
  });

  test('a number that begins with a word for it, and is known so, stays as it is', async () => {
    const known = await it.write(
      'worded.csv',
      `${INVOICE}Fatura No B-7,2019-05-20,380,USD,CM100200,1,5,500.00,AZ-103T00\n`,
    );
    await ingestAll(it.context, [known]);
    const { found } = await run(await claim('5,2019,MOC,5,Fatura No B-7,10,500.00\n'));
    expect(found.lines[0]!.says).toMatch(/^Invoice Fatura No B-7 was received or settled after/);
  });

  test('cells that cannot be read are told, and the other lines answered: exit 3', async () => {
    const { found, text, code } = await run(
      await claim('5,2019,MOC,2,CM-201905-9003,4,80.00\nMarzo,2019,MOC,2,CM-201905-9003,4,80.00\n'),
    );
    expect(code).toBe(3);
    expect(found.lines[0]).toMatchObject({ cause: 'matched' });
    expect(text).toMatch(/Row 3, Month: "Marzo" cannot be read/);
    expect([...(await readAll(found.path)).keys()]).toContain('Left out');
  });
});

describe('evidence passes the gate', () => {
  const line = '5,2019,MOC,5,CM-201905-0999,10,500.00\n';
  const proof = async (code: string, number = 'CM-201905-0999') =>
    it.write(
      `${++serial}/${code}.csv`,
      `${INVOICE}${number},2019-05-20,${code},USD,CM100200,1,5,500.00,AZ-103T00\n`,
    );

  test('an invoice that was not received is found in it: operations are asked to take it in', async () => {
    const file = await proof('380');
    const { found, text, code } = await run(await claim(line), { evidence: [dirname(file)] });
    expect(found.lines[0]).toMatchObject({
      cause: 'not-received',
      says: expect.stringContaining('that you sent has it'),
    });
    expect(text).toContain(`For you only: row 2, CM-201905-0999, Not received: lkp ingest ${file}\n`);
    expect(code).toBe(3);
    const [, sent] = (await readAll(found.path)).get('Evidence files')!;
    expect(sent!.cells.slice(1, 5)).toEqual(['CM-201905-0999', '380', '1', 'an invoice']);
  });

  test.each([
    '231',
    '320',
  ])('an order confirmation, type %s, is refused by its name and the rule', async (type) => {
    const { found, text, code } = await run(await claim(line), { evidence: [await proof(type)] });
    expect(found.evidence[0]!.refused).toMatch(
      new RegExp(
        `It is an order confirmation \\(type ${type}, .*\\): rule not-an-invoice\\. Only actual invoices count`,
      ),
    );
    expect(text).toContain('Refused as evidence: ');
    expect(found.lines[0]).toMatchObject({ cause: 'not-an-invoice' });
    expect(code).toBe(3);
  });

  test('an invoice that cannot be taken is called an invoice, with what is wrong with it', async () => {
    const rows = `${INVOICE}CM-201905-0999,2019-02-30,380,USD,CM100200,1,5,500.00,AZ-103T00\n`;
    const { found } = await run(await claim(line), { evidence: [await it.write('wrong.csv', rows)] });
    expect(found.lines[0]).toMatchObject({
      cause: 'rejected',
      says: expect.stringMatching(
        /is in the file wrong\.csv that you sent, and cannot be taken\. .*"2019-02-30"/,
      ),
    });
  });

  test('an OrderResponse in UBL is refused by its name', async () => {
    const file = await it.write(
      'confirmation.xml',
      '<?xml version="1.0" encoding="UTF-8"?>\n<OrderResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2"/>\n',
    );
    const { found } = await run(await claim(line), { evidence: [file] });
    expect(found.evidence[0]!.refused).toMatch(/OrderResponse \(UBL\), an order confirmation/);
    const written = JSON.stringify([...(await readAll(found.path))]);
    expect(written).toContain(
      'Not taken as evidence: confirmation.xml is an OrderResponse (UBL), an order confirmation.',
    );
  });

  test('an order confirmation that was ingested before is refused too, and no file of ours is named', async () => {
    const evidence = [
      await it.write('oc.csv', await readFile(join(SAMPLES, 'invoices/order-confirmation.csv'))),
    ];
    const { found, code } = await run(await claim('5,2019,MOC,4,231-202001-1,4,10.00\n'), { evidence });
    expect(found.evidence[0]!.refused).toMatch(
      /^oc\.csv has nothing that counts\. It is an order confirmation \(type 231, .*\): rule not-an-invoice/,
    );
    expect(found.lines[0]).toMatchObject({ cause: 'not-an-invoice' });
    expect(code).toBe(3);
    const written = JSON.stringify([...(await readAll(found.path))]);
    expect(written).not.toContain('order-confirmation.csv');
  });

  test('of a file that was ingested before, each document has the verdict that it had', async () => {
    const sent = join(SAMPLES, 'invoices/marketplace-2019-05.csv');
    const evidence = [await it.write('sent.csv', await readFile(sent))];
    // Another partner's invoice, with neither its month nor its figures.
    const { found, code } = await run(await claim('8,2019,MOC,2,CM-201905-0001,1,77.77\n'), { evidence });
    const verdicts = found.evidence[0]!.documents;
    const [stored] = await it.rows<{ lines: number }>(`select lines_in as lines from file where name = $1`, [
      'marketplace-2019-05.csv',
    ]);
    expect(verdicts.reduce((lines, one) => lines + one.lines, 0)).toBe(stored!.lines);
    expect(new Set(verdicts.map(({ treatment }) => treatment))).toContain('reversal');
    expect(found.lines[0]).toMatchObject({
      cause: 'not-received',
      says: expect.stringContaining('is in the file sent.csv that you sent, which we have'),
      support: null,
    });
    expect(code).toBe(0);
    expect(JSON.stringify((await readAll(found.path)).get('Evidence files'))).toContain('We have it already');
  });

  test('a withdrawn invoice that is sent again is ours to take in', async () => {
    const file = await proof('380', 'CM-201905-0888');
    await ingestAll(it.context, [file]);
    await withdrawFile(it.context, '380.csv', 'a trial');
    const lines = await claim(line.replace('0999', '0888'));
    const before = await run(lines);
    expect(before.found.lines[0]).toMatchObject({
      cause: 'superseded',
      what_to_do: 'Please send the invoice again if it should count.',
    });
    const { found, code } = await run(lines, { evidence: [file] });
    expect(found.lines[0]).toMatchObject({
      cause: 'superseded',
      says: expect.stringContaining('The file 380.csv that you sent has it.'),
      what_to_do: 'Nothing to do: we take the file in, and the line then counts with the next report.',
      support: `lkp ingest ${file}`,
    });
    expect(code).toBe(3);
  });

  test('a file that is not there changes nothing', async () => {
    await expect(run(await claim(line), { evidence: ['nowhere.xml'] })).rejects.toMatchObject({
      code: 'request',
    });
  });
});

describe('refused', () => {
  const one = '5,2019,MOC,2,CM-201905-9003,4,80.00\n';
  test.each<[what: string, options: Options, says: RegExp]>([
    ['no partner', { partner: undefined }, /lkp reconcile claim\.xlsx --partner 1234567 --cycle 2020-01/],
    ['no cycle', { cycle: undefined }, /for a partner and a cycle/],
    ['an unknown partner', { partner: '9999999' }, /No partner with the MPN ID 9999999 is known/],
    ['a location', { partner: '5200003' }, /5200003 is a location of partner 4100101/],
    [
      'a cycle that was not refreshed',
      { cycle: '2020-04' },
      /Cycle 2020-04 has not been refreshed. Run lkp refresh 2020-04/,
    ],
    ['a future cycle', { cycle: '2021-01' }, /lies in the future/],
  ])('%s', async (_, options, says) => {
    await expect(run(await claim(one), options)).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(says),
    });
  });

  test('a file of two partners, with which; locations of the partner are its own', async () => {
    const header = 'MPN ID,Month,Year,OMLP type,Purchase unit,Invoice #,KPI value,Revenue value\n';
    const own = await it.write('own.csv', `${header}4100101,${one}5200003,${one}`);
    expect((await run(own)).found.lines).not.toHaveLength(0);
    const two = await it.write('two.csv', `${header}4100101,${one}4100118,${one}`);
    await expect(run(two)).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(
        /^two\.csv names the MPN IDs 4100101 \(row 2\), 4100118 \(row 3\); 4100118 is neither 4100101 nor a location of it\. .*split the file by partner/,
      ),
    });
  });

  test('a place for the workbook that is none, or that holds what the partner sent', async () => {
    const [file, proof] = [await claim(one), await it.write('proof-of.csv', INVOICE)];
    const folder = dirname(file);
    const [linked, same] = [join(folder, 'linked.xlsx'), join(folder, 'same.xlsx')];
    await symlink(file, linked);
    await link(proof, same);
    for (const [out, says] of [
      [folder, /is a folder; the workbook is a file\. Name a file in it/],
      [join(folder, 'new/'), /is a folder/],
      [join(folder, 'x.pdf'), /does not end in \.xlsx; .*Name such a file: --out .*x\.xlsx/],
      [file, /is the file .* which came from the partner/],
      [`${folder}/../${folder.split('/').at(-1)}/linked.xlsx`, /is the file .* which came from the partner/],
      [proof, /is the file .*proof-of\.csv, which came/],
      [same, /is the file .*proof-of\.csv, which came/],
    ] as const) {
      await expect(run(file, { evidence: [proof], out })).rejects.toMatchObject({
        code: 'request',
        message: expect.stringMatching(says),
      });
    }
    expect(await readFile(file, 'utf8')).toContain(one);
  });

  test('an invoice in place of a claim', async () => {
    const file = fileURLToPath(new URL('cases/reconcile/an-order-response/claim.xml', import.meta.url));
    await expect(run(file)).rejects.toMatchObject({ code: 'request' });
  });
});

/** Every cause once, and texts that a spreadsheet or a reader must not take for more than text. */
describe('the workbook', () => {
  const HOSTILE = '=HYPERLINK("http://x.test","y")';
  const gap = { claimed: '46', notStated: '0', ours: '0', gap: '46', byCause: [], unexplained: '0' };
  const claimed = {
    row: 2,
    kpiMonth: '2019-05',
    omlpType: HOSTILE,
    purchaseUnit: '1',
    invoice: '+cmd',
    kpiValue: '2',
    revenueValue: '2',
  };
  const lines = CAUSES.map(({ cause }) => ({
    month: '2019-05',
    claimed,
    ours: null,
    cause,
    says: `@${cause}\u202e\u0000`,
    whatToDo: '',
    kpiGap: '2',
    revenueGap: '2',
    evidence: null,
    date: null,
    support: 'for the house only',
  }));
  const counts = CAUSES.map(({ cause }) => ({ cause, lines: 1 }));
  const answer: Answer = {
    partner: { mpnId: '1', name: HOSTILE },
    cycle: '2020-05',
    revision: 1,
    knownAt: '2020-05-15T00:00:00Z',
    window: { from: '2019-05', to: '2020-04' },
    currency: 'USD',
    lines,
    unanswered: 1,
    months: [{ month: '2019-05', kpi: gap, revenue: gap, lines: counts }],
    totals: { kpi: gap, revenue: gap, lines: counts },
  };
  const read: ReadClaim = {
    ...{
      name: HOSTILE,
      sha256: 'ab',
      partners: [],
      named: [],
      lines: [claimed],
      ignored: [HOSTILE],
      currencies: ['EUR'],
    },
    leftOut: [{ row: 3, what: 'total', seen: HOSTILE }],
    unreadable: [{ row: 4, field: 'Month', seen: HOSTILE, wanted: 'a month' }],
  };

  test('every cause has its title, its meaning, and no formula comes of any text; what is for the house stays there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lkp-answer-'));
    try {
      const path = join(folder, 'answer.xlsx');
      await it.context.workbooks.write(
        path,
        answerBook({ answer, claim: read, evidence: [], files: new Map() }),
      );
      const sheets = await readAll(path);
      const causes = sheets
        .get('Causes')!
        .slice(1)
        .map(({ cells }) => cells[8]);
      const words = JSON.stringify(sheets.get('Words'));
      for (const { cause, title } of CAUSES) {
        expect(causes).toContain(title);
        expect(words).toContain(JSON.stringify(MEANINGS[cause]).slice(1, -1));
      }
      expect(JSON.stringify([...sheets])).not.toContain('for the house only');
      if (hasOpenpyxl)
        for (const { cells } of Object.values(openpyxl(path)))
          expect(Object.values(cells).filter(([type]) => type === 'f')).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
