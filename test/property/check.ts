import { readFileSync } from 'node:fs';
import type { World } from '../../samples/truth.ts';
import type { LineChange } from '../../src/kpi/changes.ts';
import { asTheyStand, audit, auditLevels } from '../auditor/audit.ts';
import { asAudited, changedLines, oncePerRow } from '../auditor/changes.ts';
import { compare, compareLevels, compareTotals } from '../auditor/compare.ts';
import type { RuleSet } from '../auditor/rule-set.ts';
import { CAN_WITHDRAW, drop, play, prepare, type Server } from './engine.ts';
import {
  BETWEEN,
  CYCLES,
  type Month,
  monthOf,
  type Placed,
  referenceOf,
  type Step,
  stepsOf,
  WHOLE,
  worldOf,
} from './month.ts';
import { programOf } from './program.ts';

const ruleSetsOf = (server: Server): readonly RuleSet[] => programOf(server.program).ruleSets;

/** A month that failed, as small as it was made. */
export interface Failure {
  readonly id: number;
  readonly differences: readonly string[];
  /** What was left of the month; absent where it agrees when it is alone. */
  readonly smallest?: Month;
  readonly shown?: string;
}

const FIRST_KEPT = 9_000_001;

/** Months that failed once: by seed, or as they were when they failed. They go first. */
export const regressions = (): Placed[] => {
  const text = readFileSync(new URL('regressions.json', import.meta.url), 'utf8');
  const kept = JSON.parse(text) as Array<{ why: string; seed?: number; month?: Month }>;
  return kept.map((entry, index) => ({ id: FIRST_KEPT + index, month: entry.month ?? monthOf(entry.seed!) }));
};

export const monthsOf = (seed: number, count: number): Placed[] =>
  Array.from({ length: count }, (_, index) => ({ id: seed + index, month: monthOf(seed + index) }));

/** Without a command that undoes a file there is no wrong file. */
const able = (steps: readonly Step[]): Step[] =>
  CAN_WITHDRAW
    ? [...steps]
    : steps.filter(
        (step) => step.what === 'refresh' || (step.what === 'ingest' && !step.file.name.startsWith('wrong')),
      );

/**
 * All months at once, in both of their arrangements: every difference between engine and auditor, between one
 * arrangement and the other, and every file that does not balance. Empty = the promises hold.
 */
export async function differencesOf(server: Server, months: readonly Placed[]): Promise<string[]> {
  const reference = referenceOf(months);
  const prepared = await prepare(server, reference);
  try {
    const worlds = [stepsOf(months, 0), stepsOf(months, 1)].map((steps) => worldOf(reference, able(steps)));
    return [
      ...(await differencesIn(server, prepared, months, 0)),
      ...(await differencesIn(server, prepared, months, 1)),
      ...ordered(worlds, ruleSetsOf(server)),
    ];
  } finally {
    await drop(server, prepared);
  }
}

/** The same for one arrangement, on a database that knows the months' reference data. */
async function differencesIn(
  server: Server,
  prepared: string,
  months: readonly Placed[],
  which: 0 | 1,
): Promise<string[]> {
  const steps = able(stepsOf(months, which));
  const world = worldOf(referenceOf(months), steps);
  // Whatever stops the engine is a finding too.
  const found = await disagreements(server, prepared, world, steps).catch((error: Error) => [
    `it stops: ${error.message}`,
  ]);
  return found.map((told) => `${'AB'[which]} ${told}`);
}

async function disagreements(
  server: Server,
  prepared: string,
  world: World,
  steps: readonly Step[],
): Promise<string[]> {
  const played = await play(server, prepared, steps);
  // What a withdrawn file's rows are, everybody knows.
  const standing = { ...world, files: world.files.filter(({ withdrawn }) => !withdrawn) };
  return [
    ...played.broken,
    ...played.cycles.flatMap((actual) => {
      const options = { cycle: actual.cycle, ruleSet: ruleSetsOf(server) };
      return [
        ...compare(audit(world, options), actual),
        ...compareLevels(auditLevels(world, options), actual),
      ].map((told) => `${actual.cycle} ${told}`);
    }),
    ...(played.changed === undefined ? [] : misexplained(steps, world, played.changed, ruleSetsOf(server))),
    ...compareTotals(asTheyStand(standing, ruleSetsOf(server)), played).map((told) => `as ingested: ${told}`),
  ];
}

