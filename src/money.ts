/** Exact decimals: strings outside, BigInt inside, never a float. */

/** `-1234.50` as an integer and the number of its decimals: { units: -123450n, scale: 2 }. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const PLAIN = /^(-?)(\d*)(?:\.(\d*))?$/;

/** Reads a plain decimal; undefined when the text is none. */
export function parseDecimal(text: string): Decimal | undefined {
  const found = PLAIN.exec(text);
  if (!found) return undefined;
  const [, minus, whole = '', fraction = ''] = found;
  if (whole === '' && fraction === '') return undefined;
  const units = BigInt(`${whole}${fraction}`);
  return { units: minus ? -units : units, scale: fraction.length };
}

/** The shortest text of a decimal: no trailing zeros, no minus on zero. */
export function formatDecimal({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const text = fraction === '' ? whole : `${whole}.${fraction}`;
  return units < 0n && text !== '0' ? `-${text}` : text;
}

/** A decimal as PostgreSQL prints it, in its shortest text: `100.00` -> `100`. Throws on anything else. */
export function shortest(text: string): string {
  const decimal = parseDecimal(text);
  if (!decimal) throw new Error(`${text} is not a plain decimal`);
  return formatDecimal(decimal);
}

/** The exact sum of decimals. */
export function sum(texts: Iterable<string>): string {
  let total: Decimal = { units: 0n, scale: 0 };
  for (const text of texts) {
    const next = parseDecimal(text);
    if (!next) throw new Error(`${text} is not a plain decimal`);
    const scale = Math.max(total.scale, next.scale);
    total = { units: scaled(total, scale) + scaled(next, scale), scale };
  }
  return formatDecimal(total);
}

/** one - other. */
export const difference = (one: string, other: string): string => sum([one, negative(other)]);

/** The decimal with the other sign. */
export function negative(text: string): string {
  return product(text, -1);
}

/** A decimal times a whole number. */
export function product(text: string, by: number): string {
  const decimal = parseDecimal(text);
  if (!decimal) throw new Error(`${text} is not a plain decimal`);
  return formatDecimal({ units: decimal.units * BigInt(by), scale: decimal.scale });
}

const scaled = ({ units, scale }: Decimal, to: number): bigint => units * 10n ** BigInt(to - scale);

/** For people: thousands separated, at least `decimals` decimals. `-11062.06` -> `-11,062.06`. */
export function readable(text: string, decimals = 2): string {
  const [whole = '0', fraction = ''] = shortest(text).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === 0 && fraction === '' ? grouped : `${grouped}.${fraction.padEnd(decimals, '0')}`;
}

/** `1 line`, `2,000 lines`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${readable(String(count), 0)} ${count === 1 ? one : many}`;

/**
 * Sums very many decimals quickly: small ones as safe integers per scale, folded into BigInt before they could
 * lose a digit.
 */
export class ExactSum {
  #big: Decimal = { units: 0n, scale: 0 };
  readonly #small: number[] = [];

  /** Adds `units` / 10^`scale`; `units` is a safe integer. */
  addSmall(units: number, scale: number): void {
    const next = (this.#small[scale] ?? 0) + units;
    if (Number.isSafeInteger(next)) this.#small[scale] = next;
    else {
      this.add({ units: BigInt(this.#small[scale] ?? 0), scale });
      this.#small[scale] = units;
    }
  }

  add(decimal: Decimal): void {
    const scale = Math.max(this.#big.scale, decimal.scale);
    this.#big = { units: scaled(this.#big, scale) + scaled(decimal, scale), scale };
  }

  total(): string {
    this.#small.forEach((units, scale) => {
      this.add({ units: BigInt(units), scale });
    });
    this.#small.length = 0;
    return formatDecimal(this.#big);
  }
}
