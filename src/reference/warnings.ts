import type { Sql } from '../ports.ts';
import type { Kind } from './kinds.ts';

/* What a person should know of rows that are loaded all the same. */

interface Stranger {
  readonly mpn_id: string;
  readonly rows: number;
  /** The partner of which it is a location; null: it is none. */
  readonly location_of: string | null;
}

const SHOWN = 5;
const first = (texts: readonly string[], sign: string): string =>
  texts.slice(0, SHOWN).join(sign) + (texts.length > SHOWN ? `${sign}...` : '');
const rowsOf = (strangers: readonly Stranger[]): number => strangers.reduce((sum, one) => sum + one.rows, 0);

/**
 * Partners or locations that rows name and that nobody knows: they may come with a later file. One that is a location of a
 * partner is no partner, and what counts for it would reach nobody: purchases go up one step, from a location to its partner.
 */
export async function strangers(
  tx: Sql,
  kind: Kind,
): Promise<{ warnings: string[]; belowLocations: number }> {
  if (!kind.names) return { warnings: [], belowLocations: 0 };
  const { column, of } = kind.names;
  const unknown = await tx.file<Stranger>('staging/reference_strangers', { names: column, of });
  const below = unknown.filter(({ location_of }) => location_of !== null);
  const absent = unknown.filter(({ location_of }) => location_of === null);
  const warnings: string[] = [];
  if (below.length > 0) {
    const rows = rowsOf(below);
    const examples = below.map(
      ({ mpn_id, location_of }) => `${mpn_id} is a location of ${location_of}: name ${location_of}`,
    );
    warnings.push(
      `${rows} ${rows === 1 ? 'row names' : 'rows name'} a location where a partner was wanted (${first(examples, '; ')}). Kept, but what ${rows === 1 ? 'it says' : 'they say'} reaches no partner: correct the file and load it again.`,
    );
  }
  if (absent.length > 0) {
    const rows = rowsOf(absent);
    const examples = absent.map(({ mpn_id }) => mpn_id);
    warnings.push(
      `${rows} ${rows === 1 ? 'row names a' : 'rows name'} ${of}${rows === 1 ? '' : 's'} not known yet (${first(examples, ', ')}). Kept; load the ${of}s, or correct the ID.`,
    );
  }
  return { warnings, belowLocations: rowsOf(below) };
}

/** So many final cycles are named in a warning. */
const NAMED_CYCLES = 6;

/** A merge dated in the past is a fact that is known from now on: final cycles stay, and the loader says which differ. */
export async function restates(tx: Sql, dryRun: boolean): Promise<string[]> {
  const cycles = await tx.file<{ cycle: string; window_to: string; locations: number; examples: string[] }>(
    'staging/reference_restates',
  );
  const last = cycles.at(-1);
  if (!last) return [];
  const { locations, examples, window_to, cycle } = last;
  const names = cycles.slice(-NAMED_CYCLES).map((one) => one.cycle);
  const more = cycles.length > names.length ? ` and ${cycles.length - names.length} before` : '';
  return [
    `${locations} ${locations === 1 ? 'location belongs' : 'locations belong'} to another partner on ${window_to} (${examples.join('; ')}${locations > examples.length ? '; ...' : ''}), in cycles that are final: ${names.join(', ')}${more}. Their revisions stay. To see what a restatement would change${dryRun ? ', once this is loaded' : ''}: lkp refresh ${cycle} --plan.`,
  ];
}
