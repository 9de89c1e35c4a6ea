import { readFileSync } from 'node:fs';
import { parseSync } from 'libpg-query';
import { statementsOf } from './mutants.ts';

const texts = new Map<string, string>();

/** The text of a file, as `sql/marts/fresh.sql`. */
export function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  texts.set(file, text);
  return text;
}

/** What a SQL text does, as PostgreSQL's parser reads it. */
export interface Doing {
  readonly statements: readonly string[];
  /** Names of the tables that it makes or writes to, in the order of the alphabet. */
  readonly writes: readonly string[];
  /** Names of the settings that it makes. */
  readonly sets: readonly string[];
  /** Whether its last statement says the order of its rows. */
  readonly isOrdered: boolean;
}

type Node = { readonly [key: string]: unknown };

/** Where the statements that write say what they write to. */
const TARGETS: ReadonlyArray<readonly [statement: string, path: readonly string[]]> = [
  ['InsertStmt', ['relation', 'relname']],
  ['UpdateStmt', ['relation', 'relname']],
  ['DeleteStmt', ['relation', 'relname']],
  ['MergeStmt', ['relation', 'relname']],
  ['CreateStmt', ['relation', 'relname']],
  ['CreateTableAsStmt', ['into', 'rel', 'relname']],
];

function written(node: unknown, found: Set<string>): Set<string> {
  if (typeof node !== 'object' || node === null) return found;
  for (const [statement, path] of TARGETS) {
    const name = [statement, ...path].reduce<unknown>((at, key) => (at as Node | undefined)?.[key], node);
    if (typeof name === 'string') found.add(name);
  }
  for (const each of Object.values(node)) written(each, found);
  return found;
}

const known = new Map<string, Doing>();

export function doingOf(text: string): Doing {
  const before = known.get(text);
  if (before) return before;
  const { stmts = [] } = parseSync(text);
  const last = stmts.at(-1)?.stmt as { SelectStmt?: { sortClause?: unknown } } | undefined;
  const doing = {
    statements: statementsOf(text),
    writes: [...written(stmts, new Set())].sort(),
    sets: [...text.matchAll(/set_config\('([\w.]+)'/g)].map(([, name]) => name!),
    isOrdered: last?.SelectStmt?.sortClause !== undefined,
  };
  known.set(text, doing);
  return doing;
}

/** A view or a function that a text makes. */
export interface Made {
  readonly name: string;
  /** Makes it in the place of the one that is there. */
  readonly statement: string;
}

export function madeBy(text: string): Made[] {
  return statementsOf(text).flatMap((statement) => {
    const made = /create\s+(?:or\s+replace\s+)?(view|function)\s+(\w+)/i.exec(statement);
    if (!made) return [];
    const [words, kind, name] = made;
    return [{ name: name!, statement: statement.replace(words, `create or replace ${kind} ${name}`) }];
  });
}
