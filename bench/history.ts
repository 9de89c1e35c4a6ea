import { ingestFile } from '../src/invoice/ingest.ts';
import {
  type Figure,
  type Ground,
  largeFile,
  lkp,
  median,
  openOn,
  prepare,
  renumbered,
  shown,
} from './ground.ts';
import { stored } from './ingest.ts';

const HISTORY_FILES = 5;

/** How often the explanation is asked for, each time of another invoice. */
const QUESTIONS = 5;

/**
 * `lkp ingest` of one file on top of five files of the same size, against the same into a database without lines; and
 * `lkp explain` of invoices in that history.
 */
export async function benchHistory(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const file = await largeFile(ground, 'history', { lines });
  await prepare(ground, await ground.database('ready'), file.folder);
  const app = await openOn(ground, await ground.database('grown', 'ready'));
  try {
    for (let index = 0; index < HISTORY_FILES; index++) {
      // Earlier months, other invoice numbers: 14 months a file, up to the one before the first of `file`.
      const from = new Date(Date.UTC(2019, 3 - 14 * (HISTORY_FILES - index), 1)).toISOString().slice(0, 7);
      const older = await largeFile(ground, 'older', { lines, from, seed: index + 2 });
      await ingestFile(app, await renumbered(older.path, String.fromCharCode(65 + index)));
      say(`history ${index + 1} of ${HISTORY_FILES}: ${lines} lines from ${from}`);
    }
  } finally {
    await app.close();
  }
  const empty: number[] = [];
  const grown: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    for (const [template, times] of [
      ['ready', empty],
      ['grown', grown],
    ] as const) {
      const url = await ground.database('run', template);
      await ground.settle();
      const run = await lkp(ground, url, ['ingest', file.path]);
      stored(run.json, lines);
      times.push(run.seconds);
    }
    say(
      `history ${pair} of ${pairs}: empty ${empty.at(-1)!.toFixed(1)} s, grown ${grown.at(-1)!.toFixed(1)} s`,
    );
  }
  const answers = await explained(ground, say);
  for (const name of ['run', 'grown']) await ground.drop(name);
  return [
    {
      bench: 'history',
      atMost: 1.3,
      figure: `time of \`lkp ingest\` of ${lines.toLocaleString('en')} lines into ${(HISTORY_FILES * lines).toLocaleString('en')} / into none`,
      value: median(grown.map((seconds, index) => seconds / empty[index]!)),
      madeOf: `grown ${shown(grown)} s; empty ${shown(empty)} s`,
    },
    {
      bench: 'explain',
      atMost: 1,
      figure: `seconds of \`lkp explain\` of an invoice among ${(HISTORY_FILES * lines).toLocaleString('en')} lines, start of Node and all`,
      value: median(answers),
      madeOf: `${shown(answers)} s`,
    },
  ];
}

/** Seconds of each question, asked of the grown database by a process of its own. */
async function explained(ground: Ground, say: (text: string) => void): Promise<number[]> {
  const url = await ground.database('run', 'grown');
  const app = await openOn(ground, url);
  const numbers = await app.db.transaction('numbers', (tx) =>
    tx.rows<{ number: string }>(
      `select number from document where id in (
         select max(id) * part / ${QUESTIONS} from document, generate_series(1, ${QUESTIONS}) as part group by part)`,
    ),
  );
  await app.close();
  await ground.settle();
  const seconds: number[] = [];
  for (const { number } of numbers) {
    const run = await lkp(ground, url, ['explain', number]);
    const { rows } = run.json as { rows: Array<{ disposition: string }> };
    if (rows.length === 0) throw new Error(`nothing was said of ${number}`);
    seconds.push(run.seconds);
  }
  say(`explain: ${shown(seconds)} s`);
  return seconds;
}
