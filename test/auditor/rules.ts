import { compareDecimals, type Decimal, decimal, quotient, times } from './decimal.ts';

/**
 * The rules of the program and of the design that a mutant may break. An audit takes them as a value, so that a test
 * can hand in a broken one and see that the difference is found.
 */

export interface Treatment {
  /** What the gate does with documents of this type. */
  readonly gate: 'take' | 'quarantine' | 'refuse';
  /** False for a value that is no code of DOMAIN's table. */
  readonly isKnown: boolean;
  /** Part of a document's key: an invoice and a credit note may share a number. */
  readonly documentClass: string;
  /** A credit's lines are reversals. */
  readonly isCredit: boolean;
  readonly unitSign: -1 | 0 | 1;
  readonly amountSign: -1 | 1;
}

/** A document that a corrected invoice refers to. */
export interface Replaceable {
  readonly documentClass: string;
  readonly date: string;
}

export interface Rules {
  readonly treatment: (typeCode: string) => Treatment;
  /** Whether the contents that one saying holds are equal to, or part of, those of another: as multisets. */
  readonly isPartOf: (one: readonly string[], other: readonly string[]) => boolean;
  /** Whether rows under one key are looked at together at all. */
  readonly looksForRepeats: boolean;
  /** Whether sayings that contradict each other wait for a person. */
  readonly conflictsWait: boolean;
  /** Whether a document waits as a whole when its rows carry types that the gate treats differently. */
  readonly mixedTypesWait: boolean;
  /** Whether rows of a withdrawn file are said no more. */
  readonly withdrawalsHold: boolean;
  /** Whether a corrected invoice may replace a document of this issue date. */
  readonly mayReplace: (correction: { readonly date: string }, earlier: Replaceable) => boolean;
  /** Whether several corrected invoices of one document all wait. */
  readonly correctedTwiceWaits: boolean;
  /** The issue date that brings a corrected invoice into a cycle, given its own and that of what it replaces. */
  readonly correctionVisibleFrom: (own: string, replaced: string) => string;
  /** The day whose month a corrected invoice counts in. */
  readonly correctionCountsOn: (own: string, first: string) => string;
  /** Whether what was replaced counts no more once its correction is visible. */
  readonly replacedIsTakenBack: boolean;
  /** The first and the last day of a cycle's reporting window. */
  readonly window: (cycle: string) => { readonly from: string; readonly to: string };
  /** The day whose hierarchy decides which partner a location's purchase rolls up to. */
  readonly rollUpDay: (windowLastDay: string, issueDate: string) => string;
  /** What units earn of which so many earn so much: exact, or, where they do not divide, to 10 decimals. */
  readonly kpiOf: (units: Decimal, weight: Decimal, perUnits: Decimal) => Decimal;
  /** What is held against a cap or a threshold. */
  readonly heldAgainst: (figure: Decimal) => Decimal;
  /** The day whose rate converts a line. */
  readonly rateDay: (issueDate: string, isMonthEnd: boolean) => string;
  /** Whether a line of no amount counts where the rule set says that it does not. */
  readonly zeroCountsAnyway: boolean;
  /** The day whose month a credit counts in where the rule set takes it back to its invoice. */
  readonly creditCountsOn: (own: string, original: string) => string;
  /** Whether a credit may refer to a document of this issue date. */
  readonly mayCredit: (credit: { readonly date: string }, earlier: { readonly date: string }) => boolean;
  /** How many days before the invoice date a rate may be. */
  readonly rateLookBack: number;
}

const invoice: Treatment = {
  gate: 'take',
  isKnown: true,
  documentClass: 'invoice',
  isCredit: false,
  unitSign: 1,
  amountSign: 1,
};
const credit: Treatment = {
  gate: 'take',
  isKnown: true,
  documentClass: 'credit note',
  isCredit: true,
  unitSign: -1,
  amountSign: -1,
};

/** DOMAIN, "Documents": UNTDID 1001 codes and what is done with them. */
function treatment(typeCode: string): Treatment {
  switch (typeCode) {
    case '380':
    case '388':
      return invoice;
    case '381':
    case '81':
      return credit;
    case '83':
      return { ...credit, unitSign: 0 };
    case '384':
      return { ...invoice, documentClass: 'corrected invoice' };
    // The class is never the raw code: an invoice said as 380 and as 326 is one document.
    case '326':
    case '385':
    case '386':
    case '389':
    case '261':
    case '393':
    case '396':
    case '82':
    case '84':
    case '383':
      return { ...invoice, gate: 'quarantine' };
    default:
      // UNTDID 1001 codes are numbers of up to three digits; any other value is no code at all.
      return { ...invoice, isKnown: false, gate: /^\d{1,3}$/.test(typeCode) ? 'refuse' : 'quarantine' };
  }
}

/** The 12 completed calendar months before the cycle: 2020-01 -> 2019-01-01..2019-12-31 (DOMAIN, "reporting window"). */
function window(cycle: string): { from: string; to: string } {
  const [year, month] = [Number(cycle.slice(0, 4)), Number(cycle.slice(5, 7))];
  const lastDay = new Date(Date.UTC(year, month - 1, 0)).toISOString().slice(0, 10);
  return { from: `${year - 1}-${String(month).padStart(2, '0')}-01`, to: lastDay };
}

const lastDayOfMonth = (day: string): string =>
  new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 0)).toISOString().slice(0, 10);

/** Whether each content is in `other` at least as often as in `one`. */
export const isPartOf = (one: readonly string[], other: readonly string[]): boolean => {
  const left = [...other];
  return one.every((content) => {
    const at = left.indexOf(content);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
};

export const RULES: Rules = {
  treatment,
  isPartOf,
  looksForRepeats: true,
  conflictsWait: true,
  mixedTypesWait: true,
  withdrawalsHold: true,
  // Not younger; and a corrected invoice is replaced by a later one only, so that nothing replaces itself.
  mayReplace: (correction, earlier) =>
    earlier.documentClass === 'invoice'
      ? earlier.date <= correction.date
      : earlier.documentClass === 'corrected invoice' && earlier.date < correction.date,
  correctedTwiceWaits: true,
  correctionVisibleFrom: (own) => own,
  correctionCountsOn: (_, first) => first,
  replacedIsTakenBack: true,
  window,
  // After a merge all twelve months follow the location (DESIGN, section 5).
  rollUpDay: (windowLastDay) => windowLastDay,
  kpiOf: (units, weight, perUnits) =>
    compareDecimals(perUnits, decimal('1')) === 0
      ? times(units, weight)
      : quotient(times(units, weight), perUnits, 10),
  heldAgainst: (figure) => (figure.scale <= 6 ? figure : quotient(figure, decimal('1'), 6)),
  rateDay: (issueDate, isMonthEnd) => (isMonthEnd ? lastDayOfMonth(issueDate) : issueDate),
  zeroCountsAnyway: false,
  creditCountsOn: (_, original) => original,
  mayCredit: (credit, earlier) => earlier.date <= credit.date,
  rateLookBack: 7,
};
