import { LkpError } from '../job.ts';
import { ExactSum } from '../money.ts';
import { readAmount, unitPrice } from './amounts.ts';
import { refusalOf } from './refusals.ts';
import { type CELLS, type HeadTerm, type LineTerm, type Syntax, syntaxOf } from './syntax.ts';
import { totalsDiffer } from './totals.ts';
import { readXml } from './xml.ts';

/** The cells of one document line, by their canonical names; texts as stated, white space around them taken off. */
export type Cells = Record<(typeof CELLS)[number], string>;
type LineCells = Pick<Cells, 'line_number' | 'quantity' | 'net_amount' | 'price' | 'item_name' | 'sku'>;

/** What a document says of itself, its lines counted and added up. */
export interface Head {
  readonly syntax: Syntax;
  readonly cells: Omit<Cells, keyof LineCells>;
  /** BT-3 as stated; empty where there is none. */
  readonly typeCode: string;
  readonly lines: number;
  /** Both figures, where stated totals do not agree with the lines or each other; else empty. */
  readonly totalsDiffer: string;
  /** BT-5 and the currencies of the amounts; at most three of them. */
  readonly currencies: ReadonlySet<string>;
}

/** A document that is no invoice, or in no syntax that is read. */
export class OtherRoot extends LkpError {
  /** Local name of its root element. */
  readonly root: string;
  constructor(name: string, namespace: string, root: string) {
    super('request', `${name} ${refusalOf(namespace, root)}`);
    this.root = root;
  }
}

/** The syntax of a document, by its root element. Throws LkpError('request') that says what it is instead. */
export async function syntaxIn(path: string, name: string): Promise<Syntax> {
  const reading = new Reading(name);
  for await (const _ of readXml(path, name, reading)) if (reading.syntax) return reading.syntax;
  throw new LkpError(
    'request',
    `${name} has no root element. Ask its sender for the whole file, and repeat.`,
  );
}

/** Reads a document to its end. Throws LkpError('request') for what is no well-formed invoice. */
export async function readHead(path: string, name: string): Promise<Head> {
  const reading = new Reading(name);
  for await (const _ of readXml(path, name, reading));
  return reading.head();
}

/** Reads a document's lines again, piece by piece: `line` sees the cells of each, the head's among them. */
export async function* readLines(
  path: string,
  name: string,
  { cells }: Head,
  line: (cells: Cells) => void,
): AsyncGenerator<void> {
  yield* readXml(
    path,
    name,
    new Reading(name, (own, currency) => line({ ...cells, ...own, currency: cells.currency || currency })),
  );
}

/** The most references that are listed, in characters; more are evidence for nobody. */
const MAX_REFERENCES = 1_000;
/** What the head's cells and the lines multiply to, in characters: each row repeats the head. */
const MAX_REPEATED = 1 << 30;

/** Refuses a document without lines, or in several currencies. */
export function checkHead({ syntax, cells, lines, currencies }: Head, name: string): void {
  const refuse = (what: string) => new LkpError('request', `${name} ${what}`);
  if (lines === 0) {
    throw refuse(
      `is ${syntax.root === 'Invoice' ? 'an' : 'a'} ${syntax.root} without lines. Ask its sender for the one with its lines.`,
    );
  }
  if (currencies.size > 1) {
    throw refuse(
      `states amounts in ${[...currencies].join(' and ')}; one currency was wanted (BT-5). Ask its sender to correct it.`,
    );
  }
  const repeated = Object.values(cells).reduce((length, cell) => length + cell.length, 0) * lines;
  if (repeated > MAX_REPEATED)
    throw refuse(
      `has identifiers too long to stand in each of its ${lines} lines. Ask its sender to correct it.`,
    );
}

/** One element that the reader knows: what it says, and the elements in it that say something. */
interface Place {
  readonly within: Map<string, Place>;
  head?: HeadTerm;
  line?: LineTerm;
  /** It is a document line. */
  isLine?: boolean;
}

