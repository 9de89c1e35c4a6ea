import { appendFile, mkdir, open, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ingest } from '../jobs/ingest.ts';
import { MovingFile } from '../src/files.ts';
import { ingestFile } from '../src/invoice/ingest.ts';
import { ingestAll, sweepInbox } from '../src/invoice/sweep.ts';
import { WHOLE } from '../src/job.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { lkp } from './harness/lkp.ts';

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";
const row = (number: number | string) => `A-${number},2019-05-02,380,EUR,C100,1,2,20.00,MOC-1\n`;

let it: TestContext;
let inbox: string;
const at = (name: string) => join(inbox, name);

async function openWith(stable: string, wait: string): Promise<void> {
  it = await testContext({ settings: { LKP_INBOX_STABLE_SECONDS: stable, LKP_INBOX_WAIT_SECONDS: wait } });
  inbox = it.context.settings.inbox;
  await mkdir(inbox, { recursive: true });
}
afterEach(() => it.drop());

const statuses = async () => {
  const { files } = await sweepInbox(it.context);
  return files.map(({ name, status, lines_in }) => [name, status, lines_in]);
};

describe('the sweep of the inbox', () => {
  beforeEach(() => openWith('1', '60'));

  test('an empty inbox, or none, is no work and no wait', async () => {
    expect(await sweepInbox(it.context)).toMatchObject({ files: [], left_alone: [] });
    await rm(inbox, { recursive: true });
    expect(await sweepInbox(it.context)).toMatchObject({ files: [], left_alone: [] });
  });

  test('a file that a slow sender writes, pauses and goes on with is taken in once, whole', async () => {
    await writeFile(at('whole.csv'), HEADER + row('whole'));
    const sender = (async () => {
      const file = await open(at('slow.csv'), 'w');
      await file.write(HEADER);
      for (let number = 1; number <= 12; number += 1) {
        await file.write(row(number));
        await setTimeout(number === 6 ? 350 : 120);
      }
      await file.close();
    })();
    const [swept] = await Promise.all([statuses(), sender]);
    expect(swept).toEqual([
      ['whole.csv', 'ingested', 1],
      ['slow.csv', 'ingested', 12],
    ]);
    expect(await it.rows('select name, lines_in from file order by id')).toEqual([
      { name: 'whole.csv', lines_in: 1 },
      { name: 'slow.csv', lines_in: 12 },
    ]);
  });

  test('a file whose size stays and whose bytes change is still arriving', async () => {
    // As where a sender makes room for the whole file first.
    const text = HEADER + row(1) + row(2);
    await writeFile(at('made.csv'), ' '.repeat(text.length));
    const sender = (async () => {
      const file = await open(at('made.csv'), 'r+');
      for (let done = 0; done < text.length; done += 60) {
        await file.write(text.slice(done, done + 60), done);
        await setTimeout(200);
      }
      await file.close();
    })();
    const [swept] = await Promise.all([statuses(), sender]);
    expect(swept).toEqual([['made.csv', 'ingested', 2]]);
  });

  test('a .part is waited for, and taken in under the name that it gets', async () => {
    await writeFile(at('later.csv.part'), HEADER);
    const sender = (async () => {
      await setTimeout(700);
      await appendFile(at('later.csv.part'), row(1));
      await rename(at('later.csv.part'), at('later.csv'));
    })();
    const [swept] = await Promise.all([statuses(), sender]);
    expect(swept).toEqual([['later.csv', 'ingested', 1]]);
  });

  test('a file that is taken away again while it is looked at is no work', async () => {
    await writeFile(at('gone.csv'), HEADER + row(1));
    const sender = setTimeout(150).then(() => rm(at('gone.csv')));
    const [report] = await Promise.all([sweepInbox(it.context), sender]);
    expect(report).toMatchObject({ files: [], left_alone: [] });
  });

  test('an old mtime proves nothing: two looks do', async () => {
    await writeFile(at('old.csv'), HEADER + row(1));
    await utimes(at('old.csv'), 1_500_000_000, 1_500_000_000);
    const sender = setTimeout(100).then(() => appendFile(at('old.csv'), row(2)));
    const [swept] = await Promise.all([statuses(), sender]);
    expect(swept).toEqual([['old.csv', 'ingested', 2]]);
  });
});

