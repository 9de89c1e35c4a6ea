/**
 * The one catalogue of what may explain a line of a claim, or a line of ours that a claim lacks. The order is the
 * precedence: of several causes that apply, a line gets the first. Where a line of ours with the claim's own figures is
 * in the report, only the causes that compare two lines can apply (`compares`). docs/reconcile.md lists the same
 * causes in the same order; a test holds them together.
 *
 * `title` is for a table, `says` and `whatToDo` are sentences for the partner; `{...}` is filled in by says.ts.
 */
export interface CauseEntry {
  readonly cause: string;
  readonly title: string;
  readonly says: string;
  readonly whatToDo: string;
  /** True for a cause that says how a claimed line differs from the line of ours beside it. */
  readonly compares?: boolean;
  /** False where nothing is wrong on either side. */
  readonly fault?: boolean;
}

export const CAUSES = [
  {
    cause: 'no-invoice-number',
    title: 'No invoice number',
    says: 'The claim names no invoice for this line.',
    whatToDo: 'Please send the invoice number.',
  },
  {
    cause: 'not-received',
    title: 'Not received',
    says: 'We have not received invoice {invoice}.',
    whatToDo: 'Please send the invoice itself. Order confirmations and pro forma invoices do not count.',
  },
  {
    cause: 'received-since',
    title: 'Received since',
    says: 'Invoice {invoice} was received or settled after this report was made.',
    whatToDo: 'Nothing to do: it shows in the next restatement of the report.',
  },
  {
    cause: 'not-yet-visible',
    title: 'Not yet visible',
    says: 'Invoice {invoice} is known. Invoices of {issueMonth} first show on {date}.',
    whatToDo: 'Nothing to do: please look at the report of {date}.',
  },
  {
    cause: 'outside-window',
    title: 'Outside the window',
    says: 'Invoice {invoice} counts in {kpiMonth}; this report covers {windowFrom} to {windowTo}.',
    whatToDo: 'Nothing to do: it counted in the reports of its own time.',
  },
  {
    cause: 'not-an-invoice',
    title: 'Not an invoice',
    says: 'Document {invoice} is no invoice but of type {seen}. Only actual invoices count. It was found in {file}.',
    whatToDo: 'Please send the invoice itself.',
  },
  {
    cause: 'rejected',
    title: 'Rejected',
    says: 'The line of invoice {invoice} was received and could not be taken. {reason}',
    whatToDo: 'Please have the seller correct the invoice and send it again.',
  },
  {
    cause: 'quarantined',
    title: 'Waits for a decision',
    says: 'The line of invoice {invoice} was received and waits for a decision. {reason}',
    whatToDo: 'Nothing to do now: we decide, and it then counts by itself. A copy of the invoice helps.',
  },
  {
    cause: 'other-customer-number',
    title: 'Other customer number',
    says: 'Invoice {invoice} bears the customer number {customerNumber}, which leads to no location of yours{near}.',
    whatToDo:
      'Please confirm your customer number, and have the seller correct the invoice if it is wrong there.',
  },
  {
    cause: 'other-partner',
    title: 'Not issued to you',
    says: 'Invoice {invoice} was issued under a customer number that is not yours{near}.',
    whatToDo: 'Please check with the seller under which of your customer numbers it was ordered.',
  },
  {
    cause: 'superseded',
    title: 'Superseded',
    says: 'Invoice {invoice} does not count any more. {reason}',
    whatToDo: 'Nothing to do: what replaced it counts instead.',
  },
  {
    cause: 'credited',
    title: 'Credited',
    says: 'Credit note {invoice} takes back KPI and revenue; the claim leaves it out.',
    whatToDo: 'Nothing to do, unless you never received this credit.',
  },
  {
    cause: 'duplicate',
    title: 'Claimed twice',
    says: 'The same line of invoice {invoice} is in the claim more often than on the invoice.',
    whatToDo: 'Nothing to do: it counts once.',
  },
  {
    cause: 'other-month',
    title: 'Other month',
    says: 'Invoice {invoice} counts in {kpiMonth}, not in {claimedMonth}.',
    whatToDo: 'Nothing to do: its date decides the month.',
    compares: true,
  },
  {
    cause: 'other-type',
    title: 'Other OMLP type',
    says: 'The product {sku} on invoice {invoice} is of type {omlpType}, not {claimedType}.',
    whatToDo: 'Nothing to do, unless the product on the invoice is wrong.',
    compares: true,
  },
  {
    cause: 'other-unit',
    title: 'Other purchase units',
    says: 'The line of SKU {sku} on invoice {invoice} holds {units}; the claim says {claimedUnits}.',
    whatToDo: 'Please compare the quantity with the invoice.',
    compares: true,
  },
  {
    cause: 'other-weight',
    title: 'Other weight',
    says: 'The KPI value of {units} of SKU {sku} on invoice {invoice} is {kpiValue}, at {weight} each; the claim says {claimedKpi}.',
    whatToDo: 'Nothing to do: the weight in force on {issueDate} decides.',
    compares: true,
  },
  {
    cause: 'other-rate',
    title: 'Other exchange rate',
    says: 'The line of SKU {sku} on invoice {invoice} is in {currency}: {amount} {currency} are {revenue} {reportingCurrency}{rate}; the claim says {claimedRevenue}.',
    whatToDo: 'Nothing to do: the exchange rate of {issueDate} decides.',
    compares: true,
  },
  {
    cause: 'rounding',
    title: 'Rounding',
    says: 'The figures of invoice {invoice} differ by less than the claim shows decimals.{notCompared}',
    whatToDo: 'Nothing to do.',
    compares: true,
    fault: false,
  },
  {
    cause: 'no-kpi-value',
    title: 'No KPI value',
    says: 'Invoice {invoice} is known, but this line of it earns no KPI. {reason}',
    whatToDo: 'Nothing to do, unless the product on the invoice is wrong.',
  },
  {
    cause: 'not-claimed',
    title: 'Not claimed',
    says: 'The line of SKU {sku} on invoice {invoice} is in the report; the claim lacks it.',
    whatToDo: 'Nothing to do: it counts.',
  },
  {
    cause: 'unexplained',
    title: 'Unexplained',
    says: 'Invoice {invoice} is in the report with other figures, and nothing that we know explains the difference.',
    whatToDo: 'Please send the invoice: a person looks at both.',
    compares: true,
  },
  {
    cause: 'matched',
    title: 'Matched',
    says: 'Invoice {invoice} is in the report{asClaimed}{group}.{notCompared}',
    whatToDo: '',
    fault: false,
  },
] as const satisfies readonly CauseEntry[];

export type Cause = (typeof CAUSES)[number]['cause'];

const ENTRIES: ReadonlyMap<string, CauseEntry> = new Map(CAUSES.map((entry) => [entry.cause, entry]));

/** Place in the precedence, from 0. */
export const rankOf = (cause: Cause): number => CAUSES.findIndex((entry) => entry.cause === cause);

export function entryOf(cause: Cause): CauseEntry {
  const entry = ENTRIES.get(cause);
  if (!entry) throw new Error(`The cause ${cause} is not in the catalogue`);
  return entry;
}
