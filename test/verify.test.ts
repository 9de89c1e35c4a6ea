import { appendFile, mkdir, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { storedPath } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { withdrawFile } from '../src/invoice/withdraw.ts';
import { type Verified, verifyStore } from '../src/keeping/store.ts';
import { refresh } from '../src/kpi/refresh.ts';
import { loadReference } from '../src/reference/load.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { lkp, type Ran } from './harness/lkp.ts';

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";

let it: TestContext;
beforeEach(async () => {
  it = await testContext();
});
afterEach(() => it.drop());

/** Takes in one invoice of a month; returns where its bytes are stored. */
async function invoice(name: string, month: string): Promise<string> {
  const path = await it.write(name, `${HEADER}${name},${month}-02,380,EUR,C100,1,2,20.00,MOC-1\n`);
  const { status, sha256 } = await ingestFile(it.context, path);
  expect(status).toBe('ingested');
  return storedPath(it.home, sha256);
}
const verify = (...args: string[]): Promise<Ran> =>
  lkp(['verify', ...args], { home: it.home, env: { DATABASE_URL: it.url } });
const states = ({ damaged }: Verified) =>
  Object.fromEntries(damaged.map(({ names, state }) => [names.join(), state]));

test('a store that is whole: exit 0; nothing is changed by looking', async () => {
  await invoice('a.csv', '2019-05');
  const partners = await it.write('partners.csv', 'mpn_id,name,country\n1234567,Contoso,US\n');
  expect(await loadReference(it.context, 'partners', partners)).toMatchObject({ status: 'loaded' });
  const ran = await verify('--json');
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.json()).toEqual({ files: 2, bytes: expect.any(Number), damaged: [], pruned: [], left_over: [] });
  expect((await verify()).stdout).toMatch(/^2 stored files \(\d+ bytes\) were read: all are whole\.\n$/);
});

test('a flipped bit, a truncation, bytes too many and a missing file are each named, with what to do', async () => {
  const paths = new Map<string, string>();
  for (const name of ['flipped.csv', 'cut.csv', 'longer.csv', 'gone.csv', 'folder.csv', 'whole.csv'])
    paths.set(name, await invoice(name, '2019-05'));
  const at = (name: string) => paths.get(name)!;

  const flipped = await open(at('flipped.csv'), 'r+');
  const byte = Buffer.alloc(1);
  await flipped.read(byte, 0, 1, 40);
  byte[0]! ^= 1;
  await flipped.write(byte, 0, 1, 40);
  await flipped.close();
  const { size } = await stat(at('cut.csv'));
  await truncate(at('cut.csv'), size - 1);
  await appendFile(at('longer.csv'), '\n');
  await rm(at('gone.csv'));
  await rm(at('folder.csv'));
  await mkdir(at('folder.csv'));

  const ran = await verify('--json');
  expect(ran.code).toBe(1);
  const found = ran.json<Verified>();
  expect(found.files).toBe(6);
  expect(states(found)).toEqual({
    'flipped.csv': 'altered',
    'cut.csv': 'truncated',
    'longer.csv': 'altered',
    'gone.csv': 'missing',
    'folder.csv': 'unreadable',
  });
  const cut = found.damaged.find(({ names }) => names[0] === 'cut.csv')!;
  expect(cut.reason).toContain(`only ${size - 1} of its ${size} bytes`);
  expect(cut.reason).toContain(`at ${at('cut.csv')}`);
  expect(at('cut.csv')).toContain(cut.sha256);
  const text = await verify();
  expect(text.code).toBe(1);
  expect(text.stdout).toMatch(/^6 stored files .* were read: 5 are damaged\.$/m);
  expect(text.stdout).toMatch(
    /^gone\.csv \(invoices, sha256 [0-9a-f]{64}\): its bytes are not in the store\./m,
  );

  // The sender's copy in its place, and all is well again.
  for (const name of ['flipped.csv', 'cut.csv', 'longer.csv', 'gone.csv', 'folder.csv']) {
    await rm(at(name), { recursive: true, force: true });
    await writeFile(at(name), `${HEADER}${name},2019-05-02,380,EUR,C100,1,2,20.00,MOC-1\n`);
  }
  expect((await verify()).code).toBe(0);
});

test('a damaged file says in which cycles its rows are, a withdrawn one too', async () => {
  const path = await invoice('may.csv', '2019-05');
  await refresh(it.context, '2019-06');
  await refresh(it.context, '2020-05');
  await withdrawFile(it.context, 'may.csv', 'wrong');
  await invoice('late.csv', '2020-05');
  await refresh(it.context, '2020-06');
  await rm(path);
  expect((await verifyStore(it.context)).damaged).toMatchObject([
    { names: ['may.csv'], state: 'missing', cycles: ['2019-06', '2020-05'] },
  ]);
});

test('bytes that nothing refers to are named as left over, and are no failure', async () => {
  const path = await invoice('a.csv', '2019-05');
  const stray = storedPath(it.home, 'ab'.repeat(32));
  await mkdir(join(stray, '..'), { recursive: true });
  await writeFile(stray, 'x');
  await writeFile(join(path, '..', 'notes.txt'), 'x');
  await writeFile(join(it.home, 'store', 'tmp', 'copy under way'), 'x');
  const ran = await verify('--json');
  expect(ran.code).toBe(0);
  const short = path.slice(join(it.home, 'store').length + 1, -64);
  expect(ran.json<Verified>().left_over.sort()).toEqual(
    [`${short}notes.txt`, `ab/${'ab'.repeat(32)}`].sort(),
  );
});

test('nothing taken in, no store: whole', async () => {
  expect(await verifyStore(it.context)).toEqual({
    files: 0,
    bytes: 0,
    damaged: [],
    pruned: [],
    left_over: [],
  });
});

test('a stored file that cannot be read is named', async () => {
  const path = await invoice('a.csv', '2019-05');
  await rm(path);
  await mkdir(path);
  expect((await verifyStore(it.context)).damaged).toMatchObject([{ state: 'unreadable', names: ['a.csv'] }]);
});
