/**
 * What the reports show, as SQL hands it over. Decimals are strings without exponent, dates `YYYY-MM-DD`,
 * months `YYYY-MM`, instants ISO 8601 in UTC; money is in the reporting currency unless a currency stands beside
 * it. Nothing here is a wall clock, a host, a run id or a path. The order of a list is the order on the page.
 */

/** What every workbook says about where its numbers come from. */
export interface Provenance {
  /** The month of the refresh, and the revision of its snapshot (1, 2, ...). */
  readonly cycle: string;
  readonly revision: number;
  /** Set where it is no revision, but a computation as known on this day or instant. */
  readonly asKnownOn?: string;
  /** The twelve months that the report covers, both ends included. */
  readonly window: { readonly from: string; readonly to: string };
  /** When the refresh was due, and `known_at` of the last change that it saw. */
  readonly due: string;
  /** How late the refresh was, as it was said then: `3 days`. Absent: in time, or asked for by a person. */
  readonly lateBy?: string;
  readonly knownAt: string;
  readonly reportingCurrency: string;
  readonly ruleSets: readonly RuleSetUse[];
  readonly files: readonly InputFile[];
}

export interface RuleSetUse {
  readonly name: string;
  readonly validFrom: string;
  /** The first day on which it no longer holds; null while it is open. */
  readonly validTo: string | null;
  readonly sha256: string;
  /** `sample`, or the title of the published source. */
  readonly source: string;
}

export interface InputFile {
  readonly name: string;
  readonly sha256: string;
  readonly linesIn: string;
}

/** One line of the control totals: a disposition and a document currency. Amounts are null where unreadable. */
export interface ControlTotal {
  readonly disposition: string;
  readonly currency: string | null;
  readonly rows: string;
  readonly amount: string | null;
}

/** Rows by disposition. */
export interface RowTotals {
  readonly totals: readonly ControlTotal[];
  readonly rowsHeld: string;
}

/** What came in (counted from the bytes) beside what the tables hold. */
export interface Balance extends RowTotals {
  readonly rowsIn: string;
  readonly balanced: boolean;
}

/** One KPI line: a counted row or a reversal, in the reporting window. */
export interface KpiLine {
  /** 1 to 12, and the year, of the KPI month. */
  readonly month: string;
  readonly year: string;
  readonly omlpType: string;
  readonly purchaseUnit: string;
  readonly invoice: string;
  readonly kpiValue: string;
  /** Null when no rate is known; the note says so. */
  readonly revenueValue: string | null;
  /** The class of the product: what its weight and its cap hang on. */
  readonly kpiClass: string;
  /** MPN ID of the location that bought. */
  readonly location: string;
  readonly issueDate: string;
  readonly sku: string;
  readonly quantity: string;
  readonly currency: string;
  readonly currencyAmount: string;
  /** One unit of `currency` in the reporting currency, the day of that rate, and who stated it; null where they are one. */
  readonly rate: string | null;
  readonly rateDate: string | null;
  readonly rateSource: string | null;
  /** Name of the file as received, and the physical row in it. */
  readonly file: string;
  readonly row: string;
  /** `$0 purchase`, `no rate`, `reversal`, ...; empty for a plain line. */
  readonly note: string;
}

/** A row that is in no KPI, as far as it could be read: raw text where it could not. */
export interface UncountedLine {
  readonly disposition: string;
  /** One sentence: why. */
  readonly reason: string;
  /** One sentence: what a person can do. */
  readonly whatToDo: string;
  readonly invoice: string | null;
  readonly issueDate: string | null;
  readonly customerNumber: string | null;
  readonly sku: string | null;
  readonly quantity: string | null;
  readonly currency: string | null;
  readonly amount: string | null;
  readonly file: string;
  readonly row: string;
}

/** Sums over lines; each sum adds the rounded lines. */
export interface Sums {
  readonly units: string;
  readonly kpiValue: string;
  readonly revenue: string;
}

export type Outcome = 'met' | 'not met' | 'waived' | 'no data';
