import { nameOf, secondsIn } from '../ledger.ts';
import type { PauseRow, RunRow, Timeline } from '../runs.ts';
import { oneLine, table } from './text.ts';

/** Attempts as text for people: a list of the newest, or the timeline of a cycle in at most 120 columns. */

export function runsText(runs: readonly RunRow[]): string {
  if (runs.length === 0) return 'Nothing has run yet.';
  const header = ['started (UTC)', 'job', 'cycle', 'attempt', 'reason', 'by', 'outcome', 'says'];
  const rows = runs.map((run) => [
    run.started_at.slice(0, 19),
    nameOf(run),
    run.cycle ?? '',
    String(run.attempt),
    run.reason,
    run.actor,
    run.outcome ?? 'running',
    run.says ?? '',
  ]);
  return table(header, rows);
}

const WIDTH = 120;
const BAR = 19;
const INDENT = ' '.repeat(BAR + 2);
/** What a run says gets so many lines; `--json` has all of it. */
const SAYS_LINES = 3;
/** Nothing ran for so long: worth a line. */
const GAP_S = 60;

/** Wide enough for each, and none wider than its share of the line. */
const COLUMNS: ReadonlyArray<readonly [name: string, width: number]> = [
  ['begun (UTC)', BAR],
  ['due', 16],
  ['took', 11],
  ['job', 18],
  ['try', 3],
  ['reason', 9],
  ['by', 10],
  ['outcome', 9],
  ['late by', 8],
];

export function timelineText(timeline: Timeline): string {
  const { cycle, runs, open, cutoffs } = timeline;
  if (runs.length === 0 && open.length === 0) return `Nothing of ${cycle} is planned or has run yet.`;
  const lines = [summary(timeline), ''];
  if (runs.length > 0) lines.push(...attemptLines(timeline), '');
  for (const { name, due_at, waits } of open)
    lines.push(...wrapped(`${name}, due ${minute(due_at)}: ${waits}`, '', 2));
  if (open.length > 0) lines.push('');
  for (const { cutoff, jobs } of cutoffs)
    lines.push(`${jobs.join(', ')} of this cycle see${jobs.length === 1 ? 's' : ''} up to change ${cutoff}.`);
  return lines.join('\n').trimEnd();
}

function summary({ cycle, occurrences, runs }: Timeline): string {
  const done = occurrences.filter(({ state }) => state === 'done').length;
  const worked = runs.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  return (
    `${cycle}: ${done} of ${occurrences.length} done; ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}, ` +
    `${duration(worked)} of work. Times are UTC.`
  );
}

/** Runs and what happened between them, in the order of time. */
function attemptLines({ runs, pauses, now }: Timeline): string[] {
  const inOrder = [...runs].sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  const end = (run: RunRow) => Date.parse(run.ended_at ?? now);
  const from = Date.parse(inOrder[0]!.started_at);
  const to = Math.max(...inOrder.map(end));
  const events: Array<{ at: number; lines: string[] }> = pauses.flatMap(pauseEvents);
  let idleSince = from;
  for (const [index, run] of inOrder.entries()) {
    const at = Date.parse(run.started_at);
    const idle = (at - idleSince) / 1000;
    const lines =
      idle >= GAP_S
        ? [`${INDENT}... ${duration(idle)}: ${gap(run, inOrder.slice(0, index), idleSince)}`]
        : [];
    lines.push(row(cellsOf(run)), ...wrapped(run.says ?? '', bar(at, end(run), from, to)));
    events.push({ at, lines });
    idleSince = Math.max(idleSince, end(run));
  }
  const ordered = events.sort((a, b) => a.at - b.at).flatMap(({ lines }) => lines);
  return [row(COLUMNS.map(([name]) => name)), row(COLUMNS.map(([, width]) => '-'.repeat(width))), ...ordered];
}

/** Why nothing ran until this run began. */
function gap(run: RunRow, earlier: readonly RunRow[], idleSince: number): string {
  const name = nameOf(run);
  const due = Date.parse(run.due_at ?? '');
  if (due > idleSince) {
    const after = (Date.parse(run.started_at) - due) / 1000;
    return `${name} waits for its day${after >= GAP_S ? `, and begins ${duration(after)} later` : ''}`;
  }
  const last = earlier.findLast((one) => nameOf(one) === name);
  if (last?.outcome === 'failed') return `${name} failed, and waits for its next attempt`;
  if (run.reason === 'manual' || run.reason === 'backfill')
    return `waits for ${run.actor} to ask for ${name}`;
  return `${name} waits`;
}

const pauseEvents = (pause: PauseRow): Array<{ at: number; lines: string[] }> => [
  pauseEvent(pause.paused_at, `the calendar was paused by ${pause.paused_by}: ${pause.reason}`),
  ...(pause.resumed_at
    ? [
        pauseEvent(
          pause.resumed_at,
          `resumed by ${pause.resumed_by}${pause.resume_reason ? `: ${pause.resume_reason}` : ''}`,
        ),
      ]
    : []),
];

const pauseEvent = (at: string, text: string) => ({ at: Date.parse(at), lines: wrapped(text, second(at)) });

const cellsOf = (run: RunRow): string[] => [
  second(run.started_at),
  run.due_at ? minute(run.due_at) : '',
  run.seconds === null ? 'running' : duration(run.seconds),
  nameOf(run),
  String(run.attempt),
  run.reason,
  run.actor,
  run.outcome ?? '',
  run.late_by ? duration(secondsIn(run.late_by)) : '',
];

const row = (cells: readonly string[]): string =>
  COLUMNS.map(([, width], column) => cut(oneLine(cells[column] ?? ''), width).padEnd(width))
    .join('  ')
    .trimEnd();

const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 2)}..`;

/** Text beside what stands at the left of its first line; what goes beyond the lines that it gets is cut. */
function wrapped(text: string, left: string, indent = INDENT.length): string[] {
  const lines: string[] = [];
  let rest = oneLine(text);
  const widthOf = (line: number) =>
    WIDTH - (line === 0 && left === '' && indent !== INDENT.length ? 0 : indent);
  while (rest !== '' && lines.length < SAYS_LINES) {
    const width = widthOf(lines.length);
    const space = rest.length <= width ? rest.length : rest.lastIndexOf(' ', width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  if (rest !== '') lines.push(`${lines.pop()!.slice(0, widthOf(1) - 3)}...`);
  return lines.map((line, index) =>
    index > 0 ? ' '.repeat(indent) + line : left === '' ? line : left.padEnd(indent) + line,
  );
}

/** When within the whole time it ran: `..===..............`. */
function bar(begin: number, end: number, from: number, to: number): string {
  const place = (at: number) => (to === from ? 0 : ((at - from) / (to - from)) * BAR);
  const first = Math.min(Math.floor(place(begin)), BAR - 1);
  const length = Math.max(1, Math.ceil(place(end)) - first);
  return '.'.repeat(first) + '='.repeat(length) + '.'.repeat(Math.max(0, BAR - first - length));
}

const minute = (instant: string): string => instant.slice(0, 16).replace('T', ' ');
const second = (instant: string): string => instant.slice(0, 19).replace('T', ' ');

/** `< 0.1 s`, `0.4 s`, `12 s`, `1 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) return '< 0.1 s';
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  const units: ReadonlyArray<readonly [size: number, sign: string]> = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  const [size, sign] = units[first]!;
  const [smaller, smallerSign] = units[first + 1] ?? [0, ''];
  const rest = smaller ? Math.floor((whole % size) / smaller) : 0;
  return `${Math.floor(whole / size)} ${sign}${rest > 0 ? ` ${rest} ${smallerSign}` : ''}`;
}
