import { type Decimal, ExactSum, parseDecimal } from '../money.ts';
import { minorUnit, readAmount, rounded } from './amounts.ts';
import type { HeadTerm } from './syntax.ts';

/** Specifications (BT-24) that promise the rules of EN 16931: the norm with its national forms, and Peppol's PINT. */
const EN_16931 = /^urn:(cen\.eu:en16931:|peppol:pint:)/;

/** The totals of a document as it states them, and what its lines add up to. */
interface Totals {
  readonly stated: Readonly<Partial<Record<HeadTerm, string>>>;
  readonly currency: string;
  /** The VAT in the document's currency (BT-110): empty where none is stated, undefined where it is in others alone. */
  readonly vat: string | undefined;
  readonly lines: number;
  /** The sum of the net amounts (BT-131) that are plain decimals. */
  readonly sum: string;
}

/**
 * The first two figures that should be equal and are not, rounded to the currency's minor unit: BR-CO-10 of every
 * document that states a sum of lines, BR-CO-13 and BR-CO-15 of those that promise the rules of EN 16931. Empty where all agree.
 */
export function totalsDiffer({ stated, currency, vat, lines, sum }: Totals): string {
  const decimals = minorUnit(currency);
  const shown = (text: string): string => {
    const amount = readTotal(text);
    return amount ? rounded(amount, decimals) : text;
  };
  const differ = (text: string | undefined, computed: string): boolean =>
    (text ?? '') !== '' && shown(text!) !== rounded(parseDecimal(computed)!, decimals);
  const told = (text: string, term: string, computed: string, of: string): string =>
    `it states ${text} ${currency} as ${term}, but ${of} ${computed} ${currency}`;

  const { lines_total, allowances_total = '', charges_total = '' } = stated;
  if (differ(lines_total, sum))
    return told(lines_total!, 'the sum of its lines (BT-106)', sum, `its ${lines} lines add up to`);
  if (!EN_16931.test(stated.specification ?? '') || !lines_total) return '';

  const { total_without_vat, total_with_vat } = stated;
  const without = added(lines_total, charges_total, negative(allowances_total));
  if (without !== undefined && differ(total_without_vat, without))
    return told(
      total_without_vat!,
      'its total without VAT (BT-109)',
      without,
      'lines, allowances and charges come to',
    );
  const withVat = total_without_vat && vat !== undefined ? added(total_without_vat, vat) : undefined;
  if (withVat !== undefined && differ(total_with_vat, withVat))
    return told(
      total_with_vat!,
      'its total with VAT (BT-112)',
      withVat,
      'its total without VAT and the VAT come to',
    );
  return '';
}

/** A stated total; the norm's decimals may have a plus in front. */
const readTotal = (text: string): Decimal | undefined => readAmount(text.replace(/^\+(?!-)/, ''));

/** The sum of those that are stated; undefined when one cannot be read. */
function added(...texts: readonly string[]): string | undefined {
  const sum = new ExactSum();
  for (const text of texts) {
    if (text === '') continue;
    const amount = readTotal(text);
    if (!amount) return undefined;
    sum.add(amount);
  }
  return sum.total();
}

const negative = (text: string): string =>
  text === '' ? '' : text.startsWith('-') ? text.slice(1) : `-${text.replace(/^\+/, '')}`;
