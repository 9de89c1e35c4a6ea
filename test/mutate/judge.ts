import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sql } from '../../src/ports.ts';
import type { Scene } from './acting.ts';
import { isSql, type Mutant, mutantsOf, statementsOf } from './mutants.ts';
import { type Doing, doingOf, type Made, madeBy, textOf } from './statements.ts';
import { Trial } from './trial.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What became of a mutant: `by` is the scene that told it from the unchanged SQL, or what PostgreSQL says of it. */
export type Fate =
  | { readonly fate: 'killed' | 'stillborn'; readonly by: string }
  /** At so many calls it did what the unchanged SQL does. */
  | { readonly fate: 'survived'; readonly calls: number };

const filesOf = (folder: string): string[] =>
  readdirSync(`${ROOT}sql/${folder}`)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => `sql/${folder}/${name}`);

/** Every mutant of the SQL files, or of some; of a migration, those of its views and functions. */
export function allMutants(only?: readonly string[]): Mutant[] {
  const files = ['checks', 'marts', 'migrations', 'staging'].flatMap(filesOf);
  const unknown = only?.find((name) => !files.some((file) => file.startsWith(name)));
  if (unknown)
    throw new Error(`There is no ${unknown}. Wanted: sql/<folder>/<name>.sql, or how such a path begins.`);
  const chosen = files.filter((file) => !only || only.some((name) => file.startsWith(name)));
  return chosen.flatMap((file) => mutantsOf(file, textOf(file)));
}

/** The database's views and functions: what each is made of, by name. */
class Objects {
  private readonly texts = new Map<string, string>();
  private readonly known = new Map<string, ReadonlySet<string>>();

  constructor() {
    for (const file of [...filesOf('migrations'), ...filesOf('marts')])
      for (const { name, statement } of isOfDatabase(file) ? madeBy(textOf(file)) : [])
        this.texts.set(name, `${this.texts.get(name) ?? ''}\n${statement}`);
  }

  /** Those that a text names, and those that they name. */
  namedBy(text: string): ReadonlySet<string> {
    const before = this.known.get(text);
    if (before) return before;
    const found = new Set<string>();
    const words = new Set(text.match(/\w+/g));
    for (const [name, of] of this.texts)
      if (words.has(name) && of !== text) for (const each of [name, ...this.namedBy(of)]) found.add(each);
    this.known.set(text, found);
    return found;
  }
}

/** Views and functions are the database's; what is in other files is run by the application. */
const isOfDatabase = (file: string): boolean =>
  file.startsWith('sql/migrations/') || textOf(file).startsWith('-- view:');

/** A mutant that nothing told yet. */
interface Open {
  readonly mutant: Mutant;
  /** Its place among those of its file. */
  readonly no: number;
  /** What is different of it: the view or function, or the whole file. */
  readonly made?: Made;
  readonly statements?: readonly string[];
  calls: number;
}

/**
 * Tries the mutants of what is called in the place of it, at each call that the application makes, until one of them
 * returns or writes something else.
 */
export class Judge {
  readonly fates = new Map<Mutant, Fate>();
  /** Files that do not answer the same by other plans. */
  readonly unsteady = new Set<string>();
  /** Calls at which something else held the view that a mutant would have changed. */
  notTried = 0;
  /** By scene and what is called. */
  private readonly calls = new Map<string, number>();
  private readonly objects = new Objects();
  /** By the name of the file, the view or the function. */
  private readonly open = new Map<string, Set<Open>>();

  /** With `everywhere`, every mutant is tried at every call. */
  constructor(
    mutants: readonly Mutant[],
    private readonly everywhere = false,
  ) {
    const counts = new Map<string, number>();
    for (const mutant of mutants) {
      const no = counts.get(mutant.file) ?? 0;
      counts.set(mutant.file, no + 1);
      if (!isSql(mutant.text)) {
        this.fates.set(mutant, { fate: 'stillborn', by: 'the parser' });
        continue;
      }
      if (!isOfDatabase(mutant.file)) {
        this.put(nameOf(mutant.file), { mutant, no, statements: statementsOf(mutant.text), calls: 0 });
        continue;
      }
      const own = new Set(madeBy(textOf(mutant.file)).map(({ statement }) => statement));
      const made = madeBy(mutant.text).find(({ statement }) => !own.has(statement))!;
      this.put(made.name, { mutant, no, made, calls: 0 });
    }
  }

  /** How many nothing told yet. */
  get left(): number {
    return [...this.open.values()].reduce((sum, { size }) => sum + size, 0);
  }

