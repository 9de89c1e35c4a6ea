import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../src/db/connection.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { ownRedis } from '../harness/redis.ts';
import { databaseUrl, withAdmin } from '../harness/server.ts';
import { Simulation } from './simulation.ts';
import { MOST_MONTHS } from './story.ts';

/**
 *   npm run simulate -- [--months 24] [--seed 1] [--backend postgres|redis] [--write FILE]
 *
 * So many months of one installation on a clock of its own, through the real schedulers, workers, queue and database: files that
 * come in time, late, twice, half, wrong or corrected; people who decide, withdraw, restate and wave through; and
 * outages. Every promise of DESIGN, section 8, is checked after each step. The same seed plays the same months: its
 * digest (every frozen row, workbook and submitted file) is the same on both queues; `--write` writes what it is made of, a line each. Fewer
 * months are the beginning of more. Exit code 1 when a promise broke.
 */

const { values } = parseArgs({
  options: {
    months: { type: 'string', default: '24' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'postgres' },
    write: { type: 'string' },
  },
});
const [months, seed] = [Number(values.months), Number(values.seed)];
if (
  ![months, seed].every((given) => Number.isInteger(given) && given > 0) ||
  months > MOST_MONTHS ||
  !['postgres', 'redis'].includes(values.backend)
) {
  console.error(
    `Wanted: npm run simulate -- [--months 1 to ${MOST_MONTHS}] [--seed S] [--backend postgres|redis], whole numbers from 1.`,
  );
  process.exit(2);
}
const again = `npm run simulate -- --months ${months} --seed ${seed} --backend ${values.backend}`;

const folder = await mkdtemp(join(tmpdir(), 'lkp-simulate-'));
await chmod(folder, 0o755);
const server = await openEmbedded(join(folder, 'server'));
const redis = values.backend === 'redis' ? await ownRedis() : undefined;
let simulation: Simulation | undefined;
const tidy = async (): Promise<void> => {
  await simulation?.close().catch(() => undefined);
  await server.release();
  await redis?.drop();
  await rm(folder, { recursive: true, force: true });
};
// Told to end, it leaves no server running.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void tidy().finally(() => process.exit(1)));

const began = Date.now();
const url = databaseUrl(server.url, 'simulated');
try {
  await withAdmin(server.url, async (admin) => {
    // What is cut off here are sessions and processes, not the machine.
    await admin.query('alter system set fsync = off');
    await admin.query('select pg_reload_conf()');
    await admin.query('create database simulated');
  });
  const db = await openDatabase(url);
  await migrate(db).finally(() => db.close());
  await mkdir(join(folder, 'world'));
  simulation = await Simulation.open(
    { databaseUrl: url, folder: join(folder, 'world'), ...(redis && { redis }) },
    seed,
    months,
  );
  await simulation.play((line) => console.error(line));
  if (values.write) await writeFile(values.write, `${(await simulation.made()).join('\n')}\n`);
  const { events, violations, ...figures } = simulation.figures;
  const sizes = await simulation.sizes();
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    JSON.stringify(
      { backend: values.backend, seed, ...figures, events, sizes, seconds, violations, again },
      null,
      2,
    ),
  );
  process.exitCode = violations.length === 0 && figures.months === months ? 0 : 1;
} catch (error) {
  console.error(
    `The simulation broke off: ${error instanceof Error ? error.stack : String(error)}\n${again}`,
  );
  process.exitCode = 1;
} finally {
  await tidy();
}
