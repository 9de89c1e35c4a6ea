import {
  asFields,
  document,
  duplicate,
  FILE,
  line,
  quarantine,
  rejection,
  rows,
  setAside,
  sold,
} from './drawn-rows.ts';
import type { Look } from './looks.ts';

/*
 * What is said of documents by several files, and rows that come back corrected. Rows are those of file 5 (`FILE`), whose change
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
        // one that refers to another, which leads to nobody asked for
        { id: 70, number: 'X70', ...X('nowhere') },
        { id: 71, number: 'X71', ...X('X70') },
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
      'update set_aside set file_id = 3',
      'delete from line where document_id = 3 and row_no = 3',
      'insert into unsettled values (10)',
      // one for each number, of nobody's
      `update document set reference_number = 'nobody' where id >= 10; update document set seller = 'T' where id > 20`,
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
        { row_no: 2, change_no: 4, ended_no: 5 },
        { file_id: 2, row_no: 6 },
        ...[7, 9, FILE].map((file) => ({ file_id: file, row_no: 1 })),
      ]),
      rows('document', document, [{}, { class: 'credit note', amount_sign: -1 }]),
      rows('line', line, [
        // of a row that is rejected as well, which has no document
        { document_id: 1, row_no: 1 },
        ...[3, 4, 5, 6].map((row) => ({ document_id: 1, row_no: row, line_no: `${row}` })),
        { document_id: 2, row_no: 7 },
        { document_id: 2, row_no: 7, line_no: '7', ended_no: 5 },
        { document_id: 2, file_id: 2, row_no: 7, line_no: '10' },
        { document_id: 2, row_no: 8, line_no: '8' },
        { document_id: 2, row_no: 8, line_no: '9', ended_no: 5 },
      ]),
      rows('quarantine', (nth) => ({ ...quarantine(nth), file_id: 1 }), [
        ...[4, 5, 6, 7].map((row) => ({ row_no: row })),
        { row_no: 8, ended_no: 5 },
        { row_no: 9 },
        { file_id: 2, row_no: 3 },
        { file_id: 2, row_no: 4 },
        { row_no: 4, change_no: 2, ended_no: 3 },
      ]),
    ],
    looks: [unsettled(), unsettled(1), unsettled(2, 3)],
  },
];

export const SAID_LOOKS: readonly Look[] = [...SAID, ...CORRECTED];
