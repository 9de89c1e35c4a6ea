/** An exact decimal: digits / 10^scale. The scale is kept as written, so that sums read like their parts. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { digits: 0n, scale: 0 };

/** Reads `-12.50`; throws on anything else. */
export function decimal(text: string): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!parts) throw new Error(`"${text}" is not a decimal.`);
  const fraction = parts[3] ?? '';
  return { digits: BigInt(`${parts[1]}${parts[2]}${fraction}`), scale: fraction.length };
}

const atScale = ({ digits, scale }: Decimal, wanted: number): bigint =>
  digits * 10n ** BigInt(wanted - scale);

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: atScale(a, scale) + atScale(b, scale), scale };
}

export const times = (a: Decimal, b: Decimal): Decimal => ({
  digits: a.digits * b.digits,
  scale: a.scale + b.scale,
});

export const signed = (a: Decimal, sign: -1 | 0 | 1): Decimal => ({ ...a, digits: a.digits * BigInt(sign) });

/** Negative, zero or positive, as a is less than, equal to or more than b. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** a / b to `scale` digits, half away from zero. Exact until that one rounding: no intermediate digits are lost. */
export function quotient(a: Decimal, b: Decimal, scale: number): Decimal {
  if (b.digits === 0n) throw new Error('Division by zero.');
  const numerator = a.digits * 10n ** BigInt(b.scale + scale);
  const denominator = b.digits * 10n ** BigInt(a.scale);
  const isNegative = numerator < 0n !== denominator < 0n;
  const [top, bottom] = [
    numerator < 0n ? -numerator : numerator,
    denominator < 0n ? -denominator : denominator,
  ];
  const rounded = (2n * top + bottom) / (2n * bottom);
  return { digits: isNegative ? -rounded : rounded, scale };
}

export function text({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const all = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  return scale === 0 ? sign + all : `${sign}${all.slice(0, -scale)}.${all.slice(-scale)}`;
}
