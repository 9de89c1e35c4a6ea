/**
 * The truth of a sample world: every reference row and every invoice row as written, and for each invoice row what
 * should become of it. All values are texts as they stand in the files.
 */

/** What becomes of a row, whatever the cycle: the first that applies (DESIGN, "Dispositions"). */
export const DISPOSITIONS = [
  'superseded',
  'rejected',
  'duplicate',
  'quarantined',
  'unmapped',
  'no-kpi-value',
  'reversal',
  'counted',
] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** The canonical profile's columns, named after the terms of EN 16931 (BT-1, 2, 3, 5, 25, 29, 46, 126, ...). */
export const COLUMNS = [
  'Invoice number',
  'Invoice issue date',
  'Invoice type code',
  'Invoice currency code',
  'Preceding Invoice reference',
  'Seller identifier',
  'Buyer identifier',
  'Invoice line identifier',
  'Invoiced quantity',
  'Item net price',
  'Invoice line net amount',
  'Item name',
  "Item Seller's identifier",
] as const;

/** An invoice row's cells by name; `cellsOf` puts them in the order of COLUMNS. */
export interface InvoiceLine {
  readonly number: string;
  readonly date: string;
  readonly code: string;
  readonly currency: string;
  readonly reference: string;
  readonly seller: string;
  readonly customer: string;
  readonly line: string;
  readonly quantity: string;
  readonly price: string;
  readonly net: string;
  readonly item: string;
  readonly sku: string;
}

export const cellsOf = (line: InvoiceLine): readonly string[] => [
  line.number,
  line.date,
  line.code,
  line.currency,
  line.reference,
  line.seller,
  line.customer,
  line.line,
  line.quantity,
  line.price,
  line.net,
  line.item,
  line.sku,
];

/** One physical row below the header. */
export interface InvoiceRow {
  /** Physical row (record) in the file, the header being row 1. */
  readonly row: number;
  /** The cells as they come; a ragged row has more or fewer than COLUMNS. */
  readonly cells: readonly string[];
  /** What becomes of it once every file up to this one was ingested in order; `blank` rows are not lines in. */
  readonly expected: Disposition | 'blank';
  /** Why the row is there, such as `negative-invoice`; empty for everyday rows. */
  readonly oddity: string;
}

export interface InvoiceFile {
  /** File name below `invoices/`. */
  readonly name: string;
  readonly format: 'csv' | 'xlsx';
  readonly rows: readonly InvoiceRow[];
  /** False = the file has no column of line numbers, and its rows no such cell. */
  readonly numbered?: boolean;
  /** True = taken in, and withdrawn since. */
  readonly withdrawn?: boolean;
}

/** The columns of a file that has line numbers, or of one that has none. */
export const columnsOf = ({ numbered = true }: Pick<InvoiceFile, 'numbered'>): readonly string[] =>
  numbered ? COLUMNS : COLUMNS.filter((column) => column !== 'Invoice line identifier');

/** A row as a file that has line numbers, or one that has none, says it. */
export const cellsIn = (file: Pick<InvoiceFile, 'numbered'>, line: InvoiceLine): readonly string[] => {
  const cells = cellsOf(line);
  return columnsOf(file).map((column) => cells[(COLUMNS as readonly string[]).indexOf(column)]!);
};

/**
 * What a person decided, once the first `known` files of the world were taken in. It speaks of the document, or of the
 * line where every row has a number, that this row of this file (by its place in `World.files`) belongs to.
 * `pick`: what this row's file says of it counts. `refuse`: nothing that was said of it counts. `release`: a document
 * that waits for its type or its reference counts as it is.
 */
export interface Decision {
  readonly known: number;
  readonly file: number;
  readonly row: number;
  readonly verdict: 'pick' | 'refuse' | 'release';
}

/** Valid from `valid_from` up to, not including, `valid_to`; empty = open. */
interface Validity {
  readonly valid_from: string;
  readonly valid_to: string;
}
export interface Partner extends Validity {
  readonly mpn_id: string;
  readonly name: string;
  readonly country: string;
}
export interface Location extends Validity {
  readonly location_mpn_id: string;
  readonly partner_mpn_id: string;
  readonly name: string;
  readonly country: string;
}
export interface Customer extends Validity {
  readonly customer_number: string;
  readonly location_mpn_id: string;
  /** Empty = the marketplace. */
  readonly program: string;
}
export interface Enrolment extends Validity {
  readonly partner_mpn_id: string;
  readonly learning_option: string;
  readonly competency: string;
  readonly anniversary_date: string;
}
export interface Attainment extends Validity {
  readonly partner_mpn_id: string;
  readonly competency: string;
  readonly measure: string;
  readonly value: string;
}
export interface Product extends Validity {
  readonly sku: string;
  readonly name: string;
  readonly omlp_type: string;
  /** Empty = known, and without KPI value. */
  readonly kpi_class: string;
  readonly units_per_sku: string;
}
export interface ManualRate {
  readonly currency: string;
  readonly rate_date: string;
  /** Units of the currency for one euro. */
  readonly per_euro: string;
}
export interface Listing extends Validity {
  readonly partner_mpn_id: string;
  readonly country: string;
  readonly name: string;
  readonly url: string;
  readonly requested_on: string;
}

export interface Reference {
  readonly partners: readonly Partner[];
  readonly locations: readonly Location[];
  readonly customers: readonly Customer[];
  readonly enrolments: readonly Enrolment[];
  readonly attainments: readonly Attainment[];
  readonly products: readonly Product[];
  readonly manualRates: readonly ManualRate[];
  readonly listings: readonly Listing[];
  /** The ECB's file as it is: `Date,USD,JPY,...`, newest first, N/A, trailing comma. */
  readonly ecb: string;
}

export interface World {
  readonly reference: Reference;
  /** In the order in which a folder is ingested: by name. */
  readonly files: readonly InvoiceFile[];
  /** In the order in which they were taken. */
  readonly decisions?: readonly Decision[];
}
