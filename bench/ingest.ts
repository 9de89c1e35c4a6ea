import { createReadStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Figure, type Ground, largeFile, lkp, median, prepare, shown } from './ground.ts';

const SCRIPT = readFileSync(new URL('by-hand.sql', import.meta.url), 'utf8');
const TIMED = '-- from here on the time counts\n';
const COPY = 'copy raw from stdin (format csv, header);\n';

/**
 * `lkp ingest` of one clean file into a database without lines, the whole process, against by-hand.sql on the same
 * file and server, in alternating pairs.
 */
export async function benchIngest(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const file = await largeFile(ground, 'ingest', { lines });
  await prepare(ground, await ground.database('ready'), file.folder);
  const ours: number[] = [];
  const theirs: number[] = [];
  const memory: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const hand = await byHand(ground, file.path, lines);
    const url = await ground.database('run', 'ready');
    await ground.settle();
    const run = await lkp(ground, url, ['ingest', file.path]);
    stored(run.json, lines);
    theirs.push(hand);
    ours.push(run.seconds);
    memory.push(run.megabytes);
    say(
      `ingest ${pair} of ${pairs}: by hand ${hand.toFixed(1)} s, lkp ${run.seconds.toFixed(1)} s, ${Math.round(run.megabytes)} MB`,
    );
  }
  await ground.drop('run');
  const size = `${lines.toLocaleString('en')} lines, ${Math.round(file.bytes / 1e6)} MB`;
  return [
    {
      bench: 'ingest',
      figure: `time of \`lkp ingest\` / by hand (${size})`,
      atMost: 1.4,
      value: median(ours.map((seconds, index) => seconds / theirs[index]!)),
      madeOf: `lkp ${shown(ours)} s; by hand ${shown(theirs)} s`,
    },
    {
      bench: 'ingest',
      figure: 'peak memory of the `lkp` processes, MB',
      atMost: 300,
      value: Math.max(...memory),
      madeOf: memory.map((one) => Math.round(one)).join(', '),
    },
  ];
}

/** Fails the bench when the file did not wholly become lines: a fast wrong answer is none. */
export function stored(json: Record<string, unknown>, lines: number): void {
  const { dispositions } = json.totals as { dispositions: Record<string, number> };
  const rows = ['counted', 'reversal', 'unmapped', 'no-kpi-value'].reduce(
    (total, word) => total + dispositions[word]!,
    0,
  );
  if (rows !== lines)
    throw new Error(`${lines} lines were ingested, ${rows} became lines: ${JSON.stringify(dispositions)}`);
}

/** Seconds of the timed part of by-hand.sql. */
async function byHand(ground: Ground, path: string, lines: number): Promise<number> {
  const client = new pg.Client(await ground.database('by_hand'));
  await client.connect();
  try {
    const [ready = '', timed = ''] = SCRIPT.split(TIMED);
    const [before = '', after = ''] = timed.split(COPY);
    await client.query(ready);
    await ground.settle();
    const started = performance.now();
    await client.query(before);
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), client.query(copyFrom(COPY)));
    await client.query(after);
    const seconds = (performance.now() - started) / 1000;
    const { rows } = await client.query<{ rows: number }>('select count(*)::int as rows from line');
    if (rows[0]!.rows !== lines) throw new Error(`by hand stored ${rows[0]!.rows} lines of ${lines}`);
    return seconds;
  } finally {
    await client.end();
    await ground.drop('by_hand');
  }
}
