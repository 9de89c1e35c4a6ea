import { nearest } from '../config.ts';
import { LkpError } from '../job.ts';
import type { Table } from '../ports.ts';
import { plain } from '../staging.ts';

/**
 * What a claim calls its fields, in English, Turkish, German and Japanese. The first name is the program's own. `period`
 * is a month and its year in one column; `partner` is whose line it is, for files of several partners.
 */
export const CLAIM_HEADERS = {
  month:
    'Month|KPI month|invoice month|purchase month|month name|ay|fatura ayı|satın alma ayı|Monat|Rechnungsmonat|Kaufmonat|月|請求月|購入月|対象月',
  year: 'Year|KPI year|invoice year|purchase year|yıl|sene|fatura yılı|Jahr|Rechnungsjahr|Kaufjahr|年|請求年|購入年|対象年',
  period:
    'Month and year|month year|year month|period|reporting period|date|invoice date|issue date|ay yıl|yıl ay|dönem|tarih|fatura tarihi|Monat und Jahr|Monat Jahr|Jahr Monat|Zeitraum|Datum|Rechnungsdatum|年月|対象年月|期間|日付|請求日|請求年月',
  omlpType:
    'OMLP type|OMLP|type of OMLP|type|product type|learning product type|product family|OMLP türü|OMLP tipi|tür|ürün türü|ürün tipi|OMLP-Typ|OMLP-Art|Typ|Art|Produkttyp|Produktart|OMLPタイプ|OMLP種別|OMLPの種類|タイプ|種別|種類|製品タイプ|製品種別',
  purchaseUnit:
    'Purchase unit|purchase units|purchased units|unit|units|quantity|qty|satın alma birimi|satın alınan birim|birim|adet|miktar|satın alma birimleri|satın alınan birimler|birimler|Kaufeinheit|Kaufeinheiten|Einkaufseinheit|Einkaufseinheiten|Einkaufsmenge|Einheit|Einheiten|Menge|Anzahl|Stückzahl|Stueckzahl|購入単位|購入ユニット|購入単位数|購入ユニット数|購入数|購入数量|ユニット|単位|数量|個数',
  invoice:
    'Invoice #|invoice|invoice number|invoice no|invoice nr|invoice id|inv no|fatura|fatura no|fatura numarası|Rechnung|Rechnungsnummer|Rechnungsnr|Rechnung Nr|Rechnungs Nr|Belegnummer|Belegnr|請求書番号|請求書|請求番号|請求書No|インボイス番号|インボイス',
  kpiValue:
    'KPI value|KPI|KPI values|KPI points|value of KPI|KPI değeri|KPI puanı|KPI değerleri|KPI puanları|KPI-Wert|KPI-Werte|KPI-Punkte|KPI値|KPIの値|KPI価値|KPIポイント',
  revenueValue:
    'Revenue value|revenue|revenues|net revenue|amount|net amount|value of revenue|gelir|gelir değeri|ciro|hasılat|tutar|net tutar|gelirler|tutarlar|Umsatz|Umsätze|Umsatzwert|Umsatzwerte|Nettoumsatz|Erlös|Erloes|Erlöse|Betrag|Beträge|Nettobetrag|収益|収益値|収益額|売上|売上高|売上額|売上値|金額',
  partner:
    'MPN ID|MPN|MPN number|MPN no|partner MPN ID|partner ID|organization ID|organisation ID|organization MPN ID|organisation MPN ID|location ID|location MPN ID|MPN numarası|MPN no|iş ortağı kimliği|iş ortağı no|MPN-Nummer|Partner-ID|Partnernummer|Standort-ID|MPN番号|パートナーID|パートナー番号|拠点ID',
} as const;

export type ClaimField = keyof typeof CLAIM_HEADERS;
export const CLAIM_FIELDS = Object.keys(CLAIM_HEADERS) as ClaimField[];

/** The program's name of a field. */
export const titleOf = (field: ClaimField): string => CLAIM_HEADERS[field].split('|')[0]!;

/** The form in which headers are compared: letters and digits, without case, accents and the Turkish dotless i. */
export const keyOf = (text: string): string =>
  plain(text.replaceAll('ß', 'ss'))
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replace(/\p{M}+/gu, '');

/** Every name as it is compared, and its field. */
export const NAMES: ReadonlyMap<string, ClaimField> = new Map(
  CLAIM_FIELDS.flatMap((field) => CLAIM_HEADERS[field].split('|').map((name) => [keyOf(name), field])),
);

/** A currency at the end of a header: `Revenue value (USD)`, `Umsatz in EUR`, `Tutar ₺`. */
export const CURRENCY = /(?:\bin\s+)?(?:\b(USD|EUR|GBP|TRY|TL|JPY|CHF)\b|([€£¥₺$円]))\s*$/iu;

/** What one header cell may be called: as it stands, without what is in brackets or a currency, or one of its languages. */
function namesOf(cell: string): string[] {
  const text = cell.normalize('NFKC');
  const bare = text.replace(/\([^)]*\)|\[[^\]]*\]/g, ' ').trim();
  const coinless = bare.replace(CURRENCY, '');
  const languages = text.split(/[/|()[\]\n:;–]|\s-\s/);
  return [text, bare, coinless, ...languages].map(keyOf).filter((name) => name !== '');
}

/** The field that a header cell names, if any. */
export function fieldNamed(cell: string): ClaimField | undefined {
  for (const name of namesOf(cell)) {
    const field = NAMES.get(name);
    if (field) return field;
  }
  return undefined;
}

export interface ClaimHeader {
  /** Physical row of the header, from 1; the lower one of two. */
  readonly row: number;
  readonly cells: readonly string[];
  /** Field -> 0-based column. */
  readonly columns: ReadonlyMap<ClaimField, number>;
  /** A field and the columns that are called so, where there are several. */
  readonly twice: ReadonlyArray<readonly [field: ClaimField, cells: string[]]>;
}

