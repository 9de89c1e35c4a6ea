import { ExactSum, parseDecimal } from '../money.ts';
import { MOST_CHARACTERS, type NumberFormat, type NumberReading } from '../notation.ts';
import type { Reading } from './notation.ts';
import { type Profile, prefixesOf } from './profile.ts';

/**
 * The left side of conservation: rows and signed amounts as read from the bytes, before the database sees them. The
 * reading shares no code with the SQL on the right side, only what decimal mark and groups there are, and the document
 * gate's list of credits; where the two differ, the ingest stops.
 */

/** The cells it watches, in this order. */
export const WATCHED = [
  'invoice_number',
  'type_code',
  'currency',
  'quantity',
  'net_amount',
  'price',
] as const;

/** Rows and the sum of their effects in one currency; null: the amount or the currency could not be read. */
export interface AmountIn {
  readonly currency: string | null;
  readonly rows: number;
  readonly amount: string | null;
}

/** The same characters as tidy() in SQL: what one side takes off and the other leaves would never balance. */
const SPACE = ' \t\n\r\f\v\u00a0\u200b\u2007\u202f\u3000\ufeff';
const visible = (code: number): boolean => code > 0x20 && code < 0x7f;
/** Most cells begin and end with a visible character: there is nothing to take off. */
function tidy(text: string): string {
  if (text === '' || (visible(text.charCodeAt(0)) && visible(text.charCodeAt(text.length - 1)))) return text;
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.includes(text[start]!)) start += 1;
  while (end > start && SPACE.includes(text[end - 1]!)) end -= 1;
  return text.slice(start, end);
}

/** What one row adds. */
interface Counted {
  readonly currency: string | null;
  readonly factors: readonly string[];
  readonly flips: boolean;
}
const UNREADABLE: Counted = { currency: null, factors: [], flips: false };

/** The most rows at the end of a file that are looked at for totals. */
const MOST_TOTALS = 8;

export class AmountsIn {
  readonly #profile: Profile;
  readonly #credits: ReadonlySet<string>;
  readonly #quantity: (text: string) => string | undefined;
  readonly #netAmount: (text: string) => string | undefined;
  readonly #price: (text: string) => string | undefined;
  readonly #prefixes: Array<[string, string]>;
  readonly #constantCurrency: string;
  readonly #cuts: boolean;
  readonly #totals = new Map<string | null, { rows: number; sum: ExactSum }>();
  /** What the last rows added, as long as none of them has what looks like an invoice number. */
  #tail: Counted[] = [];

  /**
   * `credits`: the values of the document type whose amounts count negative, by the document gate. `lacksCurrency`: the
   * file has no currency column, so that the profile's constant holds.
   */
  constructor(profile: Profile, { numbers }: Reading, credits: ReadonlySet<string>, lacksCurrency: boolean) {
    this.#cuts = Object.keys(profile.strip_suffix).length > 0;
    this.#constantCurrency = lacksCurrency ? (profile.currency ?? '') : '';
    this.#profile = profile;
    this.#credits = credits;
    this.#quantity = numberReader(numbers.quantity);
    this.#netAmount = numberReader(numbers.net_amount);
    this.#price = numberReader(numbers.price);
    this.#prefixes = prefixesOf(profile);
  }

