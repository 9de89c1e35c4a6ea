import { execFileSync } from 'node:child_process';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBinaries, packaged } from '../src/db/binaries.ts';

const root = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534 };
if (!root) console.warn('not root: binaries for another account are not tested');

let folder: string;
/** A copy of the package as `npm ci --ignore-scripts` leaves it: without its library links. */
let installed: { native: string; version: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-binaries-'));
  await chmod(folder, 0o755);
  const native = join(folder, 'clone', 'native');
  await cp(packaged().native, native, { recursive: true, verbatimSymlinks: true });
  for (const link of await links(native)) await rm(link);
  installed = { native, version: packaged().version };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function links(native: string): Promise<string[]> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  return list.map(({ target }) => join(native, '..', target));
}

const version = (native: string, account: object = {}) =>
  execFileSync(join(native, 'bin', 'initdb'), ['--version'], {
    cwd: '/',
    env: {},
    encoding: 'utf8',
    ...account,
  });

test('library links that an install without scripts left out are made', async () => {
  expect(() => version(installed.native)).toThrow();
  expect(await findBinaries(undefined, [], installed)).toBe(installed.native);
  expect(version(installed.native)).toContain('PostgreSQL) 18');
  for (const link of await links(installed.native))
    expect((await lstat(link)).isSymbolicLink(), link).toBe(true);
});

test('a program that lost its execute bit gets it back', async () => {
  await chmod(join(installed.native, 'bin', 'postgres'), 0o644);
  expect(await findBinaries(undefined, [], installed)).toBe(installed.native);
});

test.skipIf(!root)(
  'an account that cannot reach the clone gets a whole copy, once, even of an install under umask 077',
  async () => {
    execFileSync('chmod', ['-R', 'go-rwx', join(folder, 'clone')]);
    const caches = [join(folder, 'cache')];
    const [copy, again] = await Promise.all([
      findBinaries(NOBODY, caches, installed),
      findBinaries(NOBODY, caches, installed),
    ]);
    expect(copy).toBe(again);
    expect(version(copy, NOBODY)).toContain('PostgreSQL) 18');
    expect(await readdir(caches[0] as string)).toEqual([copy.split('/').at(-1)]);
    const made = (await lstat(copy)).ctimeMs;
    expect(await findBinaries(NOBODY, caches, installed)).toBe(copy);
    expect((await lstat(copy)).ctimeMs).toBe(made);
  },
);

test.skipIf(!root)(
  'a folder that anyone could have prepared is not executed: the next one is taken',
  async () => {
    await chmod(join(folder, 'clone'), 0o700);
    const name = `postgres-${installed.version}-${process.platform}-${process.arch}`;
    await mkdir(join(folder, 'open'));
    await cp(installed.native, join(folder, 'open', name), { recursive: true });
    await chmod(join(folder, 'open', name), 0o777);
    const found = await findBinaries(NOBODY, [join(folder, 'open'), join(folder, 'cache')], installed);
    expect(found).toBe(join(folder, 'cache', name));
  },
);

test.skipIf(!root)('nowhere to run: every place that was tried is named', async () => {
  await chmod(join(folder, 'clone'), 0o700);
  await mkdir(join(folder, 'closed'), { mode: 0o700 });
  await expect(findBinaries(NOBODY, [join(folder, 'closed', 'in')], installed)).rejects.toMatchObject({
    code: 'machine',
    message: expect.stringMatching(/clone\/native\/bin\/initdb as uid 65534: .*closed\/in.*DATABASE_URL/),
  });
});
