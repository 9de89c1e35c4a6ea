import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { clock, Otherwise, played, type Scene } from './acting.ts';
import { type Ground, refusedBy } from './ground.ts';
import { isSql, type Mutant, mutantsOf } from './mutants.ts';
import { SCENES } from './scenes.ts';
import { STATES } from './states.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What became of a mutant: `by` is the scene that told it from the unchanged SQL, or what PostgreSQL says of it. */
export type Fate =
  | { readonly fate: 'killed' | 'stillborn'; readonly by: string; readonly ms: number }
  | { readonly fate: 'survived'; readonly ms: number };

interface Known {
  readonly scene: Scene;
  readonly answers: readonly string[];
  /** Names of the SQL files that it runs. */
  readonly ran: ReadonlySet<string>;
  readonly ms: number;
}

/** Every mutant of the SQL files, or of one of them; of a migration, those of the functions that no later one replaces. */
export function allMutants(only?: readonly string[]): Mutant[] {
  const files = ['checks', 'marts', 'migrations', 'staging'].flatMap((folder) =>
    readdirSync(`${ROOT}sql/${folder}`)
      .filter((name) => name.endsWith('.sql'))
      .sort()
      .map((name) => `sql/${folder}/${name}`),
  );
  const unknown = only?.find((name) => !files.some((file) => file.startsWith(name)));
  if (unknown)
    throw new Error(`There is no ${unknown}. Wanted: sql/<folder>/<name>.sql, or how such a path begins.`);
  const chosen = files.filter((file) => !only || only.some((name) => file.startsWith(name)));
  return chosen.flatMap((file) => mutantsOf(file, readFileSync(`${ROOT}${file}`, 'utf8')));
}

export class Judge {
  private readonly known: Known[] = [];
  /** File -> scene -> mutants killed. */
  private readonly kills = new Map<string, Map<string, number>>();

  constructor(private readonly ground: Ground) {}

  /**
   * Plays states and scenes on the unchanged SQL, and keeps what the scenes answer that run one of the files. Throws when
   * one of those does not answer the same twice.
   */
  async prepare(
    said: (text: string) => void,
    files: ReadonlySet<string>,
    scenes: readonly Scene[] = SCENES,
  ): Promise<void> {
    const needed = new Set(scenes.map(({ from }) => from));
    for (const state of [...STATES].reverse()) if (needed.has(state.name)) needed.add(state.from);
    for (const { name, from, play, ...scene } of STATES.filter((state) => needed.has(state.name))) {
      said(`state ${name}`);
      await this.ground.on(from, (app, folder) => play(app, folder, () => undefined), {
        keep: name,
        ...clock(scene),
      });
    }
    for (const scene of scenes) {
      said(`scene ${scene.name}`);
      const ran = new Set<string>();
      const answers = await played(this.ground, scene, { ran: (name) => ran.add(name) });
      if (![...files].some((file) => isRunBy(file, ran))) continue;
      const began = Date.now();
      // By other plans, so that no answer rests on an order that the SQL does not say.
      await played(this.ground, scene, { wanted: answers, analyzed: true }).catch((cause: Error) => {
        throw new Error(`${scene.name} does not answer the same twice: ${cause.message}`, { cause });
      });
      this.known.push({ scene, answers, ran, ms: Date.now() - began });
    }
  }

  /** Plays the scenes that run the mutant's file, those first that told most of its mutants, then the short ones. */
  async judge(mutant: Mutant): Promise<Fate> {
    const began = Date.now();
    const ms = () => Date.now() - began;
    if (!isSql(mutant.text)) return { fate: 'stillborn', by: 'the parser', ms: ms() };
    for (const { scene, answers } of this.order(mutant.file)) {
      try {
        await played(this.ground, scene, { wanted: answers, changed: mutant });
      } catch (error) {
        const refused = refusedBy(error);
        if (refused) return { fate: 'stillborn', by: refused, ms: ms() };
        this.count(mutant.file, scene.name);
        const why = error instanceof Otherwise ? error.message : `it stops: ${(error as Error).message}`;
        return { fate: 'killed', by: `${scene.name}, ${why}`, ms: ms() };
      }
    }
    return { fate: 'survived', ms: ms() };
  }

  private order(file: string): Known[] {
    const kills = this.kills.get(file);
    const of = ({ scene, ms }: Known) => (1 + (kills?.get(scene.name) ?? 0) ** 2) / ms;
    return this.known.filter(({ ran }) => isRunBy(file, ran)).sort((a, b) => of(b) - of(a));
  }

  private count(file: string, scene: string): void {
    const kills = this.kills.get(file) ?? new Map<string, number>();
    this.kills.set(file, kills.set(scene, (kills.get(scene) ?? 0) + 1));
  }
}

/** Views and functions may be run by anything. */
function isRunBy(file: string, ran: ReadonlySet<string>): boolean {
  const name = file.replace(/^sql\/|\.sql$/g, '');
  return file.startsWith('sql/migrations/') || /^marts\/\d/.test(name) || ran.has(name);
}
