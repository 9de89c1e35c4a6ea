import { stat } from 'node:fs/promises';
import { SaxesParser } from 'saxes';
import { LkpError } from '../job.ts';
import { openEncoded } from './encoding.ts';

/**
 * What an XML file may cost before it is refused. An invoice of 100,000 lines has some 140 MB and 2,300,000
 * elements, and is 10 deep; attachments make it larger and no deeper.
 */
export const LIMITS = {
  bytes: 500_000_000,
  depth: 100,
  elements: 10_000_000,
  /** Characters of one text, comment, name or attribute; attachments are not counted. */
  text: 1 << 20,
};

/** What happens in a document; names are resolved to their namespace, so that prefixes mean nothing. */
export interface XmlEvents {
  /** An element begins. True: its own text is wanted, and comes with `close`. */
  open(namespace: string, local: string, attribute: (name: string) => string | undefined): boolean;
  /** The element ends. `text`: what stands directly in it, as far as it was wanted. */
  close(text: string): void;
}

/** A long text of nothing but these, in an element that nobody asked for, is the inside of an attachment. */
const BASE64 = /^[A-Za-z0-9+/=\s]*$/;

/**
 * Parses a file and yields after each piece, so that the caller can hand on what was read, or stop. Memory is bounded by
 * the limits: the parser joins a whole text before it hands it out, so pieces of attachments never reach it.
 * Throws LkpError('request') that names what is wrong: not well-formed, cut off, a DOCTYPE, a limit.
 */
export async function* readXml(path: string, name: string, events: XmlEvents): AsyncGenerator<void> {
  const refuse = (what: string, cause?: unknown) =>
    new LkpError('request', `${name} ${what}`, cause === undefined ? undefined : { cause });
  const { size } = await stat(path);
  if (size > LIMITS.bytes)
    throw refuse(`has ${megabytes(size)} MB; at most ${megabytes(LIMITS.bytes)} are read. ${SPLIT}`);
  // Nine handlers make its object slow for V8, and reading takes four times as long; these five do not.
  const parser = new SaxesParser({ xmlns: true, position: false });
  const inside: string[] = [];
  let elements = 0;
  let wanted = false;
  let text = '';
  /** Characters since the parser last told something: what it may be holding. */
  let held = 0;

  parser.on('doctype', (doctype) => {
    throw /^\s*html\b/i.test(doctype)
      ? refuse('is an HTML page; an invoice was wanted. Ask its sender for the file itself.')
      : refuse(
          'declares a DOCTYPE, which no e-invoice needs and which is not read. Ask its sender for one without.',
        );
  });
  parser.on('opentag', (tag) => {
    held = 0;
    elements += 1;
    inside.push(tag.local);
    if (inside.length > LIMITS.depth)
      throw refuse(`is nested more than ${LIMITS.depth} elements deep, as no e-invoice is. ${SEND_AGAIN}`);
    if (elements > LIMITS.elements)
      throw refuse(`has more than ${LIMITS.elements.toLocaleString('en')} elements. ${SPLIT}`);
    wanted = events.open(tag.uri, tag.local, (attribute) => tag.attributes[attribute]?.value);
    text = '';
    if (wanted) parser.on('text', more);
    else parser.off('text');
  });
  parser.on('closetag', () => {
    held = 0;
    if (wanted) parser.off('text');
    wanted = false;
    events.close(text);
    text = '';
    inside.pop();
  });
  const more = (piece: string): void => {
    held = 0;
    if (wanted) text += piece;
    if (text.length > LIMITS.text) throw tooLong();
  };
  parser.on('cdata', more);
  const tooLong = () =>
    refuse(`has more than ${LIMITS.text} characters in one piece, ${place()}. ${SEND_AGAIN}`);
  const place = () => (inside.length === 0 ? 'outside its root element' : `inside <${inside.at(-1)}>`);
  const parse = (piece: string): void => {
    try {
      held += piece.length;
      parser.write(piece);
    } catch (error) {
      throw error instanceof LkpError ? error : malformed(error);
    }
    if (held > LIMITS.text) throw tooLong();
  };
  const malformed = (cause: unknown) =>
    refuse(`is not well-formed XML, or was cut off: the fault is ${place()}. ${SEND_AGAIN}`, cause);

  for await (const piece of (await openEncoded(path, name)).pieces()) {
    for (const part of partsOf(piece)) if (wanted || !isAttachment(part)) parse(part);
    yield;
  }
  try {
    parser.close();
  } catch (error) {
    throw malformed(error);
  }
  yield;
}

/** Shorter runs of text cost less in the parser than in looking at them. */
const RUN = 512;
const isAttachment = (part: string): boolean => part.length >= RUN && BASE64.test(part);

/** Cuts a piece where long texts begin and end, so that the parser has seen the tag before one when it is looked at. */
function* partsOf(piece: string): Generator<string> {
  let start = 0;
  for (let from = 0; ; ) {
    const tag = piece.indexOf('<', from);
    const end = tag === -1 ? piece.length : tag;
    if (end - from >= RUN) {
      if (from > start) yield piece.slice(start, from);
      yield piece.slice(from, end);
      start = end;
    }
    const behind = tag === -1 ? -1 : piece.indexOf('>', tag);
    if (behind === -1) break;
    from = behind + 1;
  }
  if (start < piece.length) yield piece.slice(start);
}

const SEND_AGAIN = 'Ask its sender for the whole file, and repeat.';
const SPLIT = 'Ask its sender for more than one file.';
const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);
