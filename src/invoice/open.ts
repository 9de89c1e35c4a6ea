import { type Context, LkpError } from '../job.ts';
import type { Table } from '../ports.ts';
import { findHeader } from '../staging.ts';
import { notationOf } from './notation.ts';
import { fieldsOf, type Match, matchProfile, noMatch, type Profile } from './profile.ts';

type Opened =
  | { readonly table: Table; readonly match: Match }
  | {
      readonly refused: string;
      readonly format: string;
      /** No profile knows its columns. */
      readonly unknown: boolean;
    };

/**
 * Opens the file and takes the profile that explains the most columns. It is opened once for each way in which the profiles
 * would have it opened (a workbook: by its sheet; a CSV: by its delimiter and encoding), and only for those that read its
 * format. What one profile makes of the file (no such sheet, another encoding) says nothing about the others; it is told
 * when none fits.
 */
export async function openMatching(
  context: Context,
  path: string,
  name: string,
  profiles: Profile[],
): Promise<Opened> {
  const tables = new Map<string, Table | undefined>();
  const matches: Array<{ table: Table; match: Match }> = [];
  const faults: string[] = [];
  let format: Table['format'] | undefined;
  for (const profile of profiles) {
    if (format !== undefined && !profile.formats.includes(format)) continue;
    try {
      let table = tables.get(openedAs(profile, format));
      if (tables.has(openedAs(profile, format)) && !table) continue;
      if (!table) {
        tables.set(openedAs(profile, format), undefined);
        table = await context.tables.open(path, hintsOf(profile, name));
        format = table.format;
        tables.set(openedAs(profile, format), table);
      }
      const match = matchProfile(profile, table);
      if (match) matches.push({ table, match });
    } catch (error) {
      if (!(error instanceof LkpError && error.code === 'request')) throw error;
      faults.push(error.message);
    }
  }
  matches.sort((a, b) => b.match.header.columns.size - a.match.header.columns.size);
  const [best, second] = matches;
  const tie = best && second?.match.header.columns.size === best.match.header.columns.size;
  const open = [...new Set(tables.values())].filter((table) => table !== undefined);
  await Promise.all(open.filter((table) => tie || table !== best?.table).map((table) => table.close()));
  if (tie) {
    const names = `${best.match.profile.name} and ${second!.match.profile.name}`;
    return {
      refused: `The profiles ${names} fit equally well. Name one with --profile.`,
      format: best.table.format,
      unknown: false,
    };
  }
  if (best) return best;
  const [table] = open;
  // Every profile hears the same of a file that is no table at all.
  const refused = table && faults.length === 0 ? noMatch(profiles, table) : [...new Set(faults)].join(' ');
  return { refused, format: table?.format ?? 'unknown', unknown: true };
}

/** Profiles of one such text have a file opened alike. */
function openedAs(
  { name, delimiter, encoding, sheet, number_format, date_format }: Profile,
  format?: string,
): string {
  if (format === 'csv') return JSON.stringify([delimiter, encoding]);
  // Without a name, the sheet is the one that has the profile's header.
  if (format === 'xlsx') return JSON.stringify([sheet ?? [name], number_format, date_format]);
  return format ?? JSON.stringify([delimiter, encoding, sheet ?? [name], number_format, date_format]);
}

/** What a profile says of the form of its files. */
export function hintsOf(
  profile: Profile,
  name: string,
): NonNullable<Parameters<Context['tables']['open']>[1]> {
  const { delimiter, encoding, sheet } = profile;
  const notation = notationOf(profile);
  return {
    name,
    fits: (head) => findHeader(head, fieldsOf(profile)) !== undefined,
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(sheet === undefined ? {} : { sheet }),
    ...(notation === undefined ? {} : { notation }),
  };
}
