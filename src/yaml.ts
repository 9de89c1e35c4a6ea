import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { meant } from './config.ts';
import { LkpError } from './job.ts';

type Place = readonly PropertyKey[];

/**
 * Reads a file of settings that a person wrote (an import profile, a rule set) and checks it. Throws
 * LkpError('request') with every fault: its line, where it is, what was seen and wanted, and the next step.
 */
export function readYaml<T>(
  text: string,
  what: string,
  shown: string,
  schema: z.ZodType<T>,
  known: readonly string[],
): T {
  const refuse = (fault: string, cause?: unknown) =>
    new LkpError('request', `The ${what} ${shown} ${fault} Correct it and repeat.`, { cause });
  // It is kept as it was written, and the database takes none.
  if (text.includes('\0')) throw refuse('holds a NUL character, which is no text.');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken?.code === 'MULTIPLE_DOCS')
    throw refuse('holds several documents; leave one, and no line "---" after its first.', broken);
  // The library's first line ends with "at line 3, column 1:".
  if (broken) throw refuse(`is not YAML: ${broken.message.split('\n')[0]!.replace(/:$/, '')}.`, broken);
  // Read on without its tag, it would be another value than the one that was written.
  const tagged = document.warnings.find(({ code }) => code === 'TAG_RESOLVE_FAILED');
  if (tagged)
    throw refuse(
      `has a tag that is not known, in line ${lines.linePos(tagged.pos[0]).line}: text, numbers and lists were wanted, without "!".`,
      tagged,
    );
  let content: unknown;
  try {
    content = document.toJS();
  } catch (cause) {
    throw refuse(`is not YAML: ${(cause as Error).message.split('\n')[0]}.`, cause);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw refuse(`cannot be used: settings such as "${known[0]}: ..." were wanted, a line each.`);
  }
  const read = schema.safeParse(content);
  if (read.success) return read.data;
  const faults = read.error.issues.flatMap((issue) =>
    told(issue, content, known).map(({ path, says }) => ({
      line: lines.linePos(offsetOf(document, path)).line,
      says,
    })),
  );
  faults.sort((one, other) => one.line - other.line);
  throw refuse(`cannot be used: ${faults.map(({ line, says }) => `line ${line}: ${says}`).join('; ')}.`);
}

/** The line on which the setting of a path stands in a text that was read before; of one that is missing, its part's. */
export function lineOf(text: string, path: Place): number {
  const lines = new LineCounter();
  return lines.linePos(offsetOf(parseDocument(text, { lineCounter: lines }), path)).line;
}

/** Where the setting of a path begins in the text; of one that is missing, where the part that lacks it does. */
function offsetOf(document: Document, path: Place): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const inside = document.getIn(path.slice(0, depth - 1), true);
    if (isMap(inside)) {
      const pair = inside.items.find(({ key }) => String(key) === String(path[depth - 1]));
      if (isPair(pair) && isNode(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function told(
  issue: z.core.$ZodIssue,
  content: unknown,
  known: readonly string[],
): Array<{ path: Place; says: string }> {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, says: fault(issue, content) }];
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    says: strange(issue.path, key, known),
  }));
}

/** A setting that is not known there; one that is known elsewhere stands in the wrong part. */
const strange = (path: Place, key: string, known: readonly string[]): string =>
  `${placeOf(path) || 'the file '}has the unknown setting "${short(key)}" (${
    known.includes(key)
      ? 'it belongs in another part'
      : meant(key, known, 'did you mean') || 'docs/cli.md lists those that are known'
  })`;

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** What stands in the place of a type's name, for people. */
const WANTED: Readonly<Record<string, string>> = {
  object: 'settings, a line each',
  record: 'settings, a line each',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

const placeOf = (path: Place): string => (path.length > 0 ? `${path.map(String).join('.')} ` : '');

/** The value that stands at a path, as a person wrote it. */
function seenAt(content: unknown, path: Place): string | undefined {
  const value = path.reduce<unknown>(
    (inside, key) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, key) : undefined),
    content,
  );
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

function fault(issue: z.core.$ZodIssue, content: unknown): string {
  const place = placeOf(issue.path);
  const seen = seenAt(content, issue.path);
  const is = seen === undefined ? '' : `is "${short(seen)}" and `;
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? `${place}is missing`
        : `${place}${is}must be ${WANTED[issue.expected] ?? issue.expected}`;
    case 'invalid_value': {
      const words = issue.values.map(String);
      const ask = seen === undefined || words.length < 2 ? '' : meant(seen, words, 'did you mean');
      return `${place}${is}must be one of ${words.join(', ')}${ask && ` (${ask})`}`;
    }
    case 'too_small':
      return issue.origin === 'number'
        ? `${place}${is}must be ${issue.inclusive ? `at least ${issue.minimum}` : `above ${issue.minimum}`}`
        : `${place}is empty or too small (at least ${issue.minimum})`;
    case 'too_big':
      return `${place}${is}must be at most ${issue.maximum}`;
    case 'invalid_key':
      return `${place}is not a name that is known here`;
    case 'invalid_format':
      if (issue.format !== 'date') return `${place}${is}${issue.message}`;
      return `${place}${seen === undefined ? 'is' : `is "${short(seen)}",`} no day; one such as 2020-07-01 was wanted`;
    default:
      return `${place}${issue.code === 'custom' ? '' : is}${issue.message}`;
  }
}
