import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openApp } from '../../src/app.ts';
import { readSettings } from '../../src/config.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { draw, type Failure, failuresOf, partnersOf, takeIn, told } from './check.ts';

/**
 *   npm run claims -- --claims 200 [--seed 1]
 *
 * Claims of 0 to 12 faults, each with its own seed from the first one on, answered against what all their partners bought:
 * every planted fault must be found with its cause, and the causes of every month add up to the auditor's gap. Prints the
 * seeds of claims that fail. Uses the server of LKP_TEST_DATABASE_URL, or one of its own. Exit code 1 when a claim failed.
 */

const NOW = '2023-10-20T10:00:00.000Z';

const { values } = parseArgs({
  options: { claims: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const [count, first] = [values.claims, values.seed].map(Number) as [number, number];
if (![count, first].every((given) => Number.isInteger(given) && given > 0) || first + count > 9_000_000) {
  console.error('Wanted: npm run claims -- --claims N [--seed S], whole numbers from 1.');
  process.exit(2);
}

const given = process.env.LKP_TEST_DATABASE_URL;
const folder = await mkdtemp(join(tmpdir(), 'lkp-claims-'));
await chmod(folder, 0o755);
const own = given ? undefined : await openEmbedded(join(folder, 'server'));
const server = given ?? own!.url;
const database = `lkp_claims_${process.pid}`;
const tidy = async (): Promise<void> => {
  await withAdmin(server, (admin) => admin.query(`drop database if exists ${database} with (force)`)).catch(
    () => undefined,
  );
  await own?.release();
  await rm(folder, { recursive: true, force: true });
};
// Told to end, it leaves no server running.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidy().finally(() => process.exit(1)));

const failures: Failure[] = [];
const began = Date.now();
try {
  await withAdmin(server, async (admin) => {
    if (own) await admin.query('alter system set fsync = off');
    if (own) await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${database}`);
  });
  const context = await openApp({
    settings: readSettings({ LKP_HOME: join(folder, 'home'), DATABASE_URL: databaseUrl(server, database) }),
    now: () => NOW,
  });
  try {
    const partners = partnersOf(first, count);
    const { drawn, cells } = draw(partners);
    console.error(`seeds ${first} to ${first + count - 1}`);
    await takeIn(context, folder, partners);
    console.error(`taken in after ${Math.round((Date.now() - began) / 1000)} s`);
    for await (const failure of failuresOf(context, drawn, cells)) {
      failures.push(failure);
      console.log(told(failure));
    }
    const faults = drawn.flatMap((one) => one.faults);
    const counted = Object.fromEntries(
      [...new Set(faults)].sort().map((fault) => [fault, faults.filter((one) => one === fault).length]),
    );
    console.log(
      JSON.stringify({
        claims: count,
        seeds: [first, first + count - 1],
        lines: drawn.reduce((lines, { claim }) => lines + claim.lines.length, 0),
        most: Math.max(...drawn.map((one) => one.faults.length)),
        faults: counted,
        seconds: Math.round((Date.now() - began) / 1000),
        failed: failures.map(({ seed }) => seed),
      }),
    );
  } finally {
    await context.close();
  }
} finally {
  await tidy();
}
process.exitCode = failures.length === 0 ? 0 : 1;
