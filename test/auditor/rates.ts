import type { Reference } from '../../samples/truth.ts';
import { type Decimal, decimal, quotient, times } from './decimal.ts';

/** Units of a currency for one euro on a day, or undefined. */
export type PerEuro = (currency: string, day: string) => Decimal | undefined;

/**
 * Euro rates from the ECB's file (columns by header, `N/A`, trailing comma) and the manual table. Where a day has no
 * rate the last one before it counts, at most `lookBack` days back. On one day the manual rate wins.
 */
export function euroRates(reference: Reference, lookBack: number): PerEuro {
  const byDay = new Map<string, Decimal>();
  const [head, ...lines] = reference.ecb.split(/\r?\n/).filter((line) => line !== '');
  const currencies = (head ?? '').split(',');
  for (const line of lines) {
    const cells = line.split(',');
    currencies.forEach((currency, column) => {
      const cell = cells[column] ?? '';
      if (column > 0 && currency !== '' && /^\d/.test(cell))
        byDay.set(`${currency} ${cells[0]}`, decimal(cell));
    });
  }
  for (const { currency, rate_date, per_euro } of reference.manualRates)
    byDay.set(`${currency} ${rate_date}`, decimal(per_euro));

  return (currency, day) => {
    if (currency === 'EUR') return decimal('1');
    for (let back = 0; back <= lookBack; back += 1) {
      const earlier = new Date(Date.parse(`${day}T00:00:00Z`) - back * 86_400_000).toISOString().slice(0, 10);
      const rate = byDay.get(`${currency} ${earlier}`);
      if (rate) return rate;
    }
    return undefined;
  };
}

/** An amount in US dollars at the day's rates, rounded once to cents, half away from zero; undefined without a rate. */
export function inDollars(
  amount: Decimal,
  currency: string,
  day: string,
  perEuro: PerEuro,
): Decimal | undefined {
  if (currency === 'USD') return quotient(amount, decimal('1'), 2);
  const [from, to] = [perEuro(currency, day), perEuro('USD', day)];
  return from && to ? quotient(times(amount, to), from, 2) : undefined;
}