/** Lines that changed since the refresh between, where engine and auditor differ; and those without a cause. */
function misexplained(
  steps: readonly Step[],
  world: World,
  changed: readonly LineChange[],
  ruleSets: readonly RuleSet[],
): string[] {
  const known = steps.slice(
    0,
    steps.findIndex(({ what }) => what === 'refresh'),
  );
  const before = worldOf(world.reference, known);
  const audited = changedLines({ before, after: world }, { cycle: BETWEEN, ruleSets });
  const [one, other] = [audited.map(({ cause: _cause, ...line }) => line), changed.map(asAudited)].map(
    (lines) => new Set(oncePerRow(lines).map((line) => JSON.stringify(line))),
  );
  return [
    ...[...one!].filter((line) => !other!.has(line)).map((line) => `only the auditor sees change: ${line}`),
    ...[...other!].filter((line) => !one!.has(line)).map((line) => `only the engine sees change: ${line}`),
    ...changed
      .filter(({ cause }) => cause === 'unexplained')
      .map(({ file, row_no }) => `${file}, row ${row_no} changed without a cause`),
  ];
}

/** The auditor's own KPI values do not depend on the arrangement either. */
function ordered([one, other]: readonly World[], ruleSet: readonly RuleSet[]): string[] {
  return CYCLES.flatMap((cycle) => {
    const [a, b] = [one!, other!].map((world) => audit(world, { cycle, ruleSet }));
    const same = { lines_in: a!.lines_in, dispositions: a!.dispositions };
    return compare(a!, {
      ...b!,
      conservation: same,
      amounts: a!.amounts as never,
      window: monthsIn(b!.window),
    }).map((told) => `the auditor itself, A and B: ${cycle} ${told}`);
  });
}

const monthsIn = ({ from, to }: { readonly from: string; readonly to: string }) => ({
  from: from.slice(0, 7),
  to: to.slice(0, 7),
});

/**
 * Checks months together, which is cheap. Where they differ it halves them until the one at fault is found, at most
 * `most` times, and makes it as small as it gets in so many seconds.
 */
export async function* failuresOf(
  server: Server,
  months: readonly Placed[],
  most = 1,
  seconds = 60,
): AsyncGenerator<Failure> {
  let left = [...months];
  for (let found = 0; found < most && left.length > 0; found += 1) {
    const differences = await differencesOf(server, left);
    if (differences.length === 0) return;
    const fault = await atFault(server, left, differences);
    if (!('placed' in fault)) return void (yield fault);
    yield await smallest(server, fault, seconds);
    left = left.filter((other) => other !== fault.placed);
  }
}

interface Found {
  readonly placed: Placed;
  readonly differences: readonly string[];
}

async function atFault(
  server: Server,
  months: readonly Placed[],
  differences: readonly string[],
): Promise<Found | Failure> {
  if (months.length === 1) return { placed: months[0]!, differences };
  const middle = Math.ceil(months.length / 2);
  for (const half of [months.slice(0, middle), months.slice(middle)]) {
    const told = await differencesOf(server, half);
    if (told.length > 0) return atFault(server, half, told);
  }
  // Apart they agree: the difference is in their being together.
  return { id: months[0]!.id, differences };
}

/** Leaves out what can be left out, in the arrangement that fails, until nothing more can or the time is over. */
async function smallest(server: Server, { placed, differences }: Found, seconds: number): Promise<Failure> {
  const { id } = placed;
  const [first] = differences;
  const which = first!.startsWith('A ') ? 0 : first!.startsWith('B ') ? 1 : undefined;
  // Kept under another number, its partners stand as they did under this one.
  const whole: Month = { ...placed.month, standing: placed.month.standing ?? id };
  let last = { id, differences, smallest: whole };
  // Where the auditor differs from itself nothing is played, and the month is shown as it is.
  if (which !== undefined) {
    const prepared = await prepare(server, referenceOf([{ id, month: whole }]));
    const until = Date.now() + seconds * 1000;
    let isSmaller = true;
    while (isSmaller) {
      isSmaller = false;
      for (const month of smaller(last.smallest, which)) {
        if (Date.now() > until) break;
        const told = await differencesIn(server, prepared, [{ id, month }], which);
        if (told.length === 0) continue;
        last = { id, differences: told, smallest: month };
        isSmaller = true;
        break;
      }
    }
    await drop(server, prepared);
  }
  return {
    ...last,
    shown: shownOf({ id, month: last.smallest }, which === undefined ? [0, 1] : [which], ruleSetsOf(server)),
  };
}

