import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openEmbedded } from '../src/db/embedded.ts';
import { type TestContext, testContext } from './harness/context.ts';
import { launch, lkp, type Options, type Ran } from './harness/lkp.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const root = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534 };

const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier\n";
const ROW = 'A-1,2019-05-02,380,USD,C100,1,2,20.00,MOC-1\n';

let it: TestContext;
beforeAll(async () => {
  it = await testContext();
});
afterAll(() => it.drop());

const run = (args: readonly string[], options: Options = {}): Promise<Ran> =>
  lkp(args, { home: it.home, ...options, env: { DATABASE_URL: it.url, ...options.env } });

/** One clear sentence: what was seen, what was wanted, what to do. No trace, no words of a library. */
function expectSentence(said: string, mentions: RegExp): void {
  const lines = said.trimEnd().split('\n');
  expect(lines, said).toHaveLength(1);
  expect(said).toMatch(mentions);
  expect(said).toMatch(/\.\n?$/);
  expect(said).not.toMatch(
    /\bat .*:\d+:\d+|Error:|errno|syscall|undefined|\[object|node:internal|unexpected/,
  );
}

/** Every row that commands may leave, apart from the record that a command was given. */
async function facts(): Promise<Record<string, number>> {
  const names = [
    'change',
    'file',
    'document',
    'line',
    'rejection',
    'quarantine',
    'snapshot',
    'month_cell',
    'rule_set',
    'directory_batch',
  ];
  const counts: Record<string, number> = {};
  for (const name of names)
    counts[name] = (await it.rows<{ n: number }>(`select count(*)::int as n from ${name}`))[0]!.n;
  return counts;
}
const stored = (): string[] =>
  existsSync(join(it.home, 'store'))
    ? readdirSync(join(it.home, 'store'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
    : [];

/** Runs it, and checks that the database and the content store are as they were. */
async function leavingNothing(act: () => Promise<Ran>): Promise<Ran> {
  const before = { facts: await facts(), stored: stored() };
  const ran = await act();
  expect({ facts: await facts(), stored: stored() }).toEqual(before);
  return ran;
}

describe('the command cannot be done: exit 2, a sentence on stderr, nothing on stdout', () => {
  test.each<[what: string, args: (folder: string) => readonly string[], mentions: RegExp]>([
    ['a missing file', (folder) => ['ingest', join(folder, 'absent.csv')], /absent\.csv.*Check the path/],
    [
      'a missing file beside a good one',
      (folder) => ['ingest', join(folder, 'good.csv'), join(folder, 'absent.csv')],
      /absent\.csv/,
    ],
    ['a folder without files', (folder) => ['ingest', join(folder, 'empty')], /has no files/],
    [
      'a missing reference file',
      (folder) => ['load', 'partners', join(folder, 'absent.csv')],
      /There is no file .*absent\.csv/,
    ],
    [
      'a folder where a file is wanted',
      (folder) => ['load', 'partners', join(folder, 'empty')],
      /is a folder/,
    ],
    ['a cycle that is none', () => ['refresh', '2020-1'], /"2020-1" is not a cycle.*YYYY-MM/],
    ['an unknown month', () => ['refresh', '2020-13'], /not a cycle/],
    ['a future cycle', () => ['refresh', '2099-12'], /lies in the future.*newest cycle/],
    ['a future cycle of the directory', () => ['directory', 'submit', '2099-12'], /lies in the future/],
    ['a future cycle of all jobs', () => ['cycle', '2099-12'], /lies in the future/],
    [
      'a profile that is not there',
      (folder) => ['ingest', join(folder, 'good.csv'), '--profile', 'retial'],
      /no profile "retial".*canonical/,
    ],
    [
      'a profile file that is not there',
      (folder) => ['ingest', join(folder, 'good.csv'), '--profile', join(folder, 'no.yaml')],
      /no\.yaml cannot be read/,
    ],
    [
      'a profile that is no YAML',
      (folder) => ['ingest', join(folder, 'good.csv'), '--profile', join(folder, 'broken.yaml')],
      /broken\.yaml is not YAML/,
    ],
    [
      'a profile with a mistyped setting',
      (folder) => ['ingest', join(folder, 'good.csv'), '--profile', join(folder, 'mistyped.yaml')],
      /mistyped\.yaml cannot be used.*did you mean date_format\?/,
    ],
    ['a rule set that is no YAML', (folder) => ['rules', 'use', join(folder, 'broken.yaml')], /is not YAML/],
    [
      'a rule set that lacks its parts',
      (folder) => ['rules', 'use', join(folder, 'mistyped.yaml')],
      /mistyped\.yaml cannot be used/,
    ],
    [
      'a rule set to check that lacks its parts',
      (folder) => ['rules', 'check', join(folder, 'mistyped.yaml')],
      /mistyped\.yaml cannot be used/,
    ],
    [
      'a rule set in a Turkish encoding',
      (folder) => ['rules', 'check', join(folder, 'cp1254.yaml')],
      /rule set .*cp1254\.yaml is no UTF-8 text\. Save it as UTF-8 and repeat/,
    ],
    [
      'a profile in UTF-16',
      (folder) => ['ingest', join(folder, 'good.csv'), '--profile', join(folder, 'utf16.yaml')],
      /profile .*utf16\.yaml is no UTF-8 text .*Save it as UTF-8/,
    ],
    [
      'a rule set of 2 MB',
      (folder) => ['refresh', '2019-01', '--plan', '--rules', join(folder, 'large.yaml')],
      /large\.yaml has 2097152 bytes, and at most 1048576 were expected/,
    ],
    [
      'a rule set that is not there',
      (folder) => ['rules', 'use', join(folder, 'absent.yaml')],
      /absent\.yaml/,
    ],
    ['a report of a cycle without a refresh', () => ['report', '--program', '2019-01'], /2019-01.*refresh/],
    ['a submission of a cycle without a batch', () => ['directory', 'submit', '2019-01'], /2019-01/],
    ['a restatement without a reason', () => ['refresh', '2019-01', '--restate'], /reason/],
  ])('%s', async (_what, args, mentions) => {
    const folder = join(await it.write('good.csv', HEADER + ROW), '..');
    await mkdir(join(folder, 'empty'), { recursive: true });
    await writeFile(join(folder, 'broken.yaml'), 'name: [unclosed\ncolumns: }');
    await writeFile(
      join(folder, 'mistyped.yaml'),
      'name: x\nseller: s\ncurrency: EUR\ndefault_product: P\ndate_fromat: DD.MM.YYYY\ncolumns: { invoice_number: [a], issue_date: [b], customer_number: [c], quantity: [d], price: [e] }\n',
    );
    await writeFile(join(folder, 'cp1254.yaml'), Buffer.from('title: E\xf0itimi\n', 'latin1'));
    await writeFile(join(folder, 'utf16.yaml'), Buffer.from('\uFEFFname: x\n', 'utf16le'));
    await writeFile(join(folder, 'large.yaml'), Buffer.alloc(2 << 20, '#'));
    const ran = await leavingNothing(() => run(args(folder)));
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: '' });
    expectSentence(ran.stderr, mentions);
  });
});

describe('a file that cannot be taken in is refused: exit 3, the reason with the file, nothing stored', () => {
  const files: ReadonlyArray<readonly [what: string, content: string | Buffer, mentions: RegExp]> = [
    ['an empty file', '', /has no bytes/],
    [
      'a header that no profile matches',
      'Date,Amount\n2019-01-01,5\n',
      /No header was found.*row 1 \(Date, Amount\).*--profile/,
    ],
    ['a header and no rows', HEADER, /no rows below it/],
    [
      'two columns of one name',
      HEADER.replace('\n', ',buyer identifier\n') + ROW.replace('\n', ',C200\n'),
      /columns 5 and 10.*both mean customer_number/,
    ],
    ['a file cut in the middle of a row', HEADER + ROW + ROW.slice(0, 20), /ends in the middle of row 3/],
    ['a file cut inside a quoted cell', `${HEADER}${ROW}"A-2,2019`, /ends inside a quoted cell.*row 3/],
    [
      'a wrong encoding',
      Buffer.from(HEADER + ROW.replace('C100', 'C\xfc'), 'latin1'),
      /is not utf-8.*offset \d+.*windows-1252/,
    ],
    ['a PDF', '%PDF-1.7\n%\xe2\xe3\n', /is a PDF document\. A CSV file, an Excel workbook/],
    ['an HTML page', '<!DOCTYPE html>\n<title>Log in</title>', /is an HTML page/],
    ['an XML document', '<?xml version="1.0"?>\n<Invoice/>', /is an XML document/],
    ['a JSON document', '{"rows": []}', /is a JSON document/],
    [
      'an archive that is no workbook',
      Buffer.from('504b0506000000000000000000000000000000000000', 'hex'),
      /(workbook|Excel)/,
    ],
    ['a picture', Buffer.from('89504e470d0a1a0a', 'hex'), /is a PNG picture/],
    [
      'noise',
      Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 131 + (index >> 3)) % 256)),
      /input-13\.csv|No header/,
    ],
    ['zeros', Buffer.alloc(4096), /input-14\.csv|No header/],
  ];
  interface Refused {
    readonly status: string;
    readonly reason: string;
    readonly lines_in: number;
  }
  let machine: Ran;
  let person: Ran;
  beforeAll(async () => {
    const paths: string[] = [];
    for (const [index, [, content]] of files.entries())
      paths.push(await it.write(`refused/input-${String(index).padStart(2, '0')}.csv`, content));
    machine = await leavingNothing(() => run(['ingest', ...paths, '--json']));
    person = await leavingNothing(() => run(['ingest', ...paths]));
  });

  test('says so by its exit code alone', () => {
    for (const { code, stderr } of [machine, person])
      expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
  });

  test.each(
    files.map(([what, , mentions], index) => [what, mentions, index] as const),
  )('%s', (_what, mentions, index) => {
    const found = machine.json<{ files: Refused[] }>().files[index]!;
    expect(found).toMatchObject({ status: 'refused', lines_in: 0 });
    expectSentence(found.reason, mentions);
    // A person reads the same sentence.
    expect(person.stdout).toContain(found.reason);
  });

  test('the good files beside it are taken in', async () => {
    const own = await testContext();
    try {
      const bad = await own.write('in/a.csv', '%PDF-1.7');
      await own.write('in/b.csv', HEADER + ROW);
      const ran = await lkp(['ingest', join(bad, '..'), '--json'], {
        home: own.home,
        env: { DATABASE_URL: own.url },
      });
      expect(ran.code).toBe(3);
      const { files } = ran.json<{ files: Array<{ name: string; status: string }> }>();
      expect(files.map(({ name, status }) => [name, status])).toEqual([
        ['a.csv', 'refused'],
        ['b.csv', 'ingested'],
      ]);
    } finally {
      await own.drop();
    }
  });
});

