import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refresh } from '../src/kpi/refresh.ts';
import type { Answer, Claim, ClaimLine, EvidenceFile } from '../src/reconcile/answer.ts';
import { CAUSES } from '../src/reconcile/causes.ts';
import { type Claimed, type Hidden, matchInvoice } from '../src/reconcile/match.ts';
import { solve } from '../src/reconcile/solve.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { draw, failuresOf, partnersOf, takeIn, told } from './reconcile/check.ts';
import { CYCLE, OF_THE_CLAIM, OF_THE_DATA } from './reconcile/world.ts';

/** `npm run claims` looks at other claims, and at hundreds of them. */
const CLAIMS = 20;
const FIRST_SEED = 1;
const PARTNERS = partnersOf(FIRST_SEED, CLAIMS);
const { drawn, cells } = draw(PARTNERS);

let held: TestContext;
beforeAll(async () => {
  held = await testContext({ now: '2023-10-20T10:00:00.000Z' });
  await takeIn(held.context, dirname(await held.write('here', '')), PARTNERS);
}, 60_000);
afterAll(() => held.drop());

const claimOf = (lines: ReadonlyArray<Partial<ClaimLine>>): Claim => ({
  name: 'claim.csv',
  sha256: '',
  partners: [],
  lines: lines.map((line, index) => ({
    row: index + 2,
    kpiMonth: '2023-02',
    omlpType: 'MOC',
    purchaseUnit: '1',
    invoice: 'NEVER-1',
    kpiValue: '1',
    revenueValue: '10',
    ...line,
  })),
  leftOut: [],
  unreadable: [],
});

const ask = (
  lines: ReadonlyArray<Partial<ClaimLine>>,
  evidence: readonly EvidenceFile[] = [],
  partner = PARTNERS[0]!.mpnId,
  cycle = CYCLE,
): Promise<Answer> =>
  held.context.db.transaction('reconcile', (tx) =>
    solve(tx, held.context, claimOf(lines), { partner, cycle, evidence }),
  );

/** A claimed line that the report shows, of an invoice that has no other; and whose it is. */
function single(): { line: ClaimLine; mpnId: string } {
  const bare = (invoice: string): string => invoice.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const [found] = drawn.flatMap(({ claim, causes, partner }) =>
    claim.lines
      .filter(({ row }) => causes.get(row) === 'matched')
      .filter(
        ({ invoice }) =>
          partner.written.filter(({ line }) => bare(line.number) === bare(invoice)).length === 1,
      )
      .filter(
        ({ purchaseUnit, kpiValue, revenueValue }) => purchaseUnit && Number(kpiValue) > 10 && revenueValue,
      )
      .map((line) => ({ line, mpnId: partner.mpnId })),
  );
  return found!;
}

test(`${CLAIMS} claims with 0 to 12 faults: each is found, its cause is the planted one, and the causes add up`, async () => {
  for await (const failure of failuresOf(held.context, drawn, cells)) expect.fail(told(failure));
  const planted = new Set(drawn.flatMap(({ faults }) => faults));
  expect([...OF_THE_CLAIM, ...OF_THE_DATA].filter((fault) => !planted.has(fault))).toEqual([]);
}, 60_000);

test('docs/reconcile.md lists the causes in their order', () => {
  const text = readFileSync(new URL('../docs/reconcile.md', import.meta.url), 'utf8');
  const listed = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, cause]) => cause);
  expect(listed).toEqual(CAUSES.map(({ cause }) => cause));
});

test('an invoice number is one however it is written', async () => {
  const keys = (numbers: string[]) =>
    held.rows<{ key: string }>(
      'select invoice_key(given.number) as key from unnest($1::text[]) with ordinality as given (number, at) order by at',
      [numbers],
    );
  const same = [
    '42',
    '#00 42',
    'inv-42',
    'Invoice No. 42',
    'INV/0042',
    'NO42',
    '0042',
    '\uff14\uff12',
    ' 4\u20132\ufeff',
  ];
  expect((await keys(same)).map(({ key }) => key)).toEqual(same.map(() => '42'));
  const apart = ['L0042', 'L42', 'INVERNESS-1', 'INVERNESS-01', '0', ''];
  expect((await keys(apart)).map(({ key }) => key)).toEqual([
    'L0042',
    'L42',
    'INVERNESS1',
    'INVERNESS01',
    '0',
    '',
  ]);
});

