type Fields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** The file in hand. */
export const FILE = 5;

/** Puts rows into a table: each is the usual one, which may know its number from 1, but for what it says. */
export function rows(table: string, usual: (nth: number) => Fields, different: readonly Fields[]): string {
  const all = different.map((each, index) => ({ ...usual(index + 1), ...each }));
  const columns = [...new Set(all.flatMap(Object.keys))].join(', ');
  return `insert into ${table} (${columns})
    select ${columns} from jsonb_populate_recordset(null::${typeOf(table)}, '${JSON.stringify(all)}')`;
}

/** `line` alone is a line through two points. */
const typeOf = (table: string): string => (table === 'line' ? 'public.line' : table);

/** The rows of a file as they were typed in. */
export const asFields = (different: readonly Fields[]): string =>
  `create temporary table load_field (
     row_no int, ragged text, cells text[], invoice_number text, issue_date text, type_code text, currency text, reference_number text,
     seller text, customer_number text, sku text, line_number text, quantity text, price text, net_amount text, totals_differ text,
     corrects_file text, corrects_row text
   ) on commit drop;
   ${rows('load_field', typedIn, different)}`;

const typedIn = (nth: number): Fields => ({
  row_no: nth,
  cells: [`${nth}`],
  invoice_number: `N${nth}`,
  issue_date: '2020-01-03',
  type_code: '380',
  currency: 'EUR',
  reference_number: '',
  seller: '',
  customer_number: 'C',
  sku: 'K',
  line_number: '1',
  quantity: '2',
  price: '3',
  net_amount: '5',
});

/** The table that a file's rows are staged in. */
export const NO_STAGED = `
  create temporary table staged (
    row_no int, number text, issue_date date, type_value text, type_code text, class text, unit_sign smallint, amount_sign smallint,
    treatment smallint, reference_number text, seller text, customer_number text, sku text, line_number text, quantity numeric,
    net_amount numeric, currency text, rule text, waits text, totals_differ text, seen text
  ) on commit drop`;

/** The tables that a file's rows are staged in, with their documents. */
export const NO_ROWS = `${NO_STAGED};
  create temporary table apart (like staged) on commit drop;
  create temporary table staged_document (
    id bigint, is_new boolean, settles boolean, number text, issue_date date, class text, seller text, first_row int, type_code text,
    type_value text, unit_sign smallint, amount_sign smallint, reference_number text, treatment smallint, mixed boolean
  ) on commit drop`;

/** How a usual invoice counts. */
export const COUNTS = { unit_sign: 1, amount_sign: 1, treatment: 0 };

/** A row of `staged`. */
export const staged = (nth: number): Fields => ({
  row_no: nth,
  type_code: '380',
  customer_number: 'C',
  sku: 'K',
  quantity: 2,
  net_amount: 5,
  currency: 'EUR',
  ...COUNTS,
});

/** A row of `document`. */
export const document = (nth: number): Fields => ({
  id: nth,
  source: 'marketplace',
  seller: 'S',
  class: 'invoice',
  number: `N${nth}`,
  issue_date: '2020-01-01',
  type_code: '380',
  numbered: true,
  file_id: 1,
  change_no: 3,
  ...COUNTS,
});

/** What was sold to whom: what tables of lines have in common, each of the document of its number. */
export const sold = (nth: number): Fields => ({
  document_id: nth,
  line_no: '1',
  file_id: 1,
  row_no: nth,
  issue_date: '2020-01-01',
  customer_number: 'C',
  sku: 'K',
  quantity: 2,
  net_amount: 5,
  currency: 'EUR',
});

/** A row of `line`. */
export const line = (nth: number): Fields => ({ ...sold(nth), version: 0, change_no: 3 });

/** A row of `duplicate`. */
export const duplicate = (nth: number): Fields => ({
  ...sold(nth),
  change_no: 3,
  of_file_id: 1,
  of_row_no: nth,
  document_number: `N${nth}`,
  amount: 5,
});

export const rejection = (nth: number): Fields => ({
  file_id: FILE,
  row_no: nth,
  rule: 'ragged-row',
  seen: `row ${nth}`,
  cells: [],
  issue_date: '2020-01-01',
  currency: 'EUR',
  amount: 5,
  change_no: 3,
});
export const quarantine = (nth: number): Fields => ({
  file_id: FILE,
  row_no: nth,
  rule: 'conflict',
  seen: `row ${nth}`,
  cells: [],
  change_no: 3,
});
export const setAside = (nth: number): Fields => ({
  file_id: FILE,
  row_no: nth,
  held: 'superseded',
  rule: 'row-corrected',
  seen: `row ${nth}`,
  change_no: 3,
});
