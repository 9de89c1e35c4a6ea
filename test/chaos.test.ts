import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generate, generateLarge, writeLarge, writeWorld } from '../samples/generate.ts';
import { drawFrom } from '../samples/random.ts';
import { CRASH_POINTS, type CrashPoint } from '../src/crash.ts';
import { openEmbedded, stopEmbedded } from '../src/db/embedded.ts';
import { postmaster } from '../src/db/postmaster.ts';
import { expectedIngest } from './auditor/audit.ts';
import { compareIngest, type Ingested } from './auditor/compare.ts';
import { Campaign, type Stop } from './chaos/campaign.ts';
import { freshDatabase } from './harness/database.ts';
import { lkp, type Ran } from './harness/lkp.ts';
import { until } from './harness/until.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const POINTS = Object.keys(CRASH_POINTS) as CrashPoint[];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-knocks-'));
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the crash points of the list are those of the code, each in its file', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
  const inCode = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^\s*(?:if \(\w+\) )?crash\('([^']+)'\);$/gm)].map(
      ([, point]) => `${point} in ${file}`,
    ),
  );
  const listed = Object.entries(CRASH_POINTS).map(([point, { where }]) => `${point} in ${where}`);
  expect(inCode.sort()).toEqual(listed.sort());
});

/** No job's: test/prune.test.ts ends the command there. */
const OUTSIDE: readonly CrashPoint[] = ['prune-recorded'];

/** Every point of a cycle, spread over two cycles: after five deaths in a row the ledger suspects the job itself. */
const FIRST: readonly Stop[] = [
  { point: 'look-taken' },
  { point: 'attempt-begun' },
  { point: 'store-first-mb' },
  { point: 'ingest-mid-copy', pass: 150 },
  { point: 'store-copied' },
  { point: 'refresh-months-built' },
  { point: 'refresh-before-freeze' },
  { point: 'report-mid-workbook', pass: 3 },
  { point: 'output-written', pass: 2 },
  { point: 'submit-intent' },
  { point: 'submit-between-files', pass: 2 },
  { point: 'submit-before-manifest' },
];
const SECOND: readonly Stop[] = [
  { point: 'store-renamed' },
  { point: 'ingest-before-commit' },
  { point: 'ingest-committed' },
  { point: 'refresh-before-commit' },
  { point: 'attempt-before-end' },
  { point: 'output-renamed', pass: 3 },
  { point: 'report-between-workbooks', pass: 2 },
  { point: 'submit-between-renames', pass: 2 },
  { point: 'submit-renamed' },
];

test('processes killed at every crash point and at random times lose and double nothing', async () => {
  const draw = drawFrom(20);
  const campaign = await Campaign.open(20, 'postgres');
  try {
    await campaign.load(new Map([['customers', { point: 'load-before-commit' }]]));
    const [first, second, third] = campaign.rounds;
    await campaign.play(first!, FIRST);
    await campaign.play(second!, SECOND);
    await campaign.play(third!, [campaign.moment(draw), campaign.moment(draw), campaign.moment(draw)]);
    const { figures } = campaign;
    expect(figures.violations).toEqual([]);
    expect(figures.said).toEqual({});
    expect(
      POINTS.filter((point) => !figures.byPoint[point] && !OUTSIDE.includes(point)),
      'a point that no process died at proves nothing',
    ).toEqual([]);
    expect(figures.kills).toBeGreaterThanOrEqual(20);
  } finally {
    await campaign.close();
  }
}, 300_000);

/** Failed in words: one sentence for a person. Log lines (a JSON object each) go to stderr too. */
const oneSentence = ({ code, stderr }: Ran): void => {
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(said, stderr).toHaveLength(1);
  expect(stderr).not.toMatch(/Something unexpected|at .*\.ts:\d+/);
  expect(code, stderr).toBe(1);
};

describe('a PostgreSQL that is stopped at once, without a checkpoint', () => {
  test.each([
    ['while rows are copied', (query: string) => /^copy /i.test(query)],
    ['after they were copied', (query: string) => !/^copy /i.test(query)],
  ])(
    '%s: the ingest says so or succeeds, nothing is half done, and the same again succeeds',
    async (_when, isMoment) => {
      const lines = 50_000;
      const { path } = await writeLarge({ lines }, folder);
      const home = join(folder, 'home');
      const ingest = () => lkp(['ingest', path, '--json'], { home });
      const server = await openEmbedded(home);
      try {
        // The schema is there before the load.
        expect((await lkp(['status'], { home })).code).toBe(0);
        const client = new pg.Client({ connectionString: server.url });
        client.on('error', () => undefined);
        await client.connect();
        const running = ingest();
        let copied = false;
        await until('the ingest is where it is to be cut off', async () => {
          const { rows } = await client.query<{ query: string }>(
            `select query from pg_stat_activity where application_name = 'lkp ingest' and state = 'active'`,
          );
          copied ||= rows.some(({ query }) => /^copy /i.test(query));
          return copied && rows.some(({ query }) => isMoment(query));
        });
        const data = existsSync(join(home, 'pg.location'))
          ? readFileSync(join(home, 'pg.location'), 'utf8').trim()
          : join(home, 'pg');
        process.kill((await postmaster(data))!.pid, 'SIGQUIT');
        const cut = await running;
        await client.end().catch(() => undefined);
        if (cut.code !== 0) oneSentence(cut);

        const again = await ingest();
        expect(again.code, again.stderr).toBe(0);
        const { files } = again.json<{ files: Array<Ingested & { status: string }> }>();
        expect(files[0]!.status).toBe(cut.code === 0 ? 'duplicate' : 'ingested');
        const world = generateLarge({ lines });
        expect(
          compareIngest(expectedIngest({ ...world, reference: NOTHING_KNOWN }, 'large.csv'), files[0]!),
        ).toEqual([]);
      } finally {
        await server.release();
        await stopEmbedded(home);
      }
    },
    180_000,
  );
});

