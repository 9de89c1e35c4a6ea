import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { buildId } from '../build.ts';
import { sha256Of, unlessAbsent } from '../files.ts';
import { writeReports } from '../kpi/report.ts';
import type { Sql } from '../ports.ts';
import { compareFacts, factsOf, groundOf } from './facts.ts';
import { nameOf, unlessMachine } from './replay.ts';
import { type Apart, type Compared, compareRows, keyOf, REVISIONS, revisionRows, shapesOf } from './rows.ts';
import type { Scratch } from './scratch.ts';
import type { Source } from './source.ts';
import { type Held, tell } from './tell.ts';

/** Frozen rows of every table that holds revisions, of the cycle's revisions and those they are compared with. */
export async function holdRevisions(scratch: Scratch, source: Source, held: Held): Promise<void> {
  const tables = await source.tables();
  const build = await buildId();
  for (const made of source.record.revisions) {
    scratch.app.progress(`comparing ${nameOf(made)}`);
    await scratch.app.db.transaction('compare', async (tx) => {
      for (const shape of await shapesOf(tx, REVISIONS)) {
        const theirs = tables.get(shape.table);
        const columns = shape.columns.map(({ name }) => name).filter((name) => theirs?.includes(name));
        if (!theirs) {
          held.notes.push(
            `${shape.table} did not exist when ${nameOf(made)} was recorded; it is not compared.`,
          );
          continue;
        }
        const found = await source.rows(shape.table, columns, made, (rows) =>
          compareRows(
            shape.table,
            keyOf(shape, columns),
            columns,
            rows,
            revisionRows(tx, shape, columns, made.cycle, made.revision),
          ),
        );
        held.rows += found.rows;
        // A later build may freeze more than the one that made the revision knew of.
        if (found.rows === 0 && found.count > 0 && made.build !== build)
          held.notes.push(
            `${nameOf(made)} was made by another build, without ${shape.table}; it is not compared.`,
          );
        else tell(held, 'revision', `${nameOf(made)}, `, otherHash(made, found, build, held), 'on record');
      }
    });
  }
}

/** A later build's hash covers more than that of the build that made the revision: its rows are compared one by one. */
function otherHash(
  made: { cycle: string; revision: number; build: string | null },
  found: Compared,
  build: string,
  held: Held,
): Compared {
  const covers = ({ column }: Apart) => column === 'content_version';
  if (made.build === build || !found.apart.some(covers)) return found;
  held.notes.push(
    `${nameOf(made)} was made by another build, whose content hash covers other rows; its rows are compared, its hash is not.`,
  );
  const apart = found.apart.filter((one) => !covers(one) && one.column !== 'content_hash');
  return { ...found, apart, count: found.count - (found.apart.length - apart.length) };
}

/** The facts of the database that the cycle knew: documents, lines, reference data, rules, decisions. */
export async function holdFacts(scratch: Scratch, source: Source, held: Held): Promise<void> {
  const { live, record } = source;
  if (!live) return;
  await live.db.transaction('verify', async (recorded) => {
    await recorded.rows('set transaction isolation level repeatable read');
    const ground = await groundOf(recorded, record.head);
    await scratch.app.db.transaction('compare', async (derived: Sql) => {
      for (const facts of await factsOf(derived, ground)) {
        live.progress(`comparing ${facts.table}`);
        const found = await compareFacts(recorded, derived, facts, ground);
        held.rows += found.rows;
        tell(held, 'fact', '', found, 'in the database');
      }
    });
  });
}

/** Workbooks written anew beside those that were written: to the byte, where the same build wrote them. */
export async function holdWorkbooks(scratch: Scratch, source: Source, held: Held): Promise<void> {
  const { record } = source;
  const build = await buildId();
  for (const made of record.revisions.filter(({ cycle }) => cycle === record.cycle)) {
    let files: Awaited<ReturnType<typeof writeReports>>['files'];
    try {
      ({ files } = await writeReports(scratch.app, made.cycle, { revision: made.revision }));
    } catch (error) {
      unlessMachine(error);
      const reason = `its workbooks cannot be written anew: ${(error as Error).message}`;
      held.problems.push({ what: 'revision', thing: nameOf(made), reason });
      continue;
    }
    const anew = new Map(files.map(({ path, sha256 }) => [path.split('/').at(-1)!, sha256]));
    const others: string[] = [];
    for (const { name, sha256, build: by } of made.workbooks) {
      held.workbooks += 1;
      if (anew.get(name) === sha256) continue;
      if (by !== build) others.push(name);
      else
        held.problems.push({
          what: 'workbook',
          thing: source.workbook(made.revision, name),
          reason: `written anew it has the sha256 ${anew.get(name) ?? 'of no file: no such workbook belongs to the revision'}, and ${sha256} was recorded.`,
        });
    }
    if (others.length > 0)
      held.notes.push(
        `${nameOf(made)}: ${others.length} of its workbooks were written by another build and come out otherwise now; they are held against what was recorded alone.`,
      );
    await unrecorded(source, made, anew, held);
  }
}

