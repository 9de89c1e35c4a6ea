import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { type Failure, failuresOf, monthsOf, regressions, told } from './check.ts';
import { CAN_WITHDRAW, drop, type Server } from './engine.ts';
import { isProgram } from './program.ts';

/**
 *   npm run property -- --months 1000 [--seed 1] [--most 3] [--rules varied]
 *
 * Small months, a hundred at a time, each with its own seed from the first one on: what the engine makes of them, in
 * two arrangements, must be what the auditor makes of them. The hundreds take turns: rules whose policies vary from span to
 * span (`varied`), and tiers, offers and waivers (`levels`); `--rules` says one. Prints the seeds of months that fail, at most so many, made as small
 * as they get. Uses the server of LKP_TEST_DATABASE_URL, or one of its own. Exit code 1 when a month failed.
 */

const AT_ONCE = 100;

const { values } = parseArgs({
  options: {
    months: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    most: { type: 'string', default: '1' },
    rules: { type: 'string' },
  },
});
const [count, first, most] = [values.months, values.seed, values.most].map(Number) as [
  number,
  number,
  number,
];
if (
  ![count, first, most].every((given) => Number.isInteger(given) && given > 0) ||
  first + count > 9_000_000 ||
  (values.rules !== undefined && !isProgram(values.rules))
) {
  console.error(
    'Wanted: npm run property -- --months N [--seed S] [--most M] [--rules varied|levels], whole numbers from 1.',
  );
  process.exit(2);
}

const given = process.env.LKP_TEST_DATABASE_URL;
const folder = await mkdtemp(join(tmpdir(), 'lkp-property-server-'));
await chmod(folder, 0o755);
const own = given ? undefined : await openEmbedded(join(folder, 'home'));
const server: Server = { url: given ?? own!.url, template: `lkp_property_${process.pid}` };
const failures: Failure[] = [];
const began = Date.now();
const tidy = async (): Promise<void> => {
  await drop(server, server.template).catch(() => undefined);
  await own?.release();
  await rm(folder, { recursive: true, force: true });
};
// Told to end, it leaves no server running.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidy().finally(() => process.exit(1)));
try {
  await withAdmin(server.url, async (admin) => {
    if (own) await admin.query('alter system set fsync = off');
    if (own) await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${server.template}`);
  });
  const db = await openDatabase(databaseUrl(server.url, server.template));
  await migrate(db).finally(() => db.close());

  if (!CAN_WITHDRAW) console.error('no src/invoice/withdraw.ts: nothing is withdrawn');
  let done = 0;
  while (done < count && failures.length < most) {
    const months = monthsOf(first + done, Math.min(AT_ONCE, count - done));
    const kept = done === 0 ? regressions() : [];
    const program =
      values.rules !== undefined && isProgram(values.rules)
        ? values.rules
        : (['varied', 'levels'] as const)[(done / AT_ONCE) % 2]!;
    for await (const failure of failuresOf(
      { ...server, program },
      [...kept, ...months],
      most - failures.length,
    )) {
      failures.push(failure);
      console.log(told(failure));
    }
    done += months.length;
    console.error(`seeds ${first} to ${first + done - 1}, ${Math.round((Date.now() - began) / 1000)} s`);
  }
  console.log(
    JSON.stringify({
      months: done,
      seeds: [first, first + done - 1],
      seconds: Math.round((Date.now() - began) / 1000),
      failed: failures.map(({ id }) => id),
    }),
  );
} finally {
  await tidy();
}
process.exitCode = failures.length === 0 ? 0 : 1;