function placesOf({ head, line, lines }: Syntax): Place {
  const root: Place = { within: new Map() };
  const at = (path: string, from = root): Place =>
    path.split('/').reduce((place, step) => {
      const next = place.within.get(step) ?? { within: new Map() };
      place.within.set(step, next);
      return next;
    }, from);
  for (const [path, term] of Object.entries(head)) at(path).head = term;
  at(line).isLine = true;
  for (const [path, term] of Object.entries(lines)) at(path, at(line)).line = term;
  return root;
}

/** An identifier of a party; `scheme` as stated: an identifier without one was agreed between the two. */
interface Identifier {
  readonly text: string;
  readonly scheme: string;
}

/**
 * Of several identifiers the preferred ones go first, then the one that sorts first: the two syntaxes, and two senders of one
 * invoice, list them in different orders.
 */
const firstOf = (
  known: Identifier | undefined,
  found: Identifier,
  preferred: (scheme: string) => boolean,
): Identifier => {
  if (found.text === '' || known === undefined) return found.text === '' ? (known ?? found) : found;
  const [a, b] = [preferred(known.scheme), preferred(found.scheme)];
  return a === b ? (found.text < known.text ? found : known) : a ? known : found;
};
const withoutScheme = (scheme: string): boolean => scheme === '';
const vat = (scheme: string): boolean => scheme === 'VAT' || scheme === 'VA';

/** Follows a document's elements, keeps what its head says and hands out its lines. */
class Reading {
  syntax: Syntax | undefined;
  readonly #name: string;
  readonly #line: ((cells: LineCells, currency: string) => void) | undefined;
  /** The open elements that the reader knows, from the root; undefined inside those it does not. */
  readonly #open: Array<Place | undefined> = [];
  #attribute = { scheme: '', currency: '', format: '' };
  readonly #said: Partial<Record<HeadTerm, string>> = {};
  readonly #parties: Partial<
    Record<'seller_id' | 'seller_registration' | 'seller_tax_id' | 'customer_id', Identifier>
  > = {};
  readonly #vat = new Map<string, string>();
  #taxId = '';
  #inLine: Partial<Record<LineTerm, string>> = {};
  #lineCurrency = '';
  readonly #currencies = new Set<string>();
  readonly #sum = new ExactSum();
  #lines = 0;

  constructor(name: string, line?: (cells: LineCells, currency: string) => void) {
    this.#name = name;
    this.#line = line;
  }

  open(namespace: string, local: string, attribute: (name: string) => string | undefined): boolean {
    if (!this.syntax) {
      this.syntax = syntaxOf(namespace, local);
      if (!this.syntax) throw new OtherRoot(this.#name, namespace, local);
      this.#open.push(placesOf(this.syntax));
      return false;
    }
    const place = this.#open.at(-1)?.within.get(`${this.syntax.prefixes[namespace]}:${local}`);
    this.#open.push(place);
    if (place?.isLine) {
      this.#inLine = {};
      this.#lineCurrency = '';
    }
    if (!place?.head && !place?.line) return false;
    const stated = (name: string) => attribute(name)?.trim() ?? '';
    this.#attribute = {
      scheme: stated('schemeID'),
      currency: stated('currencyID'),
      format: stated('format'),
    };
    return true;
  }

  close(text: string): void {
    const place = this.#open.pop();
    if (place?.head) this.#hear(place.head, text.trim());
    else if (place?.line) this.#hearOfLine(place.line, text.trim());
    else if (place?.isLine) this.#endLine();
  }

  head(): Head {
    const { invoice_number, issue_date, type_code, currency, reference_number } = this.#said;
    const { seller_id, seller_registration, seller_tax_id, customer_id } = this.#parties;
    // Several currencies refuse the document.
    const [known = ''] = this.#currencies;
    return {
      syntax: this.syntax!,
      cells: {
        invoice_number: invoice_number ?? '',
        issue_date: issue_date ?? '',
        type_code: typeOf(this.syntax!, type_code ?? ''),
        currency: currency ?? '',
        reference_number: reference_number ?? '',
        seller: (seller_id ?? seller_registration ?? seller_tax_id)?.text ?? '',
        customer_number: customer_id?.text ?? '',
      },
      typeCode: type_code ?? '',
      lines: this.#lines,
      totalsDiffer: totalsDiffer({
        stated: this.#said,
        currency: known,
        vat: this.#vat.size === 0 ? '' : this.#vat.get(known),
        lines: this.#lines,
        sum: this.#sum.total(),
      }),
      currencies: this.#currencies,
    };
  }

