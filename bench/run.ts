import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Figure, judged, machine, openGround } from './ground.ts';
import { benchHistory } from './history.ts';
import { benchIngest } from './ingest.ts';
import { benchReading } from './reading.ts';
import { benchReconcile } from './reconcile.ts';
import { benchRefresh } from './refresh.ts';
import { benchRules } from './rules.ts';
import { benchSmallFiles } from './small-files.ts';
import { benchWorkbooks } from './workbooks.ts';

/*
 *   npm run bench                                   all of them, at full size
 *   npm run bench -- ingest --lines 200000 --pairs 5
 *   npm run bench -- --write                        puts the figures into bench/README.md
 */
const BENCHES = {
  ingest: benchIngest,
  history: benchHistory,
  refresh: benchRefresh,
  rules: benchRules,
  workbooks: benchWorkbooks,
  reading: benchReading,
  'small-files': benchSmallFiles,
  reconcile: benchReconcile,
};
/** Lines, or files, where no others are asked for. */
const LINES: Record<Name, number> = {
  ingest: 1_000_000,
  history: 1_000_000,
  refresh: 100_000,
  rules: 1_000_000,
  workbooks: 500_000,
  reading: 500_000,
  'small-files': 3_000,
  reconcile: 1_000_000,
};
type Name = keyof typeof BENCHES;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lines: { type: 'string' },
    pairs: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
  },
});
const strangers = positionals.filter((name) => !(name in BENCHES));
if (strangers.length > 0)
  throw new Error(`There is no bench ${strangers.join(', ')}. Known are ${Object.keys(BENCHES).join(', ')}.`);
const names = (positionals.length > 0 ? positionals : Object.keys(BENCHES)) as Name[];
const pairs = whole('pairs', values.pairs);
const lines = values.lines === undefined ? undefined : whole('lines', values.lines);

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,7}$/.test(text))
    throw new Error(`--${name} is "${text}"; a whole number from 1 is wanted.`);
  return Number(text);
}

const say = (text: string) => console.error(text);
const ground = await openGround();
try {
  const figures: Figure[] = [];
  for (const name of names) figures.push(...(await BENCHES[name](ground, lines ?? LINES[name], pairs, say)));
  const result = [
    `Measured ${new Date().toISOString().slice(0, 10)}, ${pairs} alternating pairs, median: ${await machine(ground)}.`,
    '',
    '| bench | figure | measured | wanted | made of |',
    '|---|---|---|---|---|',
    ...figures.map((one) => {
      const { wanted, missed } = judged(one);
      const measured = one.value < 10 ? one.value.toFixed(2) : Math.round(one.value);
      return `| ${one.bench} | ${one.figure} | ${measured}${missed ? ' (missed)' : ''} | ${wanted} | ${one.madeOf} |`;
    }),
  ].join('\n');
  console.log(result);
  if (values.write) write(result);
} finally {
  await ground.close();
}

/** Replaces what stands between the two marks. */
function write(result: string): void {
  const readme = new URL('README.md', import.meta.url);
  const text = readFileSync(readme, 'utf8');
  writeFileSync(
    readme,
    text.replace(
      /(<!-- figures -->\n)[\s\S]*(<!-- end -->)/,
      (_all, before: string, after: string) => `${before}\n${result}\n\n${after}`,
    ),
  );
}
