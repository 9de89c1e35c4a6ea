import { loadModule, parseSync, scanSync } from 'libpg-query';

/** What was changed in a SQL text. */
export const CHANGES = {
  condition: 'a condition of a join, a filter or a case is dropped: `true` among `and`, `false` among `or`',
  using: 'a column of `using` is dropped',
  sign: 'plus for minus, minus for plus, or a factor that is a sign is dropped',
  border: '`<` for `<=`, `>` for `>=`, and back',
  negation: '`not` is dropped',
  distinct: '`distinct` is dropped',
  fallback: 'the last value of a coalesce is dropped',
} as const;
export type Change = keyof typeof CHANGES;

/** A SQL file with one thing changed. */
export interface Mutant {
  /** Below the repository, as `sql/marts/fresh.sql`. */
  readonly file: string;
  readonly change: Change;
  /** From 1. */
  readonly line: number;
  /** The text of that line without its indent. */
  readonly at: string;
  /** What stood there, and what stands there now; white space as one space each. */
  readonly was: string;
  readonly now: string;
  /** Which of several with the same words, from 1. */
  readonly nth: number;
  /** The whole file as changed. */
  readonly text: string;
}

await loadModule();

interface Token {
  readonly start: number;
  readonly end: number;
  /** In lower case. */
  readonly word: string;
  /** How many brackets and cases are open around it. */
  readonly depth: number;
}

interface Edit {
  readonly change: Change;
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

const OPENS = new Set(['(', '[', 'case']);
const CLOSES = new Set([')', ']', 'end']);
/** Where a condition ends at the latest, at its own depth. */
const ENDS = new Set(
  (
    ', ; on where having group order limit offset union except intersect window join left right full inner cross then when ' +
    'else returning for do'
  ).split(' '),
);
/** A plus or minus behind one of these words has one side only. */
const BEFORE_UNARY = new Set(
  '( [ , = < > <= >= <> + - * / select when then else and or not in by return values'.split(' '),
);

/*
 * PostgreSQL counts bytes: texts are handled as strings of one character a byte, so that its numbers are places in
 * them.
 */
const asBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const asText = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

function tokensOf(bytes: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  for (const { start, end, tokenName } of scanSync(asText(bytes)).tokens) {
    if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') continue;
    const word = bytes.slice(start, end).toLowerCase();
    if (CLOSES.has(word)) depth -= 1;
    tokens.push({ start, end, word, depth });
    if (OPENS.has(word)) depth += 1;
  }
  return tokens;
}

class Finder {
  readonly edits: Edit[] = [];

  constructor(readonly tokens: readonly Token[]) {}

  word = (index: number): string => this.tokens[index]?.word ?? '';

  put(change: Change, from: number, to: number, by: string): void {
    this.edits.push({ change, start: this.tokens[from]!.start, end: this.tokens[to - 1]!.end, by });
  }

  find(): Edit[] {
    for (const index of this.tokens.keys()) {
      this.condition(index);
      this.using(index);
      this.sign(index);
      this.border(index);
      this.negation(index);
      this.distinct(index);
      this.fallback(index);
    }
    return this.edits;
  }

  /** The conditions that a word opens, part by part, and theirs within brackets. */
  condition(index: number): void {
    const word = this.word(index);
    const isOne =
      word === 'where' ||
      word === 'having' ||
      (word === 'on' &&
        !['distinct', 'set', 'only'].includes(this.word(index - 1)) &&
        !['conflict', 'commit'].includes(this.word(index + 1)));
    const from = index + 1;
    if (isOne) this.parts(from, this.endOf(from));
    // A case with one condition is a mapping; with several, each is a filter of it.
    else if (word === 'when') {
      const to = this.endOf(from);
      if (this.splits(from, to, 'and').length + this.splits(from, to, 'or').length > 2) this.parts(from, to);
    }
  }

  /** Behind the last token of the condition that begins at `from`. */
  endOf(from: number): number {
    const depth = this.tokens[from]!.depth;
    let index = from;
    for (; index < this.tokens.length; index += 1) {
      const token = this.tokens[index]!;
      if (token.depth < depth) break;
      const isFunction = this.word(index + 1) === '(' && (token.word === 'left' || token.word === 'right');
      if (token.depth === depth && ENDS.has(token.word) && !isFunction) break;
    }
    return index;
  }

  splits(from: number, to: number, by: 'and' | 'or'): Array<readonly [from: number, to: number]> {
    const depth = this.tokens[from]!.depth;
    const found: Array<readonly [number, number]> = [];
    let begin = from;
    for (let index = from; index < to; index += 1) {
      if (this.word(index) !== by || this.tokens[index]!.depth !== depth) continue;
      found.push([begin, index]);
      begin = index + 1;
    }
    found.push([begin, to]);
    return found;
  }

  parts(from: number, to: number): void {
    const either = this.splits(from, to, 'or');
    if (either.length > 1)
      for (const [begin, end] of either) {
        this.put('condition', begin, end, 'false');
        if (this.splits(begin, end, 'and').length > 1) this.parts(begin, end);
        else this.within(begin, end);
      }
    else
      for (const [begin, end] of this.splits(from, to, 'and')) {
        this.put('condition', begin, end, 'true');
        this.within(begin, end);
      }
  }

