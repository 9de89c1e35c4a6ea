import { dirname } from 'node:path';
import type { RangeRun, Step } from '../backfill.ts';
import type { CyclePlan, RangePlan } from '../backfill-plan.ts';
import { nameOf } from '../ledger.ts';
import { counted } from '../money.ts';
import { count, oneLine, table } from './text.ts';

/** The jobs of several cycles, and what is left when it stopped. */
export function rangeRunText({ cycles, left }: RangeRun): string {
  const rows = cycles.flatMap(({ cycle, outcome, occurrences }) =>
    outcome === 'nothing to do'
      ? [[cycle, '', outcome, '']]
      : occurrences.map((one) => [cycle, nameOf(one), one.state, one.says ?? `due ${one.due_at}`]),
  );
  const last = cycles.at(-1);
  return [
    table(['cycle', 'job', 'state', 'says'], rows),
    ...(left
      ? [`${last?.cycle} waits for a person, and later cycles are compared with it. Then run ${left}.`]
      : []),
  ].join('\n');
}

/** What would be done: the jobs, then cells and files of each cycle. */
export function rangePlanText({ cycles, new_in_inbox }: RangePlan): string {
  const rows = cycles.flatMap(({ cycle, steps }) =>
    together(steps).map(({ job, state, would }) => [cycle, job, state, would]),
  );
  const parts = [
    'Nothing was written. As things stand, this would be done:',
    '',
    table(['cycle', 'job', 'state', 'would'], rows),
    '',
    ...cycles.flatMap(planText),
  ];
  if (new_in_inbox.length > 0)
    parts.push(
      `${filesText(new_in_inbox.length)} of the inbox ${new_in_inbox.length === 1 ? 'was' : 'were'} not taken in yet; what is in there is not in this. lkp ingest --dry-run tells: ${new_in_inbox.slice(0, 20).map(oneLine).join(', ')}${new_in_inbox.length > 20 ? ', ...' : ''}.`,
    );
  return parts.join('\n');
}

const filesText = (files: number): string => `${count(files)} ${files === 1 ? 'file' : 'files'}`;

/** The parts of a job that would do the same are one line. */
function together(steps: readonly Step[]): Array<Pick<Step, 'job' | 'state' | 'would'>> {
  const found = new Map(steps.map((step) => [`${step.job} ${step.state} ${step.would}`, step]));
  return [...found.values()];
}

function planText({ cycle, steps, refresh, directory, files }: CyclePlan): string[] {
  if (steps.every(({ would }) => would !== 'run')) return [`${cycle}: nothing to do.`];
  const says: string[] = [];
  if (refresh?.asks) says.push(`the refresh would stop and ask a person: ${refresh.asks}`);
  else if (refresh?.refresh === 'new')
    says.push(`revision ${refresh.revision} with ${counted(refresh.cells, 'cell')} would be frozen.`);
  else if (refresh) says.push(`revision ${refresh.revision} stands; no cell changes.`);
  if (directory?.says) says.push(`the directory: ${directory.says}.`);
  const folders = new Map<string, string[]>();
  for (const path of files) folders.set(dirname(path), [...(folders.get(dirname(path)) ?? []), path]);
  return [
    oneLine(`${cycle}: ${says.length > 0 ? says.join(' ') : 'no figure is computed.'}`),
    ...[...folders].flatMap(([folder, paths]) => [
      `  ${filesText(paths.length)} in ${folder}:`,
      ...paths.map((path) => `    ${path.slice(folder.length + 1)}`),
    ]),
  ];
}
