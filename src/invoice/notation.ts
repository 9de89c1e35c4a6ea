import {
  COMMA,
  decimalMark,
  MOST_CHARACTERS,
  type NumberFormat,
  type NumberReading,
  numberPattern,
  POINT,
} from '../notation.ts';
import type { Sql, Table } from '../ports.ts';
import type { Header } from '../staging.ts';
import { type FieldName, type Profile, prefixesOf } from './profile.ts';

/** Fields that hold numbers. */
export const NUMBERS = ['quantity', 'net_amount', 'price'] as const;
export type NumberField = (typeof NUMBERS)[number];

/** How the column of dates is read: by a pattern, or in any usual notation with the day or the month in front. */
export type DateReading =
  | { readonly pattern: string }
  | { readonly first: 'day-first' | 'month-first' | 'undecided' };

/** How the columns of one file are read. */
export interface Reading {
  readonly numbers: Readonly<Record<NumberField, NumberReading>>;
  readonly date: DateReading;
}

const ISO = 'YYYY-MM-DD';
const PLAIN: NumberFormat = { decimal: '.', group: '' };

/** What a profile says by itself; what it leaves to the columns reads as plain numbers and ISO dates meanwhile. */
export function statedReading({ number_format, date_format }: Profile): Reading {
  const format = number_format === 'found' ? PLAIN : number_format;
  const number = format.decimal === '.' && format.group === '' ? 'plain' : format;
  const date: DateReading =
    date_format === 'day-first' || date_format === 'month-first'
      ? { first: date_format }
      : { pattern: date_format === 'found' ? ISO : date_format };
  return { numbers: { quantity: number, net_amount: number, price: number }, date };
}

/**
 * How the columns of the file in `load` are read: as the profile says, else as all values of a column say together. One
 * value that fits only day first, and none that fits only month first, make the column day first; the same for point and
 * comma. One query for numbers and one for dates, none where the profile says both; e-invoices know one notation.
 */
export async function readingOf(
  tx: Sql,
  profile: Profile,
  header: Header,
  { format }: Table,
): Promise<Reading> {
  const stated = statedReading(profile);
  const tabular = format === 'csv' || format === 'xlsx';
  const found = (name: FieldName): boolean => tabular && header.columns.has(name);
  return {
    numbers:
      profile.number_format === 'found'
        ? { ...stated.numbers, ...(await foundNumbers(tx, profile, header, NUMBERS.filter(found))) }
        : stated.numbers,
    date:
      profile.date_format === 'found' && found('issue_date')
        ? await foundDate(tx, cellOf(profile, header, 'issue_date')!)
        : stated.date,
  };
}

async function foundNumbers(
  tx: Sql,
  profile: Profile,
  header: Header,
  fields: readonly NumberField[],
): Promise<Partial<Record<NumberField, NumberReading>>> {
  if (fields.length === 0) return {};
  const values = fields.map((field) => `('${field}', ${cellOf(profile, header, field)})`).join(', ');
  const columns = await tx.rows<{
    field: NumberField;
    dressed: number;
    point: number;
    comma: number;
    both: number;
  }>(
    `select marked.field,
            count(*) filter (where marked.dressed)::int                       as dressed,
            count(*) filter (where marked.point and not marked.comma)::int    as point,
            count(*) filter (where marked.comma and not marked.point)::int    as comma,
            count(*) filter (where marked.comma and marked.point)::int        as both
     from (
       select cell.field, translate(cell.value, '0123456789', '') not in ('', '.', '-', '-.') as dressed,
              case when cell.value ~ '[.,]' and length(cell.value) <= ${MOST_CHARACTERS} then undecorated(cell.value) ~ ${literal(numberPattern(POINT))} else false end as point,
              case when cell.value ~ '[.,]' and length(cell.value) <= ${MOST_CHARACTERS} then undecorated(cell.value) ~ ${literal(numberPattern(COMMA))} else false end as comma
       from load
       cross join lateral (values ${values}) as cell (field, value)
       where load.ragged is null
       offset 0
     ) as marked
     group by marked.field`,
  );
  return Object.fromEntries(
    columns.map(({ field, dressed, ...signs }): [NumberField, NumberReading] => {
      const decided = decimalMark(signs);
      return [field, decided === POINT && dressed === 0 ? 'plain' : decided];
    }),
  );
}

async function foundDate(tx: Sql, cell: string): Promise<DateReading> {
  const { other, day, month } = await tx.one<{ other: number; day: number; month: number }>(
    `select count(*) filter (where marked.other)::int                                              as other,
            count(*) filter (where marked.parts[1]::int > 12 and marked.parts[2]::int <= 12)::int   as day,
            count(*) filter (where marked.parts[1]::int <= 12 and marked.parts[2]::int > 12)::int   as month
     from (
       select cell.value !~ '^\\d{4}-\\d{2}-\\d{2}$' as other,
              regexp_match(cell.value, '^(\\d{1,2})[./-](\\d{1,2})[./-]\\d') as parts
       from load
       cross join lateral (values (${cell})) as cell (value)
       where load.ragged is null and cell.value <> ''
       offset 0
     ) as marked`,
  );
  if (other === 0) return { pattern: ISO };
  return { first: day > 0 === month > 0 ? 'undecided' : day > 0 ? 'day-first' : 'month-first' };
}

