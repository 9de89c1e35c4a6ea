import type { Field, Header } from '../staging.ts';

/** A way in which a file of a kind may be laid out; the first whose header is found is taken. */
export interface Layout {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Types and checks the rows: `sql/staging/<script>.sql` makes `staged_reference`. */
  readonly script: string;
  /** Rows say how long they hold (valid_from, valid_to). */
  readonly dated: boolean;
  /** Further columns that the script reads, as 1-based column number -> code; undefined: not this layout. */
  readonly columns?: (header: Header) => ReadonlyMap<number, string> | undefined;
}

/** One kind of reference data. `key` and `values` are columns of `table`; validity comes on top of them. */
export interface Kind {
  readonly title: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly values: readonly string[];
  readonly dated: boolean;
  readonly layouts: readonly Layout[];
  /** Appends the issue months whose cells a change may alter; kinds without it act when a cycle is refreshed. */
  readonly touches?: string;
  /** Says how locations belong to partners: looked at for loops, and for final cycles that it changes. */
  readonly hierarchy?: boolean;
  /** A column that names something another kind should know: rows that do not are warned about, not rejected. */
  readonly names?: { readonly column: string; readonly of: 'partner' | 'location' };
}

const field = (name: string, required: boolean, ...synonyms: string[]): Field => ({
  name,
  required,
  synonyms,
});

/** Every dated kind may leave these out. */
const VALIDITY = [
  field('valid_from', false, 'from', 'start date', 'valid since'),
  field('valid_to', false, 'to', 'end date', 'valid until'),
];
const PARTNER_ID = field(
  'partner_mpn_id',
  true,
  'partner',
  'partner id',
  'partner mpn',
  'organisation id',
  'organization id',
);
const LOCATION_ID = field('location_mpn_id', true, 'location', 'location id', 'location mpn');
const COUNTRY = field('country', true, 'country code', 'country/region');

const layout = (name: string, ...fields: Field[]): Layout => ({
  name,
  fields: [...fields, ...VALIDITY],
  script: `reference_${name}`,
  dated: true,
});

/** The eight kinds. Column names are those of the files; blank cells mean what the SQL of each kind says. */
export const KINDS = {
  partners: {
    title: 'partners',
    table: 'partner',
    key: ['mpn_id'],
    values: ['name', 'country'],
    dated: true,
    layouts: [
      layout(
        'partners',
        field('mpn_id', true, 'partner_mpn_id', 'partner id', 'mpn'),
        field('name', true, 'partner name'),
        COUNTRY,
      ),
    ],
  },
  locations: {
    title: 'locations',
    table: 'location',
    key: ['location_mpn_id'],
    values: ['partner_mpn_id', 'name', 'country'],
    dated: true,
    layouts: [layout('locations', LOCATION_ID, PARTNER_ID, field('name', false, 'location name'), COUNTRY)],
    hierarchy: true,
    names: { column: 'partner_mpn_id', of: 'partner' },
  },
  customers: {
    title: 'customer numbers',
    table: 'customer',
    key: ['source', 'customer_number'],
    values: ['location_mpn_id'],
    dated: true,
    layouts: [
      layout(
        'customers',
        field('customer_number', true, 'customer', 'customer id', 'customer no', 'customer #'),
        LOCATION_ID,
        field('program', false, 'source', 'channel'),
      ),
    ],
    touches: 'reference_touch_customers',
    names: { column: 'location_mpn_id', of: 'location' },
  },
  enrolments: {
    title: 'enrolments',
    table: 'enrolment',
    key: ['partner_mpn_id', 'competency'],
    values: ['learning_option', 'anniversary_date'],
    dated: true,
    layouts: [
      layout(
        'enrolments',
        PARTNER_ID,
        field('learning_option', true, 'option'),
        field('competency', false),
        field('anniversary_date', true, 'anniversary', 'ad'),
      ),
    ],
    names: { column: 'partner_mpn_id', of: 'partner' },
  },
  attainments: {
    title: 'attainments',
    table: 'attainment',
    key: ['partner_mpn_id', 'competency', 'measure'],
    values: ['value'],
    dated: true,
    layouts: [
      layout(
        'attainments',
        PARTNER_ID,
        field('competency', false),
        field('measure', true),
        field('value', true, 'figure'),
      ),
    ],
    names: { column: 'partner_mpn_id', of: 'partner' },
  },
  products: {
    title: 'products',
    table: 'product',
    key: ['sku'],
    values: ['name', 'omlp_type', 'kpi_class', 'units_per_sku'],
    dated: true,
    layouts: [
      layout(
        'products',
        field('sku', true, 'course number', 'product', 'product code'),
        field('name', false, 'product name', 'title'),
        field('omlp_type', true, 'omlp', 'product family'),
        field('kpi_class', false, 'class'),
        field('units_per_sku', false, 'units', 'purchase units'),
      ),
    ],
    touches: 'reference_touch_products',
  },
  rates: {
    title: 'exchange rates',
    table: 'rate',
    key: ['currency', 'rate_date', 'origin'],
    values: ['per_euro'],
    dated: false,
    layouts: [
      {
        name: 'manual',
        fields: [
          field('currency', true, 'currency code'),
          field('rate_date', true, 'date', 'day'),
          field('per_euro', true, 'units per euro', 'rate per euro'),
        ],
        script: 'reference_rates_manual',
        dated: false,
      },
      {
        name: 'ecb',
        fields: [field('rate_date', true, 'date')],
        script: 'reference_rates_ecb',
        dated: false,
        columns: currencyColumns,
      },
    ],
    touches: 'reference_touch_rates',
  },
  listings: {
    title: 'directory listings',
    table: 'listing',
    key: ['partner_mpn_id', 'country'],
    values: ['name', 'url', 'requested_on'],
    dated: true,
    layouts: [
      layout(
        'listings',
        PARTNER_ID,
        COUNTRY,
        field('name', true, 'display name', 'name to appear'),
        field('url', true, 'landing page', 'address', 'website'),
        field('requested_on', true, 'requested', 'request date'),
      ),
    ],
    names: { column: 'partner_mpn_id', of: 'partner' },
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** The ECB gives each currency a column headed by its code; spaces surround it, and a last comma makes an empty one. */
function currencyColumns(header: Header): ReadonlyMap<number, string> | undefined {
  const found = header.cells.flatMap((cell, index): Array<[number, string]> => {
    const code = cell.trim().toUpperCase();
    return /^[A-Z]{3}$/.test(code) ? [[index + 1, code]] : [];
  });
  return found.length > 0 ? new Map(found) : undefined;
}
