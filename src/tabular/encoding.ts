import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { LkpError } from '../job.ts';

const CHUNK_BYTES = 1 << 20;
const SNIFF_BYTES = 512;

/** How a file's bytes are read. */
export interface Encoding {
  /** As it is called in results: `utf-8`, `utf-16le`, `windows-1252`, ... */
  readonly name: string;
  /** Bytes of the byte order mark. */
  readonly mark: number;
}

/** Names that people and Python give, and the WHATWG Encoding Standard does not. */
const ALIASES: Readonly<Record<string, string>> = { cp932: 'shift_jis', ms932: 'shift_jis', utf16: 'utf-16' };

/**
 * The encoding of a file: that of its byte order mark, else the hint, else UTF-16 where every second byte of its
 * beginning is nothing, else UTF-8. Throws LkpError('request') for a hint that nobody knows.
 */
export async function encodingIn(path: string, name: string, hint: string | undefined): Promise<Encoding> {
  const first = await firstBytes(path);
  if (first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf) return { name: 'utf-8', mark: 3 };
  if (first[0] === 0xff && first[1] === 0xfe) return { name: 'utf-16le', mark: 2 };
  if (first[0] === 0xfe && first[1] === 0xff) return { name: 'utf-16be', mark: 2 };
  return { name: hint === undefined ? (utf16Of(first) ?? 'utf-8') : known(hint, name), mark: 0 };
}

async function firstBytes(path: string): Promise<Buffer> {
  for await (const chunk of createReadStream(path, { end: SNIFF_BYTES - 1 })) return chunk as Buffer;
  return Buffer.alloc(0);
}

/** No text but UTF-16 has a NUL in many of its even places and in no odd one, or the other way round. */
function utf16Of(first: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  const nothing = [0, 0];
  for (const [index, byte] of first.entries()) if (byte === 0) nothing[index % 2]! += 1;
  const [even, odd] = nothing as [number, number];
  if (even + odd < 2 || (even + odd) * 12 < first.length || (even > 0 && odd > 0)) return undefined;
  return odd > 0 ? 'utf-16le' : 'utf-16be';
}

function known(hint: string, name: string): string {
  const label = hint.trim().toLowerCase();
  try {
    const { encoding } = new TextDecoder(ALIASES[label] ?? label);
    // The standard reads ISO 8859-1 and -9 as windows-1252 and -1254; the bytes that only those have are refused.
    const iso = /^(?:iso[-_]?)?8859[-_]?(1|9)$/.exec(label);
    return iso ? `iso-8859-${iso[1]}` : encoding;
  } catch (cause) {
    throw new LkpError(
      'request',
      `The encoding "${hint}" for ${name} is not known. Use a name such as utf-8, windows-1252 or utf-16le.`,
      { cause },
    );
  }
}

/**
 * The file's bytes as UTF-8 without byte order mark, at most the first `end` of them. UTF-8 passes through untouched: who
 * reads it checks it. Throws LkpError('request') with the offset of the first bytes that stand for no character.
 */
export async function* decoded(
  path: string,
  name: string,
  { name: encoding, mark }: Encoding,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES, start: mark, end: mark + end - 1 });
  if (encoding === 'utf-8') {
    yield* stream as AsyncIterable<Buffer>;
    return;
  }
  // Node 20 reads windows-1252 as ISO 8859-1 unless it is read as a stream.
  const decoder = new TextDecoder(encoding, { fatal: true });
  let offset = mark;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const text = decoder.decode(chunk, { stream: true });
      if (text.length === chunk.length) refuseUndefined(name, encoding, chunk, text, offset);
      offset += chunk.length;
      yield Buffer.from(text, 'utf8');
    }
    if (end === Number.POSITIVE_INFINITY) decoder.decode();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw undecodable(name, encoding, await undecodableAt(path, encoding, mark, offset), cause);
  }
}

/** One byte a character: bytes that the encoding leaves undefined decode to control characters, which no text has. */
function refuseUndefined(name: string, encoding: string, chunk: Buffer, text: string, offset: number): void {
  const at = encoding.startsWith('iso-8859-')
    ? chunk.findIndex((byte) => byte >= 0x80 && byte < 0xa0)
    : text.search(/[\u0080-\u009f]/);
  if (at >= 0) throw undecodable(name, encoding, offset + at);
}

/** Reads the file again: whole chunks up to `chunkAt`, then byte by byte until one does not decode. */
async function undecodableAt(path: string, encoding: string, mark: number, chunkAt: number): Promise<number> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  // Where the last character began: its other bytes are what follows it.
  let start = mark;
  let offset = mark;
  for await (const chunk of createReadStream(path, {
    highWaterMark: CHUNK_BYTES,
    start: mark,
  }) as AsyncIterable<Buffer>) {
    if (offset + chunk.length <= chunkAt) {
      decoder.decode(chunk, { stream: true });
      offset += chunk.length;
      start = offset;
      continue;
    }
    for (let index = 0; index < chunk.length; index++) {
      try {
        if (decoder.decode(chunk.subarray(index, index + 1), { stream: true }) !== '')
          start = offset + index + 1;
      } catch (error) {
        if (error instanceof TypeError) return start;
        throw error;
      }
    }
    offset += chunk.length;
  }
  return start;
}

const undecodable = (name: string, encoding: string, offset: number, cause?: unknown): LkpError =>
  new LkpError(
    'request',
    `${name} is not ${encoding}: the byte at offset ${offset} does not decode. Set the file's encoding in a profile${encoding === 'utf-8' ? ' (for example windows-1252)' : encoding.startsWith('iso-8859-') ? ` (windows-${encoding.endsWith('9') ? 1254 : 1252} has a character there)` : ''}.`,
    cause === undefined ? {} : { cause },
  );

/** Throws LkpError('request') when `bytes`, which begin at `offset` of the file, are not UTF-8. */
export function checkUtf8(bytes: Buffer, name: string, offset: number): void {
  if (!isUtf8(bytes)) throw undecodable(name, 'utf-8', offset + invalidAt(bytes));
}

/** Offset of the first byte that does not decode; only called when there is one. */
function invalidAt(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  // The longest prefix that is valid once at most three trailing bytes of a cut character are taken off.
  const valid = (length: number) =>
    [0, 1, 2, 3].some((back) => length >= back && isUtf8(bytes.subarray(0, length - back)));
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valid(middle)) low = middle;
    else high = middle - 1;
  }
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low -= 1;
  return low;
}