describe('the machine is not ready: exit 1, a sentence on stderr', () => {
  test('a database that is down: the address without its password, within 30 s', async () => {
    // A port that was free a moment ago and that nothing listens on.
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    const env = { DATABASE_URL: `postgres://lkp:s3cret@127.0.0.1:${port}/lkp` };
    const ran = await lkp(['status'], { home: it.home, env });
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' });
    expectSentence(ran.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
    expect(ran.stderr).not.toContain('s3cret');
  }, 30_000);

  test('a database that takes the connection and never answers: within 30 s', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    try {
      const ran = await lkp(['status'], {
        home: it.home,
        env: { DATABASE_URL: `postgres://lkp@127.0.0.1:${port}/lkp` },
      });
      expect(ran.code).toBe(1);
      expectSentence(ran.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
    } finally {
      silent.close();
    }
  }, 30_000);

  // Node 20's mkdir({ recursive: true }) asks without end there (see src/files.ts).
  test('a place that takes no folder, such as /proc', async () => {
    const child = launch([CLI, 'status'], { home: '/proc/lkp', env: { DATABASE_URL: it.url } });
    const ended = once(child, 'close');
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const tooLong = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 20_000);
    const [code] = await ended;
    clearTimeout(tooLong);
    expect(code).toBe(1);
    expectSentence(stderr, /\/proc\/lkp/);
  });

  describe('a folder that cannot be written, for an ordinary user', () => {
    let folder: string;
    let home: string;
    let account: Options;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'lkp-readonly-'));
      home = join(folder, 'home');
      await chmod(folder, 0o755);
      await mkdir(home);
      if (root) await chown(home, NOBODY.uid, NOBODY.gid);
      account = root ? { account: NOBODY, env: { HOME: home } } : {};
    });
    afterEach(async () => {
      await chmod(home, 0o755);
      await rm(folder, { recursive: true, force: true });
    });
    const readable = async (path: string): Promise<boolean> => {
      try {
        execFileSync(process.execPath, ['-e', 'process.chdir(process.argv[1])', path], {
          ...(root ? NOBODY : {}),
          stdio: 'ignore',
        });
        return true;
      } catch {
        return false;
      }
    };

    test('LKP_HOME: says which, before anything is started', async (context) => {
      // The clone itself may lie under a home of mode 700, which this user cannot read.
      if (!(await readable(process.cwd())))
        return context.skip('the clone is not readable for an ordinary user');
      await chmod(home, 0o555);
      const path = await it.write('good.csv', HEADER + ROW);
      const ran = await lkp(['ingest', path], { ...account, home: join(home, 'sub') });
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' });
      expectSentence(ran.stderr, new RegExp(join(home, 'sub')));
      expect(await readdir(home)).toEqual([]);
    });

    test('a home that became read-only', async (context) => {
      if (!(await readable(process.cwd())))
        return context.skip('the clone is not readable for an ordinary user');
      await chmod(home, 0o555);
      const path = await it.write('good.csv', HEADER + ROW);
      const ran = await leavingNothing(() =>
        lkp(['ingest', path], { ...account, home, env: { ...account.env, DATABASE_URL: it.url } }),
      );
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 1, stdout: '' });
      expectSentence(ran.stderr, /cannot be (created|written)|permission/);
      expect(await readdir(home)).toEqual([]);
    });
  });
});

