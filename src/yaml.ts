import { parse } from 'yaml';
import type { z } from 'zod';
import { nearest } from './config.ts';
import { LkpError } from './job.ts';

/**
 * Reads a file of settings that a person wrote (an import profile, a rule set) and checks it. Throws
 * LkpError('request') with every fault: where it is, what was wanted, and the next step.
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
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw refuse(`is not YAML: ${(cause as Error).message.split('\n')[0]}.`, cause);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw refuse(`cannot be used: settings such as "name: ..." were wanted, a line each.`);
  }
  const read = schema.safeParse(content);
  if (read.success) return read.data;
  throw refuse(`cannot be used: ${read.error.issues.map((issue) => fault(issue, known)).join('; ')}.`);
}

function fault(issue: z.core.$ZodIssue, known: readonly string[]): string {
  const place = issue.path.length > 0 ? `${issue.path.join('.')} ` : '';
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? `${place}is missing`
        : `${place}must be a ${issue.expected}`;
    case 'invalid_value':
      return `${place}must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `${place}is empty or too small (at least ${issue.minimum})`;
    case 'unrecognized_keys':
      return issue.keys
        .map((key) => `${place}has the unknown setting "${key}" (did you mean ${nearest(key, known)}?)`)
        .join('; ');
    case 'invalid_key':
      return `${place}is not a name that is known here`;
    default:
      return `${place}${issue.message}`;
  }
}
