import { type Decimal, formatDecimal, parseDecimal } from '../money.ts';

/** Exact arithmetic on the amounts that an e-invoice states. */

/** Decimals of a currency where they are not two (ISO 4217). */
const MINOR_UNITS: ReadonlyArray<readonly [decimals: number, currencies: string]> = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];
export const minorUnit = (currency: string): number =>
  MINOR_UNITS.find(([, currencies]) => currencies.split(' ').includes(currency))?.[0] ?? 2;

/** As many characters as staging takes for a number. */
const MAX_CHARACTERS = 24;

/** A stated amount; undefined when it is no plain decimal. */
export const readAmount = (text: string): Decimal | undefined =>
  text.length <= MAX_CHARACTERS ? parseDecimal(text) : undefined;

/** Rounds half away from zero. */
export function rounded({ units, scale }: Decimal, decimals: number): string {
  if (scale <= decimals) return formatDecimal({ units, scale });
  const step = 10n ** BigInt(scale - decimals);
  const half = units < 0n ? -step / 2n : step / 2n;
  return formatDecimal({ units: (units + half) / step, scale: decimals });
}

/**
 * The price of one unit: BT-146 is the price of BT-149 units, of one where that is not stated. Empty where the division
 * does not come out even in 12 more decimals: a rounded price is no stated one.
 */
export function unitPrice(price: string, baseQuantity: string): string {
  if (baseQuantity === '') return price;
  const [dividend, divisor] = [readAmount(price), readAmount(baseQuantity)];
  if (!dividend || !divisor || divisor.units === 0n) return '';
  if (divisor.units === 10n ** BigInt(divisor.scale)) return price;
  const units = dividend.units * 10n ** BigInt(divisor.scale + 12);
  if (units % divisor.units !== 0n) return '';
  return formatDecimal({ units: units / divisor.units, scale: dividend.scale + 12 });
}
