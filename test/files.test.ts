import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256Of, storeBytes, storedPath, writeAtomically } from '../src/files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkp-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

async function input(text: string): Promise<string> {
  const path = join(folder, 'input');
  await writeFile(path, text);
  return path;
}

test('bytes go to their place under their sha256, once', async () => {
  const path = await input('abc');
  for (let time = 0; time < 2; time++) {
    const stored = await storeBytes(folder, path);
    expect(stored).toMatchObject({ sha256: hash('abc'), bytes: 3 });
    expect(readFileSync(stored.path, 'utf8')).toBe('abc');
    await stored.commit();
    await stored.discard();
  }
  expect(readFileSync(storedPath(folder, hash('abc')), 'utf8')).toBe('abc');
  expect(readdirSync(join(folder, 'store/tmp'))).toEqual([]);
  expect(await sha256Of(path)).toBe(hash('abc'));
});

test('discarded bytes leave nothing', async () => {
  await (await storeBytes(folder, await input('abc'))).discard();
  expect(readdirSync(join(folder, 'store'))).toEqual(['tmp']);
  expect(readdirSync(join(folder, 'store/tmp'))).toEqual([]);
});

test('a file larger than one read is copied whole; an empty one too', async () => {
  const large = 'x'.repeat((1 << 20) * 2 + 17);
  expect(await storeBytes(folder, await input(large))).toMatchObject({
    sha256: hash(large),
    bytes: large.length,
  });
  expect(await storeBytes(folder, await input(''))).toMatchObject({ sha256: hash(''), bytes: 0 });
});

test('a file that grows while it is read is refused', async () => {
  const path = await input('x'.repeat(64 << 20));
  const growing = setInterval(() => appendFile(path, 'more'), 1);
  try {
    await expect(storeBytes(folder, path)).rejects.toThrow('changed while it was being read');
  } finally {
    clearInterval(growing);
  }
  expect(readdirSync(join(folder, 'store/tmp'))).toEqual([]);
});

test('what is no file is said in one sentence', async () => {
  const none = { name: 'LkpError', code: 'request', message: expect.stringContaining('There is no file') };
  await expect(storeBytes(folder, join(folder, 'none'))).rejects.toMatchObject(none);
  await expect(sha256Of(join(await input('a'), 'under'))).rejects.toMatchObject(none);
  await expect(storeBytes(folder, folder)).rejects.toThrow('is a folder; a file was wanted');
  await expect(sha256Of('/dev/zero')).rejects.toThrow('not a regular file');
});

test('an output is the old file or the new one, never a part', async () => {
  const path = join(folder, 'out/a.txt');
  expect(await writeAtomically(path, (temporary) => writeFile(temporary, 'first'))).toEqual({
    sha256: hash('first'),
    bytes: 5,
  });
  await expect(
    writeAtomically(path, async (temporary) => {
      await writeFile(temporary, 'half');
      expect(readFileSync(path, 'utf8')).toBe('first');
      throw new Error('stopped');
    }),
  ).rejects.toThrow('stopped');
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(readdirSync(join(folder, 'out'))).toEqual(['a.txt']);
});

test('writers of one name do not disturb each other', async () => {
  const path = join(folder, 'a.txt');
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
  const written = await Promise.all(
    texts.map((text) => writeAtomically(path, (temporary) => writeFile(temporary, text))),
  );
  expect(written.map(({ sha256 }) => sha256)).toEqual(texts.map(hash));
  expect(texts).toContain(readFileSync(path, 'utf8'));
});

test('what a killed attempt left is cleared after a day, not before, and nothing else is', async () => {
  const [old, young, other] = ['.lkp-00112233445566aa.part', '.lkp-00112233445566bb.part', '.other'].map(
    (name) => join(folder, name),
  );
  for (const path of [old!, young!, other!]) await writeFile(path, 'left');
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  utimesSync(old!, twoDaysAgo, twoDaysAgo);
  utimesSync(other!, twoDaysAgo, twoDaysAgo);
  await writeAtomically(join(folder, 'a.txt'), (temporary) => writeFile(temporary, 'a'));
  expect([old!, young!, other!].map((path) => existsSync(path))).toEqual([false, true, true]);
});

test('a folder that cannot be is the machine at fault, at once', async () => {
  const write = (temporary: string) => writeFile(temporary, 'a');
  await expect(writeAtomically('/proc/none/a.txt', write)).rejects.toMatchObject({
    name: 'LkpError',
    code: 'machine',
  });
  await expect(writeAtomically(join(await input('a'), 'a.txt'), write)).rejects.toThrow(
    'a file stands where a folder is wanted',
  );
  await mkdir(join(folder, 'a.txt'));
  await expect(writeAtomically(join(folder, 'a.txt'), write)).rejects.toThrow(
    'a folder stands where a file is wanted',
  );
});
