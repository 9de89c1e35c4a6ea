import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * Files of invoices that are no story of test/cases/ingest: rows that come back corrected, and e-invoices that share a
 * transaction.
 */

const CASES = fileURLToPath(new URL('../cases/', import.meta.url));
const HEADER =
  "Invoice number,Invoice issue date,Invoice type code,Invoice currency code,Preceding Invoice reference,Buyer identifier,Invoice line identifier,Invoiced quantity,Invoice line net amount,Item Seller's identifier";

interface Line {
  readonly date?: string;
  readonly type?: string;
  readonly refers?: string;
  readonly quantity?: string;
  readonly net?: string;
}

const line = (
  number: string,
  no: number,
  { date = '2019-05-02', type = '380', refers = '', quantity = '2', net = '20.00' }: Line = {},
): string => `${number},${date},${type},EUR,${refers},C100,${no},${quantity},${net},MOC-1`;

const file = (header: string, rows: readonly string[]): string => `${[header, ...rows].join('\n')}\n`;

/** Rows of which some wait or are rejected. */
export const BROKEN: ReadonlyArray<readonly [name: string, content: string]> = [
  [
    'broken.csv',
    file(HEADER, [
      line('R-1', 1),
      line('R-1', 2, { date: '2019-05-32' }),
      line('R-2', 1, { quantity: 'one' }),
      line('R-3', 1, { type: 'SalesInvoice' }),
      line('R-4', 1, { type: '381', net: '7.00' }),
      line('R-5', 1, { type: '384', refers: 'Z-1', date: '2019-06-03' }),
      line('R-6', 1, { type: 'SalesCredit', net: '5.00' }),
      'R-7,too,short',
      line('R-8', 1, { date: '2019-05-33', net: 'x' }),
      line('R-9', 1, { type: '326' }),
    ]),
  ],
  [
    'other.csv',
    file(HEADER, [line('S-1', 1), line('S-2', 1, { date: '2019-07-40' }), line('S-3', 1, { type: '326' })]),
  ],
  ['versions.csv', file(HEADER, [line('R-1', 1, { quantity: '3' }), line('R-10', 1)])],
];

/** A file whose rows name the rows that they correct, in files of these sums. */
export function correcting(
  broken: string,
  other: string,
): ReadonlyArray<readonly [name: string, content: string]> {
  const extended = `${HEADER},lkp file,lkp row`;
  return [
    [
      'corrected.csv',
      file(extended, [
        `${line('R-1', 2, { date: '2019-05-03' })},${broken.slice(0, 12)},3`,
        `${line('R-2', 1)}, ${broken.slice(0, 20).toUpperCase()} ,4`,
        `${line('R-3', 1)},${broken},5`,
        // The same row once more, one that waits for nothing, one that there is not, and no number.
        `${line('R-11', 1)},${broken},5`,
        `${line('R-12', 1)},${broken},2`,
        `${line('R-13', 1)},${broken},99`,
        `${line('R-14', 1)},${broken},x`,
        `${line('R-15', 1)},${broken},`,
        `${line('R-16', 1)},,9`,
        `${line('R-17', 1)},${broken.slice(0, 11)},9`,
        `${line('R-18', 1)},${'0'.repeat(12)},9`,
        `${line('R-5', 1, { type: '384', refers: 'R-10', date: '2019-06-03' })},${broken},7`,
        `${line('R-6', 1, { type: '381', net: '5.00' })},${broken},8`,
        line('R-19', 1),
      ]),
    ],
    [
      'corrected-again.csv',
      file(extended, [
        `${line('R-2', 1, { quantity: '4' })},${broken},4`,
        `${line('S-2', 1, { date: '2019-07-04' })},${other},3`,
        `${line('R-8', 1)},${broken},10`,
      ]),
    ],
  ];
}

const UBL = readFileSync(`${CASES}einvoice/one-invoice/invoice.ubl.xml`, 'utf8');
const CII = readFileSync(`${CASES}einvoice/one-invoice/invoice.cii.xml`, 'utf8');
const numbered = (number: string, xml = UBL): string => xml.replace('E-1001', number);
const typed = (code: string, text: string): string =>
  text.replace('InvoiceTypeCode>380', `InvoiceTypeCode>${code}`);

/** E-invoices in a folder: plain ones go together, the others alone. */
export const TOGETHER: ReadonlyArray<readonly [name: string, content: string]> = [
  ['01.xml', numbered('E-1')],
  ['02.xml', numbered('E-2', CII)],
  ['03.xml', typed('381', numbered('E-3'))],
  ['04.xml', typed('386', numbered('E-4'))],
  ['05.xml', typed('325', numbered('E-5'))],
  ['06.xml', numbered('E-1', CII)],
  ['07.xml', numbered('E-1')],
  ['08.xml', typed('384', numbered('E-6'))],
  ['09.xml', numbered('E-9').replace('135.50', '135.51')],
  ['10.xml', numbered('E-10').replaceAll('EUR', 'EUX')],
  ['11.xml', numbered('E-2').replace('2019-05-02', '2019-06-02')],
  ['12.xml', numbered('E-11')],
  ['13.xml', numbered('E-12').replace('<cbc:ID>2</cbc:ID>', '<cbc:ID>1</cbc:ID>')],
  ['14.xml', numbered('E-13')],
];
