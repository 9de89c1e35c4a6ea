import { ARTICLES, type Article, minorPrice, money } from './catalogue.ts';
import type { Draw } from './random.ts';
import type { Site } from './reference.ts';
import type { Disposition, InvoiceLine } from './truth.ts';

/** A line and what becomes of it. */
export interface Written {
  readonly line: InvoiceLine;
  readonly expected: Disposition;
}

/** Everyday articles, courseware more often than vouchers, what earns no KPI seldom. */
const SHELF: readonly Article[] = ARTICLES.flatMap((sold) => {
  const { omlp_type, kpi_class, sku } = sold.product;
  const often = kpi_class === '' || sku.includes('.') ? 1 : omlp_type === 'Exam voucher' ? 3 : 4;
  return Array.from({ length: often }, () => sold);
});
const SHELF_WITHOUT_EXAMS = SHELF.filter(({ product }) => product.omlp_type !== 'Exam voucher');

/** One invoice of a site with `count` lines; they are counted unless the product earns no KPI. */
export function invoiceOf(
  site: Site,
  draw: Draw,
  head: { readonly number: string; readonly date: string; readonly count: number },
): Written[] {
  const shelf = site.plan.examVouchers ? SHELF : SHELF_WITHOUT_EXAMS;
  const customer = draw.pick(site.customers);
  return Array.from({ length: head.count }, (_, index) => {
    const sold = draw.pick(shelf);
    const isPack = sold.product.units_per_sku !== '1';
    const quantity = isPack
      ? 1
      : draw.integer(Math.max(1, site.plan.quantity[0]), Math.max(1, site.plan.quantity[1]));
    const price = minorPrice(sold, site.currency, head.date);
    return {
      expected: sold.product.kpi_class === '' ? 'no-kpi-value' : 'counted',
      line: {
        number: head.number,
        date: head.date,
        code: '380',
        currency: site.currency,
        reference: '',
        seller: site.american ? 'CWM-US' : 'CWM-IE',
        customer,
        line: String(index + 1),
        quantity: String(quantity),
        price: money(price, site.currency),
        net: money(price * BigInt(quantity), site.currency),
        item: sold.product.name,
        sku: sold.product.sku,
      },
    };
  });
}

/** A credit note over lines of an invoice: the lines keep their sign, the document type takes them back. */
export const creditOf = (lines: readonly Written[], number: string, date: string): Written[] =>
  lines.map(({ line, expected }) => ({
    expected: expected === 'counted' ? 'reversal' : expected,
    line: { ...line, number, date, code: '381', reference: line.number },
  }));
