import { DRAWN } from './drawn-facts.ts';
import {
  asFields,
  document,
  duplicate,
  FILE,
  line,
  NO_ROWS,
  quarantine,
  rejection,
  rows,
  setAside,
  staged,
} from './drawn-rows.ts';
import type { Look } from './looks.ts';

/*
 * What is stored of a file, and what is said of it. Rows are those of file 5 (`FILE`), whose change is 30, unless they say
 * otherwise.
 */

const CHANGE = 30;

/** Three files, in no order; and one of before. */
const SPLIT: readonly Look[] = [
  {
    file: 'staging/split',
    settings: { file_id: FILE, change_no: CHANGE },
    ground: [
      `create temporary table part on commit drop as
       select * from (values (10, 5, 7), (6, 4, 4), (${FILE}, 1, 3)) as part (file_id, first_no, last_no)`,
      rows('document', (nth) => ({ ...document(nth), file_id: FILE }), [
        ...[1, 2, 3, 4, 5].map(() => ({})),
        { class: 'credit note', amount_sign: -1 },
        { id: 12, number: 'N12', file_id: 1 },
      ]),
      rows('line', (nth) => ({ ...line(nth), file_id: FILE }), [
        ...[1, 2, 3, 4, 5, 6].map(() => ({})),
        { document_id: 12, row_no: 5, file_id: 1 },
        { document_id: 6, row_no: 7, line_no: '2' },
      ]),
      rows('document_doubt', () => ({ file_id: FILE, seen: 'two' }), [
        ...[1, 4, 6].map((id) => ({ document_id: id })),
        { document_id: 5, file_id: 1 },
      ]),
      ...(['quarantine', 'rejection'] as const).map((table) =>
        rows(table, table === 'rejection' ? rejection : quarantine, [
          ...(table === 'rejection' ? [1, 2, 3, 4, 5, 6, 7] : [1, 3, 4, 5, 7]).map((row) => ({
            row_no: row,
          })),
          { row_no: 6, file_id: 1 },
        ]),
      ),
      rows('file_total', () => ({ held: 'line', currency: 'EUR', rows: 1, amount: 5, change_no: 3 }), [
        { file_id: FILE },
        { file_id: 1 },
      ]),
    ],
    looks: [
      '',
      // the other way round
      `delete from part; insert into part values (${FILE}, 1, 3), (6, 4, 4), (10, 5, 7)`,
    ],
  },
];

const STORED: readonly Look[] = [
  {
    file: 'staging/store',
    settings: { file_id: FILE, change_no: CHANGE },
    ground: [
      NO_ROWS,
      asFields([{}, {}, {}, {}, {}, {}, {}]),
      rows('apart', (nth) => ({ ...staged(nth), number: `N${nth}` }), [
        { rule: 'ragged-row' },
        { rule: 'ragged-row', amount_sign: -1 },
        { rule: 'ragged-row', currency: 'euro' },
        { waits: 'totals-differ' },
        { rule: 'issue-date-unreadable', issue_date: null },
        { rule: 'cell-without-value', issue_date: null },
        { rule: 'ragged-row', issue_date: '2020-07-01' },
      ]),
      rows('document', document, [{}, { amount_sign: -1 }, {}]),
      rows('staged_document', (nth) => ({ id: nth }), [{}, {}]),
      rows('line', (nth) => ({ ...line(nth), file_id: FILE }), [
        { document_id: 1 },
        { document_id: 2 },
        { document_id: 2, line_no: '2', net_amount: 7 },
        { document_id: 2, line_no: '3', issue_date: '2020-01-02' },
        { document_id: 1, line_no: '2', currency: 'USD' },
        // all of a month waits
        { document_id: 1, row_no: 8, line_no: '8', issue_date: '2020-08-01' },
        // of another file
        { document_id: 3, file_id: 1, row_no: 6, customer_number: 'other', sku: 'other' },
        { document_id: 3, file_id: 1, row_no: 3, line_no: '2', currency: 'USD' },
      ]),
      rows('quarantine', quarantine, [
        {},
        { ended_no: 20 },
        { row_no: 3 },
        { row_no: 8 },
        { file_id: 1, row_no: 4 },
        { file_id: 1, row_no: 6 },
      ]),
      rows('rejection', (nth) => ({ ...rejection(nth), file_id: 1 }), [{ issue_date: '2020-05-01' }]),
      rows('duplicate', duplicate, [
        { document_id: 1, file_id: FILE, row_no: 11 },
        { document_id: 1, file_id: 1, row_no: 12 },
      ]),
      // of another change, whose months nobody asks for again
      rows('file_total', () => ({ held: 'line', currency: 'EUR', rows: 1, amount: 5, change_no: 3 }), [
        { file_id: 1, issue_month: '2021-01-01' },
      ]),
    ],
    looks: [''],
  },
  {
    file: 'staging/verdicts',
    settings: { file_id: FILE },
    ground: [
      NO_ROWS,
      // three rows each, of which something is said of the second
      `insert into staged (row_no, number, issue_date, type_code, class, unit_sign, amount_sign, treatment, seller, customer_number, sku, quantity, net_amount, currency)
       select document * 10 + nth, 'N' || document, '2020-01-01', '380', 'invoice', 1, 1, 0, 'S', 'C', 'K', 2, 5, 'EUR'
       from generate_series(1, 15) as document cross join generate_series(1, 3) as nth`,
      `update staged set rule = (array['ambiguous-date', 'ambiguous-amount', 'cell-without-value', 'ragged-row'])[row_no / 10], seen = 'this'
       where row_no in (12, 22, 32, 42)`,
      rows('quarantine', quarantine, [
        { row_no: 52 },
        { row_no: 62, ended_no: 20 },
        { row_no: 72, file_id: 1 },
      ]),
      rows('set_aside', setAside, [
        { row_no: 82 },
        ...[91, 92, 93].map((row) => ({ row_no: row, held: 'rejected', rule: 'other-version-picked' })),
        { row_no: 102, ended_no: 20 },
        { row_no: 112, file_id: 1 },
      ]),
      rows('duplicate', duplicate, [
        { file_id: FILE, row_no: 122 },
        { file_id: FILE, row_no: 132, ended_no: 20 },
        { file_id: 1, row_no: 142 },
      ]),
    ],
    looks: [
      '',
      // of a document that is not an invoice, in two currencies, without a number
      `update staged set treatment = 4 where row_no < 70; update staged set amount_sign = -1, type_code = null, type_value = 'Invoice' where row_no >= 70`,
      `update staged set rule = 'ragged-row' where row_no < 50`,
      `update staged set currency = 'USD' where row_no % 10 = 1; update staged set number = '', type_code = null where row_no > 100`,
    ],
  },
];

