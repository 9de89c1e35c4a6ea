import { parseArgs } from 'node:util';
import { drawFrom } from '../../samples/random.ts';
import type { App } from '../../src/app.ts';
import type { Sql } from '../../src/ports.ts';
import { clock } from './acting.ts';
import { openGround } from './ground.ts';
import { allMutants, type Fate, Judge } from './judge.ts';
import { isSql, type Mutant } from './mutants.ts';
import { SCENES } from './scenes.ts';
import { STATES } from './states.ts';
import { openSuite } from './suite.ts';
import { Survivors } from './survivors.ts';

/**
 *   npm run mutate -- [--file sql/marts/fresh.sql]... [--scene part-of-a-name]... [--workers 1]
 *   npm run mutate -- --suite 40 [--seed 1] [--file sql/marts/fresh.sql]...
 *
 * Changes one thing at a time in the SQL (a condition, a sign, a border, ...), and looks whether anything shows it while
 * scenes are played. Survivors are listed with their reason from survivors.yaml. Exit code 1 when one has none, or a
 * reason has no survivor any more. With --suite no scene is played: so many mutants that have no reason are drawn, and
 * the tests of the suite that run their files are asked; those that no test tells are listed.
 */

const { values } = parseArgs({
  options: {
    file: { type: 'string', multiple: true },
    scene: { type: 'string', multiple: true },
    workers: { type: 'string', default: '2' },
    suite: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const workers = Number(values.workers);
const asked = values.suite === undefined ? undefined : Number(values.suite);
const isCount = (given: number) => Number.isInteger(given) && given > 0;
if (!(workers === 1 || workers === 2) || !isCount(asked ?? 1) || !isCount(Number(values.seed))) {
  console.error(
    'Wanted: npm run mutate -- [--file F]... [--scene S]... [--workers 1|2], or -- --suite N [--seed S] [--file F]...',
  );
  process.exit(2);
}

type Fates = ReadonlyMap<Mutant, Fate>;

const began = Date.now();
const seconds = () => Math.round((Date.now() - began) / 1000);
const survivors = new Survivors();
const mutants = allMutants(values.file);
const scenes = SCENES.filter(({ name }) => values.scene?.some((part) => name.includes(part)) ?? true);
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

const said = (text: string, { left }: Judge) => console.error(`${seconds()} s, ${left} left: ${text}`);

/** What the scenes begin with, one behind the other. */
async function makeStates(): Promise<void> {
  const needed = new Set(scenes.map(({ from }) => from));
  for (const state of [...STATES].reverse()) if (needed.has(state.name)) needed.add(state.from);
  for (const state of STATES.filter(({ name }) => needed.has(name))) {
    console.error(`${seconds()} s: ${state.name}`);
    const play = (app: App, folder: string) => state.play(app, folder);
    await ground.on(state.from, play, { keep: state.name, ...clock(state) });
  }
}

/** The scenes side by side: those first that tell most in the least time. */
async function playAll(judge: Judge): Promise<Judge> {
  const waiting = scenes.values();
  const work = async () => {
    for (const scene of waiting) {
      if (judge.left === 0) return;
      said(scene.name, judge);
      const watch = (tx: Sql) => judge.watched(tx, scene);
      await ground.on(scene.from, (app, folder) => scene.play(app, folder), { ...clock(scene), watch });
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return judge;
}

function table(fates: Fates): string {
  const row = (name: string, some: readonly Mutant[]) => {
    const count = (wanted: Fate['fate']) =>
      some.filter((mutant) => fates.get(mutant)?.fate === wanted).length;
    const cells = [some.length, count('killed'), count('stillborn'), count('survived')];
    return `| ${name} | ${cells.join(' | ')} |`;
  };
  const files = [...new Set(mutants.map(({ file }) => file))];
  return [
    '| file | mutants | killed | stillborn | survivors |',
    '|---|---|---|---|---|',
    ...files.map((name) =>
      row(
        name,
        mutants.filter(({ file }) => file === name),
      ),
    ),
    row('together', mutants),
  ].join('\n');
}

/** Plays the scenes and says what survived; true when each survivor has a reason, and each reason a survivor. */
async function judgeAll(): Promise<boolean> {
  await makeStates();
  const first = await playAll(new Judge(mutants));
  const isAlive = (fates: Fates) => (mutant: Mutant) => fates.get(mutant)?.fate === 'survived';
  const missed = mutants.filter(isAlive(first.fates)).filter((mutant) => !survivors.reasonOf(mutant));
  // Once more at every call: a mutant of a view was tried at a share of them.
  const again = await playAll(new Judge(missed, true));
  const fates: Fates = new Map([...first.fates, ...again.fates]);
  console.log(table(fates));
  const alive = mutants.filter(isAlive(fates));
  const unexplained = alive.filter((mutant) => !survivors.reasonOf(mutant));
  // A reason for what is killed is no reason.
  const wrong = mutants.filter((mutant) => !alive.includes(mutant) && survivors.reasonOf(mutant));
  const gone = survivors.gone(allMutants());
  const unsteady = new Set([...first.unsteady, ...again.unsteady]);
  for (const mutant of alive) {
    const reason = survivors.reasonOf(mutant);
    if (reason) console.log(`\n${place(mutant)}\n  ${reason}`);
  }
  for (const mutant of unexplained) {
    const { calls } = fates.get(mutant) as { calls: number };
    console.log(`\nUNEXPLAINED ${place(mutant)} (${calls} calls)\n  - ${JSON.stringify(entryOf(mutant))}`);
  }
  for (const mutant of wrong) {
    const { fate, by } = fates.get(mutant) as { fate: string; by: string };
    console.log(`\nEXPLAINED BUT ${fate.toUpperCase()} ${place(mutant)} (${by})\n  ${mutant.at}`);
  }
  for (const { file, at, was } of gone) console.log(`\nEXPLAINED BUT GONE ${file}: ${was}\n  ${at}`);
  for (const name of unsteady) console.log(`\nNOT THE SAME BY OTHER PLANS ${name}`);
  const faults = unexplained.length + wrong.length + gone.length + unsteady.size;
  console.log(
    `\n${mutants.length} mutants, ${alive.length} survivors, ${unexplained.length} unexplained, ` +
      `${wrong.length + gone.length} reasons without a survivor, ${unsteady.size} files not the same by other plans, ` +
      `${first.notTried + again.notTried} trials not made for a lock, ${seconds()} s`,
  );
  return faults === 0;
}

/** Asks the suite about so many mutants, drawn from the seed. */
async function askSuite(count: number): Promise<void> {
  const draw = drawFrom(Number(values.seed));
  const left = mutants.filter((mutant) => isSql(mutant.text) && !survivors.reasonOf(mutant));
  while (left.length > count) left.splice(draw.integer(0, left.length - 1), 1);
  const suite = await openSuite(ground.url);
  const alive: Mutant[] = [];
  try {
    for (const mutant of left) {
      const failing = await suite.failing(mutant);
      if (!failing) alive.push(mutant);
      console.error(`${seconds()} s: ${place(mutant)}: ${failing ?? 'no test tells it'}`);
    }
  } finally {
    await suite.close();
  }
  for (const mutant of alive) console.log(`${place(mutant)}\n  ${mutant.at}\n`);
  console.log(
    `The suite tells ${left.length - alive.length} of ${left.length}, seed ${values.seed}, ${seconds()} s`,
  );
}

try {
  if (asked) await askSuite(asked);
  else process.exitCode = (await judgeAll()) ? 0 : 1;
} finally {
  await ground.close();
}
