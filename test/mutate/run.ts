import { parseArgs } from 'node:util';
import { drawFrom } from '../../samples/random.ts';
import { openGround } from './ground.ts';
import { allMutants, type Fate, Judge } from './judge.ts';
import type { Mutant } from './mutants.ts';
import { SCENES } from './scenes.ts';
import { openSuite } from './suite.ts';
import { Survivors } from './survivors.ts';

/**
 *   npm run mutate -- [--file sql/marts/fresh.sql]... [--sample 100 [--seed 1]] [--scene part-of-a-name]... [--workers 2] [--no-suite]
 *
 * Changes one thing at a time in the SQL (a condition, a sign, a border, ...) and looks whether anything shows it: first
 * scenes whose answers must be those of the unchanged SQL, then, for what they let pass, the test suite. Survivors
 * are listed with their reason from survivors.yaml. Exit code 1 when one has none, or a reason has no mutant any more.
 */

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    scene: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    'no-suite': { type: 'boolean', default: false },
  },
});
const workers = Number(values.workers);
const sample = values.sample === undefined ? undefined : Number(values.sample);
if (
  !(workers === 1 || workers === 2) ||
  (sample !== undefined && !(sample > 0)) ||
  !(Number(values.seed) > 0)
) {
  console.error(
    'Wanted: npm run mutate -- [--file F]... [--sample N] [--seed S] [--workers 1|2] [--no-suite]',
  );
  process.exit(2);
}

interface Judged {
  readonly mutant: Mutant;
  readonly fate: Fate;
}

/** So many of them, drawn from a seed, in their order. */
function some(from: readonly Mutant[], count: number, seed: number): Mutant[] {
  const draw = drawFrom(seed);
  const left = [...from.keys()];
  while (left.length > count) left.splice(draw.integer(0, left.length - 1), 1);
  return left.map((index) => from[index]!);
}

const scenes = SCENES.filter(({ name }) => values.scene?.some((part) => name.includes(part)) ?? true);

const began = Date.now();
const survivors = new Survivors();
const all = allMutants(values.file);
const mutants = sample === undefined ? all : some(all, sample, Number(values.seed));
const ground = await openGround();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void ground.close().finally(() => process.exit(1)));

const place = ({ file, line, change, was, now }: Mutant) =>
  `${file}:${line} ${change}: ${was} -> ${now || 'nothing'}`;

/** As survivors.yaml wants it. */
const entryOf = ({ file, at, was, now, nth }: Mutant) => ({
  file,
  at,
  was,
  now,
  ...(nth > 1 ? { nth } : {}),
});

async function judgeAll(): Promise<Judged[]> {
  const judge = new Judge(ground);
  const files = new Set(mutants.map(({ file }) => file));
  await judge.prepare((text) => console.error(text), files, scenes);
  const suite = values['no-suite'] ? undefined : await openSuite(ground.url);
  const judged: Judged[] = [];
  const waiting = mutants.entries();
  const work = async () => {
    for (const [index, mutant] of waiting) {
      let fate = await judge.judge(mutant);
      // What is explained has no need of an hour of tests; that it still survives the scenes is enough.
      if (fate.fate === 'survived' && suite && !survivors.reasonOf(mutant))
        fate = await suite.judge(mutant, fate.ms);
      judged.push({ mutant, fate });
      const by = 'by' in fate ? ` (${fate.by})` : '';
      console.error(`${index + 1}/${mutants.length} ${fate.fate} ${fate.ms} ms ${place(mutant)}${by}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    await suite?.close();
  }
  return judged;
}

function table(judged: readonly Judged[]): string {
  const files = [...new Set(judged.map(({ mutant }) => mutant.file))].sort();
  const row = (name: string, some: readonly Judged[]) => {
    const count = (wanted: Fate['fate']) => some.filter(({ fate }) => fate.fate === wanted).length;
    const cells = [some.length, count('killed'), count('stillborn'), count('survived')];
    return `| ${name} | ${cells.join(' | ')} |`;
  };
  return [
    '| file | mutants | killed | stillborn | survivors |',
    '|---|---|---|---|---|',
    ...files.map((file) =>
      row(
        file,
        judged.filter(({ mutant }) => mutant.file === file),
      ),
    ),
    row('together', judged),
  ].join('\n');
}

try {
  const judged = await judgeAll();
  console.log(table(judged));
  const alive = judged.filter(({ fate }) => fate.fate === 'survived').map(({ mutant }) => mutant);
  const unexplained = alive.filter((mutant) => !survivors.reasonOf(mutant));
  // A reason for what is killed is no reason.
  const wrong = judged.filter(({ mutant, fate }) => fate.fate !== 'survived' && survivors.reasonOf(mutant));
  const gone = survivors.gone(all, new Set(all.map(({ file }) => file)));
  for (const mutant of alive) {
    const reason = survivors.reasonOf(mutant);
    if (reason) console.log(`\n${place(mutant)}\n  ${reason}`);
  }
  for (const mutant of unexplained)
    console.log(`\nUNEXPLAINED ${place(mutant)}\n  - ${JSON.stringify(entryOf(mutant))}`);
  for (const { mutant } of wrong) console.log(`\nEXPLAINED BUT KILLED ${place(mutant)}\n  ${mutant.at}`);
  for (const { file, at, was } of gone) console.log(`\nEXPLAINED BUT GONE ${file}: ${was}\n  ${at}`);
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `\n${judged.length} mutants, ${alive.length} survivors, ${unexplained.length} unexplained, ` +
      `${wrong.length + gone.length} reasons without a survivor, ${seconds} s`,
  );
  process.exitCode = unexplained.length + wrong.length + gone.length > 0 ? 1 : 0;
} finally {
  await ground.close();
}