  private put(name: string, open: Open): void {
    this.fates.set(open.mutant, { fate: 'survived', calls: 0 });
    this.open.set(name, (this.open.get(name) ?? new Set()).add(open));
  }

  /** The same transaction, in which each call is tried with the mutants that are left before it is made. */
  watched(tx: Sql, scene: Scene): Sql {
    let last: Promise<unknown> = Promise.resolve();
    // One behind the other, also where several are asked at once: a trial is no place for another call.
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const next = last.then(work);
      last = next.catch(() => undefined);
      return next;
    };
    const looking = async (text: string, parameters?: readonly unknown[]) => {
      const names = this.objects.namedBy(text);
      if ([...names].some((name) => this.open.get(name)?.size))
        await this.tryAll(tx, scene, names, doingOf(text), () => tx.rows(text, parameters));
    };
    type Given = [text: string, parameters?: readonly unknown[]];
    const after = <T>(call: (...given: Given) => Promise<T>) => {
      return (...given: Given) =>
        inTurn(async () => {
          await looking(...given);
          return call(...given);
        });
    };
    return {
      rows: after((...given) => tx.rows(...given)) as Sql['rows'],
      one: after((...given) => tx.one(...given)) as Sql['one'],
      maybe: after((...given) => tx.maybe(...given)) as Sql['maybe'],
      set: (settings) => inTurn(() => tx.set(settings)),
      copyIn: (statement, source) => inTurn(() => tx.copyIn(statement, source)),
      stream: <T extends object>(text: string, parameters?: readonly unknown[], batch?: number) =>
        streamed(
          () => inTurn(() => looking(text, parameters)),
          () => tx.stream<T>(text, parameters, batch),
        ),
      file: (name, settings = {}) =>
        inTurn(async () => {
          const text = textOf(`sql/${name}.sql`);
          await tx.set(settings);
          const names = new Set([name, ...this.objects.namedBy(text)]);
          await this.tryAll(tx, scene, names, doingOf(text), () => tx.file(name));
          return tx.file(name);
        }),
    };
  }

  private async tryAll(
    tx: Sql,
    scene: Scene,
    names: ReadonlySet<string>,
    doing: Doing,
    run: () => Promise<object[]>,
  ): Promise<void> {
    const [called] = names;
    const nth = (this.calls.get(`${scene.name} ${called}`) ?? 0) + 1;
    this.calls.set(`${scene.name} ${called}`, nth);
    const left = [...names]
      .flatMap((name) => [...(this.open.get(name) ?? [])])
      .filter((open) => this.everywhere || scene.isDrawn || isTurnOf(open, nth));
    if (left.length === 0) return;
    const trial = await Trial.begin(tx, { doing, run });
    if (!trial.isSteady) this.unsteady.add(`${called} (${scene.name})`);
    for (const open of left) {
      if (this.fates.get(open.mutant)?.fate !== 'survived') continue;
      const { statement: prepare } = open.made ?? {};
      const outcome = await trial.of({
        ...(prepare && { prepare }),
        ...(open.statements && { instead: open.statements }),
      });
      // Told meanwhile by another scene, which is played beside this one.
      if (this.fates.get(open.mutant)?.fate !== 'survived') continue;
      if (outcome.outcome === 'not tried') this.notTried += 1;
      else if (outcome.outcome === 'same') {
        open.calls += 1;
        this.fates.set(open.mutant, { fate: 'survived', calls: open.calls });
      } else {
        const fate: Fate =
          outcome.outcome === 'refused'
            ? { fate: 'stillborn', by: outcome.says }
            : { fate: 'killed', by: `${scene.name}, ${called}` };
        this.fates.set(open.mutant, fate);
        this.open.get(open.made?.name ?? nameOf(open.mutant.file))?.delete(open);
      }
    }
  }
}

/**
 * At the first calls of a scene every mutant of a file is tried, at each later one a share of those that are left. What
 * views and functions do is asked from everywhere: of theirs it is a share each time. Drawn facts are few and made for it.
 */
const isTurnOf = ({ no, made }: Open, nth: number): boolean =>
  made ? (no + nth) % 6 === 0 : nth <= 10 || (no + nth) % 3 === 0;

async function* streamed<T>(before: () => Promise<void>, rows: () => AsyncGenerator<T>): AsyncGenerator<T> {
  await before();
  yield* rows();
}

const nameOf = (file: string): string => file.replace(/^sql\/|\.sql$/g, '');