/** The months with one thing less, the largest things first. */
function* smaller(month: Month, which: 0 | 1): Generator<Month> {
  const without = <T>(list: readonly T[], index: number): T[] => list.filter((_, place) => place !== index);
  const { documents } = month;
  const withDocument = (index: number, differs: Partial<Month['documents'][number]>): Month => ({
    ...month,
    documents: documents.map((document, place) => (place === index ? { ...document, ...differs } : document)),
  });
  for (const index of documents.keys()) yield { ...month, documents: without(documents, index) };
  const arrangement = month.arrangements[which];
  if (arrangement.again.length > 0) {
    const other = { ...arrangement, again: arrangement.again.slice(1) };
    yield {
      ...month,
      arrangements: which === 0 ? [other, month.arrangements[1]] : [month.arrangements[0], other],
    };
  }
  for (const [index, { versions }] of documents.entries()) {
    for (const version of versions.keys())
      if (versions.length > 1) yield withDocument(index, { versions: without(versions, version) });
  }
  for (const [index, { lines, versions }] of documents.entries()) {
    for (const line of lines.keys())
      if (lines.length > 1) yield withDocument(index, { lines: without(lines, line) });
    for (const [place, version] of versions.entries()) {
      const plainer = [
        ...(version.more ? [{ more: null }] : []),
        ...(version.change ? [{ change: null }] : []),
        ...(version.junk ? [{ junk: false }] : []),
        ...(version.code >= 0 ? [{ code: -1 }] : []),
        ...(version.wrong ? [{ wrong: false }] : []),
        ...(version.part !== WHOLE ? [{ part: WHOLE }] : []),
      ];
      for (const differs of plainer)
        yield withDocument(index, { versions: versions.with(place, { ...version, ...differs }) });
    }
    for (const [place, line] of lines.entries()) {
      const names = ['customer', 'sku', 'quantity', 'net', 'currency'] as const;
      for (const name of names)
        if (line[name] > 0) yield withDocument(index, { lines: lines.with(place, { ...line, [name]: 0 }) });
    }
  }
}

/** The files of a month, to be read. */
function shownOf(placed: Placed, arrangements: ReadonlyArray<0 | 1>, ruleSet: readonly RuleSet[]): string {
  const reference = referenceOf([placed]);
  return arrangements
    .flatMap((which) => [
      `--- ${'AB'[which]}`,
      ...able(stepsOf([placed], which)).flatMap((step) =>
        step.what === 'refresh'
          ? ['refresh']
          : step.what === 'withdraw'
            ? [`withdraw ${step.file.name}`]
            : [`ingest ${step.file.name}`, ...step.file.rows.map(({ cells }) => `    ${cells.join(' | ')}`)],
      ),
      ...CYCLES.map((cycle) => {
        const world = worldOf(reference, able(stepsOf([placed], which)));
        const { dispositions } = audit(world, { cycle, ruleSet });
        const some = Object.entries(dispositions).filter(([, count]) => count > 0);
        return `the auditor in ${cycle}: ${some.map(([name, count]) => `${count} ${name}`).join(', ')}`;
      }),
    ])
    .join('\n');
}

/** A failure as a sentence for whoever has to find the fault. */
export const told = ({ id, differences, smallest, shown }: Failure): string =>
  [
    `Month ${id}: npm run property -- --months 1 --seed ${id}`,
    ...differences.slice(0, 12).map((difference) => `  ${difference}`),
    ...(shown ? [shown] : ['It agrees when it is alone.']),
    ...(smallest
      ? [`For test/property/regressions.json: ${JSON.stringify({ why: '', month: smallest })}`]
      : []),
  ].join('\n');
