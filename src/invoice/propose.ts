import { type Context, LkpError } from '../job.ts';
import { openBest } from '../opening.ts';
import type { Sql, Table } from '../ports.ts';
import { copyRows, dropLoad, type Header, MOST_COLUMNS, nameFields, plain } from '../staging.ts';
import { fieldExpression, NUMBERS, readingOf } from './notation.ts';
import { draftProfile, FIELD_NAMES, type FieldName, type Profile } from './profile.ts';

/** A profile for a file that none reads. */
export interface Proposal {
  /** YAML to save; what it leaves open stands in it as a comment that begins with `# ?`. */
  readonly profile: string;
  readonly header_row: number;
  /** Field -> header. */
  readonly columns: Partial<Record<FieldName, string>>;
  /** The first rows as the profile would read them; a `?` stands before what it could not read. */
  readonly rows: ReadonlyArray<Readonly<Record<string, string | number>>>;
  /** What it could not read, a sentence each. */
  readonly not_read: readonly string[];
}

/**
 * What headers call a field, in English, German, Turkish and Japanese: the best known first. Compared without case, spaces
 * and punctuation; two words or more, and those of the first list, may also stand among others (`AP Amount`).
 */
const HEADERS: Readonly<Record<FieldName, readonly [within: string, whole: string]>> = {
  invoice_number: [
    'invoice number|invoice no|invoice nr|invoice id|document number|document no|bill number|transaction number|transaction no|rechnungsnummer|rechnungsnr|rechnung nr|belegnummer|belegnr|fatura numarası|fatura no|belge no|請求書番号|請求番号|インボイス番号|伝票番号',
    'invoice|inv no|number|transno|trans no|transaction|rechnung|beleg|fatura|no|nr',
  ],
  issue_date: [
    'invoice date|issue date|document date|rechnungsdatum|belegdatum|fatura tarihi|düzenleme tarihi|請求日|発行日|payment date|pay date|date',
    'datum|tarih|日付|day',
  ],
  type_code: [
    'invoice type|document type|doc type|belegart|rechnungsart|dokumenttyp|fatura tipi|fatura türü|belge türü|書類種別|伝票種別',
    'type code',
  ],
  currency: ['currency|währung|para birimi|döviz cinsi|通貨', 'curr|ccy|waehrung|döviz'],
  reference_number: [
    'preceding invoice|original invoice|credited invoice|referenced invoice|bezugsrechnung|ursprungsrechnung|iade fatura|元請求書',
    'reference',
  ],
  seller: [
    'seller id|seller identifier|vendor id|vendor number|supplier id|supplier number|lieferantennummer|satıcı no|satıcı kodu|販売者コード',
    'seller|vendor|supplier|lieferant|verkäufer|satıcı|販売者',
  ],
  customer_number: [
    'customer number|customer no|customer id|customer code|buyer id|buyer identifier|client id|account number|kundennummer|kundennr|kunden nr|müşteri numarası|müşteri no|müşteri kodu|顧客番号|顧客コード|得意先コード|お客様番号',
    'customer|buyer|client|account|kunde|müşteri|顧客|得意先',
  ],
  line_number: [
    'line number|line no|line identifier|line item|positionsnummer|satır no|sıra no|kalem no|行番号|明細番号',
    'line|pos|position|zeile|satır',
  ],
  quantity: ['quantity|stückzahl|menge|miktar|数量|個数', 'qty|units|pieces|anzahl|adet'],
  net_amount: [
    'line net amount|net amount|net value|line total|line amount|nettobetrag|zeilenbetrag|positionsbetrag|net tutar|税抜金額|正味金額|金額|amount|betrag|tutar',
    'total|net|netto|value|sum|summe',
  ],
  price: [
    'unit price|item price|net price|einzelpreis|stückpreis|birim fiyat|単価',
    'price|preis|fiyat|rate',
  ],
  item_name: [
    'item name|product name|description|artikelbezeichnung|bezeichnung|beschreibung|ürün adı|açıklama|商品名|品名|摘要',
    'item|product|course|artikel|ürün|title',
  ],
  sku: [
    'sku|item number|item code|product code|stock code|course number|course code|part number|article number|artikelnummer|artikelnr|kursnummer|ürün kodu|stok kodu|商品コード|品番|型番',
    'stockcode',
  ],
};

/** A row with fewer known headers is no header. */
const FEWEST_COLUMNS = 3;
const ROWS_SHOWN = 3;
/** Rows that a proposal is made of: it says how the columns are read, and nobody waits for a million rows to say so. */
const ROWS_READ = 10_000;

interface Found {
  readonly table: Table;
  readonly header: Header;
  readonly encoding: string | undefined;
}

/**
 * Proposes a profile for a file that none reads: the columns whose headers it knows, and its rows read under it. Undefined
 * when nothing in the file looks like a header of invoice lines. Leaves nothing behind in the transaction.
 */
