import type pg from 'pg';

/** A statement of one of our SQL files failed; `code` is the SQLSTATE, `cause` is the driver's error. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly code: string | undefined;
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.code = (cause as { code?: string }).code;
  }
}

/**
 * Runs a whole SQL file as one simple query and returns the rows of its last statement. A failure names the file
 * (`name` as a person would look for it) and, where the server says it, the line.
 */
export async function runScript<T extends object>(
  client: pg.ClientBase,
  name: string,
  text: string,
): Promise<T[]> {
  try {
    const result = (await client.query(text)) as unknown as pg.QueryResult<T> | pg.QueryResult<T>[];
    return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? [];
  } catch (error) {
    throw new SqlError(`${name}${lineOf(error, text)}: ${described(error)}`, error);
  }
}

/** The server gives a place for what it cannot parse or resolve, and none for what fails while running. */
function lineOf(error: unknown, text: string): string {
  const position = Number((error as { position?: string }).position);
  if (!position) return '';
  return `:${[...text].slice(0, position - 1).filter((character) => character === '\n').length + 1}`;
}

function described(error: unknown): string {
  const { message, detail, where } = error as { message: string; detail?: string; where?: string };
  const place = where?.split('\n')[0];
  return [message, detail, place].filter(Boolean).join('; ');
}