  #hear(term: HeadTerm, text: string): void {
    const { scheme, currency, format } = this.#attribute;
    if (text === '') return;
    switch (term) {
      case 'seller_id':
        if (scheme !== 'SEPA') this.#identify('seller_id', text, scheme, withoutScheme);
        break;
      case 'customer_id':
        this.#identify('customer_id', text, scheme, withoutScheme);
        break;
      case 'seller_registration':
        this.#identify('seller_registration', text, scheme, withoutScheme);
        break;
      case 'seller_tax_id':
        // In UBL the scheme follows in an element of its own.
        this.#taxId = text;
        if (scheme !== '' || this.syntax?.format === 'cii')
          this.#identify('seller_tax_id', text, scheme, vat);
        break;
      case 'seller_tax_scheme':
        this.#identify('seller_tax_id', this.#taxId, text, vat);
        this.#taxId = '';
        break;
      case 'reference_number':
        this.#said.reference_number = joined(this.#said.reference_number, text);
        break;
      case 'issue_date':
        this.#said.issue_date ??= dateOf(text, format);
        break;
      case 'currency':
        this.#noteCurrency(text);
        this.#said.currency ??= text;
        break;
      case 'lines_total':
        this.#noteCurrency(currency);
        this.#said.lines_total ??= text;
        break;
      case 'vat_total':
        // There may be a second one, in the currency of the seller's accounts (BT-111).
        if (!this.#vat.has(currency.toUpperCase())) this.#vat.set(currency.toUpperCase(), text);
        break;
      default:
        this.#said[term] ??= text;
    }
  }

  #identify(
    term: 'seller_id' | 'seller_registration' | 'seller_tax_id' | 'customer_id',
    text: string,
    scheme: string,
    preferred: (scheme: string) => boolean,
  ): void {
    if (text === '') return;
    this.#parties[term] = firstOf(this.#parties[term], { text, scheme }, preferred);
  }

  #hearOfLine(term: LineTerm, text: string): void {
    if (term === 'net_amount') this.#lineCurrency ||= this.#attribute.currency;
    this.#inLine[term] ??= text;
  }

  #endLine(): void {
    const { line_number = '', quantity = '', net_amount = '', item_name = '', sku = '' } = this.#inLine;
    const { price = '', base_quantity = '', parent_line = '' } = this.#inLine;
    if (parent_line !== '') return;
    this.#lines += 1;
    this.#noteCurrency(this.#lineCurrency);
    const amount = readAmount(net_amount);
    if (amount) this.#sum.add(amount);
    this.#line?.(
      { line_number, quantity, net_amount, price: unitPrice(price, base_quantity), item_name, sku },
      this.#lineCurrency,
    );
  }

  #noteCurrency(currency: string): void {
    if (currency !== '' && this.#currencies.size < 3) this.#currencies.add(currency.toUpperCase());
  }
}

/** UNTDID 1001 codes that EN 16931 reads as credit notes. */
const CREDIT_CODES = '81 83 261 262 296 308 381 396 420 458 502 503 532'.split(' ');

/**
 * BT-3 as a row shows it: a CreditNote without one is 381. A CreditNote whose code is an invoice's contradicts itself; it
 * shows both, which no code list knows, so that a person decides or a profile maps it.
 */
function typeOf({ credit, root }: Syntax, stated: string): string {
  if (!credit) return stated;
  if (stated === '') return '381';
  return /^\d+$/.test(stated) && !CREDIT_CODES.includes(stated) ? `${root} ${stated}` : stated;
}

/** A date as `YYYY-MM-DD`: format 102 of CII, and the zone of a UBL date taken off. Anything else stays as stated. */
function dateOf(text: string, format: string): string {
  if (format === '102') return text.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3');
  return text.replace(/^(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})$/, '$1');
}

/** A credit may reference several invoices; their list belongs to none of them. */
function joined(known: string | undefined, found: string): string {
  if (known === undefined) return found;
  return known.length + found.length > MAX_REFERENCES
    ? known.replace(/(, \.\.\.)?$/, ', ...')
    : `${known}, ${found}`;
}
