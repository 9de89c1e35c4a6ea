/** Excel's day 0 as days before 1970-01-01, in the 1900 and the 1904 system. */
const DAY_ZERO = { 1900: 25_569, 1904: 24_107 };
/** Serial 60 is 1900-02-29, a day that never was; Excel counts it all the same. */
const LEAP_FAULT = 60;
const LAST_DAY = 2_958_466; // 9999-12-31 is serial 2,958,465
const SIGNIFICANT = 15;

/** What a number format makes of a number. `duration` ([h]:mm) and plain numbers stay numbers. */
export type NumberFormat = 'number' | 'date' | 'time' | 'datetime';

/** Formats that a file may use by number alone (ECMA-376 18.8.30, with the dates of the East Asian locales). */
export function builtInFormat(id: number): NumberFormat {
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) return 'date';
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return 'time';
  return id === 22 ? 'datetime' : 'number';
}

/** Reads a format code such as `[$-409]d-mmm-yy;@`: its first section, without quoted and escaped characters. */
export function formatOf(code: string): NumberFormat {
  const letters = code
    .replace(/"[^"]*"|\\.|_.|\*./g, '')
    .split(';')[0]!
    .toLowerCase()
    .replaceAll('general', '');
  if (/\[(h+|m+|s+)\]/.test(letters)) return 'number';
  const bare = letters.replace(/\[[^\]]*\]/g, '');
  const time = /[hs]/.test(bare.replace('am/pm', 'h').replace('a/p', 'h'));
  // m alone is a month; beside h or s it is minutes. e is a year in East Asian codes, but not in 0.00E+00.
  const date = /[yd]/.test(bare) || (/m/.test(bare) && !time) || /^[^0#?]*e+[^0#?+-]*$/.test(bare);
  if (date) return time ? 'datetime' : 'date';
  return time ? 'time' : 'number';
}

/**
 * A number cell as text: a date, a time, or the decimal as the file writes it. A serial that is no day in
 * Excel's calendar stays a number, so that a date column will reject it.
 */
export function numberText(written: string, format: NumberFormat, date1904: boolean): string {
  if (format === 'number') return decimalText(written);
  return dateText(Number(written), format, date1904) ?? decimalText(written);
}

function dateText(serial: number, format: NumberFormat, date1904: boolean): string | undefined {
  if (!(serial >= 0 && serial < LAST_DAY)) return undefined;
  const seconds = Math.round((serial % 1) * 86_400);
  const day = Math.floor(serial) + (seconds === 86_400 ? 1 : 0);
  const isDay = seconds % 86_400 === 0;
  const time = isDay ? '00:00:00' : new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  if (day === 0 && format === 'time') return time;
  if (!date1904 && (day === 0 || day === LEAP_FAULT)) return undefined;
  const shift = !date1904 && day < LEAP_FAULT ? 1 : 0;
  const days = day + shift - DAY_ZERO[date1904 ? 1904 : 1900];
  const date = dayText(days);
  return isDay ? date : `${date} ${time}`;
}

/** A file names few days many times; making their text anew took 6 % of reading it. */
const DAYS = new Map<number, string>();

function dayText(days: number): string {
  let text = DAYS.get(days);
  if (text === undefined) {
    text = new Date(days * 86_400_000).toISOString().slice(0, 10);
    if (DAYS.size < 10_000) DAYS.set(days, text);
  }
  return text;
}

/**
 * The exact decimal of a number cell. Exponents are written out, and a fraction of more than 15 significant
 * digits (0.30000000000000004, as Excel stores 0.3) is rounded to 15, as Excel shows it. Never through a float.
 * Text that is no number comes back as it is; typing will reject it.
 */
export function decimalText(written: string): string {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?$/i.exec(written);
  if (match === null || (match[2] === '' && (match[3] ?? '') === '')) return written;
  const [, sign, whole = '', fraction = '', exponent] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (exponent === undefined && (fraction === '' || digits.length <= SIGNIFICANT)) {
    return (
      (sign === '-' ? '-' : '') +
      (whole === '' ? `0.${fraction}` : fraction === '' ? whole : `${whole}.${fraction}`)
    );
  }
  return expanded(sign === '-' ? '-' : '', whole + fraction, whole.length + Number(exponent ?? 0));
}

/** `digits` with the decimal point after place `point` (which may lie outside them), rounded to 15 digits. */
function expanded(sign: string, allDigits: string, point: number): string {
  const leading = /^0*/.exec(allDigits)![0].length;
  let digits = allDigits.slice(leading);
  let place = point - leading;
  if (digits.length > SIGNIFICANT) {
    const up = digits.charCodeAt(SIGNIFICANT) >= 53; // '5'
    const kept = (BigInt(digits.slice(0, SIGNIFICANT)) + (up ? 1n : 0n)).toString();
    place += kept.length - SIGNIFICANT;
    digits = kept;
  }
  digits = digits.replace(/0+$/, '');
  if (digits === '') return '0';
  if (place <= 0) return `${sign}0.${'0'.repeat(-place)}${digits}`;
  if (place >= digits.length) return sign + digits + '0'.repeat(place - digits.length);
  return `${sign}${digits.slice(0, place)}.${digits.slice(place)}`;
}

/** `_x000D_` stands for a character that XML cannot hold, `_x005F_` for an underscore before such a code. */
export function unescaped(text: string): string {
  if (!text.includes('_x')) return text;
  return text.replace(/_x([0-9a-f]{4})_/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