export async function propose(
  tx: Sql,
  context: Context,
  path: string,
  name: string,
): Promise<Proposal | undefined> {
  const found = await openGuessing(context, path, name);
  if (!found) return undefined;
  const { table, header } = found;
  await tx.rows('savepoint proposal');
  try {
    const profile = draftOf(name, found);
    await copyRows(tx, firstOf(table, ROWS_READ), header);
    const reading = await readingOf(tx, profile, header, table);
    await nameFields(tx, header, FIELD_NAMES, fieldExpression(profile, header, reading));
    const unread = await unreadIn(tx, header);
    const proposal = {
      profile: yamlOf(profile, unread),
      header_row: header.row,
      columns: Object.fromEntries([...header.columns].map(([field, at]) => [field, header.cells[at]!])),
      rows: await firstRows(tx, [...header.columns.keys()] as FieldName[]),
      not_read: [...missingIn(profile), ...unread.map(sentenceOf)],
    };
    await dropLoad(tx);
    await tx.rows('release savepoint proposal');
    return proposal;
  } catch (error) {
    // The file has a fault of its own further down: its refusal says what it is, once a profile reads it.
    if (!(error instanceof LkpError && error.code === 'request')) throw error;
    await tx.rows('rollback to savepoint proposal');
    return undefined;
  } finally {
    await table.close();
  }
}

/** The table, read to the end of the piece of bytes in which its row `rows` stands, and no further. */
const firstOf = (table: Table, rows: number): Table => ({
  ...table,
  body: async function* (options) {
    for await (const piece of table.body(options)) {
      yield piece;
      if (table.counts.lines >= rows) return;
    }
  },
});

/** Opens the file in the encoding under which the most headers are known. */
async function openGuessing(context: Context, path: string, name: string): Promise<Found | undefined> {
  const opened = await openBest(context.tables, path, { name }, (table) => {
    const header = table.format === 'csv' || table.format === 'xlsx' ? likelyHeader(table) : undefined;
    return header && { found: header, score: header.columns.size };
  });
  return opened && { table: opened.table, header: opened.found, encoding: opened.encoding };
}

/** The row of the head that has the most known headers. */
function likelyHeader(table: Table): Header | undefined {
  const rows = table.head
    .filter(({ cells }) => cells.length <= MOST_COLUMNS)
    .map(({ row, cells }) => ({ row, cells, columns: columnsOf(cells) }));
  const [best] = rows.sort((a, b) => b.columns.size - a.columns.size || a.row - b.row);
  return best && best.columns.size >= FEWEST_COLUMNS ? best : undefined;
}

/** Letters and digits, the Turkish dotless i written as any other. */
const key = (text: string): string => plain(text).replaceAll('ı', 'i');

/** A name to look for among the keys of headers: as a whole cell, or among its words. */
interface Sought {
  readonly field: FieldName;
  readonly fits: (name: string, words: string) => boolean;
}

const wholly = (field: FieldName, known: string): Sought => {
  const wanted = key(known);
  return { field, fits: (name) => name === wanted };
};
const among = (field: FieldName, known: string): Sought => {
  const wanted = key(known);
  const phrase = ` ${known.split(' ').map(key).join(' ')} `;
  const joined = /\p{Script=Han}/u.test(known);
  return { field, fits: (name, words) => (joined ? name.includes(wanted) : words.includes(phrase)) };
};
const namesOf = (field: FieldName, list: 0 | 1): string[] => HEADERS[field][list].split('|');

/** In the order in which columns are given away. */
const SOUGHT: readonly Sought[] = [
  ...FIELD_NAMES.map((field) => wholly(field, field)),
  ...FIELD_NAMES.flatMap((field) => namesOf(field, 0).map((known) => wholly(field, known))),
  ...FIELD_NAMES.flatMap((field) => namesOf(field, 1).map((known) => wholly(field, known))),
  ...FIELD_NAMES.flatMap((field) => namesOf(field, 0).map((known) => among(field, known))),
];

/** Field -> column. Each field takes the column that its best name fits, and each column serves one field. */
function columnsOf(cells: readonly string[]): Map<FieldName, number> {
  const headers = cells.map((cell) => ({
    name: key(cell),
    words: ` ${cell
      .split(/[^\p{L}\p{N}]+/u)
      .map(key)
      .join(' ')} `,
  }));
  const columns = new Map<FieldName, number>();
  const taken = new Set<number>();
  for (const { field, fits } of SOUGHT) {
    if (columns.has(field)) continue;
    const index = headers.findIndex(
      ({ name, words }, at) => name !== '' && !taken.has(at) && fits(name, words),
    );
    if (index < 0) continue;
    columns.set(field, index);
    taken.add(index);
  }
  return columns;
}

