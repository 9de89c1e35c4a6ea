import type { Context } from '../job.ts';
import { checkInputs, checkWritten } from './inputs.ts';
import { holdFacts, holdRevisions, holdSubmission, holdWorkbooks } from './outcome.ts';
import type { Problem } from './problem.ts';
import { holdOnRecord } from './pruned.ts';
import { replay } from './replay.ts';
import { type Scratch, withScratch } from './scratch.ts';
import type { Source } from './source.ts';
import type { Held } from './tell.ts';

/** What became of a verification. */
export interface VerifiedCycle {
  readonly cycle: string;
  /** `pruned`: bytes were deleted on purpose; the frozen rows follow from the facts on record, and more cannot be shown. */
  readonly outcome: 'proven' | 'not proven' | 'pruned';
  readonly revisions: ReadonlyArray<{ readonly revision: number; readonly content_hash: string }>;
  /** Changes that the cycle knew, and the files among them with their bytes. */
  readonly changes: number;
  readonly files: number;
  readonly bytes: number;
  /** Rows, workbooks and files of a submission that were held against what was derived. */
  readonly rows: number;
  readonly workbooks: number;
  readonly submission_files: number;
  readonly problems: readonly Problem[];
  /** What a person should know and what is no failure: a workbook that was moved away, another build. */
  readonly notes: readonly string[];
}

/**
 * Derives a final cycle anew, from the stored bytes and rules alone, in a database of its own, and holds it against what is on
 * record: frozen rows of all revisions, facts, workbooks, the directory submission. What it is derived from is checked
 * first; when that is damaged, only that is told, because what is derived from it proves nothing. Where bytes were pruned, frozen
 * rows are held against the facts on record instead. A difference is a
 * value (`problems`). `open` gets a folder for this work; what it throws passes through. LkpError('machine') means that it could not be tried.
 */
export async function verifyCycle(
  context: Pick<Context, 'settings' | 'progress'>,
  open: (folder: string) => Promise<Source>,
): Promise<{ verified: VerifiedCycle; source: Source }> {
  return withScratch(context, open, async (scratch, source) => {
    const { record, home } = source;
    const held: Held = { rows: 0, workbooks: 0, problems: [], notes: [] };
    const { bytes, workbooks: books } = source.pruned ?? { bytes: new Map(), workbooks: new Map() };
    const gone = new Map<string, number>();
    const onPurpose = (sha256: string): boolean => {
      const why = bytes.get(sha256);
      if (why !== undefined) gone.set(why, (gone.get(why) ?? 0) + 1);
      return why !== undefined;
    };
    held.problems.push(
      ...(await scratch.app.db.transaction('inputs', (tx) =>
        checkInputs(record, home, tx, context.progress, onPurpose),
      )),
    );
    for (const { cycle, revision, workbooks } of record.revisions) {
      const pathOf = (name: string) => source.workbook(revision, name);
      if (cycle === record.cycle)
        held.problems.push(
          ...(await checkWritten(
            'workbook',
            workbooks,
            pathOf,
            held.notes,
            writtenAgain(cycle, revision),
            (name) => {
              const why = books.get(`revision-${revision}/${name}`);
              return why === undefined ? undefined : `was ${why}`;
            },
          )),
        );
    }
    const submitted = record.submission?.files ?? [];
    held.problems.push(
      ...(await checkWritten('submission', submitted, source.submitted, held.notes, fromTheTeam)),
    );
    const sound = !held.problems.some(({ what }) => what !== 'workbook' && what !== 'submission');
    for (const [why, files] of gone) held.notes.push(`${files} of its files were ${why}.`);
    if (sound && gone.size === 0) await derive(scratch, source, held);
    else if (sound && source.live) await holdOnRecord(source.live, source, held);
    return { verified: summed(source, held, submitted.length, gone.size > 0), source };
  });
}

/** The command that writes a workbook of a revision anew, in its place. */
const writtenAgain =
  (cycle: string, revision: number) =>
  (name: string): string => {
    const partner = /^partner-(.+)\.xlsx$/.exec(name)?.[1];
    return `lkp report ${partner === undefined ? '--program' : partner} ${cycle} --revision ${revision} writes it again.`;
  };

/** Nobody writes a submission twice: what counts is what was received. */
const fromTheTeam = (): string =>
  'Ask the directory team for the file that they received; when it has this second sha256, put it in the place of this one.';

async function derive(scratch: Scratch, source: Source, held: Held): Promise<void> {
  const stuck = await replay(scratch, source.record, source.home);
  if (stuck) {
    held.problems.push(stuck);
    return;
  }
  await holdRevisions(scratch, source, held);
  await holdFacts(scratch, source, held);
  await holdWorkbooks(scratch, source, held);
  await holdSubmission(scratch, source, held);
}

function summed({ record }: Source, held: Held, submissionFiles: number, pruned: boolean): VerifiedCycle {
  const files = new Map(record.files.map(({ sha256, bytes }) => [sha256, bytes]));
  return {
    cycle: record.cycle,
    outcome: held.problems.length > 0 ? 'not proven' : pruned ? 'pruned' : 'proven',
    revisions: record.revisions
      .filter(({ cycle }) => cycle === record.cycle)
      .map(({ revision, content_hash }) => ({ revision, content_hash })),
    changes: record.changes.length,
    files: files.size,
    bytes: [...files.values()].reduce((sum, bytes) => sum + bytes, 0),
    rows: held.rows,
    workbooks: held.workbooks,
    submission_files: submissionFiles,
    problems: held.problems,
    notes: held.notes,
  };
}