  /** One row below the header; null for a ragged one. */
  row(cells: readonly string[] | null): void {
    const counted = this.#read(cells);
    this.#count(counted, 1);
    // Nearly every invoice number ends in a digit, and a total row's never.
    const number = cells === null ? '0' : cells[0]!;
    const last = number.charCodeAt(number.length - 1);
    if (last >= 0x30 && last <= 0x39) {
      if (this.#tail.length > 0) this.#tail = [];
    } else if (this.#tail.length < MOST_TOTALS) this.#tail.push(counted);
    else this.#tail = [...this.#tail.slice(1), counted];
  }

  /** How many of the last rows may be the publisher's own totals. */
  get tail(): number {
    return this.#tail.length;
  }

  /** Takes the last `rows` rows back: they are totals, and no lines. */
  takeBack(rows: number): void {
    for (const counted of this.#tail.splice(this.#tail.length - rows)) this.#count(counted, -1);
  }

  #read(cells: readonly string[] | null): Counted {
    if (cells === null) return UNREADABLE;
    const [number = '', type = '', currencyText = '', quantityText = '', netText = '', priceText = ''] = this
      .#cuts
      ? WATCHED.map((field, index) => this.#cut(field, cells[index] ?? ''))
      : cells;
    const given = tidy(currencyText) || this.#constantCurrency;
    const currency = /^[A-Za-z]{3}$/.test(given) ? given.toUpperCase() : given;
    const stated = tidy(netText) !== '';
    const money = stated ? this.#netAmount(netText) : this.#price(priceText);
    if (money === undefined || !/^[A-Z]{3}$/.test(currency)) return UNREADABLE;
    const quantity = stated ? undefined : this.#quantity(quantityText);
    if (!stated && quantity === undefined) return UNREADABLE;
    const credit = this.#credits.has(this.#typeOf(number, type));
    const flips = credit && this.#profile.credit_quantities === 'positive';
    return { currency, factors: stated ? [money] : [quantity!, money], flips };
  }

  /** What all rows but the last `without` add up to; those must be of the tail. */
  totals(without = 0): AmountIn[] {
    const last = this.#tail.slice(this.#tail.length - without);
    for (const counted of last) this.#count(counted, -1);
    const totals = this.#sums();
    for (const counted of last) this.#count(counted, 1);
    return totals;
  }

  #sums(): AmountIn[] {
    const counted = [...this.#totals].filter(([, { rows }]) => rows > 0);
    return counted.map(([currency, { rows, sum }]) => ({
      currency,
      rows,
      amount: currency === null ? null : sum.total(),
    }));
  }

  /** The document type as the gate knows it: by the number's prefix, else the column, else the profile's constant. */
  #typeOf(number: string, type: string): string {
    const prefix = this.#prefixes.find(([start]) => tidy(number).startsWith(start));
    return prefix?.[1] ?? (tidy(type) || (this.#profile.document_type.otherwise ?? ''));
  }

  #cut(field: (typeof WATCHED)[number], text: string): string {
    const suffix = this.#profile.strip_suffix[field];
    if (suffix === undefined) return text;
    const tidied = tidy(text);
    return tidied.endsWith(suffix) ? tidied.slice(0, -suffix.length) : text;
  }

  /** Adds the product of the factors, or takes it back. */
  #count({ currency, factors, flips }: Counted, times: 1 | -1): void {
    let total = this.#totals.get(currency);
    if (!total) {
      total = { rows: 0, sum: new ExactSum() };
      this.#totals.set(currency, total);
    }
    total.rows += times;
    if (currency === null) return;
    const sign = flips ? -times : times;
    let small = sign;
    let scale = 0;
    for (const factor of factors) {
      const point = factor.indexOf('.');
      scale += point === -1 ? 0 : factor.length - point - 1;
      small *= digits(factor);
    }
    if (Number.isSafeInteger(small)) {
      total.sum.addSmall(small, scale);
      return;
    }
    const decimals = factors.map((factor) => parseDecimal(factor)!);
    const units = decimals.reduce((product, decimal) => product * decimal.units, BigInt(sign));
    total.sum.add({ units, scale: decimals.reduce((places, decimal) => places + decimal.scale, 0) });
  }
}

/** A plain decimal without its point, as a number; past 2^53 it is not exact, and not a safe integer. */
function digits(text: string): number {
  const minus = text.charCodeAt(0) === 0x2d;
  let number = 0;
  for (let index = minus ? 1 : 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code !== 0x2e) number = number * 10 + (code - 0x30);
  }
  return minus ? -number : number;
}

const PLAIN = /^-?(?:\d+\.?\d*|\.\d+)$/;

/** Reads a number into a plain decimal; undefined when it is none, or is one of two. */
function numberReader(reading: NumberReading): (text: string) => string | undefined {
  const plain = (text: string): string | undefined =>
    text.length <= 24 && PLAIN.test(text) ? text : undefined;
  if (reading === 'plain') return (text) => plain(tidy(text));
  const read = (text: string, format: NumberFormat): string | undefined => {
    const found = ungrouped(text, format);
    return found === undefined ? undefined : plain(found);
  };
  if (reading !== 'undecided') return (text) => read(undecorated(tidy(text)), reading);
  return (text) => {
    const given = undecorated(tidy(text));
    const point = ungrouped(given, { decimal: '.', group: 'any' });
    const comma = ungrouped(given, { decimal: ',', group: 'any' });
    if (point !== undefined && comma !== undefined && /[.,]/.test(given)) return undefined;
    const found = point ?? comma;
    return found === undefined ? undefined : plain(found);
  };
}

const DRESSED =
  /^(?<open>\()?(?<minus>-)?(?<before>[£$€¥₺])?(?<inner>-)?(?<body>[0-9.,](?:[0-9., ']*[0-9.,])?)(?<behind>[£$€¥₺])?(?<trailing>-)?(?<close>\))?$/u;

/** An amount without its currency sign, and with its minus, if it has one in any form, in front; empty: it is none. */
function undecorated(text: string): string {
  if (text.length > MOST_CHARACTERS) return '';
  if (/^-?[0-9.,]*$/.test(text)) return text;
  const common = text
    .replace(/[\u00a0\u2009\u202f]/g, ' ')
    .replaceAll('\u2019', "'")
    .replaceAll('\u2212', '-')
    .replace(/ *([()£$€¥₺-]) */g, '$1')
    .replace(/^ +| +$/g, '');
  const found = DRESSED.exec(common)?.groups;
  if (!found) return '';
  const { open, minus, before, inner, body, behind, trailing, close } = found;
  const signs = [open, minus, inner, trailing].filter((sign) => sign !== undefined).length;
  const twice = before !== undefined && behind !== undefined && (minus ?? inner) !== undefined;
  if (signs > 1 || (open === undefined) !== (close === undefined) || twice) return '';
  return signs === 1 ? `-${body}` : body!;
}

/** The digits and the point of a number of a format; undefined when it is none. */
function ungrouped(text: string, { decimal, group }: NumberFormat): string | undefined {
  const minus = text.startsWith('-') ? '-' : '';
  const [whole = '', fraction, ...more] = text.slice(minus.length).split(decimal);
  if (more.length > 0 || !/^\d*$/.test(fraction ?? '')) return undefined;
  const separator = group === 'any' ? (/[^\d]/.exec(whole)?.[0] ?? '') : group;
  if (separator !== '' && group === 'any' && !`., '`.includes(separator)) return undefined;
  const groups = separator === '' ? [whole] : whole.split(separator);
  if (!groups.every((part) => /^\d*$/.test(part))) return undefined;
  if (groups.length === 1 ? whole.length > 18 : !wellGrouped(groups, group === 'any')) return undefined;
  return `${minus}${groups.join('')}${fraction === undefined ? '' : `.${fraction}`}`;
}

const wellGrouped = ([first = '', ...others]: readonly string[], noZero: boolean): boolean =>
  first.length >= 1 &&
  first.length <= 3 &&
  !(noZero && first.startsWith('0')) &&
  others.every((part) => part.length === 3);
