import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ingestFile } from '../src/invoice/ingest.ts';
import { refresh } from '../src/kpi/refresh.ts';
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

const CYCLE = '2020-06';
const FILES = 5;
const RULES = new URL('../src/kpi/rules/sample-silver-gold.yaml', import.meta.url);

/**
 * `lkp refresh --plan --rules` over five files of `lines` lines, all in the twelve months that the rule set weighs and
 * with a revision to compare with, against a query that reweighs the same lines and no more.
 */
export async function benchRules(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const url = await ground.database('rules');
  const file = await largeFile(ground, 'rules', { lines, from: '2019-06', months: 12 });
  await prepare(ground, url, file.folder);
  const app = await openOn(ground, url);
  const planned: number[] = [];
  const memory: number[] = [];
  const byHand: number[] = [];
  try {
    for (let index = 0; index < FILES; index++) {
      await ingestFile(app, await renumbered(file.path, String.fromCharCode(65 + index)));
      say(`rules ${index + 1} of ${FILES}: ${lines} lines`);
    }
    await refresh(app, CYCLE);
    const text = (await readFile(RULES, 'utf8')).replace('weight: 2,', 'weight: 3,');
    const path = join(ground.folder, 'tried.yaml');
    await writeFile(path, text);
    const query = await readFile(new URL('rules-by-hand.sql', import.meta.url), 'utf8');
    for (let pair = 1; pair <= pairs; pair++) {
      await ground.settle();
      const run = await lkp(ground, url, ['refresh', CYCLE, '--plan', '--rules', path]);
      const { changes } = run.json as { changes: { kpi_after: string } };
      planned.push(run.seconds);
      memory.push(run.megabytes);
      await ground.settle();
      const started = performance.now();
      const rows = await app.db.transaction('by hand', async (tx) => {
        await tx.rows('set local enable_nestloop = off');
        return tx.rows<{ kpi_value: string }>(query);
      });
      byHand.push((performance.now() - started) / 1000);
      const total = rows.reduce((sum, { kpi_value }) => sum + Number(kpi_value), 0);
      if (total !== Number(changes.kpi_after))
        throw new Error(`by hand it is ${total} KPI, planned ${changes.kpi_after}`);
      say(
        `rules ${pair} of ${pairs}: plan ${planned.at(-1)!.toFixed(1)} s, by hand ${byHand.at(-1)!.toFixed(1)} s`,
      );
    }
  } finally {
    await app.close();
  }
  await ground.drop('rules');
  return [
    {
      bench: 'rules',
      figure: `time of \`lkp refresh --plan --rules\` / a query that reweighs the same ${(FILES * lines).toLocaleString('en')} lines`,
      value: median(planned.map((seconds, index) => seconds / byHand[index]!)),
      madeOf: `plan ${shown(planned)} s; by hand ${shown(byHand)} s`,
    },
    {
      bench: 'rules',
      atMost: 300,
      figure: 'peak memory of the `lkp` processes, MB',
      value: median(memory),
      madeOf: memory.map((one) => one.toFixed(0)).join(', '),
    },
  ];
}
