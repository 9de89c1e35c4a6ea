/**
 * Where the business terms (BT) of EN 16931-1 stand in its two syntaxes: UBL 2 (CEN/TS 16931-3-2) and UN/CEFACT CII D16B
 * (CEN/TS 16931-3-3). Data only; document.ts reads by it.
 */

/** The cells of a row, in this order: the canonical names of an invoice line's fields. */
export const CELLS = [
  'invoice_number',
  'issue_date',
  'type_code',
  'currency',
  'reference_number',
  'seller',
  'customer_number',
  'line_number',
  'quantity',
  'net_amount',
  'price',
  'item_name',
  'sku',
] as const;

/** The header of a last cell: both figures, where the document's totals do not agree. */
export const TOTALS_DIFFER = 'lkp totals differ';

/** What an element of the document's head says. A party has several identifiers; document.ts chooses one. */
export type HeadTerm =
  | 'invoice_number'
  | 'issue_date'
  | 'type_code'
  | 'currency'
  | 'reference_number'
  | 'seller_id'
  | 'seller_registration'
  | 'seller_tax_id'
  | 'seller_tax_scheme'
  | 'customer_id'
  | 'specification'
  | 'lines_total'
  | 'allowances_total'
  | 'charges_total'
  | 'total_without_vat'
  | 'vat_total'
  | 'total_with_vat';
export type LineTerm =
  | 'line_number'
  | 'quantity'
  | 'net_amount'
  | 'price'
  | 'base_quantity'
  | 'item_name'
  | 'sku'
  | 'parent_line';

export interface Syntax {
  readonly format: 'ubl' | 'cii';
  readonly root: string;
  readonly namespace: string;
  /** True: a document without type code is a credit note by its root. */
  readonly credit: boolean;
  /** Prefix, as in the paths below, by namespace. */
  readonly prefixes: Readonly<Record<string, string>>;
  /** Path of a line below the root; the paths of its terms begin there. */
  readonly line: string;
  readonly head: Readonly<Record<string, HeadTerm>>;
  readonly lines: Readonly<Record<string, LineTerm>>;
}

const UBL_NAMESPACE = 'urn:oasis:names:specification:ubl:schema:xsd:';

/**
 * A line's sub-lines (SubInvoiceLine) detail it and are contained in its amount: they have no paths here. SEPA's creditor
 * identifier (BT-90) shares its element with BT-29 and is told apart by its scheme.
 */
const ubl = (root: 'Invoice' | 'CreditNote', quantity: string): Syntax => ({
  format: 'ubl',
  root,
  namespace: `${UBL_NAMESPACE}${root}-2`,
  credit: root === 'CreditNote',
  prefixes: {
    [`${UBL_NAMESPACE}CommonBasicComponents-2`]: 'cbc',
    [`${UBL_NAMESPACE}CommonAggregateComponents-2`]: 'cac',
  },
  line: `cac:${root}Line`,
  head: {
    'cbc:ID': 'invoice_number', // BT-1
    'cbc:IssueDate': 'issue_date', // BT-2
    [`cbc:${root}TypeCode`]: 'type_code', // BT-3
    'cbc:DocumentCurrencyCode': 'currency', // BT-5
    'cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID': 'reference_number', // BT-25
    'cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification/cbc:ID': 'seller_id', // BT-29
    'cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:CompanyID': 'seller_registration', // BT-30
    'cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID': 'seller_tax_id', // BT-31, BT-32
    'cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cac:TaxScheme/cbc:ID': 'seller_tax_scheme',
    'cac:AccountingCustomerParty/cac:Party/cac:PartyIdentification/cbc:ID': 'customer_id', // BT-46
    'cbc:CustomizationID': 'specification', // BT-24
    'cac:LegalMonetaryTotal/cbc:LineExtensionAmount': 'lines_total', // BT-106
    'cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount': 'allowances_total', // BT-107
    'cac:LegalMonetaryTotal/cbc:ChargeTotalAmount': 'charges_total', // BT-108
    'cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount': 'total_without_vat', // BT-109
    'cac:TaxTotal/cbc:TaxAmount': 'vat_total', // BT-110; BT-111 in the accounting currency
    'cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount': 'total_with_vat', // BT-112
  },
  lines: {
    'cbc:ID': 'line_number', // BT-126
    [`cbc:${quantity}`]: 'quantity', // BT-129
    'cbc:LineExtensionAmount': 'net_amount', // BT-131
    'cac:Price/cbc:PriceAmount': 'price', // BT-146
    'cac:Price/cbc:BaseQuantity': 'base_quantity', // BT-149
    'cac:Item/cbc:Name': 'item_name', // BT-153
    'cac:Item/cac:SellersItemIdentification/cbc:ID': 'sku', // BT-155
  },
});