const NOTHING_KNOWN = {
  ...generate({ partners: 2, locations: 2, months: 1 }).reference,
  partners: [],
  locations: [],
  customers: [],
  products: [],
};

/** A file system of a few megabytes, where that can be had. */
function smallDisk(place: string, megabytes: number): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', place], { stdio: 'ignore' });
    return () => execFileSync('umount', ['-l', place]);
  } catch {
    return undefined;
  }
}

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));

test('a full disk: every stage says so, leaves no half file, and goes on when there is room', async (context) => {
  const home = join(folder, 'home');
  await mkdir(home);
  const unmount = smallDisk(home, 4);
  if (!unmount) {
    console.warn('a file system cannot be mounted here (root may): a full disk is not tested');
    return context.skip();
  }
  const fresh = await freshDatabase();
  const filler = join(home, 'filler');
  const env = { DATABASE_URL: fresh.url, LKP_INBOX: join(folder, 'invoices'), LKP_INBOX_STABLE_SECONDS: '0' };
  const run = (...args: string[]) => lkp(args, { home, env });
  const visible = async () =>
    (await readdir(home, { recursive: true }))
      .filter((path) => !isHidden(path) && /\.\w+$/.test(path))
      .sort();
  const fill = async (leaving: number) => {
    await rm(filler, { force: true });
    const free = Number(
      execFileSync('df', ['--output=avail', '-B1', home], { encoding: 'utf8' }).split('\n')[1],
    );
    await writeFile(filler, Buffer.alloc(Math.max(0, free - leaving)));
  };
  try {
    await writeWorld(generate({ seed: 3, partners: 5, locations: 9, months: 14 }), folder);
    const reference = join(folder, 'reference');
    const kinds = ['partners', 'locations', 'customers', 'enrolments', 'attainments', 'products', 'listings'];
    await fill(0);
    const loading = ['load', 'partners', join(reference, 'partners.csv')];
    oneSentence(await run(...loading));
    expect(await fresh.db.transaction('look', (tx) => tx.rows('select from partner'))).toEqual([]);
    await rm(filler);
    for (const kind of kinds) {
      const loaded = await run('load', kind, join(reference, `${kind}.csv`));
      expect(loaded.code, loaded.stderr).toBe(0);
    }

    // No room for the first invoice file, then none for the first workbook, then none for a file of the submission.
    const cycle = ['cycle', '2020-05', '--all'];
    await fill(0);
    const before = await visible();
    const ingest = await run(...cycle);
    oneSentence(ingest);
    expect(ingest.stderr).toMatch(/The job ingest of 2020-05 failed: .*disk is full/);
    expect(await visible()).toEqual(before);
    expect(
      await fresh.db.transaction('look', (tx) => tx.rows(`select from file where kind = 'invoices'`)),
    ).toEqual([]);

    await rm(filler);
    const taken = await run('ingest', env.LKP_INBOX);
    expect([0, 3], taken.stderr).toContain(taken.code);
    await fill(140_000);
    const report = await run(...cycle);
    oneSentence(report);
    expect(report.stderr).toMatch(/The job report of 2020-05 failed: .*disk is full/);
    const reports = async () =>
      (await visible()).filter((path) => path.startsWith('reports') && path.endsWith('.xlsx'));
    const written = await reports();

    await rm(filler);
    const done = await run(...cycle);
    // Whether the directory shows it, a person is asked.
    expect(done.code, done.stderr).toBe(3);
    expect(await reports()).toHaveLength(6);
    expect(written.length).toBeLessThan(6);
    expect((await visible()).filter((path) => path.startsWith('outbox') && path.includes('.'))).toHaveLength(
      4,
    );
    expect((await readdir(home, { recursive: true })).filter((path) => /\.part$/.test(path))).toEqual([]);
  } finally {
    await fresh.drop();
    unmount();
  }
}, 180_000);
