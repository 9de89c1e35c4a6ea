import type { Cause } from './causes.ts';

/**
 * The answer to a claim. Decimals are strings in their shortest form, months `YYYY-MM`, days `YYYY-MM-DD`; money is in
 * the reporting currency unless a currency stands beside it. Nothing here is a wall clock, an id of ours or a path.
 */

/** One line of a claim: the seven fields, month and year as one. Decimals as written, null where a field is empty. */
export interface ClaimLine {
  /** Physical row of the claim file, from 1. */
  readonly row: number;
  readonly kpiMonth: string;
  /** As written; '' where it is empty, which any type matches. */
  readonly omlpType: string;
  readonly purchaseUnit: string | null;
  /** As written; '' where it is empty. */
  readonly invoice: string;
  readonly kpiValue: string | null;
  readonly revenueValue: string | null;
}

/** A claim file, read. */
export interface Claim {
  readonly name: string;
  readonly sha256: string;
  /** MPN IDs that the file names, if any. */
  readonly partners: readonly string[];
  readonly lines: readonly ClaimLine[];
  readonly leftOut: ReadonlyArray<{ readonly row: number; readonly what: string }>;
  readonly unreadable: ReadonlyArray<{
    readonly row: number;
    readonly field: string;
    readonly seen: string;
    readonly wanted: string;
  }>;
}

/** A file that a partner sent as proof, after it passed the gate in a dry run. */
export interface EvidenceFile {
  readonly file: string;
  /** As `lkp ingest` takes it; for the house, never for the partner. The name when absent. */
  readonly path?: string;
  /** Its bytes were ingested before: its documents are those that we hold. */
  readonly isKnown?: boolean;
  /** Why the file was refused as a whole, naming what it is. */
  readonly refused?: string;
  readonly documents: readonly EvidenceDocument[];
}

export interface EvidenceDocument {
  readonly number: string | null;
  /** UNTDID 1001, or the value that the file states. */
  readonly typeCode: string | null;
  /** What the gate makes of it, in the words of `lkp ingest --dry-run`. */
  readonly treatment: 'accept' | 'reversal' | 'supersede' | 'quarantine' | 'refuse';
  /** Code of docs/rejections.md and the value seen, where it does not count as it is. */
  readonly rule: string | null;
  readonly seen: string | null;
  /** The rule in a sentence, with the value seen. */
  readonly reason?: string;
}

/** Where something stands: the name of a file as received, and the physical row in it (null: the file as a whole). */
export interface Place {
  readonly file: string;
  readonly row: number | null;
}

/** A line of ours, or the sum of several where one claimed line is the sum of an invoice's lines. */
export interface OurLine {
  /** As on the invoice. */
  readonly invoice: string;
  readonly kpiMonth: string | null;
  readonly issueDate: string | null;
  /** `invoice`, `credit note` or `corrected invoice`; null for a row that could not be read so far. */
  readonly class: string | null;
  readonly omlpType: string | null;
  readonly sku: string | null;
  readonly purchaseUnit: string | null;
  readonly weight: string | null;
  readonly kpiValue: string | null;
  /** Null when no rate is known; it then adds 0. */
  readonly revenueValue: string | null;
  /** The signed effect in the document's own currency. */
  readonly amount: string | null;
  readonly currency: string | null;
  /** One unit of `currency` in the reporting currency, and its day; null where they are one. */
  readonly rate: string | null;
  readonly rateDate: string | null;
  /** MPN ID of the partner's location that bought. */
  readonly location: string | null;
  /** Where its rows stand; several for a sum. */
  readonly places: readonly Place[];
}

/** One claimed line with what we know of it, or one of ours that the claim lacks. */
export interface AnswerLine {
  /** The KPI month whose gap this line is part of: the claimed one, or that of our line where nothing was claimed. */
  readonly month: string;
  readonly claimed: ClaimLine | null;
  /** The line of ours beside it, whether it counts or not; null where there is none, or it is another partner's. */
  readonly ours: OurLine | null;
  readonly cause: Cause;
  /** What happened, and what the partner can do: one or two sentences each, '' where there is nothing to do. */
  readonly says: string;
  readonly whatToDo: string;
  /**
   * What this line adds to claimed - ours, where ours is what the report shows in this month. '0' for a figure that the
   * claim leaves empty.
   */
  readonly kpiGap: string;
  readonly revenueGap: string;
  /** Where the explanation can be seen. */
  readonly evidence: Place | null;
  /** The day on which it will be visible; only of `not-yet-visible`. */
  readonly date: string | null;
  /** For support, never for the partner: the other partner, our own next step, the rule. */
  readonly support: string | null;
}

/** One figure of a month: claimed + notStated - ours = gap = the sum of byCause. */
export interface Gap {
  /** Sum of what the claim states. */
  readonly claimed: string;
  /** Ours of the lines where the claim leaves this figure empty: that is no fault. '0' in a claim that fills it in. */
  readonly notStated: string;
  /** Sum of what the report shows. */
  readonly ours: string;
  readonly gap: string;
  /** Causes with a gap other than 0, in precedence order. `unexplained` is one of them. */
  readonly byCause: ReadonlyArray<{ readonly cause: Cause; readonly gap: string }>;
  readonly unexplained: string;
}

/** A KPI month that the claim names. */
export interface MonthAnswer {
  readonly month: string;
  readonly kpi: Gap;
  readonly revenue: Gap;
  /** How many answer lines have each cause, in precedence order. */
  readonly lines: ReadonlyArray<{ readonly cause: Cause; readonly lines: number }>;
}

export interface Answer {
  readonly partner: { readonly mpnId: string; readonly name: string };
  readonly cycle: string;
  /** The newest revision: what the partner's report shows. */
  readonly revision: number;
  /** `known_at` of the last change that it saw. */
  readonly knownAt: string;
  /** First and last month of the reporting window. */
  readonly window: { readonly from: string; readonly to: string };
  readonly currency: string;
  /** Claimed lines in the claim's order, each with a cause; then those of ours in the claimed months that it lacks. */
  readonly lines: readonly AnswerLine[];
  /** How many rows of the claim have no answer line, because a cell of them cannot be read. */
  readonly unanswered: number;
  /** In the order of time. */
  readonly months: readonly MonthAnswer[];
  readonly totals: Omit<MonthAnswer, 'month'>;
}
