import { readdirSync, readFileSync } from 'node:fs';
import { openSheet } from '../src/excel/table.ts';
import { peakOf } from './ground.ts';

/** Reads the first sheet of a workbook as an ingest does, and prints how long that took: the start of the reading process counts. */
const started = performance.now();
const table = await openSheet(process.argv[2]!);
let megabytes = 0;
for await (const _ of table.body({ headerRow: 1, width: table.head[0]!.cells.length }))
  megabytes = Math.max(megabytes, ...children().map(peakOf));
console.log(
  JSON.stringify({ seconds: (performance.now() - started) / 1000, rows: table.counts.physical, megabytes }),
);

function children(): number[] {
  return readdirSync(`/proc/${process.pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${process.pid}/task/${thread}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}
