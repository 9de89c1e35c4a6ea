import { createHash } from 'node:crypto';
import { z } from 'zod';
import { keptInStore, sha256Of, storedPath } from '../files.ts';
import { type Context, LkpError } from '../job.ts';
import type { Sql } from '../ports.ts';
import type { Problem } from './problem.ts';
import { type CycleRecord, filesByChange, type RecordedChange } from './record.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Hears of bytes that are not there; says whether that is on purpose. */
type Gone = (sha256: string) => boolean;

/** Kinds of changes that are done again from what was asked of them. */
const DECISIONS = ['release', 'refuse', 'reopen'];

/**
 * Whether all that a cycle is derived from is there as it came: the ledger's chain, the bytes in the store, rule sets, profiles, what
 * was asked. What is derived from anything else would prove nothing. `home` is where the store is; `scratch` a
 * transaction of a database that has our functions. Bytes that were pruned are no problem: `gone` hears of each.
 */
export async function checkInputs(
  record: CycleRecord,
  home: string,
  scratch: Sql,
  progress: Context['progress'],
  gone: Gone,
): Promise<Problem[]> {
  return [
    ...(await ledger(scratch, record)),
    ...(await inputs(record, home, progress, gone)),
    ...record.rule_sets.filter(({ body, sha256 }) => hashOf(body) !== sha256).map(alteredRules),
    ...ruleSetsApart(record),
    ...filesApart(record),
    ...profiles(record),
    ...record.changes.filter(({ kind, asked }) => DECISIONS.includes(kind) && asked === null).map(unasked),
  ];
}

/** Each row's chain follows from the row and from the chain before it. */
async function ledger(scratch: Sql, { changes, head, revisions }: CycleRecord): Promise<Problem[]> {
  const problem = (no: string, reason: string): Problem => ({
    what: 'ledger',
    thing: `change ${no}`,
    reason,
  });
  const gap = changes.findIndex(({ no }, index) => no !== String(index + 1));
  if (gap >= 0)
    return [
      problem(String(gap + 1), `the ledger has no row of this number; changes are numbered without gaps.`),
    ];
  if (String(changes.length) !== head)
    return [problem(head, `the ledger ends with ${changes.length}, and the cycle knew more.`)];
  const odd = await scratch.rows<{ no: string }>(
    `select given.no
     from (select (json_populate_record(null::change, value)).*,
                  lag(value ->> 'chain', 1, '') over (order by place) as before
           from json_array_elements($1) with ordinality as listed (value, place)) as given
     where given.chain is distinct from change_chain(given.before, row(
             given.no, given.known_at, given.kind, given.sha256, given.actor, given.reason, given.asked, null)::change)
     order by given.no`,
    [JSON.stringify(changes)],
  );
  const altered = odd.map(({ no }) =>
    problem(
      no,
      `${spoken(changes[Number(no) - 1]!)}: its row, or the one before it, is not the one that was written.`,
    ),
  );
  const instants = revisions
    .filter(({ cutoff, known_at }) => changes[Number(cutoff) - 1]?.known_at !== known_at)
    .map(
      ({ cycle, revision, cutoff }): Problem => ({
        what: 'revision',
        thing: `${cycle} revision ${revision}`,
        reason: `its known_at is not that of change ${cutoff}, its cut-off.`,
      }),
    );
  return [...altered, ...instants];
}

export const spoken = ({ no, kind, actor, known_at }: RecordedChange): string =>
  `change ${no} (${kind}, by ${actor}, ${known_at})`;

async function inputs(
  { files }: CycleRecord,
  home: string,
  progress: Context['progress'],
  gone: Gone,
): Promise<Problem[]> {
  const found: Problem[] = [];
  const seen = new Set<string>();
  for (const { sha256, bytes, name, kind } of files) {
    if (seen.has(sha256)) continue;
    seen.add(sha256);
    progress(`input ${seen.size}: ${name}`);
    const kept = await keptInStore(home, sha256, bytes);
    if (kept.state === 'whole' || (kept.state === 'missing' && gone(sha256))) continue;
    const said = kept.state === 'unreadable' ? kept.why : `its bytes in the store are ${kept.state}.`;
    found.push({
      what: 'input',
      thing: name,
      reason: `${kind}, sha256 ${sha256}: ${said} Put a copy with this sha256 at ${storedPath(home, sha256)} and repeat.`,
    });
  }
  return found;
}

const alteredRules = ({ name, change_no, sha256 }: CycleRecord['rule_sets'][number]): Problem => ({
  what: 'rule set',
  thing: name,
  reason: `the text that change ${change_no} put in force is not the one that was: its sha256 is not ${sha256}.`,
});

