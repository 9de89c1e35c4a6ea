import type { LoadResult } from '../reference/load.ts';
import { count, oneLine, table } from './text.ts';

/* What a load of reference data did. */

export function loadText(results: readonly LoadResult[], dryRun: boolean): string {
  const parts = [
    table(
      ['file', 'status', 'rows in', dryRun ? 'would load' : 'loaded', 'unchanged', 'rejected'],
      results.map((result) => [
        result.name,
        dryRun && result.status === 'loaded' ? 'can be loaded' : result.status,
        count(result.lines_in),
        count(result.loaded),
        count(result.unchanged),
        count(result.rejected),
      ]),
    ),
  ];
  for (const result of results) {
    const name = oneLine(result.name);
    if (result.reason) parts.push(`${name}: ${oneLine(result.reason)}`);
    for (const { row, reason, hint } of result.rejections)
      parts.push(`${name}, row ${row}: ${oneLine(reason)} ${hint}`);
    for (const warning of result.warnings) parts.push(`${name}: ${oneLine(warning)}`);
  }
  if (dryRun) parts.push('This was a dry run: nothing was stored.');
  return parts.join('\n');
}
