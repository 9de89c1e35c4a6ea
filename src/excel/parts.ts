import { open } from 'node:fs/promises';
import { TextDecoder } from 'node:util';
import { crc32 } from 'node:zlib';
import { SaxesParser } from 'saxes';
import yauzl from 'yauzl';
import { LkpError } from '../job.ts';

/** What a workbook may cost before it is refused. A real one of 1,000,000 rows unpacks to some 600 MB. */
export const LIMITS = {
  entries: 10_000,
  /** Names, extra fields and comments of all of them are held while the workbook is open. */
  directoryBytes: 8_000_000,
  entryBytes: 800_000_000,
  totalBytes: 950_000_000,
  /** Shared strings are held in memory: characters of all of them. A million of them have some 30,000,000. */
  heldCharacters: 100_000_000,
  /** Characters of one text or tag, and of one row. A cell of Excel has 32,767 at most, a row 16,384 cells. */
  text: 1 << 20,
  row: 2 << 20,
  /** Sheets pack 5 to 30 times; a bomb packs 1,000 times. Small parts may pack better. */
  ratio: 250,
  ratioFromBytes: 16_000_000,
  depth: 200,
};

const OLE = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const SAVE_AGAIN = 'Open it in Excel and save it again as .xlsx';

export function refuse(sentence: string, cause?: unknown): LkpError {
  return new LkpError('request', sentence, cause === undefined ? undefined : { cause });
}

/** The parts of an opened package, by lower-case name without a leading slash. */
export interface Parts {
  has(name: string): boolean;
  readonly names: readonly string[];
  /** Bytes of a part, unpacked; 0 when it is not there. */
  size(name: string): number;
  /** Text of a part in pieces, as it unpacks. Its size and CRC are checked; a fault throws after the last good piece. */
  text(name: string): AsyncGenerator<string>;
  close(): void;
}

/**
 * Opens a zip package and checks its directory before anything is unpacked: number of entries, sizes, ratio,
 * encryption, two parts of one name.
 */
export async function openParts(path: string): Promise<Parts> {
  await checkSignature(path);
  const zip = await openZip(path);
  try {
    const entries = await directory(zip);
    return {
      has: (name) => entries.has(name),
      names: [...entries.keys()],
      size: (name) => entries.get(name)?.uncompressedSize ?? 0,
      text: (name) => partText(zip, entries, name),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function checkSignature(path: string): Promise<void> {
  const file = await open(path);
  try {
    const head = Buffer.alloc(1_000_000);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const start = head.subarray(0, bytesRead);
    if (bytesRead === 0) throw refuse('The file is empty; an .xlsx workbook was wanted. Send it again.');
    if (start.subarray(0, 8).equals(OLE)) {
      throw start.includes(Buffer.from('EncryptedPackage', 'utf16le'))
        ? refuse(
            'The workbook is protected by a password; one that opens without was wanted. Remove the password and save it again.',
          )
        : refuse(`The file is an old Excel workbook (.xls); an .xlsx workbook was wanted. ${SAVE_AGAIN}.`);
    }
    if (start.subarray(0, 2).toString('latin1') !== 'PK') {
      throw refuse(`The file is not an .xlsx workbook (it does not begin as a zip archive). ${SAVE_AGAIN}.`);
    }
  } finally {
    await file.close();
  }
}

async function openZip(path: string): Promise<yauzl.ZipFile> {
  try {
    // Names are only keys here, never paths; decoding them ourselves keeps yauzl from refusing `\` and a leading `/`.
    return await yauzl.openPromise(path, { autoClose: false, lazyEntries: true, decodeStrings: false });
  } catch (error) {
    throw refuse(
      'The workbook is cut off or damaged: the directory at its end is missing. Send the whole file again.',
      error,
    );
  }
}

async function directory(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  if (zip.entryCount > LIMITS.entries) {
    throw refuse(
      `The workbook has ${zip.entryCount} parts; at most ${LIMITS.entries} are read. ${SAVE_AGAIN}.`,
    );
  }
  const entries = new Map<string, yauzl.Entry>();
  let total = 0;
  let held = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileNameRaw.toString('utf8').replaceAll('\\', '/').replace(/^\/+/, '').toLowerCase();
      if (name.endsWith('/')) continue;
      if (entry.isEncrypted()) {
        throw refuse(
          'The workbook is encrypted; one that opens without a password was wanted. Remove the password and save it again.',
        );
      }
      if (entries.has(name)) {
        throw refuse(
          `The workbook holds two parts named ${name}, so what it says is not certain. ${SAVE_AGAIN}.`,
        );
      }
      held += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
      if (held > LIMITS.directoryBytes)
        throw refuse(
          `The names of the workbook's parts take more than ${LIMITS.directoryBytes / 1e6} MB, as in no real one. ${SAVE_AGAIN}.`,
        );
      total += entry.uncompressedSize;
      checkSize(entry, name, total);
      entries.set(name, entry);
    }
  } catch (error) {
    if (error instanceof LkpError) throw error;
    throw refuse(
      'The workbook is cut off or damaged: its directory cannot be read. Send the whole file again.',
      error,
    );
  }
  return entries;
}

function checkSize(entry: yauzl.Entry, name: string, total: number): void {
  const size = entry.uncompressedSize;
  if (size > LIMITS.entryBytes || total > LIMITS.totalBytes) {
    throw refuse(
      `The workbook unpacks to more than ${Math.floor(LIMITS.totalBytes / 1e6)} MB (at ${name}); that is too large to read. Split it, or send it as CSV.`,
    );
  }
  if (size > LIMITS.ratioFromBytes && size > entry.compressedSize * LIMITS.ratio) {
    throw refuse(
      `The part ${name} unpacks to ${Math.ceil(size / entry.compressedSize)} times its size, as no real sheet does. ${SAVE_AGAIN}, or send it as CSV.`,
    );
  }
}

async function* partText(
  zip: yauzl.ZipFile,
  entries: Map<string, yauzl.Entry>,
  name: string,
): AsyncGenerator<string> {
  const entry = entries.get(name);
  if (entry === undefined)
    throw refuse(`The workbook names a part ${name} that is not in it. ${SAVE_AGAIN}.`);
  let sum = 0;
  let decoder: TextDecoder | undefined;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
      yield decoder.decode(chunk, { stream: true });
    }
    if (decoder !== undefined) yield decoder.decode();
  } catch (error) {
    if (error instanceof LkpError) throw error;
    throw refuse(
      `The part ${name} of the workbook is damaged and cannot be unpacked. Send the file again.`,
      error,
    );
  }
  if (sum !== entry.crc32) {
    throw refuse(
      `The part ${name} of the workbook is damaged: its checksum does not match. Send the file again.`,
    );
  }
}

