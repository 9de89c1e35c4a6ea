import { openSheet } from '../../src/excel/table.ts';

/** Opens the workbook it is given, says so, and stays. */
await openSheet(process.argv[2]!);
console.log('open');
setInterval(() => undefined, 1_000);