const total = (rest: object) => ({
  held: 'line',
  currency: 'EUR',
  rows: 1,
  amount: 5,
  change_no: 3,
  ...rest,
});
/** File 3 has lines in two months, and 4, which nobody asks for, between them; what was held of file 2 comes to nothing. */
const DISPOSED = [
  rows(
    'document',
    document,
    [1, 3, 4, 5, 6].map((id) => ({ id, number: `N${id}`, file_id: id })),
  ),
  rows('line', (nth) => ({ ...line(nth), line_no: `${nth}` }), [
    ...[3, 4, 5].map((id) => ({ document_id: id, file_id: id })),
    { document_id: 3, file_id: 3 },
    { document_id: 6, file_id: 6 },
  ]),
  rows('quarantine', quarantine, [{ file_id: 3, row_no: 4 }]),
  `delete from file_total where issue_month is not null`,
  rows('file_total', () => total({}), [
    { file_id: 3, issue_month: '2020-01-01' },
    { file_id: 3, issue_month: '2020-01-01', held: 'quarantined' },
    { file_id: 3, issue_month: '2019-06-01', held: 'duplicate' },
    { file_id: 3, issue_month: '2020-06-01', held: 'duplicate' },
    { file_id: 4, issue_month: '2019-01-01' },
    { file_id: 4, issue_month: '2021-01-01', held: 'duplicate' },
    { file_id: 6, issue_month: '2020-01-01', held: 'superseded', rows: -1 },
    { file_id: 6, issue_month: '2020-01-01', held: 'superseded' },
  ]),
];

/** Documents that are alike but for one part of their key, the last two at fault or settled otherwise; a row of each. */
const KEYS = [
  {},
  { number: 'N2' },
  { issue_date: '2020-01-02' },
  { class: 'credit note' },
  { seller: 'T' },
  { number: 'N6' },
  { number: 'N7' },
].map((each) => ({ number: 'N', issue_date: '2020-01-01', class: 'invoice', seller: 'S', ...each }));
const isLast = (nth: number): boolean => nth === KEYS.length;

const PLAIN: Look = {
  file: 'staging/store_plain',
  settings: { file_id: FILE, change_no: CHANGE },
  ground: [
    NO_ROWS,
    asFields(KEYS.map(() => ({}))),
    rows('document', document, KEYS),
    rows('staged_document', (nth) => ({ id: nth, settles: isLast(nth) }), KEYS),
    ...['staged', 'apart'].map((table) =>
      rows(
        table,
        (nth) => ({
          ...staged(nth),
          line_number: '1',
          rule: nth === KEYS.length - 1 ? 'ragged-row' : null,
          waits: table === 'apart' ? 'totals-differ' : null,
          seen: `row ${nth}`,
        }),
        KEYS,
      ),
    ),
    rows('staged', (nth) => ({ ...staged(nth), row_no: 10 - nth, line_number: `${nth + 1}` }), [
      KEYS[0]!,
      KEYS[0]!,
    ]),
  ],
  looks: ['true', 'false'].map((numbered) => `select set_config('lkp.numbered', '${numbered}', true)`),
};

const DISPOSITIONS: readonly Look[] = [
  {
    file: 'staging/file_dispositions',
    settings: DRAWN,
    ground: DISPOSED,
    looks: [2, 3, 6, 10].map((file) => `select set_config('lkp.file_id', '${file}', true)`),
  },
  {
    file: 'staging/files_dispositions',
    settings: DRAWN,
    ground: DISPOSED,
    looks: ['3', '3,5', '3,6', '2,3', '10'].map(
      (files) =>
        `select set_config('lkp.file_ids', '${files}', true), set_config('lkp.first_file', '${files.split(',')[0]}', true),
                set_config('lkp.last_file', '${files.split(',').at(-1)}', true)`,
    ),
  },
];

export const STORED_LOOKS: readonly Look[] = [...SPLIT, PLAIN, ...STORED, ...DISPOSITIONS];