  /** `( ... )` and `not ( ... )` that hold more than one condition. */
  within(from: number, to: number): void {
    const open = this.word(from) === 'not' ? from + 1 : from;
    const isBracket =
      this.word(open) === '(' && this.word(to - 1) === ')' && this.word(open + 1) !== 'select';
    const isWhole = isBracket && this.tokens[open]!.depth === this.tokens[to - 1]!.depth;
    if (
      !isWhole ||
      this.tokens.slice(open + 1, to - 1).some(({ depth }) => depth === this.tokens[open]!.depth)
    )
      return;
    const several = (['and', 'or'] as const).some((by) => this.splits(open + 1, to - 1, by).length > 1);
    if (several) this.parts(open + 1, to - 1);
  }

  using(index: number): void {
    if (this.word(index) !== 'using' || this.word(index + 1) !== '(') return;
    const names: number[] = [];
    for (let at = index + 2; this.word(at) !== ')'; at += 1) {
      if (this.word(at) === 'select' || at === this.tokens.length) return;
      if (this.word(at) !== ',') names.push(at);
    }
    if (names.length < 2) return;
    for (const name of names) {
      const isFirst = name === names[0];
      this.put('using', isFirst ? name : name - 1, isFirst ? name + 2 : name + 1, '');
    }
  }

  sign(index: number): void {
    const word = this.word(index);
    if (word === '-') this.put('sign', index, index + 1, '+');
    if (word === '+' && !BEFORE_UNARY.has(this.word(index - 1))) this.put('sign', index, index + 1, '-');
    if (word !== '*') return;
    if (this.word(index + 2) === '.' && /sign$/.test(this.word(index + 3)))
      this.put('sign', index, index + 4, '');
    // Between two factors it is dropped with the sign before it already.
    const isBetween = this.word(index - 4) === '*';
    if (!isBetween && this.word(index - 2) === '.' && /sign$/.test(this.word(index - 1)))
      this.put('sign', index - 3, index + 1, '');
  }

  border(index: number): void {
    const other = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }[this.word(index)];
    if (other) this.put('border', index, index + 1, other);
  }

  negation(index: number): void {
    if (
      this.word(index) !== 'not' ||
      ['null', 'distinct', 'materialized', 'exists'].includes(this.word(index + 1))
    ) {
      if (!(this.word(index) === 'not' && this.word(index + 1) === 'exists' && this.word(index + 2) === '('))
        return;
    }
    this.put('negation', index, index + 1, '');
  }

  distinct(index: number): void {
    if (this.word(index) !== 'distinct' || this.word(index + 1) === 'from') return;
    let to = index + 1;
    if (this.word(to) === 'on') {
      const depth = this.tokens[to + 1]!.depth;
      for (to += 2; this.tokens[to]!.depth > depth; to += 1);
      to += 1;
    }
    this.put('distinct', index, to, '');
  }

  fallback(index: number): void {
    if (this.word(index) !== 'coalesce' || this.word(index + 1) !== '(') return;
    const depth = this.tokens[index + 1]!.depth;
    let comma = 0;
    let at = index + 2;
    for (; this.tokens[at]!.depth > depth; at += 1)
      if (this.word(at) === ',' && this.tokens[at]!.depth === depth + 1) comma = at;
    if (comma) this.put('fallback', comma, at, '');
  }
}

/** Parts of a file that say what numbers mean; a migration's tables and indexes do not. */
function meaningful(bytes: string, file: string): Array<readonly [start: number, end: number]> {
  const { stmts = [] } = parseSync(asText(bytes));
  return stmts.flatMap(({ stmt, stmt_location = 0, stmt_len = bytes.length - stmt_location }) => {
    const kind = Object.keys(stmt ?? {})[0] ?? '';
    const skipped = file.startsWith('sql/migrations/')
      ? !['CreateFunctionStmt', 'ViewStmt'].includes(kind)
      : ['IndexStmt', 'VariableSetStmt', 'VacuumStmt', 'DropStmt'].includes(kind);
    return skipped ? [] : [[stmt_location, stmt_location + stmt_len] as const];
  });
}

const oneSpace = (text: string): string =>
  text
    .replace(/--[^\n]*/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Every mutant of a SQL file, in the order of their places. Throws when the file itself is not PostgreSQL's SQL. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const bytes = asBytes(text);
  const spans = meaningful(bytes, file);
  const seen = new Map<string, number>();
  const edits = new Finder(tokensOf(bytes))
    .find()
    .filter(({ start, end }) => spans.some(([from, to]) => start >= from && end <= to))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  // `on true` holds already.
  const real = edits.filter(({ start, end, by }) => bytes.slice(start, end) !== by);
  return real.map(({ change, start, end, by }): Mutant => {
    const before = bytes.slice(0, start);
    const line = before.split('\n').length;
    const at = asText(bytes.split('\n')[line - 1]!).trim();
    const was = oneSpace(asText(bytes.slice(start, end)));
    const now = oneSpace(by);
    const words = JSON.stringify([at, was, now]);
    const nth = (seen.get(words) ?? 0) + 1;
    seen.set(words, nth);
    return { file, change, line, at, was, now, nth, text: asText(`${before}${by}${bytes.slice(end)}`) };
  });
}

/** Whether PostgreSQL's own parser reads the text at all. */
export function isSql(text: string): boolean {
  try {
    parseSync(text);
    return true;
  } catch {
    return false;
  }
}

/** The statements of a text, one each. */
export function statementsOf(text: string): string[] {
  const bytes = asBytes(text);
  return (parseSync(text).stmts ?? []).map(({ stmt_location = 0, stmt_len = bytes.length - stmt_location }) =>
    asText(bytes.slice(stmt_location, stmt_location + stmt_len)),
  );
}
