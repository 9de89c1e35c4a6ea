import type { Product } from './truth.ts';

/** A product with its list price in US cents. */
export interface Article {
  readonly product: Product;
  readonly cents: number;
}

const article = (
  sku: string,
  name: string,
  omlp_type: string,
  kpi_class: string,
  cents: number,
  units_per_sku = '1',
  valid_to = '',
): Article => ({
  product: { sku, name, omlp_type, kpi_class, units_per_sku, valid_from: '2015-01-01', valid_to },
  cents,
});

/** What is bought day by day. SKUs are formed like real course numbers; names and prices are made up. */
export const ARTICLES: readonly Article[] = [
  article('AZ-900T00', 'Azure Fundamentals', 'MOC', 'courseware-fundamentals', 4500),
  article('AZ-900T00.de-de', 'Azure Grundlagen', 'MOC', 'courseware-fundamentals', 4500),
  article('AZ-900T00.tr-tr', 'Azure Temelleri: Bulut Bilişime Giriş', 'MOC', 'courseware-fundamentals', 4150),
  article('AZ-900T00.ja-jp', 'Azure の基礎', 'MOC', 'courseware-fundamentals', 4725),
  article('AZ-900T00.ar-sa', 'أساسيات أزور', 'MOC', 'courseware-fundamentals', 4310),
  article('MS-900T01', 'Microsoft 365 Fundamentals', 'MOC', 'courseware-fundamentals', 3999),
  article('MB-901T00', 'Dynamics 365 Fundamentals', 'MOC', 'courseware-fundamentals', 4125),
  article('AZ-103T00', 'Azure Administrator', 'MOC', 'courseware-advanced', 14995),
  article('AZ-300T01', 'Azure Architect Technologies', 'MOC', 'courseware-advanced', 16550),
  article('20480C', 'Programming in HTML5 with JavaScript and CSS3', 'MOC', 'courseware-advanced', 11275),
  article('20764C', 'Administering a SQL Database Infrastructure', 'MOC', 'courseware-advanced', 12905),
  article('MD-100T00', 'Windows 10', 'MOC', 'courseware-advanced', 13333),
  article('AZ-103T00-OD', 'Azure Administrator, on demand', 'MOC On-Demand', 'courseware-advanced', 19850),
  article('MS-100T01-OD', 'Microsoft 365 Identity, on demand', 'MOC On-Demand', 'courseware-advanced', 17745),
  article('CM-DATA-01', 'Custom: data platform workshop', 'Custom MOC', 'courseware-advanced', 9815),
  article('EXV-FUND', 'Exam voucher, Fundamentals', 'Exam voucher', 'exam-fundamentals', 9900),
  article('EXV-ROLE', 'Exam voucher, role-based', 'Exam voucher', 'exam-advanced', 16500),
  article(
    'EXV-FUND-10',
    'Exam vouchers, Fundamentals, pack of 10',
    'Exam voucher',
    'exam-fundamentals',
    89955,
    '10',
  ),
  article('LOD-AZ-103', 'Labs Online: Azure Administrator', 'Labs Online', '', 2535),
  article('KIT-TRAINER', 'Trainer kit, printed', 'MOC', '', 5210),
];

/** Known, but not sold after 2019-10-31. */
export const RETIRED = article(
  '20742B',
  'Identity with Windows Server 2016',
  'MOC',
  'courseware-advanced',
  10750,
  '1',
  '2019-11-01',
);

export const articleOf = (sku: string): Article => {
  const found = ARTICLES.find((candidate) => candidate.product.sku === sku);
  if (!found) throw new Error(`The catalogue has no ${sku}.`);
  return found;
};

/** A sample currency: its minor digits, and how many minor units ten US cents are worth. */
const CURRENCIES: Readonly<Record<string, { readonly digits: number; readonly perTenCents: number }>> = {
  USD: { digits: 2, perTenCents: 10 },
  EUR: { digits: 2, perTenCents: 9 },
  GBP: { digits: 2, perTenCents: 8 },
  JPY: { digits: 0, perTenCents: 11 },
  TRY: { digits: 2, perTenCents: 58 },
  KWD: { digits: 3, perTenCents: 31 },
  EGP: { digits: 2, perTenCents: 165 },
  INR: { digits: 2, perTenCents: 700 },
  BRL: { digits: 2, perTenCents: 41 },
  PLN: { digits: 2, perTenCents: 38 },
};

/** The list price of an article in minor units of a currency; digital MOC costs nothing from 2020-04-01 to 2021-03-31. */
export function minorPrice(sold: Article, currency: string, date: string): bigint {
  const isFree =
    sold.product.omlp_type === 'MOC' &&
    sold.product.kpi_class !== '' &&
    date >= '2020-04-01' &&
    date <= '2021-03-31';
  if (isFree) return 0n;
  return (BigInt(sold.cents) * BigInt(CURRENCIES[currency]!.perTenCents)) / 10n;
}

/** Minor units as the currency writes them: 12345 -> `123.45`, `12345` (JPY), `12.345` (KWD). */
export function money(minor: bigint, currency: string): string {
  const { digits } = CURRENCIES[currency]!;
  const sign = minor < 0n ? '-' : '';
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
