import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ingestFile } from '../src/invoice/ingest.ts';
import { loadReference } from '../src/reference/load.ts';
import { oneAtATime } from '../src/staging.ts';
import { type TestContext, testContext } from './harness/context.ts';

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
});
afterAll(() => it.drop());

describe('columns that together are too long for a row of the database refuse the file in plain words', () => {
  const COLUMNS = 600;
  const REFUSED = {
    status: 'refused',
    reason: expect.stringMatching(
      /^Below the header \(row 1\) there is a row whose 60\d columns together are too long .*Leave out the columns that nobody needs\.$/,
    ),
  };
  const wide = (header: string, row: string): string => {
    const names = Array.from({ length: COLUMNS }, (_, index) => `extra ${index}`);
    const cells = names.map((_, index) => `${index}`.padStart(19, 'x'));
    return `${header},${names.join(',')}\n${row},${cells.join(',')}\n`;
  };

  test('invoices', async () => {
    const file = await it.write(
      'wide.csv',
      wide(
        'Invoice number,Issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,BT-155',
        'A-1,2019-05-02,380,EUR,C100,1,1,5,MOC-1',
      ),
    );
    expect(await ingestFile(it.context, file)).toMatchObject(REFUSED);
  });

  test('a file that no profile knows gets no proposal', async () => {
    const file = await it.write('strange.csv', wide('Invoice No,Date,Amount', 'A-1,2019-05-02,5'));
    const result = await ingestFile(it.context, file);
    expect(result).toMatchObject({ status: 'refused', reason: expect.stringContaining('No header') });
    expect(result.proposal).toBeUndefined();
  });

  test('reference data', async () => {
    const file = await it.write('partners.csv', wide('mpn_id,name,country', '1000001,Contoso,DE'));
    expect(await loadReference(it.context, 'partners', file)).toMatchObject(REFUSED);
  });
});

test('an ingest that waits in vain for another one says so', async () => {
  await it.context.db.transaction('test', async (tx) => {
    await oneAtATime(tx);
    const waits = it.context.db.transaction('test', async (other) => {
      await other.rows(`set local lock_timeout = '50ms'`);
      await oneAtATime(other);
    });
    await expect(waits).rejects.toMatchObject({
      name: 'LkpError',
      code: 'machine',
      message: expect.stringMatching(/^Another ingest .* more than 5 minutes.* Wait .* repeat\.$/),
    });
  });
});
