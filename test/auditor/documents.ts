import type { Decision } from '../../samples/truth.ts';
import type { ReadRow } from './rows.ts';
import type { Rules } from './rules.ts';

/**
 * Decision 0014, "a document is settled as a whole": what becomes of the rows that are said now, before reference data
 * is asked. A function of what is said; the order only tells which of equal rows came first.
 */

export interface Settled {
  /** `line` counts unless something else is wrong with it. */
  readonly standing: 'line' | 'duplicate' | 'quarantined' | 'superseded';
  /** Why it waits. */
  readonly why: '' | 'conflict' | 'type' | WaitingReference;
  /** The day whose month it counts in. */
  readonly countsOn: string;
  /** The issue date that brings it into a cycle. */
  readonly visibleFrom: string;
  /** From this day on it is superseded by its correction; empty = never. */
  readonly replacedFrom: string;
}

type WaitingReference = 'reference-missing' | 'pending-reference' | 'reference-ambiguous' | 'corrected-twice';

/** What one file says of a unit; where lines have numbers, each row by itself. */
type Saying = readonly ReadRow[];

interface Document {
  readonly key: string;
  readonly documentClass: string;
  readonly seller: string;
  readonly number: string;
  readonly date: string;
  /** The numbers that its rows refer to; a file that is silent about it adds nothing. */
  readonly refersTo: readonly string[];
  readonly rows: readonly ReadRow[];
}

/** Groups in the order of their first member. */
export function grouped<T>(values: readonly T[], key: (value: T) => string | number): T[][] {
  const found = new Map<string | number, T[]>();
  for (const value of values) {
    const group = found.get(key(value));
    if (group) group.push(value);
    else found.set(key(value), [value]);
  }
  return [...found.values()];
}

/**
 * `said` are the rows that are said now, in the order in which they came. `goesBack`: whether a credit of that issue date
 * counts in the month of the invoice that it refers to.
 */
export function settle(
  said: readonly ReadRow[],
  decisions: readonly Decision[],
  rules: Rules,
  goesBack: (date: string) => boolean = () => false,
): Map<ReadRow, Settled> {
  const documents = grouped(said, ({ document }) => document).map((rows): Document => {
    const { document: key, treatment, seller, number, date } = rows[0]!;
    const refersTo = [...new Set(rows.map(({ reference }) => reference))].filter((other) => other !== '');
    return { key, documentClass: treatment.documentClass, seller, number, date, refersTo, rows };
  });
  const isReleased = (document: Document): boolean =>
    decisions.some((decision) => decision.verdict === 'release' && isAbout(decision, document.rows));
  const corrections = correctionsOf(documents, isReleased, rules);

  const settled = new Map<ReadRow, Settled>();
  for (const document of documents) {
    const correction = corrections.get(document);
    const replacedBy = [...corrections].find(([, { replaces }]) => replaces === document)?.[0];
    const types = new Set(
      document.rows.map(({ treatment: { gate, isCredit, unitSign, amountSign } }) =>
        JSON.stringify([gate, isCredit, unitSign, amountSign]),
      ),
    );
    for (const { row, standing } of standings(document, decisions, rules)) {
      const why =
        standing !== 'line' && standing !== 'quarantined'
          ? ''
          : standing === 'quarantined' || (types.size > 1 && rules.mixedTypesWait)
            ? 'conflict'
            : row.treatment.gate === 'quarantine' && !isReleased(document)
              ? 'type'
              : (correction?.waits ?? '');
      const first = correction?.first ?? row.date;
      settled.set(row, {
        standing: why === '' ? standing : 'quarantined',
        why,
        countsOn: correction ? rules.correctionCountsOn(row.date, first) : row.date,
        visibleFrom: correction ? rules.correctionVisibleFrom(row.date, first) : row.date,
        replacedFrom:
          replacedBy && rules.replacedIsTakenBack && standing !== 'duplicate'
            ? rules.correctionVisibleFrom(replacedBy.date, corrections.get(replacedBy)!.first)
            : '',
      });
    }
  }
  for (const credit of documents) {
    if (credit.documentClass !== 'credit note' || !goesBack(credit.date) || isReleased(credit)) continue;
    const origin = originOf(credit, documents, settled, corrections, rules);
    for (const row of credit.rows) {
      const now = settled.get(row)!;
      if (now.standing !== 'line') continue;
      settled.set(
        row,
        'why' in origin
          ? { ...now, standing: 'quarantined', why: origin.why }
          : { ...now, countsOn: rules.creditCountsOn(credit.date, origin.day) },
      );
    }
  }
  return settled;
}