/** What a change that put several rule sets in force says of them; one alone is its sha256. */
const PUT_IN_FORCE = z.object({ rule_sets: z.array(z.object({ sha256: z.string() })) });

/** Of each change that put rule sets in force, those and no others are on record. */
function ruleSetsApart({ changes, rule_sets }: CycleRecord): Problem[] {
  const inOrder = (hashes: readonly string[]): string => [...hashes].sort().join(', ');
  return changes
    .filter(({ kind }) => kind === 'rules')
    .flatMap((change): Problem[] => {
      const several = PUT_IN_FORCE.safeParse(change.asked).data?.rule_sets.map(({ sha256 }) => sha256);
      const wanted = inOrder(change.sha256 === null ? (several ?? []) : [change.sha256]);
      const found = inOrder(
        rule_sets.filter(({ change_no }) => change_no === change.no).map(({ sha256 }) => sha256),
      );
      if (wanted !== '' && found === wanted) return [];
      const reason = `what it put in force (sha256 ${wanted || 'of nothing'}) is not what is on record (sha256 ${found || 'of nothing'}).`;
      return [{ what: 'rule set', thing: spoken(change), reason }];
    });
}

const ASKED = z.object({
  files: z.array(z.object({ name: z.string(), sha256: z.string() })),
  profile: z.string().optional(),
});

/** A file's row says of it what its change says. Changes of before say less. */
function filesApart(record: CycleRecord): Problem[] {
  const found: Problem[] = [];
  const byChange = filesByChange(record);
  for (const change of record.changes) {
    const asked = ASKED.safeParse(change.asked).data;
    if (!asked) continue;
    const rows = byChange.get(change.no) ?? [];
    for (const [index, { name, sha256 }] of asked.files.entries()) {
      const row = rows[index];
      const same =
        row?.name === name &&
        row.sha256 === sha256 &&
        (asked.profile === undefined || row.profile_hash === asked.profile);
      if (!same)
        found.push({
          what: 'input',
          thing: name,
          reason: `${spoken(change)} took it in (sha256 ${sha256}), and its row in the table file says otherwise (${row ? `${row.name}, sha256 ${row.sha256}` : 'there is none'}).`,
        });
    }
  }
  return found;
}

function profiles({ files, profiles: kept }: CycleRecord): Problem[] {
  const found: Problem[] = kept
    .filter(({ body, sha256 }) => hashOf(body) !== sha256)
    .map(({ name, sha256 }) => ({
      what: 'profile',
      thing: name,
      reason: `its text is not the one that files were taken in under: its sha256 is not ${sha256}.`,
    }));
  const known = new Set(kept.map(({ sha256 }) => sha256));
  const lost = new Map(
    files
      .filter(({ kind, profile_hash }) => kind === 'invoices' && !known.has(profile_hash))
      .map(({ profile_hash, name }) => [profile_hash, name]),
  );
  for (const [hash, name] of lost) {
    found.push({
      what: 'profile',
      thing: `sha256 ${hash}`,
      reason: `${name} was taken in under this import profile, before profiles were kept. Put the profile into the profiles folder again, and repeat.`,
    });
  }
  return found;
}

const unasked = (change: RecordedChange): Problem => ({
  what: 'change',
  thing: spoken(change),
  reason:
    'which invoice was decided about was not kept then (it was taken by an earlier version), so that it cannot be done again.',
});

/** Files as recorded beside those that lie there. Missing ones are told in `notes`, with `why` where it is known: they may have been moved. */
export async function checkWritten(
  what: 'workbook' | 'submission',
  written: ReadonlyArray<{ readonly name: string; readonly sha256: string }>,
  pathOf: (name: string) => string,
  notes: string[],
  /** How it is had again, as a whole sentence. */
  again: (name: string) => string,
  why: (name: string) => string | undefined = () => undefined,
): Promise<Problem[]> {
  const found: Problem[] = [];
  for (const { name, sha256 } of written) {
    const path = pathOf(name);
    const there = await sha256Of(path).catch((error: unknown) => {
      if (error instanceof LkpError && error.message.startsWith('There is no file')) return undefined;
      throw error;
    });
    if (there === undefined)
      notes.push(`${path} ${why(name) ?? 'is not there'}; what was recorded of it is compared.`);
    else if (there !== sha256)
      found.push({
        what,
        thing: path,
        reason: `it is not the file that was written: its sha256 is ${there}, and ${sha256} was recorded. ${again(name)}`,
      });
  }
  return found;
}