test('an unknown setting: exit 2, with the one that was meant', async () => {
  const ran = await run(['status'], { env: { LKP_REPORTING_CURENCY: 'EUR' } });
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: '' });
  expectSentence(ran.stderr, /LKP_REPORTING_CURENCY is not a setting.*LKP_REPORTING_CURRENCY/);
});

test('a port in use cannot matter: the embedded server listens on no port', async (context) => {
  if (!existsSync('/proc/net/tcp')) return context.skip('no /proc: listeners cannot be looked at');
  const folder = await mkdtemp(join(tmpdir(), 'lkp-port-'));
  await chmod(folder, 0o755);
  const home = join(folder, 'home');
  // PostgreSQL's own port is taken.
  const taken = createServer().listen(5432, '127.0.0.1');
  taken.on('error', () => undefined);
  const server = await openEmbedded(home);
  try {
    const data = (await readFile(join(home, 'pg.location'), 'utf8').catch(() => join(home, 'pg'))).trim();
    const pid = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]!;
    const sockets = new Set<string>();
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))?.[1];
      if (inode) sockets.add(inode);
    }
    const inodes = async (file: string, column: number): Promise<string[]> =>
      (await readFile(file, 'utf8'))
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/)[column] ?? '');
    const tcp = [
      ...(await inodes('/proc/net/tcp', 9)),
      ...(await inodes('/proc/net/tcp6', 9).catch(() => [])),
    ];
    expect(tcp.filter((inode) => sockets.has(inode))).toEqual([]);
    // And it does listen somewhere.
    expect((await inodes('/proc/net/unix', 6)).filter((inode) => sockets.has(inode))).not.toEqual([]);
  } finally {
    await server.release();
    taken.close();
    const at = (await readFile(join(home, 'pg.location'), 'utf8').catch(() => '')).trim();
    if (at && !at.startsWith(home)) await rm(join(at, '..', '..'), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  }
});
