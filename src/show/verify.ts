import type { Verified } from '../keeping/store.ts';
import { counted } from '../money.ts';
import type { VerifiedCycle } from '../proof/verify.ts';
import { count, oneLine } from './text.ts';

/* What a verification found. */

/** So many damaged or left-over files are named in text; `--json` has all. */
const NAMED_FILES = 50;

export function verifyText({ files, bytes, damaged, pruned, left_over }: Verified): string {
  const parts = [
    `${counted(files, 'stored file')} (${count(bytes)} bytes) ${files === 1 ? 'was' : 'were'} read: ${damaged.length === 0 ? 'all are whole' : `${count(damaged.length)} ${damaged.length === 1 ? 'is' : 'are'} damaged`}.`,
  ];
  for (const one of damaged.slice(0, NAMED_FILES)) {
    const cycles = one.cycles.length === 0 ? '' : ` Rows of it are in ${one.cycles.join(', ')}.`;
    parts.push(
      `${one.names.map(oneLine).join(', ')} (${one.kinds.join(', ')}, sha256 ${one.sha256}): ${one.reason}${cycles}`,
    );
  }
  if (damaged.length > NAMED_FILES) parts.push(`and ${count(damaged.length - NAMED_FILES)} more`);
  if (damaged.length > 0)
    parts.push(
      'What was computed from them stands: their rows are in the database. Only the evidence is lost.',
    );
  for (const { files: gone, on, by, reason } of pruned)
    parts.push(
      oneLine(`Of them ${count(gone)} are not there: pruned on ${on.slice(0, 10)} by ${by}: ${reason}.`),
    );
  if (left_over.length > 0) {
    parts.push(
      `${count(left_over.length)} left-over: no file that was taken in has these bytes. An ingest that runs now, or one that was killed, leaves such a file; it does no harm.`,
      ...left_over.slice(0, NAMED_FILES).map((path) => `  ${oneLine(path)}`),
    );
    if (left_over.length > NAMED_FILES) parts.push(`  and ${count(left_over.length - NAMED_FILES)} more`);
  }
  return parts.join('\n');
}

/** The outcome of a verification, what is wrong, what to know, and where its bundle is. */
export function verifiedText(
  {
    cycle,
    outcome,
    revisions,
    changes,
    files,
    bytes,
    rows,
    workbooks,
    submission_files,
    problems,
    notes,
  }: VerifiedCycle,
  bundle: { readonly path: string; readonly sha256: string; readonly bytes: number } | null,
  unpacked: boolean,
): string {
  const of = `Cycle ${cycle}, ${revisions.length === 1 ? 'revision' : 'revisions'} ${revisions.map(({ revision }) => revision).join(', ')}`;
  const from = `${counted(changes, 'change')} with ${counted(files, 'file')} (${count(bytes)} bytes)`;
  const parts = [
    {
      proven: `${of}: proven. Derived anew from ${from}; equal are ${counted(rows, 'row')}, ${counted(workbooks, 'workbook')} and ${counted(submission_files, 'file')} of the submission.`,
      'not proven': `${of}: not proven, ${counted(problems.length, 'problem')}.`,
      pruned: `${of}: cannot be derived anew, because stored files were pruned. Its ${count(rows)} frozen rows follow from the facts on record.`,
    }[outcome],
    ...problems.map(({ what, thing, reason }) => oneLine(`${what}: ${thing}: ${reason}`)),
    ...notes.slice(0, NAMED_FILES).map((note) => oneLine(`Note: ${note}`)),
  ];
  if (notes.length > NAMED_FILES) parts.push(`and ${count(notes.length - NAMED_FILES)} notes more`);
  if (bundle) parts.push(`${bundle.path} (${count(bundle.bytes)} bytes, sha256 ${bundle.sha256})`);
  if (unpacked) parts.push('No bundle was written: only a proven cycle is packed.');
  return parts.join('\n');
}
