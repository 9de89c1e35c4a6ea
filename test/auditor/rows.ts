import {
  type COLUMNS,
  columnsOf,
  type Decision,
  type Disposition,
  type InvoiceFile,
  type InvoiceRow,
  type Reference,
} from '../../samples/truth.ts';
import { type Decimal, decimal, signed, text, times } from './decimal.ts';
import { settle } from './documents.ts';
import type { RuleSet } from './rule-set.ts';
import type { Rules, Treatment } from './rules.ts';

/** A row read on its own, before anything is compared with anything. */
export interface ReadRow {
  readonly file: string;
  /** The file's place in the order in which files came: the same bytes may come again after a withdrawal. */
  readonly at: number;
  readonly row: number;
  readonly treatment: Treatment;
  readonly isRejected: boolean;
  readonly isWithdrawn: boolean;
  /** Normalised key of the document, its parts, and content; only looked at when the row is not rejected. */
  readonly document: string;
  readonly seller: string;
  readonly number: string;
  /** The number that it refers to; empty = none. */
  readonly reference: string;
  /** Empty = no line number. */
  readonly line: string;
  readonly content: string;
  readonly date: string;
  readonly customer: string;
  readonly sku: string;
  readonly quantity: Decimal | undefined;
  /** Undefined where the amount cannot be read. */
  readonly net: Decimal | undefined;
  /** Empty where the currency cannot be read. */
  readonly currency: string;
}

export interface JudgedRow extends ReadRow {
  readonly disposition: Disposition;
  /** The day whose month it counts in: its issue date, except for a corrected invoice. */
  readonly countsOn: string;
  /** The issue date that brings it into a cycle. */
  readonly visibleFrom: string;
  /** Why it is quarantined. */
  readonly why: string;
}

/** The currencies that sample worlds use (ISO 4217), and the last day of those that are gone. */
const CURRENCIES: ReadonlyMap<string, string> = new Map([
  ...[
    'USD',
    'EUR',
    'GBP',
    'JPY',
    'TRY',
    'KWD',
    'EGP',
    'INR',
    'BRL',
    'PLN',
    'CHF',
    'CZK',
    'DKK',
    'SEK',
    'NOK',
  ].map((code): [string, string] => [code, '9999-12-31']),
  ['HRK', '2022-12-31'],
  ['TRL', '2005-12-31'],
]);

/** Trims white space and no-break spaces, and compares in upper case. */
export const normalised = (value: string): string =>
  value.replace(/^[\s\u00a0]+|[\s\u00a0]+$/gu, '').toUpperCase();

const readDecimal = (cell: string): Decimal | undefined =>
  /^-?\d+(\.\d+)?$/.test(cell.trim()) ? decimal(cell.trim()) : undefined;

/** A day that exists, or undefined. */
function readDay(cell: string): string | undefined {
  const day = cell.trim();
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const at = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day ? undefined : day;
}

/** 2.0, 2 and 2.00 are one value. */
function plain(value: Decimal): string {
  let { digits, scale } = value;
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale -= 1;
  }
  return text({ digits, scale });
}

/** A blank row is no row: all of its cells are empty. */
export const isBlank = ({ cells }: InvoiceRow): boolean => cells.every((cell) => cell.trim() === '');

export function readRow(file: InvoiceFile, at: number, { row, cells }: InvoiceRow, rules: Rules): ReadRow {
  const columns = columnsOf(file);
  const isRagged = cells.length !== columns.length;
  const cell = (column: (typeof COLUMNS)[number]): string =>
    isRagged ? '' : (cells[columns.indexOf(column)] ?? '');
  const treatment = rules.treatment(cell('Invoice type code').trim());
  const number = cell('Invoice number').trim();
  const date = readDay(cell('Invoice issue date'));
  const quantity = readDecimal(cell('Invoiced quantity'));
  const price = readDecimal(cell('Item net price'));
  const isNetBlank = cell('Invoice line net amount').trim() === '';
  const computed = isNetBlank && quantity && price ? times(quantity, price) : undefined;
  const net = isNetBlank ? computed : readDecimal(cell('Invoice line net amount'));
  const said = normalised(cell('Invoice currency code'));
  const currency = /^[A-Z]{3}$/.test(said) ? said : '';
  const lastDay = CURRENCIES.get(currency);
  const isCurrencyValid = lastDay !== undefined && date !== undefined && date <= lastDay;
  const line = cell('Invoice line identifier').trim();
  // A file that has the column has a number in each row (docs/rejections.md).
  const isReadable =
    !isRagged &&
    number !== '' &&
    (line !== '' || file.numbered === false) &&
    date !== undefined &&
    quantity !== undefined &&
    net !== undefined &&
    isCurrencyValid;
  const customer = normalised(cell('Buyer identifier'));
  const sku = normalised(cell("Item Seller's identifier"));
  const seller = normalised(cell('Seller identifier'));
  return {
    file: file.name,
    at,
    row,
    treatment,
    isRejected: !isReadable || treatment.gate === 'refuse',
    isWithdrawn: file.withdrawn === true,
    document: JSON.stringify([seller, treatment.documentClass, number, date ?? '']),
    seller,
    number,
    reference: cell('Preceding Invoice reference').trim(),
    line,
    // The same words of another kind of document, or about another invoice, are not the same line.
    content: JSON.stringify([
      treatment,
      treatment.documentClass === 'corrected invoice' ? cell('Preceding Invoice reference').trim() : '',
      customer,
      sku,
      quantity ? plain(quantity) : '',
      net ? plain(net) : '',
      currency,
    ]),
    date: date ?? '',
    customer,
    sku,
    quantity,
    net,
    currency,
  };
}

