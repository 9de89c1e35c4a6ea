import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Figure, type Ground, largeFile, median, shown } from './ground.ts';

const PYTHON = '/usr/bin/python3';
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);

interface Read {
  readonly seconds: number;
  readonly rows: number;
  readonly megabytes: number;
}

/**
 * The rows of a workbook made COPY bytes, in the process of its own that an ingest starts for it, against openpyxl's
 * read-only mode, which hands out its values; in alternating pairs on the same file.
 */
export async function benchReading(
  ground: Ground,
  lines: number,
  pairs: number,
  say: (text: string) => void,
): Promise<Figure[]> {
  const { path } = await largeFile(ground, 'reading', { lines });
  const book = join(ground.folder, 'reading.xlsx');
  await run(PYTHON, [script('make_workbook.py'), path, book]).catch((cause) => {
    throw new Error('This bench needs python3-xlsxwriter and python3-openpyxl (Debian).', { cause });
  });
  const ours: Read[] = [];
  const theirs: Read[] = [];
  try {
    for (let pair = 1; pair <= pairs; pair++) {
      theirs.push(await told(PYTHON, [script('with_openpyxl.py'), book], lines + 1));
      ours.push(
        await told(process.execPath, ['--import', 'tsx', script('read-workbook.ts'), book], lines + 1),
      );
      say(
        `reading ${pair} of ${pairs}: openpyxl ${shown([theirs.at(-1)!.seconds])} s, ours ${shown([ours.at(-1)!.seconds])} s`,
      );
    }
  } finally {
    await rm(book);
  }
  const seconds = (reads: readonly Read[]) => shown(reads.map((read) => read.seconds));
  const megabytes = (reads: readonly Read[]) => reads.map((read) => Math.round(read.megabytes)).join(', ');
  return [
    {
      bench: 'reading',
      figure: `time to read a workbook of ${lines.toLocaleString('en')} rows / openpyxl, read-only`,
      atMost: 1,
      value: median(ours.map((read, index) => read.seconds / theirs[index]!.seconds)),
      madeOf: `ours ${seconds(ours)} s; openpyxl ${seconds(theirs)} s`,
    },
    {
      bench: 'reading',
      figure: 'peak memory of the process that reads, MB',
      atMost: 300,
      value: Math.max(...ours.map((read) => read.megabytes)),
      madeOf: `ours ${megabytes(ours)}; openpyxl ${megabytes(theirs)}`,
    },
  ];
}

/** What a reader says of itself; fails the bench when it did not read every row. */
async function told(command: string, words: readonly string[], rows: number): Promise<Read> {
  const { stdout } = await run(command, [...words]);
  const read = JSON.parse(stdout) as Read;
  if (read.rows !== rows) throw new Error(`${words.at(-2)} read ${read.rows} rows of ${rows}`);
  return read;
}