describe('what is not done in time', () => {
  beforeEach(() => openWith('0.5', '1.5'));

  test('is left alone and named, the rest is taken in; once it is stable, the next sweep takes it', async () => {
    await writeFile(at('whole.csv'), HEADER + row('whole'));
    await writeFile(at('slow.csv'), HEADER);
    await writeFile(at('stuck.csv.PART'), HEADER + row('stuck'));
    let number = 0;
    const sender = setInterval(() => appendFile(at('slow.csv'), row(++number)), 50);
    let first: Awaited<ReturnType<typeof ingest.run>>;
    try {
      first = await ingest.run(it.context, '2019-06', WHOLE);
    } finally {
      clearInterval(sender);
    }
    expect(first.outcome).toBe('asks');
    expect(first.says).toMatch(
      /^1 files, 1 lines in, .*; 2 left alone\. slow\.csv: It still changed after \S+ s .* stuck\.csv\.PART: Its name ends in \.part.* lkp cycle 2019-06 again\.$/,
    );
    expect(await it.rows('select name from file')).toEqual([{ name: 'whole.csv' }]);

    await rm(at('stuck.csv.PART'));
    const second = await ingest.run(it.context, '2019-06', WHOLE);
    expect(second.outcome).toBe('done');
    expect(await it.rows(`select lines_in from file where name = 'slow.csv'`)).toEqual([
      { lines_in: number },
    ]);
  });

  test('what cannot be opened under its name is named', async () => {
    await symlink(at('nowhere.csv'), at('link.csv'));
    await writeFile(
      Buffer.concat([Buffer.from(`${inbox}/caf`), Buffer.from([0xe9]), Buffer.from('.csv')]),
      'x',
    );
    const { left_alone } = await sweepInbox(it.context);
    expect(left_alone.map(({ reason }) => reason.split('.')[0])).toEqual([
      'Its name is not UTF-8, so that it cannot be opened',
      'It is a link to a file that is not there',
    ]);
  });
});

describe('a file that a person names', () => {
  beforeEach(() => openWith('10', '300'));

  test('is refused when it is named .part; nothing is ingested', async () => {
    const whole = await it.write('a.csv', HEADER + row(1));
    const part = await it.write('b.csv.part', HEADER + row(2));
    await expect(ingestAll(it.context, [whole, part])).rejects.toMatchObject({
      code: 'request',
      message: expect.stringMatching(/b\.csv\.part is not ingested\. Its name ends in \.part/),
    });
    expect(await it.rows('select from file')).toEqual([]);
  });

  test('is refused when it changes while it is copied; the others are taken in, and it is when it stands still', async () => {
    const growing = await it.write('a.csv', HEADER + row(1).repeat(600_000));
    const whole = await it.write('b.csv', HEADER + row(2));
    let more = true;
    const sender = (async () => {
      while (more) {
        await appendFile(growing, row(1));
        await setTimeout(1);
      }
    })();
    await expect(ingestFile(it.context, growing)).rejects.toBeInstanceOf(MovingFile);
    const { files } = await ingestAll(it.context, [growing, whole]);
    more = false;
    await sender;
    expect(files.map(({ name, status }) => [name, status])).toEqual([
      ['a.csv', 'refused'],
      ['b.csv', 'ingested'],
    ]);
    expect(files[0]!.reason).toMatch(/changed while it was being read \(\d+ bytes, then \d+\)/);
    expect(await it.rows('select name from file')).toEqual([{ name: 'b.csv' }]);

    // The same number of bytes, written anew.
    const { size } = await stat(growing);
    const rewriting = setInterval(() => utimes(growing, new Date(), new Date()), 1);
    try {
      await expect(ingestFile(it.context, growing)).rejects.toThrow(`(${size} bytes, then ${size})`);
    } finally {
      clearInterval(rewriting);
    }
  });

  test('in a folder, a .part is left alone, named, and exit 3', async () => {
    await it.write('in/a.csv', HEADER + row(1));
    const folder = join(await it.write('in/b.csv.part', HEADER), '..');
    const ran = await lkp(['ingest', folder, '--json'], { home: it.home, env: { DATABASE_URL: it.url } });
    expect(ran.code, ran.stderr).toBe(3);
    expect(ran.json()).toMatchObject({
      files: [{ name: 'a.csv', status: 'ingested' }],
      left_alone: [{ name: 'b.csv.part', reason: expect.stringContaining('.part') }],
    });
    await rm(join(folder, 'a.csv'));
    await expect(ingestAll(it.context, [folder])).rejects.toThrow('has only files named .part');
  });
});

describe('a name is data', () => {
  const WILD = 'in\u202Evsc.\u001B[2J\u009B1m\nall 9 files are whole.csv';

  beforeEach(() => openWith('0', '0'));

  test('that a terminal never sees as it is, and that is kept as it is', async () => {
    const run = (...args: string[]) => lkp(args, { home: it.home, env: { DATABASE_URL: it.url } });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    const wild = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/;
    const shown = 'in\\u202evsc.\\u001b[2J\\u009b1m\\nall 9 files are whole.csv';

    const path = await it.write(WILD, `${HEADER}${row(1)}A-2,2019-05-32,380,EUR,C100,1,2,20.00,MOC-1\n`);
    const ingested = await run('ingest', path);
    expect(ingested.code).toBe(3);
    expect(ingested.stdout).toContain(shown);
    for (const args of [['runs'], ['verify'], ['explain', 'A-1'], ['ingest', path], ['rejects', WILD]]) {
      const { stdout, stderr } = await run(...args);
      expect(stdout + stderr, args[0]).not.toMatch(wild);
      expect(stdout, args[0]).not.toMatch(/^all 9 files/m);
    }
    const missing = await run('ingest', `${path}x`);
    expect(missing.code).toBe(2);
    expect(missing.stderr).not.toMatch(wild);

    const json = await run('ingest', path, '--json');
    expect(json.stdout).not.toMatch(wild);
    expect(json.json<{ files: object[] }>().files).toMatchObject([{ name: WILD }]);
    expect(await it.rows('select name from file')).toEqual([{ name: WILD }]);
  });
});