/** A day of the month in which the invoice counts that a credit refers to; or why nobody knows it. */
function originOf(
  credit: Document,
  documents: readonly Document[],
  settled: ReadonlyMap<ReadRow, Settled>,
  corrections: ReadonlyMap<Document, Correction>,
  rules: Rules,
): { readonly day: string } | { readonly why: WaitingReference } {
  if (credit.refersTo.length === 0) return { why: 'reference-missing' };
  const days = documents
    .filter(
      (other) =>
        other.documentClass !== 'credit note' &&
        other.seller === credit.seller &&
        credit.refersTo.includes(other.number) &&
        rules.mayCredit(credit, other) &&
        // Something of it is there, even if it waits itself.
        other.rows.some((row) => ['line', 'quarantined'].includes(settled.get(row)!.standing)),
    )
    .flatMap((other) => {
      const correction = corrections.get(other);
      if (!correction) return [other.date];
      return correction.waits === '' ? [correction.first] : [];
    });
  const months = new Set(days.map((day) => day.slice(0, 7)));
  if (months.size === 0) return { why: 'pending-reference' };
  return months.size > 1 ? { why: 'reference-ambiguous' } : { day: days[0]! };
}

const isAbout = (decision: Decision, rows: readonly ReadRow[]): boolean =>
  rows.some(({ at, row }) => at === decision.file && row === decision.row);

/**
 * The units of a document: its lines where every row has a number, else the document; and what is said of each. A file
 * that says the same numbered line twice says it once.
 */
function unitsOf({ rows }: Document): Array<{ rows: readonly ReadRow[]; sayings: Saying[] }> {
  if (rows.every(({ line }) => line !== ''))
    return grouped(rows, ({ line }) => line).map((unit) => ({
      rows: unit,
      sayings: unit.map((row) => [row]),
    }));
  const once = (saying: readonly ReadRow[]): Saying => [
    ...saying.filter(({ line }) => line === ''),
    ...grouped(
      saying.filter(({ line }) => line !== ''),
      ({ line, content }) => JSON.stringify([line, content]),
    ).map(([first]) => first!),
  ];
  return [{ rows, sayings: grouped(rows, ({ at }) => at).map(once) }];
}

function standings(
  document: Document,
  decisions: readonly Decision[],
  rules: Rules,
): Array<{ row: ReadRow; standing: Settled['standing'] }> {
  if (!rules.looksForRepeats) return document.rows.map((row) => ({ row, standing: 'line' }));
  return unitsOf(document).flatMap(({ rows, sayings }) => {
    const isPart = (one: Saying, other: Saying): boolean =>
      rules.isPartOf(
        one.map(({ content }) => content),
        other.map(({ content }) => content),
      );
    /** Those that no other one contains; of equal ones the first. */
    const whole = (some: readonly Saying[]): Saying[] =>
      some.filter(
        (one, index) =>
          !some.some(
            (other, place) => place !== index && isPart(one, other) && (!isPart(other, one) || place < index),
          ),
      );

    // Each decision in turn: of what was there, one saying is kept or none, and the others are settled for good.
    let refused: Saying[] = [];
    let kept: Saying[] = [];
    for (const decision of decisions) {
      if (decision.verdict === 'release' || !isAbout(decision, rows)) continue;
      const there = sayings.filter((saying) => saying[0]!.at < decision.known);
      const open = whole([...kept, ...there.filter((one) => !refused.some((other) => isPart(one, other)))]);
      const meant = sayings.find((saying) => isAbout(decision, saying))!;
      kept = decision.verdict === 'pick' ? open.filter((one) => isPart(meant, one)).slice(0, 1) : [];
      refused = [...refused, ...open.filter((one) => !kept.includes(one))];
    }
    const news = sayings.filter((one) => !kept.includes(one) && !refused.some((other) => isPart(one, other)));
    const remaining = whole([...kept, ...news]);

    const found = new Map<ReadRow, Settled['standing']>();
    const give = (holder: Saying, standing: Settled['standing']): void => {
      for (const row of firstRows(holder, sayings, isPart, (row) => found.has(row))) found.set(row, standing);
    };
    for (const saying of refused) give(saying, 'superseded');
    const isConflict = remaining.length > 1 && rules.conflictsWait;
    for (const saying of remaining) give(saying, isConflict ? 'quarantined' : 'line');
    return rows.map((row) => ({ row, standing: found.get(row) ?? 'duplicate' }));
  });
}

