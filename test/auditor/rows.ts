import {
  COLUMNS,
  type Disposition,
  type InvoiceFile,
  type InvoiceRow,
  type Reference,
} from '../../samples/truth.ts';
import { type Decimal, decimal, signed, text, times } from './decimal.ts';
import type { RuleSet } from './rule-set.ts';
import type { Rules, Treatment } from './rules.ts';

/** A row read on its own, before anything is compared with anything. */
export interface ReadRow {
  readonly file: string;
  readonly row: number;
  readonly treatment: Treatment;
  readonly isRejected: boolean;
  /** Normalised key and content; only looked at when the row is not rejected. */
  readonly key: string;
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

export function readRow(file: string, { row, cells }: InvoiceRow, rules: Rules): ReadRow {
  const isRagged = cells.length !== COLUMNS.length;
  const cell = (column: (typeof COLUMNS)[number]): string =>
    isRagged ? '' : cells[COLUMNS.indexOf(column)]!;
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
  const isReadable =
    !isRagged &&
    number !== '' &&
    date !== undefined &&
    quantity !== undefined &&
    net !== undefined &&
    isCurrencyValid;
  const customer = normalised(cell('Buyer identifier'));
  const sku = normalised(cell("Item Seller's identifier"));
  const seller = normalised(cell('Seller identifier'));
  return {
    file,
    row,
    treatment,
    isRejected: !isReadable || treatment.gate === 'refuse',
    key: JSON.stringify([
      seller,
      treatment.documentClass,
      number,
      date ?? '',
      cell('Invoice line identifier').trim(),
    ]),
    content: JSON.stringify([
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

/** Every row of the files that is not blank, with its disposition once all of these files were ingested in order. */
export function judge(
  reference: Reference,
  files: readonly InvoiceFile[],
  ruleSets: readonly RuleSet[],
  rules: Rules,
): JudgedRow[] {
  const rows = files.flatMap(({ name, rows }) =>
    rows.filter((row) => !isBlank(row)).map((row) => readRow(name, row, rules)),
  );

  // The versions said under each key, each by the first row that says it.
  const versions = new Map<string, ReadRow[]>();
  const repeats = new Set<ReadRow>();
  for (const row of rows) {
    if (row.isRejected || !rules.looksForRepeats) continue;
    const said = versions.get(row.key) ?? [];
    if (said.some((earlier) => rules.isSameContent(earlier.content, row.content))) repeats.add(row);
    else versions.set(row.key, [...said, row]);
  }

  const dispositionOf = (row: ReadRow): Disposition => {
    if (row.isRejected) return 'rejected';
    if (repeats.has(row)) return 'duplicate';
    const isConflict = (versions.get(row.key)?.length ?? 1) > 1;
    if (row.treatment.gate === 'quarantine' || isConflict) return 'quarantined';
    const product = productOf(reference, row.sku, row.date);
    if (locationOf(reference, row.customer, row.date) === undefined || product === undefined)
      return 'unmapped';
    if (!ruleSetOn(ruleSets, row.date)?.weights.has(product.kpi_class)) return 'no-kpi-value';
    return row.treatment.isCredit ? 'reversal' : 'counted';
  };
  return rows.map((row) => ({ ...row, disposition: dispositionOf(row) }));
}
