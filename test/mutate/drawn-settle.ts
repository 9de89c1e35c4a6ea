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
  sold,
  staged,
} from './drawn-rows.ts';
import type { Look } from './looks.ts';

/*
 * What is said of documents by several files, and what of a file is stored. Rows are those of file 5 (`FILE`), whose change
 * is 30, unless they say otherwise.
 */

const CHANGE = 30;

const unsettled = (...documents: number[]): string =>
  `create temporary table unsettled on commit drop as select unnest('{${documents}}'::bigint[]) as document_id`;

/** Corrected invoices, and what only looks like one. */
const X = (reference: string, more: object = {}) => ({ reference_number: reference, treatment: 4, ...more });

const SAID: readonly Look[] = [
  {
    file: 'staging/said',
    settings: { change_no: CHANGE },
    ground: [
      unsettled(1, 2, 3, 4),
      // 1 to 4 are said something of, 5 to 9 not
      rows('document', document, [
        ...Array.from({ length: 9 }, (_, index) => ({ seller: index === 3 ? 'T' : 'S' })),
        { id: 10, number: 'X10', ...X('N1') },
        { id: 11, number: 'X11', ...X('X10') },
        // of another source or seller, with one that refers to it there; and a credit, with one that refers to it
        ...[{ source: 'certification-provider' }, { seller: 'other' }].flatMap((other, index) => [
          { id: 20 + index * 2, number: `Y${index}`, ...X('N1', other) },
          { id: 21 + index * 2, number: `Z${index}`, ...X(`Y${index}`, other) },
        ]),
        { id: 30, number: 'G1', class: 'credit note', reference_number: 'N1' },
        { id: 31, number: 'X31', ...X('G1') },
        // each waits for a number that some row refers to
        ...['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7'].flatMap((reference, index) => [
          { id: 40 + index * 2, number: `V${index}`, ...X(reference) },
          { id: 41 + index * 2, number: `W${index}`, ...X(reference, { seller: 'T' }) },
        ]),
        // what an unsettled one refers to
        { id: 60, number: 'X60', ...X('P') },
      ]),
      `update document set reference_number = 'P' where id = 4; update document set seller = 'T' where id = 60`,
      `create temporary table said_new (
         document_id bigint, file_id int, row_no int, line_no text, issue_date date, customer_number text, sku text, quantity numeric,
         net_amount numeric, currency text, numbered boolean, type_code text, unit_sign smallint, treatment smallint, reference_number text
       ) on commit drop`,
      rows(
        'said_new',
        (nth) => ({ ...sold(nth), file_id: FILE, numbered: true, type_code: '384', unit_sign: 1 }),
        [
          { document_id: 2, treatment: 4, reference_number: 'R1' },
          { document_id: 2, treatment: 0, reference_number: 'R2' },
        ],
      ),
      rows('line', line, [
        { file_id: 2 },
        { file_id: 2 },
        { file_id: 2 },
        { file_id: 2 },
        { file_id: 2 },
        { document_id: 1, file_id: 2, line_no: '6' },
        { document_id: 1, file_id: 2, line_no: '7' },
        { document_id: 1, file_id: 2, line_no: '8' },
        // of a file that was withdrawn
        { document_id: 1, file_id: 7, line_no: '9' },
        { document_id: 3, file_id: 3, line_no: '1', version: 1 },
      ]),
      rows('other_header', () => ({ file_id: 2, type_code: '384', unit_sign: 1 }), [
        { row_no: 3, treatment: 4, reference_number: 'R3' },
        { row_no: 4, treatment: 0, reference_number: 'R4' },
        // of a row that nobody asks for, and of another file's row
        { row_no: 5, treatment: 4, reference_number: 'R5' },
        { row_no: 1, treatment: 4, reference_number: 'R6', file_id: 3 },
        { row_no: 2, treatment: 4, reference_number: 'R7', file_id: 3 },
      ]),
      rows('duplicate', duplicate, [
        { document_id: 3, file_id: 3, row_no: 21 },
        { document_id: 8, file_id: 3, row_no: 22 },
        { document_id: 3, file_id: 3, row_no: 10 },
      ]),
      rows('set_aside', setAside, [
        { file_id: 2, row_no: 6 },
        { file_id: 2, row_no: 7, ended_no: 5 },
        { file_id: 2, row_no: 8, rule: 'other-version-picked' },
      ]),
      // the first row that stands is headed otherwise than its document
      `update document set type_code = '388' where id = 3`,
    ],
    looks: [
      '',
      'update set_aside set ended_no = 20',
      'delete from line where document_id = 3 and row_no = 3',
    ],
  },
];