/** For each content of a saying, as often as it holds it, the row that came first of all that say part of it. */
function firstRows(
  holder: Saying,
  sayings: readonly Saying[],
  isPart: (one: Saying, other: Saying) => boolean,
  isTaken: (row: ReadRow) => boolean,
): ReadRow[] {
  // The second 1 x A of a file is the same line as the second 1 x A of another one.
  const numbered = (saying: Saying) =>
    grouped(saying, ({ content }) => content).flatMap((equal) =>
      equal.map((row, index) => ({ row, line: JSON.stringify([row.content, index]) })),
    );
  const candidates = sayings.filter((saying) => isPart(saying, holder)).flatMap(numbered);
  return numbered(holder).map(
    ({ row, line }) =>
      candidates.find((candidate) => candidate.line === line && !isTaken(candidate.row))?.row ?? row,
  );
}

interface Correction {
  /** Why it does not replace anything yet. */
  readonly waits: '' | WaitingReference;
  /** What it replaces. */
  readonly replaces: Document | undefined;
  /** The issue date of what was replaced first: of the invoice that a chain of corrections begins with. */
  readonly first: string;
}

/** Every corrected invoice (384), and what it replaces. */
function correctionsOf(
  documents: readonly Document[],
  isReleased: (document: Document) => boolean,
  rules: Rules,
): Map<Document, Correction> {
  const corrected = documents.filter(({ documentClass }) => documentClass === 'corrected invoice');
  const replaceable = new Map(
    corrected.map((document) => [
      document,
      documents.filter(
        (other) =>
          other !== document &&
          other.seller === document.seller &&
          document.refersTo.includes(other.number) &&
          rules.mayReplace(document, other),
      ),
    ]),
  );
  const found = new Map<Document, Correction>();
  const correctionOf = (document: Document): Correction => {
    const own = { replaces: undefined, first: document.date };
    if (isReleased(document)) return { ...own, waits: '' };
    if (document.refersTo.length === 0) return { ...own, waits: 'reference-missing' };
    const referred = replaceable.get(document)!;
    if (referred.length === 0) return { ...own, waits: 'pending-reference' };
    if (referred.length > 1) return { ...own, waits: 'reference-ambiguous' };
    const [replaces] = referred;
    const rivals = corrected.filter(
      (other) =>
        other !== document &&
        !isReleased(other) &&
        replaceable.get(other)!.length === 1 &&
        replaceable.get(other)![0] === replaces,
    );
    if (rivals.length > 0 && rules.correctedTwiceWaits) return { ...own, waits: 'corrected-twice' };
    // What it replaces may be a correction itself; while that one waits, nobody knows the month.
    const earlier = corrected.includes(replaces!) ? correctionOf(replaces!) : undefined;
    if (earlier && earlier.waits !== '') return { ...own, waits: 'pending-reference' };
    return { waits: '', replaces, first: earlier?.first ?? replaces!.date };
  };
  for (const document of corrected) found.set(document, correctionOf(document));
  return found;
}