function draftOf(file: string, { table, header, encoding }: Found): Profile {
  const name =
    key(file.replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N}]+/gu, ' '))
      .normalize('NFD')
      .replace(/[^a-z0-9]+/g, '')
      .slice(0, 40) || 'new-profile';
  const spelled = (at: number) => header.cells[at]!.trim();
  return draftProfile({
    name,
    seller: name,
    formats: [table.format],
    columns: Object.fromEntries([...header.columns].map(([field, at]) => [field, [spelled(at)]])),
    ...(encoding ? { encoding } : {}),
    ...(header.columns.has('type_code') ? {} : { document_type: { otherwise: '380' } }),
  });
}

/** Fields that a profile must map, or state as a constant. */
const WANTED: ReadonlyArray<readonly [field: FieldName, instead: string]> = [
  ['invoice_number', ''],
  ['issue_date', ''],
  ['customer_number', ''],
  ['quantity', ''],
  ['net_amount', ''],
  ['currency', 'currency: EUR'],
  ['sku', 'default_product: SKU'],
];

const missingFrom = ({ columns }: Profile) =>
  WANTED.filter(([field]) => !columns[field] && !(field === 'net_amount' && columns.price));

const missingIn = (profile: Profile): string[] =>
  missingFrom(profile).map(([field, instead]) =>
    instead === ''
      ? `No header looks like ${field}.`
      : `No header looks like ${field}; the profile may say the same for all rows (${instead}).`,
  );

function yamlOf(profile: Profile, unread: readonly Unread[]): string {
  const missing = missingFrom(profile);
  const text = (value: string) => JSON.stringify(value);
  return [
    `name: ${profile.name}`,
    '# ? Who sells, where a document does not say: part of the key of a document.',
    `seller: ${profile.seller}`,
    `formats: [${profile.formats.join(', ')}]`,
    ...(profile.encoding ? [`encoding: ${profile.encoding}`] : []),
    ...missing.filter(([, instead]) => instead !== '').map(([, instead]) => `# ? ${instead}`),
    'columns:',
    ...Object.entries(profile.columns).map(
      ([field, names]) => `  ${field}: [${names!.map(text).join(', ')}]`,
    ),
    ...missing.filter(([, instead]) => instead === '').map(([field]) => `  # ? ${field}: []`),
    ...(profile.document_type.otherwise
      ? [
          '# ? The type of documents, as no column says it: 380 is an invoice.',
          "document_type: { otherwise: '380' }",
        ]
      : []),
    ...unread.flatMap(settingFor),
    '',
  ].join('\n');
}

/** A column of which some cells cannot be read. */
interface Unread {
  readonly field: FieldName;
  readonly rows: number;
  /** The first of them, and its value as the reader left it. */
  readonly row_no: number;
  readonly value: string;
}

/** The setting that would have such cells read. */
function settingFor({ field, value }: Unread): string[] {
  const two = value.startsWith('??');
  if (field === 'issue_date' && two) return ['# ? date_format: day-first'];
  if (field === 'issue_date' && /^\?\d{5}$/.test(value))
    return ['# ? Numbers in the date column, as Excel counts days:', '# ? serial_dates: true'];
  return two ? [`# ? number_format: { decimal: '.', group: ',' }`] : [];
}

/** The first rows, field by field. */
async function firstRows(
  tx: Sql,
  fields: readonly FieldName[],
): Promise<Array<Record<string, string | number>>> {
  const rows = await tx.rows<Record<string, string | number | null>>(
    `select load_field.row_no as row, ${fields.map((field) => `load_field.${field}`).join(', ')}
     from load_field
     where load_field.ragged is null
     order by load_field.row_no
     limit ${ROWS_SHOWN}`,
  );
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([field, value]) => [field, value ?? ''])),
  );
}

/** How many cells of dates and numbers cannot be read, and the first of each column. */
async function unreadIn(tx: Sql, header: Header): Promise<Unread[]> {
  const fields = [...NUMBERS, 'issue_date' as const].filter((field) => header.columns.has(field));
  if (fields.length === 0) return [];
  const cells = fields.map((field) =>
    field === 'issue_date'
      ? `('issue_date', load_field.issue_date, exists (select from day where day.iso = load_field.issue_date))`
      : `('${field}', load_field.${field}, plain_number(load_field.${field}) is not null)`,
  );
  return tx.rows<Unread>(
    `select cell.field, count(*)::int as rows, min(load_field.row_no) as row_no,
            (array_agg(cell.value order by load_field.row_no))[1] as value
     from load_field
     cross join lateral (values ${cells.join(', ')}) as cell (field, value, is_read)
     where load_field.ragged is null and cell.value <> '' and not cell.is_read
     group by cell.field
     order by cell.field collate "C"`,
  );
}

function sentenceOf({ field, rows, row_no, value }: Unread): string {
  const why = value.startsWith('??') ? 'fits two readings' : 'cannot be read';
  return `${field}: ${rows} ${rows === 1 ? 'cell' : 'cells'} cannot be taken; the first, in row ${row_no}, ${why}: "${value.replace(/^\?+/, '').slice(0, 60)}".`;
}
