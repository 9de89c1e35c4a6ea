import type { Row, Sql } from '../../src/ports.ts';
import { refusedBy } from './ground.ts';
import type { Doing } from './statements.ts';

/** A call to the database, and what it does. */
export interface Call {
  readonly doing: Doing;
  /** Runs it unchanged. */
  readonly run: () => Promise<object[]>;
}

/** What came of a trial. `not tried`: something else held what the mutant would have changed. */
export type Outcome =
  | { readonly outcome: 'same' | 'other' | 'not tried' }
  | { readonly outcome: 'refused'; readonly says: string };

/** Other ways to the same rows: what rests on an order that the SQL does not say comes out otherwise. */
const BY_OTHER_PLANS = 'set local enable_hashjoin = off; set local enable_hashagg = off';
/** No statement of a scene takes a tenth of this; one that does not end is a difference too. */
const LIMITS = "set local statement_timeout = '10s'; set local lock_timeout = '1s'";
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';
const stopped = (by: string): string => `it stops: ${by}`;

/** Numbers that sequences give are not given back when a transaction is: here they are. */
const SEQUENCES = `
  select 'select ' || string_agg(format('setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
                                        coalesce(last_value, start_value), last_value is not null), ', ') as text
  from pg_sequences`;

/** A moment in a transaction, at which a call can be tried again and again; nothing of it stays. */
export class Trial {
  private constructor(
    private readonly tx: Sql,
    private readonly call: Call,
    private readonly sequences: string | undefined,
    private readonly wanted: string,
    /** Whether the unchanged call answers the same by other plans. */
    readonly isSteady: boolean,
  ) {}

  static async begin(tx: Sql, call: Call): Promise<Trial> {
    const sequences =
      call.doing.writes.length > 0 ? (await tx.one<{ text: string }>(SEQUENCES)).text : undefined;
    const made = async (prepare: string) => {
      const { found } = await within(tx, sequences, prepare, () => seen(tx, call));
      return found;
    };
    const wanted = await made('');
    const byOtherPlans = await made(BY_OTHER_PLANS);
    const isSteady = byOtherPlans === wanted || byOtherPlans === stopped(QUERY_CANCELED);
    return new Trial(tx, call, sequences, wanted, isSteady);
  }

  /** Tries the call with `prepare` done before it, or with `instead` in its place. */
  async of({ prepare = '', instead }: { prepare?: string; instead?: readonly string[] }): Promise<Outcome> {
    const run = instead
      ? async () => {
          let rows: object[] = [];
          for (const statement of instead) rows = await this.tx.rows(statement);
          return rows;
        }
      : this.call.run;
    const { found, error } = await within(this.tx, this.sequences, prepare, () =>
      seen(this.tx, { ...this.call, run }),
    );
    const says = error === undefined ? undefined : refusedBy(error);
    if (says) return { outcome: 'refused', says };
    if ((error as { code?: string } | undefined)?.code === LOCK_NOT_AVAILABLE)
      return { outcome: 'not tried' };
    return { outcome: found === this.wanted ? 'same' : 'other' };
  }
}

/** Does something and gives it up. */
async function within(
  tx: Sql,
  sequences: string | undefined,
  prepare: string,
  work: () => Promise<string>,
): Promise<{ found: string; error?: unknown }> {
  await tx.rows('savepoint trial');
  try {
    for (const statement of [LIMITS, prepare]) if (statement) await tx.rows(statement);
    return { found: await work() };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { found: stopped(code ?? message), error };
  } finally {
    await tx.rows('rollback to savepoint trial');
    await tx.rows('release savepoint trial');
    if (sequences) await tx.rows(sequences);
  }
}

/** The rows that a call returns, and all rows of the tables and the settings that it writes. */
export async function seen(tx: Sql, { doing: { isOrdered, writes, sets }, run }: Call): Promise<string> {
  const rows = (await run()).map((row) => JSON.stringify(row));
  const found = [(isOrdered ? rows : rows.sort()).join('\n')];
  for (const name of writes) {
    const [table] = await tx.rows<Row>('select to_regclass($1) is not null as "is"', [name]);
    if (!table?.is) continue;
    const { digest } = await tx.one<{ digest: string }>(
      `select count(*) || ' ' || md5(coalesce(string_agg(r::text, chr(10) order by r::text collate "C"), '')) as digest from ${name} as r`,
    );
    found.push(`${name} ${digest}`);
  }
  for (const name of sets)
    found.push(JSON.stringify(await tx.one(`select current_setting($1, true)`, [name])));
  return found.join('\n');
}
