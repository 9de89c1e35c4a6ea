import { ExactSum, parseDecimal } from '../money.ts';
import { type Profile, prefixesOf } from './profile.ts';

/**
 * The left side of conservation: rows and signed amounts as read from the bytes, before the database sees them. The
 * reading shares no code with the SQL on the right side, only the profile and the document gate's list of credits;
 * where the two differ, the ingest stops.
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
const SPACE =
  /^[ \t\n\r\f\v\u00a0\u200b\u2007\u202f\u3000\ufeff]+|[ \t\n\r\f\v\u00a0\u200b\u2007\u202f\u3000\ufeff]+$/g;
const visible = (code: number): boolean => code > 0x20 && code < 0x7f;
/** Most cells begin and end with a visible character: nothing to take off, and no regular expression to run. */
const tidy = (text: string): string =>
  text === '' || (visible(text.charCodeAt(0)) && visible(text.charCodeAt(text.length - 1)))
    ? text
    : text.replace(SPACE, '');

export class AmountsIn {
  readonly #profile: Profile;
  readonly #credits: ReadonlySet<string>;
  readonly #reading: (text: string) => string | undefined;
  readonly #prefixes: Array<[string, string]>;
  readonly #constantCurrency: string;
  readonly #cuts: boolean;
  readonly #totals = new Map<string | null, { rows: number; sum: ExactSum }>();

  /**
   * `credits`: the values of the document type whose amounts count negative, by the document gate. `lacksCurrency`: the
   * file has no currency column, so that the profile's constant holds.
   */
  constructor(profile: Profile, credits: ReadonlySet<string>, lacksCurrency: boolean) {
    this.#cuts = Object.keys(profile.strip_suffix).length > 0;
    this.#constantCurrency = lacksCurrency ? (profile.currency ?? '') : '';
    this.#profile = profile;
    this.#credits = credits;
    this.#reading = numberReader(profile.number_format);
    this.#prefixes = prefixesOf(profile);
  }

  /** One row below the header; null for a ragged one. */
  row(cells: readonly string[] | null): void {
    if (cells === null) {
      this.#count(null);
      return;
    }
    const [number = '', type = '', currencyText = '', quantityText = '', netText = '', priceText = ''] = this
      .#cuts
      ? WATCHED.map((field, index) => this.#cut(field, cells[index] ?? ''))
      : cells;
    const given = tidy(currencyText) || this.#constantCurrency;
    const currency = /^[A-Za-z]{3}$/.test(given) ? given.toUpperCase() : given;
    const quantity = this.#reading(quantityText);
    const stated = tidy(netText) !== '';
    const money = this.#reading(stated ? netText : priceText);
    if (!/^[A-Z]{3}$/.test(currency) || money === undefined || (!stated && quantity === undefined)) {
      this.#count(null);
      return;
    }
    const credit = this.#credits.has(this.#typeOf(number, type));
    const flips = credit && this.#profile.credit_quantities === 'positive';
    this.#count(currency, stated ? [money] : [quantity!, money], flips);
  }

  totals(): AmountIn[] {
    return [...this.#totals].map(([currency, { rows, sum }]) => ({
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

  /** Adds the product of `factors`, with its sign turned when `flips`. */
  #count(currency: string | null, factors: string[] = [], flips = false): void {
    let total = this.#totals.get(currency);
    if (!total) {
      total = { rows: 0, sum: new ExactSum() };
      this.#totals.set(currency, total);
    }
    total.rows += 1;
    if (currency === null) return;
    let small = flips ? -1 : 1;
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
    const units = decimals.reduce((product, decimal) => product * decimal.units, flips ? -1n : 1n);
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

/** Reads a number of the profile's format into a plain decimal; undefined when it is none. */
function numberReader({ decimal, group }: Profile['number_format']): (text: string) => string | undefined {
  const plain = (text: string): string | undefined =>
    text.length <= 24 && PLAIN.test(text) ? text : undefined;
  if (decimal === '.' && group === '') return (text) => plain(tidy(text));
  return (text) => {
    const given = tidy(text);
    const minus = given.startsWith('-') ? '-' : '';
    const [whole = '', fraction, ...more] = given.slice(minus.length).split(decimal);
    if (more.length > 0) return undefined;
    const groups = group === '' ? [whole] : whole.split(group);
    const wellGrouped =
      groups.length === 1 ||
      (groups[0]!.length >= 1 &&
        groups[0]!.length <= 3 &&
        groups.slice(1).every((part) => part.length === 3));
    if (
      !groups.every((part) => /^\d*$/.test(part)) ||
      !wellGrouped ||
      (groups.length === 1 && whole.length > 18)
    )
      return undefined;
    return plain(`${minus}${groups.join('')}${fraction === undefined ? '' : `.${fraction}`}`);
  };
}
