import { parseArgs } from 'node:util';
import { type Draw, drawFrom } from '../../samples/random.ts';
import { type Backend, Campaign, noFigures, STAGES, type Stop } from './campaign.ts';
import { PROMISED_MS, takeovers } from './takeover.ts';

/**
 *   npm run chaos -- --kills 300 [--backend postgres|redis] [--seed 1]
 *   npm run chaos -- --takeovers 10 [--backend postgres|redis]
 *
 * Kills real processes at named points and at random times, and audits after each kill. With --takeovers, kills the worker
 * that holds a job, with the settings that ship, and measures until another has begun it. Exit code 1 when a promise broke.
 */

/** Few of each job in one cycle: after five deaths in a row the ledger rightly suspects the job itself. */
const STOPS_PER_STAGE = 2;
const PASSES: Readonly<Record<string, number>> = {
  'ingest-mid-copy': 280,
  'report-mid-workbook': 4,
  'report-between-workbooks': 5,
  'output-written': 3,
  'output-renamed': 3,
  'submit-between-files': 3,
  'submit-between-renames': 4,
};

function planOf(draw: Draw, campaign: Campaign): Stop[] {
  return Object.values(STAGES).flatMap((points): Stop[] => {
    const chosen = new Set(Array.from({ length: STOPS_PER_STAGE }, () => draw.integer(0, points.length - 1)));
    const named = [...chosen]
      .sort((a, b) => a - b)
      .map((index): Stop => {
        const point = points[index]!;
        return { point, pass: draw.integer(1, PASSES[point] ?? 1) };
      });
    named.splice(draw.integer(0, named.length), 0, campaign.moment(draw));
    return named;
  });
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    backend: { type: 'string', default: 'postgres' },
    seed: { type: 'string', default: '1' },
    takeovers: { type: 'string' },
  },
});
const kills = Number(values.kills);
const backend = values.backend as Backend;
const seed = Number(values.seed);
if (
  !Number.isInteger(kills) ||
  kills < 1 ||
  !Number.isInteger(seed) ||
  !['postgres', 'redis'].includes(backend)
) {
  console.error(
    'Wanted: npm run chaos -- --kills N [--backend postgres|redis] [--seed S], N and S whole numbers.',
  );
  process.exit(2);
}

if (values.takeovers !== undefined) {
  const seconds = await takeovers(Number(values.takeovers), backend);
  console.log(JSON.stringify({ backend, takeovers: seconds.length, seconds, longest: Math.max(...seconds) }));
  process.exit(Math.max(...seconds) * 1000 <= PROMISED_MS ? 0 : 1);
}

const began = Date.now();
const figures = noFigures();
let told = false;
// Told to end, it finishes the cycle in hand, prints what it has and leaves nothing running.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    told = true;
  });
const enough = () => told || figures.kills >= kills;
let campaigns = 0;
let cycles = 0;
let leftOvers = 0;
while (!enough() && figures.violations.length === 0) {
  const draw = drawFrom(seed + campaigns);
  const campaign = await Campaign.open(seed + campaigns, backend, figures);
  campaigns += 1;
  try {
    const kinds = new Map<string, Stop>([
      [draw.pick(Campaign.kinds), campaign.moment(draw)],
      [draw.pick(Campaign.kinds), { point: 'load-before-commit' }],
    ]);
    await campaign.load(kinds);
    for (const round of campaign.rounds) {
      if (enough() || figures.violations.length > 0) break;
      await campaign.play(round, planOf(draw, campaign), enough);
      cycles += 1;
      console.error(
        `${figures.kills} of ${kills} kills, ${cycles} cycles, ${Math.round((Date.now() - began) / 1000)} s`,
      );
    }
    leftOvers += await campaign.leftOvers();
  } catch (error) {
    // A database that went away or sessions that stay are findings as well.
    figures.violations.push(
      `the campaign with seed ${seed + campaigns - 1} broke off: ${(error as Error).message}`,
    );
  } finally {
    await campaign.close();
  }
}

const seconds = (Date.now() - began) / 1000;
console.log(
  JSON.stringify(
    {
      seed,
      backend,
      kills: figures.kills,
      by_point: Object.fromEntries(Object.entries(figures.byPoint).sort()),
      missed: figures.missed,
      campaigns,
      cycles,
      seconds: Math.round(seconds),
      seconds_per_kill: Number((seconds / Math.max(1, figures.kills)).toFixed(2)),
      longest_session_of_a_killed_process_ms: figures.zombieMs,
      left_over_temporary_files: leftOvers,
      said: figures.said,
      violations: figures.violations,
    },
    null,
    2,
  ),
);
process.exitCode = figures.violations.length === 0 ? 0 : 1;
