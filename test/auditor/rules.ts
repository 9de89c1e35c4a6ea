/**
 * The rules of the program and of the design that a mutant may break. An audit takes them as a value, so that a test
 * can hand in a broken one and see that the difference is found.
 */

export interface Treatment {
  /** What the gate does with documents of this type. */
  readonly gate: 'take' | 'quarantine' | 'refuse';
  /** Part of a document's key: an invoice and a credit note may share a number. */
  readonly documentClass: string;
  /** A credit's lines are reversals. */
  readonly isCredit: boolean;
  readonly unitSign: -1 | 0 | 1;
  readonly amountSign: -1 | 1;
}

export interface Rules {
  readonly treatment: (typeCode: string) => Treatment;
  /** Whether two rows under one key say the same, given their normalised contents. */
  readonly isSameContent: (one: string, other: string) => boolean;
  /** Whether rows under one key are looked at together at all. */
  readonly looksForRepeats: boolean;
  /** The first and the last day of a cycle's reporting window. */
  readonly window: (cycle: string) => { readonly from: string; readonly to: string };
  /** The day whose hierarchy decides which partner a location's purchase rolls up to. */
  readonly rollUpDay: (windowLastDay: string, issueDate: string) => string;
  /** How many days before the invoice date a rate may be. */
  readonly rateLookBack: number;
}

const invoice: Treatment = {
  gate: 'take',
  documentClass: 'invoice',
  isCredit: false,
  unitSign: 1,
  amountSign: 1,
};
const credit: Treatment = {
  gate: 'take',
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
      // Corrections come later; until then a person looks at every one.
      return { ...invoice, gate: 'quarantine', documentClass: 'corrected invoice' };
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
      return { ...invoice, gate: 'quarantine', documentClass: `type ${typeCode}` };
    default:
      // UNTDID 1001 codes are numbers of up to three digits; any other value is no code at all.
      return /^\d{1,3}$/.test(typeCode)
        ? { ...invoice, gate: 'refuse', documentClass: `type ${typeCode}` }
        : { ...invoice, gate: 'quarantine', documentClass: `type ${typeCode}` };
  }
}

/** The 12 completed calendar months before the cycle: 2020-01 -> 2019-01-01..2019-12-31 (DOMAIN, "reporting window"). */
function window(cycle: string): { from: string; to: string } {
  const [year, month] = [Number(cycle.slice(0, 4)), Number(cycle.slice(5, 7))];
  const lastDay = new Date(Date.UTC(year, month - 1, 0)).toISOString().slice(0, 10);
  return { from: `${year - 1}-${String(month).padStart(2, '0')}-01`, to: lastDay };
}

export const RULES: Rules = {
  treatment,
  isSameContent: (one, other) => one === other,
  looksForRepeats: true,
  window,
  // After a merge all twelve months follow the location (DESIGN, section 5).
  rollUpDay: (windowLastDay) => windowLastDay,
  rateLookBack: 7,
};
