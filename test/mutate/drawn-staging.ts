import { asFields, COUNTS, document, FILE, NO_ROWS, NO_STAGED, rows, staged } from './drawn-rows.ts';
import type { Look } from './looks.ts';

/*
 * The rows of a file on their way in. Rows are those of file 5 (`FILE`) unless they say otherwise; S, N and so on stand for a
 * seller, a number: what is asked is whether one differs from the other.
 */

const TYPE_MAPS = [
  {},
  { Invoice: '380', Rechnung: '380', Credit: '381' },
  // codes that are mapped to others, to themselves, in a ring
  { '380': '381', '381': '380', '384': '384', '388': '326', Note: '83' },
];

const GATES: readonly Look[] = [
  {
    file: 'staging/document_gate',
    settings: {},
    ground: [],
    looks: TYPE_MAPS.map((map) => `select set_config('lkp.type_map', '${JSON.stringify(map)}', true)`),
  },
];

const long = (length: number): string => 'x'.repeat(length);

const LINES: readonly Look[] = [
  {
    file: 'staging/lines',
    first: ['staging/document_gate'],
    settings: {
      type_map: '{}',
      source: 'marketplace',
      seller: 'S',
      credits_negative: 'true',
      numbered: 'true',
    },
    ground: [
      `update currency set valid_from = '2020-01-02', valid_to = '2020-01-04' where code = 'SEK';
       update currency set valid_from = '2020-01-02', valid_to = null where code = 'NOK';
       update currency set valid_from = null, valid_to = '2020-01-04' where code = 'DKK'`,
      asFields([
        ...['EUR', 'SEK', 'NOK', 'DKK', 'XXL'].flatMap((currency) =>
          ['01', '02', '03', '04', '32'].map((day) => ({ currency, issue_date: `2020-01-${day}` })),
        ),
        // what is no value, each alone
        ...[
          'invoice_number',
          'issue_date',
          'type_code',
          'currency',
          'customer_number',
          'sku',
          'quantity',
          'net_amount',
        ].map((field) => ({ [field]: '#N/A' })),
        { net_amount: '', price: '#N/A' },
        { net_amount: '', price: '??1.000' },
        { net_amount: '', price: '2' },
        { net_amount: '??1.000', price: '2' },
        // too long: one cell, with and without the others; and together, none of them
        ...['invoice_number', 'customer_number', 'sku', 'line_number', 'reference_number', 'seller'].flatMap(
          (field) =>
            [500, 501].flatMap((length) => [
              { [field]: long(length) },
              { line_number: null, reference_number: null, seller: null, [field]: long(length) },
            ]),
        ),
        { reference_number: long(300), seller: long(300) },
        ...[300, 301].map((length) => ({ seller: '😀'.repeat(length) })),
        { invoice_number: '' },
        { line_number: '' },
        { type_code: '381', quantity: '-2', net_amount: '-5' },
        { type_code: '384', quantity: '2', net_amount: '5' },
        // totals that differ, under each verdict
        ...['380', '381', '384', '326', '220', 'Invoice'].map((type) => ({
          type_code: type,
          totals_differ: '5 and 6',
        })),
      ]),
    ],
    looks: ['', `select set_config('lkp.credits_negative', 'false', true)`],
  },
];

const D1 = { number: 'N1', issue_date: '2020-01-01', class: 'invoice', seller: 'S' };
const OTHERS = [{ issue_date: '2020-01-02' }, { class: 'credit note' }, { seller: 'other' }];

