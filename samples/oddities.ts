import { articleOf, minorPrice, money } from './catalogue.ts';
import { day, firstSunday, lastDay, monthAfter } from './months.ts';
import type { Stage } from './reference.ts';
import { cellsOf, type Disposition, type InvoiceLine } from './truth.ts';

/** A row that is written for a reason. */
export interface OddRow {
  readonly oddity: string;
  readonly cells: readonly string[];
  readonly expected: Disposition | 'blank';
}

/** Rows that stay together, in the file of month number `month` (0 = the first). */
export interface Oddity {
  readonly month: number;
  readonly rows: readonly OddRow[];
}

type Say = Partial<InvoiceLine> & { readonly expected?: Disposition };

/**
 * Every oddity of the monthly files. Each starts from one plain line (2 x AZ-103T00 at 40.00 USD, customer of the
 * first site, the 12th of the month, a number of its own) and says only what differs.
 */
export function oddities(stage: Stage, from: string): Oddity[] {
  const site = stage.sites[0]!;
  let serial = 0;

  const plain = (month: number): InvoiceLine => ({
    number: `CM-${monthAfter(from, month).replace('-', '')}-9${String(++serial).padStart(3, '0')}`,
    date: day(monthAfter(from, month), 12),
    code: '380',
    currency: 'USD',
    reference: '',
    seller: 'CWM-US',
    customer: site.customers[0]!,
    line: '1',
    quantity: '2',
    price: '40.00',
    net: '80.00',
    item: 'Azure Administrator',
    sku: 'AZ-103T00',
  });
  /** The rows share one document number unless they say otherwise; lines are numbered only where said. */
  const odd = (month: number, oddity: string, ...says: readonly Say[]): Oddity => {
    const base = plain(month);
    const rows = (says.length > 0 ? says : [{}]).map(({ expected = 'counted', ...differs }): OddRow => {
      return { oddity, expected, cells: cellsOf({ ...base, ...differs }) };
    });
    return { month, rows };
  };
  const raw = (
    month: number,
    oddity: string,
    expected: OddRow['expected'],
    cells: readonly string[],
  ): Oddity => ({
    month,
    rows: [{ oddity, expected, cells }],
  });
  const on = (month: number, date: number): string => day(monthAfter(from, month), date);
  const cm = site.customers[0]!;
  const original = plain(2);

  return [
    // The first and last days of the demo's window, and the days beside them.
    odd(0, 'day-before-window', { date: lastDay(monthAfter(from, 0)) }),
    odd(1, 'first-day-of-window', { date: on(1, 1) }),
    odd(12, 'last-day-of-window', { date: lastDay(monthAfter(from, 12)) }),
    odd(13, 'day-after-window', { date: on(13, 1) }),

    // Credits and signs.
    odd(1, 'credit-shares-number', {}, { code: '381', quantity: '1', net: '40.00', expected: 'reversal' }),
    odd(1, 'negative-invoice', { quantity: '-3', net: '-120.00' }),
    odd(1, 'credit-81', { code: '81', expected: 'reversal' }),
    odd(
      2,
      'credit-83',
      {},
      {
        line: '1',
        number: 'CM-83',
        code: '83',
        quantity: '5',
        price: '3.00',
        net: '15.00',
        expected: 'reversal',
      },
    ),

    // Customer numbers and SKUs as people type them.
    odd(1, 'customer-leading-space', { customer: ` ${cm}` }),
    odd(1, 'customer-nbsp-lower-case', { customer: `${cm.toLowerCase()}\u00a0` }),
    odd(1, 'customer-unmapped-leading-space', { customer: ' CM999999', expected: 'unmapped' }),
    odd(1, 'customer-absent', { customer: '', expected: 'unmapped' }),
    odd(1, 'sku-unknown', { sku: 'ZZ-101T00', item: 'A course that nobody knows', expected: 'unmapped' }),
    odd(1, 'sku-absent', { sku: '\u00a0', expected: 'unmapped' }),
    odd(1, 'sku-lower-case', { sku: ' az-103t00 ' }),
    odd(8, 'sku-retired', {
      sku: '20742B',
      item: 'Identity with Windows Server 2016',
      ...afterRetirement(from, 8),
    }),
    odd(1, 'sku-no-kpi-value', {
      sku: 'KIT-TRAINER',
      item: 'Trainer kit, printed',
      expected: 'no-kpi-value',
    }),

    // Document types.
    odd(2, 'type-388', { code: '388' }),
    odd(2, 'type-326', { code: '326', expected: 'quarantined' }),
    odd(2, 'type-386', { code: '386', expected: 'quarantined' }),
    odd(2, 'type-unknown', { code: 'SalesInvoice', expected: 'quarantined' }),
    odd(2, 'type-absent', { code: '', expected: 'quarantined' }),
    odd(2, 'type-trailing-white-space', { code: '380\n\t' }),
    { month: 2, rows: [{ oddity: 'corrected-original', expected: 'superseded', cells: cellsOf(original) }] },
    odd(2, 'type-384', {
      code: '384',
      date: on(2, 25),
      reference: original.number,
      quantity: '1',
      net: '40.00',
    }),

    // Unreadable rows.
    odd(3, 'date-no-such-day', { date: '2019-02-30', expected: 'rejected' }),
    odd(3, 'date-other-format', { date: '31/12/2019', expected: 'rejected' }),
    odd(3, 'date-absent', { date: '', expected: 'rejected' }),
    odd(3, 'net-decimal-comma', { net: '12,5', expected: 'rejected' }),
    odd(3, 'quantity-text', { quantity: 'abc', expected: 'rejected' }),
    odd(3, 'quantity-absent', { quantity: '', expected: 'rejected' }),
    odd(3, 'net-and-price-absent', { price: '', net: '', expected: 'rejected' }),
    odd(3, 'net-computed', { quantity: '3', price: '12.345', net: '' }),
    odd(3, 'currency-unknown', { currency: 'XXZ', expected: 'rejected' }),
    odd(3, 'currency-withdrawn', { currency: 'TRL', expected: 'rejected' }),
    odd(3, 'number-absent', { number: '', expected: 'rejected' }),
    raw(3, 'ragged-too-few', 'rejected', cellsOf(plain(3)).slice(0, 9)),
    raw(3, 'ragged-too-many', 'rejected', [
      ...cellsOf(plain(3)).slice(0, 10),
      '1',
      '080.00',
      ...cellsOf(plain(3)).slice(11),
    ]),
    raw(3, 'blank-row', 'blank', ['']),
    raw(
      3,
      'blank-cells',
      'blank',
      cellsOf(plain(3)).map(() => ''),
    ),

    // Said twice.
    odd(4, 'duplicate', {}, { expected: 'duplicate' }),
    odd(
      4,
      'duplicate-respelled',
      {},
      {
        customer: ` ${cm.toLowerCase()}`,
        quantity: '2.0',
        net: '80.0',
        item: 'another name',
        expected: 'duplicate',
      },
    ),
    odd(
      4,
      'conflict',
      { expected: 'quarantined' },
      { quantity: '3', net: '120.00', expected: 'quarantined' },
    ),
    odd(4, 'same-number-other-seller', {}, { seller: 'CWM-IE', quantity: '3', net: '120.00' }),
    odd(4, 'same-number-other-date', {}, { date: on(4, 13), quantity: '3', net: '120.00' }),

    // A customer number that moves, a location that is merged.
    odd(6, 'customer-before-move', { customer: stage.mover.customer, ...dayBefore(stage.mover.on) }),
    odd(6, 'customer-on-moving-day', { customer: stage.mover.customer, date: stage.mover.on }),
    odd(6, 'customer-after-move', { customer: stage.mover.customer, date: on(6, 28) }),
    odd(6, 'merged-location-before', { customer: stage.merged, date: on(6, 20) }),
    odd(8, 'merged-location-after', { customer: stage.merged, date: on(8, 3) }),

    // Text.
    odd(6, 'item-comma', { item: 'Azure Administrator, advanced, part 2' }),
    odd(6, 'item-quotes', { item: 'The "Azure" course' }),
    odd(6, 'item-newline', { item: 'Azure Administrator\nsecond line\r\nthird line' }),
    odd(6, 'item-formula', { item: '=1+1' }),
    odd(6, 'item-command', { item: "@SUM(1+1)*cmd|' /C calc'!A0" }),
    odd(6, 'item-turkish', { item: 'İstanbul sınıfı: ığüşöç', sku: 'AZ-900T00.tr-tr' }),
    odd(6, 'item-japanese', { item: 'Azure の基礎 「研修」', sku: 'AZ-900T00.ja-jp' }),
    odd(6, 'item-arabic', { item: 'أساسيات أزور (النسخة العربية)', sku: 'AZ-900T00.ar-sa' }),

    // Units and rates.
    odd(7, 'pack', { sku: 'EXV-FUND-10', item: 'Exam vouchers, pack of 10' }),
    odd(7, 'no-rate', { currency: 'EGP', price: '600.00', net: '1200.00' }),
    odd(7, 'sunday-rate', {
      currency: 'GBP',
      price: '50.00',
      net: '100.00',
      date: firstSunday(monthAfter(from, 7)),
    }),
    odd(7, 'three-decimals', { currency: 'KWD', price: '12.345', net: '24.690' }),
    odd(7, 'no-decimals', { currency: 'JPY', price: '4725', net: '9450' }),
    odd(10, 'manual-rate-wins', { currency: 'TRY', price: '250.00', net: '500.00', date: on(10, 14) }),

    // Digital courses that cost nothing, inside the window and after it.
    ...[12, 13].map((month) => odd(month, 'zero-price', freeOf(monthAfter(from, month)))),
  ];
}

/** A retired SKU is unknown from 2019-11-01; in other months it is still sold. */
const afterRetirement = (from: string, month: number): Say =>
  monthAfter(from, month) >= '2019-11' ? { expected: 'unmapped' } : {};

function dayBefore(date: string): Say {
  return { date: day(date.slice(0, 7), Number(date.slice(8)) - 1) };
}

/** Twenty digital courses at the day's price: nothing from 2020-04-01 to 2021-03-31. */
function freeOf(month: string): Say {
  const price = minorPrice(articleOf('AZ-900T00'), 'USD', day(month, 12));
  return {
    sku: 'AZ-900T00',
    item: 'Azure Fundamentals',
    quantity: '20',
    price: money(price, 'USD'),
    net: money(price * 20n, 'USD'),
  };
}
