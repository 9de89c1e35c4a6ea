/** What a problem is about. */
export type What =
  | 'ledger'
  | 'input'
  | 'rule set'
  | 'profile'
  | 'change'
  | 'fact'
  | 'revision'
  | 'workbook'
  | 'submission'
  | 'bundle';

/** Something that is not what it was, or cannot be derived anew: named, with what was seen and what to do. */
export interface Problem {
  readonly what: What;
  /** The thing's name: a file, a rule set, a table and its row. */
  readonly thing: string;
  readonly reason: string;
}