/** XML without a byte-order mark is UTF-8 in every workbook we know of. */
function encodingOf(chunk: Buffer): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le';
  if (chunk[0] === 0xfe && chunk[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

/** What happens in an XML part. Names come without prefix; depth 1 is the root. */
export interface XmlEvents {
  open(name: string, attributes: Record<string, string>, depth: number): void;
  text?(text: string): void;
  close?(name: string, depth: number): void;
}

/**
 * Parses a part and yields after each piece, so that the caller can hand on what was read before more is unpacked.
 * Other ERP systems prefix every element (`x:row`), so prefixes are dropped. A DOCTYPE is refused.
 */
export async function* parseXml(parts: Parts, name: string, events: XmlEvents): AsyncGenerator<void> {
  const parser = new SaxesParser({ position: false });
  let depth = 0;
  /** Characters since the parser last told something: what it may be holding, for it joins a whole text before it hands it out. */
  let held = 0;
  const fault = (error: Error): LkpError =>
    error instanceof LkpError
      ? error
      : refuse(
          `The part ${name} of the workbook is not well-formed XML, or is cut off. ${SAVE_AGAIN}.`,
          error,
        );
  parser.on('error', (error) => {
    throw fault(error);
  });
  parser.on('doctype', () => {
    throw refuse(
      `The part ${name} of the workbook declares a DOCTYPE, which no workbook needs. ${SAVE_AGAIN}.`,
    );
  });
  parser.on('opentag', (tag) => {
    held = 0;
    depth += 1;
    if (depth > LIMITS.depth)
      throw refuse(`The part ${name} of the workbook is nested too deeply. ${SAVE_AGAIN}.`);
    // Without xmlns an attribute is its text; saxes' typings cannot tell.
    events.open(local(tag.name), tag.attributes as Record<string, string>, depth);
  });
  parser.on('closetag', (tag) => {
    held = 0;
    events.close?.(local(tag.name), depth);
    depth -= 1;
  });
  if (events.text !== undefined) {
    const onText = events.text.bind(events);
    parser.on('text', onText);
    parser.on('cdata', onText);
  }
  for await (const piece of parts.text(name)) {
    held += piece.length;
    parser.write(piece);
    if (held > LIMITS.text)
      throw refuse(
        `The part ${name} of the workbook has more than ${LIMITS.text} characters in one piece, as no cell has. ${SAVE_AGAIN}.`,
      );
    yield;
  }
  parser.close();
  yield;
}

/** Parses a whole part; for the small ones and those held in memory. */
export async function readXml(parts: Parts, name: string, events: XmlEvents): Promise<void> {
  for await (const _ of parseXml(parts, name, events));
}

export function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
