import { open } from 'node:fs/promises';
import { LkpError } from '../job.ts';

/** What the first bytes of a file say it is. `text` may be a CSV, `xml` an e-invoice; what else it knows is refused by name. */
export type Format = 'text' | 'zip' | 'xml' | { readonly refused: string };

const MAGIC: ReadonlyArray<readonly [bytes: string, is: string]> = [
  ['255044462d', 'a PDF document'],
  ['d0cf11e0a1b11ae1', 'an old Excel workbook (.xls) or another OLE file'],
  ['526172211a07', 'a RAR archive'],
  ['1f8b', 'a gzip archive'],
  ['377abcaf271c', 'a 7-Zip archive'],
  ['7b5c727466', 'an RTF document'],
  ['3082', 'a signed envelope (.p7m) or another DER file'],
  ['49492a00', 'a TIFF picture'],
  ['4d4d002a', 'a TIFF picture'],
  ['89504e47', 'a PNG picture'],
  ['ffd8ff', 'a JPEG picture'],
];

/** Reads the first bytes. Throws LkpError when there is no such file, it is a folder, or it is empty. */
export async function formatOf(path: string): Promise<Format> {
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT')
      throw new LkpError('request', `There is no file ${path}. Check the path and repeat.`, { cause });
    throw new LkpError(
      'machine',
      `The file ${path} cannot be read (${cause.code}). Check its permissions and repeat.`,
      { cause },
    );
  });
  try {
    if ((await handle.stat()).isDirectory())
      throw new LkpError('request', `${path} is a folder; a file was wanted. Name the file.`);
    const head = Buffer.alloc(512);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead === 0) return { refused: 'empty: it has no bytes' };
    return formatOfBytes(head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function formatOfBytes(head: Buffer): Format {
  const hex = head.toString('hex', 0, 16);
  if (hex.startsWith('504b0304') || hex.startsWith('504b0506')) return 'zip';
  const magic = MAGIC.find(([bytes]) => hex.startsWith(bytes));
  if (magic) return { refused: magic[1] };
  const text = beginning(head).trimStart().toLowerCase();
  if (text.startsWith('<!doctype html') || text.startsWith('<html')) return { refused: 'an HTML page' };
  if (text.startsWith('<')) return 'xml';
  if (text.startsWith('{') || text.startsWith('[{')) return { refused: 'a JSON document' };
  return 'text';
}

/** The first characters, where they are ASCII: in UTF-16, with a byte order mark or not, every second byte is nothing. */
const beginning = (head: Buffer): string =>
  head
    .toString('latin1')
    .replace(/^(\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/, '')
    .replaceAll('\0', '');