const AGREEMENT = 'rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement';
const SETTLEMENT = 'rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement';
const SUMMATION = `${SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation`;

/** A line that names a parent line (Factur-X EXTENDED) is one of its sub-lines. */
const CII: Syntax = {
  format: 'cii',
  root: 'CrossIndustryInvoice',
  namespace: 'urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100',
  credit: false,
  prefixes: {
    'urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100': 'rsm',
    'urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100': 'ram',
    'urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100': 'udt',
  },
  line: 'rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem',
  head: {
    'rsm:ExchangedDocument/ram:ID': 'invoice_number',
    'rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString': 'issue_date',
    'rsm:ExchangedDocument/ram:TypeCode': 'type_code',
    [`${SETTLEMENT}/ram:InvoiceCurrencyCode`]: 'currency',
    [`${SETTLEMENT}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID`]: 'reference_number',
    [`${AGREEMENT}/ram:SellerTradeParty/ram:ID`]: 'seller_id',
    [`${AGREEMENT}/ram:SellerTradeParty/ram:GlobalID`]: 'seller_id',
    [`${AGREEMENT}/ram:SellerTradeParty/ram:SpecifiedLegalOrganization/ram:ID`]: 'seller_registration',
    [`${AGREEMENT}/ram:SellerTradeParty/ram:SpecifiedTaxRegistration/ram:ID`]: 'seller_tax_id',
    [`${AGREEMENT}/ram:BuyerTradeParty/ram:ID`]: 'customer_id',
    [`${AGREEMENT}/ram:BuyerTradeParty/ram:GlobalID`]: 'customer_id',
    'rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID': 'specification',
    [`${SUMMATION}/ram:LineTotalAmount`]: 'lines_total',
    [`${SUMMATION}/ram:AllowanceTotalAmount`]: 'allowances_total',
    [`${SUMMATION}/ram:ChargeTotalAmount`]: 'charges_total',
    [`${SUMMATION}/ram:TaxBasisTotalAmount`]: 'total_without_vat',
    [`${SUMMATION}/ram:TaxTotalAmount`]: 'vat_total',
    [`${SUMMATION}/ram:GrandTotalAmount`]: 'total_with_vat',
  },
  lines: {
    'ram:AssociatedDocumentLineDocument/ram:LineID': 'line_number',
    'ram:AssociatedDocumentLineDocument/ram:ParentLineID': 'parent_line',
    'ram:SpecifiedLineTradeDelivery/ram:BilledQuantity': 'quantity',
    'ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount':
      'net_amount',
    'ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount': 'price',
    'ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:BasisQuantity': 'base_quantity',
    'ram:SpecifiedTradeProduct/ram:Name': 'item_name',
    'ram:SpecifiedTradeProduct/ram:SellerAssignedID': 'sku',
  },
};

const SYNTAXES: readonly Syntax[] = [
  ubl('Invoice', 'InvoicedQuantity'),
  ubl('CreditNote', 'CreditedQuantity'),
  CII,
];

/** The syntax whose root element this is; undefined for everything that is no invoice. */
export const syntaxOf = (namespace: string, root: string): Syntax | undefined =>
  SYNTAXES.find((syntax) => syntax.root === root && syntax.namespace === namespace);
