import { creditOf, invoiceOf, type Written } from './documents.ts';
import { day, monthAfter } from './months.ts';
import { type Oddity, oddities } from './oddities.ts';
import type { Draw } from './random.ts';
import type { Shape, Site, Stage } from './reference.ts';
import { cellsOf, type Disposition, type InvoiceFile, type InvoiceLine, type InvoiceRow } from './truth.ts';

type Row = Omit<InvoiceRow, 'row'>;
/** The rows of one document, or of one oddity: never torn apart. */
type Group = readonly Row[];

/** The month that is written as a workbook. It has no oddities that only a CSV file can have. */
const WORKBOOK_MONTH = 5;
/** The month that `resent.csv` says again in part. */
const RESENT_MONTH = 9;

/** The sites that buy in every month. */
export const steadySites = (stage: Stage): Site[] =>
  stage.sites.filter((site) => site.plan.quantity[1] > 0 && site.closed === '');

const everyday = ({ line, expected }: Written): Row => ({ cells: cellsOf(line), expected, oddity: '' });

/** The files in the order of their names: the months, then order confirmations, a pro forma, rows sent again. */
export function makeFiles(stage: Stage, shape: Shape, draw: Draw): InvoiceFile[] {
  const months: Written[][][] = [];
  for (let month = 0; month < shape.months; month += 1) {
    months.push(documentsOf(stage, monthAfter(shape.from, month), months[month - 1] ?? [], draw));
  }
  const placed = oddities(stage, shape.from);
  const monthly = months.map((documents, month): InvoiceFile => {
    const isWorkbook = month === WORKBOOK_MONTH;
    const groups = mixIn(
      documents.map((lines) => lines.map(everyday)),
      oddOf(placed, month, shape.months),
      draw,
    );
    if (isWorkbook)
      groups.splice(5, 0, [{ cells: [''], expected: 'blank', oddity: 'blank-row-in-workbook' }]);
    return file(`marketplace-${monthAfter(shape.from, month)}.${isWorkbook ? 'xlsx' : 'csv'}`, groups);
  });

  const resentMonth = Math.min(RESENT_MONTH, shape.months - 1);
  return [
    ...monthly,
    refused('order-confirmation.csv', ['231', '320'], stage, monthAfter(shape.from, resentMonth), draw),
    refused('pro-forma.csv', ['325'], stage, monthAfter(shape.from, resentMonth), draw),
    resent(months[resentMonth]!, monthAfter(shape.from, resentMonth), stage, draw),
  ];
}

/** Oddities of a month; those of months that a short world lacks are in its first one. */
const oddOf = (placed: readonly Oddity[], month: number, months: number): Group[] =>
  placed.filter((odd) => (odd.month < months ? odd.month : 0) === month).map(({ rows }) => rows);

/** The invoices and credit notes of a month, by day, numbered in that order. */
function documentsOf(stage: Stage, month: string, previous: readonly Written[][], draw: Draw): Written[][] {
  const planned = stage.sites.flatMap((site) => {
    const date = day(month, draw.integer(1, 28));
    const buys = site.plan.quantity[1] > 0 && draw.chance(3, 5);
    const isOpen = site.closed === '' || date < site.closed;
    return buys && isOpen ? [{ site, date, count: draw.integer(1, 5) }] : [];
  });
  planned.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
  let serial = 0;
  const number = (): string => `CM-${month.replace('-', '')}-${String(++serial).padStart(4, '0')}`;
  const invoices = planned.map(({ site, date, count }) =>
    invoiceOf(site, draw, { number: number(), date, count }),
  );
  const credited = previous.filter((lines) => lines[0]!.line.code === '380' && draw.chance(1, 20));
  const credits = credited.map((lines) =>
    creditOf(lines.slice(0, draw.integer(1, lines.length)), number(), day(month, 28)),
  );
  return [...invoices, ...credits];
}

function mixIn(groups: readonly Group[], extra: readonly Group[], draw: Draw): Group[] {
  const mixed = [...groups];
  for (const group of extra) mixed.splice(draw.integer(0, mixed.length), 0, group);
  return mixed;
}

const file = (name: string, groups: readonly Group[]): InvoiceFile => ({
  name,
  format: name.endsWith('.xlsx') ? 'xlsx' : 'csv',
  rows: groups.flat().map((row, index) => ({ ...row, row: index + 2 })),
});

/** A file of documents that are no invoices: every row is rejected by the gate. */
function refused(
  name: string,
  codes: readonly string[],
  stage: Stage,
  month: string,
  draw: Draw,
): InvoiceFile {
  const buying = steadySites(stage);
  const groups = codes.flatMap((code) =>
    [1, 2].map((serial): Group => {
      const head = {
        number: `${code}-${month.replace('-', '')}-${serial}`,
        date: day(month, 3 + serial),
        count: 4,
      };
      return invoiceOf(draw.pick(buying), draw, head).map(
        ({ line }): Row => ({
          cells: cellsOf({ ...line, code }),
          expected: 'rejected',
          oddity: `type-${code}`,
        }),
      );
    }),
  );
  return file(name, groups);
}

/** Documents of a month again under another file name, one of them contradicted, and some new ones. */
function resent(documents: readonly Written[][], month: string, stage: Stage, draw: Draw): InvoiceFile {
  const again = documents.filter((lines) => lines[0]!.line.code === '380').slice(0, 6);
  const same = again.slice(0, 5).flat();
  const contradicted = again[5]?.[0];
  const said = (line: InvoiceLine, expected: Disposition, oddity: string): Row => ({
    cells: cellsOf(line),
    expected,
    oddity,
  });
  const buying = steadySites(stage);
  const fresh = [1, 2, 3].map((serial): Group => {
    const head = { number: `CM-${month.replace('-', '')}-8${serial}`, date: day(month, 28), count: 3 };
    return invoiceOf(draw.pick(buying), draw, head).map((written) => ({
      ...everyday(written),
      oddity: 'resent-new',
    }));
  });
  return file('resent.csv', [
    same.map(({ line }) => said(line, 'duplicate', 'resent')),
    ...(contradicted
      ? [[said({ ...contradicted.line, quantity: '999' }, 'quarantined', 'resent-conflict')]]
      : []),
    ...fresh,
  ]);
}
