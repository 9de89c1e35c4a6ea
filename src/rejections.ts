import type { CycleDisposition } from './dispositions.ts';

/**
 * The one catalogue of why an invoice row does not count as a line of its own. Code -> what was seen and wanted
 * (`reason`; `{seen}` is the value), and the next step (`hint`). `docs/rejections.md` lists the same codes; tests
 * hold SQL, catalogue and page together.
 */
export interface Rule {
  readonly disposition: Exclude<CycleDisposition, 'reversal' | 'counted'>;
  readonly reason: string;
  readonly hint: string;
}

export const INVOICE_RULES: Readonly<Record<string, Rule>> = {
  'ragged-row': {
    disposition: 'rejected',
    reason: 'The row does not have as many cells as the header, or cannot be split into cells: {seen}',
    hint: 'Correct the row (a missing delimiter, an unclosed quote) and ingest the file again.',
  },
  'not-an-invoice': {
    disposition: 'rejected',
    reason: 'Only actual invoices count; this document is of type {seen}.',
    hint: 'Ask for the invoice itself. Order confirmations, orders and pro forma invoices never count.',
  },
  'invoice-number-missing': {
    disposition: 'rejected',
    reason: 'The invoice number is empty.',
    hint: 'Fill in the invoice number and ingest the file again.',
  },
  'line-number-missing': {
    disposition: 'rejected',
    reason: 'The file has a line number column, but this row leaves it empty.',
    hint: 'Fill in the line number and ingest the file again.',
  },
  'cell-without-value': {
    disposition: 'quarantined',
    reason: 'A cell reads "{seen}": an error of the spreadsheet, or a formula whose result was not stored.',
    hint: 'Get the value from the sender, correct the row (lkp rejects) and ingest it.',
  },
  'cell-too-long': {
    disposition: 'rejected',
    reason: 'The {seen} is longer than 500 characters (1,200 bytes).',
    hint: 'Shorten it; a missing quote often joins cells. Then ingest the corrected row (lkp rejects).',
  },
  'issue-date-unreadable': {
    disposition: 'rejected',
    reason: 'The issue date "{seen}" is not a date in the format of the profile.',
    hint: 'Correct the date, or the date format in the profile, and ingest the file again.',
  },
  'ambiguous-date': {
    disposition: 'quarantined',
    reason: 'The issue date "{seen}" fits day first and month first, and nothing in its column says which.',
    hint: 'Write date_format (day-first, month-first or a pattern) into the profile, withdraw the file and ingest it again.',
  },
  'quantity-unreadable': {
    disposition: 'rejected',
    reason: 'The quantity "{seen}" is not a number in the format of the profile.',
    hint: 'Correct the quantity, or the number format in the profile, and ingest the file again.',
  },
  'amount-unreadable': {
    disposition: 'rejected',
    reason: 'The net amount or price "{seen}" is not a number in the format of the profile.',
    hint: 'Correct the amount, or the number format in the profile, and ingest the file again.',
  },
  'ambiguous-amount': {
    disposition: 'quarantined',
    reason:
      'In the quantity, amount or price "{seen}", point and comma may group thousands or mark decimals, and nothing in its column says which.',
    hint: 'Write number_format into the profile, withdraw the file and ingest it again.',
  },
  'currency-unknown': {
    disposition: 'rejected',
    reason: '"{seen}" is not a currency of ISO 4217.',
    hint: 'Correct the currency code and ingest the file again.',
  },
  'currency-not-valid': {
    disposition: 'rejected',
    reason: 'The currency was not in use at the issue date: {seen}.',
    hint: 'Correct the currency or the date and ingest the file again.',
  },
  'document-type-for-a-person': {
    disposition: 'quarantined',
    reason: 'Documents of type {seen} count only when a person says so.',
    hint: 'Look at the document and decide.',
  },
  'totals-differ': {
    disposition: 'quarantined',
    reason: "The document's figures contradict each other: {seen}.",
    hint: 'Ask its sender. Withdraw the file and ingest the corrected one, or let it count as it is: lkp quarantine release.',
  },
  'document-type-unknown': {
    disposition: 'quarantined',
    reason: 'The document type "{seen}" is not a code of UNTDID 1001.',
    hint: 'Map the value in the profile if it means an invoice or a credit note, or decide for this document.',
  },
  'pending-reference': {
    disposition: 'quarantined',
    reason: 'It refers to invoice {seen}, which is not here yet.',
    hint: 'Get that invoice and ingest it: this one is then released by itself. Or decide that it counts on its own.',
  },
  'reference-missing': {
    disposition: 'quarantined',
    reason: 'The document {seen} does not say which invoice it refers to.',
    hint: 'Decide whether it counts on its own, or have the reference filled in.',
  },
  'reference-ambiguous': {
    disposition: 'quarantined',
    reason: 'It refers to invoice {seen}, and there are several of that number.',
    hint: 'Find out which one is meant; withdraw or refuse what is wrong, or decide that it counts on its own.',
  },
  'corrected-twice': {
    disposition: 'quarantined',
    reason: 'Invoice {seen} is corrected by several invoices; the original counts meanwhile.',
    hint: 'Find out which correction is the last one and refuse the others.',
  },
  conflict: {
    disposition: 'quarantined',
    reason: 'The same invoice line came with different content: {seen}.',
    hint: 'Compare the versions with the invoice itself and pick one.',
  },
  duplicate: {
    disposition: 'duplicate',
    reason: 'The same line is already known: {seen}.',
    hint: 'Nothing to do: it counts once.',
  },
  'customer-number-absent': {
    disposition: 'unmapped',
    reason: 'The row has no customer number.',
    hint: 'Ask the marketplace who bought, and have the invoice corrected.',
  },
  'customer-number-unknown': {
    disposition: 'unmapped',
    reason: 'The customer number "{seen}" belongs to no location at the issue date.',
    hint: 'Add it with lkp load customers; the line then counts by itself.',
  },
  'sku-absent': {
    disposition: 'unmapped',
    reason: 'The row names no product (SKU).',
    hint: 'Have the invoice corrected, or set default_product in the profile and ingest the file under it.',
  },
  'sku-unknown': {
    disposition: 'unmapped',
    reason: 'The SKU "{seen}" is not on the product list at the issue date.',
    hint: 'Add it with lkp load products; the line then counts by itself.',
  },
  'product-without-kpi': {
    disposition: 'no-kpi-value',
    reason: 'The product {seen} earns no KPI.',
    hint: 'Nothing to do, unless the product list is wrong.',
  },
  'no-weight-that-day': {
    disposition: 'no-kpi-value',
    reason: 'No rule set in force at the issue date gives {seen} a weight.',
    hint: 'Put a rule set for that date in force with lkp rules use.',
  },
  'zero-amount': {
    disposition: 'no-kpi-value',
    reason: 'A $0 line of {seen}; the rule set in force at its issue date counts none.',
    hint: 'Nothing to do.',
  },
  'refused-by-decision': {
    disposition: 'rejected',
    reason: 'A person decided that invoice {seen} does not count.',
    hint: 'Nothing to do. lkp quarantine reopen takes the decision back.',
  },
  'other-version-picked': {
    disposition: 'superseded',
    reason: 'A person picked another version of invoice {seen}.',
    hint: 'Nothing to do. lkp quarantine reopen takes the decision back.',
  },
  'file-withdrawn': {
    disposition: 'superseded',
    reason: 'Its file was withdrawn: {seen}',
    hint: 'Nothing to do.',
  },
  'row-corrected': {
    disposition: 'superseded',
    reason: 'The row came back corrected: {seen}.',
    hint: 'Nothing to do: the corrected row stands in its place.',
  },
  'invoice-corrected': {
    disposition: 'superseded',
    reason: 'The corrected invoice {seen} counts instead.',
    hint: 'Nothing to do.',
  },
  'not-yet-visible': {
    disposition: 'not-yet-visible',
    reason: 'Invoices of a month first show in the cycle after it.',
    hint: 'Nothing to do: it shows in cycle {seen}.',
  },
  'outside-window': {
    disposition: 'outside-window',
    reason: 'The month lies before the reporting window.',
    hint: 'Nothing to do: it counted in earlier cycles.',
  },
};

/** A rule's texts with the value that was seen. */
export function explainRule(rule: string, seen: string | null): { reason: string; hint: string } {
  const found = INVOICE_RULES[rule];
  if (!found) throw new Error(`The rule ${rule} is not in the catalogue`);
  const fill = (text: string) => text.replace('{seen}', () => seen ?? '');
  return { reason: fill(found.reason), hint: fill(found.hint) };
}