const CORRECTED: readonly Look[] = [
  {
    file: 'staging/corrected_rows',
    settings: { file_id: FILE, change_no: CHANGE },
    ground: [
      asFields([
        ...[
          [1, '1'],
          [1, '2'],
          [1, '02'],
          [1, '3'],
          [1, '4'],
          [1, '5'],
          [1, '7'],
          [1, '8'],
          [7, '1'],
          [9, '1'],
          [FILE, '1'],
        ].map(([file, row]) => ({ corrects_file: `file ${file}`, corrects_row: `${row}` })),
        { corrects_file: 'file 1', corrects_row: 'x' },
        { corrects_file: '', corrects_row: '1' },
        { corrects_file: 'file 1', corrects_row: '' },
        {},
      ]),
      `update load_field set corrects_file = file.sha256 from file where load_field.corrects_file = 'file ' || file.id;
       insert into load_field (row_no, corrects_file, corrects_row)
       select 100 + length, left(sha256, length), '6' from file cross join unnest(array[11, 12]) as length where id = 2`,
      rows('rejection', (nth) => ({ ...rejection(nth), file_id: 1 }), [
        ...[1, 2].map((row) => ({ row_no: row })),
        { row_no: 3, ended_no: 5 },
        { row_no: 9 },
        { file_id: 2, row_no: 6 },
        ...[7, 9, FILE].map((file) => ({ file_id: file, row_no: 1 })),
      ]),
      rows('document', document, [{}, { class: 'credit note', amount_sign: -1 }]),
      rows('line', line, [
        // of a row that is rejected as well, which has no document
        { document_id: 1, row_no: 1 },
        ...[3, 4, 5, 6].map((row) => ({ document_id: 1, row_no: row, line_no: `${row}` })),
        { document_id: 2, row_no: 7 },
        { document_id: 2, row_no: 8, line_no: '8' },
        { document_id: 2, row_no: 8, line_no: '9', ended_no: 5 },
      ]),
      rows('quarantine', (nth) => ({ ...quarantine(nth), file_id: 1 }), [
        ...[4, 5, 6, 7].map((row) => ({ row_no: row })),
        { row_no: 8, ended_no: 5 },
      ]),
    ],
    looks: [unsettled(), unsettled(1), unsettled(2, 3)],
  },
];

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
    looks: [''],
  },
];

const STORED: readonly Look[] = [
  {
    file: 'staging/store',
    settings: { file_id: FILE, change_no: CHANGE },
    ground: [
      NO_ROWS,
      asFields([{}, {}, {}, {}]),
      rows('apart', (nth) => ({ ...staged(nth), number: `N${nth}` }), [
        { rule: 'ragged-row' },
        { rule: 'ragged-row', amount_sign: -1 },
        { rule: 'ragged-row', currency: 'euro' },
        { waits: 'totals-differ' },
      ]),
      rows('document', document, [{}, { amount_sign: -1 }, {}]),
      rows('staged_document', (nth) => ({ id: nth }), [{}, {}]),
      rows('line', (nth) => ({ ...line(nth), file_id: FILE }), [
        { document_id: 1 },
        { document_id: 2 },
        { document_id: 2, line_no: '2' },
        { document_id: 2, line_no: '3', issue_date: '2020-01-02' },
        { document_id: 1, line_no: '2', currency: 'USD' },
        // of another file
        { document_id: 3, file_id: 1, customer_number: 'other', sku: 'other' },
      ]),
      rows('quarantine', quarantine, [{}, { ended_no: 20 }, { file_id: 1, row_no: 3 }]),
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
      `update staged set treatment = 4 where row_no < 70; update staged set amount_sign = -1 where row_no >= 70`,
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

export const SETTLE_LOOKS: readonly Look[] = [...SAID, ...CORRECTED, ...SPLIT, ...STORED, ...DISPOSITIONS];
