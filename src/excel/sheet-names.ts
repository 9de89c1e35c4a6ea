import { visible } from './cells.ts';

const MAX_NAME = 31;

/**
 * Gives each wanted name a valid and unique sheet name: at most 31 characters, none of `* ? : \ / [ ]`, no
 * quotes at the ends, not `History` (Excel keeps it for itself), never the same as another but for case.
 * `part` 2, 3, ... names the continuation of a long table: `KPI lines (2)`.
 */
export function sheetNames(): (wanted: string, part?: number) => string {
  const taken = new Set<string>();
  return (wanted, part = 1) => {
    const base = cleaned(wanted);
    for (let number = part; ; number += 1) {
      const suffix = number === 1 ? '' : ` (${number})`;
      const name = cut(base, MAX_NAME - suffix.length) + suffix;
      if (taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      return name;
    }
  };
}

function cleaned(wanted: string): string {
  const name = visible(wanted)
    .replace(/[*?:\\/[\]\t\n]/g, ' ')
    // A quote would need doubling wherever a formula or a print title names the sheet; exceljs does not.
    .replaceAll("'", '’')
    .replace(/ {2,}/g, ' ')
    .trim();
  if (name === '') return 'Sheet';
  return name.toLowerCase() === 'history' ? 'History sheet' : name;
}

/** Never through a surrogate pair. */
function cut(name: string, length: number): string {
  return name
    .slice(0, length)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim();
}
