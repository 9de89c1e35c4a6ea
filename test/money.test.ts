import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactSum, formatDecimal, parseDecimal, readable, shortest, sum } from '../src/money.ts';

/** A decimal as an integer and its scale, with the text a file or PostgreSQL would have for it. */
const decimals = fc
  .record({
    units: fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }),
    scale: fc.integer({ min: 0, max: 12 }),
  })
  .map(({ units, scale }) => ({ units, scale, text: written(units, scale) }));

/** The oracle: digits with a point in them, nothing taken off. */
function written(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const fraction = scale === 0 ? '' : `.${digits.slice(point)}`;
  return `${units < 0n ? '-' : ''}${digits.slice(0, point)}${fraction}`;
}

/** The value in units of 10^-12, the finest that the generator makes. */
const fine = ({ units, scale }: { units: bigint; scale: number }): bigint =>
  units * 10n ** BigInt(12 - scale);

test('a decimal survives being read and written', () => {
  fc.assert(
    fc.property(decimals, ({ units, scale, text }) => {
      const read = parseDecimal(text)!;
      expect(fine(read)).toBe(fine({ units, scale }));
      expect(fine(parseDecimal(formatDecimal(read))!)).toBe(fine({ units, scale }));
    }),
  );
});

test('the text of a decimal is the shortest: no zeros at the end, no point alone, no minus on zero', () => {
  fc.assert(
    fc.property(decimals, ({ text }) => {
      expect(shortest(text)).toMatch(/^(0|-?(?!0\d)\d+(\.\d*[1-9])?)$/);
      expect(shortest(text)).not.toBe('-0');
    }),
  );
  expect(['100.00', '-0.00', '.5', '-.5', '5.', '007'].map(shortest)).toEqual([
    '100',
    '0',
    '0.5',
    '-0.5',
    '5',
    '7',
  ]);
});

test('a sum is exact: no digit is lost to a float', () => {
  fc.assert(
    fc.property(fc.array(decimals, { maxLength: 30 }), (values) => {
      const wanted = values.reduce((total, value) => total + fine(value), 0n);
      expect(fine(parseDecimal(sum(values.map(({ text }) => text)))!)).toBe(wanted);
    }),
  );
  expect(sum(Array.from({ length: 10 }, () => '0.1'))).toBe('1');
  expect(sum(['9007199254740993', '0.01'])).toBe('9007199254740993.01');
  expect(sum([])).toBe('0');
});

test('a running sum of safe integers is exact across the border at which they would lose digits', () => {
  const small = fc.record({
    units: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    scale: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(small, { maxLength: 40 }), fc.array(decimals, { maxLength: 5 }), (smalls, bigs) => {
      const total = new ExactSum();
      for (const { units, scale } of smalls) total.addSmall(units, scale);
      for (const { units, scale } of bigs) total.add({ units, scale });
      const wanted = [...smalls.map(({ units, scale }) => ({ units: BigInt(units), scale })), ...bigs];
      const sumOf = wanted.reduce((sofar, value) => sofar + fine(value), 0n);
      expect(fine(parseDecimal(total.total())!)).toBe(sumOf);
      // Asking for the total does not spend it.
      expect(fine(parseDecimal(total.total())!)).toBe(sumOf);
    }),
  );
});

test.each([
  '',
  '-',
  '.',
  '-.',
  '1e5',
  '0x1F',
  'NaN',
  'Infinity',
  '1_000',
  '1,000',
  ' 1',
  '1 ',
  '+1',
  '--1',
  '1.2.3',
  '١',
])('"%s" is not a decimal', (text) => {
  expect(parseDecimal(text)).toBeUndefined();
  expect(() => shortest(text)).toThrow('is not a plain decimal');
  expect(() => sum(['1', text])).toThrow('is not a plain decimal');
});

test('for people: thousands separated, two decimals unless it has more', () => {
  expect(readable('-11062.06')).toBe('-11,062.06');
  expect(readable('1234567.5')).toBe('1,234,567.50');
  expect(readable('1000')).toBe('1,000.00');
  expect(readable('999.12345')).toBe('999.12345');
  expect(readable('12345', 0)).toBe('12,345');
  expect(readable('0')).toBe('0.00');
});