/** Whether each of what a document is known by tells one from the other. */
const DOCUMENTS: readonly Look[] = [
  {
    file: 'staging/documents',
    settings: { source: 'marketplace' },
    ground: [
      NO_STAGED,
      rows('staged', staged, [
        ...Array.from({ length: 12 }, (_, index) => ({ ...D1, number: `N${index + 1}` })),
        // twice in the file
        { ...D1, number: 'N20' },
        ...OTHERS.map((other) => ({ ...D1, number: 'N20', ...other })),
        { ...D1, number: 'N21' },
        { ...D1, number: 'N21', issue_date: '2020-01-02', seller: 'other' },
        { ...D1, number: 'N22' },
        { ...D1, number: 'N22', issue_date: '2020-01-02', class: 'credit note' },
        { ...D1, number: 'N23' },
        { ...D1, number: 'N23', treatment: 2 },
        { ...D1, number: 'N24', treatment: 4 },
        { ...D1, number: 'N25', rule: 'ragged-row' },
      ]),
      rows('document', document, [
        { number: 'N1' },
        ...[...OTHERS, { source: 'certification-provider' }].flatMap((other, index) => [
          { number: `N${index + 2}`, ...other },
          // and of another date
          { number: `N${index + 6}`, issue_date: '2020-03-01', ...other },
        ]),
        // what corrects it, or does not
        { number: 'X10', reference_number: 'N10', treatment: 4 },
        { number: 'X11', reference_number: 'N11', treatment: 4, source: 'certification-provider' },
        { number: 'X12', reference_number: 'N12', treatment: 4, seller: 'other' },
        { number: 'X13', reference_number: 'N1', treatment: 4 },
        { number: 'X15', reference_number: 'N10', treatment: 4 },
        // known, and so are others of its number
        { number: 'N20', issue_date: '2020-01-02' },
        { number: 'X14', reference_number: 'N9', treatment: 0 },
      ]),
    ],
    looks: [''],
  },
  {
    file: 'staging/twice',
    settings: {},
    ground: [
      NO_ROWS,
      rows('staged', staged, [
        ...[D1, D1, ...OTHERS.map((other) => ({ ...D1, ...other }))].map((of) => ({
          ...of,
          line_number: '1',
        })),
        { ...D1, number: 'N2', line_number: '1' },
        { ...D1, number: 'N2', line_number: '1', rule: 'ragged-row' },
        { ...D1, number: 'N3', line_number: '1' },
        { ...D1, number: 'N3', line_number: '2' },
      ]),
      rows(
        'staged_document',
        (nth) => ({ id: nth, is_new: true, settles: false, mixed: false, treatment: 0 }),
        [
          D1,
          ...OTHERS.map((other) => ({ ...D1, ...other })),
          ...['N2', 'N3'].map((number) => ({ ...D1, number })),
        ],
      ),
    ],
    looks: [''],
  },
  {
    file: 'staging/store_documents',
    settings: { file_id: FILE, change_no: 10, source: 'marketplace', numbered: 'true' },
    ground: [
      NO_ROWS,
      rows('staged_document', (nth) => ({ id: nth, is_new: true, settles: false, ...COUNTS }), [
        { ...D1, type_code: '380', type_value: 'Invoice' },
        ...OTHERS.map((other) => ({ ...D1, ...other, type_value: 'Invoice' })),
        { ...D1, number: 'N2' },
        { ...D1, number: 'N3', is_new: false },
      ]),
      rows('apart', staged, [
        { ...D1, totals_differ: 'first' },
        { ...D1, totals_differ: 'second' },
        { ...D1, number: 'N2', totals_differ: 'ragged', rule: 'ragged-row' },
        { ...D1, number: 'N3', totals_differ: 'again' },
        { ...D1, seller: 'other', waits: 'document-type-unknown' },
      ]),
    ],
    looks: [''],
  },
  {
    file: 'staging/unsettled',
    settings: { file_id: FILE, numbered: 'true' },
    ground: [
      NO_ROWS,
      rows('staged', staged, [
        { ...D1, line_number: '1', type_value: 'Invoice' },
        { ...D1, line_number: '2', type_code: null, type_value: null },
        { ...D1, line_number: '3', rule: 'ragged-row' },
        ...OTHERS.map((other) => ({ ...D1, ...other, line_number: '4' })),
        { ...D1, number: 'N2', line_number: '5' },
      ]),
      rows('staged_document', (nth) => ({ id: nth, is_new: true, settles: true }), [
        D1,
        ...OTHERS.map((other) => ({ ...D1, ...other })),
        { ...D1, number: 'N2', settles: false },
      ]),
    ],
    looks: ['', `select set_config('lkp.numbered', 'false', true)`],
  },
];

export const STAGING_LOOKS: readonly Look[] = [...GATES, ...LINES, ...DOCUMENTS];
