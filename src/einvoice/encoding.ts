import { createReadStream } from 'node:fs';
import { LkpError } from '../job.ts';

const PIECE_BYTES = 1 << 16;
/** How far an XML declaration is looked for. */
const DECLARATION_BYTES = 512;

export interface Encoded {
  /** As TextDecoder names it: `utf-8`, `utf-16le`, `windows-1252`, ... */
  readonly encoding: string;
  /** The text in pieces of at most 64 KB of bytes, without byte order mark. Stops reading when nobody asks for more. */
  pieces(): AsyncGenerator<string>;
}

/**
 * The characters of an XML file: by its byte order mark, else by its declaration, else UTF-8 (XML 1.0, appendix F).
 * Decoded strictly: a byte that does not decode is LkpError('request') with its offset. Refused by name: every other
 * encoding.
 */
export async function openEncoded(path: string, name: string): Promise<Encoded> {
  const encoding = encodingOf(await firstBytes(path), name);
  return { encoding, pieces: () => decoded(path, name, encoding) };
}

async function firstBytes(path: string): Promise<Buffer> {
  for await (const chunk of createReadStream(path, { end: DECLARATION_BYTES - 1 })) return chunk as Buffer;
  return Buffer.alloc(0);
}

const MARKS: ReadonlyArray<readonly [bytes: string, encoding: string]> = [
  ['fffe0000', 'UTF-32'],
  ['0000feff', 'UTF-32'],
  ['4c6fa794', 'EBCDIC'],
  ['efbbbf', 'utf-8'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  // Without a mark: the `<` of the declaration.
  ['3c00', 'utf-16le'],
  ['003c', 'utf-16be'],
];
const READ = /^(utf-?8|utf-16(le|be)|iso-?8859-\d{1,2}|latin1|(windows-|cp)125\d)$/i;

function encodingOf(head: Buffer, name: string): string {
  const hex = head.toString('hex', 0, 4);
  const marked = MARKS.find(([bytes]) => hex.startsWith(bytes))?.[1];
  const declared = /^<\?xml\s[^>]*?encoding\s*=\s*["']([^"'>]{1,40})["']/.exec(head.toString('latin1'))?.[1];
  // ASCII is read as the UTF-8 that it is: a byte above it still refuses.
  const found = (marked ?? declared ?? 'utf-8').replace(/^us-ascii$/i, 'utf-8');
  // A declaration that can be read byte by byte was not written in UTF-16.
  if (READ.test(found) && (marked !== undefined || !/^utf-16/i.test(found))) {
    try {
      return new TextDecoder(found, { fatal: true }).encoding;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new LkpError(
    'request',
    /^utf-16/i.test(found)
      ? `${name} declares the encoding ${found} and is not written in it. Ask its sender for the file in UTF-8.`
      : `${name} is in the encoding ${found}, which is not read; UTF-8, UTF-16, ISO-8859 or windows-125x was wanted. Ask its sender for the file in UTF-8.`,
  );
}

async function* decoded(path: string, name: string, encoding: string): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let read = 0;
  try {
    for await (const chunk of createReadStream(path, {
      highWaterMark: PIECE_BYTES,
    }) as AsyncIterable<Buffer>) {
      yield decoder.decode(chunk, { stream: true });
      read += chunk.length;
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const offset = await offsetOfFault(path, encoding, read);
    throw new LkpError(
      'request',
      `${name} is not ${encoding}: the byte at offset ${offset} does not decode. Ask its sender for the file in the encoding that it declares.`,
      { cause: error },
    );
  }
}

/** The first byte that does not decode, behind the `good` bytes that do; the end of the file when a character is cut there. */
async function offsetOfFault(path: string, encoding: string, good: number): Promise<number> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let offset = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    if (offset + chunk.length <= good) {
      decoder.decode(chunk, { stream: true });
      offset += chunk.length;
      continue;
    }
    try {
      for (const byte of chunk) {
        decoder.decode(Uint8Array.of(byte), { stream: true });
        offset += 1;
      }
    } catch {
      return offset;
    }
  }
  return offset;
}