/**
 * The SQL that reads a field from its column under a profile, tidied: constants, document types from a number's prefix,
 * dates as ISO text, numbers as plain decimals. What does not fit keeps a `?` in front, which no cast takes, and what
 * fits two readings has two. A field that the file lacks is empty; a quantity or price in the database's own notation is
 * the cell as it stands.
 */
export function fieldExpression(
  profile: Profile,
  header: Header,
  reading: Reading,
): (name: string, column: string | undefined) => string {
  return (name, column) => {
    const cell = cellOf(profile, header, name as FieldName);
    const number = NUMBERS.includes(name as NumberField);
    if (name === 'type_code') return typeExpression(profile, header, cell);
    if (column === undefined || cell === undefined) {
      if (name === 'currency' && profile.currency) return constant(profile.currency);
      if (name === 'sku' && profile.default_product) return constant(profile.default_product);
      return number && name !== 'net_amount' ? 'null::text' : "''::text";
    }
    if (name === 'sku' && profile.default_product)
      return `coalesce(nullif(${cell}, ''), ${constant(profile.default_product)})`;
    if (name === 'issue_date') return dateExpression(reading.date, profile.serial_dates, cell);
    if (!number) return cell;
    const asItStands = name === 'net_amount' || profile.strip_suffix[name as FieldName] ? cell : column;
    return numberExpression(reading.numbers[name as NumberField], cell, asItStands);
  };
}

/** SQL for the cell of a field, tidied and without the end that the profile cuts off; undefined: the file lacks it. */
function cellOf({ strip_suffix }: Profile, header: Header, name: FieldName): string | undefined {
  const column = header.columns.get(name);
  if (column === undefined) return undefined;
  const cell = tidied(`load.c${column + 1}`);
  const suffix = strip_suffix[name];
  return suffix ? without(suffix, cell) : cell;
}

const tidied = (column: string): string => `tidy(${column}, load.bare)`;
const constant = (text: string): string => `tidy(${literal(text)})`;
const without = (suffix: string, cell: string): string =>
  `case when right(${cell}, ${suffix.length}) = ${literal(suffix)} then tidy(left(${cell}, -${suffix.length})) else ${cell} end`;

/**
 * A typed number or date of a worksheet in the profile's own notation, so that it reads like the text cells beside it:
 * under a decimal comma, the number 10.25 is `10,25`. Undefined where the profile writes as worksheets do.
 */
export function notationOf(profile: Profile): ((plain: string) => string) | undefined {
  const { number_format: format, date_format: dates } = profile;
  const pattern = /YYYY/.test(dates) ? dates : ISO;
  const decimal = format === 'found' ? '.' : format.decimal;
  if (decimal === '.' && pattern === ISO && format !== 'found') return undefined;
  return (plain) => {
    const date = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2}):(\d{2}))?$/.exec(plain);
    if (!date) {
      // A typed number has one reading: with a fourth decimal, its point cannot group thousands.
      if (format === 'found') return /^-?[1-9]\d{0,2}\.\d{3}$/.test(plain) ? `${plain}0` : plain;
      return plain.replace('.', decimal);
    }
    const [, YYYY = '', MM = '', DD = '', HH = '00', mm = '00', ss = '00'] = date;
    const parts: Record<string, string> = { YYYY, MM, DD, HH, mm, ss };
    return pattern.replace(/YYYY|MM|DD|HH|mm|ss/g, (token) => parts[token]!);
  };
}

function typeExpression(profile: Profile, header: Header, cell: string | undefined): string {
  const otherwise = constant(profile.document_type.otherwise ?? '');
  const given = cell === undefined ? otherwise : `coalesce(nullif(${cell}, ''), ${otherwise})`;
  const number = header.columns.get('invoice_number')! + 1;
  const whens = prefixesOf(profile).map(
    ([prefix, code]) =>
      `when starts_with(${tidied(`load.c${number}`)}, ${literal(prefix)}) then ${constant(code)}`,
  );
  return whens.length > 0 ? `case ${whens.join(' ')} else ${given} end` : given;
}

/** A regular expression for a date format and the ISO text that its groups make. */
export function datePattern(format: string): { pattern: string; iso: string } {
  const order: string[] = [];
  const pattern = format.replace(/YYYY|MM|DD|HH|mm|ss|[./: T-]/g, (token) => {
    if (token === 'YYYY' || token === 'MM' || token === 'DD') {
      order.push(token);
      return token === 'YYYY' ? '(\\d{4})' : '(\\d{2})';
    }
    return /^[A-Za-z]{2}$/.test(token) ? '\\d{2}' : `[${token === '-' ? '\\-' : token}]`;
  });
  const group = (token: string) => `\\${order.indexOf(token) + 1}`;
  return { pattern: `^${pattern}$`, iso: `${group('YYYY')}-${group('MM')}-${group('DD')}` };
}