/** The effect of a row in document currency: its stated amount, negative for a credit. Undefined if unreadable. */
export const effectOf = ({ net, currency, treatment }: ReadRow): Decimal | undefined =>
  net === undefined || currency === '' ? undefined : signed(net, treatment.amountSign);

/** Whether a day lies in a validity, its end not included. */
export const holds = (
  span: { readonly valid_from: string; readonly valid_to: string },
  day: string,
): boolean => span.valid_from <= day && (span.valid_to === '' || day < span.valid_to);

export const locationOf = (reference: Reference, customer: string, day: string): string | undefined =>
  reference.customers.find(
    (candidate) =>
      candidate.program === '' && normalised(candidate.customer_number) === customer && holds(candidate, day),
  )?.location_mpn_id;

export const productOf = (reference: Reference, sku: string, day: string) =>
  reference.products.find((candidate) => normalised(candidate.sku) === sku && holds(candidate, day));

/** The rule set in force on a day. */
export const ruleSetOn = (ruleSets: readonly RuleSet[], day: string): RuleSet | undefined =>
  ruleSets.find(({ validFrom, validTo }) => holds({ valid_from: validFrom, valid_to: validTo }, day));

/**
 * Every row of the files that is not blank, with its disposition once all of these files were ingested in order, and
 * those that say so withdrawn. With `visibleUntil`, the last day of a cycle's window, a correction holds when it is
 * visible in that cycle; without, as soon as it is known.
 */
export function judge(
  reference: Reference,
  files: readonly InvoiceFile[],
  ruleSets: readonly RuleSet[],
  rules: Rules,
  options: { readonly visibleUntil?: string; readonly decisions?: readonly Decision[] } = {},
): JudgedRow[] {
  const rows = files.flatMap((file, at) =>
    file.rows.filter((row) => !isBlank(row)).map((row) => readRow(file, at, row, rules)),
  );
  const isGone = (row: ReadRow): boolean => row.isWithdrawn && rules.withdrawalsHold;
  const said = rows.filter((row) => !row.isRejected && !isGone(row));
  const settled = settle(
    said,
    options.decisions ?? [],
    rules,
    (date) => ruleSetOn(ruleSets, date)?.creditsGoBack ?? false,
  );
  const { visibleUntil = '9999-12-31' } = options;

  const dispositionOf = (row: ReadRow): Disposition => {
    if (isGone(row)) return 'superseded';
    if (row.isRejected) return 'rejected';
    const { standing, replacedFrom } = settled.get(row)!;
    if (standing === 'superseded' || standing === 'duplicate') return standing;
    if (standing === 'quarantined') return 'quarantined';
    if (replacedFrom !== '' && replacedFrom <= visibleUntil) return 'superseded';
    const product = productOf(reference, row.sku, row.date);
    if (locationOf(reference, row.customer, row.date) === undefined || product === undefined)
      return 'unmapped';
    const ruleSet = ruleSetOn(ruleSets, row.date);
    if (!ruleSet?.weights.has(product.kpi_class)) return 'no-kpi-value';
    if (row.net!.digits === 0n && !ruleSet.zeroCounts && !rules.zeroCountsAnyway) return 'no-kpi-value';
    return row.treatment.isCredit ? 'reversal' : 'counted';
  };
  return rows.map((row) => ({
    ...row,
    disposition: dispositionOf(row),
    countsOn: settled.get(row)?.countsOn ?? row.date,
    visibleFrom: settled.get(row)?.visibleFrom ?? row.date,
    why: settled.get(row)?.why ?? '',
  }));
}
