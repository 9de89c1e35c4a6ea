/** Roots that are no invoice, or none that is read, in plain words. One place for what a person is told about them. */

const UBL = /^urn:oasis:names:specification:ubl:schema:xsd:\w+-2$/;

const NOT_AN_INVOICE = 'Only invoices and credit notes count: ask its sender for the invoice itself.';
const OTHER_FORMAT = 'Ask its sender for it as UBL 2 or CII.';
const WRAPPED = 'Take the invoice out of it, and repeat.';

/** Documents of UBL 2 whose names a person may not know. */
const UBL_DOCUMENTS: Readonly<Record<string, string>> = {
  ApplicationResponse: 'an answer to a document',
  AttachedDocument: 'an envelope around a document',
  DebitNote: 'a debit note',
  DespatchAdvice: 'a delivery note',
  FreightInvoice: "a carrier's invoice",
  OrderCancellation: 'the cancellation of an order',
  OrderChange: 'the change of an order',
  OrderResponse: 'an order confirmation',
  OrderResponseSimple: 'an order confirmation',
  Quotation: 'an offer',
  ReceiptAdvice: 'a confirmation of receipt',
  Reminder: 'a reminder of payment',
  RemittanceAdvice: 'an advice of payment',
  RequestForQuotation: 'a request for an offer',
  SelfBilledCreditNote: 'a credit note that the buyer wrote',
  SelfBilledInvoice: 'an invoice that the buyer wrote',
  Statement: 'a statement of account',
};

const OTHERS: ReadonlyArray<readonly [namespace: RegExp, local: RegExp, is: string, next: string]> = [
  [
    /^http:\/\/difi\.no\/xsd\/vefa\/validator\//,
    /^test(Set)?$/,
    'a rule-test wrapper: examples for a validator',
    NOT_AN_INVOICE,
  ],
  [/^urn:fdc:difi\.no:2017:vefa:structure:/, /^/, 'a part of a specification', NOT_AN_INVOICE],
  [/fattur/i, /^FatturaElettronica/, 'a FatturaPA invoice (Italy), a format that is not read', OTHER_FORMAT],
  [/facturae/i, /^Facturae$/, 'a Facturae invoice (Spain), a format that is not read', OTHER_FORMAT],
  [/ebinterface/i, /^Invoice$/, 'an ebInterface invoice (Austria), a format that is not read', OTHER_FORMAT],
  [
    /^urn:ferd:CrossIndustryDocument:/,
    /^CrossIndustryDocument$/,
    'a ZUGFeRD 1 invoice, older than CII',
    OTHER_FORMAT,
  ],
  [/^urn:oasis:names:specification:ubl:schema:xsd:\w+-1\./, /^/, 'a document of UBL 1', OTHER_FORMAT],
  [/^urn:un:unece:uncefact:data:.*Order/, /^/, 'an order, or the answer to one', NOT_AN_INVOICE],
  [/StandardBusinessDocumentHeader$/, /^StandardBusinessDocument$/, 'a transport envelope', WRAPPED],
  [/soap-envelope|\/soap\/envelope/, /^Envelope$/, 'a SOAP envelope', WRAPPED],
  [
    /^http:\/\/www\.w3\.org\/2000\/09\/xmldsig#$/,
    /^Signature$/,
    'an electronic signature without its document',
    NOT_AN_INVOICE,
  ],
  [
    /^urn:schemas-microsoft-com:office:spreadsheet$/,
    /^Workbook$/,
    'a workbook as Excel 2003 XML',
    'Open it in Excel and save it as .xlsx.',
  ],
  [
    /^(http:\/\/www\.w3\.org\/1999\/xhtml)?$/,
    /^(html|HTML)$/,
    'an HTML page',
    'Ask its sender for the file itself.',
  ],
];

/** What a document with this root is, and what to do next: the end of a sentence that begins with the file's name. */
export function refusalOf(namespace: string, local: string): string {
  const other = OTHERS.find(([spaces, locals]) => spaces.test(namespace) && locals.test(local));
  if (other) return `is ${other[2]} (root element ${shown(local)}). ${other[3]}`;
  if (UBL.test(namespace)) {
    const words = UBL_DOCUMENTS[local];
    const article = /^[AEIOU]/.test(local) ? 'an' : 'a';
    return `is ${article} ${shown(local)} (UBL)${words === undefined ? '' : `, ${words}`}. ${NOT_AN_INVOICE}`;
  }
  return `is an XML document with the root element ${shown(local)}${namespace === '' ? '' : ` of ${shown(namespace)}`}. ${NOT_AN_INVOICE}`;
}

const shown = (text: string): string => text.slice(0, 100);
