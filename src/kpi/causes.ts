/**
 * Why a line counts otherwise than it did: one catalogue, in order of precedence. A line has the first cause that applies
 * (sql/marts/line_changes.sql decides it; docs/kpis.md has the same list). `was` and `now` are what the cause turned on;
 * null: nothing.
 */
export const CAUSES = {
  withdrawal: (_was, now) =>
    `A file with this line was withdrawn${because(now)}: its own, or an earlier one that has the same line.`,
  decision: (_was, now) => `A person decided about the invoice${because(now)}.`,
  quarantine: (_was, now) =>
    `What is said of the invoice contradicts itself since (${now ?? 'another version'}): it waits for a person.`,
  'corrected row': (_was, now) => `The row came back corrected, in the place of ${now ?? 'another row'}.`,
  duplicate: (_was, now) => `The same line stands elsewhere (${now ?? 'another row'}) and counts once.`,
  correction: (was, now) =>
    now !== null
      ? `The corrected invoice ${now} replaces it.`
      : was !== null
        ? `The corrected invoice ${was} replaces it no more.`
        : 'It is a line of a corrected invoice, which takes the month of what it replaces.',
  credit: () => 'A credit note that was not known, or whose invoice was not.',
  'late invoice': () => 'An invoice that was not known.',
  customer: (was, now) =>
    `The customer number stands for ${now === null ? 'no known location' : `location ${now}`}, before for ${was === null ? 'none' : was}.`,
  product: (was, now) =>
    `The product list says ${words(now)}, before ${words(was)} (type, KPI class, units).`,
  merge: (was, now) =>
    `The location belongs to ${now ? `partner ${now}` : 'no partner'}, before to ${was || 'none'}.`,
  'rule set': (was, now) =>
    was === now
      ? 'Another rule set weighs it otherwise.'
      : `A unit weighs ${now ?? 'nothing'}, before ${was ?? 'nothing'}.`,
  setting: () => 'The reporting currency or the age of exchange rates is set otherwise.',
  rate: (was, now) => `The exchange rate is ${now ?? 'not known'}, before ${was ?? 'not known'}.`,
  unexplained: () => 'No cause was found. Tell operations.',
} satisfies Record<string, (was: string | null, now: string | null) => string>;

export type Cause = keyof typeof CAUSES;

const because = (reason: string | null): string => (reason ? ` ("${reason}")` : '');
const words = (text: string | null): string => (text ? text : 'nothing');

/** One plain sentence. */
export const causeText = (cause: Cause, was: string | null, now: string | null): string =>
  (CAUSES[cause] as (was: string | null, now: string | null) => string)(was, now);
