import { type Decimal, difference, parseDecimal } from '../money.ts';

/** How near two figures of a claim are to each other: decimal strings in. */

function decimal(text: string): Decimal {
  const found = parseDecimal(text);
  if (!found) throw new Error(`${text} is not a plain decimal`);
  return found;
}

/** How many decimals a figure shows: `12.50` has two. */
export const decimalsOf = (text: string): number => decimal(text).scale;

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Whether two figures differ by at most half of one unit in the last of so many decimals. */
export function isWithinHalf(one: string, other: string, decimals: number): boolean {
  const { units, scale } = decimal(difference(one, other));
  return absolute(units) * 2n * 10n ** BigInt(decimals) <= 10n ** BigInt(scale);
}

/** Whether one figure lies between half and double the other, on the same side of zero. */
export function isOfTheSize(one: string, other: string): boolean {
  const [a, b] = [decimal(one), decimal(other)];
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [a.units * 10n ** BigInt(scale - a.scale), b.units * 10n ** BigInt(scale - b.scale)];
  return x > 0n === y > 0n && absolute(x) <= 2n * absolute(y) && absolute(y) <= 2n * absolute(x);
}

const NEAR_SCALE = 6;

/** How far two figures are apart, in millionths, for choosing the nearest: not for adding up. */
export function apart(one: string | null, other: string | null): bigint {
  if (one === null || other === null) return 0n;
  const { units, scale } = decimal(difference(one, other));
  return scale <= NEAR_SCALE
    ? absolute(units) * 10n ** BigInt(NEAR_SCALE - scale)
    : absolute(units) / 10n ** BigInt(scale - NEAR_SCALE);
}