function dateExpression(reading: DateReading, serials: boolean, cell: string): string {
  if ('first' in reading) return anyDateExpression(reading.first, serials, cell);
  if (reading.pattern === ISO && !serials) return cell;
  const { pattern, iso } = datePattern(reading.pattern);
  return `case when ${cell} ~ ${literal(pattern)} then regexp_replace(${cell}, ${literal(pattern)}, ${literal(iso)})
               ${serials ? serialCase(cell) : ''}
               when ${cell} = '' then '' else '?' || ${cell} end`;
}

/** Excel counts days from 1899-12-30 on, as it takes 1900 for a leap year. */
const serialCase = (cell: string): string =>
  `when ${cell} ~ '^\\d{5}(\\.\\d+)?$' then to_char(date '1899-12-30' + left(${cell}, 5)::int, '${ISO}')`;

const TIME = '(?:[T ]\\d{1,2}:\\d{2}(?::\\d{2}(?:\\.\\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\\d{2}:?\\d{2})?)?';
const WORD = '([^\\d\\s./,\'"-]{3,9})';
const SHAPES = {
  year_first: `^(\\d{4})(?:[-/.]|年)(\\d{1,2})(?:[-/.]|月)(\\d{1,2})日?${TIME}$`,
  numbers: `^(\\d{1,2})([./-])(\\d{1,2})\\2(\\d{4}|\\d{2})${TIME}$`,
  day_word: `^(\\d{1,2})[ ./-]{0,2}${WORD}[ ./,-]{1,2}(\\d{4}|\\d{2})${TIME}$`,
  word_day: `^${WORD}[ .]{1,2}(\\d{1,2}),? (\\d{4})${TIME}$`,
} as const;

/** Dates in any usual notation. Years of two digits are those from 1970 to 2069. */
function anyDateExpression(
  first: 'day-first' | 'month-first' | 'undecided',
  serials: boolean,
  cell: string,
): string {
  const year = (part: string) =>
    `case when length(${part}) = 4 then ${part} when ${part} < '70' then '20' || ${part} else '19' || ${part} end`;
  const iso = (y: string, m: string, d: string) =>
    `${year(y)} || '-' || lpad(${m}, 2, '0') || '-' || lpad(${d}, 2, '0')`;
  const dayFirst = iso('numbers[4]', 'numbers[3]', 'numbers[1]');
  const monthFirst = iso('numbers[4]', 'numbers[1]', 'numbers[3]');
  const decided = { 'day-first': dayFirst, 'month-first': monthFirst, undecided: '' }[first];
  const undecided = `case when numbers[1]::int > 12 or numbers[1]::int = numbers[3]::int then ${dayFirst}
                          when numbers[3]::int > 12 then ${monthFirst}
                          else '??' || value end`;
  const shapes = Object.entries(SHAPES)
    .map(([name, shape]) => `regexp_match(value, ${literal(shape)}) as ${name}`)
    .join(', ');
  return `(select case when iso ~ '^(\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])|\\?\\?.*|)$' then iso else '?' || value end
           from (
           select value, case
             when value = '' then ''
             when year_first is not null then ${iso('year_first[1]', 'year_first[2]', 'year_first[3]')}
             when numbers is not null then ${decided || undecided}
             when day_word is not null then ${iso('day_word[3]', 'month_of(day_word[2])', 'day_word[1]')}
             when word_day is not null then ${iso('word_day[3]', 'month_of(word_day[1])', 'word_day[2]')}
             ${serials ? serialCase('value') : ''}
           end as iso
           from (select value, ${shapes} from (select ${cell} as value offset 0) as given offset 0) as shaped offset 0) as read)`;
}

function numberExpression(reading: NumberReading, cell: string, asItStands: string): string {
  if (reading === 'plain') return asItStands;
  const formats = reading === 'undecided' ? [POINT, COMMA] : [reading];
  const cases = formats.map(
    (format) => `when value ~ ${literal(numberPattern(format))} then ${plainExpression('value', format)}`,
  );
  const waits =
    reading === 'undecided'
      ? `when value ~ '[.,]' and value ~ ${literal(numberPattern(POINT))} and value ~ ${literal(numberPattern(COMMA))} then '??' || value`
      : '';
  return `(select case when length(value) > ${MOST_CHARACTERS} then '?' || ${cell}
                      ${waits} ${cases.join(' ')} when ${cell} = '' then '' else '?' || ${cell} end
           from (select undecorated(${cell}) as value offset 0) as given)`;
}

/** SQL for a number that fits a format, as a plain decimal. */
const plainExpression = (value: string, { decimal, group }: NumberFormat): string => {
  const groups = group === 'any' ? `${decimal === '.' ? ',' : '.'} '` : group;
  return `translate(translate(${value}, ${literal(groups)}, ''), ${literal(decimal)}, '.')`;
};

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