/** A row with fewer of the fields is no header. */
const FEWEST_COLUMNS = 3;

/** The row of a head, or the two rows one below the other, that name the most fields. Undefined where none does. */
export function findClaimHeader(head: Table['head']): ClaimHeader | undefined {
  let best: ClaimHeader | undefined;
  for (const [index, { row, cells }] of head.entries()) {
    const above = head[index - 1]?.cells ?? [];
    const alone = headerOf(
      row,
      cells,
      cells.map((cell) => [cell]),
    );
    const both = headerOf(row, cells, joined(above, cells));
    // Words below a whole header belong to it (`KPI` over `value`); lines have figures.
    const goesOn = best?.row === row - 1 && /\p{L}/u.test(cells.join('')) && !/\d/.test(cells.join(''));
    if (
      both.columns.size >
      Math.max(alone.columns.size, (best?.columns.size ?? FEWEST_COLUMNS) - (goesOn ? 1 : 0))
    )
      best = both;
    else if (alone.columns.size > (best?.columns.size ?? FEWEST_COLUMNS - 1)) best = alone;
  }
  return best;
}

/** What the columns under two header rows may be called: by the lower, both (`KPI` over `value`), or the upper one. */
function joined(above: readonly string[], cells: readonly string[]): string[][] {
  let group = '';
  return Array.from({ length: Math.max(above.length, cells.length) }, (_, column) => {
    const [upper, lower] = [above[column]?.trim() ?? '', cells[column]?.trim() ?? ''];
    if (upper !== '') group = upper;
    return lower === '' ? [upper] : [lower, `${group} ${lower}`, upper];
  });
}

function headerOf(
  row: number,
  cells: readonly string[],
  called: ReadonlyArray<readonly string[]>,
): ClaimHeader {
  const found = new Map<ClaimField, number[]>();
  for (const [column, names] of called.entries()) {
    const field = names.map(fieldNamed).find((one) => one !== undefined);
    if (field) found.set(field, [...(found.get(field) ?? []), column]);
  }
  const own = (field: ClaimField, columns: readonly number[]): number[] =>
    columns.filter((column) => called[column]!.some((name) => keyOf(name) === keyOf(titleOf(field))));
  const columns = new Map<ClaimField, number>();
  const twice: Array<[ClaimField, string[]]> = [];
  for (const [field, all] of found) {
    const best = own(field, all);
    columns.set(field, best[0] ?? all[0]!);
    if (all.length > 1 && field !== 'period' && field !== 'partner')
      twice.push([field, all.map((column) => cells[column] ?? '')]);
  }
  const names = Array.from({ length: called.length }, (_, column) => cells[column] || called[column]![0]!);
  return { row, cells: names, columns, twice };
}

const SEVEN = ['month', 'year', 'omlpType', 'purchaseUnit', 'invoice', 'kpiValue', 'revenueValue'] as const;

/**
 * Throws LkpError('request') where the head of a claim has no header, lacks one of the seven fields, or has one twice: it
 * says which was looked for, what was seen, and which header may be meant. A year may stand with its month.
 */
export function checkHeader(name: string, head: Table['head'], header: ClaimHeader | undefined): ClaimHeader {
  const seven = SEVEN.map(titleOf).join(', ');
  if (!header) {
    const seen = head.find(({ cells }) => cells.some((cell) => cell.trim() !== ''));
    throw new LkpError(
      'request',
      `${name} has no header that a claim has: in its first ${head.length} rows the columns ${seven} were looked for${seen ? `; row ${seen.row} is ${listed(seen.cells)}` : ''}. Write these headers above the lines, in English, Turkish, German or Japanese.`,
    );
  }
  const [double] = header.twice;
  if (double) {
    throw new LkpError(
      'request',
      `In the header of ${name} (row ${header.row}) the columns ${listed(double[1])} all mean ${titleOf(double[0])}. One column for each field is wanted: rename or remove the others.`,
    );
  }
  const { columns, cells, row } = header;
  const dated = columns.has('month') || columns.has('period');
  const missing = SEVEN.filter(
    (field) => !columns.has(field) && !(field === 'month' && dated) && !(field === 'year' && dated),
  );
  if (missing.length === 0) return header;
  const taken = new Set(columns.values());
  const free = cells.filter((cell, column) => !taken.has(column) && cell.trim() !== '');
  const suggested = missing.map((field) => meant(field, free));
  const isRenamed = suggested.every((text) => text !== '');
  const next = isRenamed ? 'rename the column' : 'add what is missing';
  const both = !isRenamed && suggested.some((text) => text !== '') ? 'rename that column, and ' : '';
  throw new LkpError(
    'request',
    `${name} lacks ${missing.map(titleOf).join(', ')}: its header (row ${row}) is ${listed(cells)}. ${suggested.join('')}A claim has the columns ${seven}: ${both}${next}.`,
  );
}

/** Did you mean: a header that serves no field and comes nearest to a name of this one. */
function meant(field: ClaimField, free: readonly string[]): string {
  const close = free.find((cell) => NAMES.get(nearest(keyOf(cell), [...NAMES.keys()])) === field);
  return close === undefined ? '' : `Did you mean "${cut(close.trim(), 60)}" for ${titleOf(field)}? `;
}

/** Header cells in a message: the first twelve. */
export const listed = (cells: readonly string[]): string =>
  cells
    .filter((cell) => cell.trim() !== '')
    .slice(0, 12)
    .map((cell) => `"${cut(cell.trim(), 60)}"`)
    .join(', ');

/** No longer than so many characters; what is cut says so. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 3)}...`;