test("another partner's invoice of the same number explains nothing in another month and with other figures", () => {
  const figures = { units: '1', kpi: '1', revenue: '10' };
  const claimed: Claimed = {
    ...figures,
    line: claimOf([{}]).lines[0]!,
    month: '2023-02',
    typeKey: 'MOC',
    digits: { units: 0, kpi: 0, revenue: 0 },
  };
  const theirs = (row: Partial<Hidden>): Hidden => ({
    ...figures,
    kpiMonth: '2023-05',
    typeKey: 'MOC',
    whose: 'other',
    cause: 'other-partner',
    units: '7',
    ...row,
  });
  const explained = (row: Partial<Hidden>): number => matchInvoice([claimed], [], [theirs(row)]).found.length;
  expect(explained({})).toBe(0);
  expect(explained({ kpiMonth: '2023-02' })).toBe(1);
  expect(explained({ units: '1' })).toBe(1);
  expect(explained({ whose: 'own', cause: 'rejected' })).toBe(1);
});

describe('evidence', () => {
  const document = {
    number: 'never 1',
    typeCode: '231',
    rule: 'not-an-invoice',
    seen: '231 Purchase order response',
  };

  test('an order confirmation is no evidence, and is named', async () => {
    const file = { file: 'order.xml', documents: [{ ...document, treatment: 'refuse' as const }] };
    const [line] = (await ask([{}], [file])).lines;
    expect(line).toMatchObject({ cause: 'not-an-invoice', evidence: { file: 'order.xml', row: null } });
    expect(line!.says).toContain('231 Purchase order response');
  });

  test('an invoice is: it is not received yet, and the answer says where it is', async () => {
    const taken = { ...document, rule: null, seen: null, typeCode: '380', treatment: 'accept' as const };
    const [line] = (await ask([{}], [{ file: 'invoice.xml', documents: [taken] }])).lines;
    expect(line).toMatchObject({ cause: 'not-received', evidence: { file: 'invoice.xml', row: null } });
    expect(line!.says).toContain('invoice.xml');
  });
});

test('what never came says when it could have shown at all', async () => {
  const { lines } = await ask([{ kpiMonth: '2023-10' }, { kpiMonth: '2021-01' }, { kpiMonth: '2023-02' }]);
  const said = lines.filter(({ claimed }) => claimed).map(({ says }) => says);
  expect(said[0]).toContain('2023-11-15');
  expect(said[1]).toContain('does not go back to 2021-01');
  expect(said[2]).toBe('We have not received invoice NEVER-1.');
});

test('a line of ours that the claim has in parts is matched, and no gap', async () => {
  const { line, mpnId } = single();
  const [one, rest] = [String(Number(line.kpiValue) - 1), '1'];
  const parts = [
    { ...line, purchaseUnit: null, revenueValue: null, kpiValue: one },
    { ...line, purchaseUnit: null, revenueValue: line.revenueValue, kpiValue: rest },
  ];
  const answer = await ask(parts, [], mpnId);
  const claimed = answer.lines.filter((entry) => entry.claimed);
  expect(claimed.map(({ cause, kpiGap, revenueGap }) => [cause, kpiGap, revenueGap])).toEqual([
    ['matched', '0', '0'],
    ['matched', '0', '0'],
  ]);
});

test('thousands of lines under one number are answered, and add up', async () => {
  const { line, mpnId } = single();
  const { invoice, kpiMonth, omlpType } = line;
  const many = Array.from({ length: 3_000 }, (_, index) => ({
    invoice,
    kpiMonth,
    omlpType,
    kpiValue: `${index}.25`,
    revenueValue: `${index}.01`,
  }));
  const { months, lines } = await ask(many, [], mpnId);
  expect(lines.filter(({ claimed }) => claimed)).toHaveLength(3_000);
  // months.ts throws where causes and gap differ; what was claimed is known here
  expect(months.map(({ kpi }) => kpi.claimed)).toEqual([String((2_999 * 3_000) / 2 + 750)]);
});

test.each([
  ['a location', `71${PARTNERS[0]!.mpnId.slice(2)}`, CYCLE, `name ${PARTNERS[0]!.mpnId}`],
  ['a stranger', '9999999', CYCLE, 'No partner with the MPN ID 9999999'],
  ['another cycle', PARTNERS[0]!.mpnId, '2023-08', 'lkp refresh 2023-08'],
])('%s is refused with the next step', async (_, partner, cycle, words) => {
  await expect(ask([{}], [], partner, cycle)).rejects.toThrow(words);
});

test('a claim without a line that can be answered is refused', async () => {
  await expect(ask([])).rejects.toThrow('claim.csv has no line');
});

test('what was received since is in the report after a restatement', async () => {
  const { partner, claim, causes } = drawn.find((one) =>
    [...one.causes.values()].includes('received-since'),
  )!;
  const line = claim.lines.find(({ row }) => causes.get(row) === 'received-since')!;
  expect((await ask([line], [], partner.mpnId)).lines[0]!.cause).toBe('received-since');
  await refresh(held.context, CYCLE, { restate: true, reason: 'late invoices' });
  const answer = await ask([line], [], partner.mpnId);
  expect([answer.revision, answer.lines[0]!.cause]).toEqual([2, 'matched']);
});