/** What lies in a revision's folder and is on no record: told, for it proves nothing either way. */
async function unrecorded(
  source: Source,
  made: Source['record']['revisions'][number],
  anew: ReadonlyMap<string, string>,
  held: Held,
): Promise<void> {
  const folder = dirname(source.workbook(made.revision, 'x'));
  const known = new Set(made.workbooks.map(({ name }) => name));
  const names = ((await readdir(folder).catch(unlessAbsent)) ?? []).filter(
    (name) => !name.startsWith('.') && !known.has(name),
  );
  const equal: string[] = [];
  for (const name of names.sort()) {
    const path = source.workbook(made.revision, name);
    if (anew.has(name) && anew.get(name) === (await sha256Of(path))) equal.push(name);
    else
      held.notes.push(`${path} is on no record: it was written by an earlier version, or by somebody else.`);
  }
  held.workbooks += equal.length;
  if (equal.length > 0)
    held.notes.push(
      `${nameOf(made)}: ${equal.length} workbooks that are on no record equal what is written anew.`,
    );
}

/** The batch assembled anew and its files written anew, beside what was submitted. */
export async function holdSubmission(scratch: Scratch, source: Source, held: Held): Promise<void> {
  const { submission, cycle } = source.record;
  if (!submission) return;
  if (submission.status !== 'submitted') {
    held.notes.push(
      `The submission of ${cycle} has begun and is not finished (${submission.status}); it is not verified.`,
    );
    return;
  }
  const build = await buildId();
  const anew = await scratch.app.db.transaction('compare', async (tx) => ({
    entries: await tx.rows<(typeof submission.entries)[number]>(
      `select partner_mpn_id, country, name, url, action from directory_entry where cycle = $1
       order by partner_mpn_id collate "C", country collate "C"`,
      [cycle],
    ),
    files: await tx.rows<{ name: string; sha256: string }>(
      'select name, sha256 from directory_file where cycle = $1 order by name collate "C"',
      [cycle],
    ),
    hash: await tx.maybe<{ content_hash: string }>(
      'select content_hash from directory_submission where cycle = $1',
      [cycle],
    ),
  }));
  const found = await compareRows(
    'directory_entry',
    KEY,
    COLUMNS,
    asRows(submission.entries),
    asRows(anew.entries),
  );
  held.rows += found.rows;
  tell(held, 'submission', '', found, 'on record');
  let others = 0;
  for (const { name, sha256, build: by } of submission.files) {
    const now = anew.files.find((file) => file.name === name)?.sha256;
    if (now === sha256) continue;
    if (by !== build) others += 1;
    else
      held.problems.push({
        what: 'submission',
        thing: source.submitted(name),
        reason: `written anew it has the sha256 ${now ?? 'of no file: no such file belongs to the submission'}, and ${sha256} was recorded.`,
      });
  }
  for (const { name } of anew.files.filter((file) => !submission.files.some((one) => one.name === file.name)))
    held.problems.push({
      what: 'submission',
      thing: name,
      reason: 'it belongs to the submission, and is not on record.',
    });
  if (others > 0)
    held.notes.push(
      `${others} files of the submission were written by another build and come out otherwise now; they are held against what was recorded alone.`,
    );
  else if (anew.hash?.content_hash !== submission.content_hash)
    held.problems.push({
      what: 'submission',
      thing: `directory_submission: cycle ${cycle}`,
      reason: `content_hash is ${submission.content_hash} on record; derived anew it is ${anew.hash?.content_hash}.`,
    });
}

const KEY = ['partner_mpn_id', 'country'] as const;
const COLUMNS = ['partner_mpn_id', 'country', 'name', 'url', 'action'] as const;

async function* asRows(entries: ReadonlyArray<Record<(typeof COLUMNS)[number], string>>) {
  for (const entry of entries)
    yield {
      key: JSON.stringify(KEY.map((name) => entry[name])),
      cells: JSON.stringify(COLUMNS.map((name) => entry[name])),
    };
}
