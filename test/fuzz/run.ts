import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { drop, type Judged, judge, prepare, type Server, told } from './check.ts';
import { mutantOf } from './mutate.ts';

/**
 *   npm run fuzz -- --files 10000 [--seed 1] [--most 20]
 *   npm run fuzz -- --files 1 --seed 4711 --keep FOLDER     writes that one file there, and says how it ended
 *
 * Files that were whole once (CSV, UTF-16, XLSX, UBL, CII), each changed as its seed says, through the real ingest on a
 * real database. Prints the seeds of those that end as no file may, at most so many, and how many ended how. Uses the
 * server of LKP_TEST_DATABASE_URL, or one of its own. Exit code 1 when one ended wrong.
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    most: { type: 'string', default: '20' },
    keep: { type: 'string' },
  },
});
const [count, first, most] = [values.files, values.seed, values.most].map(Number) as [number, number, number];
if (![count, first, most].every((given) => Number.isInteger(given) && given > 0)) {
  console.error('Wanted: npm run fuzz -- --files N [--seed S] [--most M], whole numbers from 1.');
  process.exit(2);
}

const given = process.env.LKP_TEST_DATABASE_URL;
const folder = await mkdtemp(join(tmpdir(), 'lkp-fuzz-server-'));
await chmod(folder, 0o755);
const own = given ? undefined : await openEmbedded(join(folder, 'home'));
const server: Server = { url: given ?? own!.url, template: `lkp_fuzz_${process.pid}` };
let prepared: string | undefined;
const tidy = async (): Promise<void> => {
  if (prepared) await drop(server, prepared).catch(() => undefined);
  await drop(server, server.template).catch(() => undefined);
  await own?.release();
  await rm(folder, { recursive: true, force: true });
};
// Told to end, it leaves no server running.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidy().finally(() => process.exit(1)));

const began = performance.now();
const ends: Record<string, number> = {};
const failed: number[] = [];
let slowest: Judged | undefined;
let done = 0;
try {
  await withAdmin(server.url, async (admin) => {
    if (own) await admin.query('alter system set fsync = off');
    if (own) await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${server.template}`);
  });
  const db = await openDatabase(databaseUrl(server.url, server.template));
  await migrate(db).finally(() => db.close());
  prepared = await prepare(server);
  for await (const judged of judge(server, prepared, first, count)) {
    done += 1;
    ends[judged.end ?? 'broke'] = (ends[judged.end ?? 'broke'] ?? 0) + 1;
    if (judged.seconds > (slowest?.seconds ?? 0)) slowest = judged;
    if (count === 1) console.log(`${judged.mutant.story}\n${judged.end ?? 'broke'}: ${judged.reason ?? ''}`);
    if (values.keep && count === 1)
      await writeFile(join(values.keep, judged.mutant.name), mutantOf(first).bytes);
    if (judged.wrong.length > 0) {
      failed.push(judged.mutant.seed);
      console.log(told(judged));
    }
    if (done % 500 === 0)
      console.error(
        `seeds ${first} to ${first + done - 1}, ${Math.round((performance.now() - began) / 1000)} s`,
      );
    if (failed.length >= most) break;
  }
  console.log(
    JSON.stringify({
      files: done,
      seeds: [first, first + done - 1],
      seconds: Math.round((performance.now() - began) / 1000),
      ends,
      slowest: slowest && { seed: slowest.mutant.seed, seconds: Number(slowest.seconds.toFixed(2)) },
      failed,
    }),
  );
} finally {
  await tidy();
}
process.exit(failed.length === 0 ? 0 : 1);
